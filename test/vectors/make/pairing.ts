/** Vectors of a pairing: the link, M1 to M4 as their receivers check them, and the three words. */
import { type Bytes, base64url, concat } from '../../../src/bytes.ts';
import { encode, type Value } from '../../../src/cbor.ts';
import { pairCommitment, pairResult, signPossession, signReveal } from '../../../src/ceremonies/pairing.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { hpkeSeal, receiveKey } from '../../../src/crypto/hpke.ts';
import { holderId } from '../../../src/crypto/keys.ts';
import { pad } from '../../../src/crypto/padding.ts';
import { signStatement } from '../../../src/crypto/sign.ts';
import { info } from '../../../src/crypto/statements.ts';
import { encodeInvitation, encodePairRole, encodeReveal, invitationLink } from '../../../src/format/pairing.ts';
import { encodeRequest } from '../../../src/format/entry.ts';
import { signRole } from '../../../src/registry/messages.ts';
import { brokenForms } from '../forms.ts';
import { type Fields, flip, Maker, row } from '../maker.ts';
import { Author } from './author.ts';

type Layer = 'parse' | 'unsupported' | 'tag' | 'padding' | 'key' | 'signature' | 'commitment' | 'context' | 'words';

export async function makePairing(): Promise<Maker> {
  const m = new Maker(
    'pairing',
    'docs/protocol.md 7, Pairing',
    'A pairing: the invitation, its four messages, and the three words.',
  );
  const { random } = m;
  const pid = row(0);
  const [a, b] = [new Author(pid, random), new Author(pid, random)];
  const [eA, own, other] = [receiveKey(random), receiveKey(random), receiveKey(random)];
  const [iid, k, nA, nB] = [row(9, 16), row(0x20), row(0x30), row(0x50)];
  const at = { slot: 4, head: row(0x70), holder: a.device, signKey: a.signKey };
  const data = {
    ...{ pid, iid, ephemeralKey: eA.publicKey, secret: k, commitment: pairCommitment(pid, iid, at, nA) },
    stores: [{ url: 'folder:/stick', id: row(1, 10) }],
  };
  const invitation = encodeInvitation(data);
  const hI = sha256(invitation);

  await links(m, invitation, data);

  /** A message as it is stored, with every part of the sealing open to change. */
  const seal = (
    to: Bytes,
    step: number,
    bound: Value[],
    padded: Bytes,
    change: { psk?: Bytes; pskId?: Bytes; info?: Bytes } = {},
  ) => hpkeSeal(to, { info: info(pid, `pair-${step}`, iid, ...bound), psk: k, pskId: iid, ...change }, padded, random);
  /** Every way to seal it wrong. */
  async function sealedWrong(
    name: string,
    op: string,
    to: Bytes,
    step: number,
    bound: Value[],
    plain: Bytes,
    input: (sealed: Bytes) => Fields,
  ): Promise<void> {
    const good = await seal(to, step, bound, pad(plain));
    const cases: [string, Bytes, Layer, string][] = [
      ['cut', good.slice(0, -1), 'tag', 'a byte is missing'],
      ['bit', flip(good, 60), 'tag', 'a bit is flipped'],
      ['enc', flip(good, 0), 'tag', 'a bit of enc is flipped'],
      ['short', good.slice(0, 47), 'parse', 'shorter than enc and tag'],
      ['key', await seal(other.publicKey, step, bound, pad(plain)), 'tag', 'sealed to another key'],
      ['psk', await seal(to, step, bound, pad(plain), { psk: row(1) }), 'tag', 'another k'],
      ['psk-id', await seal(to, step, bound, pad(plain), { pskId: row(1, 16) }), 'tag', 'another invitation as psk id'],
      ['step', await seal(to, (step % 4) + 1, bound, pad(plain)), 'tag', 'the info of another step'],
      ['bound', await seal(to, step, [...bound.slice(0, -1), row(2)], pad(plain)), 'tag', 'bound to another message'],
      ['unbound', await seal(to, step, [], pad(plain)), 'tag', 'bound to nothing'],
      ['info', await seal(to, step, bound, pad(plain), { info: new Uint8Array(0) }), 'tag', 'no info'],
      ['padding', await seal(to, step, bound, plain), 'padding', 'not padded'],
    ];
    for (const [what, sealed, layer, why] of cases) await m.fail(`${name}-${what}`, op, input(sealed), layer, why);
    for (const [what, bytes, why] of brokenForms([0, 0, 0], []).slice(0, 4))
      await m.fail(`${name}-form-${what}`, op, input(await seal(to, step, bound, pad(bytes))), 'parse', why);
  }

  // M1
  const keys = { signKey: b.signKey, receiveKey: own.publicKey, nonce: nB };
  const helloOf = (change: Record<number, Value> = {}, possession?: Bytes): Bytes => {
    const fields: Value[] = [
      keys.signKey,
      keys.receiveKey,
      'device',
      'phone',
      'linux',
      keys.nonce,
      possession ?? signPossession(b.seed, pid, iid, hI, keys),
    ];
    return encode(fields.map((each, i) => change[i] ?? each));
  };
  const hello = helloOf();
  const hM1 = sha256(hello);
  const helloIn = (sealed: Bytes): Fields => ({ invitation, ephemeralPrivate: eA.privateKey, sealed });
  const seal1 = (plain: Bytes) => seal(eA.publicKey, 1, [hI], pad(plain));
  await m.pass('hello', 'pair-hello', helloIn(await seal1(hello)));
  await m.pass('hello-no-platform', 'pair-hello', helloIn(await seal1(helloOf({ 4: '' }))));
  await sealedWrong('hello', 'pair-hello', eA.publicKey, 1, [hI], hello, helloIn);
  const small = Uint8Array.of(1, ...new Uint8Array(31));
  const possession = (change: Partial<typeof keys> = {}, seed = b.seed, p = pid, i = iid, h = hI) =>
    signPossession(seed, p, i, h, { ...keys, ...change });
  const hellos: [string, Bytes, Layer, string][] = [
    ['other-kind', helloOf({ 2: 'kit' }), 'parse', 'it says that it is a kit'],
    ['name-empty', helloOf({ 3: '' }), 'parse', 'no name'],
    ['name-257', helloOf({ 3: 'x'.repeat(257) }), 'parse', 'a name of 257 characters'],
    ['platform-65', helloOf({ 4: 'x'.repeat(65) }), 'parse', 'a platform of 65 characters'],
    ['nonce-31', helloOf({ 5: nB.slice(1) }), 'parse', 'a nonce of 31 bytes'],
    ['sign-key-small', helloOf({ 0: small }), 'key', 'a signing key of small order'],
    ['sign-key-zero', helloOf({ 0: new Uint8Array(32) }), 'key', 'a signing key of zeros'],
    [
      'receive-key-low',
      helloOf({ 1: small }, possession({ receiveKey: small })),
      'key',
      'a receive key of low order, signed',
    ],
    [
      'receive-key-zero',
      helloOf({ 1: new Uint8Array(32) }, possession({ receiveKey: new Uint8Array(32) })),
      'key',
      'a receive key of zeros, signed',
    ],
    [
      'receive-key-high',
      helloOf({ 1: high(own.publicKey) }, possession({ receiveKey: high(own.publicKey) })),
      'key',
      'a receive key with its top bit set, signed',
    ],
    ['sign-key-other', helloOf({ 0: a.signKey }), 'signature', 'the signing key of another device'],
    ['receive-key-other', helloOf({ 1: other.publicKey }), 'signature', 'another receive key than the signed one'],
    ['nonce-other', helloOf({ 5: row(1) }), 'signature', 'another nonce than the signed one'],
    ['possession-bit', helloOf({}, flip(possession(), 40)), 'signature', 'a bit of the signature is flipped'],
    ['possession-by-other', helloOf({}, possession({}, a.seed)), 'signature', 'signed by another device'],
    ['possession-pid', helloOf({}, possession({}, b.seed, row(1))), 'signature', 'signed for another passport'],
    [
      'possession-iid',
      helloOf({}, possession({}, b.seed, pid, row(1, 16))),
      'signature',
      'signed for another invitation',
    ],
    ['possession-hash', helloOf({}, possession({}, b.seed, pid, iid, row(1))), 'signature', 'signed for another link'],
  ];
  for (const [name, plain, layer, why] of hellos)
    await m.fail(`hello-${name}`, 'pair-hello', helloIn(await seal1(plain)), layer, why);

  // M2
  const shown = { nonce: nA, ...at };
  const revealOf = (change: Partial<typeof shown> = {}, signature?: Bytes) =>
    encodeReveal({
      ...shown,
      ...change,
      signature: signature ?? signReveal(a.seed, pid, iid, hI, hM1, { ...shown, ...change }),
    });
  const reveal = revealOf();
  const revealIn = (sealed: Bytes): Fields => ({ invitation, receivePrivate: own.privateKey, hello, sealed });
  const seal2 = (plain: Bytes) => seal(own.publicKey, 2, [hI, hM1], pad(plain));
  await m.pass('reveal', 'pair-reveal', revealIn(await seal2(reveal)));
  await sealedWrong('reveal', 'pair-reveal', own.publicKey, 2, [hI, hM1], reveal, revealIn);
  const reveals: [string, Bytes, Layer, string][] = [
    ['nonce', revealOf({ nonce: row(1) }), 'commitment', 'another nonce than the committed one'],
    ['holder', revealOf({ holder: b.device }), 'commitment', 'another holder'],
    [
      'sign-key',
      revealOf({ signKey: b.signKey }, signReveal(b.seed, pid, iid, hI, hM1, { ...shown, signKey: b.signKey })),
      'commitment',
      'another signing key, that signs',
    ],
    ['slot', revealOf({ slot: 5 }), 'commitment', 'another slot'],
    ['head', revealOf({ head: row(1) }), 'commitment', 'another head'],
    [
      'bit',
      revealOf({}, flip(signReveal(a.seed, pid, iid, hI, hM1, shown), 40)),
      'signature',
      'a bit of the signature is flipped',
    ],
    ['by-other', revealOf({}, signReveal(b.seed, pid, iid, hI, hM1, shown)), 'signature', 'signed by another device'],
    [
      'other-hello',
      revealOf({}, signReveal(a.seed, pid, iid, hI, row(1), shown)),
      'signature',
      'signed for another M1',
    ],
    [
      'other-link',
      revealOf({}, signReveal(a.seed, pid, iid, row(1), hM1, shown)),
      'signature',
      'signed for another link',
    ],
    [
      'other-iid',
      revealOf({}, signReveal(a.seed, pid, row(1, 16), hI, hM1, shown)),
      'signature',
      'signed for another invitation',
    ],
    [
      'other-pid',
      revealOf({}, signReveal(a.seed, row(1), iid, hI, hM1, shown)),
      'signature',
      'signed for another passport',
    ],
  ];
  for (const [name, plain, layer, why] of reveals)
    await m.fail(`reveal-${name}-said`, 'pair-reveal', revealIn(await seal2(plain)), layer, why);

  // The words
  const inputs = { pid, invitation, hello, reveal };
  const { transcript, words } = pairResult(pid, invitation, hello, reveal, nA, nB);
  await m.pass('words', 'pair-words', inputs);
  await m.pass('words-other-nonce', 'pair-words', { ...inputs, reveal: revealOf({ nonce: row(1) }) });
  for (const [name, typed] of [
    ['typed', words.join(' ')],
    ['upper', words.join(' ').toUpperCase()],
    ['spaces', `  ${words.join('   ')}\n`],
  ] as const)
    await m.pass(`words-${name}`, 'pair-words-check', { ...inputs, typed });
  const [one, two, three] = words as [string, string, string];
  const wrong: [string, string, string][] = [
    ['none', '', 'nothing'],
    ['two', `${one} ${two}`, 'two words'],
    ['four', `${one} ${two} ${three} ${three}`, 'four words'],
    ['order', `${two} ${one} ${three}`, 'in another order'],
    ['reverse', `${three} ${two} ${one}`, 'in reverse'],
    ['other', `${one} ${two} ${three === 'abandon' ? 'ability' : 'abandon'}`, 'another last word'],
    ['first', `${one === 'abandon' ? 'ability' : 'abandon'} ${two} ${three}`, 'another first word'],
    ['joined', `${one}${two}${three}`, 'without spaces'],
    ['letters', words.map((word) => word.slice(0, 3)).join(' '), 'three letters of each'],
    ['pid', 'sauce magnet wild', 'the words of the pid'],
  ];
  for (const [name, typed, why] of wrong)
    await m.fail(`words-not-${name}`, 'pair-words-check', { ...inputs, typed }, 'words', why);
  const typed = words.join(' ');
  await m.fail(
    'words-of-other-hello',
    'pair-words-check',
    { ...inputs, hello: helloOf({ 5: row(0x51) }), typed },
    'words',
    'the words of another M1',
  );
  await m.fail(
    'words-of-other-reveal',
    'pair-words-check',
    { ...inputs, reveal: revealOf({ nonce: row(0x31) }), typed },
    'words',
    'the words of another M2',
  );
  await m.fail(
    'words-of-other-pid',
    'pair-words-check',
    { ...inputs, pid: row(1), typed },
    'words',
    'the words of another passport',
  );
  await m.fail(
    'words-of-other-link',
    'pair-words-check',
    { ...inputs, invitation: encodeInvitation({ ...data, iid: row(8, 16) }), typed },
    'words',
    'the words of another invitation',
  );

  // M3
  const holder = {
    seat: 7,
    id: holderId(pid, b.signKey),
    kind: 'device' as const,
    name: 'phone',
    signKey: b.signKey,
    receiveKey: own.publicKey,
  };
  const requestOf = (enters: (typeof holder)[]) =>
    encodeRequest({
      ...{
        rid: row(3, 16),
        kind: 'holders',
        initiator: { id: a.device, signKey: a.signKey },
        oneTimeKey: row(4),
        expiry: 5,
      },
      ...{ enters, leaves: [], threshold: 2, names: [], unlockDevices: [] },
    });
  const prev = row(0x70);
  const placeOf = (enters = [holder], slot = 5) => encode([slot, prev, requestOf(enters)]);
  const placeIn = (sealed: Bytes): Fields => ({
    invitation,
    receivePrivate: own.privateKey,
    transcript,
    id: holder.id,
    signKey: b.signKey,
    receiveKey: own.publicKey,
    sealed,
  });
  const seal3 = (plain: Bytes) => seal(own.publicKey, 3, [transcript], pad(plain));
  await m.pass('place', 'pair-place', placeIn(await seal3(placeOf())));
  for (const code of ['words-mismatch', 'pairing-contested', 'refused'])
    await m.pass(`place-${code}`, 'pair-place', placeIn(await seal3(encode(['refused', code]))), { result: { code } });
  await sealedWrong('place', 'pair-place', own.publicKey, 3, [transcript], placeOf(), placeIn);
  const places: [string, Bytes, Layer, string][] = [
    ['nobody', placeOf([]), 'context', 'nobody enters'],
    ['other-id', placeOf([{ ...holder, id: row(1, 16) }]), 'context', 'another id enters'],
    ['other-sign-key', placeOf([{ ...holder, signKey: a.signKey }]), 'context', 'another signing key enters'],
    [
      'other-receive-key',
      placeOf([{ ...holder, receiveKey: other.publicKey }]),
      'context',
      'another receive key enters',
    ],
    ['request-cut', encode([5, prev, requestOf([holder]).slice(0, -1)]), 'parse', 'the request is cut off'],
    ['prev-31', encode([5, prev.slice(1), requestOf([holder])]), 'parse', 'prev of 31 bytes'],
    ['no-request', encode([5, prev]), 'parse', 'no request'],
    ['request-16385', encode([5, prev, new Uint8Array(16_385)]), 'parse', 'a request of more than 16 KiB'],
  ];
  for (const [name, plain, layer, why] of places)
    await m.fail(`place-${name}`, 'pair-place', placeIn(await seal3(plain)), layer, why);

  // M4
  const placed = { slot: 5, prev };
  const role = (
    change: Partial<typeof placed> = {},
    signature = signRole(pid, b.seed, { ...placed, ...change }, holder, transcript),
  ) => encodePairRole({ ...placed, ...change, signature });
  const roleIn = (sealed: Bytes): Fields => ({
    invitation,
    ephemeralPrivate: eA.privateKey,
    transcript,
    ...placed,
    signKey: b.signKey,
    receiveKey: own.publicKey,
    sealed,
  });
  const seal4 = (plain: Bytes) => seal(eA.publicKey, 4, [transcript], pad(plain));
  await m.pass('role', 'pair-role', roleIn(await seal4(role())));
  await sealedWrong('role', 'pair-role', eA.publicKey, 4, [transcript], role(), roleIn);
  const statement = (use: string, ...fields: Value[]) => signStatement(b.seed, pid, use, ...fields);
  const roles: [string, Bytes, Layer, string][] = [
    ['slot', role({ slot: 6 }), 'context', 'for another slot'],
    ['prev', role({ prev: row(1) }), 'context', 'for another entry before'],
    [
      'signed-slot',
      role({}, signRole(pid, b.seed, { ...placed, slot: 6 }, holder, transcript)),
      'signature',
      'signed for another slot',
    ],
    [
      'signed-prev',
      role({}, signRole(pid, b.seed, { ...placed, prev: row(1) }, holder, transcript)),
      'signature',
      'signed for another entry before',
    ],
    [
      'signed-transcript',
      role({}, signRole(pid, b.seed, placed, holder, row(1))),
      'signature',
      'signed with another transcript',
    ],
    [
      'signed-no-transcript',
      role({}, signRole(pid, b.seed, placed, holder, new Uint8Array(32))),
      'signature',
      'signed as a founding holder',
    ],
    [
      'signed-receive-key',
      role({}, signRole(pid, b.seed, placed, { ...holder, receiveKey: other.publicKey }, transcript)),
      'signature',
      'signed with another receive key',
    ],
    ['by-other', role({}, signRole(pid, a.seed, placed, holder, transcript)), 'signature', 'signed by another device'],
    [
      'signed-pid',
      role({}, signRole(row(1), b.seed, placed, holder, transcript)),
      'signature',
      'signed for another passport',
    ],
    [
      'signed-use',
      role({}, statement('pair-pop', 5, prev, b.signKey, own.publicKey, transcript)),
      'signature',
      'signed for another use',
    ],
    [
      'bit',
      role({}, flip(signRole(pid, b.seed, placed, holder, transcript), 1)),
      'signature',
      'a bit of the signature is flipped',
    ],
  ];
  for (const [name, plain, layer, why] of roles)
    await m.fail(`role-${name}-said`, 'pair-role', roleIn(await seal4(plain)), layer, why);
  return m;
}

