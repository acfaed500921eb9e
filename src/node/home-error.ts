/** What goes wrong with the files of a home is one of two things for the caller: no space, or a home that cannot be used. */
import { PassportError } from '../errors.ts';

const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** Errors of node:fs become `disk-full` or `home-unusable`; all others pass. */
export function asHomeError(error: unknown, path: string): unknown {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return error;
  return FULL.includes(error.code) ? diskFull(path, error) : homeUnusable(path, error);
}

export function diskFull(path: string, cause: unknown): PassportError {
  return new PassportError('disk-full', `no space is left for ${path}`, { cause });
}

export function homeUnusable(path: string, cause: unknown): PassportError {
  return new PassportError('home-unusable', `${path} cannot be used`, {
    cause,
    hint: 'Check that this user may write there and that the disk works.',
  });
}

/** Runs `action` with its errors translated. */
export async function inHome<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw asHomeError(error, path);
  }
}
