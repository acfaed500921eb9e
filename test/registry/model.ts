/**
 * A model of the vote on one slot, around the real transition functions (or planted variants of them): its states and moves.
 *
 * The network is the set of all messages ever sent: any of them may arrive at any time, in any order, often, or never. A
 * crash is a holder or an initiator that takes no further step; losing a message after the durable write is the same. Every
 * ballot may be asked for at any time (a takeover is a higher ballot), and every request has its approvals. So the states
 * reached here cover every schedule with that many holders and ballots.
 *
 * Holders that nothing tells apart are interchangeable: states that differ by a permutation of them count once. The promises that justify a proposal are kept, but only its ballot and
 * entry tell states apart: what a holder does depends on nothing else, since every proposal kept here has been checked.
 */
import { checkProposal, requiredEntry, type Evidence, type Testimony } from '../../src/registry/evidence.ts';
import {
  accept,
  certified,
  EMPTY_HOLDER,
  prepare,
  type AcceptOf,
  type Ballot,
  type HolderState,
  type Id,
  type Last,
  type PromiseOf,
  type Proposal,
} from '../../src/registry/vote.ts';

export interface VoteRules {
  readonly prepare: typeof prepare;
  readonly accept: typeof accept;
  readonly certified: typeof certified;
  readonly requiredEntry: typeof requiredEntry;
  readonly checkProposal: typeof checkProposal;
}

export const REAL: VoteRules = { prepare, accept, certified, requiredEntry, checkProposal };

export interface Model {
  readonly holders: number;
  readonly quorum: number;
  readonly ballots: number;
  readonly rules?: VoteRules;
  /** The last holder promises and accepts whatever it likes, as often as it likes. */
  readonly liar?: boolean;
  /** Initiators propose whatever passes, as often as they like in one ballot: different bytes for the same approvals too. */
  readonly lyingInitiators?: boolean;
  /** A loss of memory that may happen at any time and often, to any holder or only to the last one. */
  readonly lapse?: {
    readonly who: 'any' | 'last';
    readonly text: string;
    readonly leaves: (state: HolderState) => HolderState;
  };
}

export interface Fork {
  readonly a: Testimony;
  readonly b: Testimony;
}

/** One holder: what it remembers and what it has sent. */
interface Voter {
  readonly id: Id;
  readonly state: HolderState;
  readonly promises: readonly PromiseOf[];
  readonly accepts: readonly AcceptOf[];
  readonly key: string;
}

export interface State {
  readonly voters: readonly Voter[];
  readonly proposals: readonly Proposal[];
  readonly proposalsKey: string;
}

export interface Step {
  readonly state: State;
  readonly text: () => string;
}

