/**
 * Operations on objects and padding (docs/protocol.md, 4). The code refuses with one message whatever is wrong, so that nobody
 * learns which check failed; here a refused object is looked at once more, step by step, to say which layer it was.
 */
import { type Bytes, concat, equal, fromHex, uintBytes } from '../../../src/bytes.ts';
import { hkdf, sha256 } from '../../../src/crypto/hash.ts';
import { meshLinkKey, kekLinkKey, wrapKey } from '../../../src/crypto/keys.ts';
import { LAYERS, type Layer, type ObjectContext, openObject, sealObject } from '../../../src/crypto/object.ts';
import { pad, padme, unpad } from '../../../src/crypto/padding.ts';
import { provider } from '../../../src/crypto/provider.ts';
import { info } from '../../../src/crypto/statements.ts';
import { isPassportError } from '../../../src/errors.ts';
import { openKekLink, openMeshLink } from '../../../src/registry/links.ts';
import { openWrap } from '../../../src/registry/open.ts';
import { Input, type Json, type Operation, refuse } from '../schema.ts';

const HEADER = 75;
const SALT_END = 43;
const STORED_CHUNK = 65_536 + 16;

export function layerOf(number: number): Layer {
  const layer = (Object.keys(LAYERS) as Layer[]).find((name) => LAYERS[name] === number);
  if (layer === undefined) throw new TypeError(`no layer ${number}`);
  return layer;
}

function contextOf(input: Input): ObjectContext {
  return {
    layer: layerOf(input.number('layer')),
    epoch: input.number('epoch'),
    key: input.bytes('layerKey'),
    pid: input.bytes('pid'),
    kind: input.text('kind'),
    owner: input.bytes('owner'),
    sequence: input.number('sequence'),
  };
}

function derived({ key, pid, kind, owner, sequence }: ObjectContext, first: Bytes): { key: Bytes; commitment: Bytes } {
  const okm = hkdf(key, info(pid, 'object', first, kind, owner, sequence), 64, first.subarray(11));
  return { key: okm.subarray(0, 32), commitment: okm.subarray(32) };
}

/** An object that is described: sealed here chunk by chunk, with any nonces and any commitment. */
async function described(context: ObjectContext, description: Json): Promise<Bytes> {
  const input = new Input(description);
  const first = input.bytes('header');
  const { key, commitment } = derived(context, first);
  const parts: Bytes[] = [first, input.has('commitment') ? input.bytes('commitment') : commitment];
  for (const chunk of input.objects('chunks')) {
    parts.push(new Uint8Array(await provider().aesGcmSeal(key, chunk.bytes('nonce'), chunk.long('plaintext'))));
  }
  return concat(...parts, input.has('rest') ? input.bytes('rest') : new Uint8Array(0));
}

function objectBytes(context: ObjectContext, value: Json): Promise<Bytes> | Bytes {
  return typeof value === 'string' ? fromHex(value) : described(context, value);
}

/** Why an object that `openObject` refused does not open. */
export async function whyClosed(context: ObjectContext, object: Bytes): Promise<string> {
  const body = object.subarray(HEADER);
  const chunks = Math.ceil(body.length / STORED_CHUNK);
  if (chunks === 0 || body.length - (chunks - 1) * STORED_CHUNK <= 16) return 'parse';
  const { layer, epoch } = context;
  if (!equal(object.subarray(6, 11), concat(Uint8Array.of(LAYERS[layer]), uintBytes(epoch, 4)))) return 'context';
  const { key, commitment } = derived(context, object.slice(0, SALT_END));
  if (!equal(commitment, object.subarray(SALT_END, HEADER))) return 'commitment';
  const plain: Bytes[] = [];
  for (let i = 0; i < chunks; i++) {
    const sealed = body.slice(i * STORED_CHUNK, (i + 1) * STORED_CHUNK);
    const nonce = concat(uintBytes(i, 11), Uint8Array.of(i === chunks - 1 ? 1 : 0));
    try {
      plain.push(new Uint8Array(await provider().aesGcmOpen(key, nonce, sealed)));
    } catch {
      return 'tag';
    }
  }
  return whyNotPadded(concat(...plain));
}

