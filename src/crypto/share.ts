/**
 * N-of-M sharing of the VEK: Shamir over GF(2^8), polynomial 0x11b, one polynomial per byte (docs/protocol.md, 3).
 * A share is `y (32) ‖ x (1)`; holder i of the entry (from 1) has x = i. The arithmetic is `combine` of
 * shamir-secret-sharing, which is audited but trusting: a share with x = 0 would *be* the secret, and too few or wrong shares
 * give wrong bytes in silence. So every share has a commitment in the entry, the VEK has one, and the dealer checks them all.
 */
import { combine } from 'shamir-secret-sharing';
import { type Bytes, concat, copy, equal, hex, wipe } from '../bytes.ts';
import { PassportError } from '../errors.ts';
import type { Random } from '../platform.ts';
import { hmac } from './hash.ts';
import { distinctRandomBytes } from './random.ts';
import { info } from './statements.ts';

/** 33 bytes: y (32) ‖ x (1), x != 0. */
export type Share = Bytes;

const SECRET_LENGTH = 32;
const SHARE_LENGTH = SECRET_LENGTH + 1;
const MOST = 32;

/** Where a dealing belongs: every commitment is bound to it. */
export interface DealTerms {
  readonly pid: Bytes;
  readonly slot: number;
  readonly epoch: number;
  readonly threshold: number;
  readonly count: number;
}

export interface ShareTerms extends DealTerms {
  /** 16 bytes. */
  readonly holder: Bytes;
  readonly seat: number;
}

/** A share that a holder handed in, with what the entry says about it. */
export interface Contribution {
  readonly holder: Bytes;
  readonly seat: number;
  /** 32 bytes, from the entry. */
  readonly commitment: Bytes;
  readonly share: Bytes;
}

/**
 * `count` shares of a 32-byte secret, any `threshold` of which give it back; share i (from 0) has x = i + 1. Checked by `checkDealing`.
 * `random-failed` when the source fails, is short or repeats itself or the secret: then nothing is dealt.
 *
 * The library's `split` draws its own randomness and coordinates, so only `combine` is used, which evaluates at 0 the polynomial
 * through the points it is given. The secret at x = 0 and N-1 random values at x = 1 .. N-1 fix a polynomial of degree below N, and
 * a uniformly random one. Its value at a further x_j is its value at 0 after moving every point by x_j; adding in GF(2^8) is XOR, so
 * a point (x, y) moves to (x ^ x_j, y), and the secret's point to (x_j, secret).
 */
export async function dealShares(secret: Bytes, threshold: number, count: number, random: Random): Promise<Share[]> {
  if (secret.length !== SECRET_LENGTH) throw new TypeError(`secret: expected 32 bytes, got ${secret.length}`);
  checkCounts(threshold, count);
  // A source that gives the secret again would make it a share.
  const drawn = distinctRandomBytes(random, SECRET_LENGTH, threshold - 1, [secret]);
  const shares = drawn.map((y, i) => point(i + 1, y));
  wipe(...drawn);
  const fixed = shares.slice();
  for (let x = threshold; x <= count; x++) {
    const moved = [point(x, secret), ...fixed.map((share) => point(xOf(share) ^ x, yOf(share)))];
    const y = await interpolate(moved);
    shares.push(point(x, y));
    wipe(y, ...moved);
  }
  await checkDealing(shares, threshold, secret);
  return shares;
}

/**
 * All shares lie on one polynomial of degree below `threshold` through the secret, else `dealer-fault`: with the first N-1 fixed,
 * each other one completes them to the secret. The first N-1 and the secret determine the polynomial, so M-N+1 combinations
 * prove what all N-subsets would.
 */
export async function checkDealing(shares: readonly Share[], threshold: number, secret: Bytes): Promise<void> {
  checkCounts(threshold, shares.length);
  if (shares.some((share, i) => share.length !== SHARE_LENGTH || xOf(share) !== i + 1))
    throw dealerFault('a share has a wrong form'); // V57
  const fixed = shares.slice(0, threshold - 1);
  for (const share of shares.slice(threshold - 1)) {
    const result = await interpolate([...fixed, share]);
    const right = equal(result, secret);
    wipe(result);
    if (!right) throw dealerFault('the shares do not lie on one polynomial'); // V58
  }
}