/** The moves of one model. */
export function createWorld(model: Model) {
  const rules = model.rules ?? REAL;
  const ids = Array.from({ length: model.holders }, (_, i) => `h${i + 1}`);
  const holders: ReadonlySet<Id> = new Set(ids);
  const special = model.liar === true || model.lapse?.who === 'last' ? ids.at(-1) : undefined;
  const liar = model.liar === true ? special : undefined;
  const ballots: Ballot[] = Array.from({ length: model.ballots }, (_, i) => ({ round: i + 1, initiator: `i${i + 1}` }));
  const entries = new Map<Id, Ballot>();
  for (const ballot of ballots) {
    entries.set(`e${ballot.round}`, ballot);
    if (model.lyingInitiators === true) entries.set(`f${ballot.round}`, ballot);
  }
  const births = (entry: Id) => entries.get(entry);
  const honest = ids.filter((id) => id !== liar);
  const quorums = subsets(honest, model.quorum);
  // More promises than a quorum oblige to nothing that some quorum of them does not, unless initiators lie.
  const most = model.lyingInitiators === true ? model.holders : model.quorum;

  const keyed = (voter: Omit<Voter, 'key'>): Voter => {
    const { promised, accepted } = voter.state;
    const sent = [...voter.promises.map(promiseKey), ...voter.accepts.map(lastKey)].sort().join(' ');
    return { ...voter, key: `${promised?.round ?? 0}${accepted ? lastKey(accepted) : ''};${sent}` };
  };

  const initial: State = {
    voters: ids.map((id) => keyed({ id, state: EMPTY_HOLDER, promises: [], accepts: [] })),
    proposals: [],
    proposalsKey: '',
  };

  function key({ voters, proposalsKey }: State): string {
    const named = voters.filter((v) => v.id === special).map((v) => v.key);
    const others = voters.filter((v) => v.id !== special).map((v) => v.key);
    return `${others.sort().join('|')}#${named.join('')}#${proposalsKey}`;
  }

  function evidenceIn(state: State): Evidence {
    return (last) => state.proposals.find((p) => p.ballot.round === last.ballot.round && p.entry === last.entry);
  }

  /** What the liar may say in a promise: nothing accepted, or any entry that exists, in any lower ballot or one that nobody used. */
  function lies(ballot: Ballot, state: State): PromiseOf[] {
    if (liar === undefined) return [];
    const lasts: (Last | null)[] = [null];
    for (const lower of ballots) {
      if (lower.round >= ballot.round) break;
      const unused: Ballot = { ...lower, initiator: 'nobody' };
      for (const entry of new Set(state.proposals.map((p) => p.entry))) {
        lasts.push({ ballot: lower, entry }, { ballot: unused, entry });
      }
    }
    return lasts.map((last) => ({ holder: liar, ballot, last }));
  }

  function steps(state: State): Step[] {
    return [...voterSteps(state), ...proposalSteps(state)];
  }

  function voterSteps(state: State): Step[] {
    const out: Step[] = [];
    const tried = new Set<string>();
    for (const [index, voter] of state.voters.entries()) {
      const { id, state: memory, promises, accepts } = voter;
      if (id === liar || (id !== special && tried.has(voter.key))) continue;
      tried.add(voter.key);
      const step = (changes: Partial<Voter>, text: () => string) => {
        const voters = state.voters.with(index, keyed({ ...voter, ...changes }));
        out.push({ state: { ...state, voters }, text });
      };
      for (const ballot of ballots) {
        const answer = rules.prepare(memory, ballot);
        if ('refused' in answer) continue;
        const promise: PromiseOf = { holder: id, ballot, last: answer.last };
        const sent = promises.some((p) => promiseKey(p) === promiseKey(promise));
        const changes = { state: answer.state, promises: sent ? promises : [...promises, promise] };
        step(changes, () => promiseText(promise));
      }
      for (const { ballot, entry } of state.proposals) {
        const answer = rules.accept(memory, { ballot, entry });
        if ('refused' in answer) continue;
        const sent = accepts.some((a) => lastKey(a) === lastKey({ ballot, entry }));
        const changes = { state: answer.state, accepts: sent ? accepts : [...accepts, { holder: id, ballot, entry }] };
        step(changes, () => `${id} accepts ${lastText({ ballot, entry })}`);
      }
      const { lapse } = model;
      if (lapse === undefined || (lapse.who === 'last' && id !== special)) continue;
      step({ state: lapse.leaves(memory) }, () => `${id} ${lapse.text}`);
    }
    return out;
  }

  function proposalSteps(state: State): Step[] {
    const out: Step[] = [];
    const evidence = evidenceIn(state);
    for (const ballot of ballots) {
      const made = new Set(state.proposals.filter((p) => p.ballot === ballot).map((p) => p.entry));
      if (made.size > 0 && model.lyingInitiators !== true) continue;
      const received = state.voters.flatMap((v) => v.promises.filter((p) => p.ballot === ballot));
      if (received.length + (liar === undefined ? 0 : 1) < model.quorum) continue;
      for (const promises of choices([...received, ...lies(ballot, state)], model.quorum, most)) {
        for (const entry of wanted(ballot, promises, evidence)) {
          if (made.has(entry)) continue;
          const proposal: Proposal = { ballot, entry, promises };
          if (rules.checkProposal(proposal, model.quorum, holders, births, evidence) !== true) continue;
          made.add(entry);
          const proposals = [...state.proposals, proposal];
          const proposalsKey = proposals.map(lastKey).sort().join(' ');
          const lie = promises.find((p) => p.holder === liar);
          const before = lie === undefined ? '' : `${promiseText(lie)} (a lie); `;
          out.push({
            state: { ...state, proposals, proposalsKey },
            text: () => `${before}${ballot.initiator} proposes ${lastText(proposal)}`,
          });
        }
      }
    }
    return out;
  }

  /** What the initiator of this ballot would propose: as required, or, if initiators lie, any entry there is. */
  function wanted(ballot: Ballot, promises: PromiseOf[], evidence: Evidence): Id[] {
    if (model.lyingInitiators === true) return [...entries.keys()];
    const required = rules.requiredEntry(promises, model.quorum, holders, births, evidence);
    if (required === 'free') return [`e${ballot.round}`];
    return 'entry' in required ? [required.entry] : [];
  }

  /** Every certified entry, with the first ballot of its certificate. */
  function decided(state: State): Last[] {
    const accepts = acceptsIn(state);
    if (accepts.length < model.quorum) return [];
    const out: Last[] = [];
    for (const entry of new Set(accepts.map((a) => a.entry))) {
      const those = accepts.filter((a) => a.entry === entry);
      const last = rules.certified(those, model.quorum, holders);
      if (last !== undefined) out.push(last);
    }
    return out;
  }

  function acceptsIn(state: State): AcceptOf[] {
    const accepts = state.voters.flatMap((v) => v.accepts);
    if (liar !== undefined)
      for (const { ballot, entry } of state.proposals) accepts.push({ holder: liar, ballot, entry });
    return accepts;
  }

  function fork(state: State, a: Last, b: Last): Fork {
    const evidence = evidenceIn(state);
    const side = (last: Last): Testimony => {
      const accepts = acceptsIn(state).filter((one) => lastKey(one) === lastKey(last));
      const proposals = [evidence(last) as Proposal];
      for (const { promises } of proposals) {
        for (const promise of promises) {
          const behind = promise.last === null ? undefined : evidence(promise.last);
          if (behind !== undefined && !proposals.includes(behind)) proposals.push(behind);
        }
      }
      return { accepts: accepts.slice(0, model.quorum), promises: [], proposals };
    };
    return { a: side(a), b: side(b) };
  }

  /** Why some quorum alone cannot finish, or finishes with another entry than `before`. */
  function stuck(state: State, before: Id | undefined): string | undefined {
    for (const quorum of quorums) {
      const members = state.voters.filter((v) => quorum.includes(v.id));
      const result = finish(members, evidenceIn(state));
      if ('problem' in result) return `${quorum.join(' and ')} cannot finish: ${result.problem}`;
      if (before !== undefined && result.entry !== before) {
        return `${quorum.join(' and ')} decide ${result.entry} after ${before}`;
      }
    }
    return undefined;
  }

  /** One more round among these holders only, with a ballot above all that they have promised. */
  function finish(members: Voter[], evidence: Evidence): { entry: Id } | { problem: string } {
    const round = 1 + Math.max(...members.map((v) => v.state.promised?.round ?? 0));
    const ballot: Ballot = { round, initiator: 'last' };
    const newborn = (entry: Id) => (entry === 'new' ? ballot : births(entry));
    const memories: HolderState[] = [];
    const promises: PromiseOf[] = [];
    for (const { id, state } of members) {
      const answer = rules.prepare(state, ballot);
      if ('refused' in answer) return { problem: answer.refused };
      memories.push(answer.state);
      promises.push({ holder: id, ballot, last: answer.last });
    }
    const required = rules.requiredEntry(promises, model.quorum, holders, newborn, evidence);
    if (required !== 'free' && 'invalid' in required) return { problem: required.invalid };
    const entry = required === 'free' ? 'new' : required.entry;
    const proposal: Proposal = { ballot, entry, promises };
    const verdict = rules.checkProposal(proposal, model.quorum, holders, newborn, evidence);
    if (verdict !== true) return { problem: verdict.invalid };
    const accepts: AcceptOf[] = [];
    for (const [i, { id }] of members.entries()) {
      const answer = rules.accept(memories[i] as HolderState, proposal);
      if ('refused' in answer) return { problem: answer.refused };
      accepts.push({ holder: id, ballot, entry });
    }
    return rules.certified(accepts, model.quorum, holders) ?? { problem: 'no certificate' };
  }

  return { initial, key, steps, decided, fork, stuck };
}

