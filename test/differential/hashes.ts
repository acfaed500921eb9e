/** SHA-256, HMAC (RFC 2104) and HKDF (RFC 5869) of src/crypto/hash.ts over each provider, against noble, WebCrypto and Node. */
import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../../src/bytes.ts';
import { hkdf, hmac, sha256 } from '../../src/crypto/hash.ts';
import { seededRandom, upTo } from '../helpers/random.ts';
import { type Findings, REFUSED, type Run } from './findings.ts';
import { type Platform, portable, question } from './platform.ts';
import type { WebCrypto } from './webcrypto.ts';

/** Around the block of 64 bytes and its length field, and a few large ones. */
const LENGTHS = [0, 1, 31, 32, 33, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 1000, 65_537, 2 ** 22 + 1];

export async function askHashes(findings: Findings, platform: Platform, web: WebCrypto): Promise<void> {
  const random = seededRandom('differential hashes');
  for (const length of LENGTHS) {
    await findings.ask(`sha256 of ${length}`, sha256Providers(platform, web, random(length)));
  }
  for (const keyLength of LENGTHS.filter((length) => length <= 1000)) {
    const [key, data] = [random(keyLength), random(upTo(random, 300))];
    await findings.ask(`hmac under a key of ${keyLength}`, hmacProviders(platform, web, key, data));
  }
  const ask = (id: string, input: HkdfInput, expected?: string) =>
    findings.ask(`hkdf ${id}`, hkdfProviders(platform, web, input), expected);
  for (let i = 0; i < 60; i++) {
    const [ikm, salt, info] = [random(upTo(random, 200)), random(upTo(random, 200)), random(upTo(random, 300))];
    await ask(`${i}`, { ikm, salt, info, length: 1 + upTo(random, 300) });
  }
  const empty = new Uint8Array(0);
  const input = { ikm: random(32), salt: empty, info: random(40) };
  for (const length of [1, 31, 32, 33, 64, 8159, 8160]) await ask(`to ${length}`, { ...input, length });
  await ask('of nothing', { ikm: empty, salt: empty, info: empty, length: 32 });
  for (const length of [0, -1, 1.5, 8161, 2 ** 20, 2 ** 53, Number.NaN]) {
    await ask(`to ${length}`, { ...input, length }, REFUSED);
  }
}

type Providers = Record<string, Run | undefined>;

export function sha256Providers(platform: Platform, web: WebCrypto, data: Bytes): Providers {
  return {
    portable: question(portable, () => sha256(data)),
    shell: question(platform.provider, () => sha256(data)),
    WebCrypto: () => web.sha256(data),
  };
}

export function hmacProviders(platform: Platform, web: WebCrypto, key: Bytes, data: Bytes): Providers {
  return {
    portable: question(portable, () => hmac(key, data)),
    shell: question(platform.provider, () => hmac(key, data)),
    // RFC 2104 has an empty key, and so have we; WebCrypto has none.
    WebCrypto: key.length === 0 ? undefined : () => web.hmac(key, data),
  };
}

export interface HkdfInput {
  readonly ikm: Bytes;
  readonly salt: Bytes;
  readonly info: Bytes;
  readonly length: number;
}

/** What we refuse others may round, or give nothing for: only ours are asked for those lengths. */
export function hkdfProviders(platform: Platform, web: WebCrypto, input: HkdfInput): Providers {
  const { ikm, salt, info, length } = input;
  const own = {
    portable: question(portable, () => hkdf(ikm, info, length, salt)),
    shell: question(platform.provider, () => hkdf(ikm, info, length, salt)),
  };
  if (!Number.isSafeInteger(length) || length < 1) return own;
  return {
    ...own,
    noble: () => nobleHkdf(nobleSha256, ikm, salt, info, length),
    WebCrypto: () => web.hkdf(ikm, salt, info, length),
    Node: platform.hkdf && (() => platform.hkdf!(ikm, salt, info, length)),
  };
}
