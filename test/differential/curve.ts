/** Numbers of edwards25519 (RFC 8032, 5.1) for making odd keys and signatures. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, copy } from '../../src/bytes.ts';

export const L = 2n ** 252n + 27742317777372353535851937790883648493n;

export const Point = ed25519.Point;

/** The eight points whose order divides 8, from one of order 8. */
export const SMALL = multiples(Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));

/** 32 bytes. */
export function littleEndian(value: bigint): Bytes {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

export function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** k = SHA-512(R ‖ A ‖ M) mod L, over the encodings as they stand. */
export function challenge(r: Bytes, a: Bytes, message: Bytes): bigint {
  return toNumber(sha512(concat(r, a, message))) % L;
}

/** R ‖ S for a key a·B: S = r + k·a with k over the encodings given, which need not be those of r·B and a·B. */
export function signWith(scalar: bigint, nonce: bigint, r: Bytes, a: Bytes, message: Bytes): Bytes {
  return concat(r, littleEndian((nonce + challenge(r, a, message) * scalar) % L));
}

function multiples(point: InstanceType<typeof Point>): InstanceType<typeof Point>[] {
  const all = [Point.ZERO];
  for (let i = 1; i < 8; i++) all.push((all[i - 1] as InstanceType<typeof Point>).add(point));
  return all;
}

/** The encoding of a point, in an array of its own. */
export function encoded(point: InstanceType<typeof Point>): Bytes {
  return copy(point.toBytes());
}
