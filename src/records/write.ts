/**
 * Writing: header, signature and sealed updates come into the journal in one transaction and count from then on. A number exists
 * if and only if its bytes do, so chains have no holes. What waits is applied and indexed first: a new commit says that its
 * author had all of that. Many updates become several commits; these are no transaction over records.
 */
import { concat, equal, type Bytes } from '../bytes.ts';
import { randomBytes } from '../crypto/random.ts';
import { PassportError } from '../errors.ts';
import { sealBundle, signCommit } from '../format/bundle.ts';
import { compareRefs, encodeHeader, MAX_HEADS, MAX_UPDATES, parseHeader, type CommitRef } from '../format/commit.ts';
import {
  blockPieces,
  framedBytes,
  MAX_BLOCK_BYTES,
  type BlindedPieces,
  type Update,
  updatePieces,
} from '../format/update.ts';
import { locked } from '../replica/cells.ts';
import type { Tx } from '../replica/replica.ts';
import { turn } from '../platform.ts';
import { applyAll, applyRow } from './apply.ts';
import { BIT, INDEX, pointOf, type CommitRow } from './chains.ts';
import { takeAhead } from './clocks.ts';
import { indexAll, indexCommit } from './indexing.ts';
import { Log } from './log.ts';
import { merkleRoot } from './merkle.ts';
import { addRows } from './objects.ts';
import { nextPlace, readOwn } from './own.ts';
import type { RecordContext } from './registry-view.ts';

export interface Written {
  /** In the order of the chain. */
  readonly commits: readonly {
    readonly id: Bytes;
    readonly chain: Bytes;
    readonly seq: number;
    readonly bundle: string;
  }[];
  /** A new incarnation began, because others knew of own commits that the journal lacked. */
  readonly restored: boolean;
}

/**
 * Writes updates, or an empty commit when there are none. `acks`: epochs that this device opened and checked.
 * Throws `invalid-key`, `value-too-large`, `revoked`; with updates also `locked`, for which the newest vault layer key is needed.
 */
export async function writeCommit(
  tx: Tx,
  ctx: RecordContext,
  updates: readonly Update[],
  acks: readonly number[] = [],
): Promise<Written> {
  const encoded = updates.map((update) => ({ update, pieces: updatePieces(update) }));
  const log = await Log.open(tx, ctx);
  const { registry, keys } = ctx;
  if (registry.cutOf(ctx.device) !== undefined || registry.deviceKeyAt(ctx.device, registry.headSlot) === undefined) {
    throw new PassportError('revoked', 'this device is no longer a holder of the passport');
  }
  await applyAll(log);
  if (updates.length > 0) {
    if (!tx.unlocked || keys.vaultLayerKey(keys.epoch) === undefined) throw locked();
    if ((await indexAll(log)).locked > 0 || log.chains.list(BIT.unindexed).length > 0) throw locked();
  }
  const restored = (await readOwn(log))?.broken ?? false;
  const commits = [];
  for (const [i, group] of groups(encoded).entries()) {
    if (i > 0) await turn();
    const row = await writeOne(log, group, i === 0 ? acks : []);
    commits.push({ id: row.commit, chain: row.parsed.chain, seq: row.seq, bundle: row.bundle });
  }
  await log.flush();
  return { commits, restored };
}

/** Writes the empty commit that is due when others' clocks are far ahead (clocks.ts). Returns the authors it was due for. */
export async function witness(tx: Tx, ctx: RecordContext): Promise<readonly Bytes[]> {
  const devices = await takeAhead(tx, ctx);
  if (devices.length > 0) await writeCommit(tx, ctx, []);
  return devices;
}

interface Encoded {
  readonly update: Update;
  readonly pieces: readonly Bytes[];
}

/** Parts that fit a commit each, a key at most once in each; one empty part for no updates. */
function groups(encoded: readonly Encoded[]): Encoded[][] {
  const parts: Encoded[][] = [];
  let part: Encoded[] = [];
  let keys = new Set<string>();
  let size = 0;
  for (const each of encoded) {
    const bytes = framedBytes(each.pieces);
    if (part.length === MAX_UPDATES || size + bytes > MAX_BLOCK_BYTES || keys.has(each.update.key)) {
      parts.push(part);
      part = [];
      keys = new Set();
      size = 0;
    }
    part.push(each);
    keys.add(each.update.key);
    size += bytes;
  }
  parts.push(part);
  return parts;
}

