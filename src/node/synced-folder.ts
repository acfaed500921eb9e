/**
 * What programs that sync a folder (iCloud Drive, Dropbox, Syncthing, OneDrive, Google Drive for desktop) leave in it. An object that
 * is known there but not downloaded is listed and not readable yet:
 * - macOS before 14 has a small `.NAME.icloud` in the place of NAME;
 * - since then, and with OneDrive and Dropbox, NAME has its size and no blocks, and reading it downloads it, or fails offline.
 * Conflict copies, partial downloads and settings have names that no object has, except `NAME-HOST` of OneDrive: its end is no
 * hash of its bytes, so the core passes over it. docs/stores.md has the paths.
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasCode } from './durable.ts';

/** The object that the file with this name stands for, if it is a placeholder. */
export function placeholderFor(file: string): string | undefined {
  return /^\.(.+)\.icloud$/.exec(file)?.[1];
}

/** Where the placeholder of the object at `path` would be. */
export function placeholderPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.icloud`);
}

/** Runs `read`; when it fails because the content of `path` is elsewhere and cannot be fetched now, it is not there yet. */
export async function unlessRemote<T>(path: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (hasCode(error, 'EDEADLK', 'ETIMEDOUT') && (await isDataless(path))) return undefined;
    throw error;
  }
}

async function isDataless(path: string): Promise<boolean> {
  const { size, blocks } = await stat(path);
  return size > 0 && blocks === 0;
}
