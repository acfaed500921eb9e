/**
 * The records as a person sees them: the standing versions of each key, the winner among them, and what was replaced. Reads the
 * index only, but for the value of the one record that is asked for. Ids of versions, commits and devices are hexadecimal.
 */
import { compare, equal, fromHex, hex, type Bytes } from '../bytes.ts';
import { PassportError } from '../errors.ts';
import type { Tx } from '../replica/replica.ts';
import { isConflict, placeOf, sameContent, versionId, type Version } from './buckets.ts';
import { Log } from './log.ts';
import { Order } from './order.ts';
import type { RecordContext } from './registry-view.ts';
import { valueOf } from './updates.ts';

export interface VersionInfo {
  /** Update id. */
  readonly version: string;
  readonly device: string;
  /** As its author claims, ms. */
  readonly time: number;
  readonly type: string;
  readonly sizeBytes: number;
  readonly deleted: boolean;
}

export interface RecordInfo extends VersionInfo {
  readonly key: string;
  /** Several versions stand that differ. */
  readonly conflict: boolean;
}

export interface RecordValue extends RecordInfo {
  readonly value: Bytes;
}

export interface HistoryVersion extends VersionInfo {
  readonly state: 'winner' | 'standing' | 'replaced';
}

/** Records that are there, and deleted ones in conflict, by key (UTF-16 order). `version` is a getter. `locked` without a vault key. */
export async function listRecords(tx: Tx, ctx: RecordContext, prefix = ''): Promise<RecordInfo[]> {
  const log = await Log.open(tx, ctx);
  const order = new Order(log);
  const records: RecordInfo[] = [];
  for await (const [key, standing] of log.buckets.all()) {
    if (!key.startsWith(prefix)) continue;
    const conflict = isConflict(standing);
    const [winner] = await order.sort(standing);
    if (winner === undefined || (winner.deleted && !conflict)) continue;
    records.push(new Listed(ctx.pid, key, winner, conflict));
  }
  return records.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** A record as a list would show it; undefined when it is not there, or deleted. Throws `locked`. */
export async function findRecord(tx: Tx, ctx: RecordContext, key: string): Promise<RecordInfo | undefined> {
  const log = await Log.open(tx, ctx);
  const standing = await log.buckets.get(key);
  const [winner] = await new Order(log).sort(standing);
  if (winner === undefined || winner.deleted) return undefined;
  return { key, conflict: isConflict(standing), ...versionInfo(ctx, winner) };
}

/** The winner of a record, or one of its versions; undefined when it is not there, or deleted. Throws `locked`, `no-such-record` for an unknown version. */
export async function readRecord(
  tx: Tx,
  ctx: RecordContext,
  key: string,
  version?: string,
): Promise<RecordValue | undefined> {
  const log = await Log.open(tx, ctx);
  const standing = await log.buckets.get(key);
  const chosen =
    version === undefined ? (await new Order(log).sort(standing))[0] : await versionOfKey(log, key, standing, version);
  if (chosen === undefined || (chosen.deleted && version === undefined)) return undefined;
  return { key, conflict: isConflict(standing), ...versionInfo(ctx, chosen), value: await valueOf(log, chosen) };
}

/** All versions of a record that are known: the winner, the others that stand, then the replaced ones, newest first. */
export async function history(tx: Tx, ctx: RecordContext, key: string): Promise<HistoryVersion[]> {
  const log = await Log.open(tx, ctx);
  const standing = await new Order(log).sort(await log.buckets.get(key));
  const replaced = await byDepth(log, await log.buckets.replaced(key));
  return [
    ...standing.map((version, i) => ({
      ...versionInfo(ctx, version),
      state: i === 0 ? ('winner' as const) : ('standing' as const),
    })),
    ...replaced.map((version) => ({ ...versionInfo(ctx, version), state: 'replaced' as const })),
  ];
}

/** One row of a list. Its version is computed when somebody asks: thousands of hashes, of which most lists show none. */
class Listed implements RecordInfo {
  readonly key: string;
  readonly device: string;
  readonly time: number;
  readonly type: string;
  readonly sizeBytes: number;
  readonly deleted: boolean;
  readonly conflict: boolean;
  readonly #pid: Bytes;
  readonly #winner: Version;

  constructor(pid: Bytes, key: string, winner: Version, conflict: boolean) {
    this.#pid = pid;
    this.#winner = winner;
    this.key = key;
    this.device = hex(winner.by.device);
    this.time = winner.by.time;
    this.type = winner.type;
    this.sizeBytes = winner.sizeBytes;
    this.deleted = winner.deleted;
    this.conflict = conflict;
  }

  get version(): string {
    return hex(versionId(this.#pid, this.#winner));
  }
}

export function versionInfo({ pid }: RecordContext, version: Version): VersionInfo {
  const { by, type, sizeBytes, deleted } = version;
  return { version: hex(versionId(pid, version)), device: hex(by.device), time: by.time, type, sizeBytes, deleted };
}

/** Equal versions are shown as one: the first of them. */
export async function distinct(order: Order, standing: readonly Version[]): Promise<Version[]> {
  const shown: Version[] = [];
  for (const version of await order.sort(standing)) {
    if (!shown.some((other) => sameContent(other, version))) shown.push(version);
  }
  return shown;
}

async function versionOfKey(log: Log, key: string, standing: readonly Version[], version: string): Promise<Version> {
  const wanted = fromHex(version);
  for (const each of [...standing, ...(await log.buckets.replaced(key))]) {
    if (equal(versionId(log.ctx.pid, each), wanted)) return each;
  }
  throw new PassportError('no-such-record', 'no such version of this record');
}

/** Later ones first: who has a version in its past has a larger past. The same on every device. */
async function byDepth(log: Log, versions: readonly Version[]): Promise<Version[]> {
  const ranked: { version: Version; depth: number }[] = [];
  for (const version of versions) {
    const row = await log.chains.find(placeOf(version));
    const heads = row === undefined ? [] : [...log.causality.pastOf(row).values()].flat();
    ranked.push({ version, depth: heads.reduce((sum, head) => sum + head.seq, 0) });
  }
  ranked.sort(
    (a, b) =>
      b.depth - a.depth ||
      b.version.by.time - a.version.by.time ||
      compare(b.version.by.commit, a.version.by.commit) ||
      b.version.index - a.version.index,
  );
  return ranked.map(({ version }) => version);
}
