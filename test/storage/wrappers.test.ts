/** The wrappers of stores: each keeps the contract of the store inside, alone and around each other, and does its one thing. */
import { describe, expect, it } from 'vitest';
import { PassportError } from '../../src/errors.ts';
import { createMemoryStore } from '../../src/storage/memory-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { withLimit } from '../../src/storage/with-limit.ts';
import { type StoreCall, withProgress } from '../../src/storage/with-progress.ts';
import { type Retry, type RetryOptions, withRetry } from '../../src/storage/with-retry.ts';
import { withTimeout } from '../../src/storage/with-timeout.ts';
import { describeStore } from '../../src/testing/index.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { TestClock } from '../helpers/mesh.ts';
import { seededRandom } from '../helpers/random.ts';

const bytes = Uint8Array.of(1, 2, 3);
const retrying = (store: Store, options: Partial<RetryOptions> = {}) =>
  withRetry(store, { clock: new TestClock(), random: seededRandom('retry'), ...options });

describeStore('the memory store in withRetry', async () => ({ store: retrying(createMemoryStore()) }), {
  describe,
  it,
});
describeStore(
  'the memory store in withLimit',
  async () => ({ store: withLimit(createMemoryStore(), { parallel: 1 }) }),
  {
    describe,
    it,
  },
);
describeStore('the memory store in withTimeout', async () => ({ store: withTimeout(createMemoryStore()) }), {
  describe,
  it,
});
describeStore(
  'the memory store in withProgress',
  async () => ({ store: withProgress(createMemoryStore(), () => {}) }),
  {
    describe,
    it,
  },
);
describeStore(
  'the memory store in all of them',
  async () => ({
    store: withProgress(retrying(withLimit(withTimeout(createMemoryStore()), { parallel: 3 })), () => {}),
  }),
  { describe, it },
);

it('every wrapper passes on what a caller says of a put and of a get', async () => {
  const seen: object[] = [];
  const inner: Store = {
    ...createMemoryStore(),
    get: async (_, options) => void seen.push({ ...options }),
    put: async (_, __, options) => void seen.push({ ...options }),
  };
  const sha256 = new Uint8Array(32);
  const store = withProgress(retrying(withLimit(withTimeout(inner), { parallel: 3 })), () => {});
  await store.put('p', bytes, { sha256 });
  await store.get('p', { maxBytes: 7 });
  expect(seen).toEqual([
    { sha256, signal: expect.any(AbortSignal) },
    { maxBytes: 7, signal: expect.any(AbortSignal) },
  ]);
});

async function names(store: Store, prefix = 'p'): Promise<string[]> {
  const found: string[] = [];
  for await (const name of store.list(prefix)) found.push(name);
  return found;
}

/** Fails the first `times` calls with `error`; a put that fails was done all the same when `after` is set. */
function failing(times: number, error: Error, { after = false } = {}): Store & { calls: number } {
  const inner = createMemoryStore();
  const store = {
    ...inner,
    calls: 0,
    async get(...args: Parameters<Store['get']>) {
      if (store.calls++ < times) throw error;
      return inner.get(...args);
    },
    async put(...args: Parameters<Store['put']>) {
      if (store.calls++ >= times) return inner.put(...args);
      if (after) await inner.put(...args);
      throw error;
    },
    async delete(...args: Parameters<Store['delete']>) {
      if (store.calls++ < times) throw error;
      return inner.delete(...args);
    },
  };
  return store;
}

const unreachable = (details = {}) => new PassportError('store-unreachable', 'no answer', { details });

