/**
 * The shapes of what comes from outside, checked after deterministic CBOR was decoded (docs/protocol.md, 2).
 * Every field is bounded here; nothing below this line sees a value of another shape.
 */
import * as z from 'zod/mini';

import type { Bytes } from '../bytes.ts';
import { decode, type Value } from '../cbor.ts';
import { PassportError } from '../errors.ts';

/** A byte string of exactly `length` bytes. */
export const fixedBytes = (length: number) =>
  z.custom<Bytes>((value) => value instanceof Uint8Array && value.length === length, `expected ${length} bytes`);

/** A byte string of `least` to `most` bytes. */
export const someBytes = (most: number, least = 0) =>
  z.custom<Bytes>(
    (value) => value instanceof Uint8Array && value.length >= least && value.length <= most,
    `expected ${least} to ${most} bytes`,
  );

export const uint = (most = Number.MAX_SAFE_INTEGER, least = 0) =>
  z.custom<number>(
    (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most,
    `expected an integer of ${least} to ${most}`,
  );

export const text = (most: number, least = 0) =>
  z.custom<string>(
    (value) => typeof value === 'string' && value.length >= least && value.length <= most,
    `expected a text of ${least} to ${most} characters`,
  );

export const list = <T extends z.core.$ZodType>(item: T, most: number, least = 0) =>
  z.array(item).check(z.maxLength(most), z.minLength(least));

export const bytes16 = fixedBytes(16);
export const bytes32 = fixedBytes(32);
export const signature = fixedBytes(64);

/** The value in the schema's shape; `malformed` names what it was meant to be and the place that does not fit, never content. */
export function shaped<T extends z.core.$ZodType>(schema: T, value: Value, what: string): z.output<T> {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  const path = result.error.issues[0]?.path.join('.') ?? '';
  throw new PassportError('malformed', `${what} has a wrong shape at "${path}"`); // V14
}

/** Decodes and shapes in one step; both failures are `malformed`. */
export function decodeShaped<T extends z.core.$ZodType>(schema: T, bytes: Bytes, what: string): z.output<T> {
  return shaped(schema, decode(bytes), what);
}
