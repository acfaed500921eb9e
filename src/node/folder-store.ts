/**
 * A store in a folder: a disk, a memory stick, a network share, a folder that another program carries elsewhere.
 * Each object is a file under its own name; everything else in the folder belongs to others and is ignored, but for this
 * store's own temporary files that a killed process left: a put removes old ones that a listing has seen. The folder itself
 * is never made again: a missing one is a disk that is not plugged in, not an empty store.
 * What a program that syncs the folder has not brought yet is not there yet, and its other files are foreign (synced-folder.ts).
 * Files get the permissions of the process's umask: what is in them is ciphertext, and who shares a folder knows with whom.
 */
import { mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Bytes, copy } from '../bytes.ts';
import { PassportError } from '../errors.ts';
import type { Store } from '../storage/store.ts';
import { checkName, isName, tooLarge } from '../storage/store-name.ts';
import { hasCode, isTemporary, removeOldTemporaries, syncDirectory, writeFileDurably } from './durable.ts';
import { placeholderFor, placeholderPath, unlessRemote } from './synced-folder.ts';

export interface FolderStoreOptions {
  /** Makes the folder, once, now. */
  readonly create?: boolean | undefined;
}

/**
 * Reads nothing yet: a folder that is not there shows at the first call, as `store-unreachable`.
 * An aborted call rejects with the signal's reason. The url is `folder:<absolute path>`.
 */
export function createFolderStore(path: string, { create = false }: FolderStoreOptions = {}): Store {
  const root = resolve(path);
  try {
    if (create) mkdirSync(root, { recursive: true });
  } catch (error) {
    throw asStoreError(root, error);
  }
  return folderStore(root);
}

function folderStore(root: string): Store {
  const path = (name: string): string => join(root, ...name.split('/'));
  /** Directories that this store has seen made and made durable. */
  const durable = new Map<string, Promise<void>>();
  const temporaries = new Set<string>();

  function directoryFor(directory: string): Promise<void> {
    let made = durable.get(directory);
    if (made === undefined) {
      made = makeDirectories(root, directory);
      durable.set(directory, made);
      made.catch(() => durable.delete(directory));
    }
    return made;
  }

  async function put(name: string, bytes: Bytes, signal: AbortSignal | undefined): Promise<void> {
    const directory = dirname(path(name));
    const write = () => writeFileDurably(path(name), bytes, { mode: 0o666, signal });
    await directoryFor(directory);
    try {
      await write();
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      // Somebody removed the directory since. If the root is gone as well, this fails.
      durable.delete(directory);
      await directoryFor(directory);
      await write();
    }
    if (temporaries.size === 0) return;
    const seen = [...temporaries];
    temporaries.clear();
    await removeOldTemporaries(seen, path(name));
  }

  return {
    url: `folder:${root}`,

    async get(name, { signal, maxBytes = Infinity } = {}) {
      checkName(name);
      return translated(root, signal, async () => {
        const bytes = await absentAsUndefined(root, async () => {
          if (maxBytes < Infinity && (await stat(path(name))).size > maxBytes) throw tooLarge(name);
          return unlessRemote(path(name), () => readFile(path(name), { signal }));
        });
        return bytes && copy(bytes);
      });
    },

    async put(name, bytes, { signal } = {}) {
      checkName(name);
      await translated(root, signal, () => put(name, bytes, signal));
    },

    async delete(name, { signal } = {}) {
      checkName(name);
      await translated(root, signal, () => absentAsUndefined(root, () => remove(path(name))));
    },

    async *list(prefix, { signal } = {}) {
      checkName(prefix);
      const directories = [prefix];
      for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
        const within = directory;
        const found = await translated(root, signal, () =>
          absentAsUndefined(root, () => readdir(path(within), { withFileTypes: true })),
        );
        const files = new Set((found ?? []).map(({ name }) => name));
        for (const entry of found ?? []) {
          if (entry.isFile() && isTemporary(entry.name)) temporaries.add(join(path(within), entry.name));
          const remote = entry.isFile() ? placeholderFor(entry.name) : undefined;
          if (remote !== undefined && files.has(remote)) continue; // it has arrived
          const name = `${within}/${remote ?? entry.name}`;
          if (!isName(name)) continue; // also deeper than any name can be
          if (entry.isDirectory()) directories.push(name);
          else if (entry.isFile()) yield name;
          signal?.throwIfAborted();
        }
      }
    },

    async close() {},
  };
}

/** Also what stands for it while it is elsewhere: whoever syncs the folder then deletes it there. */
async function remove(path: string): Promise<void> {
  await unlink(path).catch(async (error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error;
    await unlink(placeholderPath(path));
  });
}

/** The directories from the root (which must be there) to `directory`, and their names on the disk. */
async function makeDirectories(root: string, directory: string): Promise<void> {
  if (directory === root) return checkRoot(root);
  const parent = dirname(directory);
  await makeDirectories(root, parent);
  await mkdir(directory).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
  await syncDirectory(parent);
}

async function checkRoot(root: string): Promise<void> {
  if ((await stat(root)).isDirectory()) return;
  throw new PassportError('store-unreachable', `${root} is not a folder`);
}

/** Undefined when the object or its directory is not there; still an error when the root is not. */
async function absentAsUndefined<T>(root: string, action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    // EISDIR: a directory where an object would be. It is somebody else's.
    if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw error;
    await checkRoot(root);
    return undefined;
  }
}

const CODES = {
  ENOSPC: 'store-full',
  EDQUOT: 'store-full',
  EFBIG: 'store-full',
  EACCES: 'store-refused',
  EPERM: 'store-refused',
  EROFS: 'store-refused',
  EISDIR: 'store-refused',
} as const;

const MESSAGES = {
  'store-full': 'is full',
  'store-refused': 'refuses access',
  'store-unreachable': 'cannot be reached',
} as const;

/** Runs `action`; errors of the file system become those of the store port. */
async function translated<T>(root: string, signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  try {
    return await action();
  } catch (error) {
    signal?.throwIfAborted();
    throw asStoreError(root, error);
  }
}

/** What is not named in CODES (ENOENT, ENOTDIR, EIO, ESTALE, …) may pass by itself and is worth a retry. */
function asStoreError(root: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return error;
  const code = CODES[error.code as keyof typeof CODES] ?? 'store-unreachable';
  return new PassportError(code, `the folder ${root} ${MESSAGES[code]} (${String(error.code)})`, { cause: error });
}
