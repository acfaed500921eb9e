/** Vectors of certificates, and of the objects in which decided entries are stored with what belongs to them. */
import { type Bytes, concat, uintBytes } from '../../../src/bytes.ts';
import { decode, encode, type Value } from '../../../src/cbor.ts';
import { meshLayerKey } from '../../../src/crypto/keys.ts';
import { type ObjectContext, sealObject } from '../../../src/crypto/object.ts';
import {
  encodeCertificate,
  encodeDecided,
  encodeRegistryObject,
  type Certificate,
  type VoteAccept,
} from '../../../src/format/votes.ts';
import { placeAfter, signAccept, signProposal } from '../../../src/registry/messages.ts';
import { type Actor, Registry, voter } from '../../helpers/registry.ts';
import { brokenForms } from '../forms.ts';
import { flip, Maker, row, splice } from '../maker.ts';

export async function makeCertificate(): Promise<Maker> {
  const m = new Maker(
    'certificate',
    'docs/protocol.md 5, Certificate and Registry object',
    'Whether a quorum accepted an entry, and registry objects.',
  );
  const r = await Registry.found('vector certificate');
  const [laptop, phone, kit] = [r.actor(0), r.actor(1), r.actor(2)];
  const stranger = r.fresh('stranger');
  const { pid } = r;
  const place = placeAfter(r.state);
  const made = await r.next({ kind: 'rotate' });
  const other = await r.next({ kind: 'rotate' });
  const before = m.give('before', [r.founding.entry.bytes]);
  const entry = m.give('entry', made.entry.bytes);
  const founding = m.give('founding', r.founding.entry.bytes);
  const ballot = { round: 1, initiator: laptop.holder.id };
  const accept = (
    actor: Actor,
    change: { round?: number; slot?: number; prev?: Bytes; entry?: Bytes; pid?: Bytes; initiator?: Bytes } = {},
  ): VoteAccept => {
    const at = { slot: change.slot ?? place.slot, prev: change.prev ?? place.prev };
    const within = { round: change.round ?? 1, initiator: change.initiator ?? ballot.initiator };
    return signAccept(change.pid ?? pid, voter(actor), at, within, change.entry ?? made.entry.id);
  };
  const of = (accepts: VoteAccept[], change: Partial<Certificate> = {}) => ({
    before,
    entry,
    certificate: encodeCertificate({ ballot, accepts, proposals: [], ...change }),
  });
  const proposal = {
    ballot,
    entry: made.entry.id,
    promises: made.entry.core.promises,
    signature: signProposal(pid, voter(laptop), place, ballot, made.entry.id),
  };
  await m.pass('two', 'certificate-valid', of([accept(laptop), accept(phone)]));
  await m.pass('three', 'certificate-valid', of([accept(laptop), accept(phone), accept(kit)]));
  await m.pass('with-kit', 'certificate-valid', of([accept(kit), accept(phone)]));
  await m.pass(
    'later-ballot',
    'certificate-valid',
    of([accept(laptop, { round: 7 }), accept(phone, { round: 7 })], { ballot: { ...ballot, round: 7 } }),
  );
  await m.pass(
    'ballot-decides-nothing',
    'certificate-valid',
    of([accept(laptop), accept(phone)], { ballot: { round: 9, initiator: row(1, 16) } }),
  );
  await m.pass(
    'one-bad',
    'certificate-valid',
    of([accept(laptop), accept(phone), { ...accept(kit), signature: new Uint8Array(64) }]),
  );
  await m.pass('stranger-too', 'certificate-valid', of([accept(stranger), accept(laptop), accept(phone)]));
  await m.pass('proposals', 'certificate-valid', of([accept(laptop), accept(phone)], { proposals: [proposal] }));
  const seventeen = Array.from({ length: 17 }, (_, i) => ({
    ...proposal,
    ballot: { ...ballot, round: i },
    promises: [],
  }));
  await m.pass('17-proposals', 'certificate-valid', of([accept(laptop), accept(phone)], { proposals: seventeen }));
  await m.pass(
    'bad-proposal',
    'certificate-valid',
    of([accept(laptop), accept(phone)], { proposals: [{ ...proposal, signature: new Uint8Array(64) }] }),
  );

  const bad: [string, VoteAccept[], string][] = [
    ['one', [accept(laptop)], 'one accept of two'],
    ['twice', [accept(laptop), accept(laptop)], 'one holder twice'],
    ['stranger', [accept(laptop), accept(stranger)], 'one of two is no holder'],
    ['strangers', [accept(stranger), accept(r.fresh('y'))], 'no holder'],
    [
      'bit',
      [accept(laptop), { ...accept(phone), signature: flip(accept(phone).signature, 40) }],
      'a bit of a signature is flipped',
    ],
    ['zero', [accept(laptop), { ...accept(phone), signature: new Uint8Array(64) }], 'a signature of zeros'],
    [
      'name',
      [accept(laptop), { ...accept(laptop), holder: phone.holder.id }],
      'the accept of one holder in the name of another',
    ],
    ['slot', [accept(laptop), accept(phone, { slot: 2 })], 'an accept of the next slot'],
    ['slots', [accept(laptop, { slot: 2 }), accept(phone, { slot: 2 })], 'accepts of the next slot'],
    ['prev', [accept(laptop), accept(phone, { prev: pid })], 'an accept after another entry'],
    ['prevs', [accept(laptop, { prev: pid }), accept(phone, { prev: pid })], 'accepts after another entry'],
    ['pid', [accept(laptop), accept(phone, { pid: row(1) })], 'an accept in another passport'],
    ['round', [accept(laptop), accept(phone, { round: 2 })], 'accepts of two rounds'],
    [
      'initiator',
      [accept(laptop), accept(phone, { initiator: phone.holder.id })],
      'accepts of two ballots of one round',
    ],
    ['entry', [accept(laptop), accept(phone, { entry: other.entry.id })], 'accepts of two entries'],
    [
      'entries',
      [accept(laptop, { entry: other.entry.id }), accept(phone, { entry: other.entry.id })],
      'accepts of another entry',
    ],
    ['round-said', [accept(laptop), { ...accept(phone, { round: 2 }), ballot }], 'another round than the signed one'],
    [
      'entry-said',
      [accept(laptop), { ...accept(phone, { entry: other.entry.id }), entry: made.entry.id }],
      'another entry than the signed one',
    ],
    ['two-and-two', [accept(laptop), accept(phone, { round: 2 }), accept(kit, { round: 3 })], 'three rounds'],
    [
      'propose-signature',
      [accept(laptop), { ...accept(phone), signature: signProposal(pid, voter(phone), place, ballot, made.entry.id) }],
      'a signature of another use',
    ],
  ];
  for (const [name, accepts, why] of bad) await m.fail(name, 'certificate-valid', of(accepts), 'approval', why);
  await m.fail(
    'entry-other',
    'certificate-valid',
    { ...of([accept(laptop), accept(phone)]), entry: other.entry.bytes },
    'approval',
    'the certificate of another entry',
  );
  await m.fail(
    'proposals-only',
    'certificate-valid',
    of([accept(laptop)], { proposals: [proposal] }),
    'approval',
    'promises are no accepts',
  );

  // Slot 0: all of them, in the ballot of birth.
  const zero = r.founding;
  const whole = zero.certificate.accepts;
  const all = (accepts: readonly VoteAccept[]) => ({
    entry: founding,
    certificate: encodeCertificate({ ...zero.certificate, accepts }),
  });
  const again = (actor: Actor, change: { round?: number; slot?: number; prev?: Bytes } = {}) =>
    signAccept(
      pid,
      voter(actor),
      { slot: change.slot ?? 0, prev: change.prev ?? pid },
      { ...zero.entry.core.birth, round: change.round ?? 0 },
      zero.entry.id,
    );
  await m.pass('founding', 'certificate-valid', all(whole));
  await m.pass('founding-reversed', 'certificate-valid', all([...whole].reverse()));
  const [a, b] = [whole[0]!, whole[1]!];
  for (const [name, accepts, why] of [
    ['two-of-three', [a, b], 'one founding holder is missing'],
    ['twice', [a, b, b], 'one twice, one missing'],
    ['round', [a, b, again(kit, { round: 1 })], 'an accept of another round'],
    ['slot', [a, b, again(kit, { slot: 1 })], 'an accept of another slot'],
    ['prev', [a, b, again(kit, { prev: row(1) })], 'an accept after something else'],
    ['bit', [a, b, { ...again(kit), signature: flip(again(kit).signature) }], 'a bit of a signature is flipped'],
    ['stranger', [a, b, { ...again(stranger), holder: kit.holder.id }], 'signed by somebody else'],
    ['entry', [a, b, { ...again(kit), entry: made.entry.id }], 'an accept of another entry'],
  ] as const)
    await m.fail(`founding-${name}`, 'certificate-valid', all(accepts), 'approval', why);

  const fields = decode(
    encodeCertificate({ ballot, accepts: [accept(laptop), accept(phone)], proposals: [] }),
  ) as Value[];
  for (const [name, certificate, why] of brokenForms(fields, ['ballot', 'accepts', 'proposals']))
    await m.fail(`form-${name}`, 'certificate-valid', { before, entry, certificate }, 'parse', why);
  const one = (fields[1] as Value[])[0] as Value[];
  const forms: [string, Value[], string][] = [
    ['no-accepts', [fields[0]!, [], []], 'no accept'],
    ['accepts-33', [fields[0]!, Array.from({ length: 33 }, () => one), []], '33 accepts'],
    ['accept-three', [fields[0]!, [one.slice(0, 3)], []], 'an accept without a signature'],
    ['signature-63', [fields[0]!, [[...one.slice(0, 3), new Uint8Array(63)]], []], 'a signature of 63 bytes'],
    ['round-2-32', [[2 ** 32, row(0, 16)], fields[1]!, []], 'a round of 2^32'],
    ['ballot-one', [[1], fields[1]!, []], 'a ballot without an initiator'],
  ];
  for (const [name, value, why] of forms)
    await m.fail(`form-${name}`, 'certificate-valid', { before, entry, certificate: encode(value) }, 'parse', why);
  await objects(m, r, made);
  return m;
}

