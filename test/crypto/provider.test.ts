import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Bytes, concat, fromHex, hex } from '../../src/bytes.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { provider, useProvider } from '../../src/crypto/provider.ts';
import { nodeProvider } from '../../src/node/provider.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

/** Wycheproof (C2SP, dac1dd4, Apache-2.0), aes_gcm_test.json, tcId 93 to 96, 128 and 129: AES-256, no AAD. */
const GCM: [key: string, nonce: string, data: string, sealed: string][] = [
  [
    '80ba3192c803ce965ea371d5ff073cf0f43b6a2ab576b208426e11409c09b9b0',
    '4da5bf8dfd5852c1ea12379d',
    '',
    '4771a7c404a472966cea8f73c8bfe17a',
  ],
  [
    'cc56b680552eb75008f5484b4cb803fa5063ebd6eab91f6ab6aef4916a766273',
    '99e23ec48985bccdeeab60f1',
    '2a',
    '06633c1e9703ef744ffffb40edf9d14355',
  ],
  [
    '51e4bf2bad92b7aff1a4bc05550ba81df4b96fabf41c12c7b00e60e48db7e152',
    '4f07afedfdc3b6c2361823d3',
    'be3308f72a2c6aed',
    'cf332a12fdee800b602e8d7c4799d62c140c9bb834876b09',
  ],
  [
    '67119627bd988eda906219e08c0d0d779a07d208ce8a4fe0709af755eeec6dcb',
    '68ab7fdbf61901dad461d23c',
    '51f8c1f731ea14acdb210a6d973e07',
    '43fc101bff4b32bfadd3daf57a590eec04aacb7148a8b8be44cb7eaf4efa69',
  ],
  [
    '00112233445566778899aabbccddeeff102132435465768798a9bacbdcedfe0f',
    '000000000000000000000000',
    '561008fa07a68f5c61285cd013464eaf',
    '23293e9b07ca7d1b0cae7cc489a973b3ffffffffffffffffffffffffffffffff',
  ],
  [
    '00112233445566778899aabbccddeeff102132435465768798a9bacbdcedfe0f',
    'ffffffffffffffffffffffff',
    'c6152244cea1978d3e0bc274cf8c0b3b',
    '7cb6fc7c6abc009efe9551a99f36a42100000000000000000000000000000000',
  ],
];

afterEach(() => {
  vi.unstubAllGlobals();
});

describe.each(['with WebCrypto', 'without WebCrypto'])('the default provider %s', (where) => {
  function platform(): void {
    if (where === 'without WebCrypto') vi.stubGlobal('crypto', undefined);
  }

  it('seals and opens as Wycheproof has it', async () => {
    platform();
    for (const [key, nonce, data, sealed] of GCM) {
      expect(hex(await provider().aesGcmSeal(fromHex(key), fromHex(nonce), fromHex(data)))).toBe(sealed);
      expect(hex(await provider().aesGcmOpen(fromHex(key), fromHex(nonce), fromHex(sealed)))).toBe(data);
    }
  });

  it('rejects every changed bit', async () => {
    platform();
    const [key, nonce, , sealed] = (GCM[1] as (typeof GCM)[number]).map(fromHex);
    for (let bit = 0; bit < 8 * (sealed?.length as number); bit++) {
      const changed = concat(sealed as Uint8Array);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(await rejectionOf(Promise.resolve(provider().aesGcmOpen(key as never, nonce as never, changed)))).not.toBe(
        'no error',
      );
    }
  });
});

describe.each(['with WebCrypto', 'without WebCrypto', 'of Node'])('AES-256-GCM %s', (where) => {
  it('takes keys of 32 bytes and nonces of 12 only: platforms differ about the others', async () => {
    if (where === 'without WebCrypto') vi.stubGlobal('crypto', undefined);
    const under = where === 'of Node' ? nodeProvider : provider();
    const bytes = (length: number) => seededRandom(length)(length);
    const run = async (use: 'aesGcmSeal' | 'aesGcmOpen', key: number, nonce: number) =>
      under[use](bytes(key), bytes(nonce), bytes(48));
    expect(await rejectionOf(run('aesGcmSeal', 32, 12))).toBe('no error');
    for (const use of ['aesGcmSeal', 'aesGcmOpen'] as const) {
      for (const length of [0, 16, 24, 31, 33]) expect(await rejectionOf(run(use, length, 12))).toBe('TypeError');
      for (const length of [0, 1, 8, 11, 13, 16]) expect(await rejectionOf(run(use, 32, length))).toBe('TypeError');
    }
  });
});

describe('the default provider', () => {
  it('uses WebCrypto where it is there, with keys that cannot be taken out', async () => {
    const importKey = vi.spyOn(crypto.subtle, 'importKey');
    const [key, nonce, data, sealed] = (GCM[1] as (typeof GCM)[number]).map(fromHex) as [Bytes, Bytes, Bytes, Bytes];
    await provider().aesGcmSeal(key, nonce, data);
    await provider().aesGcmOpen(key, nonce, sealed);
    expect(importKey.mock.calls).toEqual([
      ['raw', key, 'AES-GCM', false, ['encrypt']],
      ['raw', key, 'AES-GCM', false, ['decrypt']],
    ]);
    importKey.mockRestore();
  });
});

describe('useProvider', () => {
  it('sends the primitives to the provider that a shell chose', () => {
    const before = provider();
    const chosen = seededRandom(1)(32);
    useProvider({ ...before, sha256: () => chosen });
    try {
      expect(sha256(fromHex('00'))).toBe(chosen);
    } finally {
      useProvider(before);
    }
  });
});
