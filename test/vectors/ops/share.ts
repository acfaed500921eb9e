/** Operations on shares (docs/protocol.md, 3). Steps in the order of checks that stands there. */
import { type Bytes, equal } from '../../../src/bytes.ts';
import {
  checkDealing,
  combineShares,
  commitShare,
  commitVek,
  type Contribution,
  dealShares,
  type DealTerms,
  isCommitted,
} from '../../../src/crypto/share.ts';
import { isPassportError } from '../../../src/errors.ts';
import { type Input, type Operation, refuse } from '../schema.ts';

function termsOf(input: Input): DealTerms {
  return {
    pid: input.bytes('pid'),
    slot: input.number('slot'),
    epoch: input.number('epoch'),
    threshold: input.number('threshold'),
    count: input.number('count'),
  };
}

function contributionOf(input: Input): Contribution {
  return {
    holder: input.bytes('holder'),
    seat: input.number('seat'),
    commitment: input.bytes('commitment'),
    share: input.bytes('share'),
  };
}

/** Which check of one share fails, in their order. */
function whyBad(given: Contribution, terms: DealTerms): string {
  if (given.share.length !== 33 || given.share[32] === 0) return 'parse';
  const { holder, seat } = given;
  if (!equal(commitShare(given.share, { ...terms, holder, seat }), given.commitment)) return 'commitment';
  throw new TypeError('nothing is wrong with it');
}

function check(input: Input) {
  const [given, terms] = [contributionOf(input), termsOf(input)];
  if (!isCommitted(given, terms)) refuse(whyBad(given, terms));
  return { x: given.share[32] as number };
}

async function combine(input: Input) {
  const terms = termsOf(input);
  const contributions = input.objects('shares').map(contributionOf);
  try {
    const { vek, bad } = await combineShares(contributions, {
      ...terms,
      vekCommitment: input.bytes('vekCommitment'),
    });
    return { vek, bad };
  } catch (error) {
    if (!isPassportError(error, 'dealer-fault')) throw error;
    const good = contributions.filter((given) => isCommitted(given, terms));
    const xs = new Set(good.map(({ share }) => share[32]));
    return refuse(xs.size < terms.threshold ? 'approval' : 'commitment');
  }
}

async function deal(input: Input) {
  const first = [...input.many('first')];
  const random = (): Bytes => first.shift() as Bytes;
  return { shares: await dealShares(input.bytes('vek'), input.number('threshold'), input.number('count'), random) };
}

async function dealing(input: Input) {
  const shares = input.many('shares');
  try {
    await checkDealing(shares, input.number('threshold'), input.bytes('vek'));
  } catch (error) {
    if (!isPassportError(error, 'dealer-fault')) throw error;
    const formed = shares.every((share, i) => share.length === 33 && share[32] === i + 1);
    refuse(formed ? 'context' : 'parse');
  }
  return { shares: shares.length };
}

export const shares: Record<string, Operation> = {
  'share-commitment': (input) => ({
    commitment: commitShare(input.bytes('share'), {
      ...termsOf(input),
      holder: input.bytes('holder'),
      seat: input.number('seat'),
    }),
  }),
  'vek-commitment': (input) => ({ commitment: commitVek(input.bytes('vek'), termsOf(input)) }),
  'share-check': check,
  'shares-combine': combine,
  'shares-deal': deal,
  'dealing-check': dealing,
};