/** HMAC-SHA-256 under the share, 32 bytes. Hides it (256 random bits) and binds it, the length being fixed. */
export function commitShare(share: Share, terms: ShareTerms): Bytes {
  const { pid, slot, epoch, threshold, count, holder, seat } = terms;
  return hmac(share, info(pid, 'share', slot, epoch, threshold, count, holder, seat));
}

/** HMAC-SHA-256 under the VEK, 32 bytes. */
export function commitVek(vek: Bytes, { pid, slot, epoch, threshold, count }: DealTerms): Bytes {
  return hmac(vek, info(pid, 'vek', slot, epoch, threshold, count));
}

/**
 * The VEK from any `threshold` good shares; `bad` names the holders whose share was not the one that the entry commits to.
 * `not-enough-holders` (details: bad and good holder ids, threshold); `dealer-fault` when good shares give a wrong VEK.
 */
export async function combineShares(
  contributions: readonly Contribution[],
  terms: DealTerms & { readonly vekCommitment: Bytes },
): Promise<{ vek: Bytes; bad: Bytes[] }> {
  const { threshold, count, vekCommitment } = terms;
  checkCounts(threshold, count);
  const good = new Map<string, Contribution>();
  const bad = new Map<string, Bytes>();
  for (const contribution of contributions) {
    const name = hex(contribution.holder);
    if (isCommitted(contribution, terms)) good.set(name, contribution);
    else bad.set(name, contribution.holder);
  }
  if (good.size < threshold) throw notEnough([...good.values()], [...bad.values()], threshold); // V54
  const byX = new Map([...good.values()].map((contribution) => [xOf(contribution.share), copy(contribution.share)]));
  if (byX.size < threshold) throw dealerFault('two holders were given the same x'); // V55
  const vek = await interpolate([...byX.values()].slice(0, threshold));
  wipe(...byX.values());
  if (!equal(commitVek(vek, terms), vekCommitment)) {
    wipe(vek);
    throw dealerFault('the committed shares do not give the committed key'); // V56
  }
  return { vek, bad: [...bad.values()] };
}

/** Whether a contribution is the share that its commitment binds. In the order of docs/protocol.md: HMAC takes a key with zeros at its end for the same key, so the length comes first. */
export function isCommitted({ share, holder, seat, commitment }: Contribution, terms: DealTerms): boolean {
  if (share.length !== SHARE_LENGTH || xOf(share) === 0) return false; // V52
  return equal(commitShare(share, { ...terms, holder, seat }), commitment); // V53
}

function checkCounts(threshold: number, count: number): void {
  const whole = Number.isInteger(threshold) && Number.isInteger(count);
  if (!whole || threshold < 2 || threshold > count || count > MOST)
    throw new RangeError(`no ${threshold}-of-${count} sharing`);
}

function notEnough(good: readonly Contribution[], bad: readonly Bytes[], threshold: number): PassportError {
  const details = { good: good.map(({ holder }) => holder), bad, threshold };
  return new PassportError('not-enough-holders', `${threshold} good shares are needed, these are ${good.length}`, {
    details,
  });
}

function dealerFault(what: string): PassportError {
  return new PassportError('dealer-fault', `the shares of this epoch were dealt wrongly: ${what}`);
}

function point(x: number, y: Bytes): Share {
  return concat(y, Uint8Array.of(x));
}

function xOf(share: Share): number {
  return share[SECRET_LENGTH] as number;
}

function yOf(share: Share): Bytes {
  return share.subarray(0, SECRET_LENGTH);
}

/** Value at 0 of the polynomial through the points, which are distinct. */
async function interpolate(points: readonly Share[]): Promise<Bytes> {
  // The library refuses anything but a plain Uint8Array, such as a Buffer.
  const plain = points.map(copy);
  const result = new Uint8Array(await combine(plain));
  wipe(...plain);
  return result;
}
