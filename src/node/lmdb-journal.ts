/**
 * The journal on disk: one lmdb environment, opened by any number of processes at once, and a file for each large value
 * (large-values.ts). A commit is one synchronous transaction under lmdb's own lock (which the kernel releases when a process
 * dies) and is on the disk when it returns. Nothing is made on the disk before the first commit, and the native module is
 * loaded only when there is something to read.
 */
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { type Bytes, bytesUint, uintBytes } from '../bytes.ts';
import { isPassportError } from '../errors.ts';
import type { Journal } from '../storage/journal.ts';
import { journalChanged } from '../storage/memory-journal.ts';
import { asHomeError, diskFull, homeUnusable, inHome } from './home-error.ts';
import { LARGE_BYTES, LargeValues, type Place, placeBytes, placeOf } from './large-values.ts';
import { checkJournalFiles, createJournalFiles, journalExists } from './lmdb-files.ts';

type Database = RootDatabase<Uint8Array, string>;

/** Keys of the caller follow a letter of their own, so none of them is this one. A key has a value or the place of one. */
const GENERATION = 'generation';
const entryKey = (key: string): string => `k${key}`;
const placeKey = (key: string): string => `p${key}`;
/** There while some key has its value in this file. */
const fileKey = (name: string): string => `f${name}`;
const NOTHING = new Uint8Array(0);

/**
 * The journal in the directory `path`. `home-unusable` when it cannot be opened for writing, `disk-full`; both from the
 * call that first needs the files. A call after `close` throws an Error.
 */
export function openJournal(path: string): Journal {
  const large = new LargeValues(join(path, 'large'));
  let opened: Promise<Database> | undefined;
  let closed = false;
  let swept = false;
  const commits = new Set<Promise<number>>();

  async function database(create: boolean): Promise<Database | undefined> {
    if (closed) throw new Error('the journal is closed');
    if (opened === undefined) {
      if (!create && !exists(path)) return undefined;
      const opening = open(path, create);
      opened = opening;
      opening.catch(() => (opened = undefined));
    }
    return opened;
  }

  /** In a transaction: a commit of another process that finds its files there will not lose them before it is made. */
  function sweep(db: Database, fresh: Place): void {
    swept = true;
    try {
      db.transactionSync(() => large.sweep((name) => isNamed(db, name), fresh));
    } catch {
      // What was committed is committed. The next process tries again.
    }
  }

  async function commit(expected: number, changes: ReadonlyMap<string, Bytes | null>): Promise<number> {
    const db = (await database(true)) as Database;
    db.resetReadTxn();
    let size = 0;
    let places = new Map<string, Place>();
    const old: Place[] = [];
    try {
      checkGeneration(db, expected); // before much is written for nothing
      places = await large.write(largeOf(changes));
      db.transactionSync(() => {
        checkGeneration(db, expected);
        // Swept by another process, because this one slept for long: decide again, and write them again.
        if (!large.has(places.values())) throw journalChanged(expected, expected);
        for (const [key, bytes] of changes) {
          const before = placeAt(db, key);
          const place = places.get(key);
          if (before !== undefined) {
            old.push(before);
            db.removeSync(fileKey(before.name));
            if (place === undefined) db.removeSync(placeKey(key));
          }
          if (place !== undefined) {
            db.putSync(placeKey(key), placeBytes(place));
            db.putSync(fileKey(place.name), NOTHING);
          }
          if (bytes === null || place !== undefined) db.removeSync(entryKey(key));
          else {
            db.putSync(entryKey(key), bytes);
            size += bytes.length;
          }
        }
        db.putSync(GENERATION, uintBytes(expected + 1, 8));
      });
    } catch (error) {
      await large.remove(notNamed(db, places.values()));
      throw asJournalError(path, error, size);
    }
    await large.remove(old);
    const [fresh] = places.values();
    if (fresh !== undefined && !swept) sweep(db, fresh);
    return expected + 1;
  }

  return {
    async generation() {
      const db = await database(false);
      // lmdb keeps one snapshot for a whole turn of the event loop: a retry that never leaves the turn would never end.
      db?.resetReadTxn();
      return db === undefined ? 0 : readGeneration(db);
    },

    async get(key) {
      const db = await database(false);
      if (db === undefined) return undefined;
      let before: string | undefined;
      for (;;) {
        const bytes = db.get(entryKey(key));
        // A Buffer of its own, made for this call.
        if (bytes !== undefined) return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
        const place = placeAt(db, key);
        if (place === undefined) return undefined;
        const value = await inHome(path, () => large.read(place));
        if (value.length === place.length || place.name === before) return value;
        // Another process may have put something else in its place meanwhile: it is looked up anew. What is cut off is handed
        // out as it is, for whoever reads it checks it anyway, and knows what to do.
        before = place.name;
        db.resetReadTxn();
      }
    },

    commit(expected, changes) {
      const running = commit(expected, changes).finally(() => commits.delete(running));
      commits.add(running);
      return running;
    },

    begin(bytes) {
      if (bytes.length >= LARGE_BYTES && !closed) large.begin(bytes);
    },

    forget: (values) => large.forget(values),

    async close() {
      closed = true;
      await Promise.allSettled(commits);
      await large.forgetAll();
      const db = await opened?.catch(() => undefined);
      await db?.close();
    },
  };
}

