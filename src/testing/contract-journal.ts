/** What every journal must do, as a suite for any test runner (storage/journal.ts says the same in words). */
import type { Bytes } from '../bytes.ts';
import { isPassportError } from '../errors.ts';
import type { Journal } from '../storage/journal.ts';
import { check, checkBytes, rejection, type Runner, sampleBytes } from './check.ts';

const MIB = 1024 * 1024;

export interface JournalFixture {
  readonly journal: Journal;
  /** The same journal once more, as another process would open it. Absent where nothing outlives the object. */
  reopen?(): Promise<Journal>;
  cleanup?(): Promise<void>;
}

/** `setup` is called once per test and gives an empty journal. */
export function describeJournal(name: string, setup: () => Promise<JournalFixture>, { describe, it }: Runner): void {
  function test(rule: string, body: (journal: Journal, fixture: JournalFixture) => Promise<void>): void {
    it(rule, async () => {
      const fixture = await setup();
      try {
        await body(fixture.journal, fixture);
      } finally {
        await fixture.journal.close();
        await fixture.cleanup?.();
      }
    });
  }

  describe(`${name} keeps the contract of a journal`, () => {
    test('an empty journal is at generation 0 and has nothing', async (journal) => {
      check((await journal.generation()) === 0, 'generation 0');
      check((await journal.get('a')) === undefined, 'nothing under a key');
    });

    test('a commit changes, adds and deletes all at once and returns the next generation', async (journal) => {
      check((await journal.commit(0, changes({ a: 1, b: 2 }))) === 1, 'generation 1');
      check((await journal.commit(1, changes({ a: 3, b: null, c: 4 }))) === 2, 'generation 2');
      check((await journal.generation()) === 2, 'it stays');
      checkBytes(await journal.get('a'), sampleBytes(20, 3), 'what was changed');
      check((await journal.get('b')) === undefined, 'what was deleted is gone');
      checkBytes(await journal.get('c'), sampleBytes(20, 4), 'what was added');
    });

    test('an empty commit and one that deletes what is not there count as well', async (journal) => {
      check((await journal.commit(0, changes({}))) === 1, 'generation 1');
      check((await journal.commit(1, changes({ a: null }))) === 2, 'generation 2');
    });

    test('a commit on another generation is journal-changed and changes nothing', async (journal) => {
      await journal.commit(0, changes({ a: 1 }));
      for (const expected of [0, 2, 7]) {
        const error = await rejection(journal.commit(expected, changes({ a: 2, b: 2 })), 'it rejects');
        check(isPassportError(error, 'journal-changed'), 'the code is journal-changed');
      }
      check((await journal.generation()) === 1, 'generation 1');
      checkBytes(await journal.get('a'), sampleBytes(20, 1), 'the value');
      check((await journal.get('b')) === undefined, 'nothing was added');
    });

    test('of ten commits at once on one generation exactly one is made', async (journal) => {
      const attempts = Array.from({ length: 10 }, (_, i) => journal.commit(0, changes({ a: i })).then(() => i));
      const made = (await Promise.allSettled(attempts)).filter((attempt) => attempt.status === 'fulfilled');
      check(made.length === 1, `one is made (found ${made.length})`);
      checkBytes(await journal.get('a'), sampleBytes(20, made[0]?.value ?? -1), 'its value');
    });

    test('keys are any text and are told apart', async (journal) => {
      const keys = ['', 'a', 'A', 'a/b', 'generation', 'k', 'é', '\u0000', 'a\u0000b', '😀', 'x'.repeat(500)];
      await journal.commit(0, new Map(keys.map((key, i) => [key, sampleBytes(20, i)])));
      check((await journal.generation()) === 1, 'no key is mistaken for the generation');
      for (const [i, key] of keys.entries())
        checkBytes(await journal.get(key), sampleBytes(20, i), JSON.stringify(key));
    });

    test('values of 0 bytes to 16 MiB come back the same', async (journal) => {
      const lengths = [0, 1, 4096, 100_000, 16 * 1024 * 1024];
      await journal.commit(0, new Map(lengths.map((length) => [`v${length}`, sampleBytes(length, length)])));
      for (const length of lengths)
        checkBytes(await journal.get(`v${length}`), sampleBytes(length, length), `${length} bytes`);
    });

    test('large and small values take each other’s place, and go', async (journal) => {
      let generation = 0;
      for (const [i, length] of [20, MIB, MIB + 1, 20, MIB].entries()) {
        generation = await journal.commit(generation, new Map([['a', sampleBytes(length, i)]]));
        checkBytes(await journal.get('a'), sampleBytes(length, i), `the value of commit ${generation}`);
      }
      await journal.commit(generation, changes({ a: null }));
      check((await journal.get('a')) === undefined, 'it is gone');
    });

    test('a large value of a commit that is refused changes nothing', async (journal) => {
      await journal.commit(0, new Map([['a', sampleBytes(MIB, 1)]]));
      const error = await rejection(journal.commit(0, new Map([['a', sampleBytes(MIB, 2)]])), 'it rejects');
      check(isPassportError(error, 'journal-changed'), 'the code is journal-changed');
      checkBytes(await journal.get('a'), sampleBytes(MIB, 1), 'the value');
    });

    test('what was begun shows nowhere before its commit, and never when it is forgotten', async (journal) => {
      let generation = await journal.commit(0, new Map([['a', sampleBytes(MIB, 1)]]));
      const [kept, left] = [sampleBytes(MIB, 2), sampleBytes(MIB, 3)];
      journal.begin?.(kept);
      journal.begin?.(left);
      checkBytes(await journal.get('a'), sampleBytes(MIB, 1), 'the value before the commit');
      generation = await journal.commit(generation, new Map([['a', kept]]));
      await journal.forget?.([kept, left]);
      checkBytes(await journal.get('a'), sampleBytes(MIB, 2), 'the value after it');
      await journal.commit(generation, new Map([['b', left]]));
      checkBytes(await journal.get('b'), sampleBytes(MIB, 3), 'what was forgotten and is committed after all');
    });

    test('no buffer is shared with the caller', async (journal) => {
      const bytes = sampleBytes(20, 1);
      await journal.commit(0, new Map([['a', bytes]]));
      checkBytes(bytes, sampleBytes(20, 1), 'the buffer of the caller');
      bytes.fill(0);
      const found = await journal.get('a');
      checkBytes(found, sampleBytes(20, 1), 'the value');
      found?.fill(0);
      checkBytes(await journal.get('a'), sampleBytes(20, 1), 'the value after what was read changed');
    });

    test('what was committed outlives the close', async (journal, fixture) => {
      if (fixture.reopen === undefined) return;
      await journal.commit(0, changes({ a: 1 }));
      await journal.close();
      const again = await fixture.reopen();
      check((await again.generation()) === 1, 'generation 1');
      checkBytes(await again.get('a'), sampleBytes(20, 1), 'the value');
      await again.close();
    });

    test('two that have it open see each other and take turns', async (journal, fixture) => {
      const other = await fixture.reopen?.();
      if (other === undefined) return;
      await journal.commit(0, changes({ a: 1 }));
      check((await other.generation()) === 1, 'the other one is at generation 1');
      await other.commit(1, changes({ a: 2 }));
      const error = await rejection(journal.commit(1, changes({ a: 3 })), 'the first one rejects');
      check(isPassportError(error, 'journal-changed'), 'the code is journal-changed');
      check((await journal.generation()) === 2, 'it reads generation 2 at once');
      checkBytes(await journal.get('a'), sampleBytes(20, 2), 'and the value of the other');
      await other.close();
      check((await journal.commit(2, changes({ a: 4 }))) === 3, 'it goes on after the other one closed');
    });
  });
}

function changes(values: Record<string, number | null>): Map<string, Bytes | null> {
  return new Map(Object.entries(values).map(([key, seed]) => [key, seed === null ? null : sampleBytes(20, seed)]));
}
