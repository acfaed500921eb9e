/**
 * Brings published sets into vectors/published, and computes what nobody published:
 *   node test/run.mjs test/vectors/convert/convert.ts RAW [OUT]
 * RAW is a folder with the files as published: wycheproof-{hmac_sha256,hkdf_sha256,aes_gcm,x25519,ed25519}_test.json,
 * cctv-ed25519.json, speccheck-ed25519.json. Vectors that were transcribed by hand stay as they are.
 */
import { fileURLToPath } from 'node:url';
import { put } from './files.ts';
import { padmeVectors } from './padme.ts';
import { shamirVectors } from './shamir.ts';
import { cctvVectors, speccheckVectors } from './signatures.ts';
import { aesGcmVectors, ed25519Vectors, hkdfVectors, hmacVectors, x25519Vectors } from './wycheproof.ts';

const [raw, out = fileURLToPath(new URL('../../../vectors/published', import.meta.url))] = process.argv.slice(2);
if (raw === undefined) throw new TypeError('usage: convert.ts RAW [OUT]');

const sets = [hmacVectors, hkdfVectors, aesGcmVectors, x25519Vectors, ed25519Vectors, speccheckVectors, cctvVectors];
for (const convert of sets) {
  const converted = await convert(raw);
  await put(out, converted);
  process.stdout.write(`${converted.subject}: ${converted.vectors.length} of ${converted.source.name}\n`);
}
await put(out, shamirVectors(), {
  subject: 'shamir',
  about: "Shamir's sharing over GF(2^8), polynomial 0x11b: dealing and combining, without commitments.",
  section: 'docs/protocol.md 3 (shares)',
});
await put(out, padmeVectors(), {
  subject: 'padme',
  about: 'Lengths after Padmé.',
  section: 'docs/protocol.md 4',
});
