/**
 * Sealed objects (docs/protocol.md, 4): what stores, keystores and sessions hold.
 * A fresh salt gives every object its own key, bound to layer, epoch, kind, owner and sequence, so an object under another
 * name does not open. AES-GCM alone lets one ciphertext open under two keys: the commitment to the key is compared first.
 * Chunks follow STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, 2015) as in age: the nonce holds the index and marks the last
 * chunk. Nothing is handed out before the last chunk is verified.
 */
import { type Bytes, bytesUint, concat, equal, uintBytes, wipe } from '../bytes.ts';
import { decryptionFailed, PassportError } from '../errors.ts';
import type { Random } from '../platform.ts';
import { hkdf } from './hash.ts';
import { paddedChunks, paddedLength, unpad } from './padding.ts';
import { provider } from './provider.ts';
import { randomBytes } from './random.ts';
import { info, SUITE } from './statements.ts';

export const LAYERS = {
  mesh: 1,
  vault: 2,
  wrap: 3,
  meshLink: 4,
  kekLink: 5,
  local: 6,
  keystore: 7,
  session: 8,
} as const;

export type Layer = keyof typeof LAYERS;

/** What the key of an object is bound to. `key` is the layer's key, 32 bytes; the rest is public. */
export interface ObjectContext {
  readonly layer: Layer;
  /** 0 for the layers `local`, `keystore` and `session`. */
  readonly epoch: number;
  readonly key: Bytes;
  readonly pid: Bytes;
  readonly kind: string;
  readonly owner: Bytes;
  readonly sequence: number;
}

const MAGIC = Uint8Array.of(0x50, 0x4d, 0x53, 0x48);
const VERSION = 1;
const FORMAT = concat(MAGIC, Uint8Array.of(VERSION, SUITE));
const NAMED = FORMAT.length + 1 + 4; // magic, version, suite, layer, epoch
const SALT_END = NAMED + 32;
const HEADER = SALT_END + 32;
const CHUNK = 64 * 1024;
const TAG = 16;
const NO_EPOCH: readonly Layer[] = ['local', 'keystore', 'session'];

/** The object's bytes: 75 of header, then the padded data (1 KiB at least) and 16 for every 64 KiB of it. */
export async function sealObject(context: ObjectContext, data: Bytes, random: Random): Promise<Bytes> {
  const object = new Uint8Array(sealedLength(data.length));
  await sealObjectInto(object, context, [data], random);
  return object;
}

/** Bytes of the object that `length` bytes of data become. */
export function sealedLength(length: number): number {
  const padded = paddedLength(length);
  return HEADER + padded + Math.ceil(padded / CHUNK) * TAG;
}

/** Seals all pieces, one after the other, as the data of one object; `object` has its `sealedLength`. */
export async function sealObjectInto(
  object: Bytes,
  context: ObjectContext,
  pieces: readonly Bytes[],
  random: Random,
): Promise<void> {
  object.set(named(context), 0);
  object.set(randomBytes(random, SALT_END - NAMED), NAMED);
  const { key, commitment } = derive(context, object.subarray(0, SALT_END));
  object.set(commitment, SALT_END);
  let index = 0;
  let at = HEADER;
  for (const plain of paddedChunks(pieces, CHUNK)) {
    const last = at + plain.length + TAG === object.length;
    const sealed = provider().aesGcmSeal(key, nonce(index, last), plain, object.subarray(at, at + plain.length + TAG));
    if (sealed instanceof Promise) await sealed;
    index += 1;
    at += plain.length + TAG;
  }
  wipe(key);
}

/** The data; `unsupported` for an unknown magic, version or suite, else `decryption-failed` whatever is wrong. */
export async function openObject(context: ObjectContext, object: Bytes): Promise<Bytes> {
  if (object.length >= FORMAT.length) checkFormat(object);
  const body = object.subarray(HEADER);
  const chunks = Math.ceil(body.length / (CHUNK + TAG));
  // Longer than its tags, and the last chunk not empty: that much is public, so that one plaintext has one form.
  if (chunks === 0 || body.length - (chunks - 1) * (CHUNK + TAG) <= TAG) throw decryptionFailed(); // V37
  if (!equal(object.subarray(0, NAMED), named(context))) throw decryptionFailed(); // V38
  const { key, commitment } = derive(context, object.subarray(0, SALT_END));
  const padded = new Uint8Array(body.length - chunks * TAG);
  try {
    if (!equal(commitment, object.subarray(SALT_END, HEADER))) throw decryptionFailed(); // V39
    for (let i = 0; i < chunks; i++) {
      const sealed = body.subarray(i * (CHUNK + TAG), (i + 1) * (CHUNK + TAG));
      const plain = await openChunk(key, nonce(i, i === chunks - 1), sealed);
      padded.set(plain, i * CHUNK);
    }
    return unpad(padded);
  } catch (error) {
    wipe(padded);
    throw error;
  } finally {
    wipe(key);
  }
}

/** What an object says about itself, not yet verified: enough to choose a key. `unsupported`; `malformed` for what is no object. */
export function objectHeader(bytes: Bytes): { layer: Layer; epoch: number } {
  if (bytes.length < HEADER) throw new PassportError('malformed', 'too short for an object'); // V34
  checkFormat(bytes);
  const number = bytes[FORMAT.length];
  const layer = (Object.keys(LAYERS) as Layer[]).find((name) => LAYERS[name] === number);
  if (layer === undefined) throw new PassportError('malformed', 'an object of an unknown layer'); // V35
  const epoch = bytesUint(bytes.subarray(FORMAT.length + 1, NAMED));
  if (epoch !== 0 && NO_EPOCH.includes(layer))
    throw new PassportError('malformed', 'an epoch in a layer that has none'); // V36
  return { layer, epoch };
}

function checkFormat(object: Bytes): void {
  if (!equal(object.subarray(0, MAGIC.length), MAGIC)) throw unsupported('magic'); // V31
  if (object[MAGIC.length] !== VERSION) throw unsupported('version'); // V32
  if (object[MAGIC.length + 1] !== SUITE) throw unsupported('suite'); // V33
}

function unsupported(what: string): PassportError {
  return new PassportError('unsupported', `an object with an unknown ${what}`, {
    hint: 'Another device may run a newer version of this program; update this one.',
    details: { what },
  });
}

/** Magic to epoch, 11 bytes. */
function named({ layer, epoch }: ObjectContext): Bytes {
  if (epoch !== 0 && NO_EPOCH.includes(layer)) throw new RangeError(`layer ${layer} has no epoch`);
  return concat(FORMAT, Uint8Array.of(LAYERS[layer]), uintBytes(epoch, 4));
}

function derive(context: ObjectContext, header: Bytes): { key: Bytes; commitment: Bytes } {
  if (context.key.length !== 32) throw new TypeError(`layer key: expected 32 bytes, got ${context.key.length}`);
  const { pid, kind, owner, sequence } = context;
  const okm = hkdf(context.key, info(pid, 'object', header, kind, owner, sequence), 64, header.subarray(NAMED));
  return { key: okm.subarray(0, 32), commitment: okm.subarray(32) };
}

async function openChunk(key: Bytes, chunkNonce: Bytes, sealed: Bytes): Promise<Bytes> {
  try {
    return await provider().aesGcmOpen(key, chunkNonce, sealed);
  } catch (cause) {
    throw decryptionFailed(cause); // V40
  }
}

function nonce(index: number, last: boolean): Bytes {
  return concat(uintBytes(index, 11), Uint8Array.of(last ? 1 : 0));
}
