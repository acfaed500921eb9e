/**
 * The working set of one transaction on the records: chains, causality, and the frontier (heads of what is applied).
 * Cell `log`: [order, registry head or null, [[chain, seq, id]…]]. Opened at the start of each call, flushed at its end.
 */
import { equal, hex, type Bytes } from '../bytes.ts';
import type { CommitRef, ParsedHeader } from '../format/commit.ts';
import type { Tx } from '../replica/replica.ts';
import { Buckets } from './buckets.ts';
import { Causality, refsOf, type Past } from './causality.ts';
import { Chains, pointOf, type CommitRow, type Point } from './chains.ts';
import type { RecordContext } from './registry-view.ts';

export class Log {
  readonly tx: Tx;
  readonly ctx: RecordContext;
  readonly chains: Chains;
  readonly causality: Causality;
  readonly buckets: Buckets;
  /** Number of commits applied so far: the order of the newest one. */
  order: number;
  #registryHead: Bytes | null;
  #frontier: Past = new Map();
  #changed = false;

  private constructor(tx: Tx, ctx: RecordContext, chains: Chains, { order, registryHead, frontier }: LogCell) {
    this.tx = tx;
    this.ctx = ctx;
    this.chains = chains;
    this.causality = new Causality(chains);
    this.buckets = new Buckets(tx);
    this.order = order;
    this.#registryHead = registryHead;
    this.#frontier = frontier;
  }

  static async open(tx: Tx, ctx: RecordContext): Promise<Log> {
    return new Log(tx, ctx, await Chains.open(tx), await readLogCell(tx));
  }

  /** Heads of all that is applied, by chain. */
  get frontier(): ReadonlyMap<string, readonly Point[]> {
    return this.#frontier;
  }

  /** Whether cuts were looked at since the registry last grew. */
  get registrySeen(): boolean {
    return this.#registryHead !== null && equal(this.#registryHead, this.ctx.registry.head);
  }

  seeRegistry(): void {
    this.#changed = true;
    this.#registryHead = this.ctx.registry.head;
  }

  frontierRefs(): CommitRef[] {
    return refsOf(this.#frontier);
  }

  /** Gives a commit that is applied now its order, and the place of the one before it. */
  advance(row: CommitRow): void {
    this.#changed = true;
    this.order += 1;
    row.order = this.order;
    const { prev } = row.parsed;
    const before = prev === null ? undefined : hex(prev);
    const others = (this.#frontier.get(row.chain) ?? []).filter(
      (head) => !(head.seq === row.seq - 1 && head.id === before),
    );
    this.#frontier.set(row.chain, [...others, { chain: row.chain, seq: row.seq, id: row.id }]);
  }

  /** Forgets what was applied; the caller applies all again. */
  reset(): void {
    this.#changed = true;
    this.#frontier = new Map();
    this.order = 0;
  }

  async flush(): Promise<void> {
    this.chains.flush();
    await this.buckets.flush();
    if (!this.#changed) return;
    this.#changed = false;
    this.tx.set('log', [
      this.order,
      this.#registryHead,
      this.frontierRefs().map(({ chain, seq, id }) => [chain, seq, id]),
    ]);
  }
}

interface LogCell {
  readonly order: number;
  readonly registryHead: Bytes | null;
  readonly frontier: Past;
}

async function readLogCell(tx: Tx): Promise<LogCell> {
  const [order, registryHead, heads] = ((await tx.get('log')) ?? [0, null, []]) as LogValue;
  const frontier: Past = new Map();
  for (const [chain, seq, id] of heads) {
    const point = pointOf({ chain, seq, id });
    frontier.set(point.chain, [...(frontier.get(point.chain) ?? []), point]);
  }
  return { order, registryHead, frontier };
}

type LogValue = readonly [number, Bytes | null, readonly (readonly [Bytes, number, Bytes])[]];

export function isOwn(ctx: RecordContext, header: ParsedHeader): boolean {
  return equal(header.device, ctx.device);
}
