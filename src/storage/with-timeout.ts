/**
 * The same store, but no call hangs: one that takes too long is aborted and rejects with `store-unreachable`, also when the store
 * itself does not listen to the signal. What it did may have been done all the same; every call of a store may be repeated.
 */
import { PassportError } from '../errors.ts';
import type { Store } from './store.ts';

export interface TimeoutOptions {
  /** For a call, or for one step of a listing, ms. Default 30,000. */
  readonly timeoutMs?: number;
  /** What a slow line moves at least: larger objects have more time. Default 32 KiB. */
  readonly bytesPerSecond?: number;
}

export function withTimeout(store: Store, options: TimeoutOptions = {}): Store {
  const { timeoutMs = 30_000, bytesPerSecond = 32 * 1024 } = options;
  const timeFor = (bytes: number) => timeoutMs + (bytes / bytesPerSecond) * 1000;

  async function timed<T>(
    ms: number,
    signal: AbortSignal | undefined,
    call: (options: { signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(tooSlow(ms)), Math.min(ms, 2 ** 31 - 1));
    const either = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
    try {
      return await Promise.race([call({ signal: either }), whenAborted(either)]);
    } finally {
      clearTimeout(timer);
    }
  }

  const tooSlow = (ms: number) =>
    new PassportError('store-unreachable', `${store.url} did not answer within ${Math.ceil(ms / 1000)} s`);

  return {
    url: store.url,
    get: (name, options = {}) =>
      timed(timeFor(Math.min(options.maxBytes ?? 0, MOST_BYTES)), options.signal, (own) =>
        store.get(name, { ...options, ...own }),
      ),
    put: (name, bytes, options = {}) =>
      timed(timeFor(bytes.length), options.signal, (own) => store.put(name, bytes, { ...options, ...own })),
    delete: (name, options) => timed(timeFor(0), options?.signal, (own) => store.delete(name, own)),
    async *list(prefix, options) {
      const stop = new AbortController();
      const signal = options?.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
      const names = store.list(prefix, { signal })[Symbol.asyncIterator]();
      try {
        for (;;) {
          const step = await timed(timeFor(0), signal, () => names.next());
          if (step.done === true) return;
          yield step.value;
        }
      } catch (error) {
        stop.abort(error);
        throw error;
      } finally {
        // Not waited for: a listing that hangs does not end either.
        if (!stop.signal.aborted) await names.return?.();
      }
    },
    close: () => store.close(),
  };
}

/** The largest object of a passport. */
const MOST_BYTES = 24 * 1024 * 1024;

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
