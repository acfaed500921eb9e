/**
 * The index of the view, in 256 vault cells chosen by a keyed hash of the record's key: `vault/index/<n>` with the
 * versions that stand, `vault/history/<n>` = pages of [key, version] that were replaced. It holds no values: listing
 * reads these cells only, and one more put rewrites one of them. Cell `index` (no secret): [[bucket, replaced, conflicts]…].
 * A bucket's value is [[commit facts…], [key, version…], …]: flat and with each commit once, because all of it is read often.
 */
import { compare, equal, hex, utf8, type Bytes } from '../bytes.ts';
import type { Value } from '../cbor.ts';
import { sha256 } from '../crypto/hash.ts';
import { hash } from '../crypto/statements.ts';
import { updateId } from '../format/update.ts';
import { appendRows, clearRows, pageRows } from '../replica/pages.ts';
import type { Tx } from '../replica/replica.ts';
import type { Point } from './chains.ts';

const BUCKETS = 256;
const REMEMBERED_CONFLICTS = 1024;

/** A commit as the index knows it; one object for all of its updates in a bucket. */
export interface CommitFacts {
  /** 32 bytes. */
  readonly commit: Bytes;
  /** 16 bytes. */
  readonly chain: Bytes;
  readonly seq: number;
  /** 16 bytes. */
  readonly device: Bytes;
  /** As its author claims, ms. */
  readonly time: number;
  /** Order of application on this device. */
  readonly order: number;
}

/** One update as the index knows it. Its id is H("update", commit, index). */
export interface Version {
  readonly by: CommitFacts;
  readonly index: number;
  readonly deleted: boolean;
  readonly type: string;
  readonly sizeBytes: number;
  /** SHA-256 of the value; null for a large one that nothing was compared with, and for one that could not be read for that. */
  readonly valueHash: Bytes | null;
}

interface Counts {
  replaced: number;
  conflicts: number;
}

export class Buckets {
  readonly #tx: Tx;
  readonly #loaded = new Map<number, Map<string, readonly Version[]>>();
  readonly #touched = new Map<number, Set<string>>();
  readonly #replaced = new Map<number, Value[]>();
  #counts: Map<number, Counts> | undefined;
  #countsChanged = false;
  #last: { readonly key: string; readonly bucket: number } | undefined;

  constructor(tx: Tx) {
    this.#tx = tx;
  }

