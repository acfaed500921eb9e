/**
 * Changes to CBOR that keep most of it whole: a value is taken apart, also where a byte string holds CBOR again (an entry, its
 * core, its request), one place is changed, and it is written again; or one item is written in a way that RFC 8949 allows and
 * the format does not.
 */
import { type Bytes, concat, uintBytes } from '../../src/bytes.ts';
import { decode, encode, type Value } from '../../src/cbor.ts';
import { isPassportError } from '../../src/errors.ts';
import { EDGES, mutateBytes } from './bytes.ts';
import type { Rng } from './rng.ts';

/** CBOR in a byte string. */
class Nested {
  readonly of: Loose;
  constructor(of: Loose) {
    this.of = of;
  }
}

/** Bytes that are written as they are, whatever they say. */
class Raw {
  readonly bytes: Bytes;
  constructor(bytes: Bytes) {
    this.bytes = bytes;
  }
}

type Loose = Exclude<Value, readonly Value[]> | readonly Loose[] | Nested | Raw;

const DEEP = 5;

/** The value with what is encoded inside its byte strings; undefined for what is not CBOR. */
function loosen(value: Value, depth = 0): Loose {
  if (Array.isArray(value)) return (value as readonly Value[]).map((item) => loosen(item, depth));
  if (value instanceof Uint8Array && value.length > 1 && depth < DEEP) {
    const inner = valueOf(value);
    if (Array.isArray(inner)) return new Nested(loosen(inner, depth + 1));
  }
  return value;
}

function valueOf(bytes: Bytes): Value | undefined {
  try {
    return decode(bytes, { maxBytes: 1 << 22 });
  } catch (error) {
    if (!isPassportError(error, 'malformed')) throw error;
    return undefined;
  }
}

function head(major: number, argument: number, width = 0): Bytes {
  if (width === 0 && argument < 24) return Uint8Array.of((major << 5) | argument);
  const least = argument < 0x100 ? 1 : argument < 0x1_0000 ? 2 : argument < 2 ** 32 ? 4 : 8;
  const bytes = Math.max(width, least);
  return concat(Uint8Array.of((major << 5) | (24 + Math.log2(bytes))), uintBytes(argument, bytes));
}

function write(loose: Loose): Bytes {
  if (loose instanceof Raw) return loose.bytes;
  if (loose instanceof Nested) {
    const inner = write(loose.of);
    return concat(head(2, inner.length), inner);
  }
  if (Array.isArray(loose)) {
    const items = loose as readonly Loose[];
    return concat(head(4, items.length), ...items.map(write));
  }
  return encode(loose as Value);
}

