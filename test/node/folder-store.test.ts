/** The folder store: its contract, and what a disk can do to it. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFolderStore } from '../../src/node/folder-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { describeStore } from '../../src/testing/index.ts';
import { mountNamespace, onSmallDisk, runChild, startChild } from '../helpers/child.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { temporaryDirectory } from '../helpers/temp.ts';

const NOBODY = '65534';
const isRoot = process.getuid?.() === 0;

describeStore(
  'the folder store',
  async () => {
    const folder = temporaryDirectory();
    return {
      store: createFolderStore(folder),
      async interruptPut(name, bytes) {
        const child = startChild('store-put-killed.ts', [folder, name, String(bytes.length)]);
        expect((await child.ended).signal).toBe('SIGKILL');
        expect(readdirSync(dirname(join(folder, name))).filter((entry) => entry.endsWith('.tmp'))).toHaveLength(1);
      },
      async putForeign(path) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), 'foreign');
      },
    };
  },
  { describe, it },
);

const bytes = Uint8Array.of(1, 2, 3);

async function list(store: Store, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.list(prefix)) names.push(name);
  return names.sort();
}

describe('a folder', () => {
  it('is named by its absolute path', () => {
    const folder = temporaryDirectory();
    expect(createFolderStore(`${folder}/x/..`).url).toBe(`folder:${folder}`);
  });

  it('holds each object as a file under its own name and nothing else', async () => {
    const folder = temporaryDirectory();
    await createFolderStore(folder).put('p/one/hot/c-1', bytes);
    expect(readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()).toEqual([
      'p',
      'p/one',
      'p/one/hot',
      'p/one/hot/c-1',
    ]);
  });

  it('loses what a killed process left in it when that is old, and nothing that others put there', async () => {
    const folder = temporaryDirectory();
    const store = createFolderStore(folder);
    await store.put('p/one/hot/c-1', bytes);
    const place = (name: string) => join(folder, 'p/one/hot', name);
    const [old, young, foreign] = [`.${'0'.repeat(16)}.tmp`, `.${'f'.repeat(16)}.tmp`, '.syncthing.c-1.tmp'];
    for (const name of [old, young, foreign]) writeFileSync(place(name), 'left');
    mkdirSync(place(`.${'1'.repeat(16)}.tmp`));
    const longAgo = new Date(Date.now() - 61 * 60 * 1000);
    for (const name of [old, foreign]) utimesSync(place(name), longAgo, longAgo);
    const there = () => readdirSync(join(folder, 'p/one/hot')).sort();
    const before = there();
    await store.put('p/one/hot/c-2', bytes);
    expect(await list(store, 'p')).toEqual(['p/one/hot/c-1', 'p/one/hot/c-2']);
    expect(there()).toEqual([...before, 'c-2']);
    await store.put('p/one/hot/c-3', bytes);
    expect(there()).toEqual([...before, 'c-2', 'c-3'].filter((name) => name !== old));
  });

  it('is made when that is asked for, with its parents', async () => {
    const folder = join(temporaryDirectory(), 'a', 'b');
    const store = createFolderStore(folder, { create: true });
    await store.put('p', bytes);
    expect(await store.get('p')).toEqual(bytes);
  });

  it('that is not there is unreachable, for every call, and is not made', async () => {
    const folder = join(temporaryDirectory(), 'missing');
    const store = createFolderStore(folder);
    expect(await rejectionOf(store.get('p/one'))).toBe('store-unreachable');
    expect(await rejectionOf(store.put('p/one', bytes))).toBe('store-unreachable');
    expect(await rejectionOf(store.delete('p/one'))).toBe('store-unreachable');
    expect(await rejectionOf(list(store, 'p'))).toBe('store-unreachable');
    expect(existsSync(folder)).toBe(false);
  });

  it('that goes away and comes back, as a disk does, is unreachable meanwhile', async () => {
    const folder = join(temporaryDirectory(), 'disk');
    const store = createFolderStore(folder, { create: true });
    await store.put('p/one', bytes);
    renameSync(folder, `${folder}-elsewhere`);
    expect(await rejectionOf(store.get('p/one'))).toBe('store-unreachable');
    expect(await rejectionOf(store.put('p/two', bytes))).toBe('store-unreachable');
    expect(await rejectionOf(list(store, 'p'))).toBe('store-unreachable');
    expect(existsSync(folder)).toBe(false);
    renameSync(`${folder}-elsewhere`, folder);
    await store.put('p/two', bytes);
    expect(await list(store, 'p')).toEqual(['p/one', 'p/two']);
  });

  it('whose directories somebody removed is a store that lost objects', async () => {
    const folder = temporaryDirectory();
    const store = createFolderStore(folder);
    await store.put('p/one/hot/c-1', bytes);
    rmSync(join(folder, 'p'), { recursive: true });
    expect(await store.get('p/one/hot/c-1')).toBeUndefined();
    expect(await list(store, 'p/one/hot')).toEqual([]);
    await store.put('p/one/hot/c-1', bytes);
    expect(await store.get('p/one/hot/c-1')).toEqual(bytes);
  });

  it('that is a file is unreachable', async () => {
    const folder = join(temporaryDirectory(), 'file');
    writeFileSync(folder, '');
    expect(await rejectionOf(createFolderStore(folder).get('p'))).toBe('store-unreachable');
    expect(await rejectionOf(createFolderStore(folder).put('p', bytes))).toBe('store-unreachable');
    expect(await rejectionOf(list(createFolderStore(folder), 'p'))).toBe('store-unreachable');
  });
});

describe('what is in the folder', () => {
  it('torn content of the same length under the name is replaced by a second put', async () => {
    const folder = temporaryDirectory();
    const store = createFolderStore(folder);
    await store.put('p/one', bytes);
    writeFileSync(join(folder, 'p/one'), Uint8Array.of(1, 2, 0));
    await store.put('p/one', bytes);
    expect(await store.get('p/one')).toEqual(bytes);
  });

  it('a directory where an object would be is no object', async () => {
    const folder = temporaryDirectory();
    const store = createFolderStore(folder);
    await store.put('p/one/hot/c-1', bytes);
    expect(await store.get('p/one/hot')).toBeUndefined();
    await store.delete('p/one/hot');
    expect(await store.get('p/one/hot/c-1')).toEqual(bytes);
    expect(await rejectionOf(store.put('p/one/hot', bytes))).toBe('store-refused');
    expect(readdirSync(join(folder, 'p/one'))).toEqual(['hot']);
  });

  it('symbolic links are not listed and not gone into', async () => {
    const folder = temporaryDirectory();
    const store = createFolderStore(folder);
    await store.put('p/one', bytes);
    symlinkSync(join(folder, 'p/one'), join(folder, 'p/link'));
    symlinkSync(folder, join(folder, 'p/loop'));
    expect(await list(store, 'p')).toEqual(['p/one']);
  });

  it('files get the permissions of the umask', async () => {
    const folder = temporaryDirectory();
    await createFolderStore(folder).put('p/one', bytes);
    writeFileSync(join(folder, 'ordinary'), '');
    expect(statSync(join(folder, 'p/one')).mode).toBe(statSync(join(folder, 'ordinary')).mode);
  });
});

describe.skipIf(mountNamespace === undefined)('a disk of its own (needs the right to mount)', () => {
  const OLD = 'mkdir p && echo old > p/old';

  it('that is full: store-full, all else goes on, and no half object stays', async () => {
    const disk = temporaryDirectory();
    const prepare = `${OLD} && dd if=/dev/zero of=filler bs=4k count=200 2>/dev/null`;
    const lines = await runChild('store-calls.ts', [disk, '2000000'], onSmallDisk(disk, '1m', prepare));
    expect(lines).toEqual(['put store-full', 'get ok', 'list ok', 'delete ok', 'left p']);
  });

  it('that is read-only: what writes is store-refused', async () => {
    const disk = temporaryDirectory();
    const prefix = onSmallDisk(disk, '1m', `${OLD} && mount -o remount,ro "$0"`);
    const lines = await runChild('store-calls.ts', [disk, '10'], prefix);
    expect(lines).toEqual(['put store-refused', 'get ok', 'list ok', 'delete store-refused', 'left p p/old']);
  });
});

describe.skipIf(!isRoot)('another user (needs root, to become one)', () => {
  it('who may only read: what writes is store-refused', async () => {
    const folder = temporaryDirectory();
    await createFolderStore(folder).put('p/old', bytes);
    const lines = await runChild('store-calls.ts', [folder, '10', NOBODY]);
    expect(lines).toEqual(['put store-refused', 'get ok', 'list ok', 'delete store-refused', 'left p p/old']);
  });
});
