/** Vectors of APPROVE. */
import type { Bytes } from '../../../src/bytes.ts';
import { decode, encode, type Value } from '../../../src/cbor.ts';
import { hpkeSeal, receiveKey } from '../../../src/crypto/hpke.ts';
import { info } from '../../../src/crypto/statements.ts';
import { type ChangeRequest, encodeRequest, requestHash } from '../../../src/format/entry.ts';
import { encodeVote, type VoteMessage } from '../../../src/format/votes.ts';
import { signApproval, signShare } from '../../../src/registry/messages.ts';
import { type Actor, voter } from '../../helpers/registry.ts';
import { flip, type Maker, row } from '../maker.ts';
import { type Refusal, Scene } from './vote-scene.ts';

export async function makeVoteApprove(): Promise<Maker> {
  const s = await Scene.open(
    'vote-approve',
    'APPROVE: the approval of exactly this request in this state, and the holder’s share sealed to its one-time key.',
  );
  const { m, r, pid, place, laptop, phone, kit, stranger } = s;
  const op = 'vote-approve';
  const oneTime = receiveKey(r.random);
  const fresh = r.fresh('fresh');
  const asked = r.request({ enters: [fresh.holder], leaves: [kit.holder.id], oneTimeKey: oneTime.publicKey });
  const bytes = encodeRequest(asked);
  const ofRequest = requestHash(pid, bytes);
  const shares = r.founding.dealt!.shares;
  const others = m.give('others', [encodeVote(s.requestMessage(asked))]);
  const also = { request: m.give('request', bytes), others, oneTimePrivate: oneTime.privateKey };
  const boxOf = (i: number, by: Actor, how: { info?: Bytes; to?: Bytes; share?: Bytes } = {}) =>
    hpkeSeal(
      how.to ?? oneTime.publicKey,
      { info: how.info ?? info(pid, 'change-share', 0, ofRequest, by.holder.id) },
      how.share ?? shares[i]!,
      r.random,
    );
  type Message = Extract<VoteMessage, { type: 'approve' }>;
  const message = (by: Actor, share: Bytes, change: Partial<Message> = {}, at = place): Message => ({
    ...{ type: 'approve', ...at, holder: by.holder.id, requestHash: ofRequest, share },
    signature: signApproval(r.state, voter(by), asked, ofRequest),
    shareSignature: signShare(pid, voter(by), at, ofRequest, share),
    ...change,
  });
  const box = await boxOf(1, phone);
  const good = message(phone, box);
  await m.pass('device', op, s.input(good, also));
  await m.pass('kit', op, s.input(message(kit, await boxOf(2, kit)), also));
  await m.pass('initiator', op, s.input(message(laptop, await boxOf(0, laptop)), also));
  await s.otherPlaces(op, (where) => message(phone, box, {}, where), also);
  const approval = (change: Partial<ChangeRequest>, state = r.state) => {
    const other = { ...asked, ...change };
    return signApproval(state, voter(phone), other, requestHash(pid, encodeRequest(other)));
  };
  const bad: [string, Message, Refusal, string][] = [
    ['bit', { ...good, signature: flip(good.signature, 40) }, 'signature', 'a bit of the approval is flipped'],
    [
      'share-bit',
      { ...good, shareSignature: flip(good.shareSignature, 40) },
      'signature',
      'a bit of the share’s signature is flipped',
    ],
    [
      'swapped',
      { ...good, signature: good.shareSignature, shareSignature: good.signature },
      'signature',
      'the two signatures are swapped',
    ],
    ['stranger', message(stranger, box), 'approval', 'by nobody'],
    ['newcomer', message(fresh, box), 'approval', 'by who enters'],
    ['by-other', { ...message(laptop, box), holder: phone.holder.id }, 'signature', 'signed by another holder'],
    ['other-request', { ...good, requestHash: row(1) }, 'context', 'another request'],
    ['box-changed', { ...good, share: flip(box, 50) }, 'signature', 'another box than the signed one'],
    ['box-of-other', { ...good, share: await boxOf(1, phone) }, 'signature', 'the box was sealed once more'],
    [
      'signed-rid',
      { ...good, signature: approval({ rid: row(1, 16) }) },
      'signature',
      'approved is another request with the same body',
    ],
    [
      'signed-kind',
      { ...good, signature: approval({ kind: 'rotate', enters: [], leaves: [] }) },
      'signature',
      'approved is another kind',
    ],
    ['signed-threshold', { ...good, signature: approval({ threshold: 3 }) }, 'signature', 'approved is another N'],
    [
      'signed-newcomer',
      { ...good, signature: approval({ enters: [stranger.holder] }) },
      'signature',
      'approved is another newcomer',
    ],
    [
      'signed-leaves',
      { ...good, signature: approval({ leaves: [phone.holder.id] }) },
      'signature',
      'approved is that another one leaves',
    ],
    [
      'signed-initiator',
      { ...good, signature: approval({ initiator: { id: phone.holder.id, signKey: phone.holder.signKey } }) },
      'signature',
      'approved is another initiator',
    ],
    [
      'signed-epoch',
      { ...good, signature: signApproval({ ...r.state, epoch: 1 }, voter(phone), asked, ofRequest) },
      'signature',
      'approved in another epoch',
    ],
    [
      'signed-pid',
      { ...good, signature: signApproval({ ...r.state, pid: row(1) }, voter(phone), asked, ofRequest) },
      'signature',
      'approved in another passport',
    ],
    [
      'share-slot',
      { ...good, shareSignature: signShare(pid, voter(phone), { ...place, slot: 2 }, ofRequest, box) },
      'signature',
      'the share is signed for another slot',
    ],
    [
      'share-prev',
      { ...good, shareSignature: signShare(pid, voter(phone), { ...place, prev: pid }, ofRequest, box) },
      'signature',
      'the share is signed after another entry',
    ],
    [
      'share-request',
      { ...good, shareSignature: signShare(pid, voter(phone), place, row(1), box) },
      'signature',
      'the share is signed for another request',
    ],
    ['box-bit', message(phone, flip(box, 50)), 'tag', 'a bit of the box is flipped, and signed'],
    [
      'box-key',
      message(phone, await boxOf(1, phone, { to: receiveKey(r.random).publicKey })),
      'tag',
      'sealed to another key',
    ],
    [
      'box-epoch',
      message(phone, await boxOf(1, phone, { info: info(pid, 'change-share', 1, ofRequest, phone.holder.id) })),
      'tag',
      'sealed for another epoch',
    ],
    [
      'box-request',
      message(phone, await boxOf(1, phone, { info: info(pid, 'change-share', 0, row(1), phone.holder.id) })),
      'tag',
      'sealed for another request',
    ],
    ['box-holder', message(phone, await boxOf(1, laptop)), 'tag', 'sealed as another holder'],
    [
      'box-use',
      message(phone, await boxOf(1, phone, { info: info(pid, 'unlock-share', 0, ofRequest, phone.holder.id) })),
      'tag',
      'sealed for an unlock',
    ],
    [
      'box-pid',
      message(phone, await boxOf(1, phone, { info: info(row(1), 'change-share', 0, ofRequest, phone.holder.id) })),
      'tag',
      'sealed in another passport',
    ],
    ['share-other', message(phone, await boxOf(0, phone)), 'commitment', 'the share of another holder'],
    [
      'share-y',
      message(phone, await boxOf(1, phone, { share: flip(shares[1]!, 7) })),
      'commitment',
      'a bit of y is flipped',
    ],
    ['share-x', message(phone, await boxOf(1, phone, { share: flip(shares[1]!, 32, 4) })), 'commitment', 'another x'],
    ['share-x-0', message(phone, await boxOf(1, phone, { share: flip(shares[1]!, 32, 2) })), 'parse', 'x is 0'],
  ];
  for (const [name, each, layer, why] of bad) await m.fail(name, op, s.input(each, also), layer, why);
  await m.fail('box-32', op, s.input(rawShare(good, box.slice(1)), also), 'parse', 'a box of 80 bytes');
  await m.fail('box-34', op, s.input(rawShare(good, Uint8Array.of(...box, 0)), also), 'parse', 'a box of 82 bytes');
  await s.forms(
    op,
    good,
    ['holder', 'request', 'signature', 'share', 'share signature'],
    ['holder', 'request', 'signature', 'share', 'share signature'],
    also,
  );
  return m;
}

function rawShare(message: VoteMessage, share: Bytes): Bytes {
  const fields = decode(encodeVote(message)) as Value[];
  return encode(fields.map((each, i) => (i === 6 ? share : each)));
}
