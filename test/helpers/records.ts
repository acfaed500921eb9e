/**
 * A mesh for tests of the records: devices with their journals, and a registry that simply is what the test says. Every device
 * knows the entries up to its own `head`, has its own clock, and hears only what the test delivers to it.
 */
import { hex, utf8, type Bytes } from '../../src/bytes.ts';
import { holderId } from '../../src/crypto/keys.ts';
import { useProvider } from '../../src/crypto/provider.ts';
import { signingKey } from '../../src/crypto/sign.ts';
import { nodeProvider } from '../../src/node/provider.ts';
import type { Clock, Random } from '../../src/platform.ts';
import { applyReady, waitingCommits } from '../../src/records/apply.ts';
import { quarantined } from '../../src/records/adopt.ts';
import { conflicts } from '../../src/records/conflicts.ts';
import { damagedCommits, indexReady } from '../../src/records/indexing.ts';
import { bundleObjects } from '../../src/records/objects.ts';
import { receiveBundle, type ReceiveOptions } from '../../src/records/receive.ts';
import type { RecordContext, RecordKeys, RegistryView } from '../../src/records/registry-view.ts';
import { history, listRecords, readRecord } from '../../src/records/view.ts';
import { writeCommit } from '../../src/records/write.ts';
import { sealBundle, signCommit, type ClaimedCommit } from '../../src/format/bundle.ts';
import { compareRefs, encodeHeader, parseHeader, type Header } from '../../src/format/commit.ts';
import { encodeBlock, encodeUpdate, type Update } from '../../src/format/update.ts';
import { merkleRoot } from '../../src/records/merkle.ts';
import { openReplica, type Replica, type Tx } from '../../src/replica/replica.ts';
import type { Journal } from '../../src/storage/journal.ts';
import { createMemoryJournal } from '../../src/storage/memory-journal.ts';
import { seededRandom } from './random.ts';

useProvider(nodeProvider);

export const START = 1_800_000_000_000;
export const MINUTE = 60_000;

interface Identity {
  readonly name: string;
  readonly id: Bytes;
  readonly seed: Bytes;
  readonly publicKey: Bytes;
}

interface Entry {
  readonly id: Bytes;
  readonly epoch: number;
  readonly time: number;
  readonly devices: readonly string[];
  readonly cuts: ReadonlyMap<string, readonly Bytes[]>;
}

export class Mesh {
  readonly pid: Bytes;
  readonly random: Random;
  readonly identities = new Map<string, Identity>();
  readonly entries: Entry[] = [];
  readonly suspended = new Set<string>();
  readonly #keys = new Map<string, Bytes>();

  constructor(seed: string | number, names: readonly string[]) {
    this.random = seededRandom(`mesh ${seed}`);
    this.pid = this.random(32);
    for (const name of names) this.identity(name);
    this.decide({ devices: names, epoch: 0, time: START - 1000 });
  }

  identity(name: string): Identity {
    const known = this.identities.get(name);
    if (known !== undefined) return known;
    const { seed, publicKey } = signingKey(this.random);
    const identity = { name, seed, publicKey, id: holderId(this.pid, publicKey) };
    this.identities.set(name, identity);
    return identity;
  }

  /** The next entry. `cut`: devices that leave, with the ids of their last valid commits. */
  decide(entry: {
    devices: readonly string[];
    epoch?: number;
    time?: number;
    cut?: Record<string, readonly Bytes[]>;
  }): void {
    const before = this.entries.at(-1);
    for (const name of entry.devices) this.identity(name);
    this.entries.push({
      id: this.random(32),
      epoch: entry.epoch ?? (before?.epoch ?? -1) + 1,
      time: entry.time ?? START,
      devices: entry.devices,
      cuts: new Map(Object.entries(entry.cut ?? {})),
    });
  }

  layerKey(layer: 'mesh' | 'vault', epoch: number): Bytes {
    const name = `${layer} ${epoch}`;
    const key = this.#keys.get(name) ?? seededRandom(`${hex(this.pid)} ${name}`)(32);
    this.#keys.set(name, key);
    return key;
  }

  nameOf(device: Bytes): string {
    for (const identity of this.identities.values()) if (hex(identity.id) === hex(device)) return identity.name;
    return 'nobody';
  }

