/**
 * What outlives a process, in memory and in one piece: a test can copy it as a thief, a backup or a snapshot would, cut the
 * power at any call, and make a store fail as it likes. Every part keeps the contract of its port in src/storage.
 */
import { type Bytes, copy } from '../../src/bytes.ts';
import { PassportError } from '../../src/errors.ts';
import type { Random } from '../../src/platform.ts';
import type { Anchor, Journal } from '../../src/storage/journal.ts';
import type { Keystore } from '../../src/storage/keystore.ts';
import type { SessionVault } from '../../src/storage/session.ts';
import type { Store } from '../../src/storage/store.ts';

function copyMap(map: ReadonlyMap<string, Bytes>): Map<string, Bytes> {
  return new Map([...map].map(([name, bytes]) => [name, copy(bytes)]));
}

/** No error of this package: nothing below the test handles it, as nothing handles the end of a process. */
export class PowerCut extends Error {}

/** Goes between a home and everything outside it; each call that changes something has a number, from 0. */
export class Power {
  /** The changing calls so far, by name. */
  readonly calls: string[] = [];
  reads = 0;
  #cut: { readonly at: number; readonly happened: boolean; readonly error?: PassportError } | undefined;
  #off = false;
  #reached = false;

  /**
   * The call with this number throws, before or after it has happened. Without `error` it is the last one: everything after it
   * throws too. With it, it fails once and all goes on.
   */
  cutAt(at: number, happened: boolean, error?: PassportError): void {
    this.#cut = { at, happened, ...(error === undefined ? {} : { error }) };
  }

  /** Nothing fails any more. */
  restore(): void {
    this.#cut = undefined;
    this.#off = false;
  }

  /** Whether the call that was to fail has come. */
  get reached(): boolean {
    return this.#reached;
  }

  get isOff(): boolean {
    return this.#off;
  }

