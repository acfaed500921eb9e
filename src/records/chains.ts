/**
 * The commits that this device has, by chain: a working set over cells for the time of one transaction.
 * Cell `chains`: [[chain, device, incarnation, bits]…]; `chain/<chain>`: [[page, bits]…]; `chain/<chain>/<page>`: the rows of 64
 * sequence numbers. The bits say what is left to do in a page, so that nobody walks through what is done. One more commit
 * rewrites one page. Two commits with one number (a clone) are two rows.
 */
import { hex, type Bytes } from '../bytes.ts';
import { decode, encode, type Value } from '../cbor.ts';
import { parseHeader, type CommitRef, type ParsedHeader } from '../format/commit.ts';
import type { Tx } from '../replica/replica.ts';

const PAGE_SEQS = 64;

/** What became of a commit. `refused`: it breaks a rule of its chain and never counts. */
export const STATE = { waiting: 0, applied: 1, quarantined: 2, refused: 3 } as const;
/** What became of its updates. `damaged`: they do not open, or are not those that the author signed. */
export const INDEX = { todo: 0, done: 1, damaged: 2 } as const;
/** Facts about a page, and all of a chain's pages together. */
export const BIT = { waiting: 1, unindexed: 2, quarantined: 4, damaged: 8, cloned: 16 } as const;

/** A commit's place, as text: chain and id in hexadecimal. */
export interface Point {
  readonly chain: string;
  readonly seq: number;
  readonly id: string;
}

export function pointOf(ref: CommitRef): Point {
  return { chain: hex(ref.chain), seq: ref.seq, id: hex(ref.id) };
}

export class CommitRow implements Point {
  readonly chain: string;
  readonly seq: number;
  readonly commit: Bytes;
  readonly id: string;
  readonly header: Bytes;
  readonly signature: Bytes;
  state: number = STATE.waiting;
  /** Grows in the order of application on this device; 0 before. */
  order = 0;
  /** Heads of the causal past, where they are more than the header's ctx. */
  past: readonly CommitRef[] | null = null;
  /** Name hash of the bundle that holds it, and its place in there. */
  bundle: string;
  position: number;
  index: number = INDEX.todo;
  readonly #pid: Bytes;
  #parsed: ParsedHeader | undefined;

  constructor(
    pid: Bytes,
    chain: string,
    fields: Pick<CommitRow, 'seq' | 'commit' | 'header' | 'signature' | 'bundle' | 'position'>,
  ) {
    this.#pid = pid;
    this.chain = chain;
    this.seq = fields.seq;
    this.commit = fields.commit;
    this.id = hex(fields.commit);
    this.header = fields.header;
    this.signature = fields.signature;
    this.bundle = fields.bundle;
    this.position = fields.position;
  }

  get parsed(): ParsedHeader {
    return (this.#parsed ??= parseHeader(this.#pid, this.header));
  }
}

export interface ChainEntry {
  readonly chain: string;
  readonly chainId: Bytes;
  readonly device: Bytes;
  readonly incarnation: Bytes;
  bits: number;
}

export class Chains {
  readonly #tx: Tx;
  readonly #entries = new Map<string, ChainEntry>();
  readonly #pageBits = new Map<string, Map<number, number>>();
  readonly #pages = new Map<string, CommitRow[]>();
  readonly #touched = new Map<string, Set<number>>();
  readonly #changedBits = new Set<string>();
  #changed = false;
  #unsettled = false;

  private constructor(tx: Tx) {
    this.#tx = tx;
  }

  static async open(tx: Tx): Promise<Chains> {
    const chains = new Chains(tx);
    const rows = ((await tx.get('chains')) ?? []) as readonly (readonly [Bytes, Bytes, Bytes, number])[];
    for (const [chainId, device, incarnation, bits] of rows) {
      const chain = hex(chainId);
      chains.#entries.set(chain, { chain, chainId, device, incarnation, bits });
    }
    return chains;
  }

