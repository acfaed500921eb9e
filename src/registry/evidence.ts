/**
 * What a set of promises obliges the initiator to propose, whether a proposal obeyed, and who lied when two entries of one
 * slot are certified nevertheless. Pure, over messages whose signatures the caller has verified: a promise and an accept by
 * their holder, a proposal by the initiator of its ballot. docs/protocol.md section 5, "Vote" and "Fork".
 *
 * A report ("I accepted E in ballot b") is believed only with the proposal of b and, for the reports in that one, theirs,
 * down to the ballot in which E was born. So a lying holder can withhold an entry but not invent one.
 */
import {
  compareBallots,
  lastKey,
  type AcceptOf,
  type Ballot,
  type Id,
  type Last,
  type PromiseOf,
  type Proposal,
} from './vote.ts';

/** The proposal of `last.ballot` for `last.entry`, if the caller has it. */
export type Evidence = (last: Last) => Proposal | undefined;
/** The birth ballot written in an entry, if the caller knows the entry. */
export type Births = (entry: Id) => Ballot | undefined;

/**
 * What may be proposed with these promises, all of one ballot: the entry of the largest report, or with no report anything
 * born in this ballot (`free`). Promises by strangers, a holder's second promise and reports without evidence do not count.
 * `invalid`: fewer than `quorum` promises count, or the largest ballot is reported with two entries, either of which may be
 * certified. The second proves that its initiator proposed twice; only more promises can help.
 */
export function requiredEntry(
  promises: readonly PromiseOf[],
  quorum: number,
  holders: ReadonlySet<Id>,
  births: Births,
  evidence: Evidence,
): { entry: Id } | 'free' | { invalid: string } {
  const ballot = promises[0]?.ballot;
  if (ballot === undefined) return { invalid: 'there are no promises' };
  const proven = provenReports(promises, quorum, holders, births, evidence);
  return obligation(ballot, promises, quorum, holders, proven);
}

/**
 * True if `quorum` distinct holders promised exactly this ballot and the entry is the one they require, or, when they
 * require none, one born in this ballot. Work is linear in the evidence given. Its depth has no limit of its own: the
 * messages are limited in bytes, and a limit on rounds would let a hostile initiator end a slot for ever by half-finishing
 * that many.
 */
export function checkProposal(
  proposal: Proposal,
  quorum: number,
  holders: ReadonlySet<Id>,
  births: Births,
  evidence: Evidence,
): true | { invalid: string } {
  const proven = provenReports(proposal.promises, quorum, holders, births, evidence);
  return obeys(proposal, quorum, holders, births, proven);
}

function obeys(
  { ballot, entry, promises }: Proposal,
  quorum: number,
  holders: ReadonlySet<Id>,
  births: Births,
  proven: { has(report: string): boolean },
): true | { invalid: string } {
  const required = obligation(ballot, promises, quorum, holders, proven);
  if (required === 'free') {
    const birth = births(entry);
    if (birth !== undefined && compareBallots(birth, ballot) === 0) return true; // V138
    return { invalid: 'nothing was accepted before, but the entry was not born in this ballot' };
  }
  if ('invalid' in required) return required;
  return required.entry === entry ? true : { invalid: 'the promises require another entry' }; // V139
}

function obligation(
  ballot: Ballot,
  promises: readonly PromiseOf[],
  quorum: number,
  holders: ReadonlySet<Id>,
  proven: { has(report: string): boolean },
): { entry: Id } | 'free' | { invalid: string } {
  const counted = new Set<Id>();
  let largest: Ballot | undefined;
  const reports = new Map<Id, number>(); // of the largest ballot
  for (const { holder, ballot: promised, last } of promises) {
    if (!holders.has(holder) || counted.has(holder) || compareBallots(promised, ballot) !== 0) continue; // V134
    if (last !== null && !(compareBallots(last.ballot, ballot) < 0 && proven.has(lastKey(last)))) continue; // V135
    counted.add(holder);
    if (last === null) continue;
    const order = largest === undefined ? 1 : compareBallots(last.ballot, largest);
    if (order < 0) continue;
    if (order > 0) reports.clear();
    largest = last.ballot;
    reports.set(last.entry, (reports.get(last.entry) ?? 0) + 1);
  }
  if (counted.size < quorum) return { invalid: `${counted.size} promises count, ${quorum} are needed` }; // V136
  const entries = [...reports.keys()].sort();
  if (entries.length <= 1) return entries[0] === undefined ? 'free' : { entry: entries[0] };
  // Its initiator proposed twice. What `quorum` of the promises do not report was certified nowhere: quorums intersect.
  const possible = entries.filter((entry) => counted.size - (reports.get(entry) ?? 0) < quorum);
  if (possible.length > 1) return { invalid: 'two entries were proposed in the largest ballot reported' }; // V137
  return { entry: (possible[0] ?? entries[0]) as Id };
}