async function writeOne(log: Log, group: readonly Encoded[], acks: readonly number[]): Promise<CommitRow> {
  const { ctx, tx } = log;
  const { pid, device, keys } = ctx;
  const place = await nextPlace(log);
  const blinded = blind(ctx, group);
  const header = encodeHeader({
    device,
    incarnation: place.incarnation,
    seq: place.seq,
    prev: place.prev?.id ?? null,
    ctx: await headsFor(log, place.prev),
    registry: ctx.registry.head,
    time: Math.max(0, Math.floor(ctx.clock.now())),
    count: group.length,
    root: merkleRoot(blinded),
    acks,
  });
  const parsed = parseHeader(pid, header);
  const signature = signCommit(ctx.signSeed, pid, parsed.id);
  const meshLayerKey = keys.meshLayerKey(keys.epoch);
  if (meshLayerKey === undefined) throw new PassportError('locked', 'the mesh key of the newest epoch is not here yet');
  const bytes = await sealBundle({
    pid,
    epoch: keys.epoch,
    meshLayerKey,
    vaultLayerKey: keys.vaultLayerKey(keys.epoch),
    sealer: device,
    signSeed: ctx.signSeed,
    commits: [{ header, signature, parsed }],
    blocks: [blockPieces(blinded)],
    random: ctx.random,
  });
  const bundle = tx.addObject(bytes);
  const row = await log.chains.add(parsed, { header, signature, bundle, position: 0 });
  await applyRow(log, row);
  if (group.length === 0) row.index = INDEX.done;
  else
    await indexCommit(
      log,
      row,
      group.map(({ update }) => update),
    );
  const { chain, seq } = parsed;
  const pending = {
    hash: bundle,
    chain,
    first: seq,
    last: seq,
    epoch: keys.epoch,
    updates: group.length,
    sizeBytes: bytes.length,
  };
  await addRows(tx, 'pending', [pending]);
  return row;
}

/** Heads of all that is applied; where there are too many, those go that others of them know of, the oldest first. */
async function headsFor(log: Log, prev: CommitRef | undefined): Promise<CommitRef[]> {
  const all = log.frontierRefs();
  if (all.length <= MAX_HEADS) return all;
  const rows: CommitRow[] = [];
  for (const ref of all) rows.push((await log.chains.find(pointOf(ref))) as CommitRow);
  const isPrev = (row: CommitRow) => prev !== undefined && equal(row.commit, prev.id);
  let heads = rows.sort((a, b) => a.order - b.order);
  for (const row of [...heads]) {
    if (heads.length <= MAX_HEADS || isPrev(row)) continue;
    const others = heads.filter((other) => other !== row);
    const known = await Promise.all(others.map((other) => log.causality.covers(log.causality.pastOf(other), row)));
    if (known.includes(true)) heads = others;
  }
  // More than 64 branches that nobody joined: the newest ones. What is left out stays concurrent, nothing is lost.
  const others = heads.filter((row) => !isPrev(row));
  const kept = [...heads.filter(isPrev), ...others.slice(heads.length - MAX_HEADS)];
  return kept.map((row): CommitRef => ({ chain: row.parsed.chain, seq: row.seq, id: row.commit })).sort(compareRefs);
}

const BLINDS_AT_ONCE = 1024;

/** 32 random bytes for each update, drawn in parts: a platform may refuse to give more than 64 KiB at once. */
function blind(ctx: RecordContext, group: readonly Encoded[]): BlindedPieces[] {
  const parts: Bytes[] = [];
  for (let left = group.length; left > 0; left -= BLINDS_AT_ONCE) {
    parts.push(randomBytes(ctx.random, 32 * Math.min(left, BLINDS_AT_ONCE)));
  }
  const blinds = concat(...parts);
  return group.map(({ pieces }, i) => ({ blind: blinds.subarray(32 * i, 32 * (i + 1)), update: pieces }));
}
