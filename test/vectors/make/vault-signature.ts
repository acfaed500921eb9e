/** Vectors of the two signatures over a core: the dealer's, and the one that proves N shares and the passphrase. */
import type { Bytes } from '../../../src/bytes.ts';
import type { Value } from '../../../src/cbor.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { kekFrom, vaultSigningSeed } from '../../../src/crypto/keys.ts';
import { publicKeyOf, signStatement } from '../../../src/crypto/sign.ts';
import { encodeCore } from '../../../src/format/entry.ts';
import { Registry } from '../../helpers/registry.ts';
import { type Fields, flip, Maker, row } from '../maker.ts';

const L = 2n ** 252n + 27742317777372353535851937790883648493n;

export async function makeVaultSignature(): Promise<Maker> {
  const m = new Maker(
    'vault-signature',
    'docs/protocol.md 3 and 5',
    'The vault signature over a core, under the key that follows from a KEK, and the dealer’s signature.',
  );
  const r = await Registry.found('vector vault signature');
  const { pid } = r;
  const made = await r.next({ kind: 'rotate' });
  const core = encodeCore(made.entry.core);
  const { vaultSignature, dealerSignature } = made.entry;
  const [epoch, kek] = [0, r.kek];
  const seed = vaultSigningSeed(pid, epoch, kek);
  const vaultKey = publicKeyOf(seed);
  const input = { pid, epoch, kek, vaultKey, core: m.give('core', core), signature: vaultSignature };
  await m.pass('vault', 'core-signature', input);
  const founding = r.founding.entry;
  await m.pass('founding', 'core-signature', {
    ...input,
    core: encodeCore(founding.core),
    signature: founding.vaultSignature,
  });
  await m.pass('dealer', 'core-signature', {
    pid,
    signKey: r.actor(0).holder.signKey,
    core: input.core,
    signature: dealerSignature,
  });
  const [vek, p] = [row(0x40), row(0x60)];
  for (const e of [1, 2, 24, 65_536]) {
    const other = kekFrom(pid, e, vek, p);
    const key = vaultSigningSeed(pid, e, other);
    await m.pass(`epoch-${e}`, 'core-signature', {
      ...input,
      epoch: e,
      kek: other,
      vaultKey: publicKeyOf(key),
      signature: signStatement(key, pid, 'entry-core', sha256(core)),
    });
  }

  const sign = (by: Bytes, of: Bytes, use: string, ...fields: Value[]) => signStatement(by, of, use, ...fields);
  const h = sha256(core);
  const signatures: [string, Bytes, string][] = [
    ...[0, 7, 15, 23, 31, 32, 39, 47, 55, 62].map((at): [string, Bytes, string] => [
      `bit-${at}`,
      flip(vaultSignature, at, 1 << (at % 8)),
      `a bit of byte ${at} is flipped`,
    ]),
    ['zero', new Uint8Array(64), '64 zeros'],
    ['ones', new Uint8Array(64).fill(255), '64 bytes ff'],
    ['63', vaultSignature.slice(1), '63 bytes'],
    ['65', Uint8Array.of(...vaultSignature, 0), '65 bytes'],
    ['empty', new Uint8Array(0), 'no bytes'],
    ['s-plus-l', plusL(vaultSignature), 'S + L: the same signature for a lax verifier'],
    [
      'halves-swapped',
      Uint8Array.of(...vaultSignature.slice(32), ...vaultSignature.slice(0, 32)),
      'R and S are swapped',
    ],
    ['dealer', dealerSignature, 'the dealer’s signature'],
    ['founding', founding.vaultSignature, 'the vault signature of another entry'],
    ['other-pid', sign(seed, row(1), 'entry-core', h), 'for another passport'],
    ['other-use', sign(seed, pid, 'entry', h), 'for another use'],
    ['other-use-case', sign(seed, pid, 'Entry-core', h), 'for another use'],
    ['raw', sign(seed, pid, 'entry-core', core), 'over the core, not over its hash'],
    ['double', sign(seed, pid, 'entry-core', sha256(h)), 'over the hash of the hash'],
    ['more', sign(seed, pid, 'entry-core', h, 0), 'over one field more'],
    ['none', sign(seed, pid, 'entry-core'), 'over no field'],
    ['entry', sign(seed, pid, 'entry-core', sha256(made.entry.bytes)), 'over the hash of the entry'],
    ['id', sign(seed, pid, 'entry-core', made.entry.id), 'over the id of the entry'],
    ['epoch-1', sign(vaultSigningSeed(pid, 1, kek), pid, 'entry-core', h), 'under the key of the next epoch'],
    [
      'new-epoch',
      sign(vaultSigningSeed(pid, 1, made.dealt!.kek), pid, 'entry-core', h),
      'under the key of the epoch that it starts',
    ],
    ['kek-as-seed', sign(kek, pid, 'entry-core', h), 'the KEK itself signs'],
  ];
  for (const [name, signature, why] of signatures)
    await m.fail(`signature-${name}`, 'core-signature', { ...input, signature }, 'signature', why);
  for (const at of [3, 50, 400])
    await m.fail(
      `core-${at}`,
      'core-signature',
      { ...input, core: flip(core, at) },
      'signature',
      `a bit of byte ${at} of the core is flipped`,
    );
  await m.fail(
    'core-longer',
    'core-signature',
    { ...input, core: Uint8Array.of(...core, 0) },
    'signature',
    'a byte follows the core',
  );
  await m.fail('core-empty', 'core-signature', { ...input, core: new Uint8Array(0) }, 'signature', 'no core');
  const keys: [string, Fields, string][] = [
    ['kek', { kek: flip(kek) }, 'another KEK'],
    ['epoch', { epoch: 1 }, 'the KEK of another epoch'],
    ['pid', { pid: row(1) }, 'another passport'],
    ['vault-key', { vaultKey: flip(vaultKey) }, 'the entry names another vault key'],
    ['vault-key-dealer', { vaultKey: r.actor(0).holder.signKey }, 'the entry names the dealer’s key'],
  ];
  for (const [name, change, why] of keys)
    await m.fail(`key-${name}`, 'core-signature', { ...input, ...change }, 'key', why);
  const { kek: _, vaultKey: __, epoch: ___, ...dealer } = { ...input, signature: dealerSignature };
  const { signKey } = r.actor(0).holder;
  const small = Uint8Array.of(1, ...new Uint8Array(31));
  const odd: [string, Bytes, 'key' | 'signature', string][] = [
    ['small', small, 'key', 'a key of small order'],
    ['zero', new Uint8Array(32), 'key', 'a key of zeros'],
    ['31', signKey.slice(1), 'key', 'a key of 31 bytes'],
    ['not-canonical', Uint8Array.of(0xee, ...new Uint8Array(30).fill(255), 0x7f), 'key', 'y = p + 1'],
    ['sign-bit', flip(small, 31, 0x80), 'key', 'x = 0 with a sign'],
    ['other', r.actor(1).holder.signKey, 'signature', 'the key of another device'],
    ['vault', vaultKey, 'signature', 'the vault key'],
  ];
  for (const [name, key, layer, why] of odd)
    await m.fail(`dealer-key-${name}`, 'core-signature', { ...dealer, signKey: key }, layer, why);
  await m.fail(
    'dealer-is-vault',
    'core-signature',
    { ...dealer, signKey, signature: vaultSignature },
    'signature',
    'the vault signature in place of the dealer’s',
  );
  return m;
}

function plusL(signature: Bytes): Bytes {
  let s = 0n;
  for (let i = 63; i >= 32; i--) s = (s << 8n) | BigInt(signature[i]!);
  s += L;
  const out = signature.slice();
  for (let i = 32; i < 64; i++, s >>= 8n) out[i] = Number(s & 255n);
  return out;
}
