import { describe, expect, it } from 'vitest';
import { type Bytes, concat, copy, hex } from '../../src/bytes.ts';
import { hmac } from '../../src/crypto/hash.ts';
import {
  checkDealing,
  combineShares,
  commitShare,
  commitVek,
  type Contribution,
  dealShares,
  type Share,
} from '../../src/crypto/share.ts';
import { info } from '../../src/crypto/statements.ts';
import type { Random } from '../../src/platform.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { dealing, flipped } from '../helpers/dealing.ts';
import { sum, weightsAt } from '../helpers/gf256.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('share');
const { pid, vek, holders, dealt } = dealing(random);

describe('dealt shares', () => {
  it('have 33 bytes, y and then x, with x = 1, 2, … in the order of the holders', async () => {
    for (const [n, m] of [...policies(7), [17, 32], [32, 32]] as const) {
      const shares = await dealShares(vek, n, m, random);
      expect(shares.map((share) => [share.length, share[32]])).toEqual(
        Array.from({ length: m }, (_, i) => [33, i + 1]),
      );
    }
  });

  it('lie on one polynomial of degree below N over GF(2^8) with 0x11b, its value at 0 being the secret', async () => {
    for (const [n, m] of [...policies(7), [17, 32]] as const) {
      const shares = await dealShares(vek, n, m, random);
      for (let from = 0; from + n <= m; from++) expect(lagrange(shares.slice(from, from + n), 0)).toBe(hex(vek));
      const basis = shares.slice(0, n);
      for (const share of shares) expect(lagrange(basis, share[32] as number)).toBe(hex(share.subarray(0, 32)));
    }
  });

  it('come from the given randomness alone', async () => {
    const deal = async (seed: number) => (await dealShares(vek, 3, 5, seededRandom(seed))).map(hex);
    expect(await deal(1)).toEqual(await deal(1));
    expect(await deal(1)).not.toEqual(await deal(2));
  });

  it('leave the secret alone', async () => {
    const before = hex(vek);
    await dealShares(vek, 2, 3, random);
    expect(hex(vek)).toBe(before);
  });

  const same = seededRandom('again')(32);
  const faults: [string, Random][] = [
    [
      'fails',
      () => {
        throw new Error('no entropy');
      },
    ],
    ['is short', (length) => random(length - 1)],
    ['gives nothing', () => new Uint8Array(0)],
    ['gives too much', (length) => random(length + 1)],
    ['gives zeros', (length) => new Uint8Array(length)],
    ['gives one byte over and over', (length) => new Uint8Array(length).fill(0x5a)],
    ['repeats itself', () => copy(same)],
    ['writes into one buffer again and again', () => same],
    ['repeats itself after a while', alternating(random(32), random(32))],
    ['gave the secret and gives it again, which would be a share', alternating(random(32), vek)],
  ];
  it.each(faults)('are not dealt by a source of randomness that %s', async (_, bad) => {
    for (const [n, m] of [
      [4, 4],
      [4, 7],
      [17, 32],
    ] as const)
      expect(await rejectionOf(dealShares(vek, n, m, bad))).toBe('random-failed');
  });

  it('are not dealt, 2 of 3, by a source that gives the secret again: every share would be the secret', async () => {
    expect(await rejectionOf(dealShares(vek, 2, 3, () => copy(vek)))).toBe('random-failed');
  });

  it('exist only for 2 <= N <= M <= 32 and 32 bytes', async () => {
    for (const [n, m] of [
      [1, 1],
      [1, 3],
      [0, 3],
      [4, 3],
      [2, 33],
      [2.5, 3],
      [2, Number.NaN],
    ] as const) {
      expect(await rejectionOf(dealShares(vek, n, m, random))).toBe('RangeError');
    }
    for (const length of [0, 31, 33])
      expect(await rejectionOf(dealShares(random(length), 2, 3, random))).toBe('TypeError');
  });
});

