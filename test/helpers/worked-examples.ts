/**
 * The worked examples of docs/protocol.md, 9: every step from fixed bytes, by the code that the devices run. The inputs are
 * rows of consecutive bytes, so that another client can write them down without a generator.
 */
import { type Bytes, concat, equal, hex, utf8 } from '../../src/bytes.ts';
import { encode } from '../../src/cbor.ts';
import { hkdf, sha256 } from '../../src/crypto/hash.ts';
import { holderId, kekCheck, kekFrom, meshLinkKey, nameKey, vaultLayerKey } from '../../src/crypto/keys.ts';
import { kitKeys } from '../../src/crypto/kit.ts';
import { openObject, sealObject } from '../../src/crypto/object.ts';
import { pad } from '../../src/crypto/padding.ts';
import { commitShare, commitVek, dealShares } from '../../src/crypto/share.ts';
import { signStatement } from '../../src/crypto/sign.ts';
import { info, info0 } from '../../src/crypto/statements.ts';
import { kitWords, pidWords, sasWords } from '../../src/crypto/words.ts';
import { nameHash, storeRoot, tag } from '../../src/format/names.ts';
import { encodeUpdate } from '../../src/format/update.ts';
import { merkleRoot } from '../../src/records/merkle.ts';

/** `length` bytes that count up from `first`. */
function row(first: number, length = 32): Bytes {
  return Uint8Array.from({ length }, (_, i) => (first + i) & 255);
}

/** Rows of the table: what it is, and its value as text. */
export async function workedExamples(): Promise<readonly (readonly [what: string, value: string])[]> {
  const pid = row(0x00);
  const kit = kitKeys(row(0x00));
  const kitId = holderId(pid, kit.signKey);
  const [vek, p] = [row(0x40), row(0x60)];
  const kek = kekFrom(pid, 1, vek, p);
  const [first, second, third] = (await dealShares(vek, 2, 3, () => row(0x80))) as [Bytes, Bytes, Bytes];
  const dealt = { pid, slot: 5, epoch: 1, threshold: 2, count: 3 };
  const commitment = commitShare(second, { ...dealt, holder: kitId, seat: 2 });
  const linkKey = meshLinkKey(pid, 1, row(0xc0));
  const link = { layer: 'meshLink', epoch: 1, key: linkKey, pid, kind: 'mesh-link', owner: pid, sequence: 5 } as const;
  const object = await sealObject(link, row(0xa0), () => row(0xe0));
  const names = nameKey(pid, row(0x10), row(0x00, 10));
  const update = encodeUpdate({ key: 'ssh/id', op: 'put', type: 'text/plain', value: utf8('hi'), reason: null });
  const root = merkleRoot([{ blind: row(0x20), update }]);
  const sas = hkdf(concat(row(0x30), row(0x50)), info(pid, 'pair-sas'), 8, row(0x70));

  if (!equal(await openObject(link, object), row(0xa0))) throw new Error('the object of the example does not open');

  return [
    ['L0("kit", "sign")', hex(info0('kit', 'sign'))],
    ['words of the kit 00 .. 1f', kitWords(row(0x00)).join(' ')],
    ['its signing seed', hex(kit.signSeed)],
    ['its sign key', hex(kit.signKey)],
    ['its receive key', hex(kit.receiveKey)],
    ['L("holder", that sign key)', hex(info(pid, 'holder', kit.signKey))],
    ['its holder id', hex(kitId)],
    ['words of the pid', pidWords(pid).join(' ')],
    [
      'Sig("kit-check", 5, 1, 1700000000000) by the kit',
      hex(signStatement(kit.signSeed, pid, 'kit-check', 5, 1, 1_700_000_000_000)),
    ],
    ['KEK_1 of VEK 40 .. 5f and P 60 .. 7f', hex(kek)],
    ['its kekCheck', hex(kekCheck(pid, 1, kek))],
    ['its vault layer key', hex(vaultLayerKey(pid, 1, kek))],
    ['share 1 of that VEK, 2 of 3: 80 .. 9f, then x', hex(first)],
    ['share 2, which follows', hex(second)],
    ['share 3', hex(third)],
    ['commitment of share 2: slot 5, e 1, N 2, M 3, the kit, seat 2', hex(commitment)],
    ['commitment of the VEK', hex(commitVek(vek, dealt))],
    ['mesh link key of mesh_1 = c0 .. df', hex(linkKey)],
    ['mesh link of slot 5 with salt e0 .. ff, of mesh_0 = a0 .. bf: its first 75 bytes', hex(object.subarray(0, 75))],
    ['its length', String(object.length)],
    ['its SHA-256', hex(sha256(object))],
    ['H in its name', nameHash(object)],
    [
      'padded length of 0, 1016, 1017, 65528, 100000 bytes',
      [0, 1016, 1017, 65_528, 100_000].map((n) => pad(new Uint8Array(n)).length).join(', '),
    ],
    ['root of the store with id 00 .. 09', storeRoot(row(0x00, 10))],
    ['its name key, name root 10 .. 2f', hex(names)],
    ['tag of the kit in it', tag(names, 'holder', kitId)],
    ['update of "ssh/id": put, "text/plain", "hi", no reason', hex(update)],
    ['root over it alone, blind 20 .. 3f', hex(root)],
    ['words of nA 30 .. 4f, nB 50 .. 6f, T 70 .. 8f', sasWords(sas).join(' ')],
    ['CBOR of [0, 23, 24, 256, "é", h\'00ff\', null]', hex(encode([0, 23, 24, 256, 'é', Uint8Array.of(0, 255), null]))],
  ];
}
