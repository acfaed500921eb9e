import { describe, expect, it } from 'vitest';
import { type Bytes, hex } from '../../src/bytes.ts';
import { distinctRandomBytes, guardRandom, randomBytes } from '../../src/crypto/random.ts';
import type { Random } from '../../src/platform.ts';
import { codeOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

describe('randomBytes', () => {
  it('hands on what a good source gives', () => {
    expect(randomBytes(seededRandom(1), 33)).toEqual(seededRandom(1)(33));
  });

  const faults: [string, Random][] = [
    [
      'throws',
      () => {
        throw new Error('no entropy');
      },
    ],
    ['gives too little', (length) => new Uint8Array(length - 1)],
    ['gives nothing', () => new Uint8Array(0)],
    ['gives too much', (length) => seededRandom(1)(length + 1)],
    ['gives no bytes at all', () => undefined as never],
    ['gives zeros', (length) => new Uint8Array(length)],
    ['gives one byte over and over', (length) => new Uint8Array(length).fill(7)],
  ];
  it.each(faults)('fails closed when the source %s', (_, random) => {
    expect(codeOf(() => randomBytes(random, 16))).toBe('random-failed');
    expect(codeOf(() => guardRandom(random)(32))).toBe('random-failed');
  });

  it('keeps what the source said, and says that there is nothing to do but stop', () => {
    const said = new Error('no entropy');
    const asked = () =>
      randomBytes(() => {
        throw said;
      }, 16);
    expect(asked).toThrow(expect.objectContaining({ code: 'random-failed', cause: said, hint: expect.any(String) }));
  });

  it('lets short output of one byte pass: it is not telling', () => {
    expect(codeOf(() => randomBytes((length) => new Uint8Array(length), 15))).toBe('no error');
  });
});

describe('distinctRandomBytes', () => {
  const distinct = (random: Random, count = 3, others: readonly Bytes[] = []) =>
    distinctRandomBytes(random, 16, count, others);

  it('hands on what a good source gives, in arrays of its own', () => {
    const [expected, buffer] = [seededRandom(1), seededRandom(2)(16)];
    expect(distinct(seededRandom(1))).toEqual([expected(16), expected(16), expected(16)]);
    expect(distinct(() => buffer, 1)[0]).not.toBe(buffer);
  });

  it('refuses an output that equals any before it, or one of the others', () => {
    const [a, b, c] = [seededRandom('a')(16), seededRandom('b')(16), seededRandom('c')(16)];
    const turns = (...outputs: Bytes[]) => {
      const rest = outputs.slice();
      return () => rest.shift()!;
    };
    expect(codeOf(() => distinct(turns(a, b, c)))).toBe('no error');
    expect(codeOf(() => distinct(turns(a, b, a)))).toBe('random-failed');
    expect(codeOf(() => distinct(turns(a, a, b)))).toBe('random-failed');
    expect(codeOf(() => distinct(turns(a, b, c), 3, [seededRandom('d')(16), c]))).toBe('random-failed');
  });

  it('fails closed like randomBytes, and is not for outputs that may be equal by chance', () => {
    expect(codeOf(() => distinct((length) => new Uint8Array(length)))).toBe('random-failed');
    expect(codeOf(() => distinctRandomBytes(seededRandom(1), 15, 2, []))).toBe('RangeError');
  });
});

describe('guardRandom', () => {
  it('refuses 16 bytes or more equal to the output before', () => {
    const same = guardRandom((length) => seededRandom(1)(length));
    same(16);
    expect(codeOf(() => same(16))).toBe('random-failed');
  });

  it('refuses a source that writes into one buffer again and again', () => {
    const buffer = seededRandom(1)(32);
    const same = guardRandom(() => buffer);
    same(32);
    expect(codeOf(() => same(32))).toBe('random-failed');
  });

  it('looks past short outputs in between', () => {
    const same = guardRandom((length) => seededRandom(1)(length));
    same(32);
    same(8);
    same(8);
    expect(codeOf(() => same(32))).toBe('random-failed');
  });

  it('lets a good source pass', () => {
    const good = guardRandom(seededRandom(1));
    expect(new Set(Array.from({ length: 50 }, () => hex(good(32)))).size).toBe(50);
  });
});

describe('seededRandom, the source of the tests', () => {
  it('gives the same stream for a seed, however it is cut, and another for another seed', () => {
    const [whole, cut] = [seededRandom('a')(100), seededRandom('a')];
    expect(hex(whole)).toBe(hex(cut(1)) + hex(cut(63)) + hex(cut(36)));
    expect(hex(seededRandom('b')(100))).not.toBe(hex(whole));
  });
});
