/**
 * A list of rows in cells of at most 256 rows, so that adding to a long list rewrites one page only.
 * Cell `<name>` holds [first page, pages, rows, version]; page n is the cell `<name>/<n>`. The version grows with every change:
 * who remembers it knows with one small read that nothing is new.
 */
import type { Value } from '../cbor.ts';
import type { Tx } from './replica.ts';

const PAGE_ROWS = 256;

interface Head {
  readonly first: number;
  readonly pages: number;
  readonly rows: number;
  readonly version: number;
}

export interface PageSummary {
  readonly rows: number;
  readonly version: number;
}

async function head(tx: Tx, name: string): Promise<Head> {
  const value = await tx.get(name);
  if (value === undefined) return { first: 0, pages: 0, rows: 0, version: 0 };
  const [first, pages, rows, version] = value as readonly number[] as readonly [number, number, number, number];
  return { first, pages, rows, version };
}

async function page(tx: Tx, name: string, n: number): Promise<readonly Value[]> {
  return ((await tx.get(`${name}/${n}`)) ?? []) as readonly Value[];
}

export async function pageSummary(tx: Tx, name: string): Promise<PageSummary> {
  const { rows, version } = await head(tx, name);
  return { rows, version };
}

/** All rows, in the order in which they were added. */
export async function pageRows(tx: Tx, name: string): Promise<Value[]> {
  const { first, pages } = await head(tx, name);
  const all: Value[] = [];
  for (let n = first; n < first + pages; n++) all.push(...(await page(tx, name, n)));
  return all;
}

export async function appendRows(tx: Tx, name: string, rows: readonly Value[]): Promise<void> {
  if (rows.length === 0) return;
  const now = await head(tx, name);
  let { pages } = now;
  let last = pages === 0 ? [] : await page(tx, name, now.first + pages - 1);
  if (pages === 0 || last.length === PAGE_ROWS) {
    last = [];
    pages += 1;
  }
  for (let at = 0; at < rows.length;) {
    const part = rows.slice(at, at + PAGE_ROWS - last.length);
    tx.set(`${name}/${now.first + pages - 1}`, [...last, ...part]);
    at += part.length;
    last = [];
    if (at < rows.length) pages += 1;
  }
  tx.set(name, [now.first, pages, now.rows + rows.length, now.version + 1]);
}

/** Puts `rows` in the place of all that was there. Only for short lists and rare events. */
export async function replaceRows(tx: Tx, name: string, rows: readonly Value[]): Promise<void> {
  const now = await head(tx, name);
  for (let n = now.first; n < now.first + now.pages; n++) tx.delete(`${name}/${n}`);
  tx.set(name, [now.first + now.pages, 0, 0, now.version + 1]);
  await appendRows(tx, name, rows);
}

/** Deletes a list of `rows` rows that was only ever appended to, without reading it. */
export function clearRows(tx: Tx, name: string, rows: number): void {
  for (let n = 0; n * PAGE_ROWS < rows; n++) tx.delete(`${name}/${n}`);
  tx.delete(name);
}
