/**
 * The primitives that a platform may do faster: one process-wide choice, made by a shell before anything else runs.
 * Default: noble for hashes and WebCrypto for AES-GCM (noble where there is no WebCrypto). All answers are the same bytes;
 * what differs between runtimes is which signatures they accept, and sign.ts alone decides that.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, copy } from '../bytes.ts';

export interface Provider {
  /** 32 bytes, of all parts one after the other. */
  sha256(...parts: readonly Bytes[]): Bytes;
  /** RFC 2104 with SHA-256, 32 bytes. */
  hmacSha256(key: Bytes, data: Bytes): Bytes;
  /**
   * AES-256-GCM: ciphertext ‖ tag (16), written to `sealed` (16 bytes longer than `data`, no part of it), or to new bytes. Key 32
   * bytes, nonce 12 (`checkAesGcm`), no AAD. The caller never repeats a nonce under a key.
   */
  aesGcmSeal(key: Bytes, nonce: Bytes, data: Bytes, sealed?: Bytes): Bytes | Promise<Bytes>;
  /** Throws anything, or rejects, when the tag does not fit. */
  aesGcmOpen(key: Bytes, nonce: Bytes, sealed: Bytes): Bytes | Promise<Bytes>;
  /** RFC 8032, 64 bytes. Absent: noble, which sign.ts loads anyway; so this file does not load the curves. */
  ed25519Sign?(seed: Bytes, message: Bytes): Bytes;
  /** The platform's own answer, however lax. Only for sign.ts. */
  ed25519Verify?(publicKey: Bytes, message: Bytes, signature: Bytes): boolean;
}

const portable: Provider = {
  sha256: (...parts) => {
    const hash = sha256.create();
    for (const part of parts) hash.update(part);
    return copy(hash.digest());
  },
  hmacSha256: (key, data) => hmac(sha256, key, data),
  async aesGcmSeal(key, nonce, data, sealed = new Uint8Array(data.length + 16)) {
    checkAesGcm(key, nonce);
    sealed.set(
      subtle() === undefined
        ? (await import('@noble/ciphers/aes.js')).gcm(key, nonce).encrypt(data)
        : new Uint8Array(
            await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, await aesKey(key, 'encrypt'), data),
          ),
    );
    return sealed;
  },
  async aesGcmOpen(key, nonce, sealed) {
    checkAesGcm(key, nonce);
    if (subtle() === undefined) return (await import('@noble/ciphers/aes.js')).gcm(key, nonce).decrypt(sealed);
    return new Uint8Array(
      await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce }, await aesKey(key, 'decrypt'), sealed),
    );
  },
};

let chosen: Provider = portable;

export function useProvider(p: Provider): void {
  chosen = p;
}

export function provider(): Provider {
  return chosen;
}

/** TypeError. Platforms differ about other lengths: one takes a key of 16 bytes for AES-128, one a nonce of 8 and another not. */
export function checkAesGcm(key: Bytes, nonce: Bytes): void {
  if (key.length !== 32) throw new TypeError(`key: expected 32 bytes, got ${key.length}`);
  if (nonce.length !== 12) throw new TypeError(`nonce: expected 12 bytes, got ${nonce.length}`);
}

/** Not there in a browser page that did not come over TLS. */
function subtle(): SubtleCrypto | undefined {
  return globalThis.crypto?.subtle;
}

function aesKey(key: Bytes, use: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', key, 'AES-GCM', false, [use]);
}
