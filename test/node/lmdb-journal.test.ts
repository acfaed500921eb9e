/** The journal on disk: its contract, and what it promises when processes race, die or run out of disk. */
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Bytes, bytesUint, equal } from '../../src/bytes.ts';
import { openJournal } from '../../src/node/lmdb-journal.ts';
import type { Journal } from '../../src/storage/journal.ts';
import { describeJournal } from '../../src/testing/index.ts';
import { mountNamespace, onSmallDisk, runChild, startChild } from '../helpers/child.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { temporaryDirectory } from '../helpers/temp.ts';

const NOBODY = '65534';
const isRoot = process.getuid?.() === 0;

const fixture = async () => {
  const path = join(temporaryDirectory(), 'home', 'journal');
  return { journal: openJournal(path), reopen: async () => openJournal(path) };
};

function open(): { journal: Journal; path: string } {
  const path = join(temporaryDirectory(), 'home', 'journal');
  return { journal: openJournal(path), path };
}

async function has(journal: Journal, key: string, bytes: Bytes): Promise<boolean> {
  return equal((await journal.get(key)) ?? new Uint8Array(0), bytes);
}

describeJournal('the lmdb journal', fixture, { describe, it });

describe('the files of the journal', () => {
  it('are not made by reading', async () => {
    const path = join(temporaryDirectory(), 'home');
    const journal = openJournal(path);
    expect(await journal.generation()).toBe(0);
    expect(await journal.get('a')).toBeUndefined();
    expect(() => statSync(path)).toThrow();
  });

  it('are for their owner only', async () => {
    const path = join(temporaryDirectory(), 'home', 'journal');
    const journal = openJournal(path);
    await journal.commit(0, new Map());
    const mode = (name: string) => (statSync(join(path, name)).mode & 0o777).toString(8);
    expect([mode('..'), mode('.'), mode('data.mdb'), mode('lock.mdb')]).toEqual(['700', '700', '600', '600']);
    await journal.close();
  });

  it('are refused after the close, which is a mistake of the program', async () => {
    const { journal } = await fixture();
    await journal.commit(0, new Map());
    await journal.close();
    expect(await rejectionOf(journal.generation())).toBe('Error');
    expect(await rejectionOf(journal.commit(1, new Map()))).toBe('Error');
  });

  it.each([
    ['no lmdb file', (whole: Buffer) => Buffer.from(`SQLite format 3${'\0'.repeat(whole.length)}`)],
    ['zeros', (whole: Buffer) => Buffer.alloc(whole.length)],
    ['cut off in its header', (whole: Buffer) => whole.subarray(0, 100)],
    ['cut off after its header', (whole: Buffer) => whole.subarray(0, 8192)],
  ])('that are damaged are home-unusable instead of the end of the process: %s', async (_, damage) => {
    const path = join(temporaryDirectory(), 'journal');
    const journal = openJournal(path);
    for (let i = 0; i < 3; i++) await journal.commit(i, new Map([['a', new Uint8Array(50_000)]]));
    await journal.close();
    const file = join(path, 'data.mdb');
    writeFileSync(file, damage(readFileSync(file)));
    expect(await runChild('journal-open.ts', [path])).toEqual(['home-unusable', 'home-unusable']);
  });

  it('may lack the lock file, as in a copy', async () => {
    const path = join(temporaryDirectory(), 'journal');
    const journal = openJournal(path);
    await journal.commit(0, new Map([['a', new Uint8Array(3)]]));
    await journal.close();
    rmSync(join(path, 'lock.mdb'));
    const again = openJournal(path);
    expect(await again.get('a')).toEqual(new Uint8Array(3));
    expect(await again.commit(1, new Map())).toBe(2);
    await again.close();
  });
});

