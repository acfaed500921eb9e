/**
 * The order of updates that did not know of each other (docs/protocol.md 6): larger eff, then larger device id, then larger
 * commit id, then larger index. `eff(c) = min(time(c), W(c) + 10 min)`: a claimed time counts only up to ten minutes past the
 * first word of another device that had c, so that a clock set to 2099 decides nothing. All inputs are signed statements.
 */
import { compare, equal, hex } from '../bytes.ts';
import { STATE, type CommitRow } from './chains.ts';
import { TOLERANCE_MS } from './clocks.ts';
import { placeOf, type Version } from './buckets.ts';
import type { Log } from './log.ts';

export class Order {
  readonly #log: Log;
  readonly #effs = new Map<string, number>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** The winner first. */
  async sort(versions: readonly Version[]): Promise<Version[]> {
    if (versions.length < 2) return [...versions];
    const ranked = await Promise.all(versions.map(async (version) => ({ version, eff: await this.#effOf(version) })));
    ranked.sort(
      (a, b) =>
        b.eff - a.eff ||
        compare(b.version.by.device, a.version.by.device) ||
        compare(b.version.by.commit, a.version.by.commit) ||
        b.version.index - a.version.index,
    );
    return ranked.map(({ version }) => version);
  }

  async #effOf(version: Version): Promise<number> {
    const point = placeOf(version);
    const known = this.#effs.get(point.id);
    if (known !== undefined) return known;
    const row = await this.#log.chains.find(point);
    const eff = row === undefined ? version.by.time : await this.eff(row);
    this.#effs.set(point.id, eff);
    return eff;
  }

  /** Of an applied commit. */
  async eff(row: CommitRow): Promise<number> {
    let witnessed = Number.POSITIVE_INFINITY;
    for (const first of await this.#firstWitnesses(row)) {
      const { time, registry } = first.parsed;
      if (time >= (this.#log.ctx.registry.timeOf(registry) ?? 0)) witnessed = Math.min(witnessed, time);
    }
    return Math.min(row.parsed.time, witnessed + TOLERANCE_MS);
  }

  /** Of each other device the first commits with `row` in their past: none of its commits before them has it. */
  async #firstWitnesses(row: CommitRow): Promise<CommitRow[]> {
    const { chains, causality } = this.#log;
    const found: CommitRow[] = [];
    for (const { chain, device } of chains.list()) {
      if (equal(device, row.parsed.device)) continue;
      found.push(
        ...(chains.isCloned(chain) ? await this.#firstOfClones(chain, row) : await this.#firstOfChain(chain, row)),
      );
    }
    const firsts: CommitRow[] = [];
    for (const candidate of found) {
      const past = causality.pastOf(candidate);
      let isFirst = true;
      for (const other of found) {
        if (other === candidate || !equal(other.parsed.device, candidate.parsed.device)) continue;
        if (await causality.covers(past, other)) isFirst = false;
      }
      if (isFirst) firsts.push(candidate);
    }
    return firsts;
  }

  /** Pasts only grow along a chain, so the first one is found by halving. */
  async #firstOfChain(chain: string, row: CommitRow): Promise<CommitRow[]> {
    const { chains, causality, frontier } = this.#log;
    const last = frontier.get(chain)?.[0];
    if (last === undefined) return [];
    const has = async (seq: number) => {
      const [commit] = await chains.at(chain, seq);
      return commit !== undefined && (await causality.covers(causality.pastOf(commit), row));
    };
    if (!(await has(last.seq))) return [];
    let low = 1;
    let high = last.seq;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (await has(middle)) high = middle;
      else low = middle + 1;
    }
    return chains.at(chain, low);
  }

  async #firstOfClones(chain: string, row: CommitRow): Promise<CommitRow[]> {
    const { chains, causality } = this.#log;
    const found: CommitRow[] = [];
    const having = new Set<string>();
    for (const commit of await chains.rows(chain)) {
      if (commit.state !== STATE.applied || !(await causality.covers(causality.pastOf(commit), row))) continue;
      const { prev } = commit.parsed;
      if (prev === null || !having.has(hex(prev))) found.push(commit);
      having.add(commit.id);
    }
    return found;
  }
}
