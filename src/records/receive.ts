/**
 * Bundles from outside. Each step authenticates before the next one looks: bounds, mesh layer, envelope and authors' signatures;
 * then the bytes are kept and their commits wait for `applyReady`. What names a registry entry or a sealer that is not known here
 * yet is kept aside (cell `held`: [hash…]) and looked at again when the registry has grown.
 */
import { equal, hex, type Bytes } from '../bytes.ts';
import { isPassportError, PassportError } from '../errors.ts';
import {
  authenticateBundle,
  openBundle,
  splitBundle,
  type ClaimedBundle,
  type ClaimedCommit,
} from '../format/bundle.ts';
import type { ParsedHeader } from '../format/commit.ts';
import type { Tx } from '../replica/replica.ts';
import { INDEX, pointOf, STATE, type CommitRow } from './chains.ts';
import { Log } from './log.ts';
import { addRows } from './objects.ts';
import { markBroken, readOwn } from './own.ts';
import { keyOfDevice, type RecordContext } from './registry-view.ts';

const MAX_HELD = 256;
/** Commits with one number in one chain: more than a person's mishaps ever make. */
const MAX_CLONES = 16;
/** Chains of one device: each is a home that was restored, copied or lost. */
const MAX_INCARNATIONS = 512;

export interface ReceiveOptions {
  /** Compares what is inside with the name under which it was found; false makes it `malformed`. */
  readonly chainTagOk?: (chain: Bytes, first: number, last: number) => boolean;
}

/** `stored`: new here; `known`: nothing new in it; `waiting-registry`: kept aside; `waiting-key`: not kept, ask again later. */
export type Received =
  | {
      readonly state: 'stored' | 'known' | 'waiting-registry';
      readonly chain: Bytes;
      readonly first: number;
      readonly last: number;
      /** Of `stored`: commits that contradict others of their number which were here. */
      readonly contradictions?: readonly Contradiction[];
    }
  | { readonly state: 'waiting-key' };

/** Two signed commits with one number in one chain: two machines wrote as one device. */
export interface Contradiction {
  readonly device: Bytes;
  readonly seq: number;
  /** Bundles with the commits that were here first. */
  readonly against: readonly string[];
}

/** Throws `malformed`, `unsupported`, `decryption-failed`, `signature-invalid`: then the object is damaged and nothing is kept. */
export async function receiveBundle(
  tx: Tx,
  ctx: RecordContext,
  bytes: Bytes,
  options: ReceiveOptions = {},
): Promise<Received> {
  const log = await Log.open(tx, ctx);
  const received = await take(log, bytes, options);
  await log.flush();
  return received;
}

/** Looks again at what was kept aside; what turns out to be damaged is dropped. */
export async function retryHeld(log: Log): Promise<void> {
  const held = ((await log.tx.get('held')) ?? []) as readonly string[];
  if (held.length === 0) return;
  log.tx.set('held', []);
  for (const hash of held) {
    const bytes = await log.tx.object(hash);
    if (bytes === undefined) continue;
    try {
      const { state } = await take(log, bytes, {});
      if (state === 'known') log.tx.dropObject(hash);
    } catch (error) {
      if (!isPassportError(error)) throw error;
      log.tx.dropObject(hash);
    }
  }
}

/** What `receiveBundle` would find contradicted by this bundle; nothing is kept, and what is not authentic contradicts nothing. */
export async function contradictionsOf(tx: Tx, ctx: RecordContext, bytes: Bytes): Promise<readonly Contradiction[]> {
  try {
    const split = splitBundle(bytes);
    const key = ctx.keys.meshLayerKey(split.epoch);
    if (key === undefined) return [];
    const claimed = await openBundle(split, ctx.pid, key);
    const signers = signersOf(ctx, claimed);
    if (signers === undefined) return [];
    authenticateBundle(claimed, ctx.pid, signers.sealer, signers.author);
    return await contradicted(await Log.open(tx, ctx), claimed.commits);
  } catch (error) {
    if (isPassportError(error) && error.code !== 'journal-changed') return [];
    throw error;
  }
}

async function contradicted(log: Log, commits: readonly ClaimedCommit[]): Promise<Contradiction[]> {
  const found: Contradiction[] = [];
  for (const { parsed } of commits) {
    const point = pointOf(parsed);
    const others = (await log.chains.at(point.chain, point.seq)).filter(({ id }) => id !== point.id);
    if (others.length === 0) continue;
    found.push({ device: parsed.device, seq: parsed.seq, against: others.map(({ bundle }) => bundle) });
  }
  return found;
}

