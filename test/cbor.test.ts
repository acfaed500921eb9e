import { encode as cborg, Tokenizer } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Bytes, concat, fromHex, hex, utf8 } from '../src/bytes.ts';
import { decode, encode, encodePieces, type Value } from '../src/cbor.ts';
import { codeOf } from './helpers/codes.ts';

/** RFC 8949, appendix A: the rows whose types are used here. */
const APPENDIX_A: [string, Value][] = [
  ['00', 0],
  ['01', 1],
  ['0a', 10],
  ['17', 23],
  ['1818', 24],
  ['1819', 25],
  ['1864', 100],
  ['1903e8', 1000],
  ['1a000f4240', 1_000_000],
  ['1b000000e8d4a51000', 1_000_000_000_000],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['40', fromHex('')],
  ['4401020304', fromHex('01020304')],
  ['60', ''],
  ['6161', 'a'],
  ['6449455446', 'IETF'],
  ['62225c', '"\\'],
  ['62c3bc', '\u00fc'],
  ['63e6b0b4', '\u6c34'],
  ['64f0908591', '\ud800\udd51'],
  ['80', []],
  ['83010203', [1, 2, 3]],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  ['98190102030405060708090a0b0c0d0e0f101112131415161718181819', Array.from({ length: 25 }, (_, i) => i + 1)],
];

describe('encode and decode', () => {
  it.each(APPENDIX_A)('agree with RFC 8949, appendix A: %s', (bytes, value) => {
    expect(hex(encode(value))).toBe(bytes);
    expect(decode(fromHex(bytes))).toEqual(value);
  });

  it('hold integers up to 2^53-1 in the shortest form', () => {
    const cases: [number, string][] = [
      [255, '18ff'],
      [256, '190100'],
      [65_535, '19ffff'],
      [65_536, '1a00010000'],
      [2 ** 32 - 1, '1affffffff'],
      [2 ** 32, '1b0000000100000000'],
      [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
    ];
    for (const [value, bytes] of cases) {
      expect(hex(encode(value))).toBe(bytes);
      expect(decode(fromHex(bytes))).toBe(value);
    }
  });

  it('give back every value', () => {
    fc.assert(
      fc.property(values(), (value) => {
        expect(decode(encode(value))).toEqual(value);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });

  it('write what cborg writes', () => {
    fc.assert(
      fc.property(values(), (value) => {
        expect(hex(encode(value))).toBe(hex(cborg(value)));
      }),
      { seed: 2, numRuns: 2000 },
    );
  });

  it('write an array in pieces that are the same bytes, and large byte strings of it as they are', () => {
    fc.assert(
      fc.property(fc.array(values()), (items) => {
        expect(hex(concat(...encodePieces(items)))).toBe(hex(encode(items)));
      }),
      { seed: 3, numRuns: 500 },
    );
    const [small, large] = [new Uint8Array(16_383), new Uint8Array(16_384)];
    const items = ['key', 1, large, null, [small], small];
    const pieces = encodePieces(items);
    expect(hex(concat(...pieces))).toBe(hex(encode(items)));
    expect(pieces.filter((piece) => piece === large)).toHaveLength(1);
    expect(encodePieces(['key', small])).toHaveLength(1);
  });

  it('keep a text that begins with U+FEFF, which a decoder may take for a byte order mark', () => {
    for (const text of ['\ufeff', '\ufeffkey', `\ufeff${'long '.repeat(20)}`])
      expect(decode(encode([text]))).toEqual([text]);
  });

  it('return byte strings that share no memory with the input or with other results', () => {
    const encoded = encode([fromHex('0102')]);
    expect(encoded.buffer.byteLength).toBe(encoded.length);
    const [first] = decode(encoded) as [Bytes];
    encoded.fill(0);
    expect(hex(first)).toBe('0102');
    expect(first.buffer.byteLength).toBe(2);
    expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype);
  });

  it('take a Buffer and still return plain copies', () => {
    const [first] = decode(Buffer.from('81420102', 'hex')) as [Bytes];
    expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype);
    expect(first.buffer.byteLength).toBe(2);
  });
});

describe('decode refuses as malformed', () => {
  const cases: [bytes: string, what: string, why: string][] = [
    ['', 'nothing', 'too short'],
    ['1817', 'an integer that is not in the shortest form, 8 bits', 'not decodable'],
    ['1900ff', 'an integer that is not in the shortest form, 16 bits', 'not decodable'],
    ['1a0000ffff', 'an integer that is not in the shortest form, 32 bits', 'not decodable'],
    ['1b00000000ffffffff', 'an integer that is not in the shortest form, 64 bits', 'not decodable'],
    ['5800', 'a byte string whose length is not in the shortest form', 'not decodable'],
    ['780161', 'a text whose length is not in the shortest form', 'not decodable'],
    ['9800', 'an array whose length is not in the shortest form', 'not decodable'],
    ['1b0020000000000000', '2^53', 'an integer above 2^53-1'],
    ['1bffffffffffffffff', '2^64-1', 'an integer above 2^53-1'],
    ['1c', 'reserved additional information', 'an indefinite length'],
    ['20', 'a negative integer', 'a type that is not used'],
    ['a0', 'a map', 'a type that is not used'],
    ['a10102', 'a map with an entry', 'a type that is not used'],
    ['c000', 'a tag', 'a type that is not used'],
    ['f7', 'undefined', 'a type that is not used'],
    ['e0', 'a simple value', 'a type that is not used'],
    ['f820', 'a simple value of two bytes', 'a type that is not used'],
    ['f93c00', 'a half float', 'a type that is not used'],
    ['fa3f800000', 'a float', 'a type that is not used'],
    ['fb3ff0000000000000', 'a double', 'a type that is not used'],
    ['5fff', 'an indefinite byte string', 'an indefinite length'],
    ['7fff', 'an indefinite text', 'an indefinite length'],
    ['9fff', 'an indefinite array', 'an indefinite length'],
    ['ff', 'a break', 'a type that is not used'],
    ['81ff', 'a break in an array', 'a type that is not used'],
    ['61ff', 'text that is not UTF-8', 'not decodable'],
    ['62c080', 'an overlong form in UTF-8', 'not decodable'],
    ['63eda080', 'a surrogate in UTF-8', 'not decodable'],
    ['0000', 'a second item after the first', 'bytes after the end'],
    ['81', 'an array without its item', 'too short'],
    ['8201', 'an array that is one item short', 'too short'],
    ['4401', 'a byte string that is cut', 'too short'],
    ['6261', 'a text that is cut', 'too short'],
    ['18', 'an integer that is cut', 'too short'],
    ['1b0000', 'a long integer that is cut', 'too short'],
    ['9affffffff', 'an array of 2^32-1 items in five bytes', 'too short'],
    ['5b001fffffffffffff', 'a byte string of 2^53-1 bytes in nine bytes', 'too short'],
  ];
  it.each(cases)('%s: %s', (bytes, _, why) => {
    expect(() => decode(fromHex(bytes))).toThrow(
      expect.objectContaining({ code: 'malformed', message: `CBOR: ${why}` }),
    );
  });

  it.each(cases.filter(([, what]) => !/shortest form|UTF-8/.test(what)))('%s: before a decoder sees it', (bytes) => {
    const decoder = vi.spyOn(Tokenizer.prototype, 'next');
    expect(codeOf(() => decode(fromHex(bytes)))).toBe('malformed');
    expect(decoder).not.toHaveBeenCalled();
    expect(decode(fromHex('8101'))).toEqual([1]);
    expect(decoder).toHaveBeenCalled();
    decoder.mockRestore();
  });

  it('arrays nested deeper than 16, however deep', () => {
    const nested = (depth: number) => concat(new Uint8Array(depth - 1).fill(0x81), fromHex('80'));
    expect(codeOf(() => decode(nested(16)))).toBe('no error');
    for (const depth of [17, 10_000, 1_000_000]) {
      expect(() => decode(nested(depth))).toThrow('CBOR: nested too deep');
    }
  });

  it('more than 100,000 items', () => {
    const array = (items: number) => concat(fromHex('9a'), uint32(items), new Uint8Array(items));
    expect(codeOf(() => decode(array(99_999)))).toBe('no error');
    expect(codeOf(() => decode(array(100_000)))).toBe('malformed');
  });

  it('more than 1 MiB, or the limit given', () => {
    const mebibyte = concat(fromHex('5a'), uint32(2 ** 20), new Uint8Array(2 ** 20));
    expect(codeOf(() => decode(mebibyte))).toBe('malformed');
    expect(codeOf(() => decode(mebibyte, { maxBytes: 2 ** 20 + 5 }))).toBe('no error');
    expect(codeOf(() => decode(fromHex('4101'), { maxBytes: 1 }))).toBe('malformed');
  });

  it('whatever is not the one encoding of a value, and throws nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), damaged()), (input) => {
        const bytes = new Uint8Array(input);
        let value: Value;
        try {
          value = decode(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'malformed' });
          return;
        }
        expect(hex(encode(value))).toBe(hex(bytes));
      }),
      { seed: 2, numRuns: 20_000 },
    );
  });
});

