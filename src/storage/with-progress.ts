/** The same store, watched: one event when a call begins and one when it ended, with the sums so far. */
import type { Store } from './store.ts';

export interface StoreCall {
  readonly call: 'get' | 'put' | 'delete' | 'list';
  readonly name: string;
  readonly state: 'begun' | 'done' | 'failed';
  /** Moved by this call; 0 until it is done. */
  readonly bytes: number;
  readonly error?: unknown;
  readonly totals: StoreTotals;
}

export interface StoreTotals {
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** `onCall` must not throw. */
export function withProgress(store: Store, onCall: (call: StoreCall) => void): Store {
  const totals = { running: 0, done: 0, failed: 0, bytesIn: 0, bytesOut: 0 };

  async function watched<T>(
    call: StoreCall['call'],
    name: string,
    bytesOf: (answer: T) => number,
    run: () => Promise<T>,
  ): Promise<T> {
    totals.running++;
    const say = (rest: Omit<StoreCall, 'call' | 'name' | 'totals'>) =>
      onCall({ call, name, ...rest, totals: { ...totals } });
    say({ state: 'begun', bytes: 0 });
    try {
      const answer = await run();
      const bytes = bytesOf(answer);
      totals.running--;
      totals.done++;
      if (call === 'put') totals.bytesOut += bytes;
      else totals.bytesIn += bytes;
      say({ state: 'done', bytes });
      return answer;
    } catch (error) {
      totals.running--;
      totals.failed++;
      say({ state: 'failed', bytes: 0, error });
      throw error;
    }
  }

  return {
    url: store.url,
    get: (name, options) =>
      watched(
        'get',
        name,
        (bytes) => bytes?.length ?? 0,
        () => store.get(name, options),
      ),
    put: (name, bytes, options) =>
      watched(
        'put',
        name,
        () => bytes.length,
        () => store.put(name, bytes, options),
      ),
    delete: (name, options) =>
      watched(
        'delete',
        name,
        () => 0,
        () => store.delete(name, options),
      ),
    // One call, however many steps: it is done when it was read to its end or left.
    async *list(prefix, options) {
      totals.running++;
      const say = (state: StoreCall['state'], error?: unknown) =>
        onCall({
          call: 'list',
          name: prefix,
          state,
          bytes: 0,
          ...(error === undefined ? {} : { error }),
          totals: { ...totals },
        });
      say('begun');
      let failure: unknown;
      try {
        yield* store.list(prefix, options);
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        totals.running--;
        if (failure === undefined) totals.done++;
        else totals.failed++;
        say(failure === undefined ? 'done' : 'failed', failure);
      }
    },
    close: () => store.close(),
  };
}
