/**
 * What the dealer of an epoch makes: a new VEK, its shares and grants, the new keys under it, and the links back
 * (docs/protocol.md, 3 to 5). The VEK lives only inside `dealEpoch`. `finishEntry` signs; `checkDealt` is the dealer's own
 * check, from the bytes, before anybody else sees them.
 */
import { type Bytes, equal, wipe } from '../bytes.ts';
import { decode, encode } from '../cbor.ts';
import { sha256 } from '../crypto/hash.ts';
import { kekCheck, kekFrom, kekLinkKey, meshLinkKey, vaultSigningSeed, wrapKey } from '../crypto/keys.ts';
import { openObject, sealObject } from '../crypto/object.ts';
import { randomBytes } from '../crypto/random.ts';
import { combineShares, commitShare, commitVek, dealShares } from '../crypto/share.ts';
import { publicKeyOf, signStatement } from '../crypto/sign.ts';
import { PassportError } from '../errors.ts';
import {
  encodeCore,
  encodeEntry,
  type Entry,
  type EntryCore,
  type EpochPart,
  type Holder,
  parseEntry,
} from '../format/entry.ts';
import { openGrant, sealGrant } from '../format/grant.ts';
import type { Argon2Cost, Random } from '../platform.ts';

export interface DealTerms {
  readonly pid: Bytes;
  readonly slot: number;
  readonly prev: Bytes;
  readonly epoch: number;
  readonly threshold: number;
  readonly holders: readonly Holder[];
  readonly dealer: Bytes;
  readonly nameRoot: Bytes;
  readonly salt: Bytes;
  readonly cost: Argon2Cost;
  /** P: Argon2id of the passphrase, 32 bytes. */
  readonly passphraseKey: Bytes;
  /** KEK and mesh key of the epoch before; null for epoch 0. */
  readonly before: { readonly kek: Bytes; readonly meshKey: Bytes } | null;
}

export interface SealedGrant {
  readonly epoch: number;
  readonly holder: Bytes;
  readonly bytes: Bytes;
}

/** Everything of a new epoch but the entry that announces it. `kek` and `meshKey` are secret. */
export interface DealtEpoch {
  readonly part: EpochPart;
  readonly wrap: Bytes;
  /** Empty in epoch 0. */
  readonly link: Bytes;
  readonly grants: readonly SealedGrant[];
  readonly kek: Bytes;
  readonly meshKey: Bytes;
  /** For `checkDealt`, which wipes them. */
  readonly shares: readonly Bytes[];
}

/** Deals a fresh VEK to `terms.holders`; a receive key to which nothing can be sealed aborts with `key-refused`. */
export async function dealEpoch(terms: DealTerms, random: Random): Promise<DealtEpoch> {
  const { pid, slot, prev, epoch, threshold, holders, nameRoot, before } = terms;
  const count = holders.length;
  const vek = randomBytes(random, 32);
  const meshKey = randomBytes(random, 32);
  const shares = await dealShares(vek, threshold, count, random);
  const kek = kekFrom(pid, epoch, vek, terms.passphraseKey);
  const seal = (layer: 'wrap' | 'meshLink' | 'kekLink', key: Bytes, kind: string, sequence: number, data: Bytes) =>
    sealObject({ layer, epoch, key, pid, kind, owner: pid, sequence }, data, random);

  const wrap = await seal('wrap', wrapKey(pid, epoch, vek), 'wrap', slot, encode([meshKey, nameRoot]));
  const link =
    before === null
      ? new Uint8Array(0)
      : await seal('meshLink', meshLinkKey(pid, epoch, meshKey), 'mesh-link', slot, before.meshKey);
  const kekLink =
    before === null ? null : await seal('kekLink', kekLinkKey(pid, epoch, kek), 'kek-link', epoch, before.kek);
  const grants: SealedGrant[] = [];
  for (const [i, holder] of holders.entries()) {
    const bytes = await sealGrant(
      holder.receiveKey,
      {
        pid,
        slot,
        prev,
        epoch,
        threshold,
        count,
        holder: holder.id,
        seat: holder.seat,
        dealer: terms.dealer,
        share: shares[i] as Bytes,
        device: holder.kind === 'device' ? { meshKey, nameRoot } : null,
      },
      random,
    ).catch((cause: unknown) => {
      throw new PassportError('key-refused', `nothing can be sealed to the receive key of "${holder.name}"`, { cause });
    });
    grants.push({ epoch, holder: holder.id, bytes });
  }
  const part: EpochPart = {
    salt: terms.salt,
    cost: terms.cost,
    vaultKey: publicKeyOf(vaultSigningSeed(pid, epoch, kek)),
    kekCheck: kekCheck(pid, epoch, kek),
    vekCommitment: commitVek(vek, { pid, slot, epoch, threshold, count }),
    shares: holders.map((holder, i) => ({
      commitment: commitShare(shares[i] as Bytes, {
        pid,
        slot,
        epoch,
        threshold,
        count,
        holder: holder.id,
        seat: holder.seat,
      }),
      grantHash: sha256((grants[i] as SealedGrant).bytes),
    })),
    wrapHash: sha256(wrap),
    linkHash: before === null ? null : sha256(link),
    kekLink,
  };
  wipe(vek);
  return { part, wrap, link, grants, kek, meshKey, shares };
}

