/** Vectors of PROMISE. */
import type { Bytes } from '../../../src/bytes.ts';
import { decode, encode, type Value } from '../../../src/cbor.ts';
import { receiveKey } from '../../../src/crypto/hpke.ts';
import { encodeRequest, promiseValue, type VotePromise } from '../../../src/format/entry.ts';
import { encodeVote, type Evidence, type VoteMessage, type VoteProposal } from '../../../src/format/votes.ts';
import { signPromise, signProposal } from '../../../src/registry/messages.ts';
import { voter } from '../../helpers/registry.ts';
import { flip, type Maker, row } from '../maker.ts';
import { evidenceOf, type Refusal, Scene } from './vote-scene.ts';

export async function makeVotePromise(): Promise<Maker> {
  const s = await Scene.open(
    'vote-promise',
    'PROMISE: by a holder, for one ballot; with what it accepted last, or such that it could stand in an entry of `request`.',
  );
  const { m, r, pid, place, laptop, phone, kit, stranger, ballot } = s;
  const op = 'vote-promise';
  const asked = r.request({ leaves: [phone.holder.id] });
  const request = m.give('request', encodeRequest(asked));
  const also = { request };
  const head = ({ header, signature }: { header: Bytes; signature: Bytes }) => ({ header, signature });
  const list = (...heads: { header: Bytes; signature: Bytes }[]) => [
    { device: phone.holder.id, heads: heads.map(head) },
  ];
  const fresh = () => receiveKey(r.random).publicKey;
  const key = fresh();
  type Said = Omit<VotePromise, 'holder' | 'signature'>;
  const base: Said = { ballot, last: null, nextKey: key, heads: list(r.headOf(phone)) };
  const sign = (change: Partial<Said> = {}, by = laptop, at = place, p = pid) =>
    signPromise(p, voter(by), at, { ...base, ...(by === kit ? { nextKey: null } : {}), ...change });
  const message = (
    promise: VotePromise,
    evidence: Evidence = { entries: [], proposals: [] },
    at = place,
  ): VoteMessage => ({ type: 'promise', ...at, promise, evidence });
  await m.pass('device', op, s.input(message(sign()), also));
  await m.pass('kit', op, s.input(message(sign({}, kit)), also));
  await m.pass('leaving', op, s.input(message(sign({ nextKey: fresh() }, phone)), also));
  await m.pass('no-heads', op, s.input(message(sign({ heads: list() })), also));
  await m.pass('two-heads', op, s.input(message(sign({ heads: list(r.headOf(phone), r.headOf(phone, 6)) })), also));
  await m.pass('round-max', op, s.input(message(sign({ ballot: { ...ballot, round: 2 ** 32 - 1 } })), also));
  const good = sign();

  // A report, with the proposal behind it.
  const made = await r.next({ leaves: [phone.holder.id] }, { voters: [laptop, kit] });
  const evidence = evidenceOf(s, made);
  const reports = (change: Partial<Said['last'] & object> = {}) =>
    sign({ ballot: { round: 2, initiator: laptop.holder.id }, last: { ballot, entry: made.entry.id, ...change } });
  await m.pass('reports', op, s.input(message(reports(), evidence), also));
  const [proposal] = evidence.proposals as [VoteProposal];
  const unproven: [string, VotePromise, Evidence, string][] = [
    ['no-evidence', reports(), { entries: [], proposals: [] }, 'a report without evidence'],
    ['no-entry', reports(), { ...evidence, entries: [] }, 'a report without the entry'],
    ['no-proposal', reports(), { ...evidence, proposals: [] }, 'a report without the proposal'],
    ['other-entry', reports({ entry: row(1) }), evidence, 'a report of another entry'],
    ['other-ballot', reports({ ballot: { ...ballot, round: 0 } }), evidence, 'a report of another ballot'],
    [
      'few-promises',
      reports(),
      { ...evidence, proposals: [{ ...proposal, promises: proposal.promises.slice(1) }] },
      'the proposal has one promise of two',
    ],
    [
      'unsigned',
      reports(),
      { ...evidence, proposals: [{ ...proposal, signature: flip(proposal.signature) }] },
      'the proposal is not signed',
    ],
    [
      'by-other',
      reports(),
      {
        ...evidence,
        proposals: [{ ...proposal, signature: signProposal(pid, voter(phone), place, ballot, made.entry.id) }],
      },
      'the proposal is signed by another holder',
    ],
    [
      'forged-promise',
      reports(),
      {
        ...evidence,
        proposals: [
          { ...proposal, promises: proposal.promises.map((each) => ({ ...each, signature: flip(each.signature) })) },
        ],
      },
      'the promises of the proposal are not signed',
    ],
  ];
  for (const [name, promise, of, why] of unproven)
    await m.fail(`report-${name}`, op, s.input(message(promise, of), also), 'approval', why);

  const torn = { ...evidence, entries: evidence.entries.map((each) => ({ ...each, wrap: flip(each.wrap, 90) })) };
  await m.fail(
    'report-wrap',
    op,
    s.input(message(reports(), torn), also),
    'context',
    'the wrap of the entry is another one',
  );

  await s.otherPlaces(op, (where) => message(sign({}, laptop, where), undefined, where), also);
  const bad: [string, VotePromise, Refusal, string][] = [
    ['bit', { ...good, signature: flip(good.signature, 40) }, 'signature', 'a bit of the signature is flipped'],
    ['stranger', sign({}, stranger), 'approval', 'by nobody'],
    ['by-other', { ...sign({}, phone), holder: laptop.holder.id }, 'signature', 'signed by another holder'],
    ['signed-slot', sign({}, laptop, { ...place, slot: 2 }), 'signature', 'signed for another slot'],
    ['signed-prev', sign({}, laptop, { ...place, prev: pid }), 'signature', 'signed after another entry'],
    ['signed-pid', sign({}, laptop, place, row(1)), 'signature', 'signed in another passport'],
    ['round', { ...good, ballot: { ...ballot, round: 2 } }, 'signature', 'another round than the signed one'],
    [
      'initiator',
      { ...good, ballot: { ...ballot, initiator: phone.holder.id } },
      'signature',
      'another initiator than the signed one',
    ],
    ['key-changed', { ...good, nextKey: fresh() }, 'signature', 'another next key than the signed one'],
    ['key-gone', { ...good, nextKey: null }, 'signature', 'the next key was taken out'],
    ['heads-changed', { ...good, heads: list() }, 'signature', 'the heads were taken out'],
    [
      'last-added',
      { ...good, last: { ballot: { ...ballot, round: 0 }, entry: row(1) } },
      'signature',
      'a report was put in',
    ],
    ['no-key', sign({ nextKey: null }), 'approval', 'a device without a next key'],
    ['kit-key', sign({ nextKey: key }, kit), 'approval', 'a kit with a next key'],
    ['key-known', sign({ nextKey: kit.holder.receiveKey }), 'key', 'a next key that was a holder’s'],
    ['key-own', sign({ nextKey: laptop.holder.receiveKey }), 'key', 'the receive key of now as next key'],
    ['key-sign', sign({ nextKey: phone.holder.signKey }), 'key', 'a signing key as next key'],
    ['key-zero', sign({ nextKey: new Uint8Array(32) }), 'key', 'a next key of low order'],
    ['key-high', sign({ nextKey: flip(key, 31, 0x80) }), 'key', 'a next key with its top bit set'],
    ['no-list', sign({ heads: [] }), 'approval', 'no list for the device that leaves'],
    ['other-list', sign({ heads: [{ device: laptop.holder.id, heads: [] }] }), 'approval', 'a list for another device'],
    ['two-lists', sign({ heads: [...list(), ...list()] }), 'approval', 'two lists for one device'],
    [
      'list-more',
      sign({ heads: [...list(), { device: kit.holder.id, heads: [] }] }),
      'approval',
      'a list for a kit too',
    ],
    ['head-other', sign({ heads: list(r.headOf(laptop)) }), 'context', 'a head of another device'],
    [
      'head-bit',
      sign({ heads: list({ ...r.headOf(phone), signature: flip(r.headOf(phone).signature) }) }),
      'signature',
      'a bit of a head’s signature is flipped',
    ],
    [
      'head-by-other',
      sign({ heads: list(r.headOf({ ...phone, seed: laptop.seed })) }),
      'signature',
      'a head that another device signed',
    ],
    [
      'head-form',
      sign({ heads: list({ ...r.headOf(phone), header: new Uint8Array(9) }) }),
      'parse',
      'a head that is no header',
    ],
  ];
  for (const [name, promise, layer, why] of bad) await m.fail(name, op, s.input(message(promise), also), layer, why);
  await s.forms(op, message(good), ['promise', 'evidence'], [], also, {
    at: 3,
    names: ['holder', 'ballot', 'heads', 'signature'],
    fixed: [],
  });
  const fields = decode(encodeVote(message(good))) as Value[];
  const said = promiseValue(good) as Value[];
  const put = (i: number, value: Value) =>
    encode([...fields.slice(0, 3), said.map((each, at) => (at === i ? value : each)), fields[4]!]);
  for (const [name, bytes, why] of [
    ['holder-15', put(0, row(0, 15)), 'a holder of 15 bytes'],
    ['key-31', put(3, row(0, 31)), 'a next key of 31 bytes'],
    ['signature-63', put(5, new Uint8Array(63)), 'a signature of 63 bytes'],
    [
      'heads-65',
      put(4, [[phone.holder.id, Array.from({ length: 65 }, () => [row(0, 9), new Uint8Array(64)])]]),
      '65 heads of one device',
    ],
  ] as const)
    await m.fail(`form-promise-${name}`, op, s.input(bytes, also), 'parse', why);
  return m;
}
