/**
 * Randomness that is the same in every run: block i is SHA-256(seed ‖ i), i as 8 big-endian bytes. Never use it outside tests.
 * Each call of `seededRandom` starts its own stream; two streams with the same seed give the same bytes. Runs in a browser too.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, copy, utf8 } from '../../src/bytes.ts';
import type { Random } from '../../src/platform.ts';

export function seededRandom(seed: string | number): Random {
  const label = utf8(`passport-mesh test ${seed}`);
  let block: Bytes = new Uint8Array(0);
  let used = 0;
  let counter = 0n;
  return (length) => {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      if (used === block.length) {
        const index = new Uint8Array(8);
        new DataView(index.buffer).setBigUint64(0, counter++);
        block = copy(sha256(concat(label, index)));
        used = 0;
      }
      out[i] = block[used++] as number;
    }
    return out;
  };
}

/** 0 .. below - 1, for sizes; a little uneven, which does not matter in tests. */
export function upTo(random: Random, below: number): number {
  return new DataView(random(4).buffer).getUint32(0) % below;
}
