/**
 * What N-1 holders see of the secret: nothing. Counted per byte, since every byte has a polynomial of its own: over all secrets
 * and all randomness where that can be gone through, for chosen values and all secrets where not, and over many dealings with a
 * fixed seed. The arithmetic that checks it is that of helpers/gf256.ts.
 */
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../src/bytes.ts';
import { dealShares, type Share } from '../../src/crypto/share.ts';
import { sum, topWeights, weightsAt } from '../helpers/gf256.ts';
import { seededRandom } from '../helpers/random.ts';

const BYTES = 32;
const SECRETS = Array.from({ length: 256 }, (_, value) => value);

/** Deals with the values that the first N-1 holders are to get. */
function dealWith(secret: Bytes, drawn: readonly Bytes[], count: number): Promise<Share[]> {
  const rest = drawn.slice();
  return dealShares(secret, drawn.length + 1, count, () => rest.shift() as Bytes);
}

describe('N-1 shares', () => {
  it('of 2 of 3, one share: each value that a holder can get comes from each of the 256 secrets by one draw', async () => {
    const seen = [1, 2, 3].map(() => new Uint16Array(256 * 256));
    for (const secret of SECRETS) {
      // One dealing takes 32 draws, one for each byte of the secret.
      for (let start = 0; start < 256; start += BYTES) {
        const draw = Uint8Array.from({ length: BYTES }, (_, i) => start + i);
        const shares = await dealWith(new Uint8Array(BYTES).fill(secret), [draw], 3);
        for (const [holder, share] of shares.entries()) {
          for (let i = 0; i < BYTES; i++) (seen[holder] as Uint16Array)[secret * 256 + (share[i] as number)]! += 1;
        }
      }
    }
    for (const counts of seen) expect(counts.every((count) => count === 1)).toBe(true);
  });

  it.each([
    [3, 4],
    [4, 5],
  ] as const)(
    'of %i of %i, any holders: the values that they got fit each of the 256 secrets, by one polynomial',
    async (n, m) => {
      for (const holders of subsets(m, n - 1)) {
        const values = holders.map((x) => seededRandom(`values of ${x} among ${holders.join(' ')}`)(BYTES));
        const drawsOfAll = new Set<string>();
        for (const secret of SECRETS) {
          const points = (at: number) => [secret, ...values.map((value) => value[at] as number)];
          const drawn = Array.from({ length: n - 1 }, (_, i) => {
            const weights = weightsAt([0, ...holders], i + 1);
            return Uint8Array.from({ length: BYTES }, (_, at) => sum(weights, points(at)));
          });
          const shares = await dealWith(new Uint8Array(BYTES).fill(secret), drawn, m);
          expect(holders.map((x) => (shares[x - 1] as Share).subarray(0, BYTES))).toEqual(values);
          drawsOfAll.add(drawn.map(String).join());
        }
        // With the secret, N-1 values determine the draws, so no secret has more of them than another. For holders other than
        // the first N-1 each secret needs its own.
        const first = holders.every((x, i) => x === i + 1);
        expect(drawsOfAll.size).toBe(first ? 1 : 256);
      }
    },
  );
});

describe('10,000 dealings, 3 of 3', () => {
  it('have top coefficients that are zero as often as any other value, in every byte', async () => {
    const dealings = 10_000;
    const random = seededRandom('top coefficient');
    const secret = random(BYTES);
    const products = topWeights([1, 2, 3]).map((weight) => SECRETS.map((value) => sum([weight], [value])));
    const zeros = new Uint32Array(BYTES);
    const values = new Uint32Array(256);
    for (let i = 0; i < dealings; i++) {
      const shares = await dealShares(secret, 3, 3, random);
      for (let at = 0; at < BYTES; at++) {
        const top = shares.reduce((total, share, j) => total ^ (products[j]?.[share[at] as number] as number), 0);
        values[top]! += 1;
        if (top === 0) zeros[at]! += 1;
      }
    }
    // 10,000 / 256 = 39 with a standard deviation of 6.2: none of 32 is five of them away.
    for (const count of zeros) expect(Math.abs(count - dealings / 256)).toBeLessThan(31);
    // 320,000 / 256 = 1250 of each value; chi square with 255 degrees of freedom is above 341 once in 4000 times.
    const each = (dealings * BYTES) / 256;
    const chiSquare = values.reduce((total, count) => total + (count - each) ** 2 / each, 0);
    expect(chiSquare).toBeLessThan(341);
    expect(chiSquare).toBeGreaterThan(180);
  });
});

/** All sets of `size` of 1 .. m. */
function subsets(m: number, size: number): number[][] {
  const all = Array.from({ length: 1 << m }, (_, bits) =>
    Array.from({ length: m }, (_, i) => i + 1).filter((x) => bits & (1 << (x - 1))),
  );
  return all.filter((set) => set.length === size);
}
