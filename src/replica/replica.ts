/**
 * The replica: what one device remembers, over the journal port. It adds three things to the journal: sealed cells (cells.ts),
 * store objects under the hash of their bytes, and optimistic transactions. A transaction's function may run several times:
 * whenever another process committed in between, all that it read may be old, so it decides again from the start. It must
 * therefore do nothing but read and write through its Tx.
 */
import type { Bytes } from '../bytes.ts';
import type { Value } from '../cbor.ts';
import { isPassportError, PassportError } from '../errors.ts';
import { nameHash } from '../format/names.ts';
import type { Random } from '../platform.ts';
import type { Journal } from '../storage/journal.ts';
import { CellSealer, isVaultCell, locked, type VaultKeys } from './cells.ts';
import { Opened } from './opened.ts';

export type { VaultKeys } from './cells.ts';

const MAX_ATTEMPTS = 50;
const MAX_CACHED_CELLS = 4096;

export interface ReplicaOptions {
  readonly journal: Journal;
  /** 32 bytes. */
  readonly localKey: Bytes;
  /** 32 bytes. */
  readonly pid: Bytes;
  readonly random: Random;
}

export type Note = 'passport' | 'keystore';

/** One attempt of a transaction. Reads see the transaction's own writes. Values that it hands out are shared: never change them. */
export interface Tx {
  /** 32 bytes. */
  readonly pid: Bytes;
  /** The decoded value of a cell; `locked` for a cell below `vault/` without its key. */
  get(cell: string): Promise<Value | undefined>;
  /** `locked` for a cell below `vault/` without a vault key. */
  set(cell: string, value: Value): void;
  delete(cell: string): void;
  /** The bytes of a store object, as they were added. Their hash is not checked again. */
  object(hash: string): Promise<Bytes | undefined>;
  /** Keeps sealed bytes as they are; returns their name hash (26 characters). */
  addObject(bytes: Bytes): string;
  dropObject(hash: string): void;
  /** A note that is not sealed: the passport's id and the name of the keystore's blob, nothing else. */
  note(name: Note): Promise<Bytes | undefined>;
  setNote(name: Note, bytes: Bytes | null): void;
  /** Whether vault cells can be read and written. */
  readonly unlocked: boolean;
  /** 32 bytes that only this device knows, one secret per use. */
  localSecret(use: string): Bytes;
  /** Memory only: what `open` made of the object `hash`, kept for a while and until the vault keys change. */
  opened<T>(hash: string, open: () => Promise<{ readonly value: T; readonly sizeBytes: number }>): Promise<T>;
}

