/**
 * Moves named bytes between one store and the replica. It never opens anything: a name says what to expect, the hash at its
 * end says whether these are the bytes. What they mean is asked elsewhere.
 */
import type { Bytes } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { isPassportError, PassportError } from '../errors.ts';
import { formatName, type Name, nameHash, parseName, shortHash, storeRoot } from '../format/names.ts';
import type { Store } from '../storage/store.ts';
import type { StorePlace } from './ledger.ts';

/** The largest object of the protocol: a bundle of 16 MiB with its framing. */
const MAX_OBJECT_BYTES = 24 * 1024 * 1024;
const PARALLEL = 8;

export interface Listed {
  /** Below the store's root. */
  readonly path: string;
  readonly name: Name;
}

/** One listing of a folder of the store; foreign names are passed over. */
export async function listFolder(
  store: Store,
  place: StorePlace,
  folder: 'hot' | 'reg' | 'grant',
  signal?: AbortSignal,
): Promise<Listed[]> {
  const root = storeRoot(place.id);
  const listed: Listed[] = [];
  await abortable(signal, async () => {
    for await (const name of store.list(`${root}/${folder}`, signal ? { signal } : {})) {
      const parsed = parseName(name);
      if (parsed === undefined || !name.startsWith(`${root}/`)) continue; // V16
      listed.push({ path: name.slice(root.length + 1), name: parsed });
    }
  });
  return listed;
}

export type Fetched =
  | { readonly item: Listed; readonly bytes: Bytes }
  /** Listed but not there (any more), or not the bytes that the name promises. */
  | { readonly item: Listed; readonly bytes?: undefined; readonly fault: 'gone' | 'torn' };

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onDone?: (() => void) | undefined;
  /** Larger objects are `torn`. Default: the largest object of the protocol. */
  readonly maxBytes?: number;
}

/** Gets objects, a few at a time, and compares each with the hash in its name. */
export async function fetchAll(
  store: Store,
  place: StorePlace,
  items: readonly Listed[],
  options: FetchOptions = {},
): Promise<Fetched[]> {
  const root = storeRoot(place.id);
  const { maxBytes = MAX_OBJECT_BYTES } = options;
  const results = new Array<Fetched>(items.length);
  let next = 0;
  const worker = async () => {
    for (;;) {
      const at = next++;
      const item = items[at];
      if (item === undefined) return;
      const limits = { maxBytes, ...(options.signal ? { signal: options.signal } : {}) };
      const bytes = await abortable(options.signal, () => store.get(`${root}/${item.path}`, limits)).catch(
        (error: unknown) => {
          if (isPassportError(error, 'damaged')) return null;
          throw error;
        },
      );
      if (bytes === undefined) results[at] = { item, fault: 'gone' };
      else if (bytes === null || bytes.length > maxBytes || nameHash(bytes) !== item.name.hash)
        results[at] = { item, fault: 'torn' }; // V15
      else results[at] = { item, bytes };
      options.onDone?.();
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
  return results;
}

/** Puts one object under its name, a path below the root. `damaged`: they are not the bytes that the name promises. */
export async function putObject(
  store: Store,
  place: StorePlace,
  path: string,
  bytes: Bytes,
  signal?: AbortSignal,
): Promise<void> {
  const digest = sha256(bytes);
  if (!path.endsWith(`-${shortHash(digest)}`))
    throw new PassportError('damaged', 'an object in this home is damaged', { details: { path } });
  const options = { sha256: digest, ...(signal ? { signal } : {}) };
  await abortable(signal, () => store.put(`${storeRoot(place.id)}/${path}`, bytes, options));
}

/** The path below the root that a name has in the store `place`. */
export function pathOf(name: Name): string {
  return formatName(name).slice(`p/${name.store}/`.length);
}

/** A store's call; an abort becomes this package's own error. */
export async function abortable<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
  throwIfAborted(signal);
  try {
    return await call();
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new PassportError('aborted', 'it was interrupted; what was done so far is kept');
}
