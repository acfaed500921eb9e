/**
 * Ed25519 (RFC 8032), and the one rule that decides whether a signature is valid (docs/protocol.md, 2).
 * Verifiers disagree about odd keys and signatures, also between versions of one runtime; two devices that disagree about one
 * entry would diverge for ever. So: no odd key, S or R; then a *yes* of the platform is a yes, because for such input its
 * cofactorless check implies noble's cofactored one; and every *no* is decided by noble. Nothing else calls a verifier.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { type Bytes, copy, hex } from '../bytes.ts';
import type { Value } from '../cbor.ts';
import type { Random } from '../platform.ts';
import { provider } from './provider.ts';
import { randomBytes } from './random.ts';
import { info } from './statements.ts';

const KEY_LENGTH = 32;
const SIGNATURE_LENGTH = 64;

/** p = 2^255 - 19 and L = 2^252 + 27742317777372353535851937790883648493, little-endian (RFC 8032, 5.1). */
const P = littleEndian(2n ** 255n - 19n);
const P_MINUS_1 = littleEndian(2n ** 255n - 20n);
const ONE = littleEndian(1n);
const L = littleEndian(2n ** 252n + 27742317777372353535851937790883648493n);

/** A torsion check costs a millisecond, and the same few keys sign everything. */
const MEMO_SIZE = 1024;
const memo = new Map<string, boolean>();

/** A new key pair: the seed is the secret (32 bytes), the public key 32. */
export function signingKey(random: Random): { seed: Bytes; publicKey: Bytes } {
  const seed = randomBytes(random, KEY_LENGTH);
  return { seed, publicKey: publicKeyOf(seed) };
}

export function publicKeyOf(seed: Bytes): Bytes {
  if (seed.length !== KEY_LENGTH) throw new TypeError(`seed: expected 32 bytes, got ${seed.length}`);
  return ed25519.getPublicKey(seed);
}

/** Rule A: 32 bytes, the canonical encoding of a point on the curve, not of small order, torsion-free. Never throws. */
export function isSigningKey(bytes: Bytes): boolean {
  if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_LENGTH) return false; // V18
  const name = hex(bytes);
  let answer = memo.get(name);
  if (answer === undefined) {
    answer = isPrimeOrderPoint(bytes);
    if (memo.size >= MEMO_SIZE) memo.delete(memo.keys().next().value as string);
    memo.set(name, answer);
  }
  return answer;
}

/** The one rule. False, never an exception, for anything that is not a valid signature of `message` by `publicKey`. */
export function verify(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_LENGTH) return false; // V20
  if (!(message instanceof Uint8Array) || !isSigningKey(publicKey)) return false; // V21
  if (!below(signature.subarray(KEY_LENGTH), L) || !isCanonicalPoint(signature.subarray(0, KEY_LENGTH))) return false; // V22
  if (nativeYes(publicKey, message, signature)) return true;
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false }); // V23
  } catch {
    return false;
  }
}

/** Sig(use, …): 64 bytes over L(use, …). */
export function signStatement(seed: Bytes, pid: Bytes, use: string, ...fields: Value[]): Bytes {
  if (seed.length !== KEY_LENGTH) throw new TypeError(`seed: expected 32 bytes, got ${seed.length}`);
  const message = info(pid, use, ...fields);
  return provider().ed25519Sign?.(seed, message) ?? ed25519.sign(message, seed);
}

/** `verify` over L(use, …). */
export function verifyStatement(
  publicKey: Bytes,
  signature: Bytes,
  pid: Bytes,
  use: string,
  ...fields: Value[]
): boolean {
  return verify(publicKey, info(pid, use, ...fields), signature);
}

function isPrimeOrderPoint(bytes: Bytes): boolean {
  try {
    const point = ed25519.Point.fromBytes(bytes, false);
    return !point.isSmallOrder() && point.isTorsionFree(); // V19
  } catch {
    return false;
  }
}

function nativeYes(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  try {
    return provider().ed25519Verify?.(publicKey, message, signature) === true;
  } catch {
    return false;
  }
}

/** Of an encoded point: y < p, and no sign on an x that is 0, which is so at y = 1 and y = -1 (RFC 8032, 5.1.3). */
function isCanonicalPoint(encoded: Bytes): boolean {
  const y = copy(encoded);
  const sign = (y[KEY_LENGTH - 1] as number) >> 7;
  y[KEY_LENGTH - 1] = (y[KEY_LENGTH - 1] as number) & 0x7f;
  if (!below(y, P)) return false;
  return sign === 0 || (!same(y, ONE) && !same(y, P_MINUS_1));
}

/** a < b, both little-endian, 32 bytes, public. */
function below(a: Bytes, b: Bytes): boolean {
  for (let i = KEY_LENGTH - 1; i >= 0; i--) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function same(a: Bytes, b: Bytes): boolean {
  return a.every((byte, i) => byte === b[i]);
}

function littleEndian(value: bigint): Bytes {
  const out = new Uint8Array(KEY_LENGTH);
  for (let i = 0; i < KEY_LENGTH; i++) out[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return out;
}
