/**
 * Every schedule of small votes, through the real transition functions: at most one entry is certified, and every quorum
 * alone can still finish. Then the same search over planted faults: it must find each of them, and these are the attacks.
 * States count once per permutation of interchangeable holders (model.ts); the numbers are exact, so a search that quietly
 * explores less fails. With every permutation counted, 2 of 3 with 3 ballots are 71,104 states, 3 of 4 and 3 of 5 with
 * 2 ballots 9,536 and 324,096.
 */
import { afterAll, describe, expect, test } from 'vitest';
import {
  checkProposal,
  culprits,
  requiredEntry,
  type Births,
  type Evidence,
  type Testimony,
} from '../../src/registry/evidence.ts';
import {
  accept,
  compareBallots,
  EMPTY_HOLDER,
  prepare,
  type Id,
  type Last,
  type PromiseOf,
  type Proposal,
} from '../../src/registry/vote.ts';
import { REAL, type Fork, type Model, type VoteRules } from './model.ts';
import { search, type Result, type Search } from './search.ts';

const FORGETS: Model['lapse'] = { who: 'last', text: 'forgets everything', leaves: () => EMPTY_HOLDER };

const log: string[] = [];

function explore(what: string, model: Model, options: Search = {}): Result {
  const result = search(model, options);
  const { holders, quorum, ballots } = model;
  log.push(`${result.states} states, ${result.forks} forks: ${quorum} of ${holders}, ${ballots} ballots, ${what}`);
  return result;
}

function story({ violation, trace }: Result): string {
  return [violation ?? 'no violation found', ...trace].join('\n');
}

function expectSafe(result: Result, states: number): void {
  expect(result.violation, story(result)).toBeUndefined();
  expect(result.states).toBe(states);
}

function expectViolation(result: Result, violation: string, trace: string[]): void {
  expect(result.violation, story(result)).toBe(violation);
  expect(result.trace, story(result)).toEqual(trace);
}

afterAll(() => console.log(log.join('\n')));

describe('at most one entry is certified, and from every state every quorum alone can finish and agrees with it', () => {
  test.each([
    { holders: 3, quorum: 2, ballots: 3, states: 12_848 },
    { holders: 3, quorum: 3, ballots: 3, states: 960 },
    { holders: 4, quorum: 3, ballots: 3, states: 48_532 },
    { holders: 5, quorum: 3, ballots: 2, states: 5_214 },
  ])('$quorum of $holders holders, $ballots ballots', ({ states, ...model }) => {
    expectSafe(explore('all honest', model, { liveness: true }), states);
  });

  test('3 of 4 with one lying holder: its lies change nothing, and the honest three can finish', () => {
    const model = { holders: 4, quorum: 3, ballots: 3, liar: true };
    expectSafe(explore('one liar', model, { liveness: true }), 16_402);
  });

  test('3 of 4 with one holder that forgets, however often', () => {
    const model = { holders: 4, quorum: 3, ballots: 2, lapse: FORGETS };
    expectSafe(explore('one forgetful holder', model, { liveness: true }), 13_982);
  });

  test('3 of 3 with one holder that forgets, however often', () => {
    const model = { holders: 3, quorum: 3, ballots: 3, lapse: FORGETS };
    expectSafe(explore('one forgetful holder', model, { liveness: true }), 45_607);
  });
});

describe('initiators that propose twice in one ballot, or anything else that passes, cause no fork', () => {
  test.each([
    { holders: 3, quorum: 2, ballots: 2, states: 3_913 },
    { holders: 4, quorum: 3, ballots: 2, states: 7_929 },
    { holders: 4, quorum: 3, ballots: 2, liar: true, states: 11_285 },
  ])('$quorum of $holders holders ($states states)', ({ states, ...model }) => {
    expectSafe(explore('lying initiators', { ...model, lyingInitiators: true }), states);
  });

  test('but a quorum that accepted both cannot finish without the others', () => {
    const model = { holders: 3, quorum: 2, ballots: 2, lyingInitiators: true };
    expectViolation(
      explore('lying initiators', model, { liveness: true }),
      'h1 and h2 cannot finish: two entries were proposed in the largest ballot reported',
      [
        'h1 promises ballot 1',
        'h2 promises ballot 1',
        'i1 proposes e1 in ballot 1',
        'h1 accepts e1 in ballot 1',
        'i1 proposes f1 in ballot 1',
        'h2 accepts f1 in ballot 1',
      ],
    );
  });
});

