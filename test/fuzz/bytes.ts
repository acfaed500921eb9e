/** Changes to bytes that know nothing of their structure. */
import { type Bytes, concat, uintBytes } from '../../src/bytes.ts';
import type { Rng } from './rng.ts';

/** Lengths, counts and costs at which something may break; all below 2^53. */
export const EDGES: readonly number[] = [
  ...[0, 1, 2, 15, 16, 17, 23, 24, 31, 32, 33, 63, 64, 65, 255, 256, 1023, 1024, 4096, 65_535, 65_536],
  ...[2 ** 20, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 53 - 1],
];

/** The largest input that is made from a smaller one. */
const MOST = 1 << 20;

export function flip(bytes: Bytes, bit: number): Bytes {
  const out = bytes.slice();
  const at = (bit >>> 3) % Math.max(1, out.length);
  if (out.length > 0) out[at] = (out[at] as number) ^ (1 << (bit & 7));
  return out;
}

/** Writes a big-endian number over 1 to 8 bytes: a length that lies. */
export function overwriteLength(bytes: Bytes, at: number, width: number, value: number): Bytes {
  const out = bytes.slice();
  const number = uintBytes(value % 2 ** Math.min(53, 8 * width), Math.max(width, 8)).subarray(-width);
  for (let i = 0; i < width && at + i < out.length; i++) out[at + i] = number[i] as number;
  return out;
}

type Change = (bytes: Bytes, rng: Rng) => Bytes;

const CHANGES: readonly Change[] = [
  (bytes, rng) => flip(bytes, rng.below(bytes.length * 8)),
  (bytes, rng) => flip(bytes, rng.below(Math.min(bytes.length, 80) * 8)),
  (bytes, rng) => {
    const out = bytes.slice();
    if (out.length > 0) out[rng.below(out.length)] = rng.pick([0, 1, 0x7f, 0x80, 0xff, rng.below(256)]);
    return out;
  },
  (bytes, rng) => bytes.slice(0, rng.below(bytes.length + 1)),
  (bytes) => bytes.slice(0, -1),
  (bytes, rng) => bytes.slice(rng.below(Math.min(bytes.length, 16) + 1)),
  (bytes, rng) => concat(bytes, rng.once(2) ? rng.bytes(1 + rng.below(40)) : new Uint8Array(1 + rng.below(70))),
  (bytes, rng) => {
    const at = rng.below(bytes.length + 1);
    return concat(bytes.subarray(0, at), rng.bytes(1 + rng.below(8)), bytes.subarray(at));
  },
  (bytes, rng) => {
    const [from, length] = [rng.below(bytes.length), 1 + rng.below(64)];
    return concat(bytes.subarray(0, from), bytes.subarray(from + length));
  },
  (bytes, rng) => {
    const [from, length, to] = [rng.below(bytes.length), 1 + rng.below(64), rng.below(bytes.length)];
    return concat(bytes.subarray(0, to), bytes.subarray(from, from + length), bytes.subarray(to));
  },
  (bytes, rng) => {
    const out = bytes.slice();
    const [from, length, to] = [rng.below(out.length), 1 + rng.below(64), rng.below(out.length)];
    out.copyWithin(to, from, from + length);
    return out;
  },
  (bytes, rng) => {
    const width = rng.pick([1, 2, 4, 4, 8]);
    return overwriteLength(bytes, rng.once(3) ? 0 : rng.below(bytes.length), width, rng.pick(EDGES));
  },
  (bytes, rng) => concat(...Array.from({ length: 2 + rng.below(3) }, () => bytes)),
  (bytes) => bytes.slice().fill(0),
  () => new Uint8Array(0),
];

/** One to four changes. */
export function mutateBytes(bytes: Bytes, rng: Rng): Bytes {
  let out = bytes;
  for (let left = 1 + rng.below(4); left > 0; left--) out = rng.pick(CHANGES)(out, rng);
  return out.length > MOST ? out.slice(0, MOST) : out;
}

/** The beginning of one and the end of the other. */
export function splice(a: Bytes, b: Bytes, rng: Rng): Bytes {
  return concat(a.subarray(0, rng.below(a.length + 1)), b.subarray(rng.below(b.length + 1)));
}
