/**
 * What every store must do, as a suite for any test runner (storage/store.ts says the same in words).
 *
 *     import { describe, it } from 'vitest';
 *     import { describeStore } from 'passport-mesh/testing';
 *     describeStore('my store', async () => ({ store: createMyStore(options), cleanup }), { describe, it });
 */
import type { Bytes } from '../bytes.ts';
import type { Store } from '../storage/store.ts';
import { check, checkBytes, rejection, type Runner, sampleBytes } from './check.ts';

/** One empty place and what a test may do to it. The hooks are for adapters that can offer them. */
export interface StoreFixture {
  readonly store: Store;
  /** Begins a put of the object and has it die halfway, as when the power goes. */
  interruptPut?(name: string, bytes: Bytes): Promise<void>;
  /** Leaves something at `path` (segments that no name has) that is not an object of this program. */
  putForeign?(path: string): Promise<void>;
  /** From now on a name that is put shows in listings only after `settle`: for stores whose listings lag behind their puts. */
  listLate?(): { settle(): Promise<void> };
  /** Called when the test is over; the store is closed by then. */
  cleanup?(): Promise<void>;
}

export interface StoreSuiteOptions extends Runner {
  /** How many names one listing must show; more than a page of the store. Default 1,001. */
  readonly names?: number;
}

const MIB = 1024 * 1024;

