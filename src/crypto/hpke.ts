/**
 * HPKE (RFC 9180): DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001, AES-256-GCM 0x0002, base and PSK mode, empty AAD.
 * One context per message. Sealed bytes are `enc (32) ‖ ciphertext ‖ tag (16)`. Keys are raw: 32-byte scalars and coordinates
 * (RFC 7748). The ephemeral key comes from our randomness by DeriveKeyPair (RFC 9180, 7.1.3), not from the library's.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import type { CipherSuite } from '@hpke/core';
import { type Bytes, concat, copy, wipe } from '../bytes.ts';
import { decryptionFailed, PassportError } from '../errors.ts';
import type { Random } from '../platform.ts';
import { randomBytes } from './random.ts';

const KEY_LENGTH = 32;
const TAG_LENGTH = 16;

/** p = 2^255 - 19, the modulus of the coordinates. */
const P = 2n ** 255n - 19n;

export interface HpkeMode {
  readonly info: Bytes;
  /** PSK mode: exactly 32 bytes, together with `pskId`. Absent: base mode. */
  readonly psk?: Bytes;
  /** At least one byte. */
  readonly pskId?: Bytes;
}

/** A new key pair, 32 bytes each; the private key is the scalar before clamping. */
export function receiveKey(random: Random): { privateKey: Bytes; publicKey: Bytes } {
  const privateKey = randomBytes(random, KEY_LENGTH);
  return { privateKey, publicKey: receivePublicOf(privateKey) };
}

/** X25519(scalar, 9), RFC 7748. */
export function receivePublicOf(privateKey: Bytes): Bytes {
  if (privateKey.length !== KEY_LENGTH) throw new TypeError(`private key: expected 32 bytes, got ${privateKey.length}`);
  return x25519.getPublicKey(privateKey);
}

/**
 * May a foreign key be sealed to? 32 bytes, canonical (one key has one encoding), not of low order, and a trial seal works:
 * one bad key among the holders would make every later change of the passport fail. Throws only `unsupported`.
 */
export async function isReceiveKey(bytes: Bytes): Promise<boolean> {
  requireWebCrypto(); // else every key would look bad
  if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_LENGTH || coordinate(bytes) >= P) return false; // V24
  try {
    x25519.getSharedSecret(TRIAL, bytes); // V25: throws on low order: the result is zero for every scalar
    await hpkeSeal(bytes, { info: TRIAL }, TRIAL, () => copy(TRIAL)); // V26
    return true;
  } catch {
    return false;
  }
}

/** Seals to a receive key. Throws what `randomBytes` throws, and Error on a key that `isReceiveKey` refuses. */
export async function hpkeSeal(publicKey: Bytes, mode: HpkeMode, plaintext: Bytes, random: Random): Promise<Bytes> {
  const parameters = keySchedule(mode);
  const suite = await load();
  const ekm = randomBytes(random, KEY_LENGTH);
  const recipientPublicKey = await suite.kem.deserializePublicKey(copy(publicKey));
  const { enc, ct } = await suite.seal({ ...parameters, recipientPublicKey, ekm }, plaintext);
  wipe(ekm);
  return concat(new Uint8Array(enc), new Uint8Array(ct));
}

/** `decryption-failed` for everything that `hpkeSeal` to this key with this mode did not make. */
export async function hpkeOpen(privateKey: Bytes, mode: HpkeMode, sealed: Bytes): Promise<Bytes> {
  const parameters = keySchedule(mode);
  if (privateKey.length !== KEY_LENGTH) throw new TypeError(`private key: expected 32 bytes, got ${privateKey.length}`);
  if (sealed.length < KEY_LENGTH + TAG_LENGTH) throw decryptionFailed(); // V44
  const suite = await load();
  const recipientKey = await suite.kem.deserializePrivateKey(copy(privateKey));
  try {
    const enc = copy(sealed.subarray(0, KEY_LENGTH));
    return new Uint8Array(await suite.open({ ...parameters, recipientKey, enc }, sealed.subarray(KEY_LENGTH)));
  } catch (cause) {
    throw decryptionFailed(cause); // V45
  }
}

/** Any fixed scalar, info, plaintext and randomness for a seal whose result is thrown away. */
const TRIAL: Bytes = Uint8Array.from({ length: KEY_LENGTH }, (_, i) => i + 1);

/** A library may take an empty PSK for none at all, so what is there must be whole before it gets it. */
function keySchedule(mode: HpkeMode): { info: Bytes; psk?: { key: Bytes; id: Bytes } } {
  const { info, psk, pskId } = mode;
  if (psk === undefined && pskId === undefined) return { info };
  if (psk?.length !== 32) throw new TypeError(`psk: expected 32 bytes, got ${psk?.length ?? 'none'}`); // V46
  if (pskId === undefined || pskId.length === 0) throw new TypeError('pskId: expected at least one byte');
  return { info, psk: { key: psk, id: pskId } };
}

function coordinate(littleEndian: Bytes): bigint {
  return littleEndian.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** The library stands on it; a page that did not come over TLS has none. */
function requireWebCrypto(): void {
  if (globalThis.crypto?.subtle !== undefined) return;
  throw new PassportError('unsupported', 'this platform has no WebCrypto', { hint: 'A page must come over https.' });
}

let loading: Promise<CipherSuite> | undefined;

/** On first use: most commands neither seal nor open a grant, and the library takes a while to load. */
function load(): Promise<CipherSuite> {
  requireWebCrypto();
  loading ??= Promise.all([import('@hpke/core'), import('@hpke/dhkem-x25519')]).then(
    ([core, kem]) =>
      new core.CipherSuite({
        kem: new kem.DhkemX25519HkdfSha256(),
        kdf: new core.HkdfSha256(),
        aead: new core.Aes256Gcm(),
      }),
  );
  return loading;
}