describe('checkDealing', () => {
  it('accepts what was dealt', async () => {
    for (const [n, m] of policies(7)) {
      expect(await rejectionOf(checkDealing(await dealShares(vek, n, m, random), n, vek))).toBe('no error');
    }
  });

  it('finds a share of another length or in another place', async () => {
    const shares = await dealShares(vek, 2, 3, random);
    const [a, b, c] = shares as [Share, Share, Share];
    for (const wrong of [
      [concat(a, Uint8Array.of(0)), b, c],
      [a, b, concat(c, Uint8Array.of(0))],
      [b, a, c],
    ]) {
      expect(await rejectionOf(checkDealing(wrong, 2, vek))).toBe('dealer-fault');
    }
  });

  it('finds one bad share at every position', async () => {
    for (const [n, m] of policies(7)) {
      const shares = await dealShares(vek, n, m, random);
      for (let bad = 0; bad < m; bad++) {
        for (const at of [0, 31]) {
          const dealt = shares.map(copy);
          const share = dealt[bad] as Share;
          share[at] = (share[at] as number) ^ 1;
          expect(await rejectionOf(checkDealing(dealt, n, vek))).toBe('dealer-fault');
        }
      }
    }
  });

  it('finds a mixture of two good dealings of the same secret', async () => {
    const shares = await dealShares(vek, 2, 4, random);
    const again = await dealShares(vek, 2, 4, random);
    expect(await rejectionOf(checkDealing([again[0], again[1], shares[2], shares[3]] as Share[], 2, vek))).toBe(
      'dealer-fault',
    );
    expect(await rejectionOf(checkDealing([shares[0], again[1], again[2], again[3]] as Share[], 2, vek))).toBe(
      'dealer-fault',
    );
  });

  it('finds shares of a polynomial of higher degree', async () => {
    expect(await rejectionOf(checkDealing(await dealShares(vek, 4, 5, random), 3, vek))).toBe('dealer-fault');
  });

  it('finds shares of another secret, of another order or form', async () => {
    const shares = (await dealShares(vek, 2, 3, random)) as [Share, Share, Share];
    const [a, b, c] = shares;
    expect(await rejectionOf(checkDealing(shares, 2, random(32)))).toBe('dealer-fault');
    expect(await rejectionOf(checkDealing([b, a, c], 2, vek))).toBe('dealer-fault');
    expect(await rejectionOf(checkDealing([a, a, c], 2, vek))).toBe('dealer-fault');
    expect(await rejectionOf(checkDealing([a, b, c.subarray(0, 32)], 2, vek))).toBe('dealer-fault');
    expect(await rejectionOf(checkDealing([a, b, concat(vek, Uint8Array.of(0))], 2, vek))).toBe('dealer-fault');
  });
});

describe('commitments', () => {
  const terms = { pid, slot: 4, epoch: 2, threshold: 2, count: 3 };
  const holder = holders[0] as Bytes;

  it('are HMACs over the statements of docs/protocol.md', async () => {
    const share = concat(vek, Uint8Array.of(1));
    expect(hex(commitShare(share, { ...terms, holder, seat: 9 }))).toBe(
      hex(hmac(share, info(pid, 'share', 4, 2, 2, 3, holder, 9))),
    );
    expect(hex(commitVek(vek, terms))).toBe(hex(hmac(vek, info(pid, 'vek', 4, 2, 2, 3))));
  });

  it('differ in every term', () => {
    const share = concat(vek, Uint8Array.of(1));
    const all = { ...terms, holder, seat: 9 };
    const changes = [
      {},
      { pid: vek },
      { slot: 5 },
      { epoch: 3 },
      { threshold: 3 },
      { count: 4 },
      { holder: holders[1] as Bytes },
      { seat: 8 },
    ];
    expect(new Set(changes.map((change) => hex(commitShare(share, { ...all, ...change })))).size).toBe(8);
    expect(new Set(changes.slice(0, 6).map((change) => hex(commitVek(vek, { ...terms, ...change })))).size).toBe(6);
  });
});

