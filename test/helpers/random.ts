/**
 * Randomness that is the same in every run: block i is SHA-256(seed ‖ i), i as 8 big-endian bytes. Never use it outside tests.
 * Each call of `seededRandom` starts its own stream; two streams with the same seed give the same bytes.
 */
import { createHash } from 'node:crypto';
import type { Bytes } from '../../src/bytes.ts';
import type { Random } from '../../src/platform.ts';

export function seededRandom(seed: string | number): Random {
  let block: Bytes = new Uint8Array(0);
  let used = 0;
  let counter = 0n;
  return (length) => {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      if (used === block.length) {
        const index = new Uint8Array(8);
        new DataView(index.buffer).setBigUint64(0, counter++);
        block = new Uint8Array(createHash('sha256').update(`passport-mesh test ${seed}`).update(index).digest());
        used = 0;
      }
      out[i] = block[used++] as number;
    }
    return out;
  };
}