/** Which reports, in these promises and in the evidence behind them, are proven. */
function provenReports(
  promises: readonly PromiseOf[],
  quorum: number,
  holders: ReadonlySet<Id>,
  births: Births,
  evidence: Evidence,
): ReadonlySet<string> {
  const found = new Map<string, Proposal>();
  const open = [...promises];
  for (const { last } of open) {
    if (last === null || found.has(lastKey(last))) continue;
    const proposal = evidence(last);
    if (proposal === undefined || lastKey(proposal) !== lastKey(last)) continue;
    found.set(lastKey(last), proposal);
    for (const promise of proposal.promises) open.push(promise);
  }
  return new Set(provenProposals([...found.values()], quorum, holders, births).keys());
}

/**
 * The proposals that hold, by `lastKey`, each with these alone as evidence. The signature of a proposal does not cover its
 * promises, so anybody can send it again with fewer: of several copies the first that holds is taken.
 */
export function provenProposals<P extends Proposal>(
  copies: readonly P[],
  quorum: number,
  holders: ReadonlySet<Id>,
  births: Births,
): ReadonlyMap<string, P> {
  const proven = new Map<string, P>();
  // A report is of a lower ballot than the promise that makes it, so from the lowest up each is decided once.
  for (const copy of [...copies].sort((a, b) => compareBallots(a.ballot, b.ballot))) {
    if (!proven.has(lastKey(copy)) && obeys(copy, quorum, holders, births, proven) === true)
      proven.set(lastKey(copy), copy);
  }
  return proven;
}

/** What one side of a fork can show. Promises inside the proposals count too; `promises` adds those that an entry carries. */
export interface Testimony {
  readonly accepts: readonly AcceptOf[];
  readonly promises: readonly PromiseOf[];
  readonly proposals: readonly Proposal[];
}

/**
 * Who provably broke the rules, sorted: a holder that accepted two entries in one ballot, one that accepted in a ballot and
 * in the promise of a higher one reported less, an initiator that proposed two entries in one ballot. Nobody who kept the
 * rules (and its memory) is ever named. Two certificates with all proposals behind them, down to the birth of both entries,
 * name at least one; with the certificates alone the answer may be empty.
 */
export function culprits(a: Testimony, b: Testimony): Id[] {
  const proposals = [...a.proposals, ...b.proposals];
  const promises = [...a.promises, ...b.promises, ...proposals.flatMap((proposal) => proposal.promises)];
  const accepts: AcceptOf[] = [...a.accepts, ...b.accepts];
  for (const { holder, last } of promises) if (last !== null) accepts.push({ holder, ...last });

  const named = new Set<Id>();
  const acceptedIn = new Map<string, Id>();
  for (const { holder, ballot, entry } of accepts) {
    const key = `${holder}/${ballot.round}/${ballot.initiator}`;
    if ((acceptedIn.get(key) ?? entry) !== entry) named.add(holder);
    acceptedIn.set(key, entry);
    for (const promise of promises) {
      if (promise.holder !== holder || compareBallots(promise.ballot, ballot) <= 0) continue;
      if (promise.last === null || compareBallots(promise.last.ballot, ballot) < 0) named.add(holder);
    }
  }
  const proposedIn = new Map<string, Id>();
  for (const { ballot, entry } of proposals) {
    const key = `${ballot.round}/${ballot.initiator}`;
    if ((proposedIn.get(key) ?? entry) !== entry) named.add(ballot.initiator);
    proposedIn.set(key, entry);
  }
  return [...named].sort();
}
