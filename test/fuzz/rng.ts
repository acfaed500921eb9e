/**
 * The fuzzer's only source of chance: sfc32, seeded with SHA-256 of a text, so that a case is made again from its target, seed
 * and number. Not for keys.
 */
import { createHash } from 'node:crypto';
import type { Bytes } from '../../src/bytes.ts';

export class Rng {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(seed: string) {
    const digest = createHash('sha256').update(seed).digest();
    this.#a = digest.readInt32BE(0);
    this.#b = digest.readInt32BE(4);
    this.#c = digest.readInt32BE(8);
    this.#counter = digest.readInt32BE(12);
  }

  /** 0 .. 2^32-1. */
  u32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 0 .. n-1; 0 for n below 2. */
  below(n: number): number {
    return n < 2 ? 0 : this.u32() % n;
  }

  /** True once in `n` times. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError('there is nothing to pick');
    return from[this.below(from.length)] as T;
  }

  bytes(length: number): Bytes {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) out[i] = this.u32() & 255;
    return out;
  }

  /** A copy in another order. */
  shuffled<T>(from: readonly T[]): T[] {
    const out = [...from];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }
}
