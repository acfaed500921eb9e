/**
 * Wycheproof (C2SP/wycheproof, testvectors_v1) of the primitives of the protocol, in the schema of vectors/README.md. Inputs and
 * answers are as published. Where our rule refuses what Wycheproof takes, or the other way round, `why` says so.
 */
import { fromHex } from '../../../src/bytes.ts';
import type { Source, Vector } from '../schema.ts';
import { judge } from './edwards25519.ts';
import { type Converted, raw } from './files.ts';

interface Group<Test> {
  readonly tests: readonly (Test & { tcId: number; comment: string; flags: string[]; result: string })[];
}

interface TestFile<G> {
  readonly testGroups: readonly G[];
}

function source(file: string, left = ''): Source {
  return {
    name: `Wycheproof ${file}`,
    version: 'C2SP/wycheproof dac1dd4, testvectors_v1',
    licence: 'Apache-2.0',
    how: `converted by test/vectors/convert/wycheproof.ts${left}`,
  };
}

const about = (test: { comment: string; flags: string[] }): string =>
  [test.comment, ...test.flags].filter((text) => text !== '').join(', ');

export async function hmacVectors(folder: string): Promise<Converted> {
  const file = 'hmac_sha256_test.json';
  type G = Group<{ key: string; msg: string; tag: string }> & { tagSize: number };
  const { testGroups } = await raw<TestFile<G>>(folder, `wycheproof-${file}`);
  const vectors = testGroups.flatMap(({ tests, tagSize }) =>
    tests.map((test): Vector => {
      const [id, from] = [`hmac-wycheproof-${test.tcId}`, `Wycheproof ${file}, tcId ${test.tcId}`];
      const input = { key: test.key, message: test.msg };
      if (test.result === 'valid')
        return {
          id,
          source: from,
          op: 'hmac-sha256',
          in: { ...input, length: tagSize / 8 },
          expect: { result: { tag: test.tag } },
        };
      return {
        id,
        source: from,
        op: 'hmac-sha256-check',
        in: { ...input, tag: test.tag },
        expect: { refused: 'commitment' },
        why: about(test),
      };
    }),
  );
  return { subject: 'hmac-sha256', prefix: 'hmac-wycheproof', source: source(file), vectors };
}

export async function hkdfVectors(folder: string): Promise<Converted> {
  const file = 'hkdf_sha256_test.json';
  type G = Group<{ ikm: string; salt: string; info: string; size: number; okm: string }>;
  const { testGroups } = await raw<TestFile<G>>(folder, `wycheproof-${file}`);
  const vectors = testGroups.flatMap(({ tests }) =>
    tests.map((test): Vector => {
      const { ikm, salt, info, size: length, okm } = test;
      const shared = {
        id: `hkdf-wycheproof-${test.tcId}`,
        source: `Wycheproof ${file}, tcId ${test.tcId}`,
        op: 'hkdf',
        in: { ikm, salt, info, length },
      };
      return test.result === 'valid'
        ? { ...shared, expect: { result: { okm } } }
        : { ...shared, expect: { refused: 'bound' }, why: `more than 255 blocks: ${about(test)}` };
    }),
  );
  return { subject: 'hkdf-sha256', prefix: 'hkdf-wycheproof', source: source(file), vectors };
}

