/**
 * The Merkle root over the updates of a commit (RFC 6962, 2.1), with a blind in each leaf so that a header says nothing about
 * its updates: leaf = SHA-256(0 ‖ blind ‖ update), node = SHA-256(1 ‖ left ‖ right), nothing = SHA-256("").
 */
import type { Bytes } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import type { BlindedUpdate } from '../format/update.ts';

const LEAF: Bytes = Uint8Array.of(0);
const NODE: Bytes = Uint8Array.of(1);

/** 32 bytes. */
export function merkleRoot(updates: readonly BlindedUpdate[]): Bytes {
  if (updates.length === 0) return sha256();
  let level = updates.map(({ blind, update }) => sha256(LEAF, blind, update));
  // Pairing from the left and lifting an odd last one gives the same tree as splitting at the largest power of two.
  while (level.length > 1) {
    const above: Bytes[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] as Bytes;
      const right = level[i + 1];
      above.push(right === undefined ? left : sha256(NODE, left, right));
    }
    level = above;
  }
  return level[0] as Bytes;
}
