/** What a dealer makes opens for its holders, leads back to the epoch before, and is checked before anybody sees it. */
import { beforeAll, describe, expect, it } from 'vitest';

import type { Bytes } from '../../src/bytes.ts';
import { receiveKey } from '../../src/crypto/hpke.ts';
import { kekCheck, kekFrom, kekLinkKey } from '../../src/crypto/keys.ts';
import { openObject } from '../../src/crypto/object.ts';
import { openGrant, sealGrant } from '../../src/format/grant.ts';
import type { EpochPart } from '../../src/format/entry.ts';
import { checkDealt, dealEpoch, type DealtEpoch, type DealTerms, finishEntry } from '../../src/registry/deal.ts';
import { contributionOf, fitsCommitment, kekOf, openGrantOf, openWrap, vekOf } from '../../src/registry/open.ts';
import { openMeshLink } from '../../src/registry/links.ts';
import { epochOf } from '../../src/registry/state.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { type Made, Registry } from '../helpers/registry.ts';

let registry: Registry;
let made: Made;
let dealt: DealtEpoch;
let terms: DealTerms;
/** As they were when dealt: the dealer's check wipes them. */
let shares: Uint8Array<ArrayBuffer>[];

beforeAll(async () => {
  registry = await Registry.found('deal');
  made = await registry.next({ kind: 'rotate' });
  dealt = made.dealt!;
  terms = made.terms!;
  shares = dealt.shares.map((share) => new Uint8Array(share));
});

const again = (change: Partial<DealtEpoch> = {}): DealtEpoch => ({
  ...dealt,
  shares: shares.map((share) => new Uint8Array(share)),
  ...change,
});

