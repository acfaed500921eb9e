/**
 * The registry as a value: who the holders are and were, the threshold, the epochs. It grows by one valid, certified entry
 * at a time (`applyEntry`), and holds nothing that its entries do not say. Pure.
 */
import { type Bytes, equal, hex } from '../bytes.ts';
import { hash } from '../crypto/statements.ts';
import { commitId, parseHeader } from '../format/commit.ts';
import {
  type ChangeRequest,
  type Entry,
  type EntryCore,
  type EpochPart,
  type Holder,
  holderValue,
  parseRequest,
  type VotePromise,
} from '../format/entry.ts';

/** A holder of now or of earlier. `receiveKey` is the newest that an entry listed. */
export interface Member extends Holder {
  /** The receive key with which it came in: its fingerprint, which people compared, is of this one. */
  readonly firstKey: Bytes;
  readonly entered: number;
  readonly left: number | null;
  /** For a device that left: ids of the newest commits that stay valid, with their ancestors. */
  readonly cut: readonly Bytes[];
}

export interface EpochInfo extends EpochPart {
  readonly epoch: number;
  /** The slot and `prev` of the entry that starts it. */
  readonly slot: number;
  readonly prev: Bytes;
  readonly threshold: number;
  readonly dealer: Bytes;
  /** Holders of the epoch in the order of their shares; seat and id are what commitments and grants name. */
  readonly holders: readonly Pick<Holder, 'id' | 'seat' | 'kind'>[];
}

export interface EntryInfo {
  readonly id: Bytes;
  readonly time: number;
  readonly epoch: number;
}

export interface RegistryState {
  readonly pid: Bytes;
  readonly threshold: number;
  readonly epoch: number;
  readonly members: readonly Member[];
  readonly unlockDevices: readonly Bytes[];
  readonly epochs: readonly EpochInfo[];
  /** By slot; the last one is the head. */
  readonly entries: readonly EntryInfo[];
  /** Every signing and receive key that any entry ever listed, as hex: none may come back. */
  readonly usedKeys: ReadonlySet<string>;
}

export function headSlot(state: RegistryState): number {
  return state.entries.length - 1;
}

export function head(state: RegistryState): EntryInfo {
  return state.entries[state.entries.length - 1] as EntryInfo;
}

export function holdersOf(state: RegistryState): readonly Member[] {
  return state.members.filter((member) => member.left === null);
}

export function memberOf(state: RegistryState, id: Bytes): Member | undefined {
  return state.members.find((member) => equal(member.id, id));
}

/** The holder with this id now, or undefined when it never was one or has left. */
export function holderOf(state: RegistryState, id: Bytes): Member | undefined {
  const member = memberOf(state, id);
  return member?.left === null ? member : undefined;
}

export function epochOf(state: RegistryState, epoch = state.epoch): EpochInfo {
  return state.epochs[epoch] as EpochInfo;
}

/** `2 <= N <= M <= 32` and `2N > M`, whole numbers: two quorums always share a holder. */
export function isSafePolicy(threshold: number, count: number): boolean {
  if (!Number.isSafeInteger(threshold) || !Number.isSafeInteger(count)) return false;
  return threshold >= 2 && threshold <= count && count <= 32 && 2 * threshold > count;
}

/** True for the kinds that start a new epoch. */
export function startsEpoch(kind: ChangeRequest['kind']): boolean {
  return kind !== 'policy';
}

/** The holders after a request, with the receive keys of `promises` where the change starts an epoch. Sorted by seat. */
export function holdersAfter(
  state: RegistryState,
  request: ChangeRequest,
  promises: readonly VotePromise[] = [],
): readonly Holder[] {
  const fresh = startsEpoch(request.kind) ? promises : [];
  const staying = holdersOf(state)
    .filter((holder) => !request.leaves.some((id) => equal(id, holder.id)))
    .map(({ seat, id, kind, name, signKey, receiveKey }): Holder => {
      const renamed = request.names.find((change) => equal(change.id, id));
      const promise = fresh.find((p) => equal(p.holder, id));
      return { seat, id, kind, name: renamed?.name ?? name, signKey, receiveKey: promise?.nextKey ?? receiveKey };
    });
  return [...staying, ...request.enters].sort((a, b) => a.seat - b.seat);
}

