/**
 * Who knew of what. The causal past of a commit is what its author had applied: the heads in its ctx, their ancestors in their
 * chains, and the pasts of those. It is kept as heads per chain: one, or several where a chain was cloned.
 * A quarantined commit in a ctx counts with its ancestors, its own ctx counts for nothing.
 */
import { fromHex, hex } from '../bytes.ts';
import { compareRefs, type CommitRef } from '../format/commit.ts';
import { pointOf, STATE, type Chains, type CommitRow, type Point } from './chains.ts';

export type Past = Map<string, Point[]>;

export class Causality {
  readonly #chains: Chains;
  readonly #pasts = new Map<CommitRow, Past>();

  constructor(chains: Chains) {
    this.#chains = chains;
  }

  /** Whether `point` is `head` or one of its ancestors in the same chain. */
  async isAncestor(point: Point, head: Point): Promise<boolean> {
    if (point.chain !== head.chain || point.seq > head.seq) return false;
    if (point.seq === head.seq) return point.id === head.id;
    if (!this.#chains.isCloned(point.chain)) return true;
    let id = head.id;
    for (let seq = head.seq; seq > point.seq; seq--) {
      const row = await this.#chains.find({ chain: head.chain, seq, id });
      if (row === undefined || row.parsed.prev === null) return false;
      id = hex(row.parsed.prev);
    }
    return id === point.id;
  }

  async covers(past: Past, point: Point): Promise<boolean> {
    for (const head of past.get(point.chain) ?? []) {
      if (await this.isAncestor(point, head)) return true;
    }
    return false;
  }

  /** The past of an applied commit. */
  pastOf(row: CommitRow): Past {
    const known = this.#pasts.get(row);
    if (known !== undefined) return known;
    const past: Past = new Map();
    for (const ref of row.past ?? row.parsed.ctx) {
      const point = pointOf(ref);
      past.set(point.chain, [...(past.get(point.chain) ?? []), point]);
    }
    this.#pasts.set(row, past);
    return past;
  }

  /** Computes the past of a commit whose ctx is applied or quarantined, and keeps it in the row. */
  async settlePast(row: CommitRow): Promise<Past> {
    const { ctx } = row.parsed;
    const past: Past = new Map();
    for (const ref of ctx) await this.#add(past, pointOf(ref));
    for (const ref of ctx) {
      const head = await this.#chains.find(pointOf(ref));
      if (head === undefined || head.state !== STATE.applied) continue;
      for (const points of this.pastOf(head).values()) {
        for (const point of points) await this.#add(past, point);
      }
    }
    const refs = refsOf(past);
    const same = refs.length === ctx.length && refs.every((ref, i) => compareRefs(ref, ctx[i] as CommitRef) === 0);
    row.past = same ? null : refs;
    this.#pasts.set(row, past);
    return past;
  }

  async #add(past: Past, point: Point): Promise<void> {
    const heads = past.get(point.chain);
    if (heads === undefined) {
      past.set(point.chain, [point]);
    } else if (!this.#chains.isCloned(point.chain)) {
      if ((heads[0] as Point).seq < point.seq) past.set(point.chain, [point]);
    } else {
      const kept: Point[] = [];
      for (const head of heads) {
        if (await this.isAncestor(point, head)) return;
        if (!(await this.isAncestor(head, point))) kept.push(head);
      }
      past.set(point.chain, [...kept, point]);
    }
  }
}

/** Sorted as in a ctx. */
export function refsOf(past: Past): CommitRef[] {
  return [...past.values()]
    .flat()
    .map((point): CommitRef => ({ chain: fromHex(point.chain), seq: point.seq, id: fromHex(point.id) }))
    .sort(compareRefs);
}
