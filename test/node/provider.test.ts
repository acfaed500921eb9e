/** node:crypto gives the same bytes as the portable primitives, and as published known answers. */
import { describe, expect, it } from 'vitest';
import { type Bytes, fromHex, hex, utf8 } from '../../src/bytes.ts';
import { argon2idWasm } from '../../src/crypto/argon2.ts';
import { provider } from '../../src/crypto/provider.ts';
import { signingKey } from '../../src/crypto/sign.ts';
import { argon2idNode } from '../../src/node/argon2.ts';
import { nodeProvider } from '../../src/node/provider.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

const portable = provider();
const random = seededRandom('provider');

function flipped(bytes: Bytes, at: number): Bytes {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}

describe('known answers', () => {
  it('SHA-256 of "abc" (FIPS 180-2, B.1)', () => {
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(hex(nodeProvider.sha256(utf8('abc')))).toBe(expected);
  });

  it('HMAC-SHA-256 (RFC 4231, test case 2)', () => {
    const expected = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
    expect(hex(nodeProvider.hmacSha256(utf8('Jefe'), utf8('what do ya want for nothing?')))).toBe(expected);
  });

  it('AES-256-GCM (McGrew and Viega, test case 14)', async () => {
    const [key, nonce, data] = [new Uint8Array(32), new Uint8Array(12), new Uint8Array(16)];
    const expected = 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919';
    expect(hex(await nodeProvider.aesGcmSeal(key, nonce, data))).toBe(expected);
  });

  it('Ed25519 (RFC 8032, 7.1, test 2)', () => {
    const seed = fromHex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
    const publicKey = fromHex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
    const signature = fromHex(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
    const message = Uint8Array.of(0x72);
    expect(nodeProvider.ed25519Sign?.(seed, message)).toEqual(signature);
    expect(nodeProvider.ed25519Verify?.(publicKey, message, signature)).toBe(true);
    expect(nodeProvider.ed25519Verify?.(publicKey, Uint8Array.of(0x73), signature)).toBe(false);
    expect(nodeProvider.ed25519Verify?.(publicKey, message, flipped(signature, 40))).toBe(false);
  });

  it('Argon2id of 64 MiB, 3 passes, 4 lanes (Node 24.21 and OpenSSL)', async () => {
    const cost = { memoryKiB: 65_536, passes: 3, lanes: 4 };
    const expected = 'b8a64b68dea6b88ca8c8862be706aac37cbecda0db7bd68b48f8fa2e7feb6f3e';
    expect(hex(await argon2idNode(utf8('password'), utf8('0123456789abcdef'), cost))).toBe(expected);
  });
});

describe('the same as the portable primitives', () => {
  it.each([0, 1, 63, 64, 1000, 65_536, 200_000])('for %i bytes', async (length) => {
    const [key, nonce, data] = [random(32), random(12), random(length)];
    expect(nodeProvider.sha256(data)).toEqual(portable.sha256(data));
    const parts = [data.subarray(0, length >> 1), new Uint8Array(0), data.subarray(length >> 1)];
    for (const provider of [nodeProvider, portable]) expect(provider.sha256(...parts)).toEqual(portable.sha256(data));
    expect(nodeProvider.hmacSha256(key, data)).toEqual(portable.hmacSha256(key, data));
    const sealed = await nodeProvider.aesGcmSeal(key, nonce, data);
    expect(sealed).toEqual(await portable.aesGcmSeal(key, nonce, data));
    expect(await nodeProvider.aesGcmOpen(key, nonce, sealed)).toEqual(data);
  });

  it('for views into larger buffers', async () => {
    const buffer = random(300);
    const [key, nonce, data] = [buffer.subarray(5, 37), buffer.subarray(40, 52), buffer.subarray(60)];
    expect(nodeProvider.sha256(data)).toEqual(portable.sha256(data));
    expect(await nodeProvider.aesGcmSeal(key, nonce, data)).toEqual(await portable.aesGcmSeal(key, nonce, data));
    expect(nodeProvider.ed25519Sign?.(key, data)).toEqual(nodeProvider.ed25519Sign?.(key.slice(), data.slice()));
  });

  it('to seal into the buffer that the caller gives', async () => {
    const [key, nonce, data] = [random(32), random(12), random(100)];
    for (const provider of [nodeProvider, portable]) {
      const around = new Uint8Array(130);
      const place = around.subarray(7, 123);
      expect(await provider.aesGcmSeal(key, nonce, data, place)).toBe(place);
      expect(place).toEqual(await provider.aesGcmSeal(key, nonce, data));
      expect([...around.subarray(0, 7), ...around.subarray(123)]).toEqual(Array(14).fill(0));
    }
  });

  it('Argon2id, in its answers and in what it refuses', async () => {
    const salt = random(16);
    const cost = { memoryKiB: 65_536, passes: 2, lanes: 1 };
    const password = utf8('correct horse');
    expect(await argon2idNode(password, salt, cost)).toEqual(await argon2idWasm(password, salt, cost));
    expect(await rejectionOf(argon2idNode(password, salt, { ...cost, passes: 1 }))).toBe('parameters-refused');
    expect(await rejectionOf(argon2idNode(password, random(15), cost))).toBe('parameters-refused');
    expect(await rejectionOf(argon2idNode(utf8(''), salt, cost))).toBe('TypeError');
  });
});

describe('AES-GCM does not open', () => {
  const [key, nonce, data] = [random(32), random(12), random(100)];
  const attempt = async (...args: Parameters<typeof nodeProvider.aesGcmOpen>) => nodeProvider.aesGcmOpen(...args);

  it('what was changed anywhere, cut short or made longer', async () => {
    const sealed = await nodeProvider.aesGcmSeal(key, nonce, data);
    for (const at of [0, 99, 100, 115]) await expect(attempt(key, nonce, flipped(sealed, at))).rejects.toThrow();
    for (const end of [0, 15, 16, 115]) await expect(attempt(key, nonce, sealed.slice(0, end))).rejects.toThrow();
    await expect(attempt(key, nonce, Uint8Array.of(...sealed, 0))).rejects.toThrow();
  });

  it('under another key or nonce', async () => {
    const sealed = await nodeProvider.aesGcmSeal(key, nonce, data);
    await expect(attempt(flipped(key, 0), nonce, sealed)).rejects.toThrow();
    await expect(attempt(key, flipped(nonce, 0), sealed)).rejects.toThrow();
  });
});

it('a signing key is what its buffer holds now, not what it held at the last signature', () => {
  const message = utf8('message');
  const [first, second] = [random(32), random(32)];
  const buffer = first.slice();
  expect(nodeProvider.ed25519Sign?.(buffer, message)).toEqual(nodeProvider.ed25519Sign?.(first, message));
  buffer.set(second);
  expect(nodeProvider.ed25519Sign?.(buffer, message)).toEqual(nodeProvider.ed25519Sign?.(second, message));
});

it('more verifying keys than are kept as objects are all told apart', () => {
  const message = utf8('message');
  const signers = Array.from({ length: 100 }, () => signingKey(random));
  const signed = signers.map(({ seed }) => nodeProvider.ed25519Sign?.(seed, message) as Bytes);
  const verifies = (key: number, by: number) =>
    nodeProvider.ed25519Verify?.(signers[key]?.publicKey as Bytes, message, signed[by] as Bytes);
  for (let i = 0; i < 100; i++) expect([verifies(i, i), verifies(i, (i + 1) % 100)]).toEqual([true, false]);
  expect(verifies(0, 0)).toBe(true);
});