export interface Replica {
  /** A cell as it is now. */
  read(cell: string): Promise<Value | undefined>;
  object(hash: string): Promise<Bytes | undefined>;
  /**
   * Runs `fn` and commits its writes at once, or nothing when it throws. Transactions of one replica run one after the
   * other; a transaction must not wait for another one. `journal-changed` when other processes never let it finish.
   */
  transact<T>(fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** The keys for cells below `vault/`, or undefined to forget them and all that was opened with them. */
  useVault(vault: VaultKeys | undefined): void;
}

export function openReplica({ journal, localKey, pid, random }: ReplicaOptions): Replica {
  const sealer = new CellSealer(localKey, pid, random);
  const opened = new Opened();
  const secrets = new Map<string, Bytes>();
  let vault: VaultKeys | undefined;
  let cache = new Map<string, Value>();
  let cacheGeneration = -1;
  let queue: Promise<unknown> = Promise.resolve();

  function localSecret(use: string): Bytes {
    const known = secrets.get(use) ?? sealer.localSecret(use);
    secrets.set(use, known);
    return known;
  }

  async function readCell(cell: string): Promise<Value | undefined> {
    const known = cache.get(cell);
    if (known !== undefined) return known;
    const sealed = await journal.get(sealer.journalKey(cell));
    if (sealed === undefined) return undefined;
    const value = await sealer.open(cell, sealed, vault);
    if (cache.size >= MAX_CACHED_CELLS) cache.delete(cache.keys().next().value as string);
    cache.set(cell, value);
    return value;
  }

  /** One attempt: the result, or undefined when another process committed meanwhile. */
  async function attempt<T>(fn: (tx: Tx) => Promise<T>): Promise<{ result: T } | undefined> {
    const generation = await journal.generation();
    if (generation !== cacheGeneration) cache = new Map();
    cacheGeneration = generation;
    const cells = new Map<string, Value | null>();
    const objects = new Map<string, Bytes | null>();
    const notes = new Map<Note, Bytes | null>();
    const begun: Bytes[] = [];

    const tx: Tx = {
      pid,
      async get(cell) {
        if (isVaultCell(cell) && vault === undefined) throw locked();
        const own = cells.get(cell);
        return own === undefined ? readCell(cell) : (own ?? undefined);
      },
      set(cell, value) {
        if (isVaultCell(cell) && vault === undefined) throw locked();
        cells.set(cell, value);
      },
      delete(cell) {
        cells.set(cell, null);
      },
      async object(hash) {
        const own = objects.get(hash);
        return own === undefined ? journal.get(`o/${hash}`) : (own ?? undefined);
      },
      addObject(bytes) {
        journal.begin?.(bytes);
        begun.push(bytes);
        const hash = nameHash(bytes);
        objects.set(hash, bytes);
        return hash;
      },
      dropObject(hash) {
        objects.set(hash, null);
      },
      note: async (name) => (notes.has(name) ? (notes.get(name) ?? undefined) : journal.get(`n/${name}`)),
      setNote(name, bytes) {
        notes.set(name, bytes);
      },
      get unlocked() {
        return vault !== undefined;
      },
      localSecret,
      opened: (hash, open) => opened.get(hash, open),
    };

    try {
      let result: T;
      try {
        result = await fn(tx);
      } catch (error) {
        // What it read may have come from two generations: then the error means nothing.
        if ((await journal.generation()) !== generation) return undefined;
        throw error;
      }
      if (cells.size + objects.size + notes.size === 0) {
        return (await journal.generation()) === generation ? { result } : undefined;
      }

      const changes = new Map<string, Bytes | null>();
      for (const [cell, value] of cells) {
        changes.set(sealer.journalKey(cell), value === null ? null : await sealer.seal(cell, value, vault));
      }
      for (const [name, bytes] of notes) changes.set(`n/${name}`, bytes);
      for (const [hash, bytes] of objects) changes.set(`o/${hash}`, bytes);
      try {
        cacheGeneration = -1; // until it is known what the journal holds now
        const kept = cache;
        const after = await journal.commit(generation, changes);
        // Another one by now: it was locked meanwhile, and nothing of the session must come back.
        if (cache === kept) {
          for (const [cell, value] of cells) {
            if (value === null) cache.delete(cell);
            else cache.set(cell, value);
          }
          cacheGeneration = after;
        }
      } catch (error) {
        if (isPassportError(error, 'journal-changed')) return undefined;
        throw error;
      }
      return { result };
    } finally {
      await journal.forget?.(begun);
    }
  }

  async function run<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    for (let count = 0; count < MAX_ATTEMPTS; count++) {
      const done = await attempt(fn);
      if (done !== undefined) return done.result;
    }
    throw new PassportError('journal-changed', 'other processes keep changing this home', { hint: 'try again' });
  }

  function transact<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    const turn = queue.then(() => run(fn));
    queue = turn.catch(() => undefined);
    return turn;
  }

  return {
    read: (cell) => transact((tx) => tx.get(cell)),
    object: (hash) => journal.get(`o/${hash}`),
    transact,
    useVault(keys) {
      vault = keys;
      cache = new Map();
      cacheGeneration = -1;
      opened.clear();
    },
  };
}
