/**
 * Updates, the secret part of a commit, and the block that holds those of one commit (docs/protocol.md 6):
 * each update as `blind (32) ‖ u32 length ‖ update`. In: keys and values from the person, or bytes from outside.
 * Out: canonical CBOR, or checked updates whose values are views of the block.
 */
import * as z from 'zod/mini';

import { bytesUint, concat, fromUtf8, lengthOf, uintBytes, utf8, type Bytes } from '../bytes.ts';
import { decode, encodePieces } from '../cbor.ts';
import { hash } from '../crypto/statements.ts';
import { PassportError } from '../errors.ts';
import { bytes32, shaped, someBytes, text, uint } from './schema.ts';

export const MAX_VALUE_BYTES = 1024 * 1024;
const MAX_UPDATE_BYTES = MAX_VALUE_BYTES + 4096;
/** The updates of one commit with their blinds and lengths. */
export const MAX_BLOCK_BYTES = 4 * 1024 * 1024;
const MAX_KEY_BYTES = 1024;
const BLIND_BYTES = 32;
const FRAME_BYTES = BLIND_BYTES + 4;

/** Why an update was made, beyond "the person wrote it". The id is 32 bytes. */
export type Reason = readonly ['resolve', Bytes] | readonly ['adopt', Bytes];

export interface Update {
  readonly key: string;
  readonly op: 'put' | 'delete';
  readonly type: string;
  /** At most 1 MiB; empty for a delete. */
  readonly value: Bytes;
  readonly reason: Reason | null;
}

/** An update as it is hashed: 32 random bytes and the canonical encoding. */
export interface BlindedUpdate {
  readonly blind: Bytes;
  readonly update: Bytes;
}

/** The same before it is put together. */
export interface BlindedPieces {
  readonly blind: Bytes;
  readonly update: readonly Bytes[];
}

export function piecesOf(update: Bytes | readonly Bytes[]): readonly Bytes[] {
  return update instanceof Uint8Array ? [update] : update;
}

const reason = z.tuple([z.enum(['resolve', 'adopt']), bytes32]);
const shape = z.tuple([
  text(MAX_KEY_BYTES, 1),
  uint(1),
  text(MAX_UPDATE_BYTES),
  someBytes(MAX_VALUE_BYTES),
  z.nullable(reason),
]);

/**
 * 1..1024 bytes of UTF-8 without U+0000. A lone surrogate does not survive UTF-8 and is refused. NFC is no part of it: platforms
 * differ about characters that are new, and two devices must not disagree about an update.
 */
export function isKey(key: string): boolean {
  if (key.length === 0 || key.length > MAX_KEY_BYTES || key.includes('\0')) return false;
  const bytes = utf8(key);
  return bytes.length <= MAX_KEY_BYTES && fromUtf8(bytes) === key;
}

/** Of a key to write: `invalid-key` unless it is one in NFC, of characters whose NFC no later Unicode changes. */
export function checkKey(key: string): void {
  if (isKey(key) && key.normalize('NFC') === key && !/\p{Cn}/u.test(key)) return;
  throw new PassportError('invalid-key', 'a key is 1 to 1024 bytes of assigned characters in NFC, without U+0000'); // V221
}

/** Throws `invalid-key` and `value-too-large`. */
export function encodeUpdate(update: Update): Bytes {
  return concat(...updatePieces(update));
}

/** The encoding in pieces: a large value is not copied. Throws `invalid-key` and `value-too-large`. */
export function updatePieces(update: Update): readonly Bytes[] {
  checkKey(update.key);
  const { length } = update.value;
  if (length > MAX_VALUE_BYTES) {
    throw new PassportError('value-too-large', `a value has at most ${MAX_VALUE_BYTES} bytes, got ${length}`, {
      details: { limit: MAX_VALUE_BYTES, size: length },
    }); // V222
  }
  const pieces = encodePieces([update.key, update.op === 'put' ? 0 : 1, update.type, update.value, update.reason]);
  if (lengthOf(pieces) > MAX_UPDATE_BYTES) {
    throw new PassportError('value-too-large', `a record has at most ${MAX_UPDATE_BYTES} bytes with its key and type`); // V223
  }
  return pieces;
}

/** Throws `malformed`. */
export function parseUpdate(bytes: Bytes): Update {
  const [key, op, type, value, why] = shaped(shape, decode(bytes, { maxBytes: MAX_UPDATE_BYTES }), 'update');
  if (!isKey(key)) throw malformed('its key is not allowed'); // V159
  if (op === 1 && value.length > 0) throw malformed('it deletes and has a value'); // V225
  return { key, op: op === 0 ? 'put' : 'delete', type, value, reason: why };
}

/** 32 bytes. */
export function updateId(pid: Bytes, commit: Bytes, index: number): Bytes {
  return hash(pid, 'update', commit, index);
}

/** What one update takes in a block. */
export function framedBytes(update: readonly Bytes[]): number {
  return FRAME_BYTES + lengthOf(update);
}

export function encodeBlock(updates: readonly BlindedUpdate[]): Bytes {
  return concat(...blockPieces(updates));
}

/** What a block is put together from, in order: its updates need not be copied for that. */
export function blockPieces(updates: readonly (BlindedUpdate | BlindedPieces)[]): Bytes[] {
  return updates.flatMap(({ blind, update }) => {
    const pieces = piecesOf(update);
    return [blind, uintBytes(lengthOf(pieces), 4), ...pieces];
  });
}

/** Views of `block`, in order. Throws `malformed` for more than `limit` updates or a block that does not end with one. */
export function splitBlock(block: Bytes, limit: number): BlindedUpdate[] {
  const updates: BlindedUpdate[] = [];
  for (let at = 0; at < block.length;) {
    if (updates.length === limit) throw malformed('there are more than the header says'); // V160
    const start = at + FRAME_BYTES;
    const length = bytesUint(block.subarray(at + BLIND_BYTES, start)); // of a frame that is cut off: of what is there
    if (length > block.length - start) throw malformed('it is cut off'); // V161, V162
    updates.push({ blind: block.subarray(at, at + BLIND_BYTES), update: block.subarray(start, start + length) });
    at = start + length;
  }
  return updates;
}

function malformed(what: string): PassportError {
  return new PassportError('malformed', `update: ${what}`);
}
