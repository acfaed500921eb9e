/** The rules of the vote, one by one, and random schedules of larger votes than the search can exhaust. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkProposal,
  culprits,
  provenProposals,
  requiredEntry,
  type Evidence,
  type Testimony,
} from '../../src/registry/evidence.ts';
import {
  accept,
  certified,
  compareBallots,
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
import { createWorld, type Model } from './model.ts';

const ballot = (round: number, initiator: Id = 'aa'): Ballot => ({ round, initiator });
const last = (round: number, entry: Id): Last => ({ ballot: ballot(round), entry });
const promise = (holder: Id, round: number, reported: Last | null = null): PromiseOf => ({
  holder,
  ballot: ballot(round),
  last: reported,
});
const acceptOf = (holder: Id, round: number, entry: Id): AcceptOf => ({ holder, ...last(round, entry) });
const proposal = (round: number, entry: Id, promises: PromiseOf[]): Proposal => ({ ...last(round, entry), promises });

describe('ballots', () => {
  test('are ordered by round, then by initiator', () => {
    const sorted = [ballot(2, 'aa'), ballot(1, 'bb'), ballot(10, '00'), ballot(1, 'aa')].sort(compareBallots);
    expect(sorted).toEqual([ballot(1, 'aa'), ballot(1, 'bb'), ballot(2, 'aa'), ballot(10, '00')]);
  });

  test('of the same round and initiator are equal', () => {
    expect(compareBallots(ballot(3), ballot(3))).toBe(0);
  });
});

describe('a promise', () => {
  const state: HolderState = { promised: ballot(5, 'bb'), accepted: last(4, 'e4') };

  test('is given for a higher ballot and reports what was accepted', () => {
    expect(prepare(state, ballot(5, 'cc'))).toEqual({
      state: { promised: ballot(5, 'cc'), accepted: last(4, 'e4') },
      last: last(4, 'e4'),
    });
  });

  test('reports nothing when nothing was accepted', () => {
    expect(prepare(EMPTY_HOLDER, ballot(0))).toEqual({ state: { promised: ballot(0), accepted: null }, last: null });
  });

  test('is refused for a lower ballot', () => {
    expect(prepare(state, ballot(5, 'aa'))).toEqual({ refused: 'ballot-low' });
    expect(prepare(state, ballot(4, 'cc'))).toEqual({ refused: 'ballot-low' });
  });

  test('is refused for the ballot promised before: that promise exists already', () => {
    expect(prepare(state, ballot(5, 'bb'))).toEqual({ refused: 'ballot-low' });
  });

  test('is given for a round up to 16 above the one promised, and refused above', () => {
    expect(prepare(state, ballot(21))).toMatchObject({ state: { promised: ballot(21) } });
    expect(prepare(state, ballot(22))).toEqual({ refused: 'round-too-far' });
    expect(prepare(EMPTY_HOLDER, ballot(16))).toMatchObject({ state: { promised: ballot(16) } });
    expect(prepare(EMPTY_HOLDER, ballot(17))).toEqual({ refused: 'round-too-far' });
  });
});

describe('an accept', () => {
  const state: HolderState = { promised: ballot(5), accepted: last(4, 'e4') };

  test('is given in the ballot promised', () => {
    expect(accept(state, last(5, 'e5'))).toEqual({ state: { promised: ballot(5), accepted: last(5, 'e5') } });
  });

  test('is given in a higher ballot, however far, and promises it', () => {
    expect(accept(state, last(99, 'e9'))).toEqual({ state: { promised: ballot(99), accepted: last(99, 'e9') } });
  });

  test('is given by a holder that has promised nothing', () => {
    expect(accept(EMPTY_HOLDER, last(1, 'e1'))).toEqual({ state: { promised: ballot(1), accepted: last(1, 'e1') } });
  });

  test('is refused below the ballot promised', () => {
    expect(accept(state, last(4, 'e4'))).toEqual({ refused: 'ballot-low' });
  });

  test('is the same when the same proposal comes again', () => {
    const after: HolderState = { promised: ballot(5), accepted: last(5, 'e5') };
    expect(accept(after, last(5, 'e5'))).toEqual({ state: after });
  });

  test('is refused for a second entry in one ballot', () => {
    const after: HolderState = { promised: ballot(5), accepted: last(5, 'e5') };
    expect(accept(after, last(5, 'f5'))).toEqual({ refused: 'ballot-taken' });
  });
});

describe('a certificate', () => {
  const holders = new Set(['h1', 'h2', 'h3']);

  test('is the accepts of a quorum for one ballot and entry', () => {
    const accepts = [acceptOf('h1', 1, 'e'), acceptOf('h3', 1, 'e')];
    expect(certified(accepts, 2, holders)).toEqual(last(1, 'e'));
  });

  test.each([
    ['too few', [acceptOf('h1', 1, 'e')]],
    ['one holder twice', [acceptOf('h1', 1, 'e'), acceptOf('h1', 1, 'e')]],
    ['a stranger', [acceptOf('h1', 1, 'e'), acceptOf('h9', 1, 'e')]],
    ['two ballots', [acceptOf('h1', 1, 'e'), acceptOf('h2', 2, 'e')]],
    [
      'ballots of two initiators in one round',
      [acceptOf('h1', 1, 'e'), { holder: 'h2', ballot: ballot(1, 'bb'), entry: 'e' }],
    ],
    ['two entries', [acceptOf('h1', 1, 'e'), acceptOf('h2', 1, 'f')]],
    ['none', []],
  ])('is not: %s', (_, accepts) => {
    expect(certified(accepts, 2, holders)).toBeUndefined();
  });

  test('needs every founder at slot 0, where the quorum is all of them', () => {
    const accepts = [acceptOf('h1', 0, 'e'), acceptOf('h2', 0, 'e')];
    expect(certified(accepts, 3, holders)).toBeUndefined();
    expect(certified([...accepts, acceptOf('h3', 0, 'e')], 3, holders)).toEqual(last(0, 'e'));
  });
});

describe('what the promises require', () => {
  const holders = new Set(['h1', 'h2', 'h3', 'h4']);
  // e1 was born in ballot 1 and proposed again in 3; e2 was born in 2.
  const known = [
    proposal(1, 'e1', [promise('h1', 1), promise('h2', 1), promise('h3', 1)]),
    proposal(2, 'e2', [promise('h2', 2), promise('h3', 2), promise('h4', 2)]),
    proposal(3, 'e1', [promise('h1', 3, last(1, 'e1')), promise('h3', 3), promise('h4', 3)]),
  ];
  const births = (entry: Id) => ({ e1: ballot(1), e2: ballot(2), e9: ballot(9) })[entry];
  const evidenceOf =
    (proposals: Proposal[]): Evidence =>
    ({ ballot: { round }, entry }) =>
      proposals.find((p) => p.ballot.round === round && p.entry === entry);
  const required = (promises: PromiseOf[], proposals = known) =>
    requiredEntry(promises, 3, holders, births, evidenceOf(proposals));
  const check = (made: Proposal, proposals = known) => checkProposal(made, 3, holders, births, evidenceOf(proposals));

  test('is nothing when a quorum reports nothing', () => {
    expect(required([promise('h1', 9), promise('h2', 9), promise('h4', 9)])).toBe('free');
  });

  test('is the entry of the only report', () => {
    expect(required([promise('h1', 9, last(1, 'e1')), promise('h2', 9), promise('h4', 9)])).toEqual({ entry: 'e1' });
  });

  test('is the entry of the largest ballot, not the one reported most often', () => {
    const promises = [
      promise('h1', 9, last(1, 'e1')),
      promise('h2', 9, last(2, 'e2')),
      promise('h3', 9, last(1, 'e1')),
    ];
    expect(required(promises)).toEqual({ entry: 'e2' });
  });

  test('counts the ballot in which an entry was accepted, not the one of its birth', () => {
    const promises = [promise('h1', 9, last(3, 'e1')), promise('h2', 9, last(2, 'e2')), promise('h3', 9)];
    expect(required(promises)).toEqual({ entry: 'e1' });
  });

  test.each([
    ['too few', [promise('h1', 9), promise('h2', 9)], '2 promises count, 3 are needed'],
    ['none', [], 'there are no promises'],
    ['one of a stranger', [promise('h1', 9), promise('h2', 9), promise('h9', 9)], '2 promises count, 3 are needed'],
    ['one holder twice', [promise('h1', 9), promise('h2', 9), promise('h2', 9)], '2 promises count, 3 are needed'],
    ['one of another ballot', [promise('h1', 9), promise('h2', 9), promise('h3', 8)], '2 promises count, 3 are needed'],
    [
      'a report without evidence',
      [promise('h1', 9), promise('h2', 9), promise('h3', 9, last(8, 'e1'))],
      '2 promises count, 3 are needed',
    ],
    [
      'a report of the very ballot that is promised',
      [promise('h1', 3), promise('h2', 3), promise('h3', 3, last(3, 'e1'))],
      '2 promises count, 3 are needed',
    ],
  ])('is invalid: %s', (_, promises, invalid) => {
    expect(required(promises)).toEqual({ invalid });
  });

  test('ignores promises that do not count when enough others do', () => {
    const good = [promise('h1', 9), promise('h2', 9, last(1, 'e1')), promise('h3', 9)];
    const bad = [promise('h9', 9, last(2, 'e2')), promise('h1', 9, last(2, 'e2')), promise('h4', 9, last(8, 'e2'))];
    expect(required([...good, ...bad])).toEqual({ entry: 'e1' });
  });

  describe('of one ballot with two entries', () => {
    const twice = [...known, proposal(1, 'f1', [promise('h1', 1), promise('h2', 1), promise('h3', 1)])];
    const two = (entry: Id) => (entry === 'f1' ? ballot(1) : births(entry));
    const e = last(1, 'e1');
    const f = last(1, 'f1');
    const requires = (promises: PromiseOf[]) => requiredEntry(promises, 3, holders, two, evidenceOf(twice));

    test('is unknown: either may be certified', () => {
      const promises = [promise('h1', 9, e), promise('h2', 9, f), promise('h3', 9)];
      expect(requires(promises)).toEqual({ invalid: 'two entries were proposed in the largest ballot reported' });
    });

    test('is the one that a quorum may have accepted', () => {
      const promises = [promise('h1', 9, e), promise('h2', 9, f), promise('h3', 9, e), promise('h4', 9)];
      expect(requires(promises)).toEqual({ entry: 'e1' });
    });

    test('is the smaller id if no quorum can have accepted either', () => {
      const promises = [promise('h1', 9, f), promise('h2', 9, e), promise('h3', 9), promise('h4', 9)];
      expect(requires(promises)).toEqual({ entry: 'e1' });
    });

    test('does not matter below the largest ballot', () => {
      const promises = [promise('h1', 9, e), promise('h2', 9, f), promise('h3', 9, last(2, 'e2'))];
      expect(requires(promises)).toEqual({ entry: 'e2' });
    });
  });

  test('a proposal obeys: the required entry', () => {
    const promises = [promise('h1', 9, last(3, 'e1')), promise('h2', 9, last(2, 'e2')), promise('h3', 9)];
    expect(check(proposal(9, 'e1', promises))).toBe(true);
    expect(check(proposal(9, 'e2', promises))).toEqual({ invalid: 'the promises require another entry' });
  });

  test('a proposal obeys: when all report nothing, an entry born in this very ballot', () => {
    const promises = [promise('h1', 9), promise('h2', 9), promise('h3', 9)];
    const invalid = 'nothing was accepted before, but the entry was not born in this ballot';
    expect(check(proposal(9, 'e9', promises))).toBe(true);
    expect(check(proposal(9, 'e1', promises))).toEqual({ invalid });
    expect(check(proposal(9, 'unknown', promises))).toEqual({ invalid });
  });

  test('a newborn entry is refused where another is required', () => {
    const promises = [promise('h1', 9, last(1, 'e1')), promise('h2', 9), promise('h3', 9)];
    expect(check(proposal(9, 'e9', promises))).toEqual({ invalid: 'the promises require another entry' });
  });

  test('a proposal needs promises of its own ballot', () => {
    const promises = [promise('h1', 8), promise('h2', 8), promise('h3', 8)];
    expect(check(proposal(9, 'e9', promises))).toEqual({ invalid: '0 promises count, 3 are needed' });
  });

  describe('evidence reaches down to the ballot of birth', () => {
    const promises = [promise('h1', 9, last(3, 'e1')), promise('h2', 9), promise('h3', 9)];
    const [birth, other, again] = known as [Proposal, Proposal, Proposal];
    const lacking = { invalid: '2 promises count, 3 are needed' };

    test('with all of it the report counts', () => {
      expect(required(promises, [birth, again])).toEqual({ entry: 'e1' });
    });

    test.each<[string, Proposal[]]>([
      ['the proposal of birth is missing', [other, again]],
      ['the proposal reported is missing', [birth, other]],
      ['a proposal has too few promises', [birth, { ...again, promises: again.promises.slice(1) }]],
      [
        'a proposal did not obey its promises',
        [birth, { ...again, promises: [promise('h1', 3), promise('h3', 3), promise('h4', 3)] }],
      ],
      [
        'the first ballot is not the birth',
        [
          proposal(2, 'e1', other.promises as PromiseOf[]),
          proposal(3, 'e1', [promise('h1', 3, last(2, 'e1')), promise('h3', 3), promise('h4', 3)]),
        ],
      ],
    ])('it does not count when %s', (_, proposals) => {
      expect(required(promises, proposals)).toEqual(lacking);
    });

    test('it does not count when the evidence is for something else', () => {
      const evidence: Evidence = () => birth;
      expect(requiredEntry(promises, 3, holders, births, evidence)).toEqual(lacking);
    });

    test('of several copies of a proposal, in any order, the one that holds is taken', () => {
      const cut = (whole: Proposal): Proposal => ({ ...whole, promises: whole.promises.slice(1) });
      const copies = [cut(again), again, cut(birth), birth, cut(again)];
      for (const order of [copies, copies.toReversed()]) {
        const proven = provenProposals(order, 3, holders, births);
        expect([...proven.values()]).toEqual([birth, again]);
      }
      expect([...provenProposals([again, cut(birth)], 3, holders, births).keys()]).toEqual([]);
    });

    test('evidence that refers to itself proves nothing', () => {
      const circle = proposal(3, 'e1', [promise('h1', 3, last(3, 'e1')), promise('h2', 3), promise('h3', 3)]);
      expect(required(promises, [circle])).toEqual(lacking);
    });

    test('a thousand rounds that each reached one holder are proven in one pass', () => {
      const rounds = [birth];
      for (let round = 2; round <= 1_000; round++) {
        const before = [last(round - 1, 'e1'), last(Math.max(1, round - 2), 'e1'), last(Math.max(1, round - 3), 'e1')];
        rounds.push(
          proposal(
            round,
            'e1',
            before.map((reported, i) => promise(`h${i + 1}`, round, reported)),
          ),
        );
      }
      const newest = [promise('h1', 1_001, last(1_000, 'e1')), promise('h2', 1_001), promise('h3', 1_001)];
      expect(required(newest, rounds)).toEqual({ entry: 'e1' });
      expect(required(newest, rounds.slice(1))).toEqual({ invalid: '2 promises count, 3 are needed' });
    });
  });
});

describe('a fork names', () => {
  const testimony = (parts: Partial<Testimony>): Testimony => ({ accepts: [], promises: [], proposals: [], ...parts });

  test('a holder that accepted two entries in one ballot', () => {
    const a = testimony({ accepts: [acceptOf('h1', 1, 'e'), acceptOf('h2', 1, 'e')] });
    const b = testimony({ accepts: [acceptOf('h2', 1, 'f'), acceptOf('h3', 1, 'f')] });
    expect(culprits(a, b)).toEqual(['h2']);
  });

  test('everybody at fault, in one order, whoever is found first', () => {
    const a = testimony({ accepts: [acceptOf('h2', 1, 'e'), acceptOf('h1', 1, 'e')] });
    const b = testimony({ accepts: [acceptOf('h2', 1, 'f'), acceptOf('h1', 1, 'f')] });
    expect(culprits(a, b)).toEqual(['h1', 'h2']);
  });

  test('a holder that promised a higher ballot and reported nothing, or less, than it accepted', () => {
    const a = testimony({ accepts: [acceptOf('h1', 2, 'e'), acceptOf('h2', 2, 'e')] });
    const b = testimony({ promises: [promise('h1', 3), promise('h2', 3, last(1, 'f'))] });
    expect(culprits(a, b)).toEqual(['h1', 'h2']);
  });

  test('a holder whose accept stands only in one of its own promises', () => {
    const a = testimony({ promises: [promise('h1', 3, last(2, 'e'))] });
    const b = testimony({ promises: [promise('h1', 4)] });
    expect(culprits(a, b)).toEqual(['h1']);
  });

  test('a holder whose promise reports another entry of the ballot in which it accepted', () => {
    const a = testimony({ accepts: [acceptOf('h1', 2, 'e')] });
    const b = testimony({ proposals: [proposal(3, 'f', [promise('h1', 3, last(2, 'f'))])] });
    expect(culprits(a, b)).toEqual(['h1']);
  });

  test('an initiator that proposed two entries in one ballot', () => {
    const a = testimony({ proposals: [proposal(1, 'e', [])] });
    const b = testimony({ proposals: [proposal(1, 'f', [])] });
    expect(culprits(a, b)).toEqual(['aa']);
  });

  test('nobody who kept the rules', () => {
    const a = testimony({
      accepts: [acceptOf('h1', 2, 'e'), acceptOf('h1', 2, 'e'), acceptOf('h1', 4, 'e')],
      promises: [promise('h1', 1), promise('h1', 2)],
      proposals: [proposal(2, 'e', []), proposal(2, 'e', [])],
    });
    const b = testimony({ promises: [promise('h1', 3, last(2, 'e')), promise('h1', 5, last(4, 'e'))] });
    expect(culprits(a, b)).toEqual([]);
  });
});

describe('random schedules of 3 to 7 holders', () => {
  const FORGETS: Model['lapse'] = { who: 'last', text: 'forgets', leaves: () => EMPTY_HOLDER };
  /** Any quorum that intersects itself in at least `shared` holders. */
  const shapes = (shared: number) =>
    fc.integer({ min: 3, max: 7 }).chain((holders) => {
      const quorum = fc.integer({ min: Math.ceil((holders + shared) / 2), max: holders });
      return fc.record({ holders: fc.constant(holders), quorum, ballots: fc.constant(3) });
    });
  const faults = fc.constantFrom<Partial<Model>>({ liar: true }, { lapse: FORGETS });
  const schedules = fc.array(fc.nat(), { minLength: 40, maxLength: 80 });
  const fixed = { seed: 20_260_101, numRuns: 150 };

  function walk(model: Model, schedule: number[]) {
    const world = createWorld(model);
    let state = world.initial;
    for (const choice of schedule) {
      if (world.decided(state).length > 1) break;
      const steps = world.steps(state);
      const step = steps[choice % steps.length];
      if (step === undefined) break;
      state = step.state;
    }
    return { world, state, decided: world.decided(state) };
  }

  test('certify at most one entry, and every quorum can finish with it', () => {
    let certificates = 0;
    fc.assert(
      fc.property(shapes(1), schedules, (shape, schedule) => {
        const { world, state, decided } = walk(shape, schedule);
        expect(decided.length).toBeLessThanOrEqual(1);
        expect(world.stuck(state, decided[0]?.entry)).toBeUndefined();
        certificates += decided.length;
      }),
      fixed,
    );
    expect(certificates).toBeGreaterThan(20);
  });

  test('survive one holder that lies or forgets, and lying initiators, where quorums share two holders', () => {
    let certificates = 0;
    fc.assert(
      fc.property(shapes(2), faults, fc.boolean(), schedules, (shape, fault, lyingInitiators, schedule) => {
        const { decided } = walk({ ...shape, ...fault, lyingInitiators }, schedule);
        expect(decided.length).toBeLessThanOrEqual(1);
        certificates += decided.length;
      }),
      fixed,
    );
    expect(certificates).toBeGreaterThan(20);
  });

  test('fork only with a holder at fault, and then name it and nobody honest', () => {
    let forks = 0;
    const odd = fc.constantFrom({ holders: 3, quorum: 2, ballots: 2 }, { holders: 5, quorum: 3, ballots: 2 });
    fc.assert(
      fc.property(odd, faults, fc.boolean(), schedules, (shape, fault, lyingInitiators, schedule) => {
        const { world, state, decided } = walk({ ...shape, ...fault, lyingInitiators }, schedule);
        const [one, other] = decided;
        if (one === undefined || other === undefined) return;
        forks++;
        const { a, b } = world.fork(state, one, other);
        const named = culprits(a, b);
        expect(named).toContain(`h${shape.holders}`);
        expect(named.filter((id) => id !== `h${shape.holders}` && !(lyingInitiators && id.startsWith('i')))).toEqual(
          [],
        );
      }),
      { ...fixed, numRuns: 1_500 },
    );
    expect(forks).toBeGreaterThan(20);
  });
});
