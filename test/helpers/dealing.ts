/** Shares dealt to up to seven holders, with what the entry says about them. */
import { type Bytes, copy } from '../../src/bytes.ts';
import {
  commitShare,
  commitVek,
  type Contribution,
  dealShares,
  type DealTerms,
  type Share,
} from '../../src/crypto/share.ts';
import type { Random } from '../../src/platform.ts';

export function dealing(random: Random) {
  const pid = random(32);
  const vek = random(32);
  const holders = Array.from({ length: 7 }, () => random(16));

  /** In slot 4 unless said otherwise: contributions in the order of `holders`, and the terms by which they are opened. */
  async function dealt(threshold: number, count: number, { epoch = 2, secret = vek, passport = pid } = {}) {
    const terms: DealTerms = { pid: passport, slot: 4, epoch, threshold, count };
    const shares = await dealShares(secret, threshold, count, random);
    const contributions = shares.map((share, i): Contribution => {
      const [holder, seat] = [holders[i] as Bytes, i + 10];
      return { holder, seat, share, commitment: commitShare(share, { ...terms, holder, seat }) };
    });
    return { contributions, entry: { ...terms, vekCommitment: commitVek(secret, terms) } };
  }

  return { pid, vek, holders, dealt };
}

export function flipped(share: Share, at: number): Share {
  const changed = copy(share);
  changed[at] = (changed[at] as number) ^ 0x10;
  return changed;
}
