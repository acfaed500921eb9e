/**
 * A scene: a world in which something has happened, what is true in it, and who looks at its store. Scenes are made once per
 * run by whole devices; every case works on a clone.
 */
import { type Bytes, hex } from '../../src/bytes.ts';
import { loadSession, newSession, saveSession } from '../../src/device/session.ts';
import type { Device } from '../../src/device/device.ts';
import { type Entry, parseEntry } from '../../src/format/entry.ts';
import { Passport } from '../../src/index.ts';
import { registryObjects } from '../../src/ceremonies/decide.ts';
import { decidedAt } from '../../src/ceremonies/chain.ts';
import { inside } from '../helpers/hostile.ts';
import { type Home, type Member, PASSPHRASE, type World } from '../helpers/mesh.ts';
import { Secrets } from './secrets.ts';

/** What a device believes after it looked. */
export interface Outcome {
  /** Ids of its entries, as hex. */
  readonly entries: readonly string[];
  /** Holders by name, with their state. */
  readonly devices: Readonly<Record<string, string>>;
  /** Values by key, as hex; undefined when this device has no session of its epoch. */
  readonly records: Readonly<Record<string, string>> | undefined;
}

export interface Observer {
  readonly name: string;
  /** Does what the device does; its home stands at `home` in the world then. */
  look(world: World): Promise<Passport | undefined>;
  readonly home: number;
  /** Entries that may come on top of those of the scene, by their request's bytes as hex; `any`: one of its own. */
  readonly mayDecide: 'nothing' | 'asked' | 'any';
}

export interface Insider {
  readonly home: number;
  /** Its home is of the time before it was revoked. */
  readonly revoked: boolean;
}

export interface Scene {
  readonly name: string;
  readonly world: World;
  readonly pid: Bytes;
  readonly entries: readonly string[];
  /** The decided entries themselves. */
  readonly parsed: readonly Entry[];
  /** KEKs by epoch. */
  readonly keks: ReadonlyMap<number, Bytes>;
  /** Every value that a record ever had, as hex. */
  readonly values: ReadonlyMap<string, ReadonlySet<string>>;
  readonly observers: readonly Observer[];
  readonly insiders: readonly Insider[];
  readonly secrets: Secrets;
  /** The open request, as hex. */
  readonly asked: string | undefined;
  /** There is another store with everything in it that nobody touches. */
  readonly spared: boolean;
}

const text = new TextEncoder();

/** Writes records and remembers every value. */
export class Notebook {
  readonly values = new Map<string, Set<string>>();

  async put(member: Member, key: string, value: string): Promise<void> {
    this.know(key, value);
    await member.passport.put(key, value);
  }

  know(key: string, value: string): void {
    const known = this.values.get(key) ?? new Set<string>();
    this.values.set(key, known.add(hex(text.encode(value))));
  }

  async delete(member: Member, key: string): Promise<void> {
    await member.passport.delete(key);
  }
}

/** The KEK of a member's session and of all epochs before. */
export async function keksOf(member: Member): Promise<Map<number, Bytes>> {
  const { home, passport } = member;
  const device = await inside(home);
  const secret = passport.session()?.secret;
  const stored = secret && (await loadSession(home.environment.sessions, device.pid, secret, home.clock));
  if (!stored) throw new Error('this member has no session');
  const state = await device.asMember(async (view) => view.state);
  await device.useSession(stored, state);
  const keks = new Map<number, Bytes>();
  for (let epoch = stored.epoch; epoch >= 0; epoch--) keks.set(epoch, device.kek(epoch) as Bytes);
  return keks;
}

async function entriesOf(device: Device): Promise<Entry[]> {
  return device.asMember(async (view) => {
    const entries: Entry[] = [];
    for (const [slot] of await registryObjects(view.tx)) {
      const decided = await decidedAt(device, view, slot);
      if (decided !== undefined) entries[slot] = parseEntry(decided.entry.bytes);
    }
    return entries;
  });
}

