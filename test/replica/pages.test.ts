import { describe, expect, it } from 'vitest';
import { appendRows, clearRows, pageRows, pageSummary, replaceRows } from '../../src/replica/pages.ts';
import { openReplica, type Tx } from '../../src/replica/replica.ts';
import { createCopyableJournal } from '../helpers/journals.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('pages');
const open = (journal = createCopyableJournal()) =>
  openReplica({ journal, localKey: random(32), pid: random(32), random });
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** How many cells a change wrote. */
function counting(tx: Tx): { tx: Tx; written: string[] } {
  const written: string[] = [];
  return {
    tx: { ...tx, get: tx.get.bind(tx), set: (cell, value) => (written.push(cell), tx.set(cell, value)) },
    written,
  };
}

describe('a list in pages', () => {
  it('gives its rows in the order in which they were added, over all pages', async () => {
    await open().transact(async (tx) => {
      await appendRows(tx, 'list', numbers(0, 3));
      await appendRows(tx, 'list', numbers(3, 700));
      await appendRows(tx, 'list', []);
      await appendRows(tx, 'list', numbers(700, 1024));
      expect(await pageRows(tx, 'list')).toEqual(numbers(0, 1024));
      expect((await pageSummary(tx, 'list')).rows).toBe(1024);
    });
  });

  it('rewrites one page for one more row, however long it is', async () => {
    await open().transact(async (tx) => {
      await appendRows(tx, 'list', numbers(0, 10_000));
      const counted = counting(tx);
      await appendRows(counted.tx, 'list', [1]);
      expect(counted.written).toEqual(['list/39', 'list']);
    });
  });

  it('has a version that grows with every change', async () => {
    await open().transact(async (tx) => {
      const versions = [(await pageSummary(tx, 'list')).version];
      await appendRows(tx, 'list', [1]);
      versions.push((await pageSummary(tx, 'list')).version);
      await replaceRows(tx, 'list', []);
      versions.push((await pageSummary(tx, 'list')).version);
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
      expect(new Set(versions).size).toBe(3);
    });
  });

  it('can be replaced and cleared, and leaves no cell behind', async () => {
    const journal = createCopyableJournal();
    const replica = open(journal);
    await replica.transact((tx) => appendRows(tx, 'list', numbers(0, 600)));
    await replica.transact((tx) => replaceRows(tx, 'list', numbers(0, 300)));
    expect(await replica.transact((tx) => pageRows(tx, 'list'))).toEqual(numbers(0, 300));
    expect(journal.keys()).toHaveLength(3);
    await replica.transact((tx) => appendRows(tx, 'other', numbers(0, 600)));
    await replica.transact(async (tx) => clearRows(tx, 'other', 600));
    expect(journal.keys()).toHaveLength(3);
  });
});
