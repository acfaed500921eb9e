/**
 * One device of a passport, opened: its keystore, its replica, its view of the registry, its session. Everything that the
 * ceremonies do goes through `transact`, which hands out one consistent view and commits once.
 */
import { type Bytes, equal, hex, uintBytes } from '../bytes.ts';
import type { Value } from '../cbor.ts';
import { meshLayerKey, vaultLayerKey } from '../crypto/keys.ts';
import { guardRandom, randomBytes } from '../crypto/random.ts';
import { PassportError } from '../errors.ts';
import type { Random } from '../platform.ts';
import type { RecordContext, RecordKeys, RegistryView } from '../records/registry-view.ts';
import { openKekLink } from '../registry/links.ts';
import { stateFromValue, stateValue } from '../registry/persist.ts';
import { epochOf, head, headSlot, holderOf, memberOf, type RegistryState } from '../registry/state.ts';
import { openReplica, type Replica, type Tx } from '../replica/replica.ts';
import type { Environment } from '../types.ts';
import type { OpenSession } from './session.ts';
import { type Secrets, SecretsBox } from './secrets.ts';

/** What one transaction sees. `state` is undefined while the device is joining. */
export interface View {
  readonly tx: Tx;
  readonly state: RegistryState | undefined;
  readonly secrets: Secrets;
}

export interface MemberView extends View {
  readonly state: RegistryState;
}

/** The opened registry object that froze the registry: the slot and both entries. */
export interface Fork {
  readonly slot: number;
  readonly ids: readonly [Bytes, Bytes];
  readonly culprits: readonly string[];
  readonly suspended: readonly Bytes[];
}

export class Device {
  readonly env: Environment;
  readonly pid: Bytes;
  readonly random: Random;
  readonly replica: Replica;
  readonly box: SecretsBox;
  #session: OpenSession | undefined;
  #keks = new Map<number, Bytes>();
  readonly #dealt = new Map<string, { epoch: number; kek: Bytes }>();
  #decoded: { value: Value; state: RegistryState } | undefined;
  /** Layer keys by epoch: derived once per process. */
  #layerKeys = new Map<string, Bytes>();

  private constructor(env: Environment, pid: Bytes, box: SecretsBox, replica: Replica) {
    this.env = env;
    this.pid = pid;
    this.random = guardRandom(env.random);
    this.box = box;
    this.replica = replica;
  }

  /** Opens the home with the keystore's key; `no-passport` in an empty one. */
  static async open(env: Environment, pid: Bytes, keystoreKey: Bytes): Promise<Device> {
    const journal = await env.journal();
    const box = new SecretsBox(env.keystore, keystoreKey, pid, guardRandom(env.random));
    const name = await journal.get('n/keystore');
    if (name === undefined) throw new PassportError('no-passport', 'there is no passport in this home');
    const secrets = await box.load(new TextDecoder().decode(name));
    return Device.with(env, pid, box, openReplica({ journal, localKey: secrets.localKey, pid, random: env.random }));
  }

  /** For a home that is just being made. */
  static with(env: Environment, pid: Bytes, box: SecretsBox, replica: Replica): Device {
    return new Device(env, pid, box, replica);
  }

