import { describe, expect, it } from 'vitest';
import { type Bytes, fromHex, hex, utf8 } from '../../src/bytes.ts';
import { hkdf, hkdfExpand, hkdfExtract, hmac, sha256 } from '../../src/crypto/hash.ts';
import { codeOf } from '../helpers/codes.ts';

describe('sha256', () => {
  it('agrees with FIPS 180-4 on "", "abc" and two blocks', () => {
    expect(hex(sha256(utf8('')))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(hex(sha256(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(hex(sha256(utf8('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')))).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
  });

  it('takes parts as one text', () => {
    expect(sha256(utf8('a'), utf8(''), utf8('bc'))).toEqual(sha256(utf8('abc')));
    expect(sha256()).toEqual(sha256(utf8('')));
  });
});

describe('hmac', () => {
  it('agrees with RFC 4231, cases 1, 2 and 6 (a key longer than a block)', () => {
    expect(hex(hmac(filled(20, 0x0b), utf8('Hi There')))).toBe(
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    );
    expect(hex(hmac(utf8('Jefe'), utf8('what do ya want '), utf8('for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
    expect(hex(hmac(filled(131, 0xaa), utf8('Test Using Larger Than Block-Size Key - Hash Key First')))).toBe(
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    );
  });
});

describe('hkdf', () => {
  it('agrees with RFC 5869, A.1', () => {
    const [ikm, salt, info] = [
      filled(22, 0x0b),
      fromHex('000102030405060708090a0b0c'),
      fromHex('f0f1f2f3f4f5f6f7f8f9'),
    ];
    const prk = hkdfExtract(salt, ikm);
    const okm = '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865';
    expect(hex(prk)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5');
    expect(hex(hkdfExpand(prk, info, 42))).toBe(okm);
    expect(hex(hkdf(ikm, info, 42, salt))).toBe(okm);
  });

  it('agrees with RFC 5869, A.2 (more than two blocks)', () => {
    const [ikm, salt, info] = [counting(0x00, 80), counting(0x60, 80), counting(0xb0, 80)];
    expect(hex(hkdf(ikm, info, 82, salt))).toBe(
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    );
  });

  it('agrees with RFC 5869, A.3 (no salt, no info)', () => {
    expect(hex(hkdf(filled(22, 0x0b), utf8(''), 42))).toBe(
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    );
  });

  it('gives 1 to 255 blocks, the shorter a prefix of the longer', () => {
    const long = hkdf(filled(32, 1), utf8('info'), 8160);
    for (const length of [1, 31, 32, 33, 64, 8159])
      expect(hkdf(filled(32, 1), utf8('info'), length)).toEqual(long.subarray(0, length));
    for (const length of [0, 8161, 1.5, -1])
      expect(codeOf(() => hkdf(filled(32, 1), utf8(''), length))).toBe('RangeError');
  });
});

function filled(length: number, byte: number): Bytes {
  return new Uint8Array(length).fill(byte);
}

function counting(from: number, length: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => from + i);
}
