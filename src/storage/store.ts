/**
 * The store port: where a replica lives. It sees opaque names and bytes only.
 * A name is 1 to 4 segments of [a-z0-9-], 1..80 characters each, joined by `/`; every name that the core puts ends in a
 * hash of the bytes, so no call needs a condition and a repeated put is harmless. No name is a segment prefix of another one.
 * Failures are PassportErrors: `store-unreachable` (worth a retry), `store-refused` (permission), `store-full`.
 */
import type { Bytes } from '../bytes.ts';

export interface StoreOptions {
  /** An aborted call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface GetOptions extends StoreOptions {
  /** A larger object is not read: the call rejects with `damaged`. */
  readonly maxBytes?: number;
}

export interface PutOptions extends StoreOptions {
  /** SHA-256 of the bytes (32 bytes), where the caller has it: who signs or compares it need not hash them again. */
  readonly sha256?: Bytes;
}

export interface Store {
  /** Where it is, for people and logs; never a credential. */
  readonly url: string;
  /** The whole object, or undefined when it is not there. The bytes belong to the caller. */
  get(name: string, options?: GetOptions): Promise<Bytes | undefined>;
  /** Whole or not at all, durable when it resolves. Never deletes after a failed attempt. Does not keep or change `bytes`. */
  put(name: string, bytes: Bytes, options?: PutOptions): Promise<void>;
  /** Idempotent. */
  delete(name: string, options?: StoreOptions): Promise<void>;
  /** Every name below `prefix`, itself left out (whole segments: `a` does not cover `ab`), in any order, across pages. One call is one listing. */
  list(prefix: string, options?: StoreOptions): AsyncIterable<string>;
  close(): Promise<void>;
}
