/**
 * What every store behind a network must do when the network or the server fails, as a suite for any test runner. Something
 * between the store and its server (a proxy, a switch of a double) makes requests fail; no wrapper is around the store.
 */
import { isPassportError } from '../errors.ts';
import type { Store } from '../storage/store.ts';
import { check, checkBytes, rejection, type Runner, sampleBytes } from './check.ts';

/** What happens to a request. */
export type StoreFault =
  /** Answered without the server, in its own form where it has one. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfterSeconds?: number }
  /** The server does it; the connection breaks before its answer arrives. */
  | { readonly kind: 'lost-answer' }
  /** The answer breaks off in the middle of its body. */
  | { readonly kind: 'cut-answer' }
  /** The connection breaks in the middle of the request's body. */
  | { readonly kind: 'cut-request' }
  /** No answer, ever. */
  | { readonly kind: 'silence' };

export interface FaultyStoreFixture {
  /** An empty place. */
  readonly store: Store;
  /** Every request from now on meets the fault; undefined: none does. */
  setFault(fault: StoreFault | undefined): void;
  /** Called when the test is over; the store is closed by then. */
  cleanup?(): Promise<void>;
}

const OLD = sampleBytes(3000, 1);
const NEW = sampleBytes(200_000, 2);

/** `setup` is called once per test. */
export function describeStoreFaults(name: string, setup: () => Promise<FaultyStoreFixture>, runner: Runner): void {
  /** The body finds `p/old` in the store. */
  function test(rule: string, body: (store: Store, setFault: FaultyStoreFixture['setFault']) => Promise<void>): void {
    runner.it(rule, async () => {
      const fixture = await setup();
      try {
        await fixture.store.put('p/old', OLD);
        await body(fixture.store, (fault) => fixture.setFault(fault));
      } finally {
        fixture.setFault(undefined);
        await fixture.store.close();
        await fixture.cleanup?.();
      }
    });
  }

  runner.describe(`${name} keeps the contract when its server fails`, () => {
    for (const [status, code] of [
      [401, 'store-refused'],
      [403, 'store-refused'],
      [408, 'store-unreachable'],
      [429, 'store-unreachable'],
      [500, 'store-unreachable'],
      [502, 'store-unreachable'],
      [503, 'store-unreachable'],
      [504, 'store-unreachable'],
      [507, 'store-full'],
    ] as const) {
      test(`${status} is ${code} for every call, and changes nothing`, async (store, setFault) => {
        setFault({ kind: 'status', status });
        for (const [call, made] of callsOf(store)) {
          const error = await rejection(made(), `${call} rejects`);
          check(isPassportError(error, code), `${call} rejects with ${code} (found ${String(error)})`);
        }
        setFault(undefined);
        checkBytes(await store.get('p/old'), OLD, 'what was there');
        await putAgain(store);
      });
    }

    for (const status of [429, 503]) {
      test(`the pause that ${status} asks for is in the error`, async (store, setFault) => {
        setFault({ kind: 'status', status, retryAfterSeconds: 7 });
        for (const [call, made] of callsOf(store)) {
          const error = await rejection(made(), `${call} rejects`);
          check(isPassportError(error, 'store-unreachable'), `${call} rejects with store-unreachable`);
          check(error.details['retryAfterMs'] === 7000, `${call}: details.retryAfterMs is 7000`);
        }
      });
    }

    for (const status of [404, 409, 412]) {
      test(`${status} out of nowhere is an absence or an error of the port, and a second put is whole`, async (store, setFault) => {
        setFault({ kind: 'status', status });
        for (const [call, made] of callsOf(store)) {
          const answer = await made().catch((error: unknown) => {
            check(isStoreError(error), `${call} rejects with a code of the port (found ${String(error)})`);
            return undefined;
          });
          check(answer === undefined || (Array.isArray(answer) && answer.length === 0), `${call} gives nothing`);
        }
        setFault(undefined);
        await putAgain(store);
      });
    }

    test('an answer that is lost: unreachable, and a second put makes no second object', async (store, setFault) => {
      setFault({ kind: 'lost-answer' });
      for (const [call, made] of callsOf(store)) {
        const error = await rejection(made(), `${call} rejects`);
        check(isPassportError(error, 'store-unreachable'), `${call} rejects with store-unreachable (${String(error)})`);
      }
      setFault(undefined);
      await putAgain(store);
    });

    test('an upload that is cut off: torn or absent, and whole after a second put', async (store, setFault) => {
      setFault({ kind: 'cut-request' });
      const error = await rejection(store.put('p/new', NEW), 'the put rejects');
      check(isPassportError(error, 'store-unreachable'), `with store-unreachable (found ${String(error)})`);
      setFault(undefined);
      const left = await store.get('p/new');
      check(left === undefined || left.length <= NEW.length, 'what is left is no more than was put');
      await putAgain(store);
    });

    test('an answer that is cut off is unreachable, never a part of an object or of a listing', async (store, setFault) => {
      await store.put('p/new', NEW);
      setFault({ kind: 'cut-answer' });
      for (const [call, made] of [
        ['get', () => store.get('p/new')],
        ['list', () => collect(store, 'p')],
      ] as const) {
        const error = await rejection(made(), `${call} rejects`);
        check(isPassportError(error, 'store-unreachable'), `${call} rejects with store-unreachable (${String(error)})`);
      }
    });

    test('a server that says nothing: every call ends with the reason when it is aborted', async (store, setFault) => {
      setFault({ kind: 'silence' });
      for (const call of ['get', 'put', 'delete', 'list']) {
        const reason = new Error('enough');
        const controller = new AbortController();
        const made = callsOf(store, controller.signal).find(([name]) => name === call)?.[1];
        const ended = rejection(made?.() ?? Promise.resolve(), `${call} rejects`);
        await new Promise((resolve) => setTimeout(resolve, 50));
        controller.abort(reason);
        check((await ended) === reason, `${call} rejects with the reason`);
      }
    });
  });
}

type Call = readonly [name: string, made: () => Promise<unknown>];

function callsOf(store: Store, signal?: AbortSignal): readonly Call[] {
  const options = signal === undefined ? {} : { signal };
  return [
    ['put', () => store.put('p/new', NEW, options)],
    ['get', () => store.get('p/old', options)],
    ['list', () => collect(store, 'p', options)],
    ['delete', () => store.delete('p/gone', options)],
  ];
}

async function putAgain(store: Store): Promise<void> {
  await store.put('p/new', NEW);
  checkBytes(await store.get('p/new'), NEW, 'the object after a second put');
  const names = (await collect(store, 'p')).sort();
  check(names.join() === 'p/new,p/old', `each name once (found ${names.join()})`);
}

const STORE_CODES = ['store-unreachable', 'store-refused', 'store-full'];

function isStoreError(error: unknown): boolean {
  return isPassportError(error) && STORE_CODES.includes(error.code);
}

async function collect(store: Store, prefix: string, options: { signal?: AbortSignal } = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const name of store.list(prefix, options)) found.push(name);
  return found;
}