describe('a dealt epoch', () => {
  it('has a grant and a committed share for each holder, in their order', () => {
    expect(dealt.part.shares).toHaveLength(3);
    expect(dealt.grants.map(({ holder }) => holder)).toEqual(terms.holders.map(({ id }) => id));
    expect(new Set(shares.map((share) => share[32])).size).toBe(3);
  });

  it('gives devices the mesh key and the name root, and kits neither', async () => {
    const kit = registry.actor(2);
    const paper = await openGrant(kit.receivePrivate, 1, dealt.grants[2]!.bytes);
    expect(paper.device).toBeNull();
    expect(paper).toMatchObject({ slot: 1, epoch: 1, threshold: 2, count: 3, seat: 3, share: shares[2] });
    await expect(openGrant(kit.receivePrivate, 1, dealt.grants[0]!.bytes)).rejects.toMatchObject({
      code: 'decryption-failed',
    });
    await expect(openGrant(kit.receivePrivate, 2, dealt.grants[2]!.bytes)).rejects.toMatchObject({
      code: 'decryption-failed',
    });
  });

  it('passes the dealer’s own check, and its shares are wiped by it', async () => {
    const whole = again();
    await checkDealt(made.entry, whole, terms, [
      { holder: registry.actor(2).holder.id, receivePrivate: registry.actor(2).receivePrivate },
    ]);
    for (const share of whole.shares) expect(share.every((byte) => byte === 0)).toBe(true);
  });

  it.each<[string, () => DealtEpoch]>([
    ['a share', () => again({ shares: [shares[1]!, shares[1]!, shares[2]!] })],
    ['the wrap', () => again({ meshKey: registry.random(32) })],
    [
      'a grant',
      () =>
        again({ grants: [dealt.grants[0]!, dealt.grants[1]!, { ...dealt.grants[2]!, bytes: dealt.grants[0]!.bytes }] }),
    ],
    ['the mesh link', () => again({ link: dealt.wrap })],
  ])('does not pass with another %s', async (_, change) => {
    const openable = [{ holder: registry.actor(2).holder.id, receivePrivate: registry.actor(2).receivePrivate }];
    const code = await rejectionOf(checkDealt(made.entry, change(), terms, openable));
    expect(['dealer-fault', 'decryption-failed']).toContain(code);
  });

  it('passes with grants of others at hand, and in epoch 0, which leads back to nothing', async () => {
    const stranger = registry.fresh('stranger');
    const openable = [{ holder: stranger.holder.id, receivePrivate: stranger.receivePrivate }];
    expect(await rejectionOf(checkDealt(made.entry, again(), terms, openable))).toBe('no error');
    const first = await Registry.found('deal, epoch 0');
    expect(await rejectionOf(checkDealt(first.founding.entry, first.founding.dealt!, first.founding.terms!, []))).toBe(
      'no error',
    );
  });

  it('does not pass when a grant at hand opens and has the share of another, whoever’s it is', async () => {
    for (const [i, name] of ['the first', 'the last'].entries()) {
      const at = i === 0 ? 0 : 2;
      const { holder, receivePrivate, receiveKey } = { ...registry.actor(at), ...receiveKeyPair() };
      const common = { pid: registry.pid, slot: 1, prev: terms.prev, epoch: 1, threshold: 2, count: 3 };
      const grant = { ...common, holder: holder.id, seat: holder.seat, dealer: terms.dealer, device: null };
      const sealed = async (share: Bytes) => {
        const bytes = await sealGrant(receiveKey, { ...grant, share }, registry.random);
        return again({ grants: dealt.grants.map((each, j) => (j === at ? { ...each, bytes } : each)) });
      };
      const judged = async (share: Bytes) =>
        rejectionOf(checkDealt(made.entry, await sealed(share), terms, [{ holder: holder.id, receivePrivate }]));
      expect(await judged(shares[at]!), name).toBe('no error');
      expect(await judged(shares[1]!), name).toBe('dealer-fault');
    }
    function receiveKeyPair() {
      const { publicKey, privateKey } = receiveKey(registry.random);
      return { receiveKey: publicKey, receivePrivate: privateKey };
    }
  });

  it('is announced by an entry that dealer and vault sign, as its verifiers read it', async () => {
    const entry = finishEntry(made.entry.core, registry.actor(0).seed, { epoch: 0, kek: registry.founding.dealt!.kek });
    expect(entry).toEqual(made.entry);
  });

  it.each<[string, Partial<DealTerms>]>([
    ['another passphrase', { passphraseKey: new Uint8Array(32).fill(1) }],
    ['another KEK before', { before: { kek: new Uint8Array(32).fill(1), meshKey: new Uint8Array(32) } }],
    ['another name root', { nameRoot: new Uint8Array(32).fill(1) }],
  ])('does not pass for %s', async (_, change) => {
    const other = { ...terms, ...change };
    if (change.before) other.before = { ...change.before, meshKey: terms.before!.meshKey };
    expect(await rejectionOf(checkDealt(made.entry, again(), other, []))).toBe('dealer-fault');
  });

  it('cannot be dealt to a key that nothing can be sealed to', async () => {
    const holders = terms.holders.map((holder, i) =>
      i === 1 ? { ...holder, receiveKey: new Uint8Array(32) } : holder,
    );
    await expect(dealEpoch({ ...terms, holders }, registry.random)).rejects.toMatchObject({
      code: 'key-refused',
      cause: expect.any(Error),
    });
  });
});

