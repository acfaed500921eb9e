import { describe, expect, it, vi } from 'vitest';
import { type Bytes, concat, copy, fromHex, hex, utf8 } from '../../src/bytes.ts';
import { hpkeOpen, hpkeSeal, isReceiveKey, receiveKey, receivePublicOf } from '../../src/crypto/hpke.ts';
import { codeOf, rejectionOf } from '../helpers/codes.ts';
import { openFirst, schedule, x25519 } from '../helpers/hpke.ts';
import { seededRandom } from '../helpers/random.ts';

/** RFC 9180, A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base. The RFC prints none with AES-256-GCM. */
const A_1_1 = {
  info: fromHex('4f6465206f6e2061204772656369616e2055726e'),
  ikmE: fromHex('7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234'),
  pkEm: fromHex('37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431'),
  skRm: fromHex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8'),
  pkRm: fromHex('3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d'),
  sharedSecret: 'fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc',
  key: '4531685d41d65f03dc48f6b8302c05b0',
  baseNonce: '56d890e5accaaf011cff4b7d',
  plaintext: fromHex('4265617574792069732074727574682c20747275746820626561757479'),
  aad: fromHex('436f756e742d30'),
  ciphertext: fromHex('f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a'),
};

/** The coordinates of low order below 2^255-19: 0, 1, p-1 and the two of order 8 (RFC 7748 and its errata, cr.yp.to/ecdh.html). */
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
];

const random = seededRandom('hpke');
const { privateKey, publicKey } = receiveKey(random);
const psk = random(32);
const pskId = utf8('id');
const info = utf8('info');

describe('the second implementation of the tests', () => {
  it('is RFC 9180: it gives A.1.1', () => {
    const input = {
      aead: 'aes-128-gcm',
      privateKey: A_1_1.skRm,
      publicKey: A_1_1.pkRm,
      enc: A_1_1.pkEm,
      info: A_1_1.info,
    } as const;
    const result = schedule(input);
    expect(result.sharedSecret.toString('hex')).toBe(A_1_1.sharedSecret);
    expect(result.key.toString('hex')).toBe(A_1_1.key);
    expect(result.nonce.toString('hex')).toBe(A_1_1.baseNonce);
    expect(openFirst(input, A_1_1.ciphertext, A_1_1.aad)).toEqual(Buffer.from(A_1_1.plaintext));
  });
});

describe('hpkeSeal', () => {
  it('derives the ephemeral key from our randomness as RFC 9180 does (A.1.1: ikmE gives pkEm)', async () => {
    const sealed = await hpkeSeal(A_1_1.pkRm, { info: A_1_1.info }, A_1_1.plaintext, () => copy(A_1_1.ikmE));
    expect(hex(sealed.subarray(0, 32))).toBe(hex(A_1_1.pkEm));
  });

  it('seals what the second implementation opens, in both modes', async () => {
    for (const mode of [{ info }, { info, psk, pskId }, { info: new Uint8Array(0) }]) {
      for (const length of [0, 1, 33, 5000]) {
        const plaintext = random(length);
        const sealed = await hpkeSeal(publicKey, mode, plaintext, random);
        expect(sealed.length).toBe(32 + length + 16);
        const input = { aead: 'aes-256-gcm', privateKey, publicKey, enc: sealed.subarray(0, 32), ...mode } as const;
        expect(openFirst(input, sealed.subarray(32)).toString('hex')).toBe(hex(plaintext));
      }
    }
  });

  it('gives the same bytes for the same randomness, and others for other', async () => {
    const seal = async (seed: number) => hex(await hpkeSeal(publicKey, { info }, utf8('text'), seededRandom(seed)));
    expect(await seal(1)).toBe(await seal(1));
    expect(await seal(1)).not.toBe(await seal(2));
  });

  it('fails closed on bad randomness and on keys that nobody can open', async () => {
    expect(await rejectionOf(hpkeSeal(publicKey, { info }, utf8(''), (n) => new Uint8Array(n)))).toBe('random-failed');
    for (const key of LOW_ORDER)
      expect(await rejectionOf(hpkeSeal(fromHex(key), { info }, utf8(''), random))).not.toBe('no error');
    for (const length of [0, 31, 33]) {
      expect(await rejectionOf(hpkeSeal(random(length), { info }, utf8(''), random))).not.toBe('no error');
    }
  });
});

