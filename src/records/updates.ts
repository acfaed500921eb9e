/**
 * From a commit to its updates: opens the vault part of the bundle that holds it, checks the Merkle root that the author signed
 * before anything is used, and remembers opened bundles for a while, so that reading many records opens each once.
 */
import { equal, type Bytes } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { isPassportError, PassportError } from '../errors.ts';
import { openBlocks, splitBundle } from '../format/bundle.ts';
import { nameHash } from '../format/names.ts';
import { parseUpdate, splitBlock, type BlindedUpdate, type Update } from '../format/update.ts';
import { locked } from '../replica/cells.ts';
import { placeOf, type Version } from './buckets.ts';
import type { CommitRow } from './chains.ts';
import type { Log } from './log.ts';
import { merkleRoot } from './merkle.ts';

interface OpenedBundle {
  readonly blocks: readonly Bytes[];
  /** By position; checked against the root of its header. */
  readonly updates: Map<number, readonly BlindedUpdate[]>;
}

/** Throws `missing`, `locked`, and for bytes that do not fit `decryption-failed`, `malformed` or `damaged`. */
export async function blindedUpdates(log: Log, row: CommitRow): Promise<readonly BlindedUpdate[]> {
  const { count, root } = row.parsed;
  if (count === 0) return [];
  const opened = await openVault(log, row);
  const known = opened.updates.get(row.position);
  if (known !== undefined) return known;
  const block = opened.blocks[row.position];
  if (block === undefined) throw damaged();
  const updates = splitBlock(block, count);
  if (updates.length !== count || !equal(merkleRoot(updates), root)) throw damaged();
  opened.updates.set(row.position, updates);
  return updates;
}

/** One update of a commit, checked with all others of it. Throws like `blindedUpdates`. */
export async function updateAt(log: Log, row: CommitRow, index: number): Promise<Update> {
  const blinded = (await blindedUpdates(log, row))[index];
  if (blinded === undefined) throw damaged();
  return parseUpdate(blinded.update);
}

/** The value of a version, checked against the author's signed root and, where it has a hash, the index. */
export async function valueOf(log: Log, version: Version): Promise<Bytes> {
  const row = await log.chains.find(placeOf(version));
  if (row === undefined) throw new PassportError('missing', 'a commit of this device is missing');
  const { value } = await updateAt(log, row, version.index);
  if (version.valueHash !== null && !equal(sha256(value), version.valueHash))
    throw new PassportError('damaged', 'a value is not the one that was indexed');
  return value;
}

function openVault(log: Log, row: CommitRow): Promise<OpenedBundle> {
  return log.tx.opened(row.bundle, async () => {
    const bytes = await log.tx.object(row.bundle);
    if (bytes === undefined)
      throw new PassportError('missing', 'an object of this device is missing', { details: { hash: row.bundle } });
    try {
      const split = splitBundle(bytes);
      const key = log.ctx.keys.vaultLayerKey(split.epoch);
      if (key === undefined) throw locked();
      const first = { chain: row.parsed.chain, seq: row.seq - row.position };
      const value = { blocks: await openBlocks(split, log.ctx.pid, key, first), updates: new Map() };
      return { value, sizeBytes: bytes.length };
    } catch (error) {
      if (!isPassportError(error) || error.code === 'locked' || nameHash(bytes) === row.bundle) throw error;
      // Not what was put there: it is this home that has to be mended.
      const details = { hash: row.bundle };
      throw new PassportError('damaged', 'an object in this home is damaged', { cause: error, details });
    }
  });
}

function damaged(): PassportError {
  return new PassportError('damaged', 'the updates of a commit are not those that its author signed');
}
