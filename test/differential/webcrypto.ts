/** WebCrypto (https://w3c.github.io/webcrypto/) as plain functions. Curve25519 is not in every one; then those functions are not there. */
import { type Bytes, concat } from '../../src/bytes.ts';

/** DER around raw keys, RFC 8410: PrivateKeyInfo of X25519 and of Ed25519. */
const X25519_DER = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);
const ED25519_DER = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

export interface WebCrypto {
  sha256(data: Bytes): Promise<Bytes>;
  /** An empty key is a DataError (section HMAC, import key). */
  hmac(key: Bytes, data: Bytes): Promise<Bytes>;
  hkdf(ikm: Bytes, salt: Bytes, info: Bytes, length: number): Promise<Bytes>;
  gcmSeal(key: Bytes, nonce: Bytes, data: Bytes): Promise<Bytes>;
  gcmOpen(key: Bytes, nonce: Bytes, sealed: Bytes): Promise<Bytes>;
  x25519?(privateKey: Bytes, publicKey: Bytes): Promise<Bytes>;
  ed25519Sign?(seed: Bytes, message: Bytes): Promise<Bytes>;
  ed25519Verify?(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean>;
}

export async function webCrypto(): Promise<WebCrypto> {
  const { subtle } = globalThis.crypto;
  const key = (raw: Bytes, name: string, use: KeyUsage) => subtle.importKey('raw', raw, name, false, [use]);
  return {
    sha256: async (data) => new Uint8Array(await subtle.digest('SHA-256', data)),
    async hmac(raw, data) {
      const imported = await subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
      return new Uint8Array(await subtle.sign('HMAC', imported, data));
    },
    async hkdf(ikm, salt, info, length) {
      const parameters = { name: 'HKDF', hash: 'SHA-256', salt, info };
      return new Uint8Array(await subtle.deriveBits(parameters, await key(ikm, 'HKDF', 'deriveBits'), length * 8));
    },
    gcmSeal: async (raw, iv, data) =>
      new Uint8Array(await subtle.encrypt({ name: 'AES-GCM', iv }, await key(raw, 'AES-GCM', 'encrypt'), data)),
    gcmOpen: async (raw, iv, sealed) =>
      new Uint8Array(await subtle.decrypt({ name: 'AES-GCM', iv }, await key(raw, 'AES-GCM', 'decrypt'), sealed)),
    ...((await has('X25519', X25519_DER)) && { x25519 }),
    ...((await has('Ed25519', ED25519_DER)) && { ed25519Sign, ed25519Verify }),
  };
}

/** Whether a private key of 32 bytes 0x11 can be imported. */
async function has(name: string, der: Bytes): Promise<boolean> {
  const use = name === 'X25519' ? 'deriveBits' : 'sign';
  const pkcs8 = concat(der, new Uint8Array(32).fill(0x11));
  return crypto.subtle.importKey('pkcs8', pkcs8, name, false, [use]).then(
    () => true,
    () => false,
  );
}

async function x25519(privateKey: Bytes, publicKey: Bytes): Promise<Bytes> {
  const { subtle } = globalThis.crypto;
  const own = await subtle.importKey('pkcs8', concat(X25519_DER, privateKey), 'X25519', false, ['deriveBits']);
  const other = await subtle.importKey('raw', publicKey, 'X25519', false, []);
  return new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: other }, own, 256));
}

async function ed25519Sign(seed: Bytes, message: Bytes): Promise<Bytes> {
  const key = await crypto.subtle.importKey('pkcs8', concat(ED25519_DER, seed), 'Ed25519', false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('Ed25519', key, message));
}

async function ed25519Verify(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  const key = await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', key, signature, message);
}