describe('hpkeOpen', () => {
  it('opens what hpkeSeal sealed, in both modes', async () => {
    for (const mode of [{ info }, { info, psk, pskId }]) {
      const sealed = await hpkeSeal(publicKey, mode, utf8('text'), random);
      expect(hex(await hpkeOpen(privateKey, mode, sealed))).toBe(hex(utf8('text')));
    }
  });

  it('leaves the key and the message alone', async () => {
    const sealed = await hpkeSeal(publicKey, { info }, utf8('text'), random);
    const before = [hex(privateKey), hex(publicKey), hex(sealed)];
    await hpkeOpen(privateKey, { info }, sealed);
    expect([hex(privateKey), hex(publicKey), hex(sealed)]).toEqual(before);
  });

  it('refuses another key, info, PSK, PSK id or mode', async () => {
    const other = receiveKey(random).privateKey;
    const inBase = await hpkeSeal(publicKey, { info }, utf8('text'), random);
    const inPsk = await hpkeSeal(publicKey, { info, psk, pskId }, utf8('text'), random);
    const refused = [
      hpkeOpen(other, { info }, inBase),
      hpkeOpen(privateKey, { info: utf8('other') }, inBase),
      hpkeOpen(privateKey, { info, psk, pskId }, inBase),
      hpkeOpen(privateKey, { info }, inPsk),
      hpkeOpen(privateKey, { info, psk: random(32), pskId }, inPsk),
      hpkeOpen(privateKey, { info, psk, pskId: utf8('other') }, inPsk),
    ];
    expect(await Promise.all(refused.map(rejectionOf))).toEqual(refused.map(() => 'decryption-failed'));
  });

  it('refuses every changed byte and every other length', async () => {
    const sealed = await hpkeSeal(publicKey, { info }, utf8('text'), random);
    for (let at = 0; at < sealed.length; at++) {
      const changed = copy(sealed);
      changed[at] = (changed[at] as number) ^ 0x40;
      expect([at, await rejectionOf(hpkeOpen(privateKey, { info }, changed))]).toEqual([at, 'decryption-failed']);
    }
    for (const wrong of [
      new Uint8Array(0),
      sealed.subarray(0, 32),
      sealed.subarray(0, 47),
      sealed.subarray(1),
      concat(sealed, pskId),
    ]) {
      expect(await rejectionOf(hpkeOpen(privateKey, { info }, wrong))).toBe('decryption-failed');
    }
  });

  it('refuses an ephemeral key of low order, and one with the top bit set', async () => {
    const sealed = await hpkeSeal(publicKey, { info }, utf8('text'), random);
    for (const key of LOW_ORDER) {
      expect(await rejectionOf(hpkeOpen(privateKey, { info }, concat(fromHex(key), sealed.subarray(32))))).toBe(
        'decryption-failed',
      );
    }
    sealed[31] = (sealed[31] as number) ^ 0x80;
    expect(await rejectionOf(hpkeOpen(privateKey, { info }, sealed))).toBe('decryption-failed');
  });
});

describe('a PSK', () => {
  it('of another length than 32, or without its id, never becomes base mode', async () => {
    const sealed = await hpkeSeal(publicKey, { info }, utf8('text'), random);
    const modes = [
      { info, psk: new Uint8Array(0), pskId },
      { info, psk: random(31), pskId },
      { info, psk: random(33), pskId },
      { info, psk, pskId: new Uint8Array(0) },
      { info, psk },
      { info, pskId },
    ];
    for (const mode of modes) {
      expect(await rejectionOf(hpkeSeal(publicKey, mode, utf8('text'), random))).toBe('TypeError');
      expect(await rejectionOf(hpkeOpen(privateKey, mode, sealed))).toBe('TypeError');
    }
  });
});

describe('receive keys', () => {
  it('are X25519 (RFC 7748, 6.1)', () => {
    const pairs = [
      [
        '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
        '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
      ],
      [
        '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
        'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
      ],
    ] as const;
    for (const [key, expected] of pairs) expect(hex(receivePublicOf(fromHex(key)))).toBe(expected);
  });

  it('agree with the platform, whatever the bits that clamping sets', () => {
    const base = fromHex(`09${'00'.repeat(31)}`);
    for (let i = 0; i < 10; i++) {
      const key = receiveKey(random);
      expect(hex(key.publicKey)).toBe(x25519(key.privateKey, base).toString('hex'));
      expect(hex(receivePublicOf(key.privateKey))).toBe(hex(key.publicKey));
      const unclamped = copy(key.privateKey);
      unclamped[0] = (unclamped[0] as number) ^ 7;
      expect(hex(receivePublicOf(unclamped))).toBe(hex(key.publicKey));
    }
  });

  it('need 32 bytes and good randomness', async () => {
    expect(codeOf(() => receivePublicOf(new Uint8Array(31)))).toBe('TypeError');
    expect(await rejectionOf(hpkeOpen(new Uint8Array(33), { info }, new Uint8Array(100)))).toBe('TypeError');
    expect(codeOf(() => receiveKey((n) => new Uint8Array(n)))).toBe('random-failed');
  });
});

describe('isReceiveKey', () => {
  it('accepts keys made here and that of RFC 9180', async () => {
    for (let i = 0; i < 5; i++) expect(await isReceiveKey(receiveKey(seededRandom(i)).publicKey)).toBe(true);
    expect(await isReceiveKey(A_1_1.pkRm)).toBe(true);
  });

  it('refuses low order, each of them', async () => {
    for (const key of LOW_ORDER) expect([key, await isReceiveKey(fromHex(key))]).toEqual([key, false]);
  });

  it('refuses a second encoding of a good key: the top bit set, or 2^255-19 and above', async () => {
    const top = copy(publicKey);
    top[31] = (top[31] as number) | 0x80;
    expect(await isReceiveKey(top)).toBe(false);
    // p, p + 5, p + 9 (the base point) and p + 18, the largest
    for (const low of ['ed', 'f2', 'f6', 'ff'])
      expect(await isReceiveKey(fromHex(`${low}${'ff'.repeat(30)}7f`))).toBe(false);
    expect(await isReceiveKey(fromHex(`eb${'ff'.repeat(30)}7f`))).toBe(true); // p - 2 is canonical
  });

  it('refuses other lengths and other things', async () => {
    for (const length of [0, 31, 33]) expect(await isReceiveKey(random(length))).toBe(false);
    expect(await isReceiveKey(undefined as unknown as Bytes)).toBe(false);
    expect(await isReceiveKey(hex(publicKey) as unknown as Bytes)).toBe(false);
  });
});

describe('a platform without WebCrypto', () => {
  it('is named, and no key is called bad for it', async () => {
    const { publicKey } = receiveKey(seededRandom('no webcrypto'));
    vi.stubGlobal('crypto', {});
    try {
      expect(await rejectionOf(isReceiveKey(publicKey))).toBe('unsupported');
      expect(await rejectionOf(hpkeSeal(publicKey, { info: publicKey }, publicKey, seededRandom(1)))).toBe(
        'unsupported',
      );
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
