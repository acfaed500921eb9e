/**
 * Opening an epoch: from a grant to a checked share, from N shares and the passphrase key to the KEK, and back through the
 * links to the keys of older epochs (docs/protocol.md, 3 and 5).
 */
import { type Bytes, equal, wipe } from '../bytes.ts';
import { encode } from '../cbor.ts';
import { sha256 } from '../crypto/hash.ts';
import { kekCheck, kekFrom, wrapKey } from '../crypto/keys.ts';
import { openObject } from '../crypto/object.ts';
import { combineShares, commitShare, type Contribution, isCommitted } from '../crypto/share.ts';
import { PassportError } from '../errors.ts';
import { type Grant, MAX_GRANT_BYTES, openGrant } from '../format/grant.ts';
import { bytes32, decodeShaped } from '../format/schema.ts';
import * as z from 'zod/mini';
import type { EpochInfo } from './state.ts';

const wrapSchema = z.tuple([bytes32, bytes32]);

function commitmentOf(
  epoch: EpochInfo,
  holder: Bytes,
): { index: number; seat: number; commitment: Bytes; grantHash: Bytes } | undefined {
  const index = epoch.holders.findIndex((h) => equal(h.id, holder));
  const share = epoch.shares[index];
  const who = epoch.holders[index];
  return share && who && { index, seat: who.seat, ...share };
}

/** SHA-256 of the grant that the entry of this epoch names for a holder, or undefined when it has none. */
export function grantHashOf(epoch: EpochInfo, holder: Bytes): Bytes | undefined {
  return commitmentOf(epoch, holder)?.grantHash;
}

/**
 * Opens a grant and compares every field with the decided entry; then, and only then, its contents may be used.
 * `share-invalid`: the grant or its share is not what the entry says, which is the dealer's doing.
 */
export async function openGrantOf(
  pid: Bytes,
  epoch: EpochInfo,
  holder: Bytes,
  receivePrivate: Bytes,
  sealed: Bytes,
): Promise<Grant> {
  const expected = commitmentOf(epoch, holder);
  if (expected === undefined || sealed.length > MAX_GRANT_BYTES || !equal(sha256(sealed), expected.grantHash)) {
    throw new PassportError('share-invalid', 'this grant is not the one of the registry entry'); // V59
  }
  const grant = await openGrant(receivePrivate, epoch.epoch, sealed);
  const count = epoch.holders.length;
  const said = [
    grant.pid,
    grant.slot,
    grant.prev,
    grant.epoch,
    grant.threshold,
    grant.count,
    grant.holder,
    grant.seat,
    grant.dealer,
  ];
  const decided = [
    pid,
    epoch.slot,
    epoch.prev,
    epoch.epoch,
    epoch.threshold,
    count,
    holder,
    expected.seat,
    epoch.dealer,
  ];
  const terms = {
    pid,
    slot: epoch.slot,
    epoch: epoch.epoch,
    threshold: epoch.threshold,
    count,
    holder,
    seat: expected.seat,
  };
  const isDevice = epoch.holders[expected.index]?.kind === 'device';
  if (
    !equal(encode(said), encode(decided)) ||
    isDevice !== (grant.device !== null) ||
    !equal(commitShare(grant.share, terms), expected.commitment)
  ) {
    throw new PassportError('share-invalid', 'this grant does not fit the registry entry'); // V60
  }
  return grant;
}

/** A share by a holder of this epoch, with the commitment that it must fit; undefined for a holder who has none. */
export function contributionOf(epoch: EpochInfo, holder: Bytes, share: Bytes): Contribution | undefined {
  const expected = commitmentOf(epoch, holder);
  return expected && { holder, seat: expected.seat, commitment: expected.commitment, share };
}

/** Whether a share is the one that its holder was dealt. */
export function fitsCommitment(pid: Bytes, epoch: EpochInfo, given: Contribution): boolean {
  return isCommitted(given, dealOf(pid, epoch));
}

/** N shares to the VEK (docs/protocol.md, 3, order of checks). `not-enough-holders`, `dealer-fault`. The caller wipes the VEK. */
export function vekOf(
  pid: Bytes,
  epoch: EpochInfo,
  contributions: readonly Contribution[],
): Promise<{ vek: Bytes; bad: Bytes[] }> {
  return combineShares(contributions, { ...dealOf(pid, epoch), vekCommitment: epoch.vekCommitment });
}

function dealOf(pid: Bytes, { slot, epoch, threshold, holders }: EpochInfo) {
  return { pid, slot, epoch, threshold, count: holders.length };
}

/** VEK and P to the KEK; `wrong-passphrase` when the check in the entry says so. */
export function kekOf(pid: Bytes, epoch: EpochInfo, vek: Bytes, passphraseKey: Bytes): Bytes {
  const kek = kekFrom(pid, epoch.epoch, vek, passphraseKey);
  if (equal(kekCheck(pid, epoch.epoch, kek), epoch.kekCheck)) return kek;
  wipe(kek);
  throw new PassportError('wrong-passphrase', 'this is not the passphrase of the passport', {
    hint: 'Try again; the passphrase is the one typed at init, or at the last change of it.',
  }); // V61
}

/** Opens a wrap with a VEK; `decryption-failed` for another VEK. */
export async function openWrap(
  pid: Bytes,
  at: { slot: number; epoch: number },
  vek: Bytes,
  wrap: Bytes,
): Promise<{ meshKey: Bytes; nameRoot: Bytes }> {
  const data = await openObject(
    {
      layer: 'wrap',
      epoch: at.epoch,
      key: wrapKey(pid, at.epoch, vek),
      pid,
      kind: 'wrap',
      owner: pid,
      sequence: at.slot,
    },
    wrap,
  );
  const [meshKey, nameRoot] = decodeShaped(wrapSchema, data, 'a wrap'); // V62
  return { meshKey, nameRoot };
}