function whyNotPadded(padded: Bytes): string {
  try {
    unpad(padded);
  } catch (error) {
    if (isPassportError(error, 'decryption-failed')) return 'padding';
    throw error;
  }
  throw new TypeError('nothing is wrong with it');
}

/** `openObject`, with the layer in place of its one message. */
export async function openedObject(context: ObjectContext, object: Bytes): Promise<Bytes> {
  try {
    return await openObject(context, object);
  } catch (error) {
    if (!isPassportError(error, 'decryption-failed')) throw error;
    return refuse(await whyClosed(context, object));
  }
}

/** Data of up to 64 bytes stands as it is, longer data as its length and hash. */
function shown(data: Bytes) {
  return data.length <= 64 ? { data } : { length: data.length, sha256: sha256(data) };
}

async function open(input: Input) {
  const context = contextOf(input);
  return shown(await openedObject(context, await objectBytes(context, input.json('object'))));
}

async function seal(input: Input) {
  const object = await sealObject(contextOf(input), input.long('data'), () => input.bytes('salt'));
  return { header: object.slice(0, HEADER), length: object.length, sha256: sha256(object) };
}

async function meshLink(input: Input) {
  const [pid, slot, epoch, key] = [
    input.bytes('pid'),
    input.number('slot'),
    input.number('epoch'),
    input.bytes('meshKey'),
  ];
  const link = input.bytes('link');
  const layerKey = meshLinkKey(pid, epoch, key);
  const context = { layer: 'meshLink', epoch, key: layerKey, pid, kind: 'mesh-link', owner: pid, sequence: slot };
  return { meshKey: await named(() => openMeshLink(pid, { slot, epoch }, key, link), context as ObjectContext, link) };
}

async function kekLink(input: Input) {
  const [pid, epoch, kek, link] = [
    input.bytes('pid'),
    input.number('epoch'),
    input.bytes('kek'),
    input.bytes('link'),
  ] as const;
  const key = kekLinkKey(pid, epoch, kek);
  const context = { layer: 'kekLink', epoch, key, pid, kind: 'kek-link', owner: pid, sequence: epoch } as const;
  return { kek: await named(() => openKekLink(pid, epoch, kek, link), context, link) };
}

async function wrap(input: Input) {
  const [pid, slot, epoch] = [input.bytes('pid'), input.number('slot'), input.number('epoch')];
  const [vek, bytes] = [input.bytes('vek'), input.bytes('wrap')];
  const key = wrapKey(pid, epoch, vek);
  const context = { layer: 'wrap', epoch, key, pid, kind: 'wrap', owner: pid, sequence: slot } as const;
  const { meshKey, nameRoot } = await named(() => openWrap(pid, { slot, epoch }, vek, bytes), context, bytes);
  return { meshKey, nameRoot };
}

async function named<T>(run: () => Promise<T>, context: ObjectContext, object: Bytes): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isPassportError(error, 'decryption-failed')) throw error;
    return refuse(await whyClosed(context, object));
  }
}

function unpadded(input: Input) {
  const padded = input.long('padded');
  try {
    return shown(unpad(padded));
  } catch (error) {
    if (!isPassportError(error, 'decryption-failed')) throw error;
    return refuse(whyNotPadded(padded));
  }
}

export const objects: Record<string, Operation> = {
  'object-open': open,
  'object-seal': seal,
  'mesh-link-open': meshLink,
  'kek-link-open': kekLink,
  'wrap-open': wrap,
  pad: (input) => {
    const padded = pad(input.long('data'));
    return { length: padded.length, sha256: sha256(padded) };
  },
  unpad: unpadded,
  padme: (input) => ({ padded: padme(input.number('length')) }),
};