/** The secrets of all homes of a world. */
async function secretsOf(world: World, kits: readonly string[], values: Notebook['values'], keks: Iterable<Bytes>) {
  const secrets = new Secrets();
  secrets.addText('the passphrase', PASSPHRASE);
  secrets.addText('the device passphrase', 'device passphrase 7');
  for (const words of kits) secrets.addWords('words of a kit', words);
  for (const kek of keks) secrets.addBytes('a KEK', kek);
  for (const [key, all] of values) {
    for (const value of all) {
      if (value.length < 12) continue;
      secrets.addText(`a value of "${key}"`, value);
      secrets.addText(`a value of "${key}"`, new TextDecoder().decode(Uint8Array.from(Buffer.from(value, 'hex'))));
    }
  }
  for (const home of world.homes) {
    if ((await home.journal.get('n/passport')) === undefined) continue;
    const device = await inside(home);
    const kept = await device.transact(async (view) => view.secrets);
    secrets.addBytes('a signing seed', kept.signSeed);
    secrets.addBytes('a local key', kept.localKey);
    if (kept.nameRoot !== null) secrets.addBytes('the name root', kept.nameRoot);
    for (const key of kept.mesh.values()) secrets.addBytes('a mesh key', key);
    for (const { privateKey } of kept.receive) secrets.addBytes('a receive key', privateKey);
    for (const { secret } of kept.oneTime) secrets.addBytes('a one-time key', secret);
  }
  return secrets;
}

export interface SceneParts {
  readonly name: string;
  readonly world: World;
  /** A member that is up to date. */
  readonly witness: Member;
  readonly keks: ReadonlyMap<number, Bytes>;
  readonly notebook: Notebook;
  readonly kits: readonly string[];
  readonly observers: readonly Observer[];
  readonly insiders: readonly Insider[];
  readonly asked?: Bytes;
  readonly spared?: boolean;
}

export async function finishScene(parts: SceneParts): Promise<Scene> {
  const { name, world, witness, keks, notebook, kits, observers, insiders, asked, spared = false } = parts;
  const device = await inside(witness.home);
  const parsed = await entriesOf(device);
  return {
    ...{ name, world, pid: device.pid, keks, parsed, observers, insiders, values: notebook.values },
    entries: parsed.map(({ id }) => hex(id)),
    secrets: await secretsOf(world, kits, notebook.values, keks.values()),
    asked: asked && hex(asked),
    spared,
  };
}

/** A passport on this home with a session of its newest epoch, when the scene knows its KEK. */
async function inSession(home: Home, keks: ReadonlyMap<number, Bytes>): Promise<Passport | undefined> {
  const device = await inside(home);
  const state = await device.transact(async (view) => view.state);
  const kek = state && keks.get(state.epoch);
  if (state === undefined || kek === undefined) return undefined;
  const { environment, clock } = home;
  const session = newSession(clock, kek, state.epoch, 3_600_000);
  const stored = { ...session, keystoreKey: await home.keystore.openKey() };
  const secret = await saveSession(environment.sessions, device.pid, stored, clock, environment.random);
  return Passport.open(environment, { sessionSecret: secret });
}

/** Everything that a device believes now; `open` is a passport that may have a session already. */
export async function outcomeOf(home: Home, open: Passport | undefined, keks: Scene['keks']): Promise<Outcome> {
  const device = await inside(home);
  const entries = await device.asMember(async ({ state }) => state.entries.map(({ id }) => hex(id)));
  const reader = open?.session() === undefined ? await inSession(home, keks) : open;
  const passport = reader ?? (await Passport.open(home.environment));
  const devices: Record<string, string> = {};
  for (const { name, state } of await passport.devices()) devices[name] = state;
  if (reader === undefined) return { entries, devices, records: undefined };
  const records: Record<string, string> = {};
  for (const { key } of await reader.list()) {
    records[key] = hex((await reader.get(key))?.value ?? new Uint8Array(0));
  }
  return { entries, devices, records };
}