  async get(key: string): Promise<readonly Version[]> {
    return (await this.#load(this.#bucketOf(key))).get(key) ?? [];
  }

  /** `standing` is what stands of the record now, `replaced` what no longer does. */
  async set(key: string, standing: readonly Version[], replaced: readonly Version[]): Promise<void> {
    const bucket = this.#bucketOf(key);
    const rows = await this.#load(bucket);
    const counts = await this.#countsOf(bucket);
    const change = Number(isConflict(standing)) - Number(isConflict(rows.get(key) ?? []));
    rows.set(key, standing);
    this.#touched.set(bucket, (this.#touched.get(bucket) ?? new Set()).add(key));
    if (change === 0 && replaced.length === 0) return;
    counts.conflicts += change;
    counts.replaced += replaced.length;
    this.#countsChanged = true;
    const waiting = this.#replaced.get(bucket) ?? [];
    for (const { by, ...version } of replaced) waiting.push([key, factsValue(by), ...versionFields(version, 0)]);
    this.#replaced.set(bucket, waiting);
  }

  /** All records, in no order. */
  async *all(): AsyncGenerator<readonly [string, readonly Version[]]> {
    for (let bucket = 0; bucket < BUCKETS; bucket++) yield* await this.#load(bucket);
  }

  /** The records in conflict, in no order. Reads only the buckets that have any. */
  async *conflicts(): AsyncGenerator<readonly [string, readonly Version[]]> {
    for (const [bucket, counts] of await this.#allCounts()) {
      if (counts.conflicts === 0) continue;
      for (const row of await this.#load(bucket)) if (isConflict(row[1])) yield row;
    }
  }

  async conflictCount(): Promise<number> {
    let sum = 0;
    for (const { conflicts } of (await this.#allCounts()).values()) sum += conflicts;
    return sum;
  }

  /** The versions of a record that were replaced, in the order in which that was noticed. */
  async replaced(key: string): Promise<Version[]> {
    const rows = await pageRows(this.#tx, `vault/history/${this.#bucketOf(key)}`);
    return (rows as unknown as readonly HistoryValue[])
      .filter(([of]) => of === key)
      .map(([, facts, ...fields]) => versionAt([factsOf(facts)], fields, 0));
  }

  /** The key of a record that was in conflict under this id not long ago. */
  async keyOfConflict(id: Bytes): Promise<string | undefined> {
    const seen = ((await this.#tx.get('vault/conflict-ids')) ?? []) as readonly (readonly [Bytes, string])[];
    return seen.findLast(([known]) => equal(known, id))?.[1];
  }

  /** Forgets the whole index; needs no vault key. */
  async reset(): Promise<void> {
    for (const [bucket, { replaced }] of await this.#allCounts())
      clearRows(this.#tx, `vault/history/${bucket}`, replaced);
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#tx.delete(`vault/index/${bucket}`);
    this.#tx.delete('index');
    this.#loaded.clear();
    this.#touched.clear();
    this.#replaced.clear();
    this.#counts = new Map();
    this.#countsChanged = false;
  }

  async flush(): Promise<void> {
    const inConflict: (readonly [Bytes, string])[] = [];
    for (const [bucket, keys] of this.#touched) {
      const rows = this.#loaded.get(bucket) as Map<string, readonly Version[]>;
      for (const key of keys) {
        const versions = rows.get(key) as readonly Version[];
        if (isConflict(versions)) inConflict.push([conflictId(this.#tx.pid, versions), key]);
      }
      this.#tx.set(`vault/index/${bucket}`, bucketValue(rows));
    }
    this.#touched.clear();
    for (const [bucket, rows] of this.#replaced) await appendRows(this.#tx, `vault/history/${bucket}`, rows);
    this.#replaced.clear();
    if (this.#countsChanged) {
      this.#tx.set(
        'index',
        [...(await this.#allCounts())].map(([bucket, { replaced, conflicts }]) => [bucket, replaced, conflicts]),
      );
    }
    this.#countsChanged = false;
    if (inConflict.length === 0) return;
    const before = ((await this.#tx.get('vault/conflict-ids')) ?? []) as readonly (readonly [Bytes, string])[];
    this.#tx.set('vault/conflict-ids', [...before, ...inConflict].slice(-REMEMBERED_CONFLICTS));
  }

  #bucketOf(key: string): number {
    if (this.#last?.key === key) return this.#last.bucket;
    const bucket = sha256(this.#tx.localSecret('index'), utf8(key))[0] as number;
    this.#last = { key, bucket };
    return bucket;
  }

  async #load(bucket: number): Promise<Map<string, readonly Version[]>> {
    const known = this.#loaded.get(bucket);
    if (known !== undefined) return known;
    const value = await this.#tx.get(`vault/index/${bucket}`);
    const rows = value === undefined ? new Map<string, readonly Version[]>() : bucketOf(value);
    await this.#countsOf(bucket);
    this.#loaded.set(bucket, rows);
    return rows;
  }

  async #allCounts(): Promise<Map<number, Counts>> {
    if (this.#counts === undefined) {
      const rows = ((await this.#tx.get('index')) ?? []) as readonly (readonly [number, number, number])[];
      this.#counts = new Map(rows.map(([bucket, replaced, conflicts]) => [bucket, { replaced, conflicts }]));
    }
    return this.#counts;
  }

  async #countsOf(bucket: number): Promise<Counts> {
    const all = await this.#allCounts();
    let counts = all.get(bucket);
    if (counts === undefined) {
      counts = { replaced: 0, conflicts: 0 };
      all.set(bucket, counts);
    }
    return counts;
  }
}

/** Equal op, type and value count as one version. */
export function sameContent(a: Version, b: Version): boolean {
  if (a.valueHash === null || b.valueHash === null) return false;
  return a.deleted === b.deleted && a.type === b.type && equal(a.valueHash, b.valueHash);
}

export function isConflict(standing: readonly Version[]): boolean {
  const [first, ...others] = standing;
  return first !== undefined && others.some((other) => !sameContent(first, other));
}

/** The commit that wrote it. */
export function placeOf({ by }: Version): Point {
  return { chain: hex(by.chain), seq: by.seq, id: hex(by.commit) };
}

/** 32 bytes. */
export function versionId(pid: Bytes, version: Version): Bytes {
  return updateId(pid, version.by.commit, version.index);
}

/** H("conflict", [id…]) over the sorted ids of all versions that stand: 32 bytes. */
export function conflictId(pid: Bytes, standing: readonly Version[]): Bytes {
  const ids = standing.map((version) => versionId(pid, version));
  return hash(pid, 'conflict', ids.sort(compare));
}

type FactsValue = readonly [Bytes, Bytes, number, Bytes, number, number];
/** Index of the commit's facts, index in the commit * 2 (+ 1 for a delete), type, size, value hash. */
type VersionFields = readonly [number, number, string, number, Bytes | null];
type HistoryValue = readonly [string, FactsValue, ...VersionFields];
const FIELDS = 5;

function factsValue({ commit, chain, seq, device, time, order }: CommitFacts): FactsValue {
  return [commit, chain, seq, device, time, order];
}

function factsOf([commit, chain, seq, device, time, order]: FactsValue): CommitFacts {
  return { commit, chain, seq, device, time, order };
}

function versionFields(version: Omit<Version, 'by'>, facts: number): VersionFields {
  return [facts, version.index * 2 + (version.deleted ? 1 : 0), version.type, version.sizeBytes, version.valueHash];
}

function versionAt(facts: readonly CommitFacts[], row: readonly Value[], at: number): Version {
  const place = row[at + 1] as number;
  return {
    by: facts[row[at] as number] as CommitFacts,
    index: Math.floor(place / 2),
    deleted: place % 2 === 1,
    type: row[at + 2] as string,
    sizeBytes: row[at + 3] as number,
    valueHash: row[at + 4] as Bytes | null,
  };
}

function bucketValue(rows: ReadonlyMap<string, readonly Version[]>): Value {
  const facts: FactsValue[] = [];
  const places = new Map<Bytes, number>();
  const placeOf = (by: CommitFacts): number => {
    let place = places.get(by.commit);
    if (place === undefined) {
      place = facts.push(factsValue(by)) - 1;
      places.set(by.commit, place);
    }
    return place;
  };
  const values: Value[] = [];
  for (const [key, versions] of rows) {
    const row: Value[] = [key];
    for (const version of versions) row.push(...versionFields(version, placeOf(version.by)));
    values.push(row);
  }
  return [facts, ...values];
}

function bucketOf(value: Value): Map<string, readonly Version[]> {
  const [facts, ...rows] = value as unknown as readonly [readonly FactsValue[], ...(readonly Value[])[]];
  const commits = facts.map(factsOf);
  return new Map(
    rows.map((row) => {
      const versions: Version[] = [];
      for (let at = 1; at < row.length; at += FIELDS) versions.push(versionAt(commits, row, at));
      return [row[0] as string, versions];
    }),
  );
}