  /** All chains whose pages have one of `bits`; all chains without it. */
  list(bits?: number): ChainEntry[] {
    this.#settle();
    const all = [...this.#entries.values()];
    return bits === undefined ? all : all.filter((entry) => (entry.bits & bits) !== 0);
  }

  entry(chain: string): ChainEntry | undefined {
    return this.#entries.get(chain);
  }

  isCloned(chain: string): boolean {
    return ((this.#entries.get(chain)?.bits ?? 0) & BIT.cloned) !== 0;
  }

  /** The commits with this number: none, one, or several of a cloned chain. */
  async at(chain: string, seq: number): Promise<CommitRow[]> {
    if (!this.#entries.has(chain)) return [];
    return (await this.#page(chain, pageOf(seq))).filter((row) => row.seq === seq);
  }

  async find(point: Point): Promise<CommitRow | undefined> {
    if (!this.#entries.has(point.chain)) return undefined;
    return (await this.#page(point.chain, pageOf(point.seq))).find(
      (row) => row.seq === point.seq && row.id === point.id,
    );
  }

  /** The rows of a chain by number: of the pages with one of `bits`, or all. */
  async rows(chain: string, bits?: number): Promise<CommitRow[]> {
    const pages = await this.#bitsOf(chain);
    this.#settle();
    const wanted = [...pages].filter(([, has]) => bits === undefined || (has & bits) !== 0).map(([page]) => page);
    const rows: CommitRow[] = [];
    for (const page of wanted.sort((a, b) => a - b)) rows.push(...(await this.#page(chain, page)));
    return rows;
  }

  /** The rows with the highest number. */
  async last(chain: string): Promise<CommitRow[]> {
    const bits = await this.#bitsOf(chain);
    this.#settle();
    const pages = [...bits.keys()];
    if (pages.length === 0) return [];
    const rows = await this.#page(chain, Math.max(...pages));
    const seq = Math.max(...rows.map((row) => row.seq));
    return rows.filter((row) => row.seq === seq);
  }

  /** A commit that is not there yet (see `find`). */
  async add(
    header: ParsedHeader,
    signed: Pick<CommitRow, 'header' | 'signature' | 'bundle' | 'position'>,
  ): Promise<CommitRow> {
    const chain = hex(header.chain);
    let entry = this.#entries.get(chain);
    if (entry === undefined) {
      entry = { chain, chainId: header.chain, device: header.device, incarnation: header.incarnation, bits: 0 };
      this.#entries.set(chain, entry);
      this.#pageBits.set(chain, new Map());
      this.#changed = true;
    }
    const row = new CommitRow(this.#tx.pid, chain, { ...signed, seq: header.seq, commit: header.id });
    const page = await this.#page(chain, pageOf(row.seq));
    if (page.some((other) => other.seq === row.seq)) entry.bits |= BIT.cloned;
    const place = page.findLastIndex((other) => other.seq <= row.seq) + 1;
    page.splice(place, 0, row);
    this.touch(row);
    return row;
  }

  /** To be told after a change of a row. */
  touch(row: CommitRow): void {
    const pages = this.#touched.get(row.chain) ?? new Set();
    this.#touched.set(row.chain, pages.add(pageOf(row.seq)));
    this.#unsettled = true;
  }

  /** Writes what changed to the transaction. */
  flush(): void {
    this.#settle();
    for (const [chain, pages] of this.#touched) {
      for (const page of pages) {
        this.#tx.set(`chain/${chain}/${page}`, (this.#pages.get(`${chain}/${page}`) as CommitRow[]).map(rowValue));
      }
    }
    this.#touched.clear();
    for (const chain of this.#changedBits) {
      this.#tx.set(
        `chain/${chain}`,
        [...(this.#pageBits.get(chain) as Map<number, number>)].map(([page, bits]) => [page, bits]),
      );
    }
    this.#changedBits.clear();
    if (this.#changed) {
      this.#tx.set(
        'chains',
        [...this.#entries.values()].map((entry) => [entry.chainId, entry.device, entry.incarnation, entry.bits]),
      );
    }
    this.#changed = false;
  }

  /** Brings the bits of touched pages up to date. */
  #settle(): void {
    if (!this.#unsettled) return;
    this.#unsettled = false;
    for (const [chain, touched] of this.#touched) {
      const pages = this.#pageBits.get(chain) as Map<number, number>;
      for (const page of touched) {
        const bits = bitsOfRows(this.#pages.get(`${chain}/${page}`) as CommitRow[]);
        if (pages.get(page) === bits) continue;
        pages.set(page, bits);
        this.#changedBits.add(chain);
      }
      const entry = this.#entries.get(chain) as ChainEntry;
      let all = 0;
      for (const bits of pages.values()) all |= bits;
      if (entry.bits !== all || this.#changedBits.has(chain)) this.#changed = true;
      entry.bits = all;
    }
  }

  async #bitsOf(chain: string): Promise<Map<number, number>> {
    const known = this.#pageBits.get(chain);
    if (known !== undefined) return known;
    const pages = new Map(((await this.#tx.get(`chain/${chain}`)) ?? []) as readonly (readonly [number, number])[]);
    this.#pageBits.set(chain, pages);
    return pages;
  }

  async #page(chain: string, page: number): Promise<CommitRow[]> {
    await this.#bitsOf(chain);
    const name = `${chain}/${page}`;
    const known = this.#pages.get(name);
    if (known !== undefined) return known;
    const values = ((await this.#tx.get(`chain/${name}`)) ?? []) as readonly RowValue[];
    const rows = values.map((value) => rowOf(this.#tx.pid, chain, value));
    this.#pages.set(name, rows);
    return rows;
  }
}

/** The past is a byte string of CBOR: so a page stays far below the items that CBOR may have, whatever its rows hold. */
type RowValue = readonly [number, Bytes, Bytes, Bytes, number, number, Bytes | null, string, number, number];
type RefValue = readonly [Bytes, number, Bytes];

function pageOf(seq: number): number {
  return Math.floor((seq - 1) / PAGE_SEQS);
}

function bitsOfRows(rows: readonly CommitRow[]): number {
  let bits = 0;
  rows.forEach((row, i) => {
    if (row.state === STATE.waiting) bits |= BIT.waiting;
    if (row.state === STATE.applied && row.index === INDEX.todo) bits |= BIT.unindexed;
    if (row.state === STATE.quarantined) bits |= BIT.quarantined;
    if (row.index === INDEX.damaged) bits |= BIT.damaged;
    if (rows[i - 1]?.seq === row.seq) bits |= BIT.cloned;
  });
  return bits;
}

function rowValue(row: CommitRow): Value {
  const past = row.past === null ? null : encode(row.past.map(({ chain, seq, id }) => [chain, seq, id]));
  const { seq, commit, header, signature, state, order, bundle, position, index } = row;
  return [seq, commit, header, signature, state, order, past, bundle, position, index];
}

function rowOf(pid: Bytes, chain: string, value: RowValue): CommitRow {
  const [seq, commit, header, signature, state, order, past, bundle, position, index] = value;
  const row = new CommitRow(pid, chain, { seq, commit, header, signature, bundle, position });
  const refs = past === null ? null : (decode(past) as readonly RefValue[]);
  row.state = state;
  row.order = order;
  row.past = refs === null ? null : refs.map(([at, n, id]) => ({ chain: at, seq: n, id }));
  row.index = index;
  return row;
}
