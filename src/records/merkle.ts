/**
 * The Merkle root over the updates of a commit (RFC 6962, 2.1), with a blind in each leaf so that a header says nothing about
 * its updates: leaf = SHA-256(0 ‖ blind ‖ update), node = SHA-256(1 ‖ left ‖ right), nothing = SHA-256("").
 */
import { type Bytes, lengthOf } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { type BlindedPieces, type BlindedUpdate, piecesOf } from '../format/update.ts';

const LEAF = 0;
const NODE = 1;
/** From here on hashing in parts costs less than copying. */
const LARGE_BYTES = 16 * 1024;

/** 32 bytes. */
export function merkleRoot(updates: readonly (BlindedUpdate | BlindedPieces)[]): Bytes {
  if (updates.length === 0) return sha256();
  // All small leaves are put together in one buffer, and all nodes in another: there are thousands of each.
  const leaf = new Uint8Array(33 + LARGE_BYTES);
  leaf[0] = LEAF;
  const node = new Uint8Array(65);
  node[0] = NODE;
  let level = updates.map(({ blind, update }) => {
    const pieces = piecesOf(update);
    if (lengthOf(pieces) > LARGE_BYTES) return sha256(Uint8Array.of(LEAF), blind, ...pieces);
    leaf.set(blind, 1);
    let end = 33;
    for (const piece of pieces) {
      leaf.set(piece, end);
      end += piece.length;
    }
    return sha256(leaf.subarray(0, end));
  });
  // Pairing from the left and lifting an odd last one gives the same tree as splitting at the largest power of two.
  while (level.length > 1) {
    const above: Bytes[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] as Bytes;
      const right = level[i + 1];
      if (right === undefined) {
        above.push(left);
        continue;
      }
      node.set(left, 1);
      node.set(right, 33);
      above.push(sha256(node));
    }
    level = above;
  }
  return level[0] as Bytes;
}
