/**
 * Large values of the journal, a file each: written and read off the main thread, where lmdb copies them on it. A file is
 * written once, under a random name, and is on the disk before the transaction that names it; it goes after the transaction
 * that names it no more. What a killed process left is swept once it is old.
 * In: values of one commit. Out: the names under which they are found again.
 */
import { randomBytes } from 'node:crypto';
import { close, fdatasync, openSync, readdirSync, rmSync, statSync, write } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Bytes, bytesUint, concat, fromHex, hex, uintBytes } from '../bytes.ts';
import { hasCode, makePrivateDirectory, syncDirectory } from './durable.ts';

/** From here on a value is a file. */
export const LARGE_BYTES = 512 * 1024;

/** Where a value is: kept in lmdb in its place. */
export interface Place {
  /** 32 hexadecimal digits. */
  readonly name: string;
  readonly length: number;
}

const NAME_BYTES = 16;
const NAME = /^[0-9a-f]{32}$/;
/** Files that are open at a time. */
const PARALLEL = 8;
/** What nobody names may belong to a commit that is still on its way. */
const OLD_MS = 60 * 60 * 1000;

export class LargeValues {
  readonly #directory: string;
  /** Begun before their commit. */
  readonly #ahead = new Map<Bytes, { readonly place: Place; readonly written: Promise<void> }>();
  #made = false;

  /** Nothing is made before the first write. Errors are those of node:fs. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Begins to write a value: `write` with the same bytes ends it, `forget` undoes it. Not before something was written. */
  begin(bytes: Bytes): void {
    if (!this.#made || this.#ahead.size >= PARALLEL || this.#ahead.has(bytes)) return;
    const place = newPlace(bytes);
    const written = this.#writeOne(place, bytes);
    written.catch(() => {}); // `write` sees it, or nobody needs it
    this.#ahead.set(bytes, { place, written });
  }

  /** Of what was begun and is in no commit. */
  async forget(values: Iterable<Bytes>): Promise<void> {
    for (const bytes of values) {
      const begun = this.#ahead.get(bytes);
      if (begun === undefined) continue;
      this.#ahead.delete(bytes);
      await begun.written.catch(() => {});
      await this.remove([begun.place]);
    }
  }

  forgetAll(): Promise<void> {
    return this.forget([...this.#ahead.keys()]);
  }

  /** Durable when it resolves. When one of them fails none is left. */
  async write(values: ReadonlyMap<string, Bytes>): Promise<Map<string, Place>> {
    const places = new Map<string, Place>();
    if (values.size === 0) return places;
    if (!this.#made) {
      await makePrivateDirectory(this.#directory);
      await syncDirectory(dirname(this.#directory)); // also when another process made it and died
    }
    this.#made = true;
    const left = values.entries();
    const worker = async (): Promise<void> => {
      for (const [key, bytes] of left) {
        const begun = this.#ahead.get(bytes);
        const place = begun?.place ?? newPlace(bytes);
        places.set(key, place);
        this.#ahead.delete(bytes);
        await (begun?.written ?? this.#writeOne(place, bytes));
      }
    };
    const done = await Promise.allSettled(Array.from({ length: PARALLEL }, worker));
    try {
      for (const result of done) if (result.status === 'rejected') throw result.reason;
      await syncDirectory(this.#directory);
    } catch (error) {
      this.#made = false; // perhaps the directory is gone
      await this.remove(places.values());
      throw error;
    }
    return places;
  }

  /** The file is opened at once, so that its bytes are on their way although the caller goes on and gives no turn to others. */
  async #writeOne({ name }: Place, bytes: Bytes): Promise<void> {
    const file = openSync(this.#path(name), 'wx', 0o600);
    try {
      for (let at = 0; at < bytes.length;) at += (await calls.write(file, bytes, at)).bytesWritten;
      await calls.fdatasync(file);
    } finally {
      await calls.close(file);
    }
  }

  /** What is there of it: less than `length` bytes of a file that is cut off, none of one that is gone. */
  async read({ name, length }: Place): Promise<Bytes> {
    let file: FileHandle;
    try {
      file = await open(this.#path(name), 'r');
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return new Uint8Array(0);
      throw error;
    }
    try {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length;) {
        const { bytesRead } = await file.read(bytes, at, length - at, at);
        if (bytesRead === 0) return bytes.slice(0, at);
        at += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  }

  /** All of them are whole. */
  has(places: Iterable<Place>): boolean {
    for (const { name, length } of places) {
      if (statSync(this.#path(name), { throwIfNoEntry: false })?.size !== length) return false;
    }
    return true;
  }

  /** What cannot be removed now is swept later. */
  async remove(places: Iterable<Place>): Promise<void> {
    await Promise.all([...places].map(({ name }) => unlink(this.#path(name)).catch(() => {})));
  }

  /** Removes old files that nobody names. `fresh` was just written: its time is now, by the clock of the file system. */
  sweep(isNamed: (name: string) => boolean, fresh: Place): void {
    const now = statSync(this.#path(fresh.name), { throwIfNoEntry: false })?.mtimeMs;
    if (now === undefined) return;
    for (const name of readdirSync(this.#directory)) {
      if (!NAME.test(name) || isNamed(name)) continue;
      const written = statSync(this.#path(name), { throwIfNoEntry: false })?.mtimeMs;
      if (written !== undefined && now - written > OLD_MS) rmSync(this.#path(name), { force: true });
    }
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}

const calls = { write: promisify(write), fdatasync: promisify(fdatasync), close: promisify(close) };

function newPlace({ length }: Bytes): Place {
  return { name: hex(randomBytes(NAME_BYTES)), length };
}

/** 24 bytes: the name, then the length. */
export function placeBytes({ name, length }: Place): Bytes {
  return concat(fromHex(name), uintBytes(length, 8));
}

export function placeOf(bytes: Uint8Array): Place {
  return { name: hex(bytes.subarray(0, NAME_BYTES)), length: bytesUint(bytes.subarray(NAME_BYTES)) };
}
