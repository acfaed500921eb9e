/**
 * From a certificate to a new head: checks an entry with its certificate, opens this device's grant of it, and moves the
 * registry, the keys and the replica on in one transaction (docs/protocol.md, 5, "Getting in", for a device that follows).
 */
import { type Bytes, equal, hex } from '../bytes.ts';
import { openObject, sealObject } from '../crypto/object.ts';
import type { Device, MemberView } from '../device/device.ts';
import { PassportError } from '../errors.ts';
import { type Entry, parseEntry } from '../format/entry.ts';
import {
  type Certificate,
  encodeCertificate,
  encodeDecided,
  encodeRegistryObject,
  parseCertificate,
  parseDecided,
  parseRegistryObject,
} from '../format/votes.ts';
import { openMeshLink } from '../registry/links.ts';
import { applyEntry, epochOf, holderOf, type RegistryState } from '../registry/state.ts';
import { checkAttachments, checkCertificate, checkEntry } from '../registry/valid.ts';
import { deviceOpener, dropOtherGrants, openOwnGrant } from './grants.ts';
import { votesOf } from './slot.ts';

/** A certified entry with the objects that belong to it. */
export interface Decided {
  readonly entry: Entry;
  readonly certificate: Certificate;
  readonly wrap: Bytes;
  readonly link: Bytes;
}

function context(device: Device, slot: number, epochBefore: number, meshLayer: Bytes) {
  const { pid } = device;
  return { layer: 'mesh', epoch: epochBefore, key: meshLayer, pid, kind: 'entry', owner: pid, sequence: slot } as const;
}

/** The registry object of a decided entry, sealed under the mesh key of the epoch before (slot 0: of epoch 0). */
export async function sealDecided(
  device: Device,
  decided: Decided,
  epochBefore: number,
  meshLayer: Bytes,
): Promise<Bytes> {
  const { entry, certificate, wrap, link } = decided;
  const data = encodeDecided(entry.bytes, encodeCertificate(certificate));
  const sealed = await sealObject(context(device, entry.core.slot, epochBefore, meshLayer), data, device.random);
  return encodeRegistryObject({ wrap, link, sealed });
}

/** Opens a registry object; its entry and certificate are not checked yet. `decryption-failed`, `malformed`. */
export async function openDecided(
  device: Device,
  slot: number,
  epochBefore: number,
  meshLayer: Bytes,
  bytes: Bytes,
): Promise<Decided> {
  const { wrap, link, sealed } = parseRegistryObject(bytes);
  const decided = parseDecided(await openObject(context(device, slot, epochBefore, meshLayer), sealed));
  return { entry: parseEntry(decided.entry), certificate: parseCertificate(decided.certificate), wrap, link };
}

/** Registry objects of this replica, by slot: [slot, hash]. */
export async function registryObjects(tx: MemberView['tx']): Promise<readonly (readonly [number, string])[]> {
  return ((await tx.get('reg')) ?? []) as [number, string][];
}

/**
 * Moves the head on by one entry. Everything is checked first; `missing` says that this device's grant has not arrived and
 * nothing was changed. Returns the new state.
 */
export async function follow(
  device: Device,
  view: MemberView,
  decided: Decided,
  bytes?: Bytes,
): Promise<RegistryState> {
  const { state, tx } = view;
  const { entry } = decided;
  await checkEntry(state, entry);
  checkCertificate(state, entry, decided.certificate);
  checkAttachments(entry, decided.wrap, decided.link);
  const after = applyEntry(state, entry);
  let { secrets } = view;
  const me = holderOf(after, secrets.deviceId);
  if (entry.core.epochPart !== null && me !== undefined) {
    const grant = await openOwnGrant(device, tx, epochOf(after), me.receiveKey, deviceOpener(view));
    const given = grant.device as { meshKey: Bytes; nameRoot: Bytes };
    const before = await openMeshLink(
      device.pid,
      { slot: entry.core.slot, epoch: after.epoch },
      given.meshKey,
      decided.link,
    );
    const known = secrets.mesh.get(state.epoch);
    const sameRoot = secrets.nameRoot === null || equal(given.nameRoot, secrets.nameRoot);
    if (known === undefined || !equal(before, known) || !sameRoot) {
      throw new PassportError('dealer-fault', 'the new epoch does not lead back to this one', {
        details: { slot: entry.core.slot },
      });
    }
    secrets = { ...secrets, nameRoot: given.nameRoot, mesh: new Map([...secrets.mesh, [after.epoch, given.meshKey]]) };
    await device.box.write(tx, secrets);
  }
  const meshLayer = device.meshLayerKey(secrets, state.epoch) as Bytes;
  await keepDecided(tx, entry.core.slot, bytes ?? (await sealDecided(device, decided, state.epoch, meshLayer)));
  for (const vote of await votesOf(tx)) tx.dropObject(vote.hash);
  tx.set('votes', []);
  device.setState(tx, after);
  if (entry.core.epochPart !== null) await dropOtherGrants(tx, after);
  return after;
}

/** Notes a registry object under its slot. */
export async function keepDecided(tx: MemberView['tx'], slot: number, bytes: Bytes): Promise<void> {
  const hash = tx.addObject(bytes);
  const known = await registryObjects(tx);
  if (known.some(([, other]) => other === hash)) return;
  tx.set('reg', [...known.map(([s, h]) => [s, h]), [slot, hash]]);
}

/** Whether two decided entries of one slot differ: a fork. */
export function differs(state: RegistryState, slot: number, entry: Entry): boolean {
  return hex(state.entries[slot]?.id ?? new Uint8Array(0)) !== hex(entry.id);
}
