/**
 * What can be said of the devices from the frontier: the heads of each, and when it was last heard of.
 */
import { equal, hex, type Bytes } from '../bytes.ts';
import type { SignedHeader } from '../format/bundle.ts';
import { prevRef } from '../format/commit.ts';
import type { Tx } from '../replica/replica.ts';
import { STATE, type CommitRow } from './chains.ts';
import { Log } from './log.ts';
import type { RecordContext } from './registry-view.ts';

/** The heads by a device as they were signed, for a promise to cut it. What is not applied here is not stated. */
export async function headsOfDevice(tx: Tx, ctx: RecordContext, device: Bytes): Promise<SignedHeader[]> {
  const rows = await appliedHeads(await Log.open(tx, ctx), device);
  return rows.map(({ header, signature }) => ({ header, signature }));
}

/** Heads of a device's chains that are no ancestors by `prev` of another one; the newest by order of application last. */
export async function appliedHeads(log: Log, device: Bytes): Promise<CommitRow[]> {
  const heads: CommitRow[] = [];
  for (const points of log.frontier.values()) {
    for (const point of points) {
      const row = await log.chains.find(point);
      if (row !== undefined && equal(row.parsed.device, device)) heads.push(row);
    }
  }
  const continued = new Set<string>();
  for (const { chain, device: author } of log.chains.list()) {
    if (!equal(author, device)) continue;
    for (const row of await log.chains.at(chain, 1)) {
      const prev = prevRef(row.parsed);
      if (row.state === STATE.applied && prev !== undefined) continued.add(hex(prev.id));
    }
  }
  return heads.filter((row) => !continued.has(row.id)).sort((a, b) => a.order - b.order);
}

/** When each device was last heard of: the newest applied commit by it. */
export async function deviceActivity(
  tx: Tx,
  ctx: RecordContext,
): Promise<{ device: Bytes; time: number; cloned: boolean }[]> {
  const log = await Log.open(tx, ctx);
  const byDevice = new Map<string, { device: Bytes; time: number; cloned: boolean; order: number }>();
  for (const points of log.frontier.values()) {
    for (const point of points) {
      const row = (await log.chains.find(point)) as CommitRow;
      const { device, time } = row.parsed;
      const known = byDevice.get(hex(device));
      const cloned = log.chains.isCloned(point.chain) || (known?.cloned ?? false);
      const newest = known === undefined || known.order < row.order ? { device, time, order: row.order } : known;
      byDevice.set(hex(device), { ...newest, cloned });
    }
  }
  return [...byDevice.values()].map(({ device, time, cloned }) => ({ device, time, cloned }));
}