/** H("holders", …): 32 bytes. Receive keys count only for those who enter, since the others' come from promises. */
export function holdersHash(pid: Bytes, after: readonly Holder[], enters: readonly Holder[]): Bytes {
  return hash(
    pid,
    'holders',
    after.map((holder) => {
      const value = holderValue(holder) as Bytes[];
      return [...value.slice(0, 5), enters.some((e) => equal(e.id, holder.id)) ? holder.receiveKey : null];
    }),
  );
}

/** The heads of a leaving device that staying holders stated: their commit ids, without repetition. */
export function cutOf(pid: Bytes, device: Bytes, leaves: readonly Bytes[], promises: readonly VotePromise[]): Bytes[] {
  const ids = new Map<string, Bytes>();
  for (const promise of promises) {
    if (leaves.some((id) => equal(id, promise.holder))) continue;
    for (const stated of promise.heads) {
      if (!equal(stated.device, device)) continue;
      for (const { header } of stated.heads) {
        const id = commitId(pid, header);
        if (equal(parseHeader(pid, header).device, device)) ids.set(hex(id), id);
      }
    }
  }
  return [...ids.values()];
}

function epochInfo(core: EntryCore, part: EpochPart): EpochInfo {
  return {
    ...part,
    epoch: core.epoch,
    slot: core.slot,
    prev: core.prev,
    threshold: core.threshold,
    dealer: core.birth.initiator,
    holders: core.holders.map(({ id, seat, kind }) => ({ id, seat, kind })),
  };
}

function keysOf(holders: readonly Holder[]): string[] {
  return holders.flatMap((holder) => [hex(holder.signKey), hex(holder.receiveKey)]);
}

/** The state after an entry that `checkEntry` and a certificate allowed; undefined is the state before slot 0. */
export function applyEntry(state: RegistryState | undefined, entry: Entry): RegistryState {
  const { core } = entry;
  const info: EntryInfo = { id: entry.id, time: core.time, epoch: core.epoch };
  const epochs = core.epochPart === null ? [] : [epochInfo(core, core.epochPart)];
  if (state === undefined) {
    return {
      pid: core.pid,
      threshold: core.threshold,
      epoch: core.epoch,
      members: core.holders.map((holder) => ({
        ...holder,
        firstKey: holder.receiveKey,
        entered: 0,
        left: null,
        cut: [],
      })),
      unlockDevices: core.unlockDevices,
      epochs,
      entries: [info],
      usedKeys: new Set(keysOf(core.holders)),
    };
  }
  const { leaves } = parseRequest(core.request);
  const members = state.members.map((member): Member => {
    const after = core.holders.find((holder) => equal(holder.id, member.id));
    if (after !== undefined) return { ...member, ...after };
    if (member.left !== null) return member;
    const cut = member.kind === 'device' ? cutOf(core.pid, member.id, leaves, core.promises) : [];
    return { ...member, left: core.slot, cut };
  });
  const entered = core.holders
    .filter((holder) => !state.members.some((member) => equal(member.id, holder.id)))
    .map((holder): Member => ({ ...holder, firstKey: holder.receiveKey, entered: core.slot, left: null, cut: [] }));
  return {
    pid: state.pid,
    threshold: core.threshold,
    epoch: core.epoch,
    members: [...members, ...entered],
    unlockDevices: core.unlockDevices,
    epochs: [...state.epochs, ...epochs],
    entries: [...state.entries, info],
    usedKeys: new Set([...state.usedKeys, ...keysOf(core.holders)]),
  };
}
