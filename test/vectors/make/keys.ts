/** Vectors of the key hierarchy: every derivation, the cost of the passphrase key, and kekCheck. */
import { kekCheck, kekFrom } from '../../../src/crypto/keys.ts';
import { flip, Maker, row } from '../maker.ts';

const EXAMPLES = 'docs/protocol.md 9';

export async function makeKeys(): Promise<Maker> {
  const m = new Maker('keys', 'docs/protocol.md 3', 'Every key of the table, the bounds of Argon2id, and kekCheck.');
  const { random } = m;
  const pid = row(0);
  const cost = { memoryKiB: 19_456, passes: 7, lanes: 1 };

  for (const [i, epoch] of [0, 1, 2, 23, 24, 255, 256, 65_536, 4_294_967_295].entries())
    await m.pass(`kek-${i + 1}`, 'kek', { pid: i < 2 ? pid : random(32), epoch, vek: random(32), p: random(32) });
  await m.pass('kek-example', 'kek', { pid, epoch: 1, vek: row(0x40), p: row(0x60) }, { source: EXAMPLES });
  const founder = (seat: number, kind: number) => [seat, kind, random(32), random(32)];
  await m.pass('pid-2', 'pid', { founders: [founder(1, 0), founder(2, 1)], random: random(32), threshold: 2 });
  await m.pass('pid-3', 'pid', {
    founders: [founder(1, 0), founder(2, 1), founder(3, 1)],
    random: random(32),
    threshold: 2,
  });
  await m.pass('holder-id', 'holder-id', {
    pid,
    signKey: '2299a9db80fd2caa9b415d89deea54ed25262b24785f882007a915f54fa1a159',
  });
  await m.pass('holder-id-2', 'holder-id', { pid: random(32), signKey: random(32) });
  await m.pass('chain-id', 'chain-id', { pid, device: row(1, 16), incarnation: row(2, 16) });
  await m.pass('wrap-key', 'wrap-key', { pid, epoch: 1, vek: row(0x40) });
  await m.pass('mesh-keys', 'mesh-keys', { pid, epoch: 1, meshKey: row(0xc0) }, { source: EXAMPLES });
  await m.pass('mesh-keys-0', 'mesh-keys', { pid, epoch: 0, meshKey: row(0xc0) });
  await m.pass('name-key', 'name-key', { pid, nameRoot: row(0x10), storeId: row(0, 10) }, { source: EXAMPLES });

  const passphrases = [
    ['ascii', 'correct horse battery staple'],
    ['not-trimmed', ' a passphrase '],
    ['nfkc', 'ﬁancée Ångström ①'],
    ['emoji', '🛂 Reisepaß'],
  ] as const;
  for (const [name, passphrase] of passphrases)
    await m.pass(`passphrase-${name}`, 'passphrase-key', { passphrase, salt: random(16), ...cost });
  await m.pass('passphrase-nfkc-same', 'passphrase-key', {
    ...{ passphrase: 'fiancée Ångström 1', salt: row(0, 16), memoryKiB: 65_536, passes: 2, lanes: 4 },
  });
  await m.pass('passphrase-salt-64', 'passphrase-key', {
    ...{ passphrase: 'x'.repeat(1024), salt: random(64), memoryKiB: 131_072, passes: 1, lanes: 8 },
  });

  const good = { passphrase: 'x', salt: row(0, 16), ...cost };
  const bad: [string, object, string][] = [
    ['memory-low', { memoryKiB: 19_455, passes: 10 }, 'memory below 19 456 KiB'],
    ['memory-high', { memoryKiB: 524_289, passes: 1 }, 'memory above 524 288 KiB'],
    ['memory-4-tib', { memoryKiB: 4_294_967_295, passes: 1 }, 'memory of 4 TiB'],
    ['memory-0', { memoryKiB: 0 }, 'no memory'],
    ['passes-0', { memoryKiB: 524_288, passes: 0 }, 'no pass'],
    ['passes-11', { memoryKiB: 19_456, passes: 11 }, 'more than ten passes'],
    ['passes-max', { passes: 4_294_967_295 }, '2^32-1 passes'],
    ['lanes-0', { lanes: 0 }, 'no lane'],
    ['lanes-9', { lanes: 9 }, 'more than eight lanes'],
    ['work-low', { memoryKiB: 131_071, passes: 1 }, 'memory times passes below 131 072 KiB'],
    ['work-low-2', { memoryKiB: 21_845, passes: 6 }, 'memory times passes below 131 072 KiB'],
    ['work-high', { memoryKiB: 524_288, passes: 5 }, 'memory times passes above 2 097 152 KiB'],
    ['salt-15', { salt: row(0, 15) }, 'a salt of 15 bytes'],
    ['salt-65', { salt: row(0, 65) }, 'a salt of 65 bytes'],
    ['salt-0', { salt: new Uint8Array(0) }, 'no salt'],
    ['empty', { passphrase: '' }, 'an empty passphrase'],
    ['long', { passphrase: 'x'.repeat(1025) }, '1,025 bytes'],
    ['long-utf8', { passphrase: 'ß'.repeat(513) }, '1,026 bytes of UTF-8'],
    ['long-nfkc', { passphrase: '㍿'.repeat(100) }, '1,200 bytes after NFKC, 300 before'],
  ];
  for (const [name, change, why] of bad)
    await m.fail(`cost-${name}`, 'passphrase-key', { ...good, ...change }, 'bound', why);

  const open = { pid, epoch: 1, vek: row(0x40), p: row(0x60) };
  const check = kekCheck(pid, 1, kekFrom(pid, 1, open.vek, open.p));
  await m.pass('check', 'kek-open', { ...open, kekCheck: check });
  for (let at = 0; at < 32; at += 2) {
    const bit = 1 << ((at / 2) % 8);
    const why = `bit ${bit} of byte ${at} of kekCheck is flipped`;
    await m.fail(`check-bit-${at}`, 'kek-open', { ...open, kekCheck: flip(check, at, bit) }, 'commitment', why);
  }
  const others: [string, object, string][] = [
    ['p', { p: flip(open.p, 31) }, 'P of another passphrase'],
    ['p-0', { p: new Uint8Array(32) }, 'P is zero'],
    ['vek', { vek: flip(open.vek, 0) }, 'another VEK'],
    ['vek-last', { vek: flip(open.vek, 31, 128) }, 'another VEK'],
    ['swapped', { vek: open.p, p: open.vek }, 'VEK and P are swapped'],
    ['same', { p: open.vek }, 'P is the VEK'],
    ['epoch-0', { epoch: 0 }, 'epoch 0'],
    ['epoch-2', { epoch: 2 }, 'the next epoch'],
    ['pid', { pid: flip(pid, 31) }, 'another passport'],
    ['zero', { kekCheck: new Uint8Array(32) }, 'kekCheck is zero'],
    ['of-0', { kekCheck: kekCheck(pid, 0, kekFrom(pid, 0, open.vek, open.p)) }, 'kekCheck of epoch 0'],
    ['of-0-same-kek', { kekCheck: kekCheck(pid, 0, kekFrom(pid, 1, open.vek, open.p)) }, 'kekCheck made for epoch 0'],
    ['is-kek', { kekCheck: kekFrom(pid, 1, open.vek, open.p) }, 'the KEK stands in place of kekCheck'],
    ['reversed', { kekCheck: check.slice().reverse() }, 'kekCheck is reversed'],
    ['cut', { kekCheck: check.slice(0, 31) }, 'kekCheck of 31 bytes'],
    ['longer', { kekCheck: Uint8Array.of(...check, 0) }, 'kekCheck of 33 bytes'],
    ['empty', { kekCheck: new Uint8Array(0) }, 'no kekCheck'],
    ['is-pid', { kekCheck: pid }, 'the pid stands in place of kekCheck'],
  ];
  for (const [name, change, why] of others)
    await m.fail(`check-${name}`, 'kek-open', { ...open, kekCheck: check, ...change }, 'commitment', why);
  return m;
}