describe('a large value', () => {
  const MIB = 1024 * 1024;
  const value = (seed: number, length = MIB) => new Uint8Array(length).fill(seed);
  const filesOf = (path: string) => (existsSync(join(path, 'large')) ? readdirSync(join(path, 'large')) : []);

  it('is a file of its own for its owner only, a smaller one is none', async () => {
    const { journal, path } = open();
    await journal.commit(0, new Map([['a', value(1, 512 * 1024 - 1)]]));
    expect(filesOf(path)).toEqual([]);
    await journal.commit(1, new Map([['a', value(1, 512 * 1024)]]));
    const [file, ...others] = filesOf(path) as [string];
    expect([file, ...others]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
    const mode = (...names: string[]) => (statSync(join(path, 'large', ...names)).mode & 0o777).toString(8);
    expect([mode(), mode(file)]).toEqual(['700', '600']);
    await journal.close();
  });

  it('takes its file along when it is replaced or deleted, and no other', async () => {
    const { journal, path } = open();
    await journal.commit(0, new Map(['a', 'b', 'c'].map((key, i) => [key, value(i)])));
    expect(filesOf(path)).toHaveLength(3);
    await journal.commit(1, new Map<string, Bytes | null>([...[['a', value(9)] as const], ['b', null]]));
    expect(filesOf(path)).toHaveLength(2);
    expect(await journal.get('a')).toEqual(value(9));
    expect(await journal.get('c')).toEqual(value(2));
    await journal.close();
  });

  it('of a commit that lost the race, of one that was begun and forgotten: no file stays', async () => {
    const { journal, path } = open();
    await journal.commit(0, new Map([['a', value(1)]]));
    const [begun, forgotten] = [value(2), value(3)];
    journal.begin?.(begun);
    journal.begin?.(forgotten);
    expect(filesOf(path)).toHaveLength(3);
    await journal.forget?.([forgotten]);
    expect(filesOf(path)).toHaveLength(2);
    expect(await rejectionOf(journal.commit(0, new Map([['b', begun]])))).toBe('journal-changed');
    await journal.forget?.([begun]);
    expect(filesOf(path)).toHaveLength(1);
    const racers = Array.from({ length: 5 }, (_, i) => journal.commit(1, new Map([['b', value(i)]])));
    const codes = (await Promise.allSettled(racers)).map(({ status }) => status);
    expect(codes.filter((status) => status === 'fulfilled')).toHaveLength(1);
    expect(filesOf(path)).toHaveLength(2);
    await journal.close();
  });

  it('is what is left of it when its file is gone or cut off: whoever reads it checks it', async () => {
    const { journal, path } = open();
    await journal.commit(0, new Map([['a', value(1)]]));
    const file = join(path, 'large', filesOf(path)[0] as string);
    truncateSync(file, 1000);
    expect(await journal.get('a')).toEqual(value(1, 1000));
    rmSync(file);
    expect(await journal.get('a')).toEqual(new Uint8Array(0));
    await journal.commit(1, new Map([['a', value(2)]]));
    expect(await journal.get('a')).toEqual(value(2));
    await journal.close();
  });

  it('that a killed process left is swept when it is an hour old; what is named, young or foreign stays', async () => {
    const { journal, path } = open();
    await journal.commit(0, new Map([['a', value(1)]]));
    await journal.close();
    const [named] = filesOf(path) as [string];
    const [old, young] = ['0'.repeat(32), '1'.repeat(32)];
    const past = Date.now() / 1000 - 3601;
    for (const name of [old, young, 'notes.txt']) writeFileSync(join(path, 'large', name), '');
    for (const name of [named, old, 'notes.txt']) utimesSync(join(path, 'large', name), past, past);
    const again = openJournal(path);
    await again.commit(1, new Map([['b', value(2, 20)]]));
    expect(filesOf(path)).toContain(old);
    await again.commit(2, new Map([['c', value(3)]]));
    const [fresh] = filesOf(path).filter((name) => ![named, young, 'notes.txt'].includes(name));
    expect(new Set(filesOf(path))).toEqual(new Set([named, young, 'notes.txt', fresh]));
    expect(await again.get('a')).toEqual(value(1));
    await again.close();
  });

  it('whose file was swept before its commit, because the machine slept: journal-changed, and it goes on', async () => {
    const { journal, path } = open();
    await journal.commit(0, new Map([['a', value(1)]]));
    const begun = value(2);
    journal.begin?.(begun);
    for (const name of filesOf(path)) rmSync(join(path, 'large', name));
    expect(await rejectionOf(journal.commit(1, new Map([['b', begun]])))).toBe('journal-changed');
    expect(await journal.generation()).toBe(1);
    expect(await journal.commit(1, new Map([['b', begun]]))).toBe(2);
    expect(await journal.get('b')).toEqual(begun);
    await journal.close();
  });

  it('on its way when the journal is closed is committed first; one that was only begun leaves no file', async () => {
    const { journal, path } = open();
    await journal.commit(0, new Map([['a', value(1)]]));
    journal.begin?.(value(3));
    const done = journal.commit(1, new Map([['b', value(2)]]));
    await journal.close();
    expect(await done).toBe(2);
    expect(filesOf(path)).toHaveLength(2);
    const again = openJournal(path);
    expect(await again.get('b')).toEqual(value(2));
    await again.close();
  });

  it('is written again after its directory was removed', async () => {
    const { journal, path } = open();
    await journal.commit(0, new Map([['a', value(1)]]));
    rmSync(join(path, 'large'), { recursive: true });
    expect(await rejectionOf(journal.commit(1, new Map([['b', value(2)]])))).toBe('home-unusable');
    expect(await journal.commit(1, new Map([['b', value(2)]]))).toBe(2);
    expect(await journal.get('b')).toEqual(value(2));
    await journal.close();
  });

  it('is read whole while another process replaces it again and again', async () => {
    const { journal, path } = open();
    await journal.commit(0, new Map([['a', value(0)]]));
    const writer = startChild('journal-replace.ts', [path, 'a', '60']);
    const seen = new Set<number>();
    while ((await journal.generation()) < 61) {
      const found = (await journal.get('a')) as Bytes;
      expect(found.length).toBe(MIB);
      expect(found.every((byte) => byte === found[0])).toBe(true);
      seen.add(found[0] as number);
    }
    expect((await writer.ended).code).toBe(0);
    expect(await journal.get('a')).toEqual(value(60));
    expect(seen.size).toBeGreaterThan(2);
    expect(filesOf(path)).toHaveLength(1);
    await journal.close();
  });
});

describe('several processes', () => {
  it('four times 200 commits, each decided again when another was faster: none is lost', async () => {
    const path = join(temporaryDirectory(), 'journal');
    const writers = ['a', 'b', 'c', 'd'];
    await Promise.all(writers.map((writer) => runChild('journal-increment.ts', [path, writer, '200'])));
    const journal = openJournal(path);
    expect(await journal.generation()).toBe(800);
    expect(bytesUint((await journal.get('counter')) ?? new Uint8Array(0))).toBe(800);
    for (const writer of writers) {
      for (let i = 0; i < 200; i++)
        expect(await has(journal, `${writer}/${i}`, new Uint8Array(100 * i).fill(i))).toBe(true);
    }
    await journal.close();
  });

  it('killed while it writes, fifteen times: every acknowledged commit is there, and the next process goes on', async () => {
    const path = join(temporaryDirectory(), 'journal');
    let acknowledged = 0;
    for (let trial = 0; trial < 15; trial++) {
      const child = startChild('journal-write.ts', [path]);
      let seen = 0;
      for await (const line of child.lines) {
        acknowledged = Number(line);
        if (++seen === 5 + trial) child.kill();
      }
      expect((await child.ended).signal).toBe('SIGKILL');

      const journal = openJournal(path);
      const generation = await journal.generation();
      expect(generation).toBeGreaterThanOrEqual(acknowledged);
      for (let i = 0; i < generation; i++) {
        const length = 1 + ((i * 7919) % (i % 3 === 0 ? 900_000 : 30_000));
        expect(await has(journal, `entry ${i}`, new Uint8Array(length).fill(i))).toBe(true);
      }
      await journal.close();
    }
    expect(acknowledged).toBeGreaterThan(15 * 5);
  });
});

describe.skipIf(mountNamespace === undefined)('a disk of its own (needs the right to mount)', () => {
  it.each([
    ['2m', 20_000],
    ['20m', 600_000],
  ])(
    'of %s that fills up with values of %i bytes: disk-full, nothing is lost, what is there can be read',
    async (...of) => {
      const [room, size] = of;
      const disk = temporaryDirectory();
      const [line] = await runChild('journal-fill.ts', [join(disk, 'journal'), String(size)], onSmallDisk(disk, room));
      const found = JSON.parse(line as string) as Record<string, unknown>;
      expect(found['files']).toBe(size > 512 * 1024 ? found['made'] : 0);
      expect(found).toMatchObject({ codes: ['disk-full', 'disk-full', 'disk-full'], again: 0, afterwards: 0 });
      expect(found).toMatchObject({ intactWhileOpen: true, intactAfterwards: true, generation: found['made'] });
      expect(found['made']).toBeGreaterThan(20);
    },
  );

  it.each([0, 1, 2, 3, 4, 6, 8])('that has %i pages left when the journal is made: disk-full', async (pages) => {
    const disk = temporaryDirectory();
    const prepare = `dd if=/dev/zero of=filler bs=4k count=${16 - pages} 2>/dev/null`;
    const lines = await runChild('journal-open.ts', [join(disk, 'journal')], onSmallDisk(disk, '64k', prepare));
    expect(lines).toEqual(['0', 'disk-full']);
  });

  it('that is read-only: home-unusable, for a journal that is there and for a new one', async () => {
    const path = join(temporaryDirectory(), 'journal');
    const journal = openJournal(path);
    await journal.commit(0, new Map());
    await journal.close();
    const disk = temporaryDirectory();
    const readOnly = onSmallDisk(disk, '2m', `cp -r ${path} . && mount -o remount,ro "$0"`);
    expect(await runChild('journal-open.ts', [join(disk, 'journal')], readOnly)).toEqual([
      'home-unusable',
      'home-unusable',
    ]);
    expect(await runChild('journal-open.ts', [join(disk, 'other')], readOnly)).toEqual(['0', 'home-unusable']);
  });
});

describe.skipIf(!isRoot)('another user (needs root, to become one)', () => {
  it('cannot use a home that is not its own: home-unusable', async () => {
    const directory = temporaryDirectory();
    const journal = openJournal(join(directory, 'journal'));
    await journal.commit(0, new Map());
    await journal.close();
    // 0700: it cannot even see whether there is a journal, and that is not an empty one.
    expect(await runChild('journal-open.ts', [join(directory, 'journal'), NOBODY])).toEqual([
      'home-unusable',
      'home-unusable',
    ]);
    expect(await runChild('journal-open.ts', [join(directory, 'new'), NOBODY])).toEqual(['0', 'home-unusable']);
  });
});

it('a home that is a file is home-unusable', async () => {
  const path = join(temporaryDirectory(), 'home');
  writeFileSync(path, '');
  expect(await rejectionOf(openJournal(path).commit(0, new Map()))).toBe('home-unusable');
  expect(await rejectionOf(openJournal(join(path, 'journal')).commit(0, new Map()))).toBe('home-unusable');
});
