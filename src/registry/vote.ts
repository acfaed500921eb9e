/**
 * What one holder may do in the vote on one slot, and when a slot is decided: single-decree Paxos (Lamport, "Paxos Made
 * Simple", 2001) with a certificate of signatures in place of a learner. Pure: states and messages in, states and
 * messages out. The caller has verified every signature, slot and prev, and writes the new state durably before it sends
 * anything. docs/protocol.md section 5, "Vote".
 *
 * Why two entries are never certified in one slot, while fewer than 2N - M holders lie or forget (so that any two quorums
 * share an honest holder), whatever initiators do. Let E be certified in ballot b. In b itself an honest holder accepts one
 * entry, so two quorums cannot accept two. Let d be the smallest ballot above b in which a valid proposal names another
 * entry. Any N promises of d share an honest holder with the accepts of E. Had it promised d first, it would have refused b.
 * So it accepted first, and its promise reports E in b or something in a ballot above b. Reports from between b and d are
 * all for E, by the choice of d. So the largest report is for E; or it is of b, where the initiator proposed two entries,
 * and then E is never given up: no N promises lack it (evidence.ts). Either way d cannot name another entry.
 */

/** A holder, a device or an entry, as lower-case hex: string order is byte order. */
export type Id = string;

/** `round` is an integer from 0. The initiator is the one device that may propose in this ballot. */
export interface Ballot {
  readonly round: number;
  readonly initiator: Id;
}

/** The newest thing a holder accepted. */
export interface Last {
  readonly ballot: Ballot;
  readonly entry: Id;
}

/** All that a holder must remember about a slot; always `accepted.ballot <= promised`. */
export interface HolderState {
  readonly promised: Ballot | null;
  readonly accepted: Last | null;
}

export interface PromiseOf {
  readonly holder: Id;
  readonly ballot: Ballot;
  readonly last: Last | null;
}

export interface AcceptOf {
  readonly holder: Id;
  readonly ballot: Ballot;
  readonly entry: Id;
}

export interface Proposal {
  readonly ballot: Ballot;
  readonly entry: Id;
  readonly promises: readonly PromiseOf[];
}

export const EMPTY_HOLDER: HolderState = { promised: null, accepted: null };

/** How far one request may move a holder: otherwise one hostile ballot of round 2^53 - 1 would end the slot for everybody. */
export const MAX_ROUND_STEP = 16;

/** By round, then by initiator. Negative, zero or positive. */
export function compareBallots(a: Ballot, b: Ballot): number {
  if (a.round !== b.round) return a.round - b.round;
  if (a.initiator === b.initiator) return 0;
  return a.initiator < b.initiator ? -1 : 1;
}

/**
 * Answers a request for a promise; `last` goes into the promise. A ballot promised before is `ballot-low` too: the caller
 * sends the promise of its journal again instead of making a second one.
 */
export function prepare(
  state: HolderState,
  ballot: Ballot,
): { state: HolderState; last: Last | null } | { refused: 'ballot-low' | 'round-too-far' } {
  if (state.promised !== null && compareBallots(ballot, state.promised) <= 0) return { refused: 'ballot-low' };
  if (ballot.round > (state.promised?.round ?? 0) + MAX_ROUND_STEP) return { refused: 'round-too-far' };
  return { state: { promised: ballot, accepted: state.accepted }, last: state.accepted };
}

/**
 * Accepts a proposal that passed `checkProposal` and whose entry is valid. A holder that missed the promises of this ballot
 * may accept in it all the same; it then has promised it (without that, it could later accept in a ballot below).
 * `ballot-taken`: it accepted another entry in this very ballot, so the initiator proposed twice.
 */
export function accept(
  state: HolderState,
  proposal: Pick<Proposal, 'ballot' | 'entry'>,
): { state: HolderState } | { refused: 'ballot-low' | 'ballot-taken' } {
  const { ballot, entry } = proposal;
  if (state.promised !== null && compareBallots(ballot, state.promised) < 0) return { refused: 'ballot-low' };
  const { accepted } = state;
  if (accepted !== null && compareBallots(accepted.ballot, ballot) === 0 && accepted.entry !== entry) {
    return { refused: 'ballot-taken' };
  }
  return { state: { promised: ballot, accepted: { ballot, entry } } };
}

/** The ballot and entry that `quorum` distinct holders accepted, if there is one. Strangers and repetitions do not count. */
export function certified(accepts: readonly AcceptOf[], quorum: number, holders: ReadonlySet<Id>): Last | undefined {
  const voters = new Map<string, Set<Id>>();
  for (const { holder, ballot, entry } of accepts) {
    if (!holders.has(holder)) continue;
    const key = lastKey({ ballot, entry });
    const those = voters.get(key) ?? new Set();
    voters.set(key, those.add(holder));
    if (those.size >= quorum) return { ballot, entry };
  }
  return undefined;
}

/** One string per (ballot, entry), for maps. */
export function lastKey({ ballot, entry }: Last): string {
  return `${ballot.round}/${ballot.initiator}/${entry}`;
}
