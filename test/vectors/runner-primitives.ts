/**
 * Operations on the primitives. What src/ keeps to itself or never needs (X25519 alone, an AAD, the inner values of HPKE, Argon2id
 * without bounds) runs on the library that src/ uses, set up in the same way.
 */
import { Aes256Gcm, CipherSuite, HkdfSha256 } from '@hpke/core';
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
import { x25519 } from '@noble/curves/ed25519.js';
import { argon2id as nobleArgon2id } from '@noble/hashes/argon2.js';
import { type Bytes, concat, copy, equal } from '../../src/bytes.ts';
import { argon2id as wasmArgon2id } from '../../src/crypto/argon2-wasm.ts';
import { argon2idWasm } from '../../src/crypto/argon2.ts';
import { hkdf, hkdfExpand, hkdfExtract, hmac, sha256 } from '../../src/crypto/hash.ts';
import { type HpkeMode, hpkeOpen, hpkeSeal, isReceiveKey, receivePublicOf } from '../../src/crypto/hpke.ts';
import { provider } from '../../src/crypto/provider.ts';
import { isSigningKey, publicKeyOf, verify } from '../../src/crypto/sign.ts';
import { isPassportError } from '../../src/errors.ts';
import { nodeProvider } from '../../src/node/provider.ts';
import { schedule } from '../helpers/hpke.ts';
import { type Input, type Operation, refuse } from './schema.ts';

function hmacCheck(input: Input) {
  const tag = input.bytes('tag');
  const whole = hmac(input.bytes('key'), input.bytes('message'));
  return tag.length > 0 && equal(whole.subarray(0, tag.length), tag) ? { valid: true } : refuse('commitment');
}

/** RangeError is what src/ answers to a length that HKDF cannot give. */
function withinHkdf<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) return refuse('bound');
    throw error;
  }
}

async function seal(input: Input) {
  const sealed = copy(await provider().aesGcmSeal(input.bytes('key'), input.bytes('nonce'), input.bytes('plaintext')));
  return { ciphertext: sealed.subarray(0, -16), tag: sealed.subarray(-16) };
}

async function open(input: Input) {
  const sealed = concat(input.bytes('ciphertext'), input.bytes('tag'));
  try {
    return { plaintext: copy(await provider().aesGcmOpen(input.bytes('key'), input.bytes('nonce'), sealed)) };
  } catch {
    return refuse('tag');
  }
}

function signed(input: Input) {
  const seed = input.bytes('seed');
  return { publicKey: publicKeyOf(seed), signature: nodeProvider.ed25519Sign?.(seed, input.bytes('message')) ?? '' };
}

function verified(input: Input) {
  const publicKey = input.bytes('publicKey');
  if (verify(publicKey, input.bytes('message'), input.bytes('signature'))) return { valid: true };
  return refuse(isSigningKey(publicKey) ? 'signature' : 'key');
}

/** RFC 7748; noble throws where the result is zero. */
function x(scalar: Bytes, u: Bytes): Bytes {
  try {
    return copy(x25519.getSharedSecret(scalar, u));
  } catch {
    return refuse('key');
  }
}

async function agreed(input: Input) {
  const publicKey = input.bytes('publicKey');
  if (!(await isReceiveKey(publicKey))) return refuse('key');
  return { shared: x(input.bytes('privateKey'), publicKey) };
}

function iterated(input: Input) {
  let [scalar, u] = [input.bytes('scalar'), input.bytes('u')];
  for (let i = 0; i < input.number('iterations'); i++) [scalar, u] = [x(scalar, u), scalar];
  return { u: scalar };
}

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** The public key as src/ makes it for an ephemeral key; the private one as the library derives it on the way. */
async function derivedPair(input: Input) {
  const ikm = input.bytes('ikm');
  const sealed = await hpkeSeal(receivePublicOf(ikm), { info: ikm }, new Uint8Array(0), () => copy(ikm));
  const { privateKey } = await suite.kem.deriveKeyPair(copy(ikm).buffer);
  return {
    privateKey: new Uint8Array(await suite.kem.serializePrivateKey(privateKey)),
    publicKey: sealed.subarray(0, 32),
  };
}

/** The inner values of a context, by the second implementation of the tests: src/ and its library do not give them out. */
function context(input: Input) {
  const [privateKey, psk, pskId] = [input.bytes('privateKey'), input.maybeBytes('psk'), input.maybeBytes('pskId')];
  const { sharedSecret, key, nonce } = schedule({
    aead: 'aes-256-gcm',
    privateKey,
    publicKey: receivePublicOf(privateKey),
    enc: input.bytes('enc'),
    info: input.bytes('info'),
    ...(psk === null || pskId === null ? {} : { psk, pskId }),
  });
  return { sharedSecret, key, baseNonce: nonce };
}

