/** Journals for tests: one that can be copied as a backup or a stolen home is, and one that dies at a chosen call. */
import { copy, type Bytes } from '../../src/bytes.ts';
import type { Journal } from '../../src/storage/journal.ts';
import { journalChanged } from '../../src/storage/memory-journal.ts';

export interface CopyableJournal extends Journal {
  copy(): Promise<CopyableJournal>;
  /** Changes stored bytes behind everybody's back. */
  damage(key: string, change: (bytes: Bytes) => Bytes | undefined): void;
  keys(): string[];
}

export function createCopyableJournal(from: ReadonlyMap<string, Bytes> = new Map()): CopyableJournal {
  const entries = new Map(from);
  let generation = from.size === 0 ? 0 : 1;
  return {
    generation: async () => generation,
    get: async (key) => {
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
    close: async () => undefined,
    copy: async () => createCopyableJournal(entries),
    damage(key, change) {
      const bytes = entries.get(key);
      const changed = bytes && change(copy(bytes));
      if (changed === undefined) entries.delete(key);
      else entries.set(key, changed);
    },
    keys: () => [...entries.keys()],
  };
}

export class Crash extends Error {
  override readonly name = 'Crash';
}

export interface MortalJournal extends Journal {
  /** Calls so far. */
  calls(): number;
  /** The call with this number throws, before or after its effect; later calls work: another process has come up. */
  dieAt(call: number, when: 'before' | 'after'): void;
}

export function createMortalJournal(journal: Journal): MortalJournal {
  let calls = 0;
  let deadline = Number.POSITIVE_INFINITY;
  let dies: 'before' | 'after' = 'before';
  async function guarded<T>(run: () => Promise<T>): Promise<T> {
    calls += 1;
    if (calls === deadline && dies === 'before') throw new Crash('the process died');
    const result = await run();
    if (calls === deadline) throw new Crash('the process died');
    return result;
  }
  return {
    generation: () => guarded(() => journal.generation()),
    get: (key) => guarded(() => journal.get(key)),
    commit: (expected, changes) => guarded(() => journal.commit(expected, changes)),
    close: () => journal.close(),
    calls: () => calls,
    dieAt(call, when) {
      calls = 0;
      deadline = call;
      dies = when;
    },
  };
}
