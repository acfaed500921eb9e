/**
 * The credentials port: what a store of this device needs to be let in, kept sealed by whoever implements it. One entry per
 * store address; its bytes are the adapter's own (a token cache, a user name and password). Never in an address, never in a log.
 */
import type { Bytes } from '../bytes.ts';

export interface Credentials {
  /** What was kept for the store at `url`, or undefined. */
  read(url: string): Promise<Bytes | undefined>;
  /** Replaces it, durably when it resolves; null forgets it. */
  write(url: string, bytes: Bytes | null): Promise<void>;
}

/** Keeps them as long as this object lives: for tests, and before there is a keystore. */
export function createMemoryCredentials(): Credentials {
  const kept = new Map<string, Bytes>();
  return {
    async read(url) {
      return kept.get(url)?.slice();
    },
    async write(url, bytes) {
      if (bytes === null) kept.delete(url);
      else kept.set(url, bytes.slice());
    },
  };
}
