/** The same store with a bound on how many of its calls run at once; the others wait in order. */
import type { Store } from './store.ts';

export interface LimitOptions {
  /** Calls at once, 1 or more. */
  readonly parallel: number;
}

export function withLimit(store: Store, { parallel }: LimitOptions): Store {
  if (!Number.isInteger(parallel) || parallel < 1) throw new RangeError('parallel is a whole number from 1');
  let free = parallel;
  const waiting: (() => void)[] = [];

  async function inTurn<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    await turn(signal);
    try {
      return await call();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  }

  /** Resolves with a place that is the caller's; an aborted wait gives up its place in the line. */
  async function turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (free > 0) {
      free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const aborted = () => {
        waiting.splice(waiting.indexOf(begin), 1);
        reject(signal?.reason as Error);
      };
      const begin = () => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      };
      signal?.addEventListener('abort', aborted, { once: true });
      waiting.push(begin);
    });
  }

  return {
    url: store.url,
    get: (name, options) => inTurn(options?.signal, () => store.get(name, options)),
    put: (name, bytes, options) => inTurn(options?.signal, () => store.put(name, bytes, options)),
    delete: (name, options) => inTurn(options?.signal, () => store.delete(name, options)),
    // A place per step, not for the whole listing: whoever reads it may call the store in between.
    async *list(prefix, options) {
      const names = store.list(prefix, options)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const step = await inTurn(options?.signal, () => names.next());
          if (step.done === true) return;
          yield step.value;
        }
      } finally {
        await names.return?.();
      }
    },
    close: () => store.close(),
  };
}
