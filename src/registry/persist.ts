/** The registry's state as a CBOR value for a cell of the own journal, and back. What the journal opens was written here. */
import { type Bytes, fromHex, hex } from '../bytes.ts';
import type { Value } from '../cbor.ts';
import { holderFromValue, holderValue } from '../format/entry.ts';
import type { EpochInfo, Member, RegistryState } from './state.ts';

export function stateValue(state: RegistryState): Value {
  return [
    state.pid,
    state.threshold,
    state.epoch,
    state.members.map((m) => [holderValue(m), m.firstKey, m.entered, m.left, [...m.cut]]),
    [...state.unlockDevices],
    state.epochs.map((e) => [
      [e.epoch, e.slot, e.prev, e.threshold, e.dealer],
      e.holders.map((h) => [h.id, h.seat, h.kind]),
      [e.salt, e.cost.memoryKiB, e.cost.passes, e.cost.lanes],
      [e.vaultKey, e.kekCheck, e.vekCommitment, e.wrapHash, e.linkHash, e.kekLink],
      e.shares.map((s) => [s.commitment, s.grantHash]),
    ]),
    state.entries.map((e) => [e.id, e.time, e.epoch]),
    [...state.usedKeys].map(fromHex),
  ];
}

type EpochValue = [
  [number, number, Bytes, number, Bytes],
  [Bytes, number, 'device' | 'kit'][],
  [Bytes, number, number, number],
  [Bytes, Bytes, Bytes, Bytes, Bytes | null, Bytes | null],
  [Bytes, Bytes][],
];

function toEpochInfo(value: EpochValue): EpochInfo {
  const [[epoch, slot, prev, threshold, dealer], holders, [salt, memoryKiB, passes, lanes], keys, shares] = value;
  const [vaultKey, kekCheck, vekCommitment, wrapHash, linkHash, kekLink] = keys;
  return {
    ...{ epoch, slot, prev, threshold, dealer, salt, vaultKey, kekCheck, vekCommitment, wrapHash, linkHash, kekLink },
    cost: { memoryKiB, passes, lanes },
    holders: holders.map(([id, seat, kind]) => ({ id, seat, kind })),
    shares: shares.map(([commitment, grantHash]) => ({ commitment, grantHash })),
  };
}

/** `value` is one that `stateValue` made. */
export function stateFromValue(value: Value): RegistryState {
  const [pid, threshold, epoch, members, unlockDevices, epochs, entries, usedKeys] = value as [
    Bytes,
    number,
    number,
    [Value, Bytes, number, number | null, Bytes[]][],
    Bytes[],
    EpochValue[],
    [Bytes, number, number][],
    Bytes[],
  ];
  return {
    ...{ pid, threshold, epoch, unlockDevices },
    members: members.map(([holder, firstKey, entered, left, cut]): Member => ({
      ...holderFromValue(holder),
      firstKey,
      entered,
      left,
      cut,
    })),
    epochs: epochs.map(toEpochInfo),
    entries: entries.map(([id, time, of]) => ({ id, time, epoch: of })),
    usedKeys: new Set(usedKeys.map(hex)),
  };
}
