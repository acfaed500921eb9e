/** The few assertions of the contract suites: plain errors, so that any test runner will do. */
import { equal } from '../bytes.ts';

/** The two functions that vitest, jest, mocha, node:test and bun:test share. Wrap `it` to give slow places more time. */
export interface Runner {
  readonly describe: (name: string, suite: () => void) => unknown;
  readonly it: (name: string, test: () => Promise<void>) => unknown;
}

export function check(condition: boolean, expectation: string): asserts condition {
  if (!condition) throw new Error(`expected: ${expectation}`);
}

export function checkBytes(found: Uint8Array | undefined, expected: Uint8Array, what: string): void {
  check(found !== undefined, `${what} is there`);
  check(found instanceof Uint8Array, `${what} is a Uint8Array`);
  check(equal(found, expected), `${what} has the bytes that were put (${expected.length}; found ${found.length})`);
}

/** What the promise rejects with. */
export async function rejection(promise: Promise<unknown>, expectation: string): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`expected: ${expectation}`);
}

/** Bytes that look random and are the same in every run (xorshift32). */
export function sampleBytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  let state = (seed + 1) * 2_654_435_761;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = state;
  }
  return out;
}
