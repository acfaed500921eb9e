/** Sharing has one implementation, in JavaScript; its answers go into the digest that platforms are compared by. */
import { concat } from '../../src/bytes.ts';
import { checkDealing, combineShares, commitShare, commitVek, dealShares } from '../../src/crypto/share.ts';
import { seededRandom } from '../helpers/random.ts';
import { type Findings, REFUSED } from './findings.ts';

export async function askSharing(findings: Findings): Promise<void> {
  const random = seededRandom('differential sharing');
  for (const [threshold, count] of [
    [2, 2],
    [2, 3],
    [3, 5],
    [5, 9],
    [17, 32],
    [32, 32],
  ] as const) {
    const [secret, pid, draws] = [random(32), random(32), random(32 * threshold)];
    let at = 0;
    const deal = () => dealShares(secret, threshold, count, (length) => draws.slice(at, (at += length)));
    const shares = await deal();
    at = 0;
    const name = `${threshold} of ${count}`;
    await findings.ask(`dealing ${name}`, { ours: async () => concat(...(await deal())) }, concat(...shares));
    const terms = { pid, slot: 1, epoch: 1, threshold, count };
    const handed = shares.map((share, i) => {
      const [holder, seat] = [random(16), i + 1];
      return { holder, seat, share, commitment: commitShare(share, { ...terms, holder, seat }) };
    });
    const entry = { ...terms, vekCommitment: commitVek(secret, terms) };
    const some = handed.slice(count - threshold);
    await findings.ask(`combining ${name}`, { ours: async () => (await combineShares(some, entry)).vek }, secret);
    const few = handed.slice(1, threshold);
    await findings.ask(`one less than ${name}`, { ours: async () => (await combineShares(few, entry)).vek }, REFUSED);
    const dealt = [...shares.slice(1), shares[0]!];
    await findings.ask(
      `another order of ${name}`,
      { ours: async () => (await checkDealing(dealt, threshold, secret), 'taken') },
      REFUSED,
    );
  }
}
