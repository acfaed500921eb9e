/**
 * Deterministic CBOR (RFC 8949, 4.2.1), the encoding of everything that is signed, hashed or sealed (docs/protocol.md, 2).
 * Only unsigned integers up to 2^53-1, byte and text strings, definite arrays, false, true and null; each value has one encoding.
 * Input from outside is first walked by a loop that allocates nothing and bounds depth, items and bytes, then decoded by
 * cborg, encoded again and compared: a library accepts more than one encoding and recurses as deep as the input asks it to.
 * Encoding is written out here: five types need no library, and a general one takes three times as long for small records.
 */
import { decode as decodeTokens, Tokenizer, Type } from 'cborg';
import { type Bytes, equal, fromUtf8 } from './bytes.ts';
import { PassportError } from './errors.ts';

export type Value = number | string | boolean | null | Bytes | readonly Value[];

const MAX_DEPTH = 16;
const MAX_ITEMS = 100_000;
const MAX_BYTES = 1 << 20;

const UINT = 0;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const SIMPLE = 7;
const FALSE = 20;
const TRUE = 21;
const NULL = 22;

/** TypeError or RangeError for what the format cannot hold: these are mistakes of the caller. */
export function encode(value: Value): Bytes {
  const items = { left: MAX_ITEMS };
  // The exact size first: no copy of a secret stays behind in a buffer that was too small.
  const out = new Uint8Array(measure(value, 0, items));
  write(value, out, 0);
  return out;
}

/** From here on it pays to leave a byte string where it is. */
const LARGE_BYTES = 16 * 1024;

/** The encoding of an array in pieces, to be put one after the other: a large byte string in it is a piece and is not copied. */
export function encodePieces(items: readonly Value[]): Bytes[] {
  if (!items.some((item) => item instanceof Uint8Array && item.length >= LARGE_BYTES)) return [encode(items)];
  const announced = (major: number, length: number) => {
    const out = new Uint8Array(head(length));
    writeHead(major, length, out, 0);
    return out;
  };
  return [
    announced(ARRAY, items.length),
    ...items.flatMap((item) => (item instanceof Uint8Array ? [announced(BYTES, item.length), item] : [encode(item)])),
  ];
}

/**
 * `malformed` for everything that `encode` would not have written, and beyond the limits: arrays nested 16 deep,
 * 100,000 items, `maxBytes` (1 MiB). The byte strings in the result are copies.
 */
export function decode(bytes: Bytes, limits: { readonly maxBytes?: number } = {}): Value {
  if (bytes.length > (limits.maxBytes ?? MAX_BYTES)) throw malformed('longer than allowed'); // V1
  scan(bytes);
  // A Buffer would be cut into views instead of copies.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const again = new Uint8Array(bytes.length);
  let value: Value;
  let end: number;
  try {
    value = decodeTokens(data, { ...STRICT, tokenizer: new TextTokenizer(data, STRICT) }) as Value;
    end = write(value, again, 0);
  } catch (cause) {
    throw malformed('not decodable', cause); // V12
  }
  if (end !== bytes.length || !equal(again, bytes)) throw malformed('not the one encoding of its value'); // V13
  return value;
}

const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowBigInt: false,
  retainStringBytes: true,
};

/** Decodes text itself: cborg drops a leading U+FEFF, so that a text which begins with it could be written but never read. */
class TextTokenizer extends Tokenizer {
  override next(): ReturnType<Tokenizer['next']> {
    const token = super.next();
    if (token.type === Type.string && token.byteValue !== undefined) token.value = fromUtf8(token.byteValue);
    return token;
  }
}

function malformed(what: string, cause?: unknown): PassportError {
  return new PassportError('malformed', `CBOR: ${what}`, cause === undefined ? {} : { cause });
}