function checkGeneration(db: Database, expected: number): void {
  const found = readGeneration(db);
  if (found !== expected) throw journalChanged(expected, found);
}

function placeAt(db: Database, key: string): Place | undefined {
  const bytes = db.get(placeKey(key));
  return bytes && placeOf(bytes);
}

function isNamed(db: Database, name: string): boolean {
  return db.get(fileKey(name)) !== undefined;
}

/** A disk that fails while it is flushed leaves open whether the commit was made: what is named stays. */
function notNamed(db: Database, places: Iterable<Place>): Place[] {
  try {
    db.resetReadTxn();
    return [...places].filter(({ name }) => !isNamed(db, name));
  } catch {
    return [];
  }
}

function largeOf(changes: ReadonlyMap<string, Bytes | null>): Map<string, Bytes> {
  const found = new Map<string, Bytes>();
  for (const [key, bytes] of changes) if (bytes !== null && bytes.length >= LARGE_BYTES) found.set(key, bytes);
  return found;
}

function exists(path: string): boolean {
  try {
    return journalExists(path);
  } catch (error) {
    throw asHomeError(error, path);
  }
}

async function open(path: string, create: boolean): Promise<Database> {
  try {
    if (create) await createJournalFiles(path);
    checkJournalFiles(path);
    const lmdb = await import('lmdb');
    return lmdb.open<Uint8Array, string>({
      path,
      noSubdir: false,
      encoding: 'binary',
      cache: false,
      compression: false,
      // Every commit is flushed before it returns, instead of some time later.
      overlappingSync: false,
    });
  } catch (error) {
    throw asJournalError(path, error, 0);
  }
}

function readGeneration(db: Database): number {
  const bytes = db.get(GENERATION);
  return bytes === undefined ? 0 : bytesUint(bytes);
}

/** Codes of lmdb's own errors: numbers of the system and of lmdb.h. */
const EIO = 5;
const FULL: readonly unknown[] = [27, 28, 122, -30_792]; // EFBIG, ENOSPC, EDQUOT on Linux; MDB_MAP_FULL

/** `size`: bytes that the failed commit wanted to write. Our own errors pass. */
function asJournalError(path: string, error: unknown, size: number): unknown {
  const translated = asHomeError(error, path);
  if (isPassportError(translated)) return translated;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  // lmdb reports a write that the disk cut short as an input/output error.
  if (FULL.includes(code) || (code === EIO && isFull(path, size))) return diskFull(path, error);
  return homeUnusable(path, error);
}

/** Less is free than the write and the pages around it may take. */
function isFull(path: string, size: number): boolean {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize < 2 * size + 1024 * 1024;
}
