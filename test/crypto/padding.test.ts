import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, hex } from '../../src/bytes.ts';
import { pad, paddedChunks, padme, unpad } from '../../src/crypto/padding.ts';
import { codeOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

describe('padme', () => {
  /** By hand from the definition: E = floor(log2 L), S = floor(log2 E) + 1, up to a multiple of 2^(E-S). */
  const table: [length: number, padded: number][] = [
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 3],
    [7, 7],
    [8, 8],
    [9, 10],
    [15, 16],
    [16, 16],
    [17, 18],
    [100, 104],
    [1000, 1024],
    [1024, 1024],
    [1025, 1088],
    [1500, 1536],
    [10_000, 10_240],
    [65_536, 65_536],
    [65_537, 67_584],
    [1_000_000, 1_015_808],
    [2 ** 32, 2 ** 32],
    [2 ** 32 + 1, 2 ** 32 + 2 ** 26],
    [2 ** 48 - 1, 2 ** 48],
  ];
  it.each(table)('of %d is %d', (length, padded) => {
    expect(padme(length)).toBe(padded);
  });

  it('never shrinks, costs at most 12 %, keeps the order and changes nothing twice', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), fc.nat(5000), (length, step) => {
        const padded = padme(length);
        expect(padded).toBeGreaterThanOrEqual(length);
        expect(padded).toBeLessThanOrEqual(Math.ceil(length * 1.12));
        expect(padme(length + step)).toBeGreaterThanOrEqual(padded);
        expect(padme(padded)).toBe(padded);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});

describe('pad and unpad', () => {
  it('write length, data and zeros', () => {
    const padded = pad(Uint8Array.of(1, 2, 3));
    expect(padded.length).toBe(1024);
    expect(hex(padded)).toBe(`0000000000000003010203${'00'.repeat(1013)}`);
  });

  it('give back data of every length around the steps', () => {
    const random = seededRandom(1);
    for (const length of [0, 1, 1015, 1016, 1017, 1080, 1081, 4000, 65_528, 65_529, 100_000]) {
      const data = random(length);
      const padded = pad(data);
      expect(padded.length).toBe(Math.max(1024, padme(length + 8)));
      expect(hex(unpad(padded))).toBe(hex(data));
    }
  });

  it('give the same in chunks of any size, from pieces of any size, and wipe the last of it', () => {
    const random = seededRandom(2);
    for (const [size, ...lengths] of [
      [1, 5],
      [7, 0, 3, 0, 40],
      [64, 1016],
      [64, 1017],
      [1000, 2992, 1],
      [65_536, 70_000, 1, 131_000],
      [65_536, 65_528],
    ] as const) {
      const pieces = lengths.map((length) => random(length));
      const chunks: string[] = [];
      let last = new Uint8Array(0);
      for (const chunk of paddedChunks(pieces, size)) {
        chunks.push(hex(chunk));
        last = chunk;
      }
      expect(chunks.join('')).toBe(hex(pad(concat(...pieces))));
      expect(chunks.slice(0, -1).every((chunk) => chunk.length === 2 * size)).toBe(true);
      expect(last.every((byte) => byte === 0)).toBe(true);
    }
  });

  it('refuse every other form of the same data', () => {
    const changed = (change: (padded: Uint8Array<ArrayBuffer>) => void, from = pad(new Uint8Array(1016))) => {
      change(from);
      return codeOf(() => unpad(from));
    };
    expect(changed(() => undefined)).toBe('no error');
    expect(changed((padded) => (padded[7] = 0xf7))).toBe('no error'); // length 1015, the byte after it is 0
    expect(changed((padded) => (padded[1023] = 1))).toBe('no error'); // the last byte of the data
    expect(changed((padded) => (padded[1023] = 1), pad(new Uint8Array(1015)))).toBe('decryption-failed');
    expect(changed((padded) => (padded[11] = 1), pad(new Uint8Array(3)))).toBe('decryption-failed');
    expect(changed((padded) => (padded[7] = 0xf9))).toBe('decryption-failed'); // longer than what is there
    expect(changed((padded) => (padded[0] = 0x80))).toBe('decryption-failed'); // 2^63
    expect(changed((padded) => (padded[3] = 1))).toBe('decryption-failed'); // 2^32 more
  });

  it('refuse another padded length', () => {
    for (const length of [0, 7, 8, 1023, 1025, 1088, 2048]) {
      expect(codeOf(() => unpad(new Uint8Array(length)))).toBe('decryption-failed');
    }
  });
});
