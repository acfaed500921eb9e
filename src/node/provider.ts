/**
 * The primitives of crypto/provider.ts by node:crypto, all synchronous: one await of WebCrypto costs more than sealing a small
 * object. Keys are kept as KeyObjects, because a chain is many signatures by few keys: verifying keys by their bytes, a signing
 * key no longer than the seed's own buffer, because nobody can wipe a KeyObject (OpenSSL does when it is collected).
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { type Bytes, concat, copy, equal, hex, wipe } from '../bytes.ts';
import { checkAesGcm, type Provider } from '../crypto/provider.ts';

const TAG = 16;
/** DER around a raw key, RFC 8410: PrivateKeyInfo and SubjectPublicKeyInfo of Ed25519. */
const PRIVATE_DER = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);
const PUBLIC_DER = Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0);
/** A mesh has at most 32 holders; with a few that left, all fit. */
const KEPT_KEYS = 64;

const publicKeys = new Map<string, KeyObject>();
const privateKeys = new WeakMap<Bytes, { readonly digest: Uint8Array; readonly key: KeyObject }>();

function publicKeyObject(raw: Bytes): KeyObject {
  const name = hex(raw);
  let key = publicKeys.get(name);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.from(concat(PUBLIC_DER, raw)), format: 'der', type: 'spki' });
    if (publicKeys.size >= KEPT_KEYS) publicKeys.clear();
    publicKeys.set(name, key);
  }
  return key;
}

/** Made from these 32 bytes, and only as long as they have not changed: reading the DER takes ten times longer than signing. */
function privateKeyObject(seed: Bytes): KeyObject {
  const digest = hash('sha256', seed, 'buffer');
  const known = privateKeys.get(seed);
  if (known !== undefined && equal(known.digest, digest)) return known.key;
  const der = concat(PRIVATE_DER, seed);
  const key = createPrivateKey({ key: Buffer.from(der.buffer), format: 'der', type: 'pkcs8' });
  wipe(der);
  privateKeys.set(seed, { digest, key });
  return key;
}

/** Pass it to `useProvider` before anything else runs. */
export const nodeProvider: Provider = {
  sha256(...parts) {
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return copy(hash('sha256', only, 'buffer'));
    const together = createHash('sha256');
    for (const part of parts) together.update(part);
    return copy(together.digest());
  },

  hmacSha256: (key, data) => copy(createHmac('sha256', key).update(data).digest()),

  aesGcmSeal(key, nonce, data, sealed = new Uint8Array(data.length + TAG)) {
    checkAesGcm(key, nonce);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    sealed.set(cipher.update(data));
    cipher.final(); // empty: GCM is a stream cipher
    sealed.set(cipher.getAuthTag(), data.length);
    return sealed;
  },

  aesGcmOpen(key, nonce, sealed) {
    checkAesGcm(key, nonce);
    if (sealed.length < TAG) throw new RangeError('shorter than a tag');
    const end = sealed.length - TAG;
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG });
    decipher.setAuthTag(sealed.subarray(end));
    const data = decipher.update(sealed.subarray(0, end));
    try {
      decipher.final();
    } catch (error) {
      wipe(data);
      throw error;
    }
    return copy(data);
  },

  ed25519Sign: (seed, message) => copy(sign(null, message, privateKeyObject(seed))),

  ed25519Verify(publicKey, message, signature) {
    return verify(null, message, publicKeyObject(publicKey), signature);
  },
};
