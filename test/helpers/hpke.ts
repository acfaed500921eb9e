/**
 * HPKE (RFC 9180) a second time, with node:crypto and nothing of ours: for DHKEM(X25519, HKDF-SHA256) and HKDF-SHA256, base and
 * PSK mode, receiver's side. Slow and plain, to be compared with the RFC line by line.
 */
import { createDecipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';

export interface Schedule {
  readonly sharedSecret: Buffer;
  readonly key: Buffer;
  readonly nonce: Buffer;
}

export interface ReceiverInput {
  readonly aead: 'aes-128-gcm' | 'aes-256-gcm';
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly enc: Uint8Array;
  readonly info: Uint8Array;
  readonly psk?: Uint8Array;
  readonly pskId?: Uint8Array;
}

const EMPTY = Buffer.alloc(0);
const ascii = (text: string) => Buffer.from(text, 'ascii');
const twoBytes = (n: number) => Buffer.from([n >> 8, n & 255]);

/** Sections 4.1 and 5.1. */
export function schedule(input: ReceiverInput): Schedule {
  const keyLength = input.aead === 'aes-128-gcm' ? 16 : 32;
  const kem = Buffer.concat([ascii('KEM'), twoBytes(0x0020)]);
  const suite = Buffer.concat([
    ascii('HPKE'),
    twoBytes(0x0020),
    twoBytes(1),
    twoBytes(input.aead === 'aes-128-gcm' ? 1 : 2),
  ]);

  const dh = x25519(input.privateKey, input.enc);
  const kemContext = Buffer.concat([input.enc, input.publicKey]);
  const eaePrk = labeledExtract(kem, EMPTY, 'eae_prk', dh);
  const sharedSecret = labeledExpand(kem, eaePrk, 'shared_secret', kemContext, 32);

  const mode = Buffer.from([input.psk === undefined ? 0 : 1]);
  const pskIdHash = labeledExtract(suite, EMPTY, 'psk_id_hash', input.pskId ?? EMPTY);
  const infoHash = labeledExtract(suite, EMPTY, 'info_hash', input.info);
  const context = Buffer.concat([mode, pskIdHash, infoHash]);
  const secret = labeledExtract(suite, sharedSecret, 'secret', input.psk ?? EMPTY);
  return {
    sharedSecret,
    key: labeledExpand(suite, secret, 'key', context, keyLength),
    nonce: labeledExpand(suite, secret, 'base_nonce', context, 12),
  };
}

/** The first message of a context, with its tag at the end; throws when that does not fit. */
export function openFirst(input: ReceiverInput, ciphertext: Uint8Array, aad: Uint8Array = EMPTY): Buffer {
  const { key, nonce } = schedule(input);
  const decipher = createDecipheriv(input.aead, key, nonce, { authTagLength: 16 });
  decipher.setAAD(aad).setAuthTag(ciphertext.subarray(-16));
  return Buffer.concat([decipher.update(ciphertext.subarray(0, -16)), decipher.final()]);
}

function labeledExtract(suite: Buffer, salt: Uint8Array, label: string, ikm: Uint8Array): Buffer {
  return hmac(salt, Buffer.concat([ascii('HPKE-v1'), suite, ascii(label), ikm]));
}

/** At most one block, which is all that this suite needs. */
function labeledExpand(suite: Buffer, prk: Buffer, label: string, info: Uint8Array, length: number): Buffer {
  const labeled = Buffer.concat([twoBytes(length), ascii('HPKE-v1'), suite, ascii(label), info]);
  return hmac(prk, Buffer.concat([labeled, Buffer.from([1])])).subarray(0, length);
}

function hmac(key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

export function x25519(privateKey: Uint8Array, publicKey: Uint8Array): Buffer {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), privateKey]);
  const spki = Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), publicKey]);
  return diffieHellman({
    privateKey: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
    publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
  });
}
