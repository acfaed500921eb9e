/** A journal in the memory of this process: for tests and for pages that keep nothing. "Durable" lasts as long as the object does. */
import { type Bytes, copy } from '../bytes.ts';
import { PassportError } from '../errors.ts';
import type { Journal } from './journal.ts';

export function createMemoryJournal(): Journal {
  const entries = new Map<string, Bytes>();
  let generation = 0;
  return {
    async generation() {
      return generation;
    },
    async get(key) {
      const bytes = entries.get(key);
      return bytes && copy(bytes);
    },
    async commit(expected, changes) {
      if (expected !== generation) throw journalChanged(expected, generation);
      for (const [key, bytes] of changes) {
        if (bytes === null) entries.delete(key);
        else entries.set(key, copy(bytes));
      }
      return ++generation;
    },
    async close() {},
  };
}

/** For every journal: somebody committed since the caller began to read. */
export function journalChanged(expected: number, found: number): PassportError {
  return new PassportError('journal-changed', 'another process changed the journal meanwhile', {
    details: { expected, found },
  });
}
