/**
 * The same store with patience: what is `store-unreachable` is tried again after a growing, random pause, and after the pause that
 * the server asked for. A repeated put or delete is harmless (storage/store.ts), so also after an answer that was lost.
 */
import { isPassportError } from '../errors.ts';
import type { Clock, Random } from '../platform.ts';
import type { Store, StoreOptions } from './store.ts';

export interface RetryOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly random: Random;
  /** Attempts in all. Default 6. */
  readonly attempts?: number;
  /** The longest first pause, ms; it doubles with each attempt. Default 250. */
  readonly firstPauseMs?: number;
  /** No attempt begins later than this after the call began, ms; a longer Retry-After is not waited for. Default 60,000. */
  readonly patienceMs?: number;
  readonly onRetry?: (retry: Retry) => void;
}

export interface Retry {
  readonly call: 'get' | 'put' | 'delete' | 'list';
  readonly name: string;
  /** Of the attempt that failed, from 1. */
  readonly attempt: number;
  readonly pauseMs: number;
  readonly error: Error;
}

export function withRetry(store: Store, options: RetryOptions): Store {
  const { clock, random, attempts = 6, firstPauseMs = 250, patienceMs = 60_000, onRetry } = options;

  /** Waits, or throws the error: it is no passing one, or it is enough. */
  function patience(call: Retry['call'], name: string, signal: AbortSignal | undefined) {
    const begun = clock.monotonic();
    let attempt = 0;
    return async (error: unknown): Promise<void> => {
      attempt++;
      if (!isPassportError(error, 'store-unreachable') || error.details['retry'] === false) throw error;
      const asked = error.details['retryAfterMs'];
      const pauseMs = (typeof asked === 'number' ? asked : 0) + jitter(firstPauseMs * 2 ** (attempt - 1));
      if (attempt >= attempts || clock.monotonic() - begun + pauseMs > patienceMs) throw error;
      onRetry?.({ call, name, attempt, pauseMs, error });
      await clock.sleep(pauseMs, signal);
    };
  }

  /** 0 to `most`, evenly: many devices that failed together do not come back together. */
  function jitter(most: number): number {
    const [high = 0, low = 0] = random(2);
    return Math.round((most * (high * 256 + low)) / 65_535);
  }

  async function again<T>(
    call: Retry['call'],
    name: string,
    options: StoreOptions,
    attempt: () => Promise<T>,
  ): Promise<T> {
    const failed = patience(call, name, options.signal);
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        await failed(error);
      }
    }
  }

  return {
    url: store.url,
    get: (name, options = {}) => again('get', name, options, () => store.get(name, options)),
    put: (name, bytes, options = {}) => again('put', name, options, () => store.put(name, bytes, options)),
    delete: (name, options = {}) => again('delete', name, options, () => store.delete(name, options)),
    // A listing that broke off begins again; what was given out is not repeated.
    async *list(prefix, options = {}) {
      const failed = patience('list', prefix, options.signal);
      const given = new Set<string>();
      for (let whole = false; !whole;) {
        try {
          for await (const name of store.list(prefix, options)) {
            if (given.has(name)) continue;
            given.add(name);
            yield name;
          }
          whole = true;
        } catch (error) {
          await failed(error);
        }
      }
    },
    close: () => store.close(),
  };
}
