/** Vectors of mail: the sealing, the padding, the form, and who it is by and for. */
import { type Bytes, concat, uintBytes } from '../../../src/bytes.ts';
import { encode, type Value } from '../../../src/cbor.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { type HpkeMode, hpkeSeal, receiveKey } from '../../../src/crypto/hpke.ts';
import { mailPsk, meshLinkKey } from '../../../src/crypto/keys.ts';
import { pad } from '../../../src/crypto/padding.ts';
import { signStatement } from '../../../src/crypto/sign.ts';
import { info, info0 } from '../../../src/crypto/statements.ts';
import { brokenForms } from '../forms.ts';
import { type Fields, flip, Maker, row, splice } from '../maker.ts';
import { Author } from './author.ts';

export async function makeMail(): Promise<Maker> {
  const m = new Maker(
    'mail',
    'docs/protocol.md 7, Mail',
    'Mail between two devices: sealed to the receiver and under the mesh, signed, padded.',
  );
  const { random } = m;
  const pid = row(0);
  const [anna, berta, kit, gone] = [
    new Author(pid, random),
    new Author(pid, random),
    new Author(pid, random),
    new Author(pid, random),
  ];
  const { privateKey, publicKey } = receiveKey(random);
  const [epoch, meshKey, id] = [3, row(0xc0), row(9, 16)];
  const body = encode([row(0x40)]);
  const holders = m.give('holders', [
    { id: anna.device, kind: 0, signKey: anna.signKey },
    { id: berta.device, kind: 0, signKey: berta.signKey },
    { id: kit.device, kind: 1, signKey: kit.signKey },
  ]);
  const mode: HpkeMode = {
    info: info(pid, 'mail', epoch, berta.device),
    psk: mailPsk(pid, epoch, meshKey),
    pskId: encode([pid, epoch]),
  };
  const seal = async (padded: Bytes, how: HpkeMode = mode, to = publicKey, front = uintBytes(epoch, 4)) =>
    concat(front, await hpkeSeal(to, how, padded, random));
  const input = (mail: Bytes, also: Fields = {}): Fields => ({
    ...{ pid, epoch, meshKey, receiver: berta.device, receivePrivate: privateKey, holders, mail, ...also },
  });

  const fieldsOf = (kind = 'drill', of = body, by = anna): Value[] => [
    ...[by.device, berta.device, kind, id, of],
    signStatement(by.seed, pid, 'mail', epoch, by.device, berta.device, kind, id, sha256(of)),
  ];
  const fields = fieldsOf();
  const whole = await seal(pad(encode(fields)));
  for (const kind of ['unlock', 'share', 'refuse', 'cancel', 'drill', 'drill-answer'])
    await m.pass(`kind-${kind}`, 'mail-open', input(await seal(pad(encode(fieldsOf(kind))))));
  for (const length of [0, 1, 830, 900, 3000])
    await m.pass(
      `body-${length}`,
      'mail-open',
      input(await seal(pad(encode(fieldsOf('share', new Uint8Array(length)))))),
    );
  await m.pass('to-self', 'mail-open', input(await seal(pad(encode(fieldsOf('drill', body, berta))))));
  const low = splice(new Uint8Array(32), 0, [1]);

  const bytes: [string, Bytes, 'parse' | 'epoch' | 'tag' | 'bound', string][] = [
    ['empty', new Uint8Array(0), 'parse', 'nothing'],
    ['3', whole.slice(0, 3), 'parse', 'three bytes'],
    ['51', whole.slice(0, 51), 'parse', 'shorter than epoch, enc and tag'],
    ['epoch-other', splice(whole, 0, [0, 0, 0, 2]), 'epoch', 'the epoch in front is another one'],
    ['epoch-next', splice(whole, 0, [0, 0, 0, 4]), 'epoch', 'the epoch in front is the next one'],
    ['epoch-little', splice(whole, 0, [3, 0, 0, 0]), 'epoch', 'the epoch is little-endian'],
    ['enc', flip(whole, 4), 'tag', 'a bit of enc is flipped'],
    ['enc-low', splice(whole, 4, low), 'tag', 'enc is of low order'],
    ['ciphertext', flip(whole, 40), 'tag', 'a bit of the ciphertext is flipped'],
    ['tag', flip(whole, -1), 'tag', 'a bit of the tag is flipped'],
    ['cut', whole.slice(0, -1), 'tag', 'a byte is missing'],
    ['trailing', concat(whole, Uint8Array.of(0)), 'tag', 'a byte follows'],
  ];
  for (const [name, mail, layer, why] of bytes) await m.fail(`bytes-${name}`, 'mail-open', input(mail), layer, why);
  await m.fail(
    'bound',
    'mail-open',
    { ...input(whole), mail: [whole, { repeat: '00', length: 65_537 - whole.length }] },
    'bound',
    '64 KiB and a byte',
  );

  const padded = pad(encode(fields));
  const other = receiveKey(random);
  const modes: [string, HpkeMode, string][] = [
    ['base', { info: mode.info }, 'base mode'],
    ['psk', { ...mode, psk: flip(mode.psk!) }, 'another PSK'],
    ['psk-mesh', { ...mode, psk: meshKey }, 'the mesh key itself as PSK'],
    ['psk-epoch', { ...mode, psk: mailPsk(pid, 2, meshKey) }, 'the PSK of another epoch'],
    ['psk-link', { ...mode, psk: meshLinkKey(pid, epoch, meshKey) }, 'the mesh link key as PSK'],
    ['psk-id-epoch', { ...mode, pskId: encode([pid, 2]) }, 'the psk id of another epoch'],
    ['psk-id-pid', { ...mode, pskId: encode([row(1), epoch]) }, 'the psk id of another passport'],
    ['psk-id-raw', { ...mode, pskId: pid }, 'the psk id is only the pid'],
    ['info-epoch', { ...mode, info: info(pid, 'mail', 2, berta.device) }, 'the info of another epoch'],
    ['info-receiver', { ...mode, info: info(pid, 'mail', epoch, anna.device) }, 'the info of another receiver'],
    ['info-pid', { ...mode, info: info(row(1), 'mail', epoch, berta.device) }, 'the info of another passport'],
    ['info-use', { ...mode, info: info(pid, 'grant', epoch, berta.device) }, 'the info of another use'],
    ['info-no-pid', { ...mode, info: info0('mail', epoch, berta.device) }, 'the info without the pid'],
    ['info-empty', { ...mode, info: new Uint8Array(0) }, 'no info'],
  ];
  for (const [name, how, why] of modes)
    await m.fail(`sealed-${name}`, 'mail-open', input(await seal(padded, how)), 'tag', why);
  await m.fail(
    'sealed-to-other',
    'mail-open',
    input(await seal(padded, mode, other.publicKey)),
    'tag',
    'sealed to another key',
  );
  await m.fail('mesh-key', 'mail-open', input(whole, { meshKey: flip(meshKey) }), 'tag', 'another mesh key');
  await m.fail('pid', 'mail-open', input(whole, { pid: row(1) }), 'tag', 'another passport');
  await m.fail('receiver', 'mail-open', input(whole, { receiver: anna.device }), 'tag', 'another receiver');

  const content = encode(fields);
  const paddings: [string, Bytes, string][] = [
    ['none', content, 'not padded'],
    ['short', padded.slice(0, -1), 'a byte of padding is missing'],
    ['long', concat(padded, Uint8Array.of(0)), 'a byte of padding is too many'],
    ['not-zero', splice(padded, 1023, [1]), 'the last byte is not 0'],
    ['length', splice(padded, 0, uintBytes(1017, 8)), 'a length of one more than there is'],
  ];
  for (const [name, plaintext, why] of paddings)
    await m.fail(`padding-${name}`, 'mail-open', input(await seal(plaintext)), 'padding', why);

  for (const [name, plaintext, why] of brokenForms(
    fields,
    ['sender', 'receiver', 'kind', 'id', 'body', 'signature'],
    ['sender', 'receiver', 'id', 'signature'],
  ))
    await m.fail(`form-${name}`, 'mail-open', input(await seal(pad(plaintext))), 'parse', why);
  const put = (i: number, value: Value, by: (fields: Value[]) => Value = ([, , , , , s]) => s!) => {
    const changed = fields.map((each, at) => (at === i ? value : each));
    return encode([...changed.slice(0, 5), i === 5 ? value : by(changed)]);
  };
  const resign = (f: Value[], use = 'mail', e = epoch, seed = anna.seed, p = pid) =>
    signStatement(seed, p, use, e, f[0]!, f[1]!, f[2]!, f[3]!, sha256(f[4] as Bytes));
  const contents: [string, Bytes, 'parse' | 'context' | 'signature', string][] = [
    ['kind-unknown', put(2, 'hello', resign), 'parse', 'an unknown kind'],
    ['kind-case', put(2, 'Drill', resign), 'parse', 'another case'],
    ['sender-stranger', put(0, row(1, 16), resign), 'context', 'the sender is no holder'],
    ['sender-gone', encode(fieldsOf('drill', body, gone)), 'context', 'the sender is no holder any more'],
    ['sender-kit', encode(fieldsOf('drill', body, kit)), 'context', 'the sender is a kit'],
    ['receiver-other', put(1, anna.device, resign), 'context', 'the receiver is another device'],
    ['sender-swapped', put(0, berta.device), 'signature', 'another device is named as the sender'],
    ['kind-other', put(2, 'share'), 'signature', 'the kind was changed'],
    ['id-other', put(3, row(8, 16)), 'signature', 'the id was changed'],
    ['body-other', put(4, row(0, 5)), 'signature', 'the body was changed'],
    ['signature-bit', put(5, flip(fields[5] as Bytes, 33)), 'signature', 'a bit of the signature is flipped'],
    ['signature-zero', put(5, new Uint8Array(64)), 'signature', 'a signature of zeros'],
    ['signature-epoch', put(5, resign(fields, 'mail', 2)), 'signature', 'signed for another epoch'],
    ['signature-use', put(5, resign(fields, 'drill')), 'signature', 'signed for another use'],
    [
      'signature-pid',
      put(5, resign(fields, 'mail', epoch, anna.seed, row(1))),
      'signature',
      'signed for another passport',
    ],
    [
      'signature-receiver',
      put(5, resign([fields[0]!, anna.device, ...fields.slice(2)])),
      'signature',
      'signed for another receiver',
    ],
    ['signature-by-other', put(5, resign(fields, 'mail', epoch, berta.seed)), 'signature', 'signed by another device'],
    [
      'signature-body',
      put(5, signStatement(anna.seed, pid, 'mail', epoch, ...fields.slice(0, 4), body)),
      'signature',
      'signed over the body, not over its hash',
    ],
  ];
  for (const [name, plaintext, layer, why] of contents)
    await m.fail(`says-${name}`, 'mail-open', input(await seal(pad(plaintext))), layer, why);
  return m;
}