  read<T>(name: string, call: () => Promise<T>): Promise<T> {
    if (this.#off) return Promise.reject(new PowerCut(name));
    this.reads += 1;
    return call();
  }

  async write<T>(name: string, call: () => Promise<T>): Promise<T> {
    if (this.#off) throw new PowerCut(name);
    const cut = this.calls.push(name) - 1 === this.#cut?.at ? this.#cut : undefined;
    if (cut !== undefined) {
      this.#reached = true;
      this.#off = cut.error === undefined;
      if (!cut.happened) throw cut.error ?? new PowerCut(name);
    }
    const result = await call();
    if (cut?.error !== undefined) throw cut.error;
    if (this.#off) throw new PowerCut(name);
    return result;
  }
}

export class TestJournal implements Journal {
  readonly entries: Map<string, Bytes>;
  #generation: number;
  power = new Power();

  constructor(entries: ReadonlyMap<string, Bytes> = new Map(), generation = 0) {
    this.entries = copyMap(entries);
    this.#generation = generation;
  }

  clone(): TestJournal {
    return new TestJournal(this.entries, this.#generation);
  }

  generation(): Promise<number> {
    return this.power.read('journal.generation', async () => this.#generation);
  }

  get(key: string): Promise<Bytes | undefined> {
    return this.power.read('journal.get', async () => {
      const bytes = this.entries.get(key);
      return bytes && copy(bytes);
    });
  }

  commit(expected: number, changes: ReadonlyMap<string, Bytes | null>): Promise<number> {
    if (expected !== this.#generation)
      return Promise.reject(new PassportError('journal-changed', 'somebody else wrote'));
    return this.power.write('journal.commit', async () => {
      if (expected !== this.#generation) throw new PassportError('journal-changed', 'somebody else wrote');
      for (const [key, bytes] of changes) {
        if (bytes === null) this.entries.delete(key);
        else this.entries.set(key, copy(bytes));
      }
      return ++this.#generation;
    });
  }

  async close(): Promise<void> {}
}

export class TestKeystore implements Keystore {
  readonly kind = 'plain';
  readonly blobs: Map<string, Bytes>;
  power = new Power();
  readonly #random: Random;
  #key: Bytes | undefined;

  constructor(random: Random, blobs: ReadonlyMap<string, Bytes> = new Map(), key?: Bytes) {
    this.#random = random;
    this.blobs = copyMap(blobs);
    this.#key = key && copy(key);
  }

  clone(random: Random): TestKeystore {
    return new TestKeystore(random, this.blobs, this.#key);
  }

  createKey(): Promise<Bytes> {
    return this.power.write('keystore.createKey', async () => {
      this.#key ??= copy(this.#random(32));
      return copy(this.#key);
    });
  }

  openKey(): Promise<Bytes> {
    return this.power.read('keystore.openKey', async () => {
      if (this.#key === undefined) throw new PassportError('keystore-unavailable', 'there is no keystore yet');
      return copy(this.#key);
    });
  }

  save(name: string, sealed: Bytes): Promise<void> {
    return this.power.write('keystore.save', async () => {
      this.blobs.set(name, copy(sealed));
    });
  }

  load(name: string): Promise<Bytes | undefined> {
    return this.power.read('keystore.load', async () => {
      const sealed = this.blobs.get(name);
      return sealed && copy(sealed);
    });
  }

  prune(keep: string): Promise<void> {
    return this.power.write('keystore.prune', async () => {
      for (const name of this.blobs.keys()) {
        if (name !== keep && Number.parseInt(name, 10) <= Number.parseInt(keep, 10)) this.blobs.delete(name);
      }
    });
  }
}

export class TestAnchor implements Anchor {
  note: Bytes | undefined;
  power = new Power();

  constructor(note?: Bytes) {
    this.note = note && copy(note);
  }

  clone(): TestAnchor {
    return new TestAnchor(this.note);
  }

  read(): Promise<Bytes | undefined> {
    return this.power.read('anchor.read', async () => this.note && copy(this.note));
  }

  write(bytes: Bytes): Promise<void> {
    return this.power.write('anchor.write', async () => {
      this.note = copy(bytes);
    });
  }
}

export class TestSessions implements SessionVault {
  kept: { sealed: Bytes; fileSecret: Bytes } | undefined;
  power = new Power();

  clone(): TestSessions {
    const sessions = new TestSessions();
    sessions.kept = this.kept && { sealed: copy(this.kept.sealed), fileSecret: copy(this.kept.fileSecret) };
    return sessions;
  }

  save(sealed: Bytes, fileSecret: Bytes): Promise<void> {
    return this.power.write('sessions.save', async () => {
      this.kept = { sealed: copy(sealed), fileSecret: copy(fileSecret) };
    });
  }

  load(): Promise<{ sealed: Bytes; fileSecret: Bytes } | undefined> {
    return this.power.read(
      'sessions.load',
      async () => this.kept && { sealed: copy(this.kept.sealed), fileSecret: copy(this.kept.fileSecret) },
    );
  }

  clear(): Promise<void> {
    return this.power.write('sessions.clear', async () => {
      this.kept = undefined;
    });
  }
}

export type StoreCall = 'get' | 'put' | 'delete' | 'list';

/** A store that remembers what was ever put, counts its calls, and fails when it is told to. */
export class TestStore implements Store {
  readonly url: string;
  readonly objects: Map<string, Bytes>;
  /** Everything that ever reached it, deleted or not. */
  readonly ever: Map<string, Bytes>;
  readonly count: Record<StoreCall, number> = { get: 0, put: 0, delete: 0, list: 0 };
  /** The error that a call ends with, if any. */
  fault: (call: StoreCall, name: string) => PassportError | undefined = () => undefined;

  constructor(
    url: string,
    objects: ReadonlyMap<string, Bytes> = new Map(),
    ever: ReadonlyMap<string, Bytes> = objects,
  ) {
    this.url = url;
    this.objects = copyMap(objects);
    this.ever = copyMap(ever);
  }

  clone(): TestStore {
    return new TestStore(this.url, this.objects, this.ever);
  }

  #call(call: StoreCall, name: string): void {
    this.count[call] += 1;
    const fault = this.fault(call, name);
    if (fault !== undefined) throw fault;
  }

  resetCount(): void {
    for (const call of ['get', 'put', 'delete', 'list'] as const) this.count[call] = 0;
  }

  async get(name: string): Promise<Bytes | undefined> {
    this.#call('get', name);
    const bytes = this.objects.get(name);
    return bytes && copy(bytes);
  }

  async put(name: string, bytes: Bytes): Promise<void> {
    this.#call('put', name);
    this.objects.set(name, copy(bytes));
    this.ever.set(name, copy(bytes));
  }

  async delete(name: string): Promise<void> {
    this.#call('delete', name);
    this.objects.delete(name);
  }

  async *list(prefix: string): AsyncIterable<string> {
    this.#call('list', prefix);
    for (const name of [...this.objects.keys()]) if (name.startsWith(`${prefix}/`)) yield name;
  }

  async close(): Promise<void> {}
}

/** The same store, seen from a home whose power may be cut. */
export function behindPower(store: Store, power: Power): Store {
  return {
    url: store.url,
    get: (name, options) => power.read('store.get', () => store.get(name, options)),
    put: (name, bytes, options) => power.write(`store.put ${name}`, () => store.put(name, bytes, options)),
    delete: (name, options) => power.write(`store.delete ${name}`, () => store.delete(name, options)),
    async *list(prefix, options) {
      await power.read('store.list', async () => undefined);
      yield* store.list(prefix, options);
    },
    close: async () => undefined,
  };
}