describe('planted faults are found', () => {
  const three = { holders: 3, quorum: 2 };

  test('a holder that accepts without having promised the ballot', () => {
    const rules: VoteRules = {
      ...REAL,
      accept(state, proposal) {
        const answer = accept(state, proposal);
        return 'refused' in answer ? answer : { state: { ...answer.state, promised: state.promised } };
      },
    };
    expectViolation(
      explore('accept does not promise', { ...three, ballots: 3, rules }),
      'a fork: e1 in ballot 3 and e2 in ballot 2',
      [
        'h1 promises ballot 1',
        'h1 promises ballot 2',
        'h1 promises ballot 3',
        'h2 promises ballot 1',
        'h2 promises ballot 2',
        'i1 proposes e1 in ballot 1',
        'i2 proposes e2 in ballot 2',
        'h2 accepts e2 in ballot 2',
        'h3 accepts e2 in ballot 2',
        'h3 accepts e1 in ballot 1',
        'h3 promises ballot 3, reporting e1 in ballot 1',
        'i3 proposes e1 in ballot 3',
        'h1 accepts e1 in ballot 3',
        'h2 accepts e1 in ballot 3',
      ],
    );
  });

  test('a promise that does not report what was accepted', () => {
    const rules: VoteRules = {
      ...REAL,
      prepare(state, ballot) {
        const answer = prepare(state, ballot);
        return 'refused' in answer ? answer : { ...answer, last: null };
      },
    };
    expectViolation(
      explore('silent promises', { ...three, ballots: 2, rules }),
      'a fork: e2 in ballot 2 and e1 in ballot 1',
      [
        'h1 promises ballot 1',
        'h1 promises ballot 2',
        'h2 promises ballot 1',
        'i1 proposes e1 in ballot 1',
        'h2 accepts e1 in ballot 1',
        'h2 promises ballot 2',
        'h3 accepts e1 in ballot 1',
        'i2 proposes e2 in ballot 2',
        'h1 accepts e2 in ballot 2',
        'h2 accepts e2 in ballot 2',
      ],
    );
  });

  test('an expiry that releases a signature', () => {
    const lapse: Model['lapse'] = {
      who: 'any',
      text: 'takes its accept as expired',
      leaves: (state) => ({ ...state, accepted: null }),
    };
    expectViolation(explore('expiry', { ...three, ballots: 2, lapse }), 'a fork: e2 in ballot 2 and e1 in ballot 1', [
      'h1 promises ballot 1',
      'h1 promises ballot 2',
      'h2 promises ballot 1',
      'i1 proposes e1 in ballot 1',
      'h2 accepts e1 in ballot 1',
      'h2 takes its accept as expired',
      'h2 promises ballot 2',
      'h3 accepts e1 in ballot 1',
      'i2 proposes e2 in ballot 2',
      'h1 accepts e2 in ballot 2',
      'h2 accepts e2 in ballot 2',
    ]);
  });

  test('two entries with the same approvals, built in one ballot, if holders accept both', () => {
    const rules: VoteRules = { ...REAL, accept: (state, proposal) => accept({ ...state, accepted: null }, proposal) };
    const model = { ...three, ballots: 1, rules, lyingInitiators: true };
    expectViolation(explore('two entries in one ballot', model), 'a fork: e1 in ballot 1 and f1 in ballot 1', [
      'h1 promises ballot 1',
      'h2 promises ballot 1',
      'i1 proposes e1 in ballot 1',
      'h1 accepts e1 in ballot 1',
      'h2 accepts e1 in ballot 1',
      'i1 proposes f1 in ballot 1',
      'h1 accepts f1 in ballot 1',
      'h2 accepts f1 in ballot 1',
    ]);
  });

  test('two entries with the same approvals, built in one ballot, if the next initiator may take either', () => {
    const rules = reading((promises) => onlyReport(promises, (a, b) => compareBallots(b.ballot, a.ballot)));
    const model = { ...three, ballots: 2, rules, lyingInitiators: true };
    expectViolation(explore('either of two entries', model), 'a fork: e1 in ballot 2 and f1 in ballot 1', [
      'h1 promises ballot 1',
      'h2 promises ballot 1',
      'i1 proposes e1 in ballot 1',
      'h1 accepts e1 in ballot 1',
      'h1 promises ballot 2, reporting e1 in ballot 1',
      'i1 proposes f1 in ballot 1',
      'h2 accepts f1 in ballot 1',
      'h2 promises ballot 2, reporting f1 in ballot 1',
      'h3 accepts f1 in ballot 1',
      'i2 proposes e1 in ballot 2',
      'h1 accepts e1 in ballot 2',
      'h2 accepts e1 in ballot 2',
    ]);
  });

  test('the smallest ballot reported instead of the largest', () => {
    const rules = reading((promises) => onlyReport(promises, (a, b) => compareBallots(a.ballot, b.ballot)));
    expectViolation(
      explore('smallest report', { ...three, ballots: 3, rules }),
      'a fork: e2 in ballot 2 and e1 in ballot 3',
      [
        'h1 promises ballot 1',
        'h1 promises ballot 2',
        'h2 promises ballot 1',
        'h2 promises ballot 2',
        'i1 proposes e1 in ballot 1',
        'h3 accepts e1 in ballot 1',
        'h3 promises ballot 3, reporting e1 in ballot 1',
        'i2 proposes e2 in ballot 2',
        'h1 accepts e2 in ballot 2',
        'h1 promises ballot 3, reporting e2 in ballot 2',
        'h2 accepts e2 in ballot 2',
        'i3 proposes e1 in ballot 3',
        'h1 accepts e1 in ballot 3',
        'h2 accepts e1 in ballot 3',
      ],
    );
  });

  test('a quorum that is only half of the holders', () => {
    expectViolation(
      explore('half', { holders: 4, quorum: 2, ballots: 2 }),
      'a fork: e2 in ballot 2 and e1 in ballot 1',
      [
        'h1 promises ballot 1',
        'h1 promises ballot 2',
        'h2 promises ballot 1',
        'h2 promises ballot 2',
        'i1 proposes e1 in ballot 1',
        'h3 accepts e1 in ballot 1',
        'h4 accepts e1 in ballot 1',
        'i2 proposes e2 in ballot 2',
        'h1 accepts e2 in ballot 2',
        'h2 accepts e2 in ballot 2',
      ],
    );
  });

  test('reports that are believed without evidence: one lying holder of four is enough', () => {
    const rules: VoteRules = {
      ...REAL,
      requiredEntry: (promises, quorum, holders, births, evidence) =>
        requiredEntry(promises, quorum, holders, births, credulous(evidence, births, holders)),
      checkProposal: (proposal, quorum, holders, births, evidence) =>
        checkProposal(proposal, quorum, holders, births, credulous(evidence, births, holders)),
    };
    expectViolation(
      explore('no evidence', { holders: 4, quorum: 3, ballots: 3, liar: true, rules }),
      'a fork: e1 in ballot 3 and e2 in ballot 2',
      [
        'h1 promises ballot 1',
        'h1 promises ballot 2',
        'h1 promises ballot 3',
        'h2 promises ballot 1',
        'h2 promises ballot 2',
        'h4 promises ballot 1 (a lie); i1 proposes e1 in ballot 1',
        'h4 promises ballot 2 (a lie); i2 proposes e2 in ballot 2',
        'h2 accepts e2 in ballot 2',
        'h2 promises ballot 3, reporting e2 in ballot 2',
        'h3 accepts e2 in ballot 2',
        'h4 promises ballot 3, reporting e1 in an unused ballot after 2 (a lie); i3 proposes e1 in ballot 3',
        'h1 accepts e1 in ballot 3',
        'h2 accepts e1 in ballot 3',
      ],
    );
  });
});

