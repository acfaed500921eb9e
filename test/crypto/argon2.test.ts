import { argon2id as nobleArgon2id } from '@noble/hashes/argon2.js';
import { describe, expect, it } from 'vitest';
import { fromHex, hex, utf8 } from '../../src/bytes.ts';
import { argon2idWasm, checkCost, DEFAULT_COST, passphraseBytes } from '../../src/crypto/argon2.ts';
import type { Argon2Cost } from '../../src/platform.ts';
import { codeOf, rejectionOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

const salt = seededRandom('salt')(16);
const cheap: Argon2Cost = { memoryKiB: 19_456, passes: 7, lanes: 1 };

describe('argon2idWasm', () => {
  it('is compared with an implementation that gives RFC 9106, 5.3', () => {
    const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
    const options = { t: 3, m: 32, p: 4, key: filled(8, 3), personalization: filled(12, 4), dkLen: 32, version: 0x13 };
    expect(hex(new Uint8Array(nobleArgon2id(filled(32, 1), filled(16, 2), options)))).toBe(
      '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659',
    );
  });

  it.each([
    ['correct horse', 16, cheap],
    ['пароль', 64, { memoryKiB: 65_536, passes: 2, lanes: 4 }],
    ['x', 32, { memoryKiB: 131_072, passes: 1, lanes: 3 }],
  ] as [string, number, Argon2Cost][])('gives the same for %j, salt of %d bytes, %j', async (text, length, cost) => {
    const [password, ofLength] = [passphraseBytes(text), seededRandom('salt')(length)];
    const expected = nobleArgon2id(password, ofLength, {
      t: cost.passes,
      m: cost.memoryKiB,
      p: cost.lanes,
      dkLen: 32,
      version: 0x13,
    });
    expect(hex(await argon2idWasm(password, ofLength, cost))).toBe(hex(new Uint8Array(expected)));
  });

  it('refuses by itself what checkCost refuses, and an empty password', async () => {
    const huge = { memoryKiB: 2 ** 32, passes: 1, lanes: 1 };
    expect(await rejectionOf(argon2idWasm(utf8('x'), salt, huge))).toBe('parameters-refused');
    expect(await rejectionOf(argon2idWasm(utf8('x'), salt.subarray(1), cheap))).toBe('parameters-refused');
    expect(await rejectionOf(argon2idWasm(utf8(''), salt, cheap))).toBe('TypeError');
  });
});

describe('checkCost', () => {
  const check = (cost: Partial<Argon2Cost>, saltLength = 16) =>
    codeOf(() => checkCost({ ...DEFAULT_COST, ...cost }, new Uint8Array(saltLength)));

  it.each<[string, Partial<Argon2Cost>, number, { least: number; most: number }]>([
    ['memory', { memoryKiB: 19_455 }, 16, { least: 19_456, most: 524_288 }],
    ['passes', { passes: 11 }, 16, { least: 1, most: 10 }],
    ['lanes', { lanes: 9 }, 16, { least: 1, most: 8 }],
    ['work', { passes: 1 }, 16, { least: 131_072, most: 2_097_152 }],
    ['salt', {}, 15, { least: 16, most: 64 }],
  ])('says which bound it was: %s', (what, cost, saltLength, range) => {
    expect(() => checkCost({ ...DEFAULT_COST, ...cost }, new Uint8Array(saltLength))).toThrow(
      expect.objectContaining({ code: 'parameters-refused', details: { what, ...range } }),
    );
  });

  it('accepts the default: 64 MiB, three passes, four lanes', () => {
    expect(DEFAULT_COST).toEqual({ memoryKiB: 65_536, passes: 3, lanes: 4 });
    expect(check({})).toBe('no error');
  });

  it('accepts the borders of the range', () => {
    expect(check({ memoryKiB: 19_456, passes: 7 })).toBe('no error');
    expect(check({ memoryKiB: 524_288, passes: 4 })).toBe('no error');
    expect(check({ memoryKiB: 131_072, passes: 1 })).toBe('no error');
    expect(check({ memoryKiB: 209_715, passes: 10 })).toBe('no error');
    expect(check({ lanes: 1 })).toBe('no error');
    expect(check({ lanes: 8 })).toBe('no error');
    expect(check({}, 64)).toBe('no error');
  });

  it.each([
    ['too little memory', { memoryKiB: 19_455, passes: 7 }],
    ['too much memory', { memoryKiB: 524_289, passes: 1 }],
    ['no pass', { passes: 0 }],
    ['eleven passes', { passes: 11 }],
    ['no lane', { lanes: 0 }],
    ['nine lanes', { lanes: 9 }],
    ['too little work', { memoryKiB: 131_071, passes: 1 }],
    ['too little work at the least memory', { memoryKiB: 19_456, passes: 6 }],
    ['too much work', { memoryKiB: 524_288, passes: 5 }],
    ['memory that is no integer', { memoryKiB: 65_536.5 }],
    ['passes that are no number', { passes: Number.NaN }],
    ['infinite memory', { memoryKiB: Infinity }],
  ] as [string, Partial<Argon2Cost>][])('refuses %s', (_, cost) => {
    expect(check(cost)).toBe('parameters-refused');
  });

  it('refuses salts below 16 and above 64 bytes', () => {
    for (const length of [0, 15, 65]) expect(check({}, length)).toBe('parameters-refused');
  });
});

describe('passphraseBytes', () => {
  it('is NFKC in UTF-8: one passphrase, however the keyboard composes it', () => {
    expect(hex(passphraseBytes('e\u0301'))).toBe('c3a9');
    expect(hex(passphraseBytes('\u00e9'))).toBe('c3a9');
    expect(passphraseBytes('ﬁ①')).toEqual(utf8('fi1'));
  });

  it('is not trimmed and keeps case', () => {
    expect(passphraseBytes(' A b ')).toEqual(utf8(' A b '));
  });

  it('has 1 to 1024 bytes', () => {
    expect(passphraseBytes('x').length).toBe(1);
    expect(passphraseBytes('x'.repeat(1024)).length).toBe(1024);
    expect(passphraseBytes('é'.repeat(512)).length).toBe(1024);
    for (const text of ['', 'x'.repeat(1025), 'é'.repeat(513), '\ufdfa'.repeat(40)]) {
      expect(codeOf(() => passphraseBytes(text))).toBe('passphrase-invalid');
    }
  });

  it('refuses a lone surrogate, which would be hashed as another text', () => {
    for (const text of ['\ud800', 'a\udfffb']) expect(codeOf(() => passphraseBytes(text))).toBe('passphrase-invalid');
  });

  it('refuses a character that is not assigned: a later Unicode may give other bytes for it', () => {
    for (const text of ['\u0378', 'a\u{e01f0}'])
      expect(() => passphraseBytes(text)).toThrow(expect.objectContaining({ code: 'passphrase-invalid' }));
    expect(hex(passphraseBytes('😀'))).toBe(hex(fromHex('f09f9880')));
  });
});