async function take(log: Log, bytes: Bytes, { chainTagOk }: ReceiveOptions): Promise<Received> {
  const { pid, keys, registry } = log.ctx;
  const split = splitBundle(bytes);
  const meshLayerKey = keys.meshLayerKey(split.epoch);
  if (meshLayerKey === undefined) return { state: 'waiting-key' };
  const claimed = await openBundle(split, pid, meshLayerKey);
  const { parsed: start } = claimed.commits[0] as ClaimedCommit;
  const place = { chain: start.chain, first: start.seq, last: start.seq + claimed.commits.length - 1 };
  if (chainTagOk?.(place.chain, place.first, place.last) === false)
    throw new PassportError('malformed', 'bundle: its name is that of others'); // V163

  const rows = await Promise.all(claimed.commits.map(({ parsed }) => log.chains.find(pointOf(parsed))));
  if (rows.every((row) => row !== undefined && row.index !== INDEX.damaged)) return { state: 'known', ...place };

  const signers = signersOf(log.ctx, claimed);
  if (signers === undefined || split.epoch > registry.epochAt(registry.headSlot)) return hold(log.tx, bytes, place);
  authenticateBundle(claimed, pid, signers.sealer, signers.author);
  const contradictions = await contradicted(log, claimed.commits);
  await keep(log, bytes, claimed, rows);
  return { state: 'stored', ...place, contradictions };
}

/**
 * The keys that must have signed; undefined while an entry or the sealer is unknown. `signature-invalid` for an author that
 * was no device at an entry which is known, unless it has left: then the cut decides.
 */
function signersOf(
  { registry }: RecordContext,
  { commits, sealer }: ClaimedBundle,
): { sealer: Bytes; author: Bytes } | undefined {
  const { device } = (commits[0] as ClaimedCommit).parsed;
  const slots = commits.map(({ parsed }) => registry.slotOf(parsed.registry));
  if (slots.includes(undefined)) return undefined; // V164
  const author = keyOfDevice(registry, device);
  const always = slots.every((slot) => registry.deviceKeyAt(device, slot as number) !== undefined);
  if (author === undefined || (!always && registry.cutOf(device) === undefined)) {
    throw new PassportError('signature-invalid', 'bundle: its author was not a device at the entry that it names'); // V165
  }
  const sealerKey = equal(sealer, device) ? author : keyOfDevice(registry, sealer);
  return sealerKey === undefined ? undefined : { sealer: sealerKey, author }; // V166
}

async function hold(tx: Tx, bytes: Bytes, place: { chain: Bytes; first: number; last: number }): Promise<Received> {
  const held = ((await tx.get('held')) ?? []) as readonly string[];
  if (held.length >= MAX_HELD) return { state: 'waiting-key' }; // V167
  const hash = tx.addObject(bytes);
  if (!held.includes(hash)) tx.set('held', [...held, hash]);
  return { state: 'waiting-registry', ...place };
}

async function keep(
  log: Log,
  bytes: Bytes,
  claimed: ClaimedBundle,
  known: readonly (CommitRow | undefined)[],
): Promise<void> {
  const own = await readOwn(log);
  const commits = claimed.commits.map((commit, position) => ({ ...commit, position, row: known[position] }));
  await checkBounds(log, claimed.commits);
  const hash = log.tx.addObject(bytes);
  let waits = false;
  for (const { header, signature, parsed, position, row } of commits) {
    if (row === undefined) {
      await log.chains.add(parsed, { header, signature, bundle: hash, position });
      waits = true;
      if (own !== undefined && (await contradicts(log, own.chain, parsed))) await markBroken(log);
    } else if (row.index === INDEX.damaged) {
      row.bundle = hash;
      row.position = position;
      row.index = INDEX.todo;
      log.chains.touch(row);
      waits ||= row.state === STATE.waiting;
    }
  }
  const { parsed: start } = commits[0] as ClaimedCommit;
  const updates = commits.reduce((sum, { parsed }) => sum + parsed.count, 0);
  const row = {
    hash,
    chain: start.chain,
    first: start.seq,
    last: start.seq + commits.length - 1,
    epoch: claimed.epoch,
    updates,
    sizeBytes: bytes.length,
  };
  await addRows(log.tx, waits ? 'inbox' : 'bundles', [row]);
}

/** Throws `malformed` for more clones or incarnations than an honest device ever has. */
async function checkBounds(log: Log, commits: readonly ClaimedCommit[]): Promise<void> {
  const { chain, device } = (commits[0] as ClaimedCommit).parsed;
  if (log.chains.entry(hex(chain)) === undefined) {
    const chains = log.chains.list().filter((entry) => equal(entry.device, device));
    if (chains.length >= MAX_INCARNATIONS)
      throw new PassportError('malformed', 'bundle: too many chains of one device'); // V168
    return;
  }
  for (const { parsed } of commits) {
    const others = await log.chains.at(hex(chain), parsed.seq);
    if (others.length >= MAX_CLONES) throw new PassportError('malformed', 'bundle: too many commits with one number'); // V169
  }
}

/** Whether a new commit shows that this device wrote more under its incarnation than its journal holds. */
async function contradicts(log: Log, ownChain: Bytes, header: ParsedHeader): Promise<boolean> {
  if (equal(header.chain, ownChain)) return true;
  for (const head of header.ctx) {
    if (equal(head.chain, ownChain) && (await log.chains.find(pointOf(head))) === undefined) return true;
  }
  return false;
}