describe('2 of 3 does not survive a holder that lies or forgets, but the fork names it', () => {
  const three = { holders: 3, quorum: 2 };

  test('a holder that forgets', () => {
    expectViolation(
      explore('one forgetful holder', { ...three, ballots: 2, lapse: FORGETS }),
      'a fork: e2 in ballot 2 and e1 in ballot 1',
      [
        'h1 promises ballot 1',
        'h1 promises ballot 2',
        'h2 promises ballot 1',
        'h3 promises ballot 2',
        'h3 forgets everything',
        'i1 proposes e1 in ballot 1',
        'h2 accepts e1 in ballot 1',
        'h3 accepts e1 in ballot 1',
        'i2 proposes e2 in ballot 2',
        'h1 accepts e2 in ballot 2',
        'h2 accepts e2 in ballot 2',
      ],
    );
  });

  test('a holder that lies', () => {
    expectViolation(
      explore('one liar', { ...three, ballots: 2, liar: true }),
      'a fork: e2 in ballot 2 and e1 in ballot 1',
      [
        'h1 promises ballot 1',
        'h1 promises ballot 2',
        'h3 promises ballot 1 (a lie); i1 proposes e1 in ballot 1',
        'h2 accepts e1 in ballot 1',
        'h3 promises ballot 2 (a lie); i2 proposes e2 in ballot 2',
        'h1 accepts e2 in ballot 2',
      ],
    );
  });

  test.each<{ what: string; model: Model; maxForks?: number; forks: number }>([
    { what: 'one liar', model: { ...three, ballots: 3, liar: true }, forks: 411 },
    { what: 'one forgetful holder', model: { ...three, ballots: 2, lapse: FORGETS }, forks: 244 },
    { what: 'one forgetful holder', model: { ...three, ballots: 3, lapse: FORGETS }, maxForks: 1_000, forks: 1_000 },
  ])('every fork names that holder alone ($what, $model.ballots ballots)', ({ what, model, maxForks, forks }) => {
    const named = new Set<string>();
    const onFork = ({ a, b }: Fork) => named.add(culprits(a, b).join(' '));
    const result = explore(what, model, { onFork, ...(maxForks === undefined ? {} : { maxForks }) });
    expect(result.forks).toBe(forks);
    expect([...named]).toEqual(['h3']);
  });

  test('without the proposals behind a certificate, only the births of the entries, some forks name nobody', () => {
    const births = ({ accepts, proposals }: Testimony): Testimony => ({
      accepts,
      promises: proposals.filter(isBirth).flatMap(({ promises }) => promises),
      proposals: [],
    });
    const isBirth = ({ promises }: Proposal) => promises.every(({ last }) => last === null);
    const named = new Map<string, number>();
    const onFork = ({ a, b }: Fork) => {
      const names = culprits(births(a), births(b)).join(' ');
      named.set(names, (named.get(names) ?? 0) + 1);
    };
    explore('one liar, certificates alone', { ...three, ballots: 3, liar: true }, { onFork });
    expect(Object.fromEntries(named)).toEqual({ h3: 375, '': 36 });
  });

  test('with lying initiators too, every fork names the lying holder, and besides it only initiators', () => {
    const model = { ...three, ballots: 2, liar: true, lyingInitiators: true };
    const named = new Set<string>();
    explore('one liar, lying initiators', model, { onFork: ({ a, b }) => named.add(culprits(a, b).join(' ')) });
    expect([...named].sort()).toEqual(['h3', 'h3 i1', 'h3 i1 i2', 'h3 i2']);
  });
});

