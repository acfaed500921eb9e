/** Vectors of REQUEST. */
import type { Bytes } from '../../../src/bytes.ts';
import { decode, encode, type Value } from '../../../src/cbor.ts';
import { type ChangeRequest, encodeRequest, requestHash } from '../../../src/format/entry.ts';
import type { VoteMessage } from '../../../src/format/votes.ts';
import { signBallotRequest, signVouch } from '../../../src/registry/messages.ts';
import { type Actor, voter } from '../../helpers/registry.ts';
import { brokenForms } from '../forms.ts';
import { flip, type Maker, row } from '../maker.ts';
import { type Refusal, Scene } from './vote-scene.ts';

export async function makeVoteRequest(): Promise<Maker> {
  const s = await Scene.open(
    'vote-request',
    'REQUEST: who asks, for which ballot, who vouches, and whether the change is possible.',
  );
  const { m, r, pid, place, laptop, phone, kit, stranger, ballot } = s;
  const fresh = r.fresh('fresh');
  const asked = r.request({ kind: 'rotate' });
  const bytes = encodeRequest(asked);
  const op = 'vote-request';
  type Message = Extract<VoteMessage, { type: 'request' }>;
  const at = (where: { slot: number; prev: Bytes }, change: Partial<Message> = {}, by = laptop): Message => {
    const of = { ballot, request: bytes, ...change };
    return {
      type: 'request',
      ...where,
      voucher: null,
      signature: signBallotRequest(pid, voter(by), where, of.ballot, of.request),
      ...of,
    };
  };
  const message = at(place);
  await m.pass('rotate', op, s.input(message));
  await m.pass('round-0', op, s.input(at(place, { ballot: { ...ballot, round: 0 } })));
  await m.pass('taken-over', op, s.input(at(place, { ballot: { round: 2, initiator: phone.holder.id } }, phone)));
  const recovery = {
    ...r.request({
      enters: [fresh.holder],
      leaves: [phone.holder.id],
      initiator: { id: fresh.holder.id, signKey: fresh.holder.signKey },
    }),
  };
  const own = { round: 1, initiator: fresh.holder.id };
  const vouched = (by: Actor, change: { slot?: number; hash?: Bytes } = {}, request = encodeRequest(recovery)) => ({
    holder: by.holder.id,
    signature: signVouch(
      pid,
      voter(by),
      { ...place, ...(change.slot === undefined ? {} : { slot: change.slot }) },
      change.hash ?? requestHash(pid, request),
    ),
  });
  const byFresh = (voucher: Message['voucher'], request = encodeRequest(recovery)) =>
    at(place, { ballot: own, request, voucher }, fresh);
  await m.pass('vouched', op, s.input(byFresh(vouched(kit))));
  await m.pass('vouched-by-device', op, s.input(byFresh(vouched(laptop))));
  await m.pass(
    'vouched-repeated',
    op,
    s.input(
      at(
        place,
        { ballot: { round: 3, initiator: phone.holder.id }, request: encodeRequest(recovery), voucher: vouched(kit) },
        phone,
      ),
    ),
  );

  await s.otherPlaces(op, (where) => at(where));
  const bad: [string, Message, Refusal, string][] = [
    ['bit', { ...message, signature: flip(message.signature, 40) }, 'signature', 'a bit of the signature is flipped'],
    ['zero', { ...message, signature: new Uint8Array(64) }, 'signature', 'a signature of zeros'],
    ['by-other', at(place, {}, phone), 'signature', 'signed by another holder'],
    ['round', { ...message, ballot: { ...ballot, round: 2 } }, 'signature', 'another round than the signed one'],
    [
      'request-changed',
      { ...message, request: encodeRequest({ ...asked, expiry: 1 }) },
      'signature',
      'another request than the signed one',
    ],
    [
      'ballot-of-other',
      { ...message, ballot: { round: 1, initiator: phone.holder.id } },
      'signature',
      'a ballot of another holder, whose signature is missing',
    ],
    [
      'ballot-of-nobody',
      at(place, { ballot: { round: 1, initiator: stranger.holder.id } }, stranger),
      'approval',
      'a ballot of nobody',
    ],
    [
      'signed-slot',
      { ...message, signature: signBallotRequest(pid, voter(laptop), { ...place, slot: 2 }, ballot, bytes) },
      'signature',
      'signed for another slot',
    ],
    [
      'signed-prev',
      { ...message, signature: signBallotRequest(pid, voter(laptop), { ...place, prev: pid }, ballot, bytes) },
      'signature',
      'signed after another entry',
    ],
    [
      'signed-pid',
      { ...message, signature: signBallotRequest(row(1), voter(laptop), place, ballot, bytes) },
      'signature',
      'signed in another passport',
    ],
    [
      'initiator-key',
      at(place, {
        request: encodeRequest({ ...asked, initiator: { id: laptop.holder.id, signKey: phone.holder.signKey } }),
      }),
      'context',
      'the initiator under another key',
    ],
    ['not-vouched', byFresh(null), 'approval', 'a fresh device for which nobody vouches'],
    ['vouched-by-nobody', byFresh(vouched(stranger)), 'approval', 'a stranger vouches'],
    ['vouched-by-itself', byFresh(vouched(fresh)), 'approval', 'it vouches for itself'],
    [
      'vouched-bit',
      byFresh({ ...vouched(kit), signature: flip(vouched(kit).signature, 5) }),
      'signature',
      'a bit of the voucher is flipped',
    ],
    [
      'vouched-other-name',
      byFresh({ ...vouched(kit), holder: laptop.holder.id }),
      'signature',
      'the voucher of one holder in the name of another',
    ],
    ['vouched-slot', byFresh(vouched(kit, { slot: 2 })), 'signature', 'a voucher for another slot'],
    ['vouched-other', byFresh(vouched(kit, { hash: row(1) })), 'signature', 'a voucher for another request'],
    [
      'fresh-by-other',
      at(place, { ballot: own, request: encodeRequest(recovery), voucher: vouched(kit) }, phone),
      'signature',
      'a holder signs in the name of the fresh device',
    ],
  ];
  for (const [name, each, layer, why] of bad) await m.fail(name, op, s.input(each), layer, why);
  const impossible: [string, Partial<ChangeRequest>, Refusal, string][] = [
    ['4-of-3', { kind: 'holders', threshold: 4 }, 'policy', '4 of 3'],
    ['2-of-4', { kind: 'holders', enters: [fresh.holder] }, 'policy', '2 of 4'],
    ['leaves-stranger', { kind: 'holders', leaves: [stranger.holder.id] }, 'context', 'who leaves was never there'],
    ['leaves-initiator', { kind: 'holders', leaves: [laptop.holder.id] }, 'context', 'the initiator leaves'],
    ['rotate-threshold', { threshold: 3 }, 'context', 'new keys with another N'],
    [
      'known-key',
      { kind: 'holders', leaves: [kit.holder.id], enters: [{ ...fresh.holder, receiveKey: phone.holder.receiveKey }] },
      'key',
      'a receive key of a holder comes in',
    ],
    [
      'low-key',
      { kind: 'holders', leaves: [kit.holder.id], enters: [{ ...fresh.holder, receiveKey: new Uint8Array(32) }] },
      'key',
      'a receive key of low order comes in',
    ],
    [
      'other-id',
      { kind: 'holders', leaves: [kit.holder.id], enters: [{ ...fresh.holder, id: row(1, 16) }] },
      'context',
      'an id of another key comes in',
    ],
  ];
  for (const [name, change, layer, why] of impossible)
    await m.fail(
      `impossible-${name}`,
      op,
      s.input(at(place, { request: encodeRequest({ ...asked, ...change }) })),
      layer,
      why,
    );

  await s.forms(
    op,
    message,
    ['ballot', 'request', 'voucher', 'signature'],
    ['signature'],
    {},
    { at: 3, names: ['round', 'initiator'], fixed: ['initiator'] },
  );
  const fields = decode(bytes) as Value[];
  const names = [
    'rid',
    'kind',
    'initiator',
    'one-time key',
    'expiry',
    'enters',
    'leaves',
    'threshold',
    'names',
    'unlock devices',
  ];
  for (const [name, request, why] of brokenForms(fields, names, ['rid', 'one-time key']))
    await m.fail(`asks-${name}`, op, s.input(at(place, { request })), 'parse', `the request: ${why}`);
  const put = (name: string, value: Value) =>
    encode(fields.map((each, i) => (i === names.indexOf(name) ? value : each)));
  for (const [name, request, why] of [
    ['kind', put('kind', 'found'), 'kind "found"'],
    ['threshold-1', put('threshold', 1), 'N = 1'],
    ['threshold-33', put('threshold', 33), 'N = 33'],
    [
      'leaves-33',
      put(
        'leaves',
        Array.from({ length: 33 }, (_, i) => row(i, 16)),
      ),
      '33 that leave',
    ],
  ] as const)
    await m.fail(`asks-${name}`, op, s.input(at(place, { request })), 'parse', `the request: ${why}`);
  return m;
}
