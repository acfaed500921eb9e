/**
 * Opening an epoch: a holder takes nothing from a grant that its dealer made otherwise than the entry says, and every object of
 * an epoch opens in its own place only.
 */
import { beforeAll, describe, expect, it } from 'vitest';

import { type Bytes, copy } from '../../src/bytes.ts';
import { encode, type Value } from '../../src/cbor.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { hpkeSeal } from '../../src/crypto/hpke.ts';
import { wrapKey } from '../../src/crypto/keys.ts';
import { sealObject } from '../../src/crypto/object.ts';
import { commitShare } from '../../src/crypto/share.ts';
import { info0 } from '../../src/crypto/statements.ts';
import { MAX_GRANT_BYTES } from '../../src/format/grant.ts';
import { dealEpoch, type DealtEpoch, type DealTerms } from '../../src/registry/deal.ts';
import { openKekLink, openMeshLink } from '../../src/registry/links.ts';
import {
  contributionOf,
  fitsCommitment,
  grantHashOf,
  kekOf,
  openGrantOf,
  openWrap,
  vekOf,
} from '../../src/registry/open.ts';
import { type EpochInfo, epochOf } from '../../src/registry/state.ts';
import { codeOf, rejectionOf } from '../helpers/codes.ts';
import { type Actor, Registry } from '../helpers/registry.ts';

let registry: Registry;
let pid: Bytes;
/** Epoch 1: laptop (dealer) and phone are devices, the third holder is a kit; 2 of 3. */
let epoch: EpochInfo;
let terms: DealTerms;
let dealt: DealtEpoch;
let phone: Actor;
let kit: Actor;
let vek: Bytes;

const PHONE = 1;
const KIT = 2;

beforeAll(async () => {
  registry = await Registry.found('open');
  ({ pid } = registry);
  [phone, kit] = [registry.actor(PHONE), registry.actor(KIT)];
  const made = await registry.next({ kind: 'rotate' });
  // Dealt once more to the receive keys that the actors have.
  terms = { ...made.terms!, holders: registry.actors.map(({ holder }) => holder) };
  dealt = await dealEpoch(terms, registry.random);
  registry.decide(made);
  epoch = { ...epochOf(registry.state), ...dealt.part };
  const two = [0, 1].map((i) => contributionOf(epoch, epoch.holders[i]!.id, dealt.shares[i]!)!);
  ({ vek } = await vekOf(pid, epoch, two));
});

const at = (i: number, change: Partial<EpochInfo['shares'][number]>): EpochInfo => ({
  ...epoch,
  shares: epoch.shares.map((share, each) => (each === i ? { ...share, ...change } : share)),
});

/** The fields of an honest grant for a holder, in the order of docs/protocol.md, 3. */
const fieldsFor = (i: number): Value[] => [
  ...[pid, epoch.slot, epoch.prev, 1, 2, 3, epoch.holders[i]!.id, epoch.holders[i]!.seat, epoch.dealer],
  ...[dealt.shares[i]!, ...(i === KIT ? [null, null] : [dealt.meshKey, registry.nameRoot])],
];

/** What a holder says to a grant of these fields whose hash is in the entry. */
async function said(
  i: number,
  fields: Value[],
  entry: (hash: Bytes) => EpochInfo = (hash) => at(i, { grantHash: hash }),
) {
  const { holder, receivePrivate } = registry.actor(i);
  const sealed = await hpkeSeal(
    terms.holders[i]!.receiveKey,
    { info: info0('grant', 1) },
    encode(fields),
    registry.random,
  );
  return rejectionOf(openGrantOf(pid, entry(sha256(sealed)), holder.id, receivePrivate, sealed));
}

