/**
 * The one signature rule (docs/protocol.md, 2) a second time: edwards25519 with BigInt, written from RFC 8032, section 5.1, with
 * nothing of src/ and no library for curves. Slow, not constant-time, for public values: it judges published test vectors.
 */
import { createHash } from 'node:crypto';

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

const mod = (n: bigint, m = P): bigint => ((n % m) + m) % m;

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = base, e = exponent; e > 0n; e >>= 1n, b = (b * b) % P) if (e & 1n) result = (result * b) % P;
  return result;
}

const inverse = (n: bigint): bigint => power(mod(n), P - 2n);
const D = mod(-121665n * inverse(121666n));
const SQRT_MINUS_1 = power(2n, (P - 1n) / 4n);

/** Extended homogeneous coordinates (5.1.4). */
interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
  readonly t: bigint;
}

const IDENTITY: Point = { x: 0n, y: 1n, z: 1n, t: 0n };

function add(p: Point, q: Point): Point {
  const a = mod((p.y - p.x) * (q.y - q.x));
  const b = mod((p.y + p.x) * (q.y + q.x));
  const c = mod(2n * p.t * q.t * D);
  const d = mod(2n * p.z * q.z);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return { x: mod(e * f), y: mod(g * h), z: mod(f * g), t: mod(e * h) };
}

function times(n: bigint, point: Point): Point {
  let result = IDENTITY;
  for (let k = n, p = point; k > 0n; k >>= 1n, p = add(p, p)) if (k & 1n) result = add(result, p);
  return result;
}

const isIdentity = (p: Point): boolean => mod(p.x) === 0n && mod(p.y - p.z) === 0n;
const isSame = (p: Point, q: Point): boolean => mod(p.x * q.z - q.x * p.z) === 0n && mod(p.y * q.z - q.y * p.z) === 0n;

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** 5.1.3, strictly: the point, or why there is none. */
function decode(bytes: Uint8Array): Point | string {
  const encoded = littleEndian(bytes);
  const sign = encoded >> 255n;
  const y = encoded & (2n ** 255n - 1n);
  if (y >= P) return 'not canonical: y >= p';
  const [u, v] = [mod(y * y - 1n), mod(D * y * y + 1n)];
  let x = mod(u * v ** 3n * power(mod(u * v ** 7n), (P - 5n) / 8n));
  if (mod(v * x * x) !== u) x = mod(x * SQRT_MINUS_1);
  if (mod(v * x * x) !== u) return 'no point of the curve';
  if (x === 0n && sign === 1n) return 'not canonical: a sign on x = 0';
  if ((x & 1n) !== sign) x = P - x;
  return { x, y, z: 1n, t: mod(x * y) };
}

const BASE = decode(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0x58 : 0x66))) as Point;

export type Verdict =
  { readonly valid: true } | { readonly valid: false; readonly layer: 'key' | 'signature'; readonly why: string };

/** The key is looked at first, then the signature; `why` names the first check that fails. */
export function judge(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Verdict {
  const key = (why: string): Verdict => ({ valid: false, layer: 'key', why: `A: ${why}` });
  const bad = (why: string): Verdict => ({ valid: false, layer: 'signature', why });
  if (publicKey.length !== 32) return key(`${publicKey.length} bytes`);
  const a = decode(publicKey);
  if (typeof a === 'string') return key(a);
  if (isIdentity(times(8n, a))) return key('of small order');
  if (!isIdentity(times(L, a))) return key('of mixed order (not torsion-free)');
  if (signature.length !== 64) return bad(`a signature of ${signature.length} bytes`);
  const s = littleEndian(signature.subarray(32));
  if (s >= L) return bad('S >= L');
  const r = decode(signature.subarray(0, 32));
  if (typeof r === 'string') return bad(`R: ${r}`);
  const digest = createHash('sha512').update(signature.subarray(0, 32)).update(publicKey).update(message).digest();
  const k = mod(littleEndian(digest), L);
  const left = times(8n * s, BASE);
  const right = add(times(8n, r), times(8n * k, a));
  return isSame(left, right) ? { valid: true } : bad('[8][S]B is not [8]R + [8][k]A');
}
