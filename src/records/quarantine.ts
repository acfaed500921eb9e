/**
 * What a device that has left still counts for (docs/protocol.md 5, Cut): the commits that the entry names and their ancestors
 * by `prev`, over incarnations. All else by it is quarantined, whatever its number or its time. Until the commits that the
 * entry names and all their ancestors are here, nobody can tell, and what is not applied yet waits.
 * Cell `cuts`: [[device, slot, complete, [[chain, seq, id]…]]…]: per chain the last valid commits.
 */
import { fromHex, hex, type Bytes } from '../bytes.ts';
import { prevRef } from '../format/commit.ts';
import { BIT, pointOf, STATE, type CommitRow, type Point } from './chains.ts';
import type { Log } from './log.ts';

interface Cut {
  readonly device: Bytes;
  readonly slot: number;
  readonly complete: boolean;
  readonly valid: readonly Point[];
}

type CutValue = readonly [Bytes, number, boolean, readonly (readonly [Bytes, number, Bytes])[]];

export type Standing = 'valid' | 'quarantined' | 'undecided';

export class Cuts {
  readonly #log: Log;
  readonly #cuts: Map<string, Cut>;

  private constructor(log: Log, cuts: Map<string, Cut>) {
    this.#log = log;
    this.#cuts = cuts;
  }

  static async open(log: Log): Promise<Cuts> {
    const rows = ((await log.tx.get('cuts')) ?? []) as readonly CutValue[];
    const cuts = rows.map(([device, slot, complete, valid]): [string, Cut] => [
      hex(device),
      { device, slot, complete, valid: valid.map(([chain, seq, id]) => pointOf({ chain, seq, id })) },
    ]);
    return new Cuts(log, new Map(cuts));
  }

  /** Looks at the cuts that are new or not complete yet. True if one makes a commit void that is applied already. */
  async update(): Promise<boolean> {
    const log = this.#log;
    const waiting = new Set(log.chains.list(BIT.waiting).map((entry) => hex(entry.device)));
    let changed = false;
    let breaks = false;
    for (const device of devicesOf(log)) {
      const name = hex(device);
      const cut = log.ctx.registry.cutOf(device);
      const known = this.#cuts.get(name);
      if (cut === undefined || known?.complete === true) continue;
      if (known !== undefined && log.registrySeen && !waiting.has(name)) continue;
      const rows = await rowsOf(log, device);
      const valid = findValid(rows, cut.heads);
      this.#cuts.set(name, { device, slot: cut.slot, complete: valid !== undefined, valid: valid ?? [] });
      changed = true;
      if (valid === undefined) continue;
      for (const row of rows) {
        if (row.state === STATE.applied && (await this.standing(row)) === 'quarantined') breaks = true;
      }
    }
    if (changed) this.#save();
    return breaks;
  }

  async standing(row: CommitRow): Promise<Standing> {
    const { device } = row.parsed;
    const cut = this.#cuts.get(hex(device));
    if (cut === undefined) return this.#log.ctx.registry.cutOf(device) === undefined ? 'valid' : 'undecided';
    if (!cut.complete) return 'undecided';
    for (const head of cut.valid) if (await this.#log.causality.isAncestor(row, head)) return 'valid';
    return 'quarantined';
  }

  #save(): void {
    const rows = [...this.#cuts.values()].map(({ device, slot, complete, valid }): CutValue => [
      device,
      slot,
      complete,
      valid.map(({ chain, seq, id }) => [fromHex(chain), seq, fromHex(id)]),
    ]);
    this.#log.tx.set('cuts', rows);
  }
}

function devicesOf(log: Log): Bytes[] {
  return [...new Map(log.chains.list().map((entry) => [hex(entry.device), entry.device])).values()];
}

async function rowsOf(log: Log, device: Bytes): Promise<CommitRow[]> {
  const name = hex(device);
  const rows: CommitRow[] = [];
  for (const entry of log.chains.list()) {
    if (hex(entry.device) === name) rows.push(...(await log.chains.rows(entry.chain)));
  }
  return rows;
}

/** The last valid commits in each chain, or undefined while one of the heads or their ancestors is missing. */
function findValid(rows: readonly CommitRow[], heads: readonly Bytes[]): Point[] | undefined {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const seen = new Set<string>();
  const valid: Point[] = [];
  for (const head of heads) {
    let id: string | undefined = hex(head);
    let chain: string | undefined;
    while (id !== undefined && !seen.has(id)) {
      const row = byId.get(id);
      if (row === undefined) return undefined;
      seen.add(id);
      if (row.chain !== chain) valid.push({ chain: row.chain, seq: row.seq, id: row.id });
      chain = row.chain;
      const prev = prevRef(row.parsed);
      id = prev === undefined ? undefined : pointOf(prev).id;
    }
  }
  return valid;
}