describe('combineShares', () => {
  it('opens with every N-subset of M and with no N-1, for M up to 7', async () => {
    for (const [n, m] of policies(7)) {
      const { contributions, entry } = await dealt(n, m);
      for (let subset = 0; subset < 1 << m; subset++) {
        const chosen = contributions.filter((_, i) => subset & (1 << i));
        if (chosen.length === n) {
          expect(hex((await combineShares(chosen, entry)).vek)).toBe(hex(vek));
        } else if (chosen.length === n - 1) {
          expect(await rejectionOf(combineShares(chosen, entry))).toBe('not-enough-holders');
          if (chosen.length > 0)
            expect(
              lagrange(
                chosen.map(({ share }) => share),
                0,
              ),
            ).not.toBe(hex(vek));
        }
      }
    }
  });

  it('opens with more than N, in any order', async () => {
    const { contributions, entry } = await dealt(3, 5);
    expect(await combineShares(contributions.slice().reverse(), entry)).toEqual({ vek, bad: [] });
  });

  const wrongShares: [string, (share: Share, others: { other: Share; old: Share }) => Share][] = [
    ['a changed share', (share) => flipped(share, 5)],
    ['a share with another x', (share) => flipped(share, 32)],
    ['a share with x = 0, which would be the secret', () => concat(new Uint8Array(32).fill(9), Uint8Array.of(0))],
    ['a share that is cut', (share) => share.subarray(0, 32)],
    ['a share with a zero after it, an equal key for HMAC', (share) => concat(share, Uint8Array.of(0))],
    ['an empty share', () => new Uint8Array(0)],
    ["another holder's share", (_, { other }) => other],
    ['a share of the epoch before', (_, { old }) => old],
  ];
  it.each(wrongShares)('drops and names the holder of %s, and opens with the others', async (_, wrong) => {
    const { contributions, entry } = await dealt(3, 5);
    const old = (await dealt(3, 5, { epoch: 1 })).contributions;
    for (const bad of [0, 2, 4]) {
      const handed = contributions.slice();
      const other = contributions[(bad + 1) % 5] as Contribution;
      const good = handed[bad] as Contribution;
      handed[bad] = {
        ...good,
        share: wrong(good.share, { other: other.share, old: (old[bad] as Contribution).share }),
      };
      expect(await combineShares(handed, entry)).toEqual({ vek, bad: [holders[bad]] });
    }
  });

  it('combines exactly N good ones: one more that its dealer committed to, off the polynomial, changes nothing', async () => {
    const { contributions, entry } = await dealt(2, 3);
    const [a, b, c] = contributions as [Contribution, Contribution, Contribution];
    const share = flipped(c.share, 0);
    const off = { ...c, share, commitment: commitShare(share, { ...entry, holder: c.holder, seat: c.seat }) };
    expect(await combineShares([a, b, off], entry)).toEqual({ vek, bad: [] });
    expect(await rejectionOf(combineShares([a, off, b], entry))).toBe('dealer-fault');
  });

  it('names the bad ones also when too few are left', async () => {
    const { contributions, entry } = await dealt(3, 5);
    const [a, b, c] = contributions as [Contribution, Contribution, Contribution];
    await expect(combineShares([a, { ...b, share: flipped(b.share, 0) }, c], entry)).rejects.toMatchObject({
      code: 'not-enough-holders',
      details: { good: [holders[0], holders[2]], bad: [holders[1]], threshold: 3 },
    });
  });

  it('refuses a share under the id or seat of another holder', async () => {
    const { contributions, entry } = await dealt(2, 3);
    const [a, b] = contributions as [Contribution, Contribution];
    expect(await rejectionOf(combineShares([a, { ...b, holder: holders[2] as Bytes }], entry))).toBe(
      'not-enough-holders',
    );
    expect(await rejectionOf(combineShares([a, { ...b, seat: 30 }], entry))).toBe('not-enough-holders');
  });

  it('says that the dealer is at fault when committed shares give another key', async () => {
    const { contributions, entry } = await dealt(2, 3);
    const other = await dealt(2, 3, { secret: random(32) });
    const mixed = [contributions[0] as Contribution, other.contributions[1] as Contribution];
    expect(await rejectionOf(combineShares(mixed, entry))).toBe('dealer-fault');
    expect(await rejectionOf(combineShares(contributions, { ...entry, vekCommitment: random(32) }))).toBe(
      'dealer-fault',
    );
  });

  it('leaves the shares of its caller alone and takes Buffers', async () => {
    const { contributions, entry } = await dealt(2, 3);
    const handed = contributions.map((c) => ({ ...c, share: Buffer.from(c.share) as Bytes }));
    expect((await combineShares(handed, entry)).vek).toEqual(vek);
    expect(handed.map(({ share }) => hex(share))).toEqual(contributions.map(({ share }) => hex(share)));
  });
});

/** All N-of-M with 2 <= N <= M <= most. */
function policies(most: number): [number, number][] {
  const all: [number, number][] = [];
  for (let m = 2; m <= most; m++) for (let n = 2; n <= m; n++) all.push([n, m]);
  return all;
}

/** Gives these in turn. */
function alternating(...outputs: readonly Bytes[]): Random {
  let calls = 0;
  return () => copy(outputs[calls++ % outputs.length] as Bytes);
}

/** Value at `x` through the shares, in hexadecimal. */
function lagrange(shares: readonly Share[], x: number): string {
  const weights = weightsAt(
    shares.map((share) => share[32] as number),
    x,
  );
  return hex(
    Uint8Array.from({ length: 32 }, (_, at) =>
      sum(
        weights,
        shares.map((share) => share[at] as number),
      ),
    ),
  );
}
