/**
 * Which bundles this device has, in three lists of pages: `bundles` (a store has them and all their commits are applied or
 * quarantined, so that dependencies come first), `inbox` (received, with commits that wait), `pending` (own, in no store yet).
 * Row: [hash, chain, first, last, epoch, updates, size].
 */
import { hex, type Bytes } from '../bytes.ts';
import type { Value } from '../cbor.ts';
import { appendRows, pageRows, pageSummary, replaceRows } from '../replica/pages.ts';
import type { Tx } from '../replica/replica.ts';
import { STATE } from './chains.ts';
import type { Log } from './log.ts';

export interface BundleRow {
  /** Name hash of the bytes, 26 characters. */
  readonly hash: string;
  /** 16 bytes. */
  readonly chain: Bytes;
  readonly first: number;
  readonly last: number;
  /** For which it is sealed. */
  readonly epoch: number;
  readonly updates: number;
  readonly sizeBytes: number;
}

export interface BundleObject extends BundleRow {
  /** Some store has it, or had it once. */
  readonly stored: boolean;
}

export type BundleList = 'bundles' | 'inbox' | 'pending';

type RowValue = readonly [string, Bytes, number, number, number, number, number];

function rowValue({ hash, chain, first, last, epoch, updates, sizeBytes }: BundleRow): Value {
  return [hash, chain, first, last, epoch, updates, sizeBytes];
}

export async function listRows(tx: Tx, list: BundleList): Promise<BundleRow[]> {
  const rows = (await pageRows(tx, list)) as unknown as readonly RowValue[];
  return rows.map(([hash, chain, first, last, epoch, updates, sizeBytes]) => ({
    hash,
    chain,
    first,
    last,
    epoch,
    updates,
    sizeBytes,
  }));
}

export async function addRows(tx: Tx, list: BundleList, rows: readonly BundleRow[]): Promise<void> {
  await appendRows(tx, list, rows.map(rowValue));
}

export async function setRows(tx: Tx, list: BundleList, rows: readonly BundleRow[]): Promise<void> {
  await replaceRows(tx, list, rows.map(rowValue));
}

/** Moves received bundles whose commits wait no more behind those that were there before. */
export async function settleInbox(log: Log): Promise<void> {
  const { rows: count } = await pageSummary(log.tx, 'inbox');
  if (count === 0) return;
  const staying: BundleRow[] = [];
  const moving: { row: BundleRow; order: number }[] = [];
  for (const row of await listRows(log.tx, 'inbox')) {
    const last = (await log.chains.at(hex(row.chain), row.last)).filter((commit) => commit.bundle === row.hash);
    if (last.some((commit) => commit.state === STATE.waiting)) staying.push(row);
    else moving.push({ row, order: Math.max(0, ...last.map((commit) => commit.order)) });
  }
  if (moving.length === 0) return;
  moving.sort((a, b) => a.order - b.order);
  await addRows(
    log.tx,
    'bundles',
    moving.map(({ row }) => row),
  );
  await setRows(log.tx, 'inbox', staying);
}

/** The version changes whenever a bundle comes, goes or is stored; three small reads. */
export async function bundleSummary(tx: Tx): Promise<{ version: number; pending: number }> {
  const lists = await Promise.all((['bundles', 'inbox', 'pending'] as const).map((list) => pageSummary(tx, list)));
  const pending = lists[2]?.rows ?? 0;
  return { version: lists.reduce((sum, { version }) => sum + version, 0), pending };
}

/** All bundles, dependencies first; those of `pending` last (push these as `pendingBundles` gives them). */
export async function bundleObjects(tx: Tx): Promise<BundleObject[]> {
  const stored = [...(await listRows(tx, 'bundles')), ...(await listRows(tx, 'inbox'))];
  const pending = await listRows(tx, 'pending');
  return [...stored.map((row) => ({ ...row, stored: true })), ...pending.map((row) => ({ ...row, stored: false }))];
}

/** Some store has confirmed a bundle of `pending`. Nothing happens for other hashes. */
export async function markStored(tx: Tx, hash: string): Promise<void> {
  const pending = await listRows(tx, 'pending');
  const row = pending.find((each) => each.hash === hash);
  if (row === undefined) return;
  await setRows(
    tx,
    'pending',
    pending.filter((each) => each !== row),
  );
  await addRows(tx, 'bundles', [row]);
}
