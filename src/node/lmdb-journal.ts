/**
 * The journal on disk: one lmdb environment, opened by any number of processes at once. A commit is one synchronous
 * transaction under lmdb's own lock (which the kernel releases when a process dies) and is on the disk when it returns.
 * Nothing is made on the disk before the first commit, and the native module is loaded only when there is something to read.
 */
import { statfsSync } from 'node:fs';
import type { RootDatabase } from 'lmdb';
import { bytesUint, uintBytes } from '../bytes.ts';
import { isPassportError } from '../errors.ts';
import type { Journal } from '../storage/journal.ts';
import { journalChanged } from '../storage/memory-journal.ts';
import { asHomeError, diskFull, homeUnusable } from './home-error.ts';
import { checkJournalFiles, createJournalFiles, journalExists } from './lmdb-files.ts';

type Database = RootDatabase<Uint8Array, string>;

/** Keys of the caller follow a letter of their own, so none of them is this one. */
const GENERATION = 'generation';
const entryKey = (key: string): string => `k${key}`;

/**
 * The journal in the directory `path`. `home-unusable` when it cannot be opened for writing, `disk-full`; both from the
 * call that first needs the files. A call after `close` throws an Error.
 */
export function openJournal(path: string): Journal {
  let opened: Promise<Database> | undefined;
  let closed = false;

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

  return {
    async generation() {
      const db = await database(false);
      // lmdb keeps one snapshot for a whole turn of the event loop: a retry that never leaves the turn would never end.
      db?.resetReadTxn();
      return db === undefined ? 0 : readGeneration(db);
    },

    async get(key) {
      const bytes = (await database(false))?.get(entryKey(key));
      // A Buffer of its own, made for this call.
      return bytes && new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
    },

    async commit(expected, changes) {
      const db = (await database(true)) as Database;
      let size = 0;
      try {
        return db.transactionSync(() => {
          const found = readGeneration(db);
          if (found !== expected) throw journalChanged(expected, found);
          for (const [key, bytes] of changes) {
            if (bytes === null) db.removeSync(entryKey(key));
            else db.putSync(entryKey(key), bytes);
            size += bytes?.length ?? 0;
          }
          db.putSync(GENERATION, uintBytes(expected + 1, 8));
          return expected + 1;
        });
      } catch (error) {
        throw asJournalError(path, error, size);
      }
    },

    async close() {
      closed = true;
      const db = await opened?.catch(() => undefined);
      await db?.close();
    },
  };
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
