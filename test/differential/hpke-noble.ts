/**
 * HPKE (RFC 9180) composed from noble, both sides, sharing nothing with the library that src/crypto/hpke.ts uses:
 * DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base and PSK mode, empty AAD, the first message of a context.
 */
import { gcm } from '@noble/ciphers/aes.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, copy, uintBytes, utf8 } from '../../src/bytes.ts';
import type { HpkeMode } from '../../src/crypto/hpke.ts';

const EMPTY: Bytes = new Uint8Array(0);
/** Section 4.1 and 5.1: suite ids. */
const KEM = concat(utf8('KEM'), uintBytes(0x20, 2));
const HPKE = concat(utf8('HPKE'), uintBytes(0x20, 2), uintBytes(1, 2), uintBytes(2, 2));

/** `enc (32) ‖ ciphertext ‖ tag (16)`, the ephemeral key by DeriveKeyPair (7.1.3) of 32 bytes. */
export function nobleSeal(publicKey: Bytes, mode: HpkeMode, plaintext: Bytes, ekm: Bytes): Bytes {
  const privateKey = labeledExpand(KEM, labeledExtract(KEM, EMPTY, 'dkp_prk', ekm), 'sk', EMPTY, 32);
  const enc = copy(x25519.getPublicKey(privateKey));
  const { key, nonce } = schedule(copy(x25519.getSharedSecret(privateKey, publicKey)), enc, publicKey, mode);
  return concat(enc, gcm(key, nonce).encrypt(plaintext));
}

/** Throws anything on what does not open. */
export function nobleOpen(privateKey: Bytes, mode: HpkeMode, sealed: Bytes): Bytes {
  if (sealed.length < 48) throw new RangeError('shorter than enc and tag');
  const enc = sealed.slice(0, 32);
  const publicKey = copy(x25519.getPublicKey(privateKey));
  const { key, nonce } = schedule(copy(x25519.getSharedSecret(privateKey, enc)), enc, publicKey, mode);
  return gcm(key, nonce).decrypt(sealed.slice(32));
}

/** Sections 4.1 (ExtractAndExpand) and 5.1 (KeySchedule). */
function schedule(
  dh: Bytes,
  enc: Bytes,
  publicKey: Bytes,
  { info, psk, pskId }: HpkeMode,
): { key: Bytes; nonce: Bytes } {
  const prk = labeledExtract(KEM, EMPTY, 'eae_prk', dh);
  const sharedSecret = labeledExpand(KEM, prk, 'shared_secret', concat(enc, publicKey), 32);
  const mode = Uint8Array.of(psk === undefined ? 0 : 1);
  const pskIdHash = labeledExtract(HPKE, EMPTY, 'psk_id_hash', pskId ?? EMPTY);
  const context = concat(mode, pskIdHash, labeledExtract(HPKE, EMPTY, 'info_hash', info));
  const secret = labeledExtract(HPKE, sharedSecret, 'secret', psk ?? EMPTY);
  return {
    key: labeledExpand(HPKE, secret, 'key', context, 32),
    nonce: labeledExpand(HPKE, secret, 'base_nonce', context, 12),
  };
}

function labeledExtract(suite: Bytes, salt: Bytes, label: string, ikm: Bytes): Bytes {
  return copy(extract(sha256, concat(utf8('HPKE-v1'), suite, utf8(label), ikm), salt));
}

function labeledExpand(suite: Bytes, prk: Bytes, label: string, info: Bytes, length: number): Bytes {
  return copy(expand(sha256, prk, concat(uintBytes(length, 2), utf8('HPKE-v1'), suite, utf8(label), info), length));
}
