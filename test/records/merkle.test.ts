import { describe, expect, it } from 'vitest';
import { concat, hex, type Bytes } from '../../src/bytes.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import type { BlindedUpdate } from '../../src/format/update.ts';
import { merkleRoot } from '../../src/records/merkle.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('merkle');
const updates = Array.from({ length: 40 }, (_, i) => ({ blind: random(32), update: random(i) }));

/** RFC 6962, 2.1, as it is written there: split at the largest power of two below n. */
function reference(leaves: readonly BlindedUpdate[]): Bytes {
  if (leaves.length === 0) return sha256();
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return sha256(concat(Uint8Array.of(0), only.blind, only.update));
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(concat(Uint8Array.of(1), reference(leaves.slice(0, k)), reference(leaves.slice(k))));
}

describe('the root over updates', () => {
  it('is that of RFC 6962 for every number of leaves', () => {
    for (let n = 0; n <= updates.length; n++) {
      expect(hex(merkleRoot(updates.slice(0, n)))).toBe(hex(reference(updates.slice(0, n))));
    }
  });

  it('of nothing is SHA-256 of nothing', () => {
    expect(hex(merkleRoot([]))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('changes with the order, a blind, an update, and with one more', () => {
    const [a, b, c] = updates as [BlindedUpdate, BlindedUpdate, BlindedUpdate];
    const roots = [
      [a, b],
      [b, a],
      [{ ...a, blind: c.blind }, b],
      [{ ...a, update: c.update }, b],
      [a, b, c],
      [a, b, b],
    ].map((each) => hex(merkleRoot(each)));
    expect(new Set(roots).size).toBe(roots.length);
  });
});