/** Only what objects use: a key of 256 bits, a nonce of 96, no associated data. */
export async function aesGcmVectors(folder: string): Promise<Converted> {
  const file = 'aes_gcm_test.json';
  type G = Group<{ key: string; iv: string; aad: string; msg: string; ct: string; tag: string }> & {
    keySize: number;
    ivSize: number;
  };
  const { testGroups } = await raw<TestFile<G>>(folder, `wycheproof-${file}`);
  const vectors: Vector[] = [];
  const left = { key: 0, nonce: 0, aad: 0 };
  for (const { tests, keySize, ivSize } of testGroups) {
    for (const test of tests) {
      if (keySize !== 256) left.key++;
      else if (ivSize !== 96) left.nonce++;
      else if (test.aad !== '') left.aad++;
      else {
        const [id, from] = [`aesgcm-wycheproof-${test.tcId}`, `Wycheproof ${file}, tcId ${test.tcId}`];
        const sealed = { key: test.key, nonce: test.iv, ciphertext: test.ct, tag: test.tag };
        const open = { source: from, op: 'aes-256-gcm-open', in: sealed };
        if (test.result !== 'valid') {
          vectors.push({ id, ...open, expect: { refused: 'tag' }, why: about(test) });
          continue;
        }
        const plain = { key: test.key, nonce: test.iv, plaintext: test.msg };
        const result = { ciphertext: test.ct, tag: test.tag };
        vectors.push({ id: `${id}-seal`, source: from, op: 'aes-256-gcm-seal', in: plain, expect: { result } });
        vectors.push({ id: `${id}-open`, ...open, expect: { result: { plaintext: test.msg } } });
      }
    }
  }
  const why = `; left out are ${left.key} with other keys, ${left.nonce} with other nonces and ${left.aad} with associated data, which the protocol does not use`;
  return { subject: 'aes-256-gcm', prefix: 'aesgcm-wycheproof', source: source(file, why), vectors };
}

const P = 2n ** 255n - 19n;

/** Every case by our rule for keys; those that it refuses once more by the function of RFC 7748, which has no such rule. */
export async function x25519Vectors(folder: string): Promise<Converted> {
  const file = 'x25519_test.json';
  type G = Group<{ public: string; private: string; shared: string }>;
  const { testGroups } = await raw<TestFile<G>>(folder, `wycheproof-${file}`);
  const vectors: Vector[] = [];
  for (const test of testGroups.flatMap(({ tests }) => tests)) {
    const [id, from] = [`x25519-wycheproof-${test.tcId}`, `Wycheproof ${file}, tcId ${test.tcId}`];
    const input = { privateKey: test.private, publicKey: test.public };
    const u = fromHex(test.public).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    const zero = /^0+$/.test(test.shared);
    if (u < P && !zero) {
      vectors.push({ id, source: from, op: 'x25519', in: input, expect: { result: { shared: test.shared } } });
      continue;
    }
    const why = `${u < P ? 'of low order' : 'not the canonical coordinate'}; published as ${test.result} (${about(test)})`;
    vectors.push({ id, source: from, op: 'x25519', in: input, expect: { refused: 'key' }, why });
    const plain = {
      id: `${id}-function`,
      source: from,
      op: 'x25519-function',
      in: { scalar: test.private, u: test.public },
    };
    if (zero) vectors.push({ ...plain, expect: { refused: 'key' }, why: 'the result is zero (RFC 9180, 7.1.4)' });
    else vectors.push({ ...plain, expect: { result: { u: test.shared } } });
  }
  return { subject: 'x25519', prefix: 'x25519-wycheproof', source: source(file), vectors };
}

export async function ed25519Vectors(folder: string): Promise<Converted> {
  const file = 'ed25519_test.json';
  type G = Group<{ msg: string; sig: string }> & { publicKey: { pk: string } };
  const { testGroups } = await raw<TestFile<G>>(folder, `wycheproof-${file}`);
  let differences = 0;
  const vectors = testGroups.flatMap(({ tests, publicKey }) =>
    tests.map((test): Vector => {
      const verdict = judge(fromHex(publicKey.pk), fromHex(test.msg), fromHex(test.sig));
      const differs = verdict.valid !== (test.result === 'valid');
      if (differs) differences++;
      const shared = {
        id: `ed25519-wycheproof-${test.tcId}`,
        source: `Wycheproof ${file}, tcId ${test.tcId}`,
        op: 'ed25519-verify',
        in: { publicKey: publicKey.pk, message: test.msg, signature: test.sig },
      };
      const published = differs ? `; published as ${test.result}` : '';
      if (verdict.valid)
        return { ...shared, expect: { result: { valid: true } }, ...(differs ? { why: about(test) + published } : {}) };
      return { ...shared, expect: { refused: verdict.layer }, why: `${verdict.why} (${about(test)})${published}` };
    }),
  );
  const how = `; layers by test/vectors/convert/edwards25519.ts; ${differences} verdicts differ from the published ones`;
  return { subject: 'ed25519', prefix: 'ed25519-wycheproof', source: source(file, how), vectors };
}
