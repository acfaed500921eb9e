/**
 * Indexing: applied commits become versions of records (buckets.ts). It needs a vault key. An update replaces another of its key
 * if the other's commit is in the causal past of its own; what nobody replaced stands. The result does not depend on the order
 * in which commits are indexed. A commit whose updates do not open or do not give the root that its author signed is marked
 * and named; it holds up nothing else, and a good copy of its bundle mends it.
 */
import { hex } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { isPassportError } from '../errors.ts';
import { parseUpdate, type Update } from '../format/update.ts';
import type { Tx } from '../replica/replica.ts';
import { placeOf, type CommitFacts, type Version } from './buckets.ts';
import { BIT, INDEX, STATE, type CommitRow, type Point } from './chains.ts';
import { Log } from './log.ts';
import type { RecordContext } from './registry-view.ts';
import { blindedUpdates, valueOf } from './updates.ts';

export interface DamagedCommit extends Point {
  /** Holder id of the author, hexadecimal. */
  readonly device: string;
  /** Name hash of the bundle that holds it. */
  readonly bundle: string;
}

export interface Indexed {
  /** Commits that were indexed now. */
  readonly indexed: number;
  /** Keys whose standing versions changed. */
  readonly keys: readonly string[];
  readonly damaged: readonly DamagedCommit[];
  /** Commits that wait for the vault key of their epoch. */
  readonly locked: number;
}

/** Indexes all that is applied and not indexed. With nothing to do it reads three small cells. */
export async function indexReady(tx: Tx, ctx: RecordContext): Promise<Indexed> {
  const log = await Log.open(tx, ctx);
  const indexed = await indexAll(log);
  await compareAgain(log);
  await log.flush();
  return indexed;
}

export async function indexAll(log: Log): Promise<Indexed> {
  const rows: CommitRow[] = [];
  for (const { chain } of log.chains.list(BIT.unindexed)) {
    for (const row of await log.chains.rows(chain, BIT.unindexed)) {
      if (row.state === STATE.applied && row.index === INDEX.todo) rows.push(row);
    }
  }
  rows.sort((a, b) => a.order - b.order);
  const keys = new Set<string>();
  const damaged: DamagedCommit[] = [];
  let locked = 0;
  for (const row of rows) {
    if (!log.tx.unlocked) {
      locked += 1;
      continue;
    }
    try {
      const updates = (await blindedUpdates(log, row)).map(({ update }) => parseUpdate(update));
      for (const key of await indexCommit(log, row, updates)) keys.add(key);
    } catch (error) {
      if (isPassportError(error, 'locked')) {
        locked += 1;
        continue;
      }
      if (!DAMAGE.some((code) => isPassportError(error, code))) throw error;
      row.index = INDEX.damaged; // V176
      log.chains.touch(row);
      damaged.push(damagedCommit(row));
    }
  }
  return { indexed: rows.length - locked - damaged.length, keys: [...keys], damaged, locked };
}

/** From here on a value is hashed only when another version stands beside it: for most it is never needed. */
const LARGE_BYTES = 64 * 1024;

const DAMAGE = ['missing', 'damaged', 'decryption-failed', 'malformed', 'unsupported'] as const;

/** Of an applied commit, with all of its updates in order. Returns their keys. */
export async function indexCommit(log: Log, row: CommitRow, updates: readonly Update[]): Promise<string[]> {
  const { chain, device, time } = row.parsed;
  const by: CommitFacts = { commit: row.commit, chain, seq: row.seq, device, time, order: row.order };
  const past = log.causality.pastOf(row);
  for (const [index, { key, op, type, value }] of updates.entries()) {
    const deleted = op === 'delete';
    const standing: Version[] = [];
    const replaced: Version[] = [];
    let stands = true;
    for (const other of await log.buckets.get(key)) {
      // Application is causal: only what was applied before can be in the past, only what was applied later can have it there.
      if (other.by.order < row.order && (await log.causality.covers(past, placeOf(other)))) {
        replaced.push(other);
        continue;
      }
      standing.push(other);
      if (other.by.order > row.order && (await knewOf(log, other, row))) stands = false;
    }
    const compared = stands && standing.length > 0;
    const valueHash = compared || value.length < LARGE_BYTES ? sha256(value) : null;
    const version: Version = { by, index, deleted, type, sizeBytes: value.length, valueHash };
    if (!stands) replaced.push(version);
    const others = compared ? await Promise.all(standing.map((other) => withHash(log, other))) : standing;
    await log.buckets.set(key, stands ? [...others, version] : standing, replaced);
  }
  row.index = INDEX.done;
  log.chains.touch(row);
  return updates.map(({ key }) => key);
}

/** What is damaged is left without, and so differs from all else until it can be read. */
async function withHash(log: Log, version: Version): Promise<Version> {
  if (version.valueHash !== null) return version;
  try {
    return { ...version, valueHash: sha256(await valueOf(log, version)) };
  } catch (error) {
    if (isPassportError(error, 'locked') || DAMAGE.some((code) => isPassportError(error, code))) return version;
    throw error;
  }
}

/** Versions in conflict that could not be compared are, once they can: what was damaged may have been mended. */
async function compareAgain(log: Log): Promise<void> {
  if (!log.tx.unlocked || (await log.buckets.conflictCount()) === 0) return;
  const again: [key: string, standing: readonly Version[]][] = [];
  for await (const [key, standing] of log.buckets.conflicts()) {
    if (standing.every(({ valueHash }) => valueHash !== null)) continue;
    const now = await Promise.all(standing.map((version) => withHash(log, version)));
    if (now.some((version, i) => version !== standing[i])) again.push([key, now]);
  }
  for (const [key, standing] of again) await log.buckets.set(key, standing, []);
}

async function knewOf(log: Log, version: Version, row: CommitRow): Promise<boolean> {
  const later = await log.chains.find(placeOf(version));
  return later !== undefined && log.causality.covers(log.causality.pastOf(later), row);
}

/** All commits whose updates cannot be read. */
export async function damagedCommits(tx: Tx, ctx: RecordContext): Promise<DamagedCommit[]> {
  const log = await Log.open(tx, ctx);
  const damaged: DamagedCommit[] = [];
  for (const { chain } of log.chains.list(BIT.damaged)) {
    const rows = await log.chains.rows(chain, BIT.damaged);
    damaged.push(...rows.filter((row) => row.index === INDEX.damaged).map(damagedCommit));
  }
  return damaged;
}

function damagedCommit(row: CommitRow): DamagedCommit {
  return { chain: row.chain, seq: row.seq, id: row.id, device: hex(row.parsed.device), bundle: row.bundle };
}
