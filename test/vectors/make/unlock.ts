/** Vectors of an unlock: the request as a holder looks at it, the answer and the refusal as the asking device does, drills. */
import { type Bytes, concat } from '../../../src/bytes.ts';
import { encode, type Value } from '../../../src/cbor.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { hpkeSeal, receiveKey } from '../../../src/crypto/hpke.ts';
import { signStatement } from '../../../src/crypto/sign.ts';
import { hash, info } from '../../../src/crypto/statements.ts';
import { brokenForms } from '../forms.ts';
import { type Fields, flip, Maker, row } from '../maker.ts';
import { Author } from './author.ts';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const FIELDS = [
  'label',
  'rid',
  'initiator',
  'slot',
  'head',
  'epoch',
  'one-time key',
  'purpose',
  'ttl',
  'not after',
  'chosen',
];

export async function makeUnlock(): Promise<Maker> {
  const m = new Maker(
    'unlock',
    'docs/protocol.md 7, Mail',
    'Unlock requests, answers and refusals, and answers to drills: the bodies of mail that is authentic.',
  );
  const { random } = m;
  const pid = row(0);
  const [anna, berta, kit, stranger] = [
    new Author(pid, random),
    new Author(pid, random),
    new Author(pid, random),
    new Author(pid, random),
  ];
  const oneTime = receiveKey(random);
  const [epoch, slot, head, rid] = [2, 5, row(0x30), row(9, 16)];
  const holders = m.give('holders', [
    { id: anna.device, kind: 0, signKey: anna.signKey },
    { id: berta.device, kind: 0, signKey: berta.signKey },
    { id: kit.device, kind: 1, signKey: kit.signKey },
  ]);

  // The request: anna asks, berta looks.
  const fields: Value[] = [
    'unlock',
    rid,
    anna.device,
    slot,
    head,
    epoch,
    oneTime.publicKey,
    'ssh',
    900_000,
    NOW + 10 * MINUTE,
    [berta.device],
  ];
  const put = (name: string, value: Value) => fields.map((each, i) => (i === FIELDS.indexOf(name) ? value : each));
  const sign = (bytes: Bytes, use = 'unlock', seed = anna.seed, p = pid) => signStatement(seed, p, use, sha256(bytes));
  const bodyOf = (of: readonly Value[], signature?: Bytes) => {
    const bytes = encode(of);
    return encode([bytes, signature ?? sign(bytes)]);
  };
  const asked = (body: Bytes, also: Fields = {}): Fields => ({
    ...{
      pid,
      epoch,
      slot,
      head,
      me: berta.device,
      sender: anna.device,
      id: rid,
      holders,
      now: NOW,
      cameAt: NOW,
      body,
      ...also,
    },
  });
  const good = bodyOf(fields);
  await m.pass('request', 'unlock-request', asked(good));
  await m.pass('request-long', 'unlock-request', asked(bodyOf(put('purpose', 'x'.repeat(200)))));
  await m.pass(
    'request-chosen',
    'unlock-request',
    asked(bodyOf(put('chosen', [row(1, 16), berta.device, kit.device]))),
  );
  await m.pass('request-last', 'unlock-request', asked(good, { now: NOW + 10 * MINUTE - 1 }));
  await m.pass('request-20-minutes', 'unlock-request', asked(bodyOf(put('not after', NOW + 20 * MINUTE))));

  const request = encode(fields);
  const ofRequest = hash(pid, 'unlock-request', sha256(request));
  const cancelSignature = (of = ofRequest, use = 'unlock-cancel', seed = anna.seed, id = rid, p = pid) =>
    signStatement(seed, p, use, id, of);
  const cancel = (named = ofRequest, signature = cancelSignature()) => encode([named, signature]);
  // Mail that is authentic and takes nothing back: the request stands.
  const noCancels: [string, Bytes][] = [
    ['hash', cancel(row(1))],
    ['other-request', cancel(row(1), cancelSignature(row(1)))],
    ['signed-request', cancel(ofRequest, cancelSignature(row(1)))],
    ['signed-rid', cancel(ofRequest, cancelSignature(ofRequest, 'unlock-cancel', anna.seed, row(8, 16)))],
    ['by-other', cancel(ofRequest, cancelSignature(ofRequest, 'unlock-cancel', berta.seed))],
    ['use', cancel(ofRequest, cancelSignature(ofRequest, 'unlock-refuse'))],
    ['pid', cancel(ofRequest, cancelSignature(ofRequest, 'unlock-cancel', anna.seed, rid, row(1)))],
    ['signature', cancel(ofRequest, flip(cancelSignature(), 40))],
    ['one', encode([ofRequest])],
    ['three', encode([ofRequest, cancelSignature(), null])],
    ['trailing', concat(cancel(), Uint8Array.of(0))],
    ['empty', new Uint8Array(0)],
  ];
  for (const [name, body] of noCancels)
    await m.pass(`request-no-cancel-${name}`, 'unlock-request', asked(good, { cancel: body }));

  const bad: [string, Fields, 'context' | 'signature' | 'epoch' | 'expired' | 'parse', string][] = [
    ['sender', asked(good, { sender: berta.device }), 'context', 'the mail is by another device'],
    ['mail-id', asked(good, { id: row(8, 16) }), 'context', 'the mail has another id'],
    ['initiator', asked(bodyOf(put('initiator', berta.device))), 'context', 'it asks for another device'],
    [
      'stranger',
      asked(bodyOf(put('initiator', stranger.device), undefined), { sender: stranger.device }),
      'context',
      'the initiator is no holder',
    ],
    [
      'kit',
      asked(bodyOf(put('initiator', kit.device), sign(encode(put('initiator', kit.device)), 'unlock', kit.seed)), {
        sender: kit.device,
      }),
      'context',
      'the initiator is a kit',
    ],
    ['slot', asked(bodyOf(put('slot', 4))), 'context', 'an older head'],
    ['slot-next', asked(bodyOf(put('slot', 6))), 'context', 'a newer head'],
    ['head', asked(bodyOf(put('head', row(0x31)))), 'context', 'another entry in this slot'],
    ['own-head', asked(good, { head: row(0x31) }), 'context', 'the holder’s own head is another entry'],
    ['epoch', asked(bodyOf(put('epoch', 1))), 'epoch', 'an older epoch'],
    ['epoch-next', asked(bodyOf(put('epoch', 3))), 'epoch', 'a newer epoch'],
    ['not-chosen', asked(bodyOf(put('chosen', [kit.device]))), 'context', 'another holder was chosen'],
    ['nobody-chosen', asked(bodyOf(put('chosen', []))), 'context', 'nobody was chosen'],
    ['expired', asked(good, { now: NOW + 10 * MINUTE }), 'expired', 'its time is over'],
    ['expired-long', asked(good, { now: NOW + 60 * MINUTE }), 'expired', 'its time is over since long'],
    [
      'too-far',
      asked(bodyOf(put('not after', NOW + 20 * MINUTE + 1))),
      'expired',
      'it lasts longer than 20 minutes after the mail came',
    ],
    ['for-ever', asked(bodyOf(put('not after', Number.MAX_SAFE_INTEGER))), 'expired', 'it lasts for ever'],
    ['cancelled', asked(good, { cancel: cancel() }), 'expired', 'a cancel came'],
    [
      'signature',
      asked(bodyOf(fields, flip(sign(encode(fields)), 32))),
      'signature',
      'a bit of the signature is flipped',
    ],
    [
      'signature-by-other',
      asked(bodyOf(fields, sign(encode(fields), 'unlock', berta.seed))),
      'signature',
      'signed by another device',
    ],
    ['signature-use', asked(bodyOf(fields, sign(encode(fields), 'request'))), 'signature', 'signed for another use'],
    [
      'signature-pid',
      asked(bodyOf(fields, sign(encode(fields), 'unlock', anna.seed, row(1)))),
      'signature',
      'signed for another passport',
    ],
    [
      'signature-replayed',
      asked(bodyOf(put('one-time key', row(0x66)), sign(encode(fields)))),
      'signature',
      'the signature of another request: the one-time key was changed',
    ],
    ['pid', asked(good, { pid: row(1) }), 'signature', 'another passport'],
  ];
  for (const [name, input, layer, why] of bad) await m.fail(`request-${name}`, 'unlock-request', input, layer, why);
  for (const [name, bytes, why] of brokenForms(fields, FIELDS, ['rid', 'initiator', 'head', 'one-time key']))
    await m.fail(`request-form-${name}`, 'unlock-request', asked(encode([bytes, sign(bytes)])), 'parse', why);
  const forms: [string, Bytes, string][] = [
    ['label', bodyOf(put('label', 'share')), 'another label'],
    ['purpose-201', bodyOf(put('purpose', 'x'.repeat(201))), 'a purpose of 201 characters'],
    [
      'chosen-33',
      bodyOf(
        put(
          'chosen',
          Array.from({ length: 33 }, (_, i) => row(i, 16)),
        ),
      ),
      '33 chosen holders',
    ],
    ['unsigned', encode([encode(fields)]), 'no signature'],
    ['signature-63', encode([encode(fields), new Uint8Array(63)]), 'a signature of 63 bytes'],
    [
      '4097',
      encode([concat(encode(fields), new Uint8Array(4096)), new Uint8Array(64)]),
      'a request of more than 4 KiB',
    ],
    ['not-bytes', encode([fields, new Uint8Array(64)]), 'the request stands as an array'],
  ];
  for (const [name, body, why] of forms)
    await m.fail(`request-body-${name}`, 'unlock-request', asked(body), 'parse', why);

  // The answer: berta answers, anna looks.
  const share = concat(row(0x80), Uint8Array.of(2));
  const common: Value[] = [epoch, rid, ofRequest, anna.device, berta.device];
  const infoOf = (of: Value[], use = 'unlock-share', key = oneTime.publicKey) => info(pid, use, ...of, key);
  const boxOf = (how = infoOf(common), to = oneTime.publicKey, of = share) => hpkeSeal(to, { info: how }, of, random);
  const answer = (box: Bytes, of: Value[] = common, seed = berta.seed, use = 'unlock-answer', hashed = ofRequest) =>
    encode([hashed, box, signStatement(seed, pid, use, ...of, sha256(box))]);
  const got = (body: Bytes, also: Fields = {}): Fields => ({
    ...{ pid, request, oneTimePrivate: oneTime.privateKey, sender: berta.device, id: rid, holders, body, ...also },
  });
  const box = await boxOf();
  await m.pass('answer', 'unlock-answer', got(answer(box)), { result: { share } });
  const swap = (i: number, value: Value) => common.map((each, at) => (at === i ? value : each));
  const answers: [string, Fields, 'context' | 'signature' | 'tag' | 'parse', string][] = [
    [
      'request',
      got(answer(box, common, berta.seed, 'unlock-answer', row(1))),
      'context',
      'the hash of another request',
    ],
    ['mail-id', got(answer(box), { id: row(8, 16) }), 'context', 'the mail has another id'],
    ['not-chosen', got(answer(box), { sender: anna.device }), 'context', 'by a device that was not asked'],
    ['stranger', got(answer(box), { sender: stranger.device }), 'context', 'by nobody'],
    [
      'signature',
      got(encode([ofRequest, box, flip(signStatement(berta.seed, pid, 'unlock-answer', ...common, sha256(box)), 40)])),
      'signature',
      'a bit of the signature is flipped',
    ],
    ['by-other', got(answer(box, common, anna.seed)), 'signature', 'signed by another device'],
    ['use', got(answer(box, common, berta.seed, 'unlock-share')), 'signature', 'signed for another use'],
    ['signed-epoch', got(answer(box, swap(0, 1))), 'signature', 'signed for another epoch'],
    ['signed-rid', got(answer(box, swap(1, row(8, 16)))), 'signature', 'signed for another rid'],
    ['signed-request', got(answer(box, swap(2, row(8)))), 'signature', 'signed for another request'],
    ['signed-initiator', got(answer(box, swap(3, berta.device))), 'signature', 'signed for another initiator'],
    ['signed-holder', got(answer(box, swap(4, anna.device))), 'signature', 'signed as another holder'],
    [
      'box-changed',
      got(encode([ofRequest, flip(box, 50), signStatement(berta.seed, pid, 'unlock-answer', ...common, sha256(box))])),
      'signature',
      'another box than the signed one',
    ],
    ['box-bit', got(answer(flip(box, 50))), 'tag', 'a bit of the box is flipped, and signed'],
    [
      'box-other-key',
      got(answer(await boxOf(infoOf(common), receiveKey(random).publicKey))),
      'tag',
      'sealed to another key',
    ],
    ['box-epoch', got(answer(await boxOf(infoOf(swap(0, 1))))), 'tag', 'sealed for another epoch'],
    ['box-rid', got(answer(await boxOf(infoOf(swap(1, row(8, 16)))))), 'tag', 'sealed for another rid'],
    ['box-request', got(answer(await boxOf(infoOf(swap(2, row(8)))))), 'tag', 'sealed for another request'],
    ['box-initiator', got(answer(await boxOf(infoOf(swap(3, berta.device))))), 'tag', 'sealed for another initiator'],
    ['box-holder', got(answer(await boxOf(infoOf(swap(4, anna.device))))), 'tag', 'sealed by another holder'],
    [
      'box-one-time',
      got(answer(await boxOf(infoOf(common, 'unlock-share', row(7))))),
      'tag',
      'another one-time key in the info',
    ],
    ['box-use', got(answer(await boxOf(infoOf(common, 'change-share')))), 'tag', 'sealed for a change'],
    ['box-short', got(answer(box.slice(0, 47))), 'parse', 'a box shorter than enc and tag'],
    ['box-80', got(answer(await boxOf(undefined, undefined, share.slice(1)))), 'parse', 'a box of 80 bytes'],
    [
      'box-82',
      got(answer(await boxOf(undefined, undefined, concat(share, Uint8Array.of(0))))),
      'parse',
      'a box of 82 bytes',
    ],
    ['two', got(encode([ofRequest, box])), 'parse', 'no signature'],
    ['hash-31', got(encode([ofRequest.slice(1), box, new Uint8Array(64)])), 'parse', 'a hash of 31 bytes'],
    ['box-1025', got(encode([ofRequest, new Uint8Array(1025), new Uint8Array(64)])), 'parse', 'a box of 1,025 bytes'],
    ['trailing', got(concat(answer(box), Uint8Array.of(0))), 'parse', 'a byte follows'],
  ];
  for (const [name, input, layer, why] of answers) await m.fail(`answer-${name}`, 'unlock-answer', input, layer, why);

  const refusal = (of = ofRequest, use = 'unlock-refuse', seed = berta.seed, ...signed: Value[]) =>
    encode([of, signStatement(seed, pid, use, ...(signed.length > 0 ? signed : [rid, ofRequest]))]);
  await m.pass('refuse', 'unlock-refuse', got(refusal()));
  const refusals: [string, Fields, 'context' | 'signature' | 'parse', string][] = [
    ['request', got(refusal(row(1))), 'context', 'the hash of another request'],
    ['mail-id', got(refusal(), { id: row(8, 16) }), 'context', 'the mail has another id'],
    ['not-chosen', got(refusal(), { sender: anna.device }), 'context', 'by a device that was not asked'],
    ['use', got(refusal(ofRequest, 'unlock-cancel')), 'signature', 'a cancel'],
    ['by-other', got(refusal(ofRequest, 'unlock-refuse', anna.seed)), 'signature', 'signed by the initiator'],
    [
      'rid',
      got(refusal(ofRequest, 'unlock-refuse', berta.seed, row(8, 16), ofRequest)),
      'signature',
      'signed for another rid',
    ],
    [
      'signed-request',
      got(refusal(ofRequest, 'unlock-refuse', berta.seed, rid, row(1))),
      'signature',
      'signed for another request',
    ],
    ['one', got(encode([ofRequest])), 'parse', 'no signature'],
  ];
  for (const [name, input, layer, why] of refusals) await m.fail(`refuse-${name}`, 'unlock-refuse', input, layer, why);

  await drills(m, pid, { anna, berta, kit }, holders);
  return m;
}