describe('a grant whose hash is in the entry', () => {
  it('is taken when every field is that of the entry', async () => {
    expect(await said(PHONE, fieldsFor(PHONE))).toBe('no error');
    expect(await said(KIT, fieldsFor(KIT))).toBe('no error');
  });

  it('as its dealer made it gives a device the mesh key and the name root, and a kit neither', async () => {
    const opened = (i: number) => {
      const { holder, receivePrivate } = registry.actor(i);
      return openGrantOf(pid, epoch, holder.id, receivePrivate, dealt.grants[i]!.bytes);
    };
    const keys = { meshKey: dealt.meshKey, nameRoot: registry.nameRoot };
    expect(await opened(PHONE)).toMatchObject({ share: dealt.shares[PHONE], device: keys });
    expect(await opened(KIT)).toMatchObject({ share: dealt.shares[KIT], device: null });
  });

  const other: [field: string, at: number, value: (field: Value) => Value][] = [
    ['passport', 0, () => new Uint8Array(32)],
    ['slot', 1, () => 2],
    ['prev', 2, () => new Uint8Array(32)],
    ['epoch', 3, () => 2],
    ['threshold', 4, () => 3],
    ['number of holders', 5, () => 4],
    ['holder', 6, () => new Uint8Array(16)],
    ['seat', 7, () => 9],
    ['dealer', 8, () => new Uint8Array(16)],
    ['share', 9, (share) => (share as Bytes).map((byte, i) => (i === 0 ? byte ^ 1 : byte))],
  ];
  it.each(other)('is refused when it names another %s', async (_, i, value) => {
    for (const holder of [PHONE, KIT]) {
      const fields = fieldsFor(holder);
      expect(
        await said(
          holder,
          fields.map((field, each) => (each === i ? value(field) : field)),
        ),
      ).toBe('share-invalid');
    }
  });

  it('is refused when it has the share of another holder', async () => {
    expect(await said(PHONE, fieldsFor(PHONE).with(9, dealt.shares[KIT]!))).toBe('share-invalid');
  });

  it('is refused when its share fits a commitment of another seat, slot, epoch, threshold or number', async () => {
    const bound = { pid, slot: 1, epoch: 1, threshold: 2, count: 3, holder: phone.holder.id, seat: phone.holder.seat };
    const judged = (change: object) => {
      const commitment = commitShare(dealt.shares[PHONE]!, { ...bound, ...change });
      return said(PHONE, fieldsFor(PHONE), (grantHash) => at(PHONE, { grantHash, commitment }));
    };
    expect(await judged({})).toBe('no error');
    for (const change of [
      { slot: 2 },
      { epoch: 2 },
      { threshold: 3 },
      { count: 4 },
      { seat: 3 },
      { holder: kit.holder.id },
    ])
      expect(await judged(change)).toBe('share-invalid');
  });

  it('is refused for a device without the mesh key, and for a kit with one', async () => {
    expect(await said(PHONE, [...fieldsFor(PHONE).slice(0, 10), null, null])).toBe('share-invalid');
    expect(await said(KIT, [...fieldsFor(KIT).slice(0, 10), dealt.meshKey, registry.nameRoot])).toBe('share-invalid');
  });

  it('is not looked at when it is longer than a grant can be', async () => {
    const judged = async (length: number) => {
      const sealed = registry.random(length);
      const info = at(KIT, { grantHash: sha256(sealed) });
      return rejectionOf(openGrantOf(pid, info, kit.holder.id, kit.receivePrivate, sealed));
    };
    expect(await judged(MAX_GRANT_BYTES + 1)).toBe('share-invalid');
    expect(await judged(MAX_GRANT_BYTES)).toBe('decryption-failed');
  });
});

describe('a grant whose hash is not in the entry', () => {
  it('is refused, though every field fits', async () => {
    expect(await said(PHONE, fieldsFor(PHONE), () => epoch)).toBe('share-invalid');
  });

  it('is that of nobody else either: each holder has one hash, a stranger none', () => {
    expect(grantHashOf(epoch, phone.holder.id)).toEqual(sha256(dealt.grants[PHONE]!.bytes));
    expect(grantHashOf(epoch, kit.holder.id)).toEqual(sha256(dealt.grants[KIT]!.bytes));
    expect(grantHashOf(epoch, new Uint8Array(16))).toBeUndefined();
    expect(grantHashOf({ ...epoch, shares: [] }, phone.holder.id)).toBeUndefined();
    expect(contributionOf({ ...epoch, shares: [] }, phone.holder.id, dealt.shares[PHONE]!)).toBeUndefined();
  });
});

