/** A store in the memory of this process: for tests, and the shortest example of an adapter. Nothing in it outlives the process. */
import { type Bytes, copy } from '../bytes.ts';
import type { Store } from './store.ts';
import { checkName, covers, tooLarge } from './store-name.ts';

/** An aborted call rejects with the signal's reason. */
export function createMemoryStore(url = 'memory:'): Store {
  const objects = new Map<string, Bytes>();
  return {
    url,
    async get(name, { signal, maxBytes = Infinity } = {}) {
      checkName(name);
      signal?.throwIfAborted();
      const bytes = objects.get(name);
      if (bytes !== undefined && bytes.length > maxBytes) throw tooLarge(name);
      return bytes && copy(bytes);
    },
    async put(name, bytes, { signal } = {}) {
      checkName(name);
      signal?.throwIfAborted();
      objects.set(name, copy(bytes));
    },
    async delete(name, { signal } = {}) {
      checkName(name);
      signal?.throwIfAborted();
      objects.delete(name);
    },
    async *list(prefix, { signal } = {}) {
      checkName(prefix);
      signal?.throwIfAborted();
      for (const name of [...objects.keys()]) {
        if (!covers(prefix, name)) continue;
        yield name;
        signal?.throwIfAborted();
      }
    },
    async close() {},
  };
}
