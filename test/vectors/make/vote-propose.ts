/** Vectors of PROPOSE. */
import { type Bytes, hex } from '../../../src/bytes.ts';
import { receiveKey } from '../../../src/crypto/hpke.ts';
import type { Ballot, VotePromise } from '../../../src/format/entry.ts';
import type { Evidence, VoteMessage, VoteProposal } from '../../../src/format/votes.ts';
import { signPromise, signProposal } from '../../../src/registry/messages.ts';
import { type Actor, type Made, voter } from '../../helpers/registry.ts';
import { type Fields, flip, type Maker, row } from '../maker.ts';
import { evidenceOf, type Refusal, Scene } from './vote-scene.ts';

export async function makeVotePropose(): Promise<Maker> {
  const s = await Scene.open(
    'vote-propose',
    'PROPOSE: a proposal that holds (signed by the initiator of its ballot, with N promises that require this entry or none), and its entry.',
  );
  const { m, r, pid, place, laptop, phone, kit, stranger, ballot } = s;
  const op = 'vote-propose';
  const made = await r.next({ kind: 'rotate' });
  const other = await r.next({ kind: 'rotate' });
  const base = evidenceOf(s, made);
  const [proposal] = base.proposals as [VoteProposal];
  const message = (evidence: Evidence, at = place, of = ballot, entry = made.entry.id): VoteMessage => ({
    type: 'propose',
    ...at,
    ballot: of,
    entry,
    evidence,
  });
  const input = (evidence: Evidence, of?: Ballot, entry?: Bytes) => s.input(message(evidence, place, of, entry));
  const signProposed = (by: Actor, of: Ballot, entry: Bytes, at = place, p = pid) =>
    signProposal(p, voter(by), at, of, entry);
  await m.pass('born-here', op, input(base));
  await m.pass(
    'copies',
    op,
    input({ ...base, proposals: [{ ...proposal, promises: proposal.promises.slice(1) }, proposal] }),
  );

  const copies = Array.from({ length: 17 }, () => ({ ...proposal, promises: [] }));
  await m.pass('17-copies', op, input({ ...base, proposals: [...copies, proposal] }));

  // A later ballot that finishes what was accepted in the first one.
  const second: Ballot = { round: 2, initiator: phone.holder.id };
  const last = { ballot, entry: made.entry.id };
  const promised = (by: Actor, change: Partial<VotePromise> = {}, of = second) =>
    signPromise(pid, voter(by), place, {
      ballot: of,
      last: null,
      nextKey: by.holder.kind === 'kit' ? null : receiveKey(r.random).publicKey,
      heads: [],
      ...change,
    });
  const propose = (of: Ballot, entry: Bytes, promises: VotePromise[], by = phone): VoteProposal => ({
    ballot: of,
    entry,
    promises,
    signature: signProposed(by, of, entry),
  });
  const finishing = propose(second, made.entry.id, [promised(laptop, { last }), promised(kit)]);
  const both = { entries: base.entries, proposals: [finishing, proposal] };
  await m.pass('finished', op, input(both, second));
  await m.pass(
    'finished-two-reports',
    op,
    input(
      {
        ...both,
        proposals: [propose(second, made.entry.id, [promised(laptop, { last }), promised(kit, { last })]), proposal],
      },
      second,
    ),
  );

  // The initiator of the first ballot proposed two entries in it.
  const twin = evidenceOf(s, other);
  const doubled = { entries: [...base.entries, ...twin.entries], proposals: [proposal, ...twin.proposals] };
  const reporting = (by: Actor, entry: Bytes) => promised(by, { last: { ballot, entry } });
  const [a, b] = [made.entry.id, other.entry.id];
  const [small, large] = hex(a) < hex(b) ? [a, b] : [b, a];
  const finishes = (entry: Bytes, promises: VotePromise[]) =>
    input({ ...doubled, proposals: [propose(second, entry, promises), ...doubled.proposals] }, second, entry);
  const split = [reporting(laptop, a), reporting(phone, b)];
  const open = [...split, promised(kit)];
  const most = [...split, reporting(kit, a)];
  await m.pass('twice-most', op, finishes(a, most));
  await m.pass('twice-smallest', op, finishes(small, open));
  await m.fail(
    'twice-least',
    op,
    finishes(b, most),
    'approval',
    'the ballot was proposed twice, and a quorum does not report this entry',
  );
  await m.fail(
    'twice-larger',
    op,
    finishes(large, open),
    'approval',
    'a quorum reports neither of two entries, and this is not the one with the smaller id',
  );
  await m.fail(
    'twice-open-a',
    op,
    finishes(a, split),
    'approval',
    'either of two entries may have been accepted: nothing may be proposed',
  );
  await m.fail(
    'twice-open-b',
    op,
    finishes(b, split),
    'approval',
    'either of two entries may have been accepted: nothing may be proposed',
  );

  // Three ballots: the report of a report.
  const third: Ballot = { round: 3, initiator: laptop.holder.id };
  const last2 = { ballot: second, entry: made.entry.id };
  const promises3 = [promised(phone, { last: last2 }, third), promised(kit, {}, third)];
  const finished3 = propose(third, made.entry.id, promises3, laptop);
  await m.pass('three-ballots', op, input({ ...base, proposals: [finished3, finishing, proposal] }, third));
  await m.fail(
    'three-without-first',
    op,
    input({ ...base, proposals: [finished3, finishing] }, third),
    'approval',
    'the first of three ballots is not proven',
  );
  await m.fail(
    'three-without-second',
    op,
    input({ ...base, proposals: [finished3, proposal] }, third),
    'approval',
    'the second of three ballots is not proven',
  );
  const forgets = [promised(laptop, { last }, third), promised(kit, {}, third)];
  await m.pass(
    'three-lower-report',
    op,
    input({ ...base, proposals: [propose(third, made.entry.id, forgets, laptop), proposal] }, third),
  );

  await s.otherPlaces(op, (where) =>
    message(
      { ...base, proposals: [{ ...proposal, signature: signProposed(laptop, ballot, made.entry.id, where) }] },
      where,
    ),
  );
  const [p1, p2] = proposal.promises as [VotePromise, VotePromise];
  const withPromises = (promises: VotePromise[]): Evidence => ({ ...base, proposals: [{ ...proposal, promises }] });
  const round = { ...ballot, round: 2 };
  const bad: [string, Fields, Refusal, string][] = [
    [
      'bit',
      input({ ...base, proposals: [{ ...proposal, signature: flip(proposal.signature, 40) }] }),
      'signature',
      'a bit of the signature is flipped',
    ],
    [
      'by-other',
      input({ ...base, proposals: [{ ...proposal, signature: signProposed(phone, ballot, made.entry.id) }] }),
      'signature',
      'signed by another holder',
    ],
    [
      'signed-slot',
      input({
        ...base,
        proposals: [{ ...proposal, signature: signProposed(laptop, ballot, made.entry.id, { ...place, slot: 2 }) }],
      }),
      'signature',
      'signed for another slot',
    ],
    [
      'signed-prev',
      input({
        ...base,
        proposals: [{ ...proposal, signature: signProposed(laptop, ballot, made.entry.id, { ...place, prev: pid }) }],
      }),
      'signature',
      'signed after another entry',
    ],
    [
      'signed-pid',
      input({
        ...base,
        proposals: [{ ...proposal, signature: signProposed(laptop, ballot, made.entry.id, place, row(1)) }],
      }),
      'signature',
      'signed in another passport',
    ],
    [
      'signed-round',
      input({ ...base, proposals: [{ ...proposal, signature: signProposed(laptop, round, made.entry.id) }] }),
      'signature',
      'signed for another round',
    ],
    [
      'signed-entry',
      input({ ...base, proposals: [{ ...proposal, signature: signProposed(laptop, ballot, other.entry.id) }] }),
      'signature',
      'signed for another entry',
    ],
    [
      'stranger',
      s.input(
        message(
          {
            ...base,
            proposals: [
              {
                ...proposal,
                ballot: { round: 1, initiator: stranger.holder.id },
                signature: signProposed(stranger, { round: 1, initiator: stranger.holder.id }, made.entry.id),
              },
            ],
          },
          place,
          { round: 1, initiator: stranger.holder.id },
        ),
      ),
      'approval',
      'a ballot of nobody',
    ],
    ['no-proposal', input({ ...base, proposals: [] }), 'approval', 'no proposal in the evidence'],
    ['other-ballot', input(base, round), 'approval', 'the proposal of another ballot'],
    ['other-entry', input(base, ballot, other.entry.id), 'approval', 'the proposal of another entry'],
    ['no-entry', input({ ...base, entries: [] }), 'approval', 'no entry in the evidence'],
    ['few', input(withPromises([p1])), 'approval', 'one promise of two'],
    ['none', input(withPromises([])), 'approval', 'no promise'],
    ['twice', input(withPromises([p1, p1])), 'approval', 'one holder twice'],
    [
      'promise-bit',
      input(withPromises([p1, { ...p2, signature: flip(p2.signature, 40) }])),
      'signature',
      'a bit of a promise is flipped',
    ],
    [
      'promise-other-name',
      input(withPromises([p1, { ...p2, holder: laptop.holder.id }])),
      'signature',
      'the promise of one holder in the name of another',
    ],
    ['promise-stranger', input(withPromises([p1, promised(stranger, {}, ballot)])), 'approval', 'a promise by nobody'],
    ['promise-round', input(withPromises([p1, promised(phone, {}, round)])), 'approval', 'a promise of another round'],
    [
      'promise-initiator',
      input(withPromises([p1, promised(phone, {}, { ...ballot, initiator: phone.holder.id })])),
      'approval',
      'a promise for another initiator',
    ],
    [
      'report-unproven',
      input(
        withPromises([
          p1,
          promised(phone, { last: { ballot: { ...ballot, round: 0 }, entry: made.entry.id } }, ballot),
        ]),
      ),
      'approval',
      'a report without evidence does not count',
    ],
    [
      'report-higher',
      input(withPromises([p1, promised(phone, { last: { ballot: round, entry: made.entry.id } }, ballot)])),
      'approval',
      'a report of a higher ballot does not count',
    ],
    [
      'born-elsewhere',
      input({ ...base, proposals: [propose(second, made.entry.id, [promised(laptop), promised(kit)])] }, second),
      'approval',
      'the promises require nothing, and the entry was born in another ballot',
    ],
    [
      'ignores-report',
      input(
        {
          entries: [...base.entries, ...evidenceOf(s, other).entries],
          proposals: [propose(second, other.entry.id, [promised(laptop, { last }), promised(kit)]), proposal],
        },
        second,
        other.entry.id,
      ),
      'approval',
      'the promises require another entry',
    ],
    [
      'unproven-report',
      input({ ...both, proposals: [finishing] }, second),
      'approval',
      'the proposal that the report is of is missing',
    ],
    [
      'proven-by-forged',
      input({ ...both, proposals: [finishing, { ...proposal, signature: flip(proposal.signature) }] }, second),
      'approval',
      'the proposal that the report is of is not signed',
    ],
    [
      'proven-by-few',
      input({ ...both, proposals: [finishing, { ...proposal, promises: [p1] }] }, second),
      'approval',
      'the proposal that the report is of has one promise of two',
    ],
    [
      'wrap',
      input({ ...base, entries: base.entries.map((each) => ({ ...each, wrap: flip(each.wrap, 90) })) }),
      'context',
      'another wrap than the entry names',
    ],
    [
      'link',
      input({ ...base, entries: base.entries.map((each) => ({ ...each, link: flip(each.link, 90) })) }),
      'context',
      'another link than the entry names',
    ],
    [
      'no-link',
      input({ ...base, entries: base.entries.map((each) => ({ ...each, link: new Uint8Array(0) })) }),
      'context',
      'no link',
    ],
    [
      'entry-cut',
      input({ ...base, entries: base.entries.map((each) => ({ ...each, entry: each.entry.slice(0, -1) })) }),
      'parse',
      'the entry is cut off',
    ],
  ];
  for (const [name, each, layer, why] of bad) await m.fail(name, op, each, layer, why);
  // One after the other: they draw from one source of randomness.
  const invalid: [string, () => Promise<Made>, Refusal, string][] = [
    [
      'dealer',
      () => r.next({ kind: 'rotate' }, { dealerSeed: phone.seed }),
      'signature',
      'an entry that its dealer did not sign',
    ],
    [
      'vault',
      () => r.next({ kind: 'rotate' }, { vaultSeed: phone.seed }),
      'signature',
      'an entry without the vault signature',
    ],
    [
      'approvals',
      () => r.next({ kind: 'rotate' }, { approvals: (all) => all.slice(1) }),
      'approval',
      'an entry with one approval of two',
    ],
    [
      'threshold',
      () => r.next({ kind: 'rotate' }, { core: (c) => ({ ...c, threshold: 3 }) }),
      'policy',
      'an entry with another N',
    ],
    [
      'prev',
      () => r.next({ kind: 'rotate' }, { core: (c) => ({ ...c, prev: pid }) }),
      'context',
      'an entry after another one',
    ],
  ];
  for (const [name, entry, layer, why] of invalid) {
    const lie = await entry();
    await m.fail(`invalid-${name}`, op, input(evidenceOf(s, lie), ballot, lie.entry.id), layer, why);
  }
  await s.forms(
    op,
    message(base),
    ['ballot', 'entry', 'evidence'],
    ['entry'],
    {},
    { at: 5, names: ['entries', 'proposals'], fixed: [] },
  );
  return m;
}