/** The same value in another encoding, or an item that the format does not have. */
function strange(loose: Loose, rng: Rng): Raw {
  const own = write(loose);
  const [initial = 0] = own;
  const major = initial >> 5;
  const raw = (...parts: Bytes[]) => new Raw(concat(...parts));
  const of = (...bytes: number[]) => Uint8Array.from(bytes);
  const ways: (() => Raw)[] = [
    // A head that is longer than it need be.
    () => {
      const length = Array.isArray(loose) ? loose.length : typeof loose === 'number' ? loose : 3;
      const body = Array.isArray(loose) ? concat(...(loose as readonly Loose[]).map(write)) : of(1, 2, 3);
      return raw(
        head(major === 7 ? 0 : major, length, rng.pick([1, 2, 4, 8])),
        typeof loose === 'number' ? of() : body,
      );
    },
    () => raw(of((major << 5) | 31), own.subarray(1), of(0xff)), // indefinite
    () => raw(of(0xc0 + rng.below(24)), own), // a tag
    () => raw(of(0xd9, 0xd9, 0xf7), own), // "this is CBOR"
    () => raw(of(0xf9, 0x3c, 0x00)), // 1.0 in half precision
    () => raw(of(0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0)), // NaN
    () => raw(of(0x20 + rng.below(24))), // negative
    () => raw(of(0xa1), own, own), // a map
    () => raw(of(0xf7)), // undefined
    () => raw(of(0xf8, rng.below(256))), // a simple value in two bytes
    () => raw(of(0xf4 + rng.below(4))),
    () => raw(of(0xff)), // a break outside
    () => raw(of(0xc2, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0)), // 2^64 as a bignum
    () => raw(of((rng.pick([0, 2, 3, 4, 5]) << 5) | 27, 0, 0x20, 0, 0, 0, 0, 0, 0)), // 2^53
    () => raw(of((rng.pick([0, 2, 3, 4, 5]) << 5) | 27, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
    () => raw(of((rng.pick([2, 3, 4]) << 5) | 26), uintBytes(rng.pick([2 ** 31, 2 ** 32 - 1, 100_001]), 4), own),
    () => raw(of(0x62, 0xc3, 0x28)), // text that is not UTF-8
    () => raw(of(0x63, 0xed, 0xa0, 0x80)), // a surrogate in UTF-8
    () => raw(new Uint8Array(rng.pick([15, 16, 17, 1000, 100_000])).fill(0x81), own), // nested
    () => raw(head(4, 100_001), new Uint8Array(100_001)), // items
    () => raw(of(0x1c + rng.below(3))), // reserved
  ];
  return rng.pick(ways)();
}

const TEXTS = [
  '',
  'a',
  '\u0000',
  '\ufeff',
  'e\u0301',
  '\u202e',
  'refused',
  'device',
  'policy',
  'x'.repeat(300),
  ' ',
  '🛂',
];

function otherLeaf(loose: Loose, rng: Rng): Loose {
  if (rng.once(8)) return rng.pick<Loose>([null, true, false, 0, '', new Uint8Array(0), [], [[]], [null]]);
  if (typeof loose === 'number') {
    return rng.pick([Math.min(loose + 1, Number.MAX_SAFE_INTEGER), Math.max(0, loose - 1), rng.pick(EDGES)]);
  }
  if (typeof loose === 'string') return rng.once(2) ? rng.pick(TEXTS) : `${loose}${rng.pick(TEXTS)}`;
  if (loose instanceof Uint8Array) {
    if (rng.once(3)) return rng.bytes(rng.pick([0, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 81, 1024, 4097]));
    return mutateBytes(loose, rng);
  }
  return rng.pick<Loose>([null, true, false, 0, 1, rng.pick(EDGES), rng.bytes(16), rng.bytes(32), rng.pick(TEXTS)]);
}

/** The largest input is about so large. */
const MOST = 1 << 20;

function sizeOf(loose: Loose): number {
  if (loose instanceof Raw) return loose.bytes.length;
  if (loose instanceof Nested) return sizeOf(loose.of) + 9;
  if (Array.isArray(loose)) return (loose as readonly Loose[]).reduce<number>((sum, item) => sum + sizeOf(item), 9);
  return typeof loose === 'string' || loose instanceof Uint8Array ? loose.length + 9 : 9;
}

const copiesOf = (item: Loose) => Math.max(2, Math.floor(MOST / sizeOf(item)));

/** Of an array: fields that are gone, twice, in another order, or far too many. */
function otherList(items: readonly Loose[], rng: Rng): readonly Loose[] {
  const [i, j] = [rng.below(items.length), rng.below(items.length)];
  const without = items.filter((_, at) => at !== i);
  if (items.length === 0) return [rng.pick<Loose>([0, null, rng.bytes(16)])];
  const item = items[i] as Loose;
  const ways: (() => readonly Loose[])[] = [
    () => without,
    () => [...items.slice(0, i), item, ...items.slice(i)],
    () => items.map((each, at) => (at === i ? (items[j] as Loose) : at === j ? item : each)),
    () => [...items, item],
    () => [...items].reverse(),
    () => [],
    () => Array.from({ length: Math.min(rng.pick([33, 65, 1025, 4097]), copiesOf(item)) }, () => item),
    () => [...items, rng.pick<Loose>([null, 0, new Uint8Array(16)])],
  ];
  return rng.pick(ways)();
}

/** Changes one place, chosen on the way down. */
function change(loose: Loose, rng: Rng): Loose {
  if (loose instanceof Raw) return loose;
  if (rng.once(14)) return strange(loose, rng);
  if (loose instanceof Nested)
    return rng.once(10) ? otherLeaf(write(loose.of), rng) : new Nested(change(loose.of, rng));
  if (!Array.isArray(loose)) return otherLeaf(loose, rng);
  const items = loose as readonly Loose[];
  if (items.length === 0 || rng.once(6)) return otherList(items, rng);
  const at = rng.below(items.length);
  return items.map((item, i) => (i === at ? change(item, rng) : item));
}

/** One to three changes of the structure; undefined for what is not CBOR. */
export function mutateTree(bytes: Bytes, rng: Rng): Bytes | undefined {
  const value = valueOf(bytes);
  if (value === undefined) return undefined;
  let loose = loosen(value);
  for (let left = 1 + rng.below(3); left > 0; left--) loose = change(loose, rng);
  return write(loose);
}

/** CBOR of anything, to be refused for its shape. */
export function anyValue(rng: Rng, depth = 0): Bytes {
  const leaves: Value[] = [rng.pick(EDGES), rng.pick(TEXTS), rng.bytes(rng.below(40)), null, true];
  if (depth === 0 && rng.once(4)) return encode(rng.pick(leaves));
  const items = Array.from({ length: rng.below(15) }, (): Bytes =>
    depth < 3 && rng.once(4) ? anyValue(rng, depth + 1) : encode(rng.pick(leaves)),
  );
  return concat(head(4, items.length), ...items);
}
