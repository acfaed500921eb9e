/** SHA-256, HMAC (RFC 2104) and HKDF (RFC 5869), all with SHA-256, over the provider's primitives. Inputs are public or secret bytes of any length. */
import { type Bytes, concat, wipe } from '../bytes.ts';
import { provider } from './provider.ts';

const HASH_LENGTH = 32;
const NO_SALT: Bytes = new Uint8Array(HASH_LENGTH);

/** 32 bytes, of all parts one after the other. */
export function sha256(...parts: Bytes[]): Bytes {
  return provider().sha256(...parts);
}

/** 32 bytes. Keys longer than a block, or that differ in trailing zeros only, are equal keys: callers fix the key's length. */
export function hmac(key: Bytes, ...parts: Bytes[]): Bytes {
  return provider().hmacSha256(key, joined(parts));
}

/** HKDF, both steps. Without a salt it is 32 zero bytes (RFC 5869, 2.2). */
export function hkdf(ikm: Bytes, info: Bytes, length: number, salt: Bytes = NO_SALT): Bytes {
  const prk = hkdfExtract(salt, ikm);
  const okm = hkdfExpand(prk, info, length);
  wipe(prk);
  return okm;
}

/** RFC 5869, 2.2: 32 bytes. */
export function hkdfExtract(salt: Bytes, ikm: Bytes): Bytes {
  return hmac(salt, ikm);
}

/** RFC 5869, 2.3: 1..8160 bytes from a PRK of 32. */
export function hkdfExpand(prk: Bytes, info: Bytes, length: number): Bytes {
  if (!Number.isInteger(length) || length < 1 || length > 255 * HASH_LENGTH)
    throw new RangeError('HKDF: 1..8160 bytes');
  const okm = new Uint8Array(length);
  let block: Bytes = new Uint8Array(0);
  for (let i = 1, at = 0; at < length; i++, at += HASH_LENGTH) {
    block = hmac(prk, block, info, Uint8Array.of(i));
    okm.set(block.subarray(0, length - at), at);
  }
  wipe(block);
  return okm;
}

function joined(parts: readonly Bytes[]): Bytes {
  return parts.length === 1 ? (parts[0] as Bytes) : concat(...parts);
}