describe('opening it', () => {
  const opened = () => {
    registry.decide(made);
    return epochOf(registry.state);
  };
  let epoch: ReturnType<typeof opened>;

  beforeAll(() => {
    epoch = opened();
  });

  const kit = () => registry.actor(2);
  const contribution = (i: number, share = shares[i]!) => contributionOf(epoch, terms.holders[i]!.id, share)!;

  it('any two shares and the passphrase give the KEK, and it leads back', async () => {
    for (const pair of [
      [0, 1],
      [0, 2],
      [1, 2],
    ]) {
      const { vek, bad } = await vekOf(
        registry.pid,
        epoch,
        pair.map((i) => contribution(i)),
      );
      expect(bad).toEqual([]);
      const kek = kekOf(registry.pid, epoch, vek, registry.passphraseKey);
      expect(kek).toEqual(dealt.kek);
      const link = { layer: 'kekLink', epoch: 1, key: kekLinkKey(registry.pid, 1, kek), pid: registry.pid } as const;
      const back = await openObject({ ...link, kind: 'kek-link', owner: registry.pid, sequence: 1 }, epoch.kekLink!);
      expect(back).toEqual(registry.founding.dealt!.kek);
      const { meshKey, nameRoot } = await openWrap(registry.pid, epoch, vek, dealt.wrap);
      expect([meshKey, nameRoot]).toEqual([dealt.meshKey, registry.nameRoot]);
      expect(await openMeshLink(registry.pid, epoch, meshKey, dealt.link)).toEqual(registry.founding.dealt!.meshKey);
    }
  });

  it('a wrong passphrase says so; a wrong VEK opens no wrap', async () => {
    const { vek } = await vekOf(registry.pid, epoch, [contribution(0), contribution(1)]);
    expect(() => kekOf(registry.pid, epoch, vek, new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: 'wrong-passphrase' }),
    );
    expect(await rejectionOf(openWrap(registry.pid, epoch, new Uint8Array(32), dealt.wrap))).toBe('decryption-failed');
    expect(kekCheck(registry.pid, 1, kekFrom(registry.pid, 1, vek, registry.passphraseKey))).toEqual(
      (made.entry.core.epochPart as EpochPart).kekCheck,
    );
  });

  it('names bad shares and opens without them; one good one is not enough', async () => {
    const bad = contribution(1, new Uint8Array(33).fill(3));
    expect(fitsCommitment(registry.pid, epoch, bad)).toBe(false);
    expect(fitsCommitment(registry.pid, epoch, contribution(1))).toBe(true);
    const { bad: named } = await vekOf(registry.pid, epoch, [contribution(0), bad, contribution(2)]);
    expect(named).toEqual([terms.holders[1]!.id]);
    expect(await rejectionOf(vekOf(registry.pid, epoch, [contribution(0), bad]))).toBe('not-enough-holders');
    expect(await rejectionOf(vekOf(registry.pid, epoch, [contribution(0), contribution(0)]))).toBe(
      'not-enough-holders',
    );
    expect(contributionOf(epoch, new Uint8Array(16), shares[0]!)).toBeUndefined();
  });

  it('a share of one holder does not count as another’s', async () => {
    const swapped = contributionOf(epoch, terms.holders[1]!.id, shares[0]!)!;
    expect(fitsCommitment(registry.pid, epoch, swapped)).toBe(false);
  });

  it('a grant is compared with the entry, field by field, before anything of it is used', async () => {
    const grant = await openGrantOf(registry.pid, epoch, kit().holder.id, kit().receivePrivate, dealt.grants[2]!.bytes);
    expect(grant.share).toEqual(shares[2]);
    const refused = (holder = kit().holder.id, sealed = dealt.grants[2]!.bytes, at = epoch, pid = registry.pid) =>
      rejectionOf(openGrantOf(pid, at, holder, kit().receivePrivate, sealed));
    expect(await refused(terms.holders[0]!.id)).toBe('share-invalid');
    expect(await refused(new Uint8Array(16))).toBe('share-invalid');
    expect(await refused(undefined, dealt.grants[0]!.bytes)).toBe('share-invalid');
    expect(await refused(undefined, undefined, { ...epoch, slot: 2 })).toBe('share-invalid');
    expect(await refused(undefined, undefined, { ...epoch, threshold: 3 })).toBe('share-invalid');
    expect(await refused(undefined, undefined, { ...epoch, prev: new Uint8Array(32) })).toBe('share-invalid');
    expect(await refused(undefined, undefined, { ...epoch, dealer: new Uint8Array(16) })).toBe('share-invalid');
    expect(await refused(undefined, undefined, epoch, new Uint8Array(32))).toBe('share-invalid');
    const shareless = { ...epoch, shares: epoch.shares.map((share) => ({ ...share, commitment: new Uint8Array(32) })) };
    expect(await refused(undefined, undefined, shareless)).toBe('share-invalid');
  });
});