function modeOf(input: Input): HpkeMode {
  const [info, psk, pskId] = [input.bytes('info'), input.maybeBytes('psk'), input.maybeBytes('pskId')];
  return psk === null || pskId === null ? { info } : { info, psk, pskId };
}

/** As src/crypto/hpke.ts calls the library. */
function libraryMode({ info, psk, pskId }: HpkeMode) {
  return psk === undefined || pskId === undefined ? { info } : { info, psk: { key: psk, id: pskId } };
}

async function hpkeSealed(input: Input) {
  const [publicKey, plaintext, ikmE] = [input.bytes('publicKey'), input.bytes('plaintext'), input.bytes('ikmE')];
  if (!input.has('aad')) {
    const sealed = await hpkeSeal(publicKey, modeOf(input), plaintext, () => ikmE); // which is wiped
    return { enc: sealed.subarray(0, 32), ciphertext: sealed.subarray(32) };
  }
  const recipientPublicKey = await suite.kem.deserializePublicKey(publicKey);
  const parameters = { ...libraryMode(modeOf(input)), recipientPublicKey, ekm: ikmE };
  const { enc, ct } = await suite.seal(parameters, plaintext, input.bytes('aad'));
  return { enc: new Uint8Array(enc), ciphertext: new Uint8Array(ct) };
}

async function hpkeOpened(input: Input) {
  const [privateKey, enc, ciphertext] = [input.bytes('privateKey'), input.bytes('enc'), input.bytes('ciphertext')];
  if (input.has('aad')) {
    const recipientKey = await suite.kem.deserializePrivateKey(privateKey);
    const parameters = { ...libraryMode(modeOf(input)), recipientKey, enc };
    return { plaintext: new Uint8Array(await suite.open(parameters, ciphertext, input.bytes('aad'))) };
  }
  try {
    return { plaintext: await hpkeOpen(privateKey, modeOf(input), concat(enc, ciphertext)) };
  } catch (error) {
    if (!isPassportError(error, 'decryption-failed')) throw error;
    x(privateKey, enc);
    return refuse('tag');
  }
}

const costOf = (input: Input) => ({
  memoryKiB: input.number('memoryKiB'),
  passes: input.number('passes'),
  lanes: input.number('lanes'),
});

/** hash-wasm takes no associated data, so what has some (RFC 9106, 5.3) runs on noble. */
async function argon2Function(input: Input) {
  const [password, salt, length] = [input.bytes('password'), input.bytes('salt'), input.number('length')];
  const { memoryKiB, passes, lanes } = costOf(input);
  const [key, personalization] = [input.maybeBytes('secret'), input.maybeBytes('associatedData')];
  if (key !== null && personalization !== null) {
    const options = { t: passes, m: memoryKiB, p: lanes, key, personalization, dkLen: length, version: 0x13 };
    return { tag: nobleArgon2id(password, salt, options) };
  }
  const tag = await wasmArgon2id({
    password,
    salt,
    memorySize: memoryKiB,
    iterations: passes,
    parallelism: lanes,
    hashLength: length,
    outputType: 'binary',
  });
  return { tag };
}

export const PRIMITIVES: Readonly<Record<string, Operation>> = {
  sha256: (input) => ({ digest: sha256(input.long('message')) }),
  'hmac-sha256': (input) => ({
    tag: hmac(input.bytes('key'), input.bytes('message')).subarray(0, input.number('length')),
  }),
  'hmac-sha256-check': hmacCheck,
  'hkdf-extract': (input) => ({ prk: hkdfExtract(input.bytes('salt'), input.bytes('ikm')) }),
  'hkdf-expand': (input) => ({ okm: hkdfExpand(input.bytes('prk'), input.bytes('info'), input.number('length')) }),
  hkdf: (input) =>
    withinHkdf(() => ({
      okm: hkdf(input.bytes('ikm'), input.bytes('info'), input.number('length'), input.bytes('salt')),
    })),
  'aes-256-gcm-seal': seal,
  'aes-256-gcm-open': open,
  'ed25519-sign': signed,
  'ed25519-verify': verified,
  x25519: agreed,
  'x25519-function': (input) => ({ u: x(input.bytes('scalar'), input.bytes('u')) }),
  'x25519-public': (input) => ({ publicKey: receivePublicOf(input.bytes('privateKey')) }),
  'x25519-iterate': iterated,
  'hpke-derive-key-pair': derivedPair,
  'hpke-context': context,
  'hpke-seal': hpkeSealed,
  'hpke-open': hpkeOpened,
  argon2id: async (input) => ({
    tag: await argon2idWasm(input.bytes('password'), input.bytes('salt'), costOf(input)),
  }),
  'argon2id-function': argon2Function,
};