async function objects(
  m: Maker,
  r: Registry,
  { entry, certificate, dealt }: Awaited<ReturnType<Registry['next']>>,
): Promise<void> {
  const { pid, meshKey } = r;
  const { wrap, link } = dealt!;
  const decided = encodeDecided(entry.bytes, encodeCertificate(certificate));
  const seal = (data: Bytes, change: Partial<ObjectContext> = {}) =>
    sealObject(
      {
        layer: 'mesh',
        epoch: 0,
        key: meshLayerKey(pid, 0, meshKey),
        pid,
        kind: 'entry',
        owner: pid,
        sequence: 1,
        ...change,
      },
      data,
      m.random,
    );
  const sealed = await seal(decided);
  const object = (parts: { wrap?: Bytes; link?: Bytes; sealed?: Bytes } = {}) =>
    encodeRegistryObject({ wrap, link, sealed, ...parts });
  const input = (bytes: Bytes) => ({ pid, slot: 1, epoch: 0, meshKey, object: bytes });
  const whole = object();
  await m.pass('object', 'registry-object-open', input(whole));
  await m.pass(
    'object-no-parts',
    'registry-object-open',
    input(object({ wrap: new Uint8Array(0), link: new Uint8Array(0) })),
  );
  const bytes: [string, Bytes, 'parse' | 'unsupported' | 'context' | 'commitment' | 'tag', string][] = [
    ['empty', new Uint8Array(0), 'parse', 'nothing'],
    ['3', whole.slice(0, 3), 'parse', 'three bytes'],
    ['wrap-over', splice(whole, 0, uintBytes(whole.length, 4)), 'parse', 'a wrap length beyond the end'],
    ['wrap-max', splice(whole, 0, uintBytes(2 ** 32 - 1, 4)), 'parse', 'a wrap length of 2^32-1'],
    ['link-over', splice(whole, 4 + wrap.length, uintBytes(2 ** 31, 4)), 'parse', 'a link length beyond the end'],
    ['no-sealed', object({ sealed: new Uint8Array(0) }), 'parse', 'nothing is sealed'],
    ['cut', whole.slice(0, -1), 'tag', 'the last byte is missing'],
    ['trailing', concat(whole, Uint8Array.of(0)), 'tag', 'a byte follows'],
    ['bit', flip(whole, -1), 'tag', 'a bit of the tag is flipped'],
    ['magic', object({ sealed: flip(sealed, 0) }), 'unsupported', 'magic of the sealed part'],
    ['version', object({ sealed: splice(sealed, 4, [2]) }), 'unsupported', 'version of the sealed part'],
    ['layer', object({ sealed: wrap }), 'context', 'the wrap in place of the sealed part'],
    ['slot', object({ sealed: await seal(decided, { sequence: 2 }) }), 'commitment', 'sealed for another slot'],
    ['kind', object({ sealed: await seal(decided, { kind: 'vote' }) }), 'commitment', 'sealed as a vote'],
    ['owner', object({ sealed: await seal(decided, { owner: row(1) }) }), 'commitment', 'sealed for another owner'],
    ['epoch', object({ sealed: await seal(decided, { epoch: 1 }) }), 'context', 'sealed for another epoch'],
    ['key', object({ sealed: await seal(decided, { key: row(1) }) }), 'commitment', 'sealed under another key'],
    ['one', object({ sealed: await seal(encode([entry.bytes])) }), 'parse', 'no certificate'],
    [
      'three',
      object({ sealed: await seal(encode([entry.bytes, encodeCertificate(certificate), null])) }),
      'parse',
      'a field is too many',
    ],
    ['raw', object({ sealed: await seal(entry.bytes) }), 'parse', 'the entry itself is sealed'],
    [
      'certificate',
      object({ sealed: await seal(encodeDecided(entry.bytes, Uint8Array.of(0xf6))) }),
      'parse',
      'the certificate is null',
    ],
  ];
  for (const [name, each, layer, why] of bytes)
    await m.fail(`object-${name}`, 'registry-object-open', input(each), layer, why);
  await m.fail(
    'object-bound',
    'registry-object-open',
    { ...input(whole), object: [whole, { repeat: '00', length: 256 * 1024 + 1 - whole.length }] },
    'bound',
    '256 KiB and a byte',
  );
  const parts = (change: { wrap?: Bytes; link?: Bytes }) => ({ entry: { given: 'entry' }, wrap, link, ...change });
  await m.pass('attachments', 'attachments-check', parts({}));
  const nothing = new Uint8Array(0);
  for (const [name, change, why] of [
    ['wrap', { wrap: flip(wrap, 90) }, 'a bit of the wrap is flipped'],
    ['link', { link: flip(link, 90) }, 'a bit of the link is flipped'],
    ['swapped', { wrap: link, link: wrap }, 'wrap and link are swapped'],
    ['no-wrap', { wrap: nothing }, 'no wrap'],
    ['no-link', { link: nothing }, 'no link'],
    ['longer', { wrap: concat(wrap, Uint8Array.of(0)) }, 'a byte follows the wrap'],
  ] as const)
    await m.fail(`attachments-${name}`, 'attachments-check', parts(change), 'context', why);
  await m.fail(
    'attachments-founding-link',
    'attachments-check',
    { entry: { given: 'founding' }, wrap: r.founding.dealt!.wrap, link },
    'context',
    'a link at slot 0',
  );
}