/** One pass over well-formed, definite, shortest-form items; throws `malformed`. Depth costs an entry of a fixed array. */
function scan(bytes: Bytes): void {
  const open = new Float64Array(MAX_DEPTH); // per open array: items still to come
  let depth = 0;
  let items = 0;
  let at = 0;
  for (;;) {
    if (at >= bytes.length) throw malformed('too short');
    if (++items > MAX_ITEMS) throw malformed('too many items'); // V2
    const first = bytes[at++] as number;
    const major = first >> 5;
    const info = first & 31;
    let value = info;
    if (major === SIMPLE) {
      if (info !== FALSE && info !== TRUE && info !== NULL) throw malformed('a type that is not used'); // V3
    } else if (info > 23) {
      if (info > 27) throw malformed('an indefinite length'); // V4
      const width = 1 << (info - 24);
      if (bytes.length - at < width) throw malformed('too short'); // V5
      value = 0;
      for (let i = 0; i < width; i++) value = value * 256 + (bytes[at++] as number);
      if (value > Number.MAX_SAFE_INTEGER) throw malformed('an integer above 2^53-1'); // V6
    }
    if (major === BYTES || major === TEXT) {
      if (bytes.length - at < value) throw malformed('too short'); // V7
      at += value;
    } else if (major === ARRAY) {
      if (bytes.length - at < value) throw malformed('too short'); // V8: every item has at least one byte
      if (depth === MAX_DEPTH) throw malformed('nested too deep'); // V9
      open[depth++] = value;
    } else if (major !== UINT && major !== SIMPLE) {
      // V10
      throw malformed('a type that is not used');
    }
    while (depth > 0 && open[depth - 1] === 0) depth--;
    if (depth === 0) break;
    open[depth - 1] = (open[depth - 1] as number) - 1;
  }
  if (at !== bytes.length) throw malformed('bytes after the end'); // V11
}

/** Length of the encoding of `value`, after checking that all of it is in the format. */
function measure(value: Value, depth: number, items: { left: number }): number {
  if (--items.left < 0) throw new RangeError('CBOR: too many items');
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0))
      throw new RangeError('CBOR: expected an unsigned integer');
    return head(value);
  }
  if (typeof value === 'string') {
    const length = utf8Length(value);
    return head(length) + length;
  }
  if (typeof value === 'boolean' || value === null) return 1;
  if (value instanceof Uint8Array) return head(value.length) + value.length;
  if (!Array.isArray(value)) throw new TypeError('CBOR: a type that is not used');
  if (depth === MAX_DEPTH) throw new RangeError('CBOR: nested too deep');
  let size = head(value.length);
  for (let i = 0; i < value.length; i++) size += measure(value[i] as Value, depth + 1, items);
  return size;
}

const encoder = new TextEncoder();

/** Writes what `measure` found to be in the format; returns where it ends. */
function write(value: Value, out: Bytes, at: number): number {
  if (typeof value === 'number') return writeHead(UINT, value, out, at);
  if (typeof value === 'string') {
    const length = utf8Length(value);
    const start = writeHead(TEXT, length, out, at);
    if (length === value.length) for (let i = 0; i < length; i++) out[start + i] = value.charCodeAt(i);
    else encoder.encodeInto(value, out.subarray(start));
    return start + length;
  }
  if (value === null || typeof value === 'boolean') {
    return writeHead(SIMPLE, value === null ? NULL : value ? TRUE : FALSE, out, at);
  }
  if (value instanceof Uint8Array) {
    const start = writeHead(BYTES, value.length, out, at);
    out.set(value, start);
    return start + value.length;
  }
  let next = writeHead(ARRAY, value.length, out, at);
  for (let i = 0; i < value.length; i++) next = write(value[i] as Value, out, next);
  return next;
}

function writeHead(major: number, argument: number, out: Bytes, at: number): number {
  const bytes = head(argument);
  if (bytes === 1) {
    out[at] = (major << 5) | argument;
    return at + 1;
  }
  // 24, 25, 26, 27 announce 1, 2, 4, 8 bytes.
  out[at] = (major << 5) | (55 - Math.clz32(bytes - 1));
  let rest = argument;
  for (let i = bytes - 1; i > 0; i--) {
    out[at + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return at + bytes;
}

/** Bytes of an initial byte with its shortest argument (RFC 8949, 3). */
function head(argument: number): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  if (argument < 0x1_0000) return 3;
  return argument < 0x1_0000_0000 ? 5 : 9;
}

/** Refuses a lone surrogate: an encoder would write U+FFFD, another text. */
function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if (unit < 0xd800 || unit > 0xdfff) length += 3;
    else {
      const next = text.charCodeAt(++i);
      if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff))
        throw new TypeError('CBOR: text is not well-formed UTF-16');
      length += 4;
    }
  }
  return length;
}
