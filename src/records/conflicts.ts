/**
 * Conflicts: records of which several versions stand that differ. They stay visible until somebody decides; whoever decides says
 * which set of versions it was, and when that set has changed meanwhile nothing is written.
 */
import { fromHex, hex, type Bytes } from '../bytes.ts';
import { PassportError } from '../errors.ts';
import { locked } from '../replica/cells.ts';
import type { Tx } from '../replica/replica.ts';
import { applyAll } from './apply.ts';
import { conflictId, isConflict, versionId, type Version } from './buckets.ts';
import { indexAll } from './indexing.ts';
import { Log } from './log.ts';
import { Order } from './order.ts';
import type { RecordContext } from './registry-view.ts';
import { valueOf } from './updates.ts';
import { distinct, versionInfo, type VersionInfo } from './view.ts';
import { writeCommit, type Written } from './write.ts';

export interface ConflictVersion extends VersionInfo {
  readonly winner: boolean;
}

export interface Conflict {
  /** Conflict id, hexadecimal: another one as soon as another version stands. */
  readonly id: string;
  readonly key: string;
  /** The winner first; equal versions once. */
  readonly versions: readonly ConflictVersion[];
}

export interface Resolution {
  readonly conflictId: string;
  /** `newest`: the winner that is shown; `manual`: `selectedVersion`. */
  readonly resolution: 'manual' | 'newest';
  /** Update id, hexadecimal. */
  readonly selectedVersion?: string;
}

/** All conflicts, by key. `locked` without a vault key. */
export async function conflicts(tx: Tx, ctx: RecordContext): Promise<Conflict[]> {
  if (!tx.unlocked) throw locked();
  const log = await Log.open(tx, ctx);
  const order = new Order(log);
  const found: Conflict[] = [];
  for await (const [key, standing] of log.buckets.conflicts()) found.push(await describe(log, order, key, standing));
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/**
 * Writes the chosen version again, knowing of all that stand. Throws `no-such-conflict`; `conflict-changed` when other versions
 * stand now, with details { key, conflictId, versions } (conflictId undefined when none is left); `usage` for a selected
 * version that is not one of them.
 */
export async function resolve(
  tx: Tx,
  ctx: RecordContext,
  { conflictId: id, resolution, selectedVersion }: Resolution,
): Promise<Written> {
  const log = await Log.open(tx, ctx);
  // What waits is applied first: the new version must know of nothing that the person was not shown.
  await applyAll(log);
  await indexAll(log);
  await log.flush();
  const { key, standing } = await findConflict(log, fromHex(id));
  const ranked = await new Order(log).sort(standing);
  const chosen =
    resolution === 'newest'
      ? ranked[0]
      : ranked.find((version) => hex(versionId(ctx.pid, version)) === selectedVersion);
  if (chosen === undefined) throw new PassportError('usage', 'the selected version is not one of this conflict');
  const value = await valueOf(log, chosen);
  const op = chosen.deleted ? 'delete' : 'put';
  return writeCommit(tx, ctx, [{ key, op, type: chosen.type, value, reason: ['resolve', fromHex(id)] }]);
}

async function findConflict(log: Log, id: Bytes): Promise<{ key: string; standing: readonly Version[] }> {
  const wanted = hex(id);
  for await (const [key, standing] of log.buckets.conflicts()) {
    if (hex(conflictId(log.ctx.pid, standing)) === wanted) return { key, standing };
  }
  const key = await log.buckets.keyOfConflict(id);
  if (key === undefined) throw new PassportError('no-such-conflict', 'there is no such conflict');
  const standing = await log.buckets.get(key);
  const { id: now, versions } = await describe(log, new Order(log), key, standing);
  throw new PassportError('conflict-changed', 'other versions of this record stand now', {
    hint: 'look at the versions again',
    details: { key, conflictId: isConflict(standing) ? now : undefined, versions },
  });
}

async function describe(log: Log, order: Order, key: string, standing: readonly Version[]): Promise<Conflict> {
  const shown = await distinct(order, standing);
  return {
    id: hex(conflictId(log.ctx.pid, standing)),
    key,
    versions: shown.map((version, i) => ({ ...versionInfo(log.ctx, version), winner: i === 0 })),
  };
}