  async view(tx: Tx): Promise<View> {
    const value = await tx.get('registry');
    return { tx, secrets: await this.box.read(tx), state: value === undefined ? undefined : this.#decode(value) };
  }

  #decode(value: Value): RegistryState {
    if (this.#decoded?.value !== value) this.#decoded = { value, state: stateFromValue(value) };
    return this.#decoded.state;
  }

  setState(tx: Tx, state: RegistryState): void {
    const value = stateValue(state);
    this.#decoded = { value, state };
    tx.set('registry', value);
  }

  /** One transaction; `fn` may run several times (replica.ts). */
  transact<T>(fn: (view: View) => Promise<T>): Promise<T> {
    return this.replica.transact(async (tx) => fn(await this.view(tx)));
  }

  /** The same for a device that knows its registry; `waiting` while it is joining. */
  asMember<T>(fn: (view: MemberView) => Promise<T>): Promise<T> {
    return this.transact(async (view) => fn(memberView(view)));
  }

  get session(): OpenSession | undefined {
    const { clock } = this.env;
    if (this.#session !== undefined && this.#session.deadline < clock.monotonic()) this.endSession();
    return this.#session;
  }

  endSession(): void {
    this.#session = undefined;
    this.#keks.clear();
    this.#layerKeys.clear();
    this.replica.useVault(undefined);
  }

  /** Opens a session of any epoch up to the head's, and with it the KEKs of all epochs before. */
  async useSession(session: OpenSession, state: RegistryState): Promise<void> {
    this.endSession();
    const keks = new Map<number, Bytes>([[session.epoch, session.kek]]);
    for (let epoch = session.epoch; epoch > 0; epoch--) {
      const { kekLink } = epochOf(state, epoch);
      const kek = keks.get(epoch) as Bytes;
      const older = await openKekLink(this.pid, epoch, kek, kekLink as Bytes);
      keks.set(epoch - 1, older);
    }
    this.#keks = keks;
    this.#session = session;
    const key = vaultLayerKey(this.pid, session.epoch, session.kek);
    this.replica.useVault({ epoch: session.epoch, key, olderVault: (epoch) => this.#vaultKey(epoch) });
  }

  /** The KEK of an epoch, in a session of that epoch or a later one. */
  kek(epoch: number): Bytes | undefined {
    return this.session === undefined ? undefined : this.#keks.get(epoch);
  }

  #vaultKey(epoch: number): Bytes | undefined {
    const kek = this.#keks.get(epoch);
    return kek && this.#layerKey(`vault/${epoch}`, () => vaultLayerKey(this.pid, epoch, kek));
  }

  #layerKey(name: string, make: () => Bytes): Bytes {
    const known = this.#layerKeys.get(name) ?? make();
    this.#layerKeys.set(name, known);
    return known;
  }

  meshLayerKey(secrets: Secrets, epoch: number): Bytes | undefined {
    const mesh = secrets.mesh.get(epoch);
    return (
      mesh && this.#layerKey(`mesh/${epoch}/${hex(mesh.subarray(0, 4))}`, () => meshLayerKey(this.pid, epoch, mesh))
    );
  }

  /** What the records need of this view (records/registry-view.ts). */
  records({ state, secrets }: MemberView, fork?: Fork): RecordContext {
    const keys: RecordKeys = {
      epoch: state.epoch,
      meshLayerKey: (epoch) => this.meshLayerKey(secrets, epoch),
      vaultLayerKey: (epoch) => (this.session === undefined ? undefined : this.#vaultKey(epoch)),
    };
    return {
      pid: this.pid,
      device: secrets.deviceId,
      signSeed: secrets.signSeed,
      registry: registryView(state, fork),
      keys,
      random: this.random,
      clock: this.env.clock,
    };
  }

  /** Remembers, in this process only, the KEK of an epoch that this device dealt, for a session once it is decided. */
  noteDealt(entry: Bytes, dealt: { epoch: number; kek: Bytes }): void {
    this.#dealt.set(hex(entry), dealt);
  }

  dealt(entry: Bytes): { epoch: number; kek: Bytes } | undefined {
    return this.#dealt.get(hex(entry));
  }

  /** Random bytes for ids and keys. */
  bytes(length: number): Bytes {
    return randomBytes(this.random, length);
  }

  async close(): Promise<void> {
    this.endSession();
    await (await this.env.journal()).close();
  }
}

export function memberView(view: View): MemberView {
  if (view.state === undefined) {
    throw new PassportError('waiting', 'this device is still joining', {
      hint: 'Run `passport join` again with the same link.',
    });
  }
  return { ...view, state: view.state };
}

/** `revoked` for a device that has left; everything that acts for the mesh asks this first. */
export function requireHolder({ state, secrets }: MemberView): void {
  if (holderOf(state, secrets.deviceId) !== undefined) return;
  if (memberOf(state, secrets.deviceId) === undefined) return;
  throw new PassportError('revoked', 'this device was revoked', {
    hint: 'What it had is still readable here in a session; ask a current device for an invitation to come back as a new one.',
  });
}

export function registryView(state: RegistryState, fork?: Fork): RegistryView {
  const slots = new Map(state.entries.map((entry, slot) => [hex(entry.id), slot]));
  return {
    head: head(state).id,
    headSlot: headSlot(state),
    slotOf: (id) => slots.get(hex(id)),
    deviceKeyAt(id, slot) {
      const member = memberOf(state, id);
      if (member?.kind !== 'device' || member.entered > slot || (member.left !== null && member.left <= slot))
        return undefined;
      return member.signKey;
    },
    cutOf(id) {
      const member = memberOf(state, id);
      return member === undefined || member.left === null ? undefined : { slot: member.left, heads: member.cut };
    },
    suspended: (id) => fork !== undefined && fork.suspended.some((other) => equal(other, id)),
    timeOf: (id) => state.entries[slots.get(hex(id)) ?? -1]?.time,
    epochAt: (slot) => state.entries[slot]?.epoch ?? 0,
  };
}

/** The fork that this device has seen, if any. */
export async function forkOf(tx: Tx): Promise<Fork | undefined> {
  const value = (await tx.get('fork')) as [number, [Bytes, Bytes], string[], Bytes[]] | undefined;
  return value && { slot: value[0], ids: value[1], culprits: value[2], suspended: value[3] };
}

/** For the anchor: the home's instance and how far its journal had come. */
export function anchorNote(instance: Bytes, generation: number): Bytes {
  const note = new Uint8Array(22);
  note.set(instance);
  note.set(uintBytes(generation, 6), 16);
  return note;
}