  view(head: () => number): RegistryView {
    const entryAt = () => this.entries[head()] as Entry;
    return {
      get head() {
        return entryAt().id;
      },
      get headSlot() {
        return head();
      },
      slotOf: (id) => {
        const slot = this.entries.findIndex((entry) => hex(entry.id) === hex(id));
        return slot < 0 || slot > head() ? undefined : slot;
      },
      deviceKeyAt: (device, slot) => {
        const name = this.nameOf(device);
        return slot <= head() && this.entries[slot]?.devices.includes(name) ? this.identity(name).publicKey : undefined;
      },
      cutOf: (device) => {
        const name = this.nameOf(device);
        const slot = this.entries.findIndex((entry) => entry.cuts.has(name));
        return slot < 0 || slot > head() ? undefined : { slot, heads: this.entries[slot]?.cuts.get(name) ?? [] };
      },
      suspended: (device) => this.suspended.has(this.nameOf(device)),
      timeOf: (id) => this.entries.find((entry) => hex(entry.id) === hex(id))?.time,
      epochAt: (slot) => (this.entries[slot] as Entry).epoch,
    };
  }
}

export interface DeviceOptions {
  readonly journal?: Journal;
  /** Tells two homes of one device apart. */
  readonly home?: string;
  readonly head?: number;
}

export class TestDevice {
  readonly mesh: Mesh;
  readonly name: string;
  readonly journal: Journal;
  readonly replica: Replica;
  readonly ctx: RecordContext;
  /** Slot of the newest entry that it knows. */
  head: number;
  /** Its clock. */
  now = START;
  unlocked = true;

  constructor(mesh: Mesh, name: string, options: DeviceOptions = {}) {
    const { id, seed } = mesh.identity(name);
    this.mesh = mesh;
    this.name = name;
    this.head = options.head ?? mesh.entries.length - 1;
    this.journal = options.journal ?? createMemoryJournal();
    const random = seededRandom(`${hex(mesh.pid)} ${name} ${options.home ?? ''}`);
    const localKey = seededRandom(`${hex(mesh.pid)} ${name} local`)(32);
    this.replica = openReplica({ journal: this.journal, localKey, pid: mesh.pid, random });
    const epoch = () => mesh.entries[this.head]?.epoch ?? 0;
    const keys: RecordKeys = {
      get epoch() {
        return epoch();
      },
      meshLayerKey: (wanted) => (wanted <= epoch() ? mesh.layerKey('mesh', wanted) : undefined),
      vaultLayerKey: (wanted) => (this.unlocked && wanted <= epoch() ? mesh.layerKey('vault', wanted) : undefined),
    };
    const clock: Clock = {
      now: () => this.now,
      monotonic: () => this.now,
      bootId: () => 'boot',
      sleep: async () => undefined,
    };
    this.ctx = { pid: mesh.pid, device: id, signSeed: seed, registry: mesh.view(() => this.head), keys, random, clock };
    this.unlock();
  }

  get id(): string {
    return hex(this.ctx.device);
  }

  unlock(): void {
    this.unlocked = true;
    const epoch = this.mesh.entries[this.head]?.epoch ?? 0;
    const olderVault = (older: number) => (older <= epoch ? this.mesh.layerKey('vault', older) : undefined);
    this.replica.useVault({ epoch, key: this.mesh.layerKey('vault', epoch), olderVault });
  }

  lock(): void {
    this.unlocked = false;
    this.replica.useVault(undefined);
  }

  /** Hears of all entries that there are. */
  learn(): void {
    this.head = this.mesh.entries.length - 1;
    if (this.unlocked) this.unlock();
  }

  run<T>(fn: (tx: Tx, ctx: RecordContext) => Promise<T>): Promise<T> {
    return this.replica.transact((tx) => fn(tx, this.ctx));
  }

  write(updates: readonly Update[], acks: readonly number[] = []) {
    return this.run((tx, ctx) => writeCommit(tx, ctx, updates, acks));
  }

  /** One commit with one record; returns its id. */
  async put(key: string, value: string, type = 'text'): Promise<Bytes> {
    const { commits } = await this.write([put(key, value, type)]);
    return (commits[0] as { id: Bytes }).id;
  }

  async remove(key: string): Promise<Bytes> {
    const { commits } = await this.write([{ key, op: 'delete', type: '', value: new Uint8Array(0), reason: null }]);
    return (commits[0] as { id: Bytes }).id;
  }

  receive(bytes: Bytes, options: ReceiveOptions = {}) {
    return this.run((tx, ctx) => receiveBundle(tx, ctx, bytes, options));
  }