/** Rules that read promises through `as`, in the proposals of the evidence too. */
function reading(as: (promises: readonly PromiseOf[]) => PromiseOf[]): VoteRules {
  const through = (evidence: Evidence): Evidence => {
    return (last) => {
      const proposal = evidence(last);
      return proposal && { ...proposal, promises: as(proposal.promises) };
    };
  };
  return {
    ...REAL,
    requiredEntry: (promises, quorum, holders, births, evidence) =>
      requiredEntry(as(promises), quorum, holders, births, through(evidence)),
    checkProposal: (proposal, quorum, holders, births, evidence) =>
      checkProposal({ ...proposal, promises: as(proposal.promises) }, quorum, holders, births, through(evidence)),
  };
}

/** The promises with only the first report in this order left. */
function onlyReport(promises: readonly PromiseOf[], order: (a: Last, b: Last) => number): PromiseOf[] {
  const [first] = promises.flatMap(({ last }) => last ?? []).sort(order);
  const from = promises.find(({ last }) => last === first);
  return promises.map((promise) => (promise === from ? promise : { ...promise, last: null }));
}

/** Evidence that makes up the proposals it lacks, with promises of everybody. */
function credulous(evidence: Evidence, births: Births, holders: ReadonlySet<Id>): Evidence {
  return (last) => {
    const { ballot, entry } = last;
    const birth = births(entry);
    if (birth === undefined) return undefined;
    const before = compareBallots(birth, ballot) === 0 ? null : { ballot: birth, entry };
    const promises = [...holders].map((holder) => ({ holder, ballot, last: before }));
    return evidence(last) ?? { ballot, entry, promises };
  };
}