describe('shares', () => {
  const contribution = (i: number, share = dealt.shares[i]!) => contributionOf(epoch, epoch.holders[i]!.id, share)!;

  it('count with the seat and the commitment that the entry gives their holder', () => {
    expect(contribution(PHONE)).toEqual({
      ...{ holder: phone.holder.id, seat: 2, share: dealt.shares[PHONE] },
      commitment: epoch.shares[PHONE]!.commitment,
    });
    expect(fitsCommitment(pid, epoch, contribution(PHONE))).toBe(true);
    expect(fitsCommitment(pid, { ...epoch, slot: 2 }, contribution(PHONE))).toBe(false);
    expect(fitsCommitment(new Uint8Array(32), epoch, contribution(PHONE))).toBe(false);
  });

  it('that are all good and give another VEK than the entry commits to are the dealer’s fault', async () => {
    const other = { ...epoch, vekCommitment: new Uint8Array(32) };
    expect(await rejectionOf(vekOf(pid, other, [contribution(0), contribution(1)]))).toBe('dealer-fault');
  });
});

describe('the KEK', () => {
  it('needs this VEK, this passphrase and this epoch: else the passphrase is called wrong', () => {
    expect(kekOf(pid, epoch, vek, registry.passphraseKey)).toEqual(dealt.kek);
    const judged = (info: EpochInfo, key: Bytes, passphraseKey: Bytes) =>
      codeOf(() => kekOf(pid, info, key, passphraseKey));
    expect(judged(epoch, new Uint8Array(32), registry.passphraseKey)).toBe('wrong-passphrase');
    expect(judged(epoch, vek, new Uint8Array(32))).toBe('wrong-passphrase');
    expect(judged({ ...epoch, epoch: 0 }, vek, registry.passphraseKey)).toBe('wrong-passphrase');
  });
});

describe('wrap and links', () => {
  it('open in their passport, slot and epoch, and nowhere else', async () => {
    const place = { slot: epoch.slot, epoch: 1 };
    expect(await openWrap(pid, place, vek, dealt.wrap)).toEqual({
      meshKey: dealt.meshKey,
      nameRoot: registry.nameRoot,
    });
    expect(await openMeshLink(pid, place, dealt.meshKey, dealt.link)).toEqual(registry.founding.dealt!.meshKey);
    for (const [elsewhere, of] of [
      [{ ...place, slot: 2 }, pid],
      [{ ...place, epoch: 2 }, pid],
      [place, new Uint8Array(32)],
    ] as const) {
      expect(await rejectionOf(openWrap(of, elsewhere, vek, dealt.wrap))).toBe('decryption-failed');
      expect(await rejectionOf(openMeshLink(of, elsewhere, dealt.meshKey, dealt.link))).toBe('decryption-failed');
    }
    const kekLink = epoch.kekLink!;
    expect(await openKekLink(pid, 1, dealt.kek, kekLink)).toEqual(registry.founding.dealt!.kek);
    expect(await rejectionOf(openKekLink(pid, 2, dealt.kek, kekLink))).toBe('decryption-failed');
    expect(await rejectionOf(openKekLink(new Uint8Array(32), 1, dealt.kek, kekLink))).toBe('decryption-failed');
    expect(await rejectionOf(openKekLink(pid, 1, copy(vek), kekLink))).toBe('decryption-failed');
    expect(await rejectionOf(openMeshLink(pid, place, vek, dealt.link))).toBe('decryption-failed');
  });

  it('a wrap that holds anything but two keys of 32 bytes is malformed', async () => {
    const key = wrapKey(pid, 1, vek);
    const where = { layer: 'wrap', epoch: 1, key, pid, kind: 'wrap', owner: pid, sequence: 1 } as const;
    const judged = async (value: Value) => {
      const wrap = await sealObject(where, encode(value), registry.random);
      return rejectionOf(openWrap(pid, { slot: 1, epoch: 1 }, vek, wrap));
    };
    const [whole, short] = [new Uint8Array(32), new Uint8Array(31)];
    expect(await judged([whole, whole])).toBe('no error');
    for (const value of [[whole], [whole, whole, whole], [short, whole], [whole, short], whole])
      expect(await judged(value)).toBe('malformed');
  });
});