  settle() {
    return this.run(async (tx, ctx) => {
      const applied = await applyReady(tx, ctx);
      const indexed = await indexReady(tx, ctx);
      return { ...applied, ...indexed };
    });
  }

  /** The bytes of all its bundles. */
  bundles(): Promise<Bytes[]> {
    return this.run(async (tx) => {
      const all: Bytes[] = [];
      for (const { hash } of await bundleObjects(tx)) all.push((await tx.object(hash)) as Bytes);
      return all;
    });
  }

  /** Gives `other` all that it has. */
  async giveTo(...others: readonly TestDevice[]): Promise<void> {
    const bundles = await this.bundles();
    for (const other of others) {
      for (const bundle of bundles) await other.receive(bundle);
      await other.settle();
    }
  }

  list(prefix?: string) {
    return this.run((tx, ctx) => listRecords(tx, ctx, prefix));
  }

  async get(key: string, version?: string): Promise<string | undefined> {
    const record = await this.run((tx, ctx) => readRecord(tx, ctx, key, version));
    return record === undefined ? undefined : new TextDecoder().decode(record.value);
  }

  history(key: string) {
    return this.run((tx, ctx) => history(tx, ctx, key));
  }

  conflicts() {
    return this.run((tx, ctx) => conflicts(tx, ctx));
  }

  quarantined() {
    return this.run((tx, ctx) => quarantined(tx, ctx));
  }

  waiting() {
    return this.run((tx, ctx) => waitingCommits(tx, ctx));
  }

  damaged() {
    return this.run((tx, ctx) => damagedCommits(tx, ctx));
  }

  /** All that a person could see of the records, in a form to compare. */
  async state(): Promise<string> {
    const records = await this.list();
    const values: Record<string, unknown> = {};
    for (const { key } of records) values[key] = [await this.get(key), await this.history(key)];
    return JSON.stringify(
      { records, values, conflicts: await this.conflicts(), quarantined: await this.quarantined() },
      null,
      1,
    );
  }
}

export function put(key: string, value: string | Bytes, type = 'text'): Update {
  return { key, op: 'put', type, value: typeof value === 'string' ? utf8(value) : value, reason: null };
}

export function devices<const N extends string>(mesh: Mesh, names: readonly N[]): Record<N, TestDevice> {
  return Object.fromEntries(names.map((name) => [name, new TestDevice(mesh, name)])) as Record<N, TestDevice>;
}

/** Everybody gets everything that anybody has. */
export async function syncAll(all: readonly TestDevice[]): Promise<void> {
  const bundles = (await Promise.all(all.map((device) => device.bundles()))).flat();
  for (const device of all) {
    for (const bundle of bundles) await device.receive(bundle);
    await device.settle();
  }
}

export interface Forged {
  readonly bundle: Bytes;
  readonly commit: ClaimedCommit;
}

/** A commit by `author` with any header and any updates, in a bundle sealed by `sealer`: what a malicious device could send. */
export async function forged(
  author: TestDevice,
  change: Partial<Header>,
  {
    sealer = author,
    signer = author,
    updates = [],
  }: { sealer?: TestDevice; signer?: TestDevice; updates?: readonly Update[] } = {},
): Promise<Forged> {
  const { pid, device, registry, keys, random } = author.ctx;
  const blinded = updates.map((update) => ({ blind: random(32), update: encodeUpdate(update) }));
  const base: Header = {
    device,
    incarnation: random(16),
    seq: 1,
    prev: null,
    ctx: [],
    registry: registry.head,
    time: START,
    count: blinded.length,
    root: merkleRoot(blinded),
    acks: [],
  };
  const header = encodeHeader({ ...base, ...change, ctx: [...(change.ctx ?? [])].sort(compareRefs) });
  const parsed = parseHeader(pid, header);
  const commit = { header, parsed, signature: signCommit(signer.ctx.signSeed, pid, parsed.id) };
  const bundle = await sealBundle({
    pid,
    epoch: keys.epoch,
    meshLayerKey: keys.meshLayerKey(keys.epoch) as Bytes,
    vaultLayerKey: keys.vaultLayerKey(keys.epoch),
    sealer: sealer.ctx.device,
    signSeed: sealer.ctx.signSeed,
    commits: [commit],
    blocks: [[encodeBlock(blinded)]],
    random,
  });
  return { bundle, commit };
}
