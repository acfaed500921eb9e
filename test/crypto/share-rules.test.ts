/**
 * What opening does with shares that are not N good ones of one dealing: one rule, one name, one test each. That a full old quorum
 * gets nowhere through the SDK is ceremonies/old-quorum.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { concat, copy } from '../../src/bytes.ts';
import { combineShares, commitShare, type Contribution } from '../../src/crypto/share.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { dealing, flipped } from '../helpers/dealing.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('share rules');
const { vek, holders, dealt } = dealing(random);

describe('rules of combining, each by its name', () => {
  it('index 0, which would be the secret: the share is dropped, even when the entry commits to it', async () => {
    const { contributions, entry } = await dealt(2, 3);
    const [a, b, c] = contributions as [Contribution, Contribution, Contribution];
    const share = concat(vek, Uint8Array.of(0));
    const planted = { ...a, share, commitment: commitShare(share, { ...entry, holder: a.holder, seat: a.seat }) };
    expect(await combineShares([planted, b, c], entry)).toEqual({ vek, bad: [a.holder] });
    expect(await rejectionOf(combineShares([planted, b], entry))).toBe('not-enough-holders');
  });

  it('duplicate index, same value: two holders that were given one share are the dealer’s fault, and no hindrance to N others', async () => {
    const { contributions, entry } = await dealt(2, 3);
    const [a, b] = contributions as [Contribution, Contribution];
    const twin = {
      ...b,
      share: a.share,
      commitment: commitShare(a.share, { ...entry, holder: b.holder, seat: b.seat }),
    };
    expect(await rejectionOf(combineShares([a, twin], entry))).toBe('dealer-fault');
    expect((await combineShares([a, twin, contributions[2] as Contribution], entry)).vek).toEqual(vek);
  });

  it('duplicate index, other value: two holders that were given different shares with one x are the dealer’s fault', async () => {
    const { contributions, entry } = await dealt(2, 3);
    const [a, b, c] = contributions as [Contribution, Contribution, Contribution];
    const share = flipped(a.share, 7);
    const twin = { ...b, share, commitment: commitShare(share, { ...entry, holder: b.holder, seat: b.seat }) };
    expect(await rejectionOf(combineShares([a, twin], entry))).toBe('dealer-fault');
    expect(await rejectionOf(combineShares([a, twin, c], entry))).toBe('dealer-fault');
    // Not committed, it is only a bad share.
    expect(await combineShares([a, { ...b, share }, c], entry)).toEqual({ vek, bad: [b.holder] });
  });

  it('one holder twice: it counts once, however often it hands its share in', async () => {
    const { contributions, entry } = await dealt(2, 3);
    const [a] = contributions as [Contribution];
    await expect(combineShares([a, a, { ...a, share: copy(a.share) }], entry)).rejects.toMatchObject({
      code: 'not-enough-holders',
      details: { good: [holders[0]], bad: [] },
    });
  });

  it('mixed epochs: a share of the epoch before is bad, and so is a full quorum of them', async () => {
    const { contributions, entry } = await dealt(3, 5);
    const old = (await dealt(3, 5, { epoch: 1 })).contributions;
    const handed = contributions.map((c, i) => ({ ...c, share: (old[i] as Contribution).share }));
    await expect(combineShares([...contributions.slice(0, 2), ...handed.slice(2, 3)], entry)).rejects.toMatchObject({
      code: 'not-enough-holders',
      details: { good: holders.slice(0, 2), bad: [holders[2]] },
    });
    expect(await combineShares([...contributions.slice(0, 3), ...handed.slice(3)], entry)).toEqual({
      vek,
      bad: holders.slice(3, 5),
    });
    await expect(combineShares(handed, entry)).rejects.toMatchObject({
      code: 'not-enough-holders',
      details: { good: [], bad: holders.slice(0, 5) },
    });
  });

  it('mixed passports: a share of another passport is bad, though it is of the same holder, slot, epoch and secret', async () => {
    const { contributions, entry } = await dealt(2, 3);
    const elsewhere = await dealt(2, 3, { passport: random(32) });
    const [a, b] = contributions as [Contribution, Contribution];
    const foreign = elsewhere.contributions[1] as Contribution;
    for (const handed of [foreign, { ...b, share: foreign.share }]) {
      await expect(combineShares([a, handed], entry)).rejects.toMatchObject({
        code: 'not-enough-holders',
        details: { good: [a.holder], bad: [b.holder] },
      });
    }
    expect(await rejectionOf(combineShares(elsewhere.contributions, entry))).toBe('not-enough-holders');
  });

  it('mixed terms: shares that were committed for another slot, epoch, N, M or passport are none', async () => {
    const changes = [{ slot: 5 }, { epoch: 3 }, { threshold: 3 }, { count: 4 }, { pid: random(32) }];
    for (const change of changes) {
      const { contributions, entry } = await dealt(2, 3);
      expect(await rejectionOf(combineShares(contributions, { ...entry, ...change }))).toBe('not-enough-holders');
    }
  });

  it('T + 1 with one bad: the others open, whichever it is, and it is named', async () => {
    const { contributions, entry } = await dealt(3, 5);
    for (let bad = 0; bad < 4; bad++) {
      const handed = contributions.slice(0, 4).map((c, i) => (i === bad ? { ...c, share: flipped(c.share, 0) } : c));
      expect(await combineShares(handed, entry)).toEqual({ vek, bad: [holders[bad]] });
    }
  });

  it('N + k with k bad: the others open, and the k are named', async () => {
    const { contributions, entry } = await dealt(4, 7);
    const handed = contributions.map((c, i) => (i < 3 ? { ...c, share: flipped(c.share, i) } : c));
    expect(await combineShares(handed, entry)).toEqual({ vek, bad: holders.slice(0, 3) });
  });
});