/** Signs a core as its dealer and under the vault key of `vaultEpoch` (the epoch before; slot 0: epoch 0). */
export function finishEntry(
  core: EntryCore,
  dealerSeed: Bytes,
  vault: { readonly epoch: number; readonly kek: Bytes },
): Entry {
  const bytes = encodeCore(core);
  const statement = [core.pid, 'entry-core', sha256(bytes)] as const;
  const vaultSeed = vaultSigningSeed(core.pid, vault.epoch, vault.kek);
  return parseEntry(
    encodeEntry(bytes, signStatement(dealerSeed, ...statement), signStatement(vaultSeed, ...statement)),
  );
}

/** A receive key that the dealer happens to hold (its own, those of kits made or typed here). */
export interface OpenableGrant {
  readonly holder: Bytes;
  readonly receivePrivate: Bytes;
}

/**
 * Opens the epoch of an entry from its bytes as its holders will: N of the new shares and P, wrap, both links, each grant
 * whose key is at hand. `dealer-fault` says that something does not fit; nothing may then be proposed.
 */
export async function checkDealt(
  entry: Entry,
  dealt: DealtEpoch,
  terms: DealTerms,
  openable: readonly OpenableGrant[],
): Promise<void> {
  const { core } = entry;
  const part = core.epochPart as EpochPart;
  const { pid, slot, epoch, threshold } = core;
  const fault = (what: string): never => {
    throw new PassportError('dealer-fault', `the new epoch does not open: ${what}`);
  };
  const common = { pid, slot, epoch, threshold, count: core.holders.length };
  const contributions = core.holders.map((holder, i) => ({
    holder: holder.id,
    seat: holder.seat,
    commitment: (part.shares[i] as { commitment: Bytes }).commitment,
    share: dealt.shares[i] as Bytes,
  }));
  const opened = await combineShares(contributions, { ...common, vekCommitment: part.vekCommitment });
  if (opened.bad.length > 0) fault('a share does not fit its commitment');
  const kek = kekFrom(pid, epoch, opened.vek, terms.passphraseKey);
  if (!equal(kekCheck(pid, epoch, kek), part.kekCheck)) fault('the KEK');
  const at = { epoch, pid, owner: pid };
  const wrap = decode(
    await openObject(
      { ...at, layer: 'wrap', key: wrapKey(pid, epoch, opened.vek), kind: 'wrap', sequence: slot },
      dealt.wrap,
    ),
  ) as Bytes[];
  if (!equal(wrap[0] as Bytes, dealt.meshKey) || !equal(wrap[1] as Bytes, terms.nameRoot)) fault('the wrap');
  if (terms.before !== null) {
    const link = { ...at, layer: 'meshLink', key: meshLinkKey(pid, epoch, dealt.meshKey), kind: 'mesh-link' } as const;
    if (!equal(await openObject({ ...link, sequence: slot }, dealt.link), terms.before.meshKey)) fault('the mesh link');
    const kekLink = {
      ...at,
      layer: 'kekLink',
      key: kekLinkKey(pid, epoch, kek),
      kind: 'kek-link',
      sequence: epoch,
    } as const;
    if (!equal(await openObject(kekLink, part.kekLink as Bytes), terms.before.kek)) fault('the KEK link');
  }
  for (const { holder, receivePrivate } of openable) {
    const i = core.holders.findIndex((h) => equal(h.id, holder));
    if (i < 0) continue;
    const grant = await openGrant(receivePrivate, epoch, (dealt.grants[i] as SealedGrant).bytes);
    if (!equal(grant.share, dealt.shares[i] as Bytes)) fault('a grant');
  }
  wipe(opened.vek, ...dealt.shares);
}
