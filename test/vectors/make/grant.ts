/** Vectors of grants: every field against the decided entry, the sealing, and the form. */
import { type Bytes, concat } from '../../../src/bytes.ts';
import { encode, type Value } from '../../../src/cbor.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { hpkeSeal, receiveKey } from '../../../src/crypto/hpke.ts';
import { commitShare } from '../../../src/crypto/share.ts';
import { info, info0 } from '../../../src/crypto/statements.ts';
import { type Fields, flip, Maker, row, splice } from '../maker.ts';

export async function makeGrant(): Promise<Maker> {
  const m = new Maker(
    'grant',
    'docs/protocol.md 3, Grant',
    'Grants: sealed to one holder, and every field compared with the decided entry.',
  );
  const { random } = m;
  const { privateKey, publicKey } = receiveKey(random);
  const other = receiveKey(random);
  const pid = row(0);
  const decided = {
    ...{ pid, slot: 5, prev: row(0x50), epoch: 2, threshold: 2, count: 3 },
    ...{ holder: row(1, 16), seat: 4, kind: 0, dealer: row(2, 16) },
  };
  const share = concat(row(0x80), Uint8Array.of(2));
  const [meshKey, nameRoot] = [row(0xc0), row(0x10)];
  type Decided = typeof decided;
  const commitmentOf = (d: Decided, of: Bytes = share) => commitShare(of, d);
  const fieldsOf = (d: Decided): Value[] => [
    ...[d.pid, d.slot, d.prev, d.epoch, d.threshold, d.count, d.holder, d.seat, d.dealer, share],
    ...(d.kind === 0 ? [meshKey, nameRoot] : [null, null]),
  ];
  const sealTo = (key: Bytes, plaintext: Bytes, info = info0('grant', 2)) => hpkeSeal(key, { info }, plaintext, random);
  /** What the entry says, with the hash of this grant. */
  const inputs = (grant: Bytes, change: Partial<Decided> & Fields = {}): Fields => ({
    receivePrivate: privateKey,
    grant,
    decided: { ...decided, commitment: commitmentOf(decided), grantHash: sha256(grant), ...change },
  });

  const grant = await sealTo(publicKey, encode(fieldsOf(decided)));
  await m.pass('device', 'grant-open', inputs(grant));
  const kit = { ...decided, kind: 1 };
  const kitGrant = await sealTo(publicKey, encode(fieldsOf(kit)));
  await m.pass('kit', 'grant-open', inputs(kitGrant, { kind: 1 }));
  const variants: [string, Partial<Decided>][] = [
    ['slot-0', { slot: 0, epoch: 0, prev: pid }],
    ['max', { threshold: 32, count: 32, seat: 4_294_967_295 }],
    ['seat-24', { seat: 24 }],
    ['epoch-large', { epoch: 4_294_967_295, slot: 4_294_967_295 }],
    ['self', { dealer: decided.holder }],
  ];
  for (const [name, change] of variants) {
    const d = { ...decided, ...change };
    const bytes = await sealTo(publicKey, encode(fieldsOf(d)), info0('grant', d.epoch));
    await m.pass(name, 'grant-open', inputs(bytes, { ...change, commitment: commitmentOf(d) }));
  }

  const said: [string, Partial<Decided>, string][] = [
    ['pid', { pid: row(1) }, 'another passport'],
    ['slot', { slot: 6 }, 'the next slot'],
    ['slot-0', { slot: 0 }, 'slot 0'],
    ['prev', { prev: row(0x51) }, 'another entry before'],
    ['epoch', { epoch: 3 }, 'another epoch inside than outside'],
    ['threshold', { threshold: 3 }, 'another N'],
    ['count', { count: 4 }, 'another M'],
    ['holder', { holder: row(3, 16) }, 'another holder'],
    ['seat', { seat: 2 }, 'another seat'],
    ['dealer', { dealer: row(1, 16) }, 'another dealer'],
    ['swapped', { threshold: 3, count: 2 }, 'N and M are swapped'],
  ];
  for (const [name, change, why] of said) {
    const bytes = await sealTo(publicKey, encode(fieldsOf({ ...decided, ...change })));
    await m.fail(`says-${name}`, 'grant-open', inputs(bytes), 'context', `the grant says ${why}`);
    await m.fail(
      `entry-${name}`,
      'grant-open',
      inputs(grant, change),
      change.epoch === undefined ? 'context' : 'tag',
      change.epoch === undefined ? `the entry says ${why}` : 'the entry says another epoch: the info is another one',
    );
  }
  await m.fail('kit-for-device', 'grant-open', inputs(kitGrant), 'context', 'no mesh key for a device');
  await m.fail('device-for-kit', 'grant-open', inputs(grant, { kind: 1 }), 'context', 'the mesh key for a kit');
  await m.fail(
    'hash',
    'grant-open',
    inputs(grant, { grantHash: flip(sha256(grant)) }),
    'context',
    'the entry names other bytes',
  );
  const again = await sealTo(publicKey, encode(fieldsOf(decided)));
  await m.fail(
    'sealed-again',
    'grant-open',
    inputs(again, { grantHash: sha256(grant) }),
    'context',
    'the same content, sealed once more by somebody',
  );
  await m.fail(
    'commitment',
    'grant-open',
    inputs(grant, { commitment: flip(commitmentOf(decided)) }),
    'commitment',
    'the share is not the committed one',
  );
  await m.fail(
    'commitment-slot',
    'grant-open',
    inputs(grant, { commitment: commitmentOf({ ...decided, slot: 4 }) }),
    'commitment',
    'the commitment was made for another slot',
  );
  await m.fail(
    'commitment-holder',
    'grant-open',
    inputs(grant, { commitment: commitmentOf({ ...decided, holder: decided.dealer }) }),
    'commitment',
    'the commitment of another holder',
  );

  const sealing: [string, Bytes, 'tag' | 'parse', string][] = [
    ['enc', flip(grant, 0), 'tag', 'a bit of enc is flipped'],
    ['enc-zero', splice(grant, 0, new Uint8Array(32)), 'tag', 'enc is of low order'],
    ['ciphertext', flip(grant, 40), 'tag', 'a bit of the ciphertext is flipped'],
    ['tag', flip(grant, -1, 128), 'tag', 'a bit of the tag is flipped'],
    ['cut', grant.slice(0, -1), 'tag', 'a byte is missing'],
    ['trailing', concat(grant, Uint8Array.of(0)), 'tag', 'a byte follows'],
    ['short', grant.slice(0, 47), 'parse', 'shorter than enc and tag'],
    ['empty', new Uint8Array(0), 'parse', 'no bytes'],
    ['other-key', await sealTo(other.publicKey, encode(fieldsOf(decided))), 'tag', 'sealed to another key'],
    [
      'info-epoch',
      await sealTo(publicKey, encode(fieldsOf(decided)), info0('grant', 1)),
      'tag',
      'the info of another epoch',
    ],
    [
      'info-use',
      await sealTo(publicKey, encode(fieldsOf(decided)), info0('mail', 2)),
      'tag',
      'the info of another use',
    ],
    [
      'info-pid',
      await sealTo(publicKey, encode(fieldsOf(decided)), info(pid, 'grant', 2)),
      'tag',
      'the pid in the info',
    ],
    ['info-empty', await sealTo(publicKey, encode(fieldsOf(decided)), new Uint8Array(0)), 'tag', 'no info'],
  ];
  for (const [name, bytes, layer, why] of sealing)
    await m.fail(`seal-${name}`, 'grant-open', inputs(bytes), layer, why);
  const pskSealed = await hpkeSeal(
    publicKey,
    { info: info0('grant', 2), psk: row(1), pskId: row(2) },
    encode(fieldsOf(decided)),
    random,
  );
  await m.fail('seal-psk', 'grant-open', inputs(pskSealed), 'tag', 'sealed in PSK mode');

  const whole = fieldsOf(decided);
  const put = (i: number, value: Value) => encode(whole.map((each, at) => (at === i ? value : each)));
  const forms: [string, Bytes, string][] = [
    ['eleven', encode(whole.slice(0, 11)), 'a field is missing'],
    ['thirteen', encode([...whole, null]), 'a field is too many'],
    ['share-32', put(9, share.slice(1)), 'a share of 32 bytes'],
    ['share-34', put(9, concat(share, Uint8Array.of(0))), 'a share of 34 bytes'],
    ['holder-15', put(6, row(1, 15)), 'a holder id of 15 bytes'],
    ['pid-33', put(0, row(0, 33)), 'a pid of 33 bytes'],
    ['slot-text', put(1, '5'), 'the slot is a text'],
    ['slot-null', put(1, null), 'no slot'],
    ['no-mesh-key', put(10, null), 'a name root and no mesh key'],
    ['no-name-root', put(11, null), 'a mesh key and no name root'],
    ['mesh-31', put(10, row(0, 31)), 'a mesh key of 31 bytes'],
    ['trailing', concat(encode(whole), Uint8Array.of(0xf6)), 'a byte follows the array'],
    ['empty', new Uint8Array(0), 'nothing'],
    ['nested', encode([whole]), 'the array stands in an array'],
  ];
  for (const [name, plaintext, why] of forms) {
    const bytes = await sealTo(publicKey, plaintext);
    await m.fail(`form-${name}`, 'grant-open', inputs(bytes), 'parse', why);
  }
  const half = await sealTo(publicKey, put(11, null));
  await m.fail(
    'form-kit-half',
    'grant-open',
    inputs(half, { kind: 1 }),
    'parse',
    'a kit with a mesh key and no name root',
  );
  // 0x8c stands for twelve members; the same count in two bytes is another encoding of it.
  const long = await sealTo(publicKey, concat(Uint8Array.of(0x98, 0x0c), encode(whole).slice(1)));
  await m.fail('form-long-head', 'grant-open', inputs(long), 'parse', 'the count of the array in two bytes');
  const big = await sealTo(publicKey, new Uint8Array(1024 - 47));
  await m.fail('bound', 'grant-open', inputs(big), 'bound', '1,025 bytes');
  return m;
}