/** `setup` is called once per test. */
export function describeStore(name: string, setup: () => Promise<StoreFixture>, options: StoreSuiteOptions): void {
  const { describe, it, names: count = 1001 } = options;

  function test(rule: string, body: (store: Store, fixture: StoreFixture) => Promise<void>): void {
    it(rule, async () => {
      const fixture = await setup();
      try {
        await body(fixture.store, fixture);
      } finally {
        await fixture.store.close();
        await fixture.cleanup?.();
      }
    });
  }

  describe(`${name} keeps the contract of a store`, () => {
    test('what was put comes back whole', async (store) => {
      await store.put('p/one/hot/m-1', sampleBytes(100, 1));
      checkBytes(await store.get('p/one/hot/m-1'), sampleBytes(100, 1), 'the object');
    });

    test('a name that nobody put is undefined, at every depth', async (store) => {
      await store.put('p/one/hot/m-1', sampleBytes(3, 1));
      for (const absent of ['q', 'p/two', 'p/one/hot/m-2', 'p/one/grant/m-1', 'q/one/hot/m-1']) {
        check((await store.get(absent)) === undefined, `${absent} is undefined`);
      }
    });

    test('an object larger than the caller asks for is refused before it is read', async (store) => {
      await store.put('p/one', sampleBytes(5000, 1));
      const error = await rejection(store.get('p/one', { maxBytes: 4999 }), 'the get of a larger object');
      check((error as { code?: string }).code === 'damaged', 'the code is damaged');
      checkBytes(await store.get('p/one', { maxBytes: 5000 }), sampleBytes(5000, 1), 'the object');
    });

    test('a second put of a name replaces the object, also by a shorter one', async (store) => {
      await store.put('p/one', sampleBytes(5000, 1));
      await store.put('p/one', sampleBytes(5000, 2));
      checkBytes(await store.get('p/one'), sampleBytes(5000, 2), 'the second object');
      await store.put('p/one', sampleBytes(7, 3));
      checkBytes(await store.get('p/one'), sampleBytes(7, 3), 'the third object');
      check((await names(store, 'p')).length === 1, 'there is one name');
    });

    test('deleting removes one object and may be repeated', async (store) => {
      await store.put('p/one', sampleBytes(3, 1));
      await store.put('p/one-1', sampleBytes(3, 2));
      await store.delete('p/one');
      await store.delete('p/one');
      await store.delete('p/never/there');
      check((await store.get('p/one')) === undefined, 'the object is gone');
      checkBytes(await store.get('p/one-1'), sampleBytes(3, 2), 'its neighbour');
      check((await names(store, 'p')).join() === 'p/one-1', 'only the neighbour is listed');
    });

    // No object's name is a prefix of another's: a folder cannot hold both, and the core never wants it.
    test('a prefix is whole segments, and covers every depth below it', async (store) => {
      const below = ['a/b', 'a/c/d', 'a/c/e/f'];
      for (const put of [...below, 'a-/b', 'ab/c', 'ac', 'b/a/b']) await store.put(put, sampleBytes(1, 1));
      check((await names(store, 'a')).join() === below.join(), `list('a') gives ${below.join()}`);
      check((await names(store, 'a/c')).join() === 'a/c/d,a/c/e/f', "list('a/c') gives what is below it");
      check((await names(store, 'a/b')).length === 0, "list('a/b') does not give a/b itself");
      check((await names(store, 'a/x')).length === 0, 'a prefix that nothing is below gives nothing');
    });

    test(`one listing gives ${count} names, each once`, async (store) => {
      const put = Array.from({ length: count }, (_, i) => `p/one/hot/c-${String(i).padStart(5, '0')}`);
      await inParallel(put, 20, (each) => store.put(each, sampleBytes(1, 1)));
      const listed = await names(store, 'p/one/hot');
      check(listed.length === count, `${count} names (found ${listed.length})`);
      check(listed.join() === put.join(), 'each of them once');
    });

    for (const [what, length] of [
      ['an empty object', 0],
      ['an object of one byte', 1],
      ['8 MiB', 8 * MIB],
      ['32 MiB', 32 * MIB],
    ] as const) {
      test(`${what} comes back the same`, async (store) => {
        const bytes = sampleBytes(length, length);
        await store.put('p/one', bytes);
        checkBytes(await store.get('p/one'), bytes, what);
        check((await names(store, 'p')).join() === 'p/one', 'it is listed');
      });
    }

    test('every byte value comes back the same', async (store) => {
      const bytes = Uint8Array.from({ length: 512 }, (_, i) => (i < 256 ? i : 0x0d + (i % 2) * -3));
      await store.put('p/one', bytes);
      checkBytes(await store.get('p/one'), bytes, 'the object');
    });

    test('a view into a larger buffer is put without what is around it', async (store) => {
      await store.put('p/one', sampleBytes(64, 1).subarray(16, 48));
      checkBytes(await store.get('p/one'), sampleBytes(64, 1).slice(16, 48), 'the object');
    });

    test('no buffer is shared with the caller', async (store) => {
      const bytes = sampleBytes(64, 1);
      await store.put('p/one', bytes);
      checkBytes(bytes, sampleBytes(64, 1), 'the buffer of the caller, after put,');
      bytes.fill(0);
      const found = await store.get('p/one');
      checkBytes(found, sampleBytes(64, 1), 'the object, after the caller changed what it had put,');
      found?.fill(0);
      checkBytes(await store.get('p/one'), sampleBytes(64, 1), 'the object, after the caller changed what it got,');
    });

    test('a call that is aborted before it begins rejects with the reason and does nothing', async (store) => {
      await store.put('p/one', sampleBytes(3, 1));
      const reason = new Error('enough');
      const options = { signal: AbortSignal.abort(reason) };
      const calls = [
        () => store.get('p/one', options),
        () => store.put('p/two', sampleBytes(3, 2), options),
        () => store.delete('p/one', options),
        () => collect(store.list('p', options)),
      ];
      for (const call of calls) check((await rejection(call(), 'it rejects')) === reason, 'it rejects with the reason');
      check((await names(store, 'p')).join() === 'p/one', 'nothing was put or deleted');
    });

    test('a put that is aborted leaves nothing or the whole object', async (store) => {
      const bytes = sampleBytes(8 * MIB, 1);
      const controller = new AbortController();
      const reason = new Error('enough');
      const put = store.put('p/one', bytes, { signal: controller.signal });
      controller.abort(reason);
      await put.catch((error: unknown) => check(error === reason, 'it rejects with the reason'));
      const found = await store.get('p/one');
      if (found !== undefined) checkBytes(found, bytes, 'the object');
      check((await names(store, 'p')).length === (found === undefined ? 0 : 1), 'the listing agrees');
      await store.put('p/one', bytes);
      checkBytes(await store.get('p/one'), bytes, 'the object after a second attempt');
    });

    test('an aborted listing ends with the reason', async (store) => {
      for (let i = 0; i < 5; i++) await store.put(`p/${i}`, sampleBytes(1, i));
      const controller = new AbortController();
      const reason = new Error('enough');
      let seen = 0;
      const listing = (async () => {
        for await (const _ of store.list('p', { signal: controller.signal }))
          if (++seen === 2) controller.abort(reason);
      })();
      check((await rejection(listing, 'it rejects')) === reason, 'it rejects with the reason');
      check(seen === 2, 'no name comes after the abort');
    });

    test('a listing that is left early costs nothing later', async (store) => {
      for (let i = 0; i < 3; i++) await store.put(`p/${i}`, sampleBytes(1, i));
      for await (const _ of store.list('p')) break;
      check((await names(store, 'p')).length === 3, 'the next listing is whole');
    });

    test('a name outside the grammar is a TypeError, for every call', async (store) => {
      const outside = [
        '',
        '/',
        'a/',
        '/a',
        'a//b',
        '.',
        '..',
        'a/../b',
        'A',
        'a.b',
        'a b',
        'a\\b',
        'é',
        'a/b/c/d/e',
        'a\n',
        'x'.repeat(81),
      ];
      for (const bad of outside) {
        const what = `${JSON.stringify(bad)} is refused with a TypeError`;
        check((await rejection(store.get(bad), what)) instanceof TypeError, what);
        check((await rejection(store.put(bad, sampleBytes(1, 1)), what)) instanceof TypeError, what);
        check((await rejection(store.delete(bad), what)) instanceof TypeError, what);
        check((await rejection(collect(store.list(bad)), what)) instanceof TypeError, what);
      }
    });

    test('the longest name works', async (store) => {
      const longest = Array.from({ length: 4 }, (_, i) => String(i).repeat(80)).join('/');
      await store.put(longest, sampleBytes(3, 1));
      checkBytes(await store.get(longest), sampleBytes(3, 1), 'the object');
      check((await names(store, '0'.repeat(80))).join() === longest, 'it is listed');
    });

    test('twenty writers at once: every object is there, and one name has one of its objects whole', async (store) => {
      const writers = Array.from({ length: 20 }, (_, i) => i);
      await Promise.all(
        writers.flatMap((i) => [
          store.put(`p/one/hot/c-${i}`, sampleBytes(10_000, i)),
          store.put('p/one/hot/same', sampleBytes(10_000 + i, i)),
        ]),
      );
      for (const i of writers)
        checkBytes(await store.get(`p/one/hot/c-${i}`), sampleBytes(10_000, i), `the object of writer ${i}`);
      const same = await store.get('p/one/hot/same');
      checkBytes(same, sampleBytes(same?.length ?? 0, (same?.length ?? 0) - 10_000), 'the object that all have put');
      check((await names(store, 'p/one/hot')).length === 21, 'there are 21 names');
    });

    test('the url says where it is and holds no name of an object', async (store) => {
      check(typeof store.url === 'string' && store.url.length > 0, 'there is a url');
      const before = store.url;
      await store.put('p/one', sampleBytes(1, 1));
      check(store.url === before, 'it stays the same');
    });

    test('where a put can be cut off: nothing of it is seen, and the name is free for a second attempt', async (store, fixture) => {
      if (fixture.interruptPut === undefined) return;
      const bytes = sampleBytes(8 * MIB, 1);
      await store.put('p/one/hot/c-0', sampleBytes(3, 0));
      await fixture.interruptPut('p/one/hot/c-1', bytes);
      check((await store.get('p/one/hot/c-1')) === undefined, 'the object is not there');
      check((await names(store, 'p')).join() === 'p/one/hot/c-0', 'its name is not there');
      await store.put('p/one/hot/c-1', bytes);
      checkBytes(await store.get('p/one/hot/c-1'), bytes, 'the object after a second attempt');
    });

    test('where listings are late: an object is there before its name is listed, and once when it is', async (store, fixture) => {
      if (fixture.listLate === undefined) return;
      await store.put('p/one/hot/c-0', sampleBytes(3, 0));
      const late = fixture.listLate();
      await store.put('p/one/hot/c-1', sampleBytes(3, 1));
      check((await names(store, 'p')).includes('p/one/hot/c-0'), 'what was listed before still is');
      checkBytes(await store.get('p/one/hot/c-1'), sampleBytes(3, 1), 'the object whose name is not listed yet');
      await store.put('p/one/hot/c-1', sampleBytes(3, 1));
      await late.settle();
      check((await names(store, 'p')).join() === 'p/one/hot/c-0,p/one/hot/c-1', 'each name is listed once');
      checkBytes(await store.get('p/one/hot/c-1'), sampleBytes(3, 1), 'the object');
    });

    test('where others may write: what is not an object is ignored', async (store, fixture) => {
      if (fixture.putForeign === undefined) return;
      await store.put('p/one', sampleBytes(3, 1));
      for (const foreign of ['readme.txt', '.hidden', 'p/Desktop.ini', 'p/one.tmp', 'p/.sync/state', 'p/a/b/c/d/e'])
        await fixture.putForeign(foreign);
      check((await names(store, 'p')).join() === 'p/one', 'only the object is listed');
    });
  });
}

async function collect(listing: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const name of listing) found.push(name);
  return found;
}

async function names(store: Store, prefix: string): Promise<string[]> {
  return (await collect(store.list(prefix))).sort();
}

async function inParallel<T>(items: readonly T[], width: number, action: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await action(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
