/**
 * Causal application, on headers alone: a commit is applied when all that its author had applied is applied or quarantined here.
 * Whatever order the commits come in, the same commits and the same registry give the same result; no clock and no store has a
 * say. A locked device can do all of this; the updates are looked at later (indexing.ts).
 */
import { equal, hex, type Bytes } from '../bytes.ts';
import { MAX_HEADS, prevRef, type Header } from '../format/commit.ts';
import type { Tx } from '../replica/replica.ts';
import { BIT, INDEX, pointOf, STATE, type CommitRow, type Point } from './chains.ts';
import { noteTime } from './clocks.ts';
import { Log, isOwn } from './log.ts';
import { settleInbox } from './objects.ts';
import { Cuts } from './quarantine.ts';
import { retryHeld } from './receive.ts';
import type { RecordContext } from './registry-view.ts';

/** Why a commit is not applied yet. `commit`: this one is missing or waits itself. */
export type WaitsFor =
  | {
      readonly for: 'commit';
      readonly chain: string;
      readonly seq: number;
      readonly id: string;
      readonly missing: boolean;
    }
  | { readonly for: 'registry' }
  | { readonly for: 'cut' }
  | { readonly for: 'suspended' };

export interface WaitingCommit extends Point {
  /** Holder id of the author, hexadecimal. */
  readonly device: string;
  readonly waits: WaitsFor;
}

export interface Applied {
  /** Commits that were applied now. */
  readonly applied: number;
  /** A cut made void what had been applied: the view was rebuilt. */
  readonly rebuilt: boolean;
}

/** Applies all that can be applied. With nothing to do it reads three small cells. */
export async function applyReady(tx: Tx, ctx: RecordContext): Promise<Applied> {
  const log = await Log.open(tx, ctx);
  const applied = await applyAll(log);
  await log.flush();
  return applied;
}

export async function applyAll(log: Log): Promise<Applied> {
  const grown = !log.registrySeen;
  if (grown) await retryHeld(log);
  if (!grown && log.chains.list(BIT.waiting).length === 0) return { applied: 0, rebuilt: false };
  const cuts = await Cuts.open(log);
  const rebuilt = await cuts.update();
  if (grown) log.seeRegistry();
  const held = rebuilt ? await rebuild(log) : new Set<string>();
  const applied = await run(log, cuts, held, rebuilt);
  if (applied.moved) await settleInbox(log);
  return { applied: applied.count, rebuilt };
}

/** Every commit that is not applied, refused ones left out, with the first reason that was met. */
export async function waitingCommits(tx: Tx, ctx: RecordContext): Promise<WaitingCommit[]> {
  const log = await Log.open(tx, ctx);
  const cuts = await Cuts.open(log);
  const waiting: WaitingCommit[] = [];
  for (const { chain } of log.chains.list(BIT.waiting)) {
    for (const row of await log.chains.rows(chain, BIT.waiting)) {
      if (row.state !== STATE.waiting) continue;
      const verdict = await judge(log, cuts, row, new Set());
      if (typeof verdict === 'string') continue;
      waiting.push({ chain, seq: row.seq, id: row.id, device: hex(row.parsed.device), waits: verdict });
    }
  }
  return waiting;
}

type Verdict = 'apply' | 'quarantine' | 'refuse' | WaitsFor;

async function run(
  log: Log,
  cuts: Cuts,
  held: ReadonlySet<string>,
  again: boolean,
): Promise<{ count: number; moved: boolean }> {
  const queues: CommitRow[][] = [];
  for (const { chain } of log.chains.list(BIT.waiting)) {
    const rows = await log.chains.rows(chain, BIT.waiting);
    queues.push(rows.filter((row) => row.state === STATE.waiting).reverse());
  }
  let count = 0;
  let moved = false;
  for (let progress = true; progress;) {
    progress = false;
    for (const queue of queues) {
      const stuck: CommitRow[] = [];
      for (let row = queue.pop(); row !== undefined; row = queue.pop()) {
        const verdict = await judge(log, cuts, row, held);
        if (typeof verdict === 'string') {
          if (verdict === 'apply') {
            await apply(log, row, again);
            count += 1;
          } else {
            row.state = verdict === 'refuse' ? STATE.refused : STATE.quarantined;
            log.chains.touch(row);
          }
          progress = true;
          continue;
        }
        stuck.push(row);
        // In a chain with one branch nothing behind it can be applied before it; behind a cut it may be quarantined.
        const behind = log.chains.isCloned(row.chain) || log.ctx.registry.cutOf(row.parsed.device) !== undefined;
        if (verdict.for === 'cut' || !behind) break;
      }
      queue.push(...stuck.reverse());
      moved ||= progress;
    }
  }
  return { count, moved };
}

