/** Vectors of ACCEPT. */
import type { Bytes } from '../../../src/bytes.ts';
import type { Ballot } from '../../../src/format/entry.ts';
import type { VoteMessage } from '../../../src/format/votes.ts';
import { signAccept, signProposal, signRefusal } from '../../../src/registry/messages.ts';
import { type Actor, voter } from '../../helpers/registry.ts';
import { flip, type Maker, row } from '../maker.ts';
import { type Refusal, Scene } from './vote-scene.ts';

export async function makeVoteAccept(): Promise<Maker> {
  const s = await Scene.open('vote-accept', 'ACCEPT: a holder’s word for one entry in one ballot.');
  const { m, r, pid, place, laptop, phone, kit, stranger, ballot } = s;
  const op = 'vote-accept';
  const made = await r.next({ kind: 'rotate' });
  const { id } = made.entry;
  const accept = (by: Actor, change: { ballot?: Ballot; entry?: Bytes; at?: typeof place; pid?: Bytes } = {}) =>
    signAccept(change.pid ?? pid, voter(by), change.at ?? place, change.ballot ?? ballot, change.entry ?? id);
  const message = (said: ReturnType<typeof accept>, at = place): VoteMessage => ({
    type: 'accept',
    ...at,
    accept: said,
  });
  const good = accept(laptop);
  for (const [name, by] of [
    ['device', laptop],
    ['other', phone],
    ['kit', kit],
  ] as const)
    await m.pass(name, op, s.input(message(accept(by))));
  for (const [name, of] of [
    ['round-0', { ...ballot, round: 0 }],
    ['round-max', { ...ballot, round: 2 ** 32 - 1 }],
    ['initiator', { round: 3, initiator: phone.holder.id }],
  ] as const)
    await m.pass(name, op, s.input(message(accept(kit, { ballot: of }))));
  await s.otherPlaces(op, (where) => message(accept(laptop, { at: where }), where));
  const bad: [string, ReturnType<typeof accept>, Refusal, string][] = [
    ...[0, 20, 31, 32, 50, 62].map((at): [string, ReturnType<typeof accept>, Refusal, string] => [
      `bit-${at}`,
      { ...good, signature: flip(good.signature, at) },
      'signature',
      `a bit of byte ${at} of the signature is flipped`,
    ]),
    ['zero', { ...good, signature: new Uint8Array(64) }, 'signature', 'a signature of zeros'],
    ['stranger', accept(stranger), 'approval', 'by nobody'],
    ['nobody', { ...good, holder: row(1, 16) }, 'approval', 'in the name of nobody'],
    ['other-name', { ...good, holder: phone.holder.id }, 'signature', 'in the name of another holder'],
    ['kit-name', { ...good, holder: kit.holder.id }, 'signature', 'in the name of a kit'],
    ['round', { ...good, ballot: { ...ballot, round: 2 } }, 'signature', 'another round than the signed one'],
    ['round-0-said', { ...good, ballot: { ...ballot, round: 0 } }, 'signature', 'another round than the signed one'],
    [
      'initiator-said',
      { ...good, ballot: { ...ballot, initiator: phone.holder.id } },
      'signature',
      'another initiator than the signed one',
    ],
    ['entry', { ...good, entry: flip(id) }, 'signature', 'another entry than the signed one'],
    ['entry-zero', { ...good, entry: new Uint8Array(32) }, 'signature', 'another entry than the signed one'],
    ['signed-slot', accept(laptop, { at: { ...place, slot: 2 } }), 'signature', 'signed for another slot'],
    ['signed-prev', accept(laptop, { at: { ...place, prev: pid } }), 'signature', 'signed after another entry'],
    ['signed-pid', accept(laptop, { pid: row(1) }), 'signature', 'signed in another passport'],
    [
      'propose',
      { ...good, signature: signProposal(pid, voter(laptop), place, ballot, id) },
      'signature',
      'the signature of a proposal',
    ],
    [
      'refuse',
      { ...good, signature: signRefusal(pid, voter(laptop), 'refuse', place, id) },
      'signature',
      'the signature of a refusal',
    ],
  ];
  for (const [name, said, layer, why] of bad) await m.fail(name, op, s.input(message(said)), layer, why);
  await s.forms(
    op,
    message(good),
    ['accept'],
    [],
    {},
    { at: 3, names: ['holder', 'ballot', 'entry', 'signature'], fixed: ['holder', 'entry', 'signature'] },
  );
  return m;
}
