/**
 * Registry objects from stores: the next entries are followed, older ones are compared with what was decided here. A second
 * certified entry in a decided slot is a fork: the registry freezes, whoever provably lied or forgot is named.
 */
import { type Bytes, equal, hex } from '../bytes.ts';
import { type Device, type Fork, forkOf, type MemberView } from '../device/device.ts';
import { isPassportError } from '../errors.ts';
import { parseRequest, type VotePromise } from '../format/entry.ts';
import { culprits, type Testimony } from '../registry/evidence.ts';
import { checkAccept, checkPromise, checkProposalSignature } from '../registry/messages.ts';
import { applyEntry, headSlot, holderOf, memberOf, type RegistryState } from '../registry/state.ts';
import { checkCertificate, checkEntry } from '../registry/valid.ts';
import { nameHash } from '../format/names.ts';
import { noteContradiction } from '../sync/contradictions.ts';
import { type Decided, differs, follow, keepDecided, openDecided, registryObjects } from './decide.ts';
import { settle } from './engine.ts';
import { catchUp, type Found } from './enter.ts';
import { dropOtherGrants, keepGrants } from './grants.ts';
import { acceptOf, promiseOf, proposalOf, votesOf } from './slot.ts';

export interface Candidate {
  readonly slot: number;
  readonly bytes: Bytes;
}

export interface Followed {
  readonly decided: readonly number[];
  /** Candidates that are no valid certified entry, by index. */
  readonly bad: readonly number[];
  /** The next entry is here, but this device's grant of it is not. */
  readonly grantMissing: Decided | undefined;
  readonly forked: boolean;
}

/** Follows as many of the candidates as follow each other; at most 64 per slot are looked at. */
export function followAll(device: Device, candidates: readonly Candidate[]): Promise<Followed> {
  return device.asMember(async (first) => {
    const decided: number[] = [];
    const bad = new Set<number>();
    let grantMissing: Decided | undefined;
    let forked = (await forkOf(first.tx)) !== undefined;
    for (;;) {
      const view = (await device.view(first.tx)) as MemberView;
      const next = headSlot(view.state) + 1;
      const mesh = device.meshLayerKey(view.secrets, view.state.epoch);
      const here = candidates.map((c, i) => ({ ...c, i })).filter(({ slot }) => slot === next);
      if (forked || mesh === undefined || here.length === 0) break;
      let moved = false;
      for (const { bytes, i } of here.slice(0, 64)) {
        let opened: Decided | undefined;
        try {
          opened = await openDecided(device, next, view.state.epoch, mesh, bytes);
          const state = await follow(device, view, opened, bytes);
          await settle(device, { ...view, secrets: await device.box.read(view.tx), state }, opened);
          decided.push(next);
          moved = true;
          break;
        } catch (error) {
          if (!isPassportError(error)) throw error;
          // A grant that is not here, or not what the entry says: a newer one may lead on.
          if (['missing', 'share-invalid', 'dealer-fault'].includes(error.code)) grantMissing = opened;
          else bad.add(i);
        }
      }
      if (!moved) break;
    }
    for (const [i, { slot, bytes }] of candidates.entries()) {
      const view = (await device.view(first.tx)) as MemberView;
      if (slot > headSlot(view.state) || decided.includes(slot)) continue;
      const verdict = await compareDecided(device, view, slot, bytes);
      if (verdict === 'bad') bad.add(i);
      if (verdict === 'fork') forked = true;
    }
    return { decided, bad: [...bad], grantMissing, forked };
  });
}

/** Compares entries with those that were decided here, as `followAll` does, and follows none. */
export function compareAll(device: Device, candidates: readonly Candidate[]): Promise<void> {
  return device.asMember(async (view) => {
    const known = new Set((await registryObjects(view.tx)).map(([, hash]) => hash));
    for (const { slot, bytes } of candidates) {
      if (slot <= headSlot(view.state) && !known.has(nameHash(bytes))) await compareDecided(device, view, slot, bytes);
    }
  });
}

/** Goes on from the newest grant that a store has for this device, over entries whose own grants are gone or wrong. */
export async function catchUpFrom(device: Device, found: Found): Promise<readonly number[]> {
  const { state, secrets } = await device.asMember(async (view) => view);
  const caught = await catchUp(device.pid, { id: secrets.deviceId, receive: secrets.receive }, state, found);
  if (caught === undefined || headSlot(caught.state) <= headSlot(state)) return [];
  await device.asMember(async (view) => {
    if (headSlot(view.state) !== headSlot(state)) return;
    const { tx } = view;
    const known = { ...view.secrets, nameRoot: caught.nameRoot, mesh: new Map([...view.secrets.mesh, ...caught.mesh]) };
    await device.box.write(tx, known);
    device.setState(tx, caught.state);
    for (const { slot, bytes } of caught.objects) await keepDecided(tx, slot, bytes);
    for (const vote of await votesOf(tx)) tx.dropObject(vote.hash);
    tx.set('votes', []);
    await keepGrants(tx, caught.grants);
    await dropOtherGrants(tx, caught.state);
    for (const decided of caught.decided) await settle(device, (await device.view(tx)) as MemberView, decided);
  });
  return caught.objects.map(({ slot }) => slot);
}

