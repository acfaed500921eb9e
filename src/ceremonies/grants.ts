/**
 * Grants in the replica, and what comes out of them: a checked share of a hand, and for a device the epoch's mesh key.
 * Kept are those of the head's epoch (for every holder, so that any device can repair any store) and of entries in vote.
 */
import { base32, type Bytes, equal } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { nameHash } from '../format/names.ts';
import type { Contribution } from '../crypto/share.ts';
import type { KitHand } from '../device/hands.ts';
import { type Device, type MemberView } from '../device/device.ts';
import { receivePrivate } from '../device/secrets.ts';
import { PassportError } from '../errors.ts';
import type { Entry } from '../format/entry.ts';
import { type Grant, MAX_GRANT_BYTES } from '../format/grant.ts';
import type { SealedGrant } from '../registry/deal.ts';
import { contributionOf, grantHashOf, openGrantOf } from '../registry/open.ts';
import { type EpochInfo, epochOf, holderOf, type RegistryState } from '../registry/state.ts';
import type { Tx } from '../replica/replica.ts';

export interface GrantObject {
  readonly epoch: number;
  readonly holder: Bytes;
  readonly hash: string;
}

/** A holder of this machine: its id, and the private halves of receive keys that it has. */
export interface Opener {
  readonly id: Bytes;
  readonly privateOf: (receiveKey: Bytes) => Bytes | undefined;
}

export function deviceOpener({ secrets }: Pick<MemberView, 'secrets'>): Opener {
  return { id: secrets.deviceId, privateOf: (key) => receivePrivate(secrets, key) };
}

export function kitOpener(kit: KitHand): Opener {
  return { id: kit.id, privateOf: (key) => (equal(key, kit.receiveKey) ? kit.receivePrivate : undefined) };
}

export async function grantsOf(tx: Tx): Promise<readonly GrantObject[]> {
  const value = ((await tx.get('grants')) ?? []) as [number, Bytes, string][];
  return value.map(([epoch, holder, hash]) => ({ epoch, holder, hash }));
}

async function setGrants(tx: Tx, grants: readonly GrantObject[]): Promise<void> {
  const before = await grantsOf(tx);
  for (const { hash } of before) if (!grants.some((grant) => grant.hash === hash)) tx.dropObject(hash);
  tx.set(
    'grants',
    grants.map(({ epoch, holder, hash }) => [epoch, holder, hash]),
  );
}

/** The name hash (26 characters) that a grant with this SHA-256 has in every store. */
export function grantNameHash(sha: Bytes): string {
  return base32(sha.subarray(0, 16));
}

export async function keepGrants(tx: Tx, added: readonly SealedGrant[]): Promise<void> {
  const known = await grantsOf(tx);
  const fresh = added
    .filter(({ bytes }) => bytes.length <= MAX_GRANT_BYTES && !known.some(({ hash }) => hash === nameHash(bytes)))
    .map(({ epoch, holder, bytes }) => ({ epoch, holder, hash: tx.addObject(bytes) }));
  if (fresh.length > 0) await setGrants(tx, [...known, ...fresh]);
}

/** After an entry was decided: grants of other epochs, and of entries that lost, may go. */
export async function dropOtherGrants(tx: Tx, state: RegistryState): Promise<void> {
  const epoch = epochOf(state);
  const wanted = new Set(epoch.shares.map(({ grantHash }) => grantNameHash(grantHash)));
  const known = await grantsOf(tx);
  const kept = known.filter((grant) => wanted.has(grant.hash));
  if (kept.length < known.length) await setGrants(tx, kept);
}

/** The bytes of the grant that an epoch's entry names for a holder, if they are here. */
export async function grantBytes(tx: Tx, epoch: EpochInfo, holder: Bytes): Promise<Bytes | undefined> {
  const hash = grantHashOf(epoch, holder);
  if (hash === undefined) return undefined;
  const bytes = await tx.object(grantNameHash(hash));
  return bytes !== undefined && equal(sha256(bytes), hash) ? bytes : undefined;
}

/** Which grants of the head's epoch, and of entries in vote, this replica lacks: what a sync should fetch. */
export async function missingGrants(tx: Tx, state: RegistryState, inVote: readonly Entry[]): Promise<GrantObject[]> {
  const wanted = [
    ...epochOf(state).holders.map((holder, i) => [state.epoch, holder.id, epochOf(state).shares[i]] as const),
    ...inVote.flatMap(({ core }) =>
      core.holders.map((holder, i) => [core.epoch, holder.id, core.epochPart?.shares[i]] as const),
    ),
  ];
  const missing: GrantObject[] = [];
  for (const [epoch, holder, share] of wanted) {
    if (share === undefined) continue;
    const hash = grantNameHash(share.grantHash);
    if ((await tx.object(hash)) === undefined) missing.push({ epoch, holder, hash });
  }
  return missing;
}

/**
 * Opens the grant of a holder on this machine in an epoch whose entry is decided or in vote, and checks it against the entry.
 * `missing` when its bytes are not here yet, `share-invalid` when the dealer gave something else.
 */
export async function openOwnGrant(
  device: Device,
  tx: Tx,
  epoch: EpochInfo,
  listedKey: Bytes,
  opener: Opener,
): Promise<Grant> {
  const sealed = await grantBytes(tx, epoch, opener.id);
  if (sealed === undefined)
    throw new PassportError('missing', 'a grant has not arrived yet', { hint: 'Sync again in a moment.' });
  const key = opener.privateOf(listedKey);
  if (key === undefined) {
    throw new PassportError('share-invalid', 'this device no longer has the key that its grant is sealed to');
  }
  return openGrantOf(device.pid, epoch, opener.id, key, sealed);
}

/** The share of a holder on this machine in the present epoch, ready to be combined. */
export async function contribution(device: Device, view: MemberView, opener: Opener): Promise<Contribution> {
  const { state, tx } = view;
  const member = holderOf(state, opener.id);
  if (member === undefined) throw new PassportError('revoked', 'who is no holder has no share');
  const epoch = epochOf(state);
  const grant = await openOwnGrant(device, tx, epoch, member.receiveKey, opener);
  return contributionOf(epoch, opener.id, grant.share) as Contribution;
}