function lastKey({ ballot, entry }: Last): string {
  return `${ballot.round}${entry}`;
}

function promiseKey({ ballot, last }: PromiseOf): string {
  return `${ballot.round}>${last === null ? '' : lastKey(last)}`;
}

export function lastText({ ballot, entry }: Last): string {
  return `${entry} in ${ballot.initiator === 'nobody' ? 'an unused ballot after' : 'ballot'} ${ballot.round}`;
}

function promiseText({ holder, ballot, last }: PromiseOf): string {
  return `${holder} promises ballot ${ballot.round}${last === null ? '' : `, reporting ${lastText(last)}`}`;
}

function subsets<T>(items: readonly T[], size: number): T[][] {
  if (size === 0) return [[]];
  return items.flatMap((item, i) => subsets(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]));
}

/** Every way to take one promise from each of `least` to `most` holders. */
function choices(promises: readonly PromiseOf[], least: number, most: number): PromiseOf[][] {
  const bySender = new Map<Id, PromiseOf[]>();
  for (const promise of promises) bySender.set(promise.holder, [...(bySender.get(promise.holder) ?? []), promise]);
  const sizes = Array.from({ length: most - least + 1 }, (_, i) => least + i);
  return sizes
    .flatMap((size) => subsets([...bySender.values()], size))
    .flatMap((senders) =>
      senders.reduce<PromiseOf[][]>((all, sent) => all.flatMap((some) => sent.map((one) => [...some, one])), [[]]),
    );
}
