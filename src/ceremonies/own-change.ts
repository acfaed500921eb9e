/** The change that this device asked for: one at a time, in the cell `change`, so that it can be left and taken up again. */
import type { Bytes } from '../bytes.ts';
import type { MemberView } from '../device/device.ts';
import { type ChangeRequest, parseRequest, requestHash, type Role } from '../format/entry.ts';

/** This device's own change, as the cell `change` keeps it. */
export interface OwnChange {
  /** `change`: what this device's person asked for. `takeover`: somebody else's, which it finishes. */
  readonly cell: 'change' | 'takeover';
  readonly hash: Bytes;
  readonly bytes: Bytes;
  readonly request: ChangeRequest;
  readonly slot: number;
  readonly prev: Bytes;
  readonly round: number;
  /** When the present round began, wall time. */
  readonly roundAt: number;
  readonly roles: readonly Role[];
  readonly state: 'open' | 'decided' | 'superseded' | 'cancelled' | 'refused' | 'expired';
  readonly decidedSlot: number | null;
}

type Encoded = [Bytes, number, Bytes, number, number, [Bytes, Bytes, Bytes][], OwnChange['state'], number | null];

export async function ownChange(
  { tx }: MemberView,
  pid: Bytes,
  cell: OwnChange['cell'] = 'change',
): Promise<OwnChange | undefined> {
  const value = (await tx.get(cell)) as Encoded | undefined;
  if (value === undefined) return undefined;
  const [bytes, slot, prev, round, roundAt, roles, state, decidedSlot] = value;
  return {
    cell,
    hash: requestHash(pid, bytes),
    bytes,
    request: parseRequest(bytes),
    ...{ slot, prev, round, roundAt, state, decidedSlot },
    roles: roles.map(([holder, transcript, signature]) => ({ holder, transcript, signature })),
  };
}

export function setOwnChange({ tx }: MemberView, change: OwnChange): void {
  tx.set(change.cell, [
    change.bytes,
    change.slot,
    change.prev,
    change.round,
    Math.max(0, Math.floor(change.roundAt)),
    change.roles.map(({ holder, transcript, signature }) => [holder, transcript, signature]),
    change.state,
    change.decidedSlot,
  ]);
}