async function judge(log: Log, cuts: Cuts, row: CommitRow, held: ReadonlySet<string>): Promise<Verdict> {
  const { registry } = log.ctx;
  const header = row.parsed;
  const standing = await cuts.standing(row);
  if (standing === 'quarantined') return 'quarantine'; // V170
  if (standing === 'undecided') return { for: 'cut' };
  const slot = registry.slotOf(header.registry);
  if (slot === undefined) return { for: 'registry' };
  if (registry.deviceKeyAt(header.device, slot) === undefined) return 'refuse'; // V171
  if (registry.suspended(header.device) && !held.has(row.id)) return { for: 'suspended' }; // V172
  for (const ref of header.ctx) {
    const point = pointOf(ref);
    const head = await log.chains.find(point);
    if (head?.state === STATE.applied || head?.state === STATE.quarantined) continue;
    return { for: 'commit', ...point, missing: head === undefined }; // V173
  }
  const prev = prevRef(header);
  if (prev === undefined) return 'apply';
  const before = ((await log.chains.find(pointOf(prev))) as CommitRow).parsed;
  if (!equal(before.device, header.device)) return 'refuse'; // V174
  const slotBefore = registry.slotOf(before.registry);
  return slotBefore !== undefined && slotBefore <= slot && ctxGrows(before, header) ? 'apply' : 'refuse'; // V175
}

/** Heads may be left out only where there are more than a header holds. */
function ctxGrows(before: Header, after: Header): boolean {
  const full = after.ctx.length === MAX_HEADS;
  return before.ctx.every((old) => {
    const same = after.ctx.filter((head) => equal(head.chain, old.chain));
    return same.length === 0 ? full : same.some((head) => head.seq >= old.seq);
  });
}

/** `again`: it was applied before, so what its time tells was noted then. */
async function apply(log: Log, row: CommitRow, again: boolean): Promise<void> {
  await applyRow(log, row);
  if (again || isOwn(log.ctx, row.parsed)) return;
  await noteTime(log, row.parsed);
}

/** Of a commit that may be applied now. */
export async function applyRow(log: Log, row: CommitRow): Promise<void> {
  row.state = STATE.applied;
  if (row.parsed.count === 0) row.index = INDEX.done;
  await log.causality.settlePast(row);
  log.advance(row);
  log.chains.touch(row);
  await noteAcks(log, row.parsed);
}

/** Everything from the start, as a device does that has the same commits and hears of the cut first. */
async function rebuild(log: Log): Promise<Set<string>> {
  const applied = new Set<string>();
  for (const { chain } of log.chains.list()) {
    for (const row of await log.chains.rows(chain)) {
      if (row.state === STATE.applied) applied.add(row.id);
      row.state = STATE.waiting;
      row.order = 0;
      row.past = null;
      if (row.index === INDEX.done) row.index = INDEX.todo;
      log.chains.touch(row);
    }
  }
  log.reset();
  log.tx.delete('acks');
  await log.buckets.reset();
  return applied;
}

type AckRow = readonly [Bytes, number];

async function noteAcks(log: Log, header: Header): Promise<void> {
  if (header.acks.length === 0) return;
  const { registry } = log.ctx;
  const newest = registry.epochAt(registry.slotOf(header.registry) ?? 0);
  const rows = ((await log.tx.get('acks')) ?? []) as readonly AckRow[];
  const isNew = (epoch: number) => !rows.some(([device, known]) => known === epoch && equal(device, header.device));
  const fresh = header.acks.filter((epoch) => epoch <= newest && isNew(epoch));
  if (fresh.length > 0) log.tx.set('acks', [...rows, ...fresh.map((epoch): AckRow => [header.device, epoch])]);
}

/** Which devices said in an applied commit that they opened an epoch from N shares and the passphrase. */
export async function acknowledgements(tx: Tx): Promise<{ device: Bytes; epoch: number }[]> {
  const rows = ((await tx.get('acks')) ?? []) as readonly AckRow[];
  return rows.map(([device, epoch]) => ({ device, epoch }));
}