describe('withRetry', () => {
  it('tries a passing failure again, each time after a longer pause at most, never the same', async () => {
    const retries: Retry[] = [];
    const store = failing(4, unreachable());
    await retrying(store, { onRetry: (retry) => retries.push(retry) }).put('p/one', bytes);
    expect(await store.get('p/one')).toEqual(bytes);
    expect(retries.map(({ call, name, attempt }) => [call, name, attempt])).toEqual(
      [1, 2, 3, 4].map((attempt) => ['put', 'p/one', attempt]),
    );
    for (const { pauseMs, attempt } of retries) expect(pauseMs).toBeLessThanOrEqual(250 * 2 ** (attempt - 1));
    expect(new Set(retries.map(({ pauseMs }) => pauseMs)).size).toBe(4);
  });

  it('gives up after six attempts with the last error', async () => {
    const store = failing(Infinity, unreachable());
    expect(await rejectionOf(retrying(store).get('p/one'))).toBe('store-unreachable');
    expect(store.calls).toBe(6);
  });

  it.each([
    ['store-refused', new PassportError('store-refused', 'no')],
    ['store-full', new PassportError('store-full', 'no')],
    ['damaged', new PassportError('damaged', 'no')],
    ['store-unreachable that would come again', unreachable({ retry: false })],
    ['a mistake of the program', new TypeError('no')],
  ])('does not try again after %s', async (_, error) => {
    const store = failing(1, error);
    await expect(retrying(store).put('p/one', bytes)).rejects.toBe(error);
    expect(store.calls).toBe(1);
  });

  it('waits as long as the server asks for, and a little longer', async () => {
    const pauses: number[] = [];
    const options = { onRetry: ({ pauseMs }: Retry) => void pauses.push(pauseMs) };
    await retrying(failing(2, unreachable({ retryAfterMs: 7000 })), options).put('p/one', bytes);
    for (const [i, pauseMs] of pauses.entries()) {
      expect(pauseMs).toBeGreaterThanOrEqual(7000);
      expect(pauseMs).toBeLessThanOrEqual(7000 + 250 * 2 ** i);
    }
    expect(pauses).toHaveLength(2);
  });

  it('does not wait longer than its patience', async () => {
    const clock = new TestClock();
    const store = failing(Infinity, unreachable({ retryAfterMs: 25_000 }));
    const before = clock.monotonic();
    expect(await rejectionOf(retrying(store, { clock }).get('p/one'))).toBe('store-unreachable');
    expect(store.calls).toBe(3);
    expect(clock.monotonic() - before).toBeLessThanOrEqual(60_000);
    const long = failing(Infinity, unreachable({ retryAfterMs: 600_000 }));
    expect(await rejectionOf(retrying(long).get('p/one'))).toBe('store-unreachable');
    expect(long.calls).toBe(1);
  });

  it('an abort ends the pause', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const clock = {
      monotonic: () => 0,
      sleep: (_: number, signal?: AbortSignal) => Promise.reject(signal?.reason as Error),
    };
    const store = retrying(failing(1, unreachable()), { clock, onRetry: () => controller.abort(reason) });
    await expect(store.get('p/one', { signal: controller.signal })).rejects.toBe(reason);
  });

  it('after an answer that was lost the object is there once, with its bytes', async () => {
    const store = failing(1, unreachable(), { after: true });
    await retrying(store).put('p/one', bytes);
    expect(await names(store)).toEqual(['p/one']);
    expect(await store.get('p/one')).toEqual(bytes);
  });

  it('a listing that breaks off begins again, and gives each name once', async () => {
    let listings = 0;
    const store: Store = {
      ...createMemoryStore(),
      async *list() {
        const broken = ++listings < 3;
        yield* ['p/a', 'p/b'].slice(0, listings);
        if (broken) throw unreachable();
        yield 'p/c';
      },
    };
    expect(await names(retrying(store))).toEqual(['p/a', 'p/b', 'p/c']);
    expect(listings).toBe(3);
  });
});

describe('withLimit', () => {
  /** Counts how many of its calls run at once. */
  function counting(): { store: Store; most: () => number } {
    let running = 0;
    let most = 0;
    const busy = async <T>(answer: T): Promise<T> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running--;
      return answer;
    };
    const store: Store = {
      ...createMemoryStore(),
      get: () => busy(undefined),
      put: () => busy(undefined),
      delete: () => busy(undefined),
      async *list() {
        for (const name of ['p/a', 'p/b', 'p/c']) yield await busy(name);
      },
    };
    return { store, most: () => most };
  }

  it('lets so many calls run at once and all of them in the end', async () => {
    const { store, most } = counting();
    const limited = withLimit(store, { parallel: 3 });
    const calls = Array.from({ length: 10 }, (_, i) => [
      limited.get(`p/${i}`),
      limited.put(`p/${i}`, bytes),
      limited.delete(`p/${i}`),
      names(limited),
    ]);
    await Promise.all(calls.flat());
    expect(most()).toBe(3);
  });

  it('a caller may use the store while it reads a listing, even with one place', async () => {
    const limited = withLimit(createMemoryStore(), { parallel: 1 });
    for (const name of ['p/a', 'p/b']) await limited.put(name, bytes);
    for await (const name of limited.list('p')) expect(await limited.get(name)).toEqual(bytes);
    for await (const name of limited.list('p')) {
      await limited.delete(name);
      break;
    }
    expect(await names(limited)).toHaveLength(1);
  });

  it('a place is free again after a failure and after an abort in the line', async () => {
    const limited = withLimit(failing(1, unreachable()), { parallel: 1 });
    const controller = new AbortController();
    const reason = new Error('enough');
    const first = limited.get('p/one');
    const second = limited.get('p/one', { signal: controller.signal });
    const third = limited.put('p/one', bytes);
    const ended = Promise.allSettled([first, second, third]);
    controller.abort(reason);
    expect(await ended).toMatchObject([
      { status: 'rejected', reason: { code: 'store-unreachable' } },
      { status: 'rejected', reason },
      { status: 'fulfilled' },
    ]);
    expect(await limited.get('p/one')).toEqual(bytes);
  });

  it.each([0, -1, 1.5, Number.NaN])('%d places make no sense', (parallel) => {
    expect(() => withLimit(createMemoryStore(), { parallel })).toThrow(RangeError);
  });
});

