/**
 * The header of a keystore on disk: how to get its key back. CBOR in clear, of [format, version, kind, …]:
 *
 * | kind | then |
 * | --- | --- |
 * | "file" | salt (16), memory KiB, passes, lanes, the key sealed under Argon2id of the device passphrase (object, layer keystore) |
 * | "keychain" | account text: the name of the entry that holds the key |
 * | "plain" | the key (32) |
 */
import type { Bytes } from '../bytes.ts';
import { decode, encode, type Value } from '../cbor.ts';
import { PassportError } from '../errors.ts';
import type { Argon2Cost } from '../platform.ts';

export type KeystoreHeader =
  | { readonly kind: 'file'; readonly salt: Bytes; readonly cost: Argon2Cost; readonly sealed: Bytes }
  | { readonly kind: 'keychain'; readonly account: string }
  | { readonly kind: 'plain'; readonly key: Bytes };

const FORMAT = 'passport-mesh keystore';
const VERSION = 1;

export function encodeHeader(header: KeystoreHeader): Bytes {
  const start = [FORMAT, VERSION, header.kind];
  if (header.kind === 'keychain') return encode([...start, header.account]);
  if (header.kind === 'plain') return encode([...start, header.key]);
  const { salt, cost, sealed } = header;
  return encode([...start, salt, cost.memoryKiB, cost.passes, cost.lanes, sealed]);
}

/** `unsupported` for another version, `damaged` for anything else that is no header. The cost is not checked here. */
export function decodeHeader(bytes: Bytes): KeystoreHeader {
  const value = decodeValue(bytes);
  if (!Array.isArray(value) || value[0] !== FORMAT) throw damaged(); // V209
  const [, version, kind, first, memoryKiB, passes, lanes, sealed] = value as readonly Value[];
  if (version !== VERSION)
    throw new PassportError('unsupported', 'the keystore was written by another version of this program'); // V210
  if (kind === 'plain' && first instanceof Uint8Array && first.length === 32) return { kind, key: first };
  if (kind === 'keychain' && typeof first === 'string') return { kind, account: first };
  if (kind !== 'file' || !(first instanceof Uint8Array) || !(sealed instanceof Uint8Array)) throw damaged(); // V211
  if (typeof memoryKiB !== 'number' || typeof passes !== 'number' || typeof lanes !== 'number') throw damaged();
  return { kind, salt: first, cost: { memoryKiB, passes, lanes }, sealed };
}

function decodeValue(bytes: Bytes): Value {
  try {
    return decode(bytes);
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): PassportError {
  return new PassportError('damaged', 'the header of the keystore is damaged', cause === undefined ? {} : { cause });
}
