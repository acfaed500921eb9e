/** What the core takes from outside besides storage: randomness, time, Argon2id are parameters, so that a test can fix them; turns of the event loop. */
import type { Bytes } from './bytes.ts';

/** `length` fresh random bytes. A source that fails must throw. Core code calls it through crypto/random.ts, which also refuses short and constant output. */
export type Random = (length: number) => Bytes;

export interface Clock {
  /** Milliseconds since 1970. May be wrong, may jump: nothing valid depends on it. */
  now(): number;
  /** Milliseconds on a clock that never runs backwards within one boot. */
  monotonic(): number;
  /** Names this boot of the machine; deadlines on `monotonic` and sessions end with it. */
  bootId(): string;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Argon2Cost {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
}

/** Argon2id version 0x13, 32 bytes out, no secret, no associated data (RFC 9106). */
export type Argon2id = (password: Bytes, salt: Bytes, cost: Argon2Cost) => Promise<Bytes>;

const { setImmediate: soon = setTimeout } = globalThis as { setImmediate?: (callback: () => void) => unknown };

/** Gives a turn to what waits for the event loop: files and requests that are on their way while much is computed. */
export function turn(): Promise<void> {
  return new Promise((resolve) => soon(resolve));
}