describe('withTimeout', () => {
  /** Never answers, and listens to no signal. */
  const silent: Store = {
    ...createMemoryStore('silent:'),
    get: () => new Promise(() => {}),
    put: () => new Promise(() => {}),
    delete: () => new Promise(() => {}),
    list: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }),
  };

  it('ends every call of a store that never answers, also when it ignores the signal', async () => {
    const store = withTimeout(silent, { timeoutMs: 20 });
    const calls = [store.get('p'), store.put('p', bytes), store.delete('p'), names(store)];
    for (const end of await Promise.all(calls.map(rejectionOf))) expect(end).toBe('store-unreachable');
  });

  it('tells the store to stop', async () => {
    let told: unknown;
    const store: Store = {
      ...silent,
      get: (_, options) =>
        new Promise(() => options?.signal?.addEventListener('abort', () => (told = options.signal?.reason))),
    };
    expect(await rejectionOf(withTimeout(store, { timeoutMs: 20 }).get('p'))).toBe('store-unreachable');
    expect(told).toMatchObject({ code: 'store-unreachable', message: 'silent: did not answer within 1 s' });
  });

  it('gives larger objects more time', async () => {
    const slow: Store = { ...silent, put: () => new Promise((resolve) => setTimeout(resolve, 100)) };
    const store = withTimeout(slow, { timeoutMs: 20, bytesPerSecond: 10_000 });
    expect(await rejectionOf(store.put('p/small', new Uint8Array(100)))).toBe('store-unreachable');
    await store.put('p/large', new Uint8Array(10_000));
  });

  it('an abort of the caller is the reason, not a timeout', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const store = withTimeout(silent, { timeoutMs: 5000 });
    const options = { signal: controller.signal };
    const calls = Promise.allSettled([store.get('p', options), store.put('p', bytes, options)]);
    controller.abort(reason);
    for (const call of await calls) expect(call).toEqual({ status: 'rejected', reason });
  });
});

describe('withProgress', () => {
  it('says when a call begins and ends, what it moved, and the sums', async () => {
    const said: StoreCall[] = [];
    const store = withProgress(createMemoryStore(), (call) => said.push(call));
    await store.put('p/one', bytes);
    await store.get('p/one');
    await store.get('p/none');
    await names(store);
    await store.delete('p/one');
    expect(said.map(({ call, name, state, bytes: moved }) => [call, name, state, moved])).toEqual([
      ['put', 'p/one', 'begun', 0],
      ['put', 'p/one', 'done', 3],
      ['get', 'p/one', 'begun', 0],
      ['get', 'p/one', 'done', 3],
      ['get', 'p/none', 'begun', 0],
      ['get', 'p/none', 'done', 0],
      ['list', 'p', 'begun', 0],
      ['list', 'p', 'done', 0],
      ['delete', 'p/one', 'begun', 0],
      ['delete', 'p/one', 'done', 0],
    ]);
    expect(said.at(-1)?.totals).toEqual({ running: 0, done: 5, failed: 0, bytesIn: 3, bytesOut: 3 });
  });

  it('counts a failure and passes its error on', async () => {
    const said: StoreCall[] = [];
    const error = unreachable();
    const store = withProgress(failing(1, error), (call) => said.push(call));
    await expect(store.put('p/one', bytes)).rejects.toBe(error);
    expect(said.at(-1)).toMatchObject({
      call: 'put',
      state: 'failed',
      error,
      totals: { running: 0, failed: 1, bytesOut: 0 },
    });
  });

  it('a listing that is left early is done', async () => {
    const said: StoreCall[] = [];
    const store = withProgress(createMemoryStore(), (call) => said.push(call));
    for (const name of ['p/a', 'p/b']) await store.put(name, bytes);
    for await (const _ of store.list('p')) break;
    expect(said.at(-1)).toMatchObject({ call: 'list', state: 'done', totals: { running: 0, done: 3 } });
  });
});