async function drills(
  m: Maker,
  pid: Bytes,
  { anna, berta, kit }: Record<'anna' | 'berta' | 'kit', Author>,
  holders: Fields,
): Promise<void> {
  const [challenge, slot, epoch] = [row(0x44), 5, 2];
  const checkOf = (time = 7, seed = kit.seed, by = kit.device): Value[] => [
    by,
    slot,
    epoch,
    time,
    signStatement(seed, pid, 'kit-check', slot, epoch, time),
  ];
  const signed = (
    change: { slot?: number; epoch?: number; holder?: Bytes; challenge?: Bytes; seed?: Bytes; use?: string } = {},
  ) =>
    signStatement(
      change.seed ?? berta.seed,
      pid,
      change.use ?? 'drill',
      change.slot ?? slot,
      change.epoch ?? epoch,
      change.holder ?? berta.device,
      change.challenge ?? challenge,
    );
  const input = (body: Bytes, also: Fields = {}): Fields => ({
    pid,
    slot,
    epoch,
    challenge,
    holders,
    sender: berta.device,
    body,
    ...also,
  });
  const whole: Value[] = [challenge, slot, epoch, signed(), []];
  await m.pass('drill', 'drill-answer', input(encode(whole)));
  await m.pass('drill-check', 'drill-answer', input(encode([...whole.slice(0, 4), [checkOf()]])));
  await m.pass(
    'drill-check-forged',
    'drill-answer',
    input(encode([...whole.slice(0, 4), [checkOf(7, anna.seed), checkOf(9, anna.seed, anna.device)]])),
  );
  const bad: [string, Value[], 'context' | 'signature' | 'parse', string][] = [
    ['challenge', [row(1), slot, epoch, signed({ challenge: row(1) }), []], 'context', 'another challenge'],
    ['slot', [challenge, 4, epoch, signed({ slot: 4 }), []], 'context', 'an older epoch’s slot'],
    ['signed-slot', [challenge, slot, epoch, signed({ slot: 4 }), []], 'signature', 'signed for another slot'],
    ['signed-epoch', [challenge, slot, epoch, signed({ epoch: 1 }), []], 'signature', 'signed for another epoch'],
    [
      'signed-holder',
      [challenge, slot, epoch, signed({ holder: anna.device }), []],
      'signature',
      'signed as another holder',
    ],
    [
      'signed-challenge',
      [challenge, slot, epoch, signed({ challenge: row(1) }), []],
      'signature',
      'signed for another challenge',
    ],
    ['by-other', [challenge, slot, epoch, signed({ seed: anna.seed }), []], 'signature', 'signed by another device'],
    ['use', [challenge, slot, epoch, signed({ use: 'kit-check' }), []], 'signature', 'signed for another use'],
    ['four', whole.slice(0, 4), 'parse', 'no list of checks'],
    ['check-four', [...whole.slice(0, 4), [checkOf().slice(0, 4)]], 'parse', 'a check without a signature'],
    ['checks-33', [...whole.slice(0, 4), Array.from({ length: 33 }, (_, i) => checkOf(i))], 'parse', '33 checks'],
  ];
  for (const [name, body, layer, why] of bad)
    await m.fail(`drill-${name}`, 'drill-answer', input(encode(body)), layer, why);
}