describe('encode refuses what the format cannot hold', () => {
  it('numbers other than 0 .. 2^53-1', () => {
    for (const value of [-1, -0, 0.5, Number.NaN, Infinity, 2 ** 53])
      expect(codeOf(() => encode(value))).toBe('RangeError');
  });

  it('other types, also inside arrays', () => {
    for (const value of [undefined, 1n, {}, new Map(), () => 0, new Float32Array(1)]) {
      expect(codeOf(() => encode(value as Value))).toBe('TypeError');
      expect(codeOf(() => encode([value as Value]))).toBe('TypeError');
    }
  });

  it('text with a lone surrogate, which would be written as another text', () => {
    for (const text of ['\ud800', 'a\udc00', '\ud800\ud800', '\udc00\ud800', '\ud83d']) {
      expect(codeOf(() => encode(text))).toBe('TypeError');
    }
  });

  it('what decode would refuse: depth 17, 100,001 items, a circle', () => {
    let nested: Value = [];
    for (let depth = 1; depth < 16; depth++) nested = [nested];
    expect(codeOf(() => encode(nested))).toBe('no error');
    expect(codeOf(() => encode([nested]))).toBe('RangeError');
    expect(codeOf(() => encode(new Array(100_000).fill(0)))).toBe('RangeError');
    const circle: Value[] = [];
    circle.push(circle);
    expect(codeOf(() => encode(circle))).toBe('RangeError');
  });
});

function uint32(value: number): Bytes {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

function values(): fc.Arbitrary<Value> {
  const { value } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.maxSafeNat(),
      fc.nat(300),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)),
      fc.array(tie('value'), { maxLength: 30 }),
    ),
  }));
  return value;
}

/** Encodings with one byte changed: closer to the border between good and bad than random bytes. */
function damaged(): fc.Arbitrary<Uint8Array> {
  return fc.tuple(values(), fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
    const bytes = encode([value, utf8('tail')]);
    bytes[at % bytes.length] = byte;
    return bytes;
  });
}
