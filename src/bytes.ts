/**
 * Bytes and the few ways in which this project writes them down. No I/O, no randomness.
 * base32hex: RFC 4648 section 7, lower case, no padding. base64url: section 5, no padding.
 */
import { PassportError } from './errors.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Of all parts together. */
export function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (const part of parts) length += part.length;
  return length;
}

export function concat(...parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A copy in a plain Uint8Array of its own: for Buffers and for views of a caller's buffer. */
export function copy(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

/** Constant time in the content, not in the lengths. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** Byte order, shorter first on a common prefix: for sorting, never for secrets. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Overwrites what this process allocated. It cannot reach copies that the engine or a library made. */
export function wipe(...secrets: (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}

export function utf8(text: string): Bytes {
  return copy(encoder.encode(text));
}

/** Throws `malformed` for bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new PassportError('malformed', 'text is not UTF-8', { cause });
  }
}

export function hex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0');
  return out;
}

/** Throws `malformed`. */
export function fromHex(text: string): Bytes {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw new PassportError('malformed', 'not hexadecimal');
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

const BASE32 = '0123456789abcdefghijklmnopqrstuv';
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function encodeBits(bytes: Uint8Array, alphabet: string, width: number): string {
  let out = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= width) {
      bits -= width;
      out += alphabet[(value >>> bits) & ((1 << width) - 1)] as string;
    }
    value &= (1 << bits) - 1;
  }
  if (bits > 0) out += alphabet[(value << (width - bits)) & ((1 << width) - 1)] as string;
  return out;
}

function decodeBits(text: string, alphabet: string, width: number): Bytes {
  const out = new Uint8Array(Math.floor((text.length * width) / 8));
  let bits = 0;
  let value = 0;
  let at = 0;
  for (const character of text) {
    const digit = alphabet.indexOf(character);
    if (digit < 0) throw new PassportError('malformed', 'a character outside the alphabet');
    value = (value << width) | digit;
    bits += width;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = (value >>> bits) & 0xff;
    }
    value &= (1 << bits) - 1;
  }
  if (encodeBits(out, alphabet, width) !== text) throw new PassportError('malformed', 'not canonical');
  return out;
}

export function base32(bytes: Uint8Array): string {
  return encodeBits(bytes, BASE32, 5);
}

/** Throws `malformed`, also for text that `base32` would not have written. */
export function fromBase32(text: string): Bytes {
  return decodeBits(text, BASE32, 5);
}

export function base64url(bytes: Uint8Array): string {
  return encodeBits(bytes, BASE64, 6);
}

/** Throws `malformed`, also for text that `base64url` would not have written. */
export function fromBase64url(text: string): Bytes {
  return decodeBits(text, BASE64, 6);
}

/** `value` as `length` big-endian bytes; RangeError if it does not fit or is not a safe integer >= 0. */
export function uintBytes(value: number, length: number): Bytes {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('expected an unsigned integer');
  const out = new Uint8Array(length);
  let rest = value;
  for (let i = length - 1; i >= 0; i--) {
    out[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  if (rest !== 0) throw new RangeError(`the integer does not fit ${length} bytes`);
  return out;
}

/** Big-endian; throws `malformed` above 2^53-1. */
export function bytesUint(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes) value = value * 256 + byte;
  if (!Number.isSafeInteger(value)) throw new PassportError('malformed', 'an integer above 2^53-1');
  return value;
}
