/** Vectors of the sharing: commitments, the order of checks, combining and the dealer's own check. */
import { type Bytes, concat } from '../../../src/bytes.ts';
import { commitShare, commitVek, dealShares } from '../../../src/crypto/share.ts';
import { type Fields, flip, Maker, row, splice } from '../maker.ts';

const EXAMPLES = 'docs/protocol.md 9';

export async function makeShare(): Promise<Maker> {
  const m = new Maker(
    'share',
    'docs/protocol.md 3, Shares',
    'Shares of the VEK, their commitments, and what combining refuses.',
  );
  const { random } = m;
  const vek = row(0x40);
  const terms = { pid: row(0), slot: 5, epoch: 1, threshold: 2, count: 3 };
  const shares = await dealShares(vek, 2, 3, () => row(0x80));
  const holders = [row(1, 16), row(2, 16), row(3, 16)];
  const given = shares.map((share, i) => {
    const who = { holder: holders[i] as Bytes, seat: i + 1 };
    return { ...who, commitment: commitShare(share, { ...terms, ...who }), share };
  });
  const [one, two, three] = given as [(typeof given)[0], (typeof given)[0], (typeof given)[0]];

  await m.pass(
    'deal-2-3',
    'shares-deal',
    { vek, threshold: 2, count: 3, first: [row(0x80)] },
    { source: EXAMPLES, result: { shares } },
  );
  for (const [n, count] of [
    [2, 2],
    [3, 3],
    [3, 5],
    [5, 8],
    [17, 32],
    [32, 32],
  ] as const)
    await m.pass(`deal-${n}-${count}`, 'shares-deal', {
      ...{ vek: random(32), threshold: n, count, first: Array.from({ length: n - 1 }, () => random(32)) },
    });
  // The top coefficient is 0 in half of the bytes; in all of them the source of randomness would be at fault.
  const half = new Uint8Array([...vek.slice(0, 16), ...row(0x90).slice(0, 16)]);
  await m.pass('deal-top-zero', 'shares-deal', { vek, threshold: 2, count: 3, first: [half] });
  for (const each of given)
    await m.pass(`commitment-${each.seat}`, 'share-commitment', {
      ...terms,
      holder: each.holder,
      seat: each.seat,
      share: each.share,
    });
  await m.pass(
    'commitment-vek',
    'vek-commitment',
    { ...terms, vek },
    { source: EXAMPLES, result: { commitment: '917ea6ca3d30a3808e51e0c218844822bae0f1cff90195847df9df00cf42ca4d' } },
  );
  await m.pass('check', 'share-check', { ...terms, ...two });

  const checks: [string, Fields, 'parse' | 'commitment', string][] = [
    ['32', { share: two.share.slice(0, 32) }, 'parse', 'a share of 32 bytes'],
    ['34', { share: concat(two.share, Uint8Array.of(0)) }, 'parse', 'a zero follows: HMAC takes it for the same key'],
    ['34-first', { share: concat(Uint8Array.of(0), two.share) }, 'parse', 'a zero comes first'],
    ['empty', { share: new Uint8Array(0) }, 'parse', 'no bytes'],
    ['x-0', { share: splice(two.share, 32, [0]) }, 'parse', 'x is 0'],
    ['x-other', { share: splice(two.share, 32, [3]) }, 'commitment', 'x of another holder'],
    ['x-255', { share: splice(two.share, 32, [255]) }, 'commitment', 'x of nobody'],
    ['y', { share: flip(two.share, 0) }, 'commitment', 'a bit of y is flipped'],
    ['y-last', { share: flip(two.share, 31, 128) }, 'commitment', 'a bit of y is flipped'],
    ['other-share', { share: one.share }, 'commitment', 'the share of another holder'],
    ['pid', { pid: flip(terms.pid) }, 'commitment', 'another passport'],
    ['slot', { slot: 6 }, 'commitment', 'another slot'],
    ['epoch', { epoch: 2 }, 'commitment', 'another epoch'],
    ['epoch-0', { epoch: 0 }, 'commitment', 'another epoch'],
    ['threshold', { threshold: 3 }, 'commitment', 'another N'],
    ['count', { count: 2 }, 'commitment', 'another M'],
    ['holder', { holder: one.holder }, 'commitment', 'another holder'],
    ['seat', { seat: 1 }, 'commitment', 'another seat'],
    ['swapped', { slot: 1, epoch: 5 }, 'commitment', 'slot and epoch are swapped'],
    ['commitment', { commitment: flip(two.commitment) }, 'commitment', 'a bit of the commitment is flipped'],
    ['commitment-of-1', { commitment: one.commitment }, 'commitment', 'the commitment of another holder'],
    ['commitment-zero', { commitment: new Uint8Array(32) }, 'commitment', 'a commitment of zeros'],
  ];
  for (const [name, change, layer, why] of checks)
    await m.fail(`check-${name}`, 'share-check', { ...terms, ...two, ...change }, layer, why);
  const zero = splice(two.share, 32, [0]);
  await m.fail(
    'check-x-0-committed',
    'share-check',
    { ...terms, ...two, share: zero, commitment: commitShare(zero, { ...terms, holder: two.holder, seat: 2 }) },
    'parse',
    'x is 0, and the entry commits to it',
  );

  const vekCommitment = commitVek(vek, terms);
  const all = { ...terms, vekCommitment };
  const bad = (each: typeof one) => ({ ...each, share: flip(each.share, 5) });
  for (const [name, list] of [
    ['1-2', [one, two]],
    ['2-1', [two, one]],
    ['1-3', [one, three]],
    ['2-3', [two, three]],
    ['1-2-3', given],
  ] as const)
    await m.pass(`combine-${name}`, 'shares-combine', { ...all, shares: list }, { result: { vek, bad: [] } });
  await m.pass(
    'combine-one-bad',
    'shares-combine',
    { ...all, shares: [bad(one), two, three] },
    { result: { vek, bad: [one.holder] } },
  );
  await m.pass('combine-twice', 'shares-combine', { ...all, shares: [two, two, three] }, { result: { vek, bad: [] } });
  const combines: [string, (typeof one)[], Fields, 'approval' | 'commitment', string][] = [
    ['none', [], {}, 'approval', 'no share'],
    ['one', [one], {}, 'approval', 'one share of two'],
    ['same', [one, one], {}, 'approval', 'one holder twice'],
    ['bad', [one, bad(two)], {}, 'approval', 'one of two is bad'],
    ['all-bad', [bad(one), bad(two), bad(three)], {}, 'approval', 'three bad shares'],
    ['copied', [one, { ...two, share: one.share }], {}, 'approval', 'the share of another holder in its name'],
    ['x-0', [one, { ...two, share: zero }], {}, 'approval', 'a share with x = 0'],
    ['cut', [one, { ...two, share: two.share.slice(0, 32) }], {}, 'approval', 'a share without x'],
    ['slot', [one, two], { slot: 6 }, 'approval', 'shares of another slot'],
    ['epoch', [one, two], { epoch: 0 }, 'approval', 'shares of another epoch'],
    ['pid', [one, two], { pid: row(1) }, 'approval', 'shares of another passport'],
    [
      'vek',
      [one, two],
      { vekCommitment: flip(vekCommitment) },
      'commitment',
      'good shares that do not give the committed VEK',
    ],
    [
      'vek-3',
      given,
      { vekCommitment: flip(vekCommitment, 31) },
      'commitment',
      'good shares that do not give the committed VEK',
    ],
  ];
  for (const [name, list, change, layer, why] of combines)
    await m.fail(`combine-${name}`, 'shares-combine', { ...all, ...change, shares: list }, layer, why);
  const foreign = await dealShares(row(0x41), 2, 3, () => row(0x81));
  const mixed = {
    ...two,
    share: foreign[1]!,
    commitment: commitShare(foreign[1]!, { ...terms, holder: two.holder, seat: 2 }),
  };
  await m.fail(
    'combine-mixed',
    'shares-combine',
    { ...all, shares: [one, mixed] },
    'commitment',
    'committed shares of two polynomials',
  );
  const sameX = splice(two.share, 32, [1]);
  const committed = { ...two, share: sameX, commitment: commitShare(sameX, { ...terms, holder: two.holder, seat: 2 }) };
  await m.fail(
    'combine-same-x',
    'shares-combine',
    { ...all, shares: [one, committed] },
    'approval',
    'two holders were given one x',
  );
  const three3 = {
    ...all,
    threshold: 3,
    shares: given.map((each) => ({
      ...each,
      commitment: commitShare(each.share, { ...terms, threshold: 3, holder: each.holder, seat: each.seat }),
    })),
  };
  await m.fail(
    'combine-2-of-3',
    'shares-combine',
    { ...three3, shares: three3.shares.slice(0, 2) },
    'approval',
    'two shares where N is 3',
  );

  await m.pass('dealing', 'dealing-check', { vek, threshold: 2, shares });
  const dealings: [string, Bytes[], Fields, 'parse' | 'context', string][] = [
    ['off', [shares[0]!, shares[1]!, flip(shares[2]!, 3)], {}, 'context', 'the last share is not on the polynomial'],
    [
      'off-2',
      [shares[0]!, flip(shares[1]!, 3), shares[2]!],
      {},
      'context',
      'the second share is not on the polynomial',
    ],
    ['vek', shares, { vek: flip(vek) }, 'context', 'the shares of another VEK'],
    ['order', [shares[1]!, shares[0]!, shares[2]!], {}, 'parse', 'x is not the place'],
    ['same-x', [shares[0]!, shares[0]!, shares[2]!], {}, 'parse', 'x comes twice'],
    ['short', [shares[0]!, shares[1]!.slice(1), shares[2]!], {}, 'parse', 'a share of 32 bytes'],
    ['higher', await dealShares(vek, 3, 3, random), {}, 'context', 'a polynomial of degree 2 where N is 2'],
  ];
  for (const [name, list, change, layer, why] of dealings)
    await m.fail(`dealing-${name}`, 'dealing-check', { vek, threshold: 2, shares: list, ...change }, layer, why);
  return m;
}