/** The same coordinate with its top bit set. */
function high(key: Bytes): Bytes {
  return flip(key, 31, 0x80);
}

async function links(m: Maker, invitation: Bytes, data: Parameters<typeof encodeInvitation>[0]): Promise<void> {
  const link = invitationLink(invitation);
  await m.pass('link', 'invitation-link', { link });
  await m.pass('link-spaces', 'invitation-link', { link: ` ${link}\n` });
  const many = { ...data, stores: Array.from({ length: 16 }, (_, i) => ({ url: `folder:/${i}`, id: row(i, 10) })) };
  await m.pass('link-16-stores', 'invitation-link', { link: invitationLink(encodeInvitation(many)) });
  const fields: Value[] = [
    1,
    1,
    data.pid,
    data.iid,
    data.ephemeralKey,
    data.commitment,
    data.secret,
    data.stores.map(({ url, id }) => [url, id]),
  ];
  const linkOf = (of: Value[]) => invitationLink(encode(of));
  const put = (i: number, value: Value) => linkOf(fields.map((each, at) => (at === i ? value : each)));
  const names = ['format', 'suite', 'pid', 'iid', 'ephemeral', 'commitment', 'secret', 'stores'];
  for (const [name, bytes, why] of brokenForms(fields, names, names.slice(2, 7)))
    await m.fail(`link-${name}`, 'invitation-link', { link: invitationLink(bytes) }, 'parse', why);
  const bad: [string, string, Layer, string][] = [
    ['format-2', put(0, 2), 'unsupported', 'format 2'],
    ['format-0', put(0, 0), 'unsupported', 'format 0'],
    ['suite-2', put(1, 2), 'unsupported', 'suite 2'],
    ['no-stores', put(7, []), 'parse', 'no store'],
    [
      '17-stores',
      put(
        7,
        Array.from({ length: 17 }, (_, i) => ['x', row(i, 10)]),
      ),
      'parse',
      '17 stores',
    ],
    ['url-empty', put(7, [['', row(0, 10)]]), 'parse', 'an empty url'],
    ['url-1025', put(7, [['x'.repeat(1025), row(0, 10)]]), 'parse', 'a url of 1,025 characters'],
    ['store-9', put(7, [['x', row(0, 9)]]), 'parse', 'a store id of 9 bytes'],
    ['scheme', link.replace('passport:join#', 'https://join#'), 'parse', 'another scheme'],
    ['no-scheme', base64url(invitation), 'parse', 'no scheme'],
    ['padded', `${link}==`, 'parse', 'base64 with padding'],
    ['alphabet', `passport:join#+/${base64url(invitation).slice(2)}`, 'parse', 'the other base64 alphabet'],
    [
      'not-canonical',
      invitationLink(concat(invitation, Uint8Array.of(0))).slice(0, -1),
      'parse',
      'the last character is missing',
    ],
    ['empty', 'passport:join#', 'parse', 'nothing follows'],
  ];
  for (const [name, text, layer, why] of bad)
    await m.fail(`link-says-${name}`, 'invitation-link', { link: text }, layer, why);
}
