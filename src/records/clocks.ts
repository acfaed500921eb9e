/**
 * Clocks that are far ahead. A commit's time only orders updates that did not know of each other, and only up to ten minutes
 * past the first word of another device (order.ts). So a device that meets a commit far ahead of its own clock writes an empty
 * commit at once: the witness. Cells `ahead`: [device…] to be witnessed; `clocks`: [device…] whose clock was wrong.
 */
import { equal, type Bytes } from '../bytes.ts';
import type { Header } from '../format/commit.ts';
import type { Tx } from '../replica/replica.ts';
import type { Log } from './log.ts';
import type { RecordContext } from './registry-view.ts';

/** How far a claimed time may be ahead, ms. */
export const TOLERANCE_MS = 600_000;

export async function noteTime(log: Log, header: Header): Promise<void> {
  if (header.time <= log.ctx.clock.now() + TOLERANCE_MS) return;
  await addDevice(log.tx, 'ahead', header.device);
}

/** The authors that a witness is due for; empties the list. */
export async function takeAhead(tx: Tx, ctx: RecordContext): Promise<readonly Bytes[]> {
  const devices = ((await tx.get('ahead')) ?? []) as readonly Bytes[];
  if (devices.length === 0) return [];
  tx.delete('ahead');
  // A witness whose own clock is behind the registry counts for nothing: then it is this clock that is wrong.
  if (ctx.clock.now() < (ctx.registry.timeOf(ctx.registry.head) ?? 0)) return [];
  for (const device of devices) await addDevice(tx, 'clocks', device);
  return devices;
}

/** Devices whose clock was more than ten minutes ahead of this one's. */
export async function wrongClocks(tx: Tx): Promise<readonly Bytes[]> {
  return ((await tx.get('clocks')) ?? []) as readonly Bytes[];
}

async function addDevice(tx: Tx, cell: string, device: Bytes): Promise<void> {
  const devices = ((await tx.get(cell)) ?? []) as readonly Bytes[];
  if (!devices.some((known) => equal(known, device))) tx.set(cell, [...devices, device]);
}
