import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  base32,
  base64url,
  bytesUint,
  compare,
  concat,
  copy,
  equal,
  fromBase32,
  fromBase64url,
  fromHex,
  fromUtf8,
  hex,
  uintBytes,
  utf8,
  wipe,
} from '../src/bytes.ts';
import { codeOf } from './helpers/codes.ts';

const anyBytes = fc.uint8Array({ maxLength: 80 }).map((array) => new Uint8Array(array));

describe('base32hex and base64url', () => {
  /** RFC 4648, section 10, in lower case and without padding. */
  const vectors: [string, string, string][] = [
    ['', '', ''],
    ['f', 'co', 'Zg'],
    ['fo', 'cpng', 'Zm8'],
    ['foo', 'cpnmu', 'Zm9v'],
    ['foob', 'cpnmuog', 'Zm9vYg'],
    ['fooba', 'cpnmuoj1', 'Zm9vYmE'],
    ['foobar', 'cpnmuoj1e8', 'Zm9vYmFy'],
  ];
  it.each(vectors)('agree with RFC 4648 on %j', (text, b32, b64) => {
    expect(base32(utf8(text))).toBe(b32);
    expect(base64url(utf8(text))).toBe(b64);
    expect(fromBase32(b32)).toEqual(utf8(text));
    expect(fromBase64url(b64)).toEqual(utf8(text));
  });

  it('use - and _ in base64url', () => {
    expect(base64url(fromHex('fbff'))).toBe('-_8');
  });

  it('give back every byte string', () => {
    fc.assert(
      fc.property(anyBytes, (value) => {
        expect(fromBase32(base32(value))).toEqual(value);
        expect(fromBase64url(base64url(value))).toEqual(value);
        expect(fromHex(hex(value))).toEqual(value);
      }),
      { seed: 1 },
    );
  });

  it('base32hex sorts like its bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 10, maxLength: 10 }),
        fc.uint8Array({ minLength: 10, maxLength: 10 }),
        (a, b) => {
          const [x, y] = [new Uint8Array(a), new Uint8Array(b)];
          expect(Math.sign(compare(x, y))).toBe(base32(x) < base32(y) ? -1 : base32(x) > base32(y) ? 1 : 0);
        },
      ),
      { seed: 1 },
    );
  });

  it('refuse text that they would not have written', () => {
    for (const text of ['CO', 'c', 'cp', 'co=', 'cw', 'c o', 'cpn', 'cpnmuo', 'é0']) {
      expect([text, codeOf(() => fromBase32(text))]).toEqual([text, 'malformed']);
    }
    for (const text of ['Z', 'Zh', 'Zg==', 'Zm9', '+/8', 'Zg\n', '💥']) {
      expect([text, codeOf(() => fromBase64url(text))]).toEqual([text, 'malformed']);
    }
    for (const text of ['0', 'AB', '0g', ' 00', '00\n']) {
      expect([text, codeOf(() => fromHex(text))]).toEqual([text, 'malformed']);
    }
  });
});

describe('integers', () => {
  it('are big-endian', () => {
    expect(hex(uintBytes(258, 4))).toBe('00000102');
    expect(bytesUint(fromHex('00000102'))).toBe(258);
    expect(bytesUint(fromHex(''))).toBe(0);
  });

  it('reach 2^53-1', () => {
    expect(hex(uintBytes(Number.MAX_SAFE_INTEGER, 8))).toBe('001fffffffffffff');
    expect(bytesUint(fromHex('001fffffffffffff'))).toBe(Number.MAX_SAFE_INTEGER);
    expect(codeOf(() => bytesUint(fromHex('0020000000000000')))).toBe('malformed');
    expect(codeOf(() => bytesUint(new Uint8Array(200).fill(255)))).toBe('malformed');
  });

  it('are refused when they do not fit or are none', () => {
    expect(codeOf(() => uintBytes(256, 1))).toBe('RangeError');
    expect(codeOf(() => uintBytes(-1, 4))).toBe('RangeError');
    expect(codeOf(() => uintBytes(0.5, 4))).toBe('RangeError');
    expect(codeOf(() => uintBytes(2 ** 53, 8))).toBe('RangeError');
  });
});

describe('text', () => {
  it('is UTF-8 and keeps U+FEFF', () => {
    expect(hex(utf8('\ufeffé'))).toBe('efbbbfc3a9');
    expect(fromUtf8(fromHex('efbbbfc3a9'))).toBe('\ufeffé');
  });

  it('that is not UTF-8 is malformed', () => {
    for (const text of ['ff', 'c080', 'eda080', 'c3']) expect(codeOf(() => fromUtf8(fromHex(text)))).toBe('malformed');
  });
});

describe('byte strings', () => {
  it('are joined into an array of their own', () => {
    const joined = concat(fromHex('01'), fromHex(''), fromHex('0203'));
    expect(hex(joined)).toBe('010203');
    expect(joined.buffer.byteLength).toBe(3);
    expect(concat()).toEqual(new Uint8Array(0));
  });

  it('are copied out of Buffers and views', () => {
    const buffer = Buffer.from('010203', 'hex');
    const view = copy(buffer.subarray(1));
    buffer.fill(0);
    expect(hex(view)).toBe('0203');
    expect(Object.getPrototypeOf(view)).toBe(Uint8Array.prototype);
    expect(view.buffer.byteLength).toBe(2);
  });

  it('are equal when length and content are', () => {
    expect(equal(fromHex('0102'), fromHex('0102'))).toBe(true);
    expect(equal(fromHex('0102'), fromHex('0103'))).toBe(false);
    expect(equal(fromHex('0102'), fromHex('010200'))).toBe(false);
    expect(equal(fromHex(''), fromHex(''))).toBe(true);
  });

  it('are ordered byte by byte, a prefix first', () => {
    const sorted = ['', '00', '0000', '01', '0100', '7f', '80', 'ff'];
    for (const [i, a] of sorted.entries()) {
      for (const [j, b] of sorted.entries()) expect(Math.sign(compare(fromHex(a), fromHex(b)))).toBe(Math.sign(i - j));
    }
  });

  it('are overwritten by wipe', () => {
    const secret = fromHex('0102');
    wipe(secret, undefined);
    expect(hex(secret)).toBe('0000');
  });
});