/** The registry as it stood after `slot`, from the entries of this replica, which were checked when they came. */
export async function stateAfter(device: Device, view: MemberView, slot: number): Promise<RegistryState | undefined> {
  let state: RegistryState | undefined;
  for (let s = 0; s <= slot; s++) {
    const decided = await decidedAt(device, view, s);
    if (decided === undefined) return undefined;
    state = applyEntry(state, decided.entry);
  }
  return state;
}

/** The decided entry of a slot, from this replica. */
export async function decidedAt(device: Device, view: MemberView, slot: number): Promise<Decided | undefined> {
  const hash = (await registryObjects(view.tx)).find(([s]) => s === slot)?.[1];
  const bytes = hash === undefined ? undefined : await view.tx.object(hash);
  const epochBefore = view.state.entries[Math.max(0, slot - 1)]?.epoch ?? 0;
  const mesh = device.meshLayerKey(view.secrets, epochBefore);
  return bytes && mesh && openDecided(device, slot, epochBefore, mesh, bytes);
}

async function compareDecided(
  device: Device,
  view: MemberView,
  slot: number,
  bytes: Bytes,
): Promise<'same' | 'bad' | 'fork'> {
  const epochBefore = view.state.entries[Math.max(0, slot - 1)]?.epoch ?? 0;
  const mesh = device.meshLayerKey(view.secrets, epochBefore);
  if (mesh === undefined) return 'same';
  try {
    const other = await openDecided(device, slot, epochBefore, mesh, bytes);
    if (!differs(view.state, slot, other.entry)) {
      if ((await registryObjects(view.tx)).every(([s]) => s !== slot)) await keepDecided(view.tx, slot, bytes);
      return 'same';
    }
    if (slot === 0) return 'bad';
    const before = await stateAfter(device, view, slot - 1);
    if (before === undefined) return 'same';
    await checkEntry(before, other.entry);
    checkCertificate(before, other.entry, other.certificate); // V178
    const mine = (await decidedAt(device, view, slot)) as Decided;
    await freeze(view, before, slot, mine, other); // V177
    await noteContradiction(view.tx, slot, nameHash(bytes));
    return 'fork';
  } catch (error) {
    if (isPassportError(error)) return 'bad';
    throw error;
  }
}

/** What one side's bytes prove: nothing counts without its signature. */
function testimony(before: RegistryState, { entry, certificate }: Decided): Testimony {
  const { pid } = before;
  const place = { slot: entry.core.slot, prev: entry.core.prev };
  const keyOf = (id: Bytes) =>
    holderOf(before, id)?.signKey ?? entry.core.holders.find((h) => equal(h.id, id))?.signKey;
  const good = (promise: VotePromise) => {
    const key = holderOf(before, promise.holder)?.signKey;
    return key !== undefined && checkPromise(pid, key, place, promise);
  };
  const accepts = certificate.accepts.filter((accept) => {
    const key = holderOf(before, accept.holder)?.signKey;
    return key !== undefined && checkAccept(pid, key, place, accept);
  });
  const proposals = certificate.proposals.filter((proposal) => {
    const key = keyOf(proposal.ballot.initiator);
    return key !== undefined && checkProposalSignature(pid, key, place, proposal) && proposal.promises.every(good);
  });
  return {
    accepts: accepts.map(acceptOf),
    promises: entry.core.promises.map(promiseOf),
    proposals: proposals.map(proposalOf),
  };
}

async function freeze(
  view: MemberView,
  before: RegistryState,
  slot: number,
  mine: Decided,
  other: Decided,
): Promise<void> {
  const { state, tx } = view;
  if ((await forkOf(tx)) !== undefined) return;
  const leaves = [
    ...parseRequest(other.entry.core.request).leaves,
    ...state.members.filter((member) => member.left !== null && member.left >= slot).map(({ id }) => id),
  ];
  const suspended = new Map(leaves.map((id) => [hex(id), id]));
  const named = culprits(testimony(before, mine), testimony(before, other)).map(
    (id) => state.members.find((member) => hex(member.id) === id)?.name ?? id,
  );
  const fork: Fork = {
    slot,
    ids: [mine.entry.id, other.entry.id],
    culprits: named,
    suspended: [...suspended.values()],
  };
  tx.set('fork', [fork.slot, [...fork.ids], [...fork.culprits], [...fork.suspended]]);
}

/** Whether this device was let go, and by which slot. */
export function leftAt(view: MemberView): number | undefined {
  const me = memberOf(view.state, view.secrets.deviceId);
  return me !== undefined && me.left !== null && equal(me.id, view.secrets.deviceId) ? me.left : undefined;
}
