/**
 * The files of the journal before lmdb touches them. lmdb maps them into memory, so a full disk under a fresh file, or a
 * header that is not lmdb's, ends the whole process (SIGBUS, SIGSEGV) instead of throwing. Both are found here first.
 * Errors are those of node:fs, and `home-unusable` for a damaged data file.
 */
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassportError } from '../errors.ts';
import { hasCode, makePrivateDirectory, syncDirectory } from './durable.ts';

const DATA = 'data.mdb';
const LOCK = 'lock.mdb';

/** More than lmdb's header and its 126 readers need (8,272 bytes), so that it never extends the file with a hole. */
const LOCK_BYTES = 16 * 1024;
/** More than the two meta pages that lmdb writes into an empty data file, whatever the page size. */
const ROOM_BYTES = 128 * 1024;

/** False while nothing was ever committed in this directory. Throws where that cannot be seen. */
export function journalExists(directory: string): boolean {
  return statSync(join(directory, DATA), { throwIfNoEntry: false }) !== undefined;
}

/** Makes the directory (0700) and its two files (0600) where they are missing. */
export async function createJournalFiles(directory: string): Promise<void> {
  await makePrivateDirectory(directory);
  createLock(directory);
  closeSync(openSync(join(directory, DATA), 'a', 0o600));
  await syncDirectory(directory);
}

/** This process may write both files, and the data file is empty or lmdb's. A file that is cut off behind its roots passes. */
export function checkJournalFiles(directory: string): void {
  createLock(directory); // also for a home that was copied without it
  // Not by opening it: closing a descriptor would drop the locks that lmdb holds on it in this process (fcntl).
  accessSync(join(directory, LOCK), constants.W_OK);
  const file = openSync(join(directory, DATA), 'r+');
  try {
    const end = dataEnd(file);
    const { size } = fstatSync(file);
    if (size === 0) withZeros(directory, ROOM_BYTES, () => {});
    else if (end === undefined || size < end) {
      throw new PassportError('home-unusable', `the journal in ${directory} is damaged`, {
        hint: 'Recover on this machine as a new device, in another home, with the approval of the other holders.',
      });
    }
  } finally {
    closeSync(file);
  }
}

// lmdb's data version 2, little-endian: a page header of 24 bytes, then magic u32, version u32, address u64, map size u64,
// two databases of 48 bytes (the first begins with the page size as u32, each ends with its root page as u64), the last
// page and the transaction as u64. One such page at 0, one at the page size; the larger transaction is in force.
const META_BYTES = 160;
const MAGIC = 0xbeefc0de;
const NO_PAGE = 2n ** 64n - 1n;

/** Where the roots in force end, in bytes; undefined when this is not lmdb's. */
function dataEnd(file: number): number | undefined {
  const first = readMeta(file, 0);
  const pageBytes = first?.getUint32(48, true);
  const second = pageBytes === undefined ? undefined : readMeta(file, pageBytes);
  if (first === undefined || pageBytes === undefined || second === undefined) return undefined;
  const meta = first.getBigUint64(152, true) > second.getBigUint64(152, true) ? first : second;
  const roots = [meta.getBigUint64(88, true), meta.getBigUint64(136, true)].filter((root) => root !== NO_PAGE);
  return (Math.max(1, ...roots.map(Number)) + 1) * pageBytes;
}

function readMeta(file: number, at: number): DataView | undefined {
  const page = new DataView(new ArrayBuffer(META_BYTES));
  const whole = readSync(file, page, 0, META_BYTES, at) === META_BYTES;
  return whole && page.getUint32(24, true) === MAGIC ? page : undefined;
}

/** Creates the lock file whole, and leaves one alone that is there: another process may already use it. */
function createLock(directory: string): void {
  const path = join(directory, LOCK);
  if (existsSync(path)) return;
  withZeros(directory, LOCK_BYTES, (temporary) => {
    try {
      linkSync(temporary, path);
    } catch (error) {
      // Made by another process meanwhile; or a file system without hard links, where lmdb makes its own.
      if (!hasCode(error, 'EEXIST', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP')) throw error;
    }
  });
}

/** Calls `use` with a temporary file of `length` zeros that has its blocks on the disk: `ENOSPC` comes from here. */
function withZeros(directory: string, length: number, use: (path: string) => void): void {
  const path = join(directory, `.${randomBytes(8).toString('hex')}.tmp`);
  const file = openSync(path, 'wx', 0o600);
  try {
    try {
      for (let written = 0; written < length;) written += writeSync(file, new Uint8Array(length - written));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    use(path);
  } finally {
    unlinkSync(path);
  }
}
