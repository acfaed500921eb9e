/**
 * Files that are there whole or not at all, also after a crash: a temporary file beside the target, fsync, rename, fsync of
 * the directory. Temporary names begin with a dot and stay behind only when the process is killed; nothing reads them, and
 * `removeOldTemporaries` and `shredOldTemporary` remove them.
 * Errors are those of node:fs; each caller gives them its own meaning.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Bytes } from '../bytes.ts';

export interface WriteOptions {
  /** Permissions of the file, before the umask. */
  readonly mode: number;
  /** Aborts until the rename begins; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const TEMPORARY = /^\.[0-9a-f]{16}\.tmp$/;
/** Younger ones may belong to a process that still writes. */
const OLD_MS = 60 * 60 * 1000;

/** Creates or replaces the file at `path`. Its directory must exist. */
export async function writeFileDurably(path: string, bytes: Bytes, { mode, signal }: WriteOptions): Promise<void> {
  const temporary = temporaryBeside(path);
  const file = await open(temporary, 'wx', mode);
  try {
    try {
      await file.writeFile(bytes, { signal });
      await file.sync();
    } finally {
      await file.close();
    }
    signal?.throwIfAborted();
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    signal?.throwIfAborted();
    throw error;
  }
  await syncDirectory(dirname(path));
}

function temporaryBeside(path: string): string {
  return join(dirname(path), `.${randomBytes(8).toString('hex')}.tmp`);
}

/** A name that only `writeFileDurably` gives. */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * Removes those that a killed process left, an hour after it; none when that fails. `fresh` was just written beside them: its
 * time is now, by the clock of the file system.
 */
export async function removeOldTemporaries(paths: readonly string[], fresh: string): Promise<void> {
  const now = (await stat(fresh).catch(() => undefined))?.mtimeMs ?? 0;
  for (const path of paths) {
    const written = (await stat(path).catch(() => undefined))?.mtimeMs ?? now;
    if (now - written > OLD_MS) await unlink(path).catch(() => {});
  }
}

/** Makes the names in a directory durable, where the file system has such an operation. */
export async function syncDirectory(path: string): Promise<void> {
  let directory: FileHandle;
  try {
    directory = await open(path, 'r');
  } catch (error) {
    if (hasCode(error, 'EISDIR', 'EPERM') && process.platform === 'win32') return; // Windows opens no directories
    throw error;
  }
  try {
    await directory.sync();
  } catch (error) {
    if (!hasCode(error, 'EINVAL', 'ENOTSUP', 'EPERM')) throw error; // some network and FUSE file systems
  } finally {
    await directory.close();
  }
}

/** The directory and its missing parents, for their owner only; durable, also when another process made them just now. */
export async function makePrivateDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let created = path; ; created = dirname(created)) {
    await syncDirectory(dirname(created));
    if (created === first || created === dirname(created)) return;
  }
}

/**
 * Overwrites the file with zeros, then removes it. Best effort: a disk that never writes in place (flash, copy-on-write,
 * snapshots, journals) may keep the old content. A missing file is fine.
 */
export async function shredFile(path: string): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, 'r+');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  try {
    const { size } = await file.stat();
    await file.write(new Uint8Array(size), 0, size, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await unlink(path).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error;
  });
}

/** Shreds a temporary file that a killed process left, an hour after it by the clock of this machine. */
export async function shredOldTemporary(path: string): Promise<void> {
  if (Date.now() - (await stat(path)).mtimeMs <= OLD_MS) return;
  // Under another name first: if the clock is wrong and a process still writes it, its rename fails, and no zeros are kept.
  const taken = temporaryBeside(path);
  await rename(path, taken);
  await shredFile(taken);
}

/** A system error with one of these codes, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string);
}
