/** Vectors of REFUSE and CANCEL, which differ in who signs. */
import type { Bytes } from '../../../src/bytes.ts';
import { decode, encode, type Value } from '../../../src/cbor.ts';
import { encodeRequest, requestHash } from '../../../src/format/entry.ts';
import { encodeVote, type VoteMessage } from '../../../src/format/votes.ts';
import { signApproval, signRefusal, signVouch } from '../../../src/registry/messages.ts';
import { type Actor, voter } from '../../helpers/registry.ts';
import { flip, type Maker, row } from '../maker.ts';
import { type Refusal, Scene } from './vote-scene.ts';

export async function makeVoteRefuse(): Promise<Maker> {
  return refusals('refuse', 'REFUSE: a holder’s no to one request.');
}

export async function makeVoteCancel(): Promise<Maker> {
  return refusals('cancel', 'CANCEL: the request’s initiator takes it back.');
}

async function refusals(use: 'refuse' | 'cancel', about: string): Promise<Maker> {
  const s = await Scene.open(`vote-${use}`, about);
  const { m, r, pid, place, laptop, phone, kit, stranger } = s;
  const op = `vote-${use}`;
  const other = use === 'refuse' ? 'cancel' : 'refuse';
  const asked = r.request({ kind: 'rotate' });
  const bytes = encodeRequest(asked);
  const hash = requestHash(pid, bytes);
  const also = { request: m.give('request', bytes), others: m.give('others', [encodeVote(s.requestMessage(asked))]) };
  const who = use === 'refuse' ? phone : laptop;
  type Change = {
    by?: Actor;
    holder?: Bytes;
    hash?: Bytes;
    at?: typeof place;
    place?: typeof place;
    pid?: Bytes;
    use?: 'refuse' | 'cancel';
    signature?: Bytes;
  };
  const message = (change: Change = {}): VoteMessage => {
    const by = change.by ?? who;
    const at = change.place ?? place;
    const signature =
      change.signature ?? signRefusal(change.pid ?? pid, voter(by), change.use ?? use, change.at ?? at, hash);
    const common = { ...at, requestHash: change.hash ?? hash, signature };
    return use === 'refuse'
      ? { type: 'refuse', ...common, holder: change.holder ?? by.holder.id }
      : { type: 'cancel', ...common };
  };
  const good = signRefusal(pid, voter(who), use, place, hash);
  await m.pass('one', op, s.input(message(), also));
  if (use === 'refuse')
    for (const [name, by] of [
      ['kit', kit],
      ['initiator', laptop],
    ] as const)
      await m.pass(name, op, s.input(message({ by }), also));
  await s.otherPlaces(op, (where) => message({ place: where }), also);
  const bad: [string, Change, Refusal, string][] = [
    ...[0, 9, 18, 31, 32, 41, 55, 62].map((at): [string, Change, Refusal, string] => [
      `bit-${at}`,
      { signature: flip(good, at, 1 << (at % 7)) },
      'signature',
      `a bit of byte ${at} of the signature is flipped`,
    ]),
    ['zero', { signature: new Uint8Array(64) }, 'signature', 'a signature of zeros'],
    ['request', { hash: row(1) }, 'context', 'another request'],
    ['request-bit', { hash: flip(hash) }, 'context', 'another request'],
    ['use', { use: other }, 'signature', `a ${other}`],
    ['approve', { signature: signApproval(r.state, voter(who), asked, hash) }, 'signature', 'an approval'],
    ['vouch', { signature: signVouch(pid, voter(who), place, hash) }, 'signature', 'a voucher'],
    ['signed-slot', { at: { ...place, slot: 2 } }, 'signature', 'signed for another slot'],
    ['signed-prev', { at: { ...place, prev: pid } }, 'signature', 'signed after another entry'],
    ['signed-pid', { pid: row(1) }, 'signature', 'signed in another passport'],
    [
      'request-hash-of-other-pid',
      { hash: requestHash(row(1), bytes) },
      'context',
      'the hash of the request in another passport',
    ],
    [
      'signed-other',
      { signature: signRefusal(pid, voter(who), use, place, row(1)) },
      'signature',
      'signed for another request',
    ],
    [
      'signed-swapped',
      { signature: signRefusal(pid, voter(who), use, { slot: place.slot, prev: hash }, place.prev) },
      'signature',
      'prev and request are swapped in what is signed',
    ],
  ];
  if (use === 'refuse') {
    bad.push(['stranger', { by: stranger }, 'approval', 'by nobody']);
    bad.push(['other-name', { holder: laptop.holder.id }, 'signature', 'in the name of another holder']);
    bad.push(['nobody', { holder: row(1, 16) }, 'approval', 'in the name of nobody']);
  } else {
    bad.push(['by-holder', { by: phone }, 'signature', 'by another holder']);
    bad.push(['by-kit', { by: kit }, 'signature', 'by a kit']);
    bad.push(['by-stranger', { by: stranger }, 'signature', 'by nobody']);
  }
  for (const [name, change, layer, why] of bad) await m.fail(name, op, s.input(message(change), also), layer, why);
  const names = use === 'refuse' ? ['holder', 'request', 'signature'] : ['request', 'signature'];
  await s.forms(op, message(), names, names, also);
  const fields = decode(encodeVote(message())) as Value[];
  for (const [name, value, why] of [
    ['slot-null', [fields[0]!, null, ...fields.slice(2)], 'no slot'],
    [
      'slot-2-53',
      [...fields.slice(0, 1), Number.MAX_SAFE_INTEGER, ...fields.slice(2).reverse()],
      'the fields in reverse',
    ],
    ['prev-null', [...fields.slice(0, 2), null, ...fields.slice(3)], 'no prev'],
    ['signature-null', [...fields.slice(0, -1), null], 'no signature'],
    ['two-signatures', [...fields, fields.at(-1)!], 'two signatures'],
    ['accept', ['accept', ...fields.slice(1)], 'the label of an accept'],
  ] as const)
    await m.fail(`form-${name}`, op, s.input(encode(value), also), 'parse', why);
  return m;
}
