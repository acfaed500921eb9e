/**
 * A full check of what this device has: every bundle's bytes against its name, its layers, its signatures, its Merkle roots where
 * a vault key is at hand, and every chain for holes. It changes nothing; damaged objects are named, so that they can be fetched
 * again.
 */
import { isPassportError } from '../errors.ts';
import { authenticateBundle, openBundle, splitBundle, type ClaimedCommit } from '../format/bundle.ts';
import { nameHash } from '../format/names.ts';
import type { Tx } from '../replica/replica.ts';
import { INDEX } from './chains.ts';
import { Log } from './log.ts';
import { bundleObjects } from './objects.ts';
import { keyOfDevice, type RecordContext } from './registry-view.ts';
import { blindedUpdates } from './updates.ts';

export interface Hole {
  /** Hexadecimal. */
  readonly chain: string;
  readonly seq: number;
}

export interface ReplicaReport {
  /** Bundles that were looked at. */
  readonly checked: number;
  /** Name hashes of bundles whose bytes are here and wrong. */
  readonly damaged: readonly string[];
  /** Name hashes of bundles whose bytes are gone. */
  readonly missing: readonly string[];
  /** Numbers of which no commit is here though later ones are. */
  readonly holes: readonly Hole[];
}

export async function verifyReplica(
  tx: Tx,
  ctx: RecordContext,
  onProgress?: (done: number, total: number) => void,
): Promise<ReplicaReport> {
  const log = await Log.open(tx, ctx);
  const damaged = new Set<string>();
  const missing = new Set<string>();
  const objects = await bundleObjects(tx);
  const listed = new Set(objects.map(({ hash }) => hash));
  for (const [done, { hash }] of objects.entries()) {
    const bytes = await tx.object(hash);
    if (bytes === undefined) missing.add(hash);
    else if (nameHash(bytes) !== hash || !(await isAuthentic(ctx, bytes))) damaged.add(hash);
    onProgress?.(done + 1, objects.length);
  }
  const holes: Hole[] = [];
  for (const { chain } of log.chains.list()) {
    let expected = 1;
    for (const row of await log.chains.rows(chain)) {
      for (; expected < row.seq && holes.length < MAX_HOLES; expected++) holes.push({ chain, seq: expected });
      expected = row.seq + 1;
      if (!listed.has(row.bundle)) missing.add(row.bundle);
      if (missing.has(row.bundle) || damaged.has(row.bundle)) continue;
      if (row.index === INDEX.damaged || !(await hasUpdates(log, row))) damaged.add(row.bundle);
    }
  }
  return { checked: objects.length, damaged: [...damaged], missing: [...missing], holes };
}

const MAX_HOLES = 1000;

async function isAuthentic(ctx: RecordContext, bytes: Parameters<typeof splitBundle>[0]): Promise<boolean> {
  try {
    const split = splitBundle(bytes);
    const meshLayerKey = ctx.keys.meshLayerKey(split.epoch);
    if (meshLayerKey === undefined) return true; // nothing more can be said yet
    const claimed = await openBundle(split, ctx.pid, meshLayerKey);
    const author = keyOfDevice(ctx.registry, (claimed.commits[0] as ClaimedCommit).parsed.device);
    const sealer = keyOfDevice(ctx.registry, claimed.sealer);
    if (author !== undefined && sealer !== undefined) authenticateBundle(claimed, ctx.pid, sealer, author);
    return true;
  } catch (error) {
    if (isPassportError(error)) return false;
    throw error;
  }
}

/** True also where no key is at hand. */
async function hasUpdates(log: Log, row: Parameters<typeof blindedUpdates>[1]): Promise<boolean> {
  try {
    await blindedUpdates(log, row);
    return true;
  } catch (error) {
    if (!isPassportError(error)) throw error;
    return isPassportError(error, 'locked');
  }
}

/** Puts back the bytes of a bundle that is lost or damaged here, if they are the right ones; returns whether they are. */
export function repairObject(tx: Tx, hash: string, bytes: Parameters<typeof nameHash>[0]): boolean {
  if (nameHash(bytes) !== hash) return false;
  tx.addObject(bytes);
  return true;
}
