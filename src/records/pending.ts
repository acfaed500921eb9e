/**
 * Own commits on their way to the first store. They were sealed when they were written; here small ones are joined into bundles
 * of up to 64, and all are sealed again where the epoch has changed meanwhile, so that who was removed reads nothing that is
 * uploaded from now on. What cannot be sealed again without a vault key waits, and all that comes after it.
 */
import { hex, type Bytes } from '../bytes.ts';
import { isPassportError, PassportError } from '../errors.ts';
import {
  MAX_BUNDLE_BLOCKS,
  MAX_BUNDLE_COMMITS,
  openBlocks,
  openBundle,
  sealBundle,
  splitBundle,
  type ClaimedCommit,
} from '../format/bundle.ts';
import { pageSummary } from '../replica/pages.ts';
import type { Tx } from '../replica/replica.ts';
import { pointOf } from './chains.ts';
import { Log } from './log.ts';
import { listRows, setRows, type BundleRow } from './objects.ts';
import type { RecordContext } from './registry-view.ts';

/** A bundle of this size is worth an object of its own: sealing it again would only cost time. */
const LARGE_BYTES = 2 * 1024 * 1024;

export interface PendingBundles {
  /** To be put in this order; their bytes are objects of the replica once this transaction is committed. */
  readonly bundles: readonly BundleRow[];
  /** Updates that must be sealed for the new epoch, and for that need an unlocked passport. */
  readonly waiting: number;
  /** Name hashes of own bundles that the journal has lost or damaged. */
  readonly damaged: readonly string[];
}

/** `epoch`: the newest one. With nothing pending it reads one small cell. */
export async function pendingBundles(tx: Tx, ctx: RecordContext, epoch: number): Promise<PendingBundles> {
  if ((await pageSummary(tx, 'pending')).rows === 0) return { bundles: [], waiting: 0, damaged: [] };
  const log = await Log.open(tx, ctx);
  const rows = await listRows(tx, 'pending');
  const ready: BundleRow[] = [];
  const kept: BundleRow[] = [];
  const damaged: string[] = [];
  let waiting = 0;
  let group: OpenedRow[] = [];
  let changed = false;

  const close = async () => {
    const [only] = group;
    if (only === undefined) return;
    const fresh = group.length > 1 || only.row.epoch !== epoch;
    const row = fresh ? await join(log, group, epoch) : only.row;
    changed ||= fresh;
    ready.push(row);
    kept.push(row);
    group = [];
  };

  for (const [at, row] of rows.entries()) {
    if (!canSeal(ctx, row, epoch)) {
      await close();
      for (const later of rows.slice(at)) waiting += later.updates;
      kept.push(...rows.slice(at));
      break;
    }
    const opened = await open(log, row, epoch);
    if (opened === undefined) {
      await close();
      damaged.push(row.hash);
      kept.push(row);
      continue;
    }
    if (!joins(group, opened)) await close();
    group.push(opened);
  }
  await close();
  if (changed) {
    await setRows(tx, 'pending', kept);
    await log.flush();
  }
  return { bundles: ready, waiting, damaged };
}

interface OpenedRow {
  readonly row: BundleRow;
  /** undefined: sealed as it should be, and large, or not to be opened without a vault key. */
  readonly commits: readonly ClaimedCommit[] | undefined;
  readonly blocks: readonly Bytes[];
}

function canSeal({ keys }: RecordContext, row: BundleRow, epoch: number): boolean {
  if (row.epoch === epoch) return true;
  if (keys.meshLayerKey(row.epoch) === undefined || keys.meshLayerKey(epoch) === undefined) return false;
  return row.updates === 0 || (keys.vaultLayerKey(row.epoch) !== undefined && keys.vaultLayerKey(epoch) !== undefined);
}

/** undefined for a bundle whose bytes are lost or damaged. */
async function open(log: Log, row: BundleRow, epoch: number): Promise<OpenedRow | undefined> {
  const { pid, keys } = log.ctx;
  const meshLayerKey = keys.meshLayerKey(row.epoch);
  const vaultLayerKey = keys.vaultLayerKey(row.epoch);
  // Not even read: it is when it is sent.
  if (row.epoch === epoch && row.sizeBytes >= LARGE_BYTES) return { row, commits: undefined, blocks: [] };
  const bytes = await log.tx.object(row.hash);
  if (bytes === undefined) return undefined;
  if (meshLayerKey === undefined || (row.updates > 0 && vaultLayerKey === undefined)) {
    return row.epoch === epoch ? { row, commits: undefined, blocks: [] } : undefined;
  }
  try {
    const split = splitBundle(bytes);
    const { commits } = await openBundle(split, pid, meshLayerKey);
    const sealed = vaultLayerKey === undefined ? [] : await openBlocks(split, pid, vaultLayerKey, row0(row));
    return { row, commits, blocks: commits.map((_, i) => sealed[i] ?? new Uint8Array(0)) };
  } catch (error) {
    if (isPassportError(error)) return undefined;
    throw error;
  }
}

function row0(row: BundleRow): { chain: Bytes; seq: number } {
  return { chain: row.chain, seq: row.first };
}

function joins(group: readonly OpenedRow[], next: OpenedRow): boolean {
  const last = group.at(-1);
  if (last === undefined) return true;
  if (last.commits === undefined || next.commits === undefined) return false;
  const follows = hex(last.row.chain) === hex(next.row.chain) && next.row.first === last.row.last + 1;
  const commits = next.commits.length + group.reduce((sum, { row }) => sum + row.last - row.first + 1, 0);
  const size = [...group, next].reduce((sum, { row }) => sum + row.sizeBytes, 0);
  return follows && commits <= MAX_BUNDLE_COMMITS && size <= MAX_BUNDLE_BLOCKS;
}

/** One bundle in the place of a group. */
async function join(log: Log, group: readonly OpenedRow[], epoch: number): Promise<BundleRow> {
  const { pid, keys, device, signSeed, random } = log.ctx;
  const meshLayerKey = keys.meshLayerKey(epoch);
  if (meshLayerKey === undefined) throw new PassportError('locked', 'the mesh key of the newest epoch is not here yet');
  const commits = group.flatMap((each) => each.commits ?? []);
  const blocks = group.flatMap((each) => each.blocks.map((block) => [block]));
  const vaultLayerKey = keys.vaultLayerKey(epoch);
  const bytes = await sealBundle({
    pid,
    epoch,
    meshLayerKey,
    vaultLayerKey,
    sealer: device,
    signSeed,
    commits,
    blocks,
    random,
  });
  const hash = log.tx.addObject(bytes);
  for (const [position, { parsed }] of commits.entries()) {
    const row = await log.chains.find(pointOf(parsed));
    if (row === undefined) throw new PassportError('missing', 'a commit of this device is missing');
    row.bundle = hash;
    row.position = position;
    log.chains.touch(row);
  }
  for (const { row } of group) if (row.hash !== hash) log.tx.dropObject(row.hash);
  const { chain, first } = (group[0] as OpenedRow).row;
  const { last } = (group.at(-1) as OpenedRow).row;
  const updates = group.reduce((sum, { row }) => sum + row.updates, 0);
  return { hash, chain, first, last, epoch, updates, sizeBytes: bytes.length };
}
