/**
 * From a directory to records: keys are paths below it in NFC. Links and special files are never followed or read.
 * Synchronous calls: for many small files they are several times faster, and nothing else runs in this process.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Bytes } from '../bytes.ts';
import { MAX_VALUE_BYTES } from './limits.ts';

export interface Skipped {
  readonly file: string;
  readonly code: 'value-too-large' | 'invalid-key' | 'not-a-file' | 'not-readable';
  readonly reason: string;
}

export interface Found {
  readonly files: readonly { readonly file: string; readonly key: string }[];
  readonly skipped: readonly Skipped[];
}

const MAX_KEY_BYTES = 1024;

/** Sorted by key. Throws Node's error when the directory itself cannot be read. */
export function scan(directory: string, prefix: string): Found {
  const files: { file: string; key: string }[] = [];
  const skipped: Skipped[] = [];
  const keys = new Set<string>();
  const skip = (file: string, code: Skipped['code'], reason: string): void => {
    skipped.push({ file, code, reason });
  };

  const visit = (path: string, key: string, top: boolean): void => {
    let entries;
    try {
      entries = readdirSync(path, { withFileTypes: true, encoding: 'buffer' });
    } catch (error) {
      if (top) throw error;
      return skip(path, 'not-readable', 'the directory cannot be read');
    }
    for (const entry of entries) {
      const name = decode(entry.name);
      if (name === undefined) {
        skip(join(path, entry.name.toString('latin1')), 'invalid-key', 'the name is not UTF-8');
        continue;
      }
      const file = join(path, name);
      const below = key === '' ? name.normalize('NFC') : `${key}/${name.normalize('NFC')}`;
      if (entry.isDirectory()) visit(file, below, false);
      else if (entry.isSymbolicLink()) skip(file, 'not-a-file', 'a symbolic link');
      else if (!entry.isFile()) skip(file, 'not-a-file', 'a special file');
      else if (Buffer.byteLength(below) > MAX_KEY_BYTES)
        skip(file, 'invalid-key', `its path has more than ${MAX_KEY_BYTES} bytes`);
      else if (/\p{Cc}/u.test(below)) skip(file, 'invalid-key', 'control characters in its name');
      else if (keys.has(below)) skip(file, 'invalid-key', 'another file has the same key in NFC');
      else {
        keys.add(below);
        files.push({ file, key: below });
      }
    }
  };
  visit(directory, prefix, true);
  files.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { files, skipped };
}

/** Small files share a buffer: thousands of buffers cost more than what is in them. */
const SHARED_BYTES = 1024 * 1024;

/** Reads file after file; what cannot be read or is too large is added to `skipped`. */
export function* valuesOf(files: Found['files'], skipped: Skipped[]): Generator<{ key: string; value: Bytes }> {
  let shared = new Uint8Array(SHARED_BYTES);
  let used = 0;
  const room = (length: number): Bytes => {
    if (length > SHARED_BYTES / 4) return new Uint8Array(length);
    if (length > SHARED_BYTES - used) {
      shared = new Uint8Array(SHARED_BYTES);
      used = 0;
    }
    used += length;
    return shared.subarray(used - length, used);
  };
  for (const { file, key } of files) {
    const value = read(file, room);
    if (value instanceof Uint8Array) yield { key, value };
    else skipped.push({ file, ...value });
  }
}

function read(file: string, room: (length: number) => Bytes): Bytes | Pick<Skipped, 'code' | 'reason'> {
  let descriptor: number;
  try {
    // What was a file a moment ago may be a link now.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return { code: 'not-readable', reason: (error as NodeJS.ErrnoException).code ?? 'it cannot be opened' };
  }
  try {
    const info = fstatSync(descriptor);
    if (!info.isFile()) return { code: 'not-a-file', reason: 'a special file' };
    if (info.size > MAX_VALUE_BYTES) return { code: 'value-too-large', reason: 'larger than 1 MiB' };
    // One byte more than expected shows a file that is growing; less than was asked for is its end.
    const buffer = room(info.size + 1);
    let length = readSync(descriptor, buffer, 0, buffer.length, null);
    for (let got = length; got !== 0 && length < info.size; length += got) {
      got = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
    if (length > info.size) return { code: 'not-readable', reason: 'it changed while it was read' };
    return buffer.subarray(0, length);
  } catch (error) {
    return { code: 'not-readable', reason: (error as NodeJS.ErrnoException).code ?? 'it cannot be read' };
  } finally {
    closeSync(descriptor);
  }
}

function decode(name: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name);
  } catch {
    return undefined;
  }
}
