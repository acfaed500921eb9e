/** Own commits on their way to a store: joined, sealed for the newest epoch, and kept until one has them. */
import { describe, expect, it } from 'vitest';
import { hex, type Bytes } from '../../src/bytes.ts';
import { openBundle, splitBundle } from '../../src/format/bundle.ts';
import { bundleObjects, bundleSummary, markStored } from '../../src/records/objects.ts';
import { newIncarnation } from '../../src/records/own.ts';
import { pendingBundles } from '../../src/records/pending.ts';
import { createCopyableJournal } from '../helpers/journals.ts';
import { devices, Mesh, put, TestDevice } from '../helpers/records.ts';

function one(name: string) {
  const mesh = new Mesh(name, ['anna', 'berta']);
  return { mesh, ...devices(mesh, ['anna', 'berta']) };
}

const pending = (device: TestDevice) => device.run((tx, ctx) => pendingBundles(tx, ctx, ctx.keys.epoch));

async function read(device: TestDevice, hash: string) {
  const split = splitBundle((await device.replica.object(hash)) as Bytes);
  return openBundle(split, device.ctx.pid, device.ctx.keys.meshLayerKey(split.epoch) as Bytes);
}

describe('what no store has', () => {
  it('is nothing at first, and nothing again when it is stored', async () => {
    const { anna } = one('nothing');
    expect(await pending(anna)).toEqual({ bundles: [], waiting: 0, damaged: [] });
    await anna.put('x', 'one');
    const { bundles } = await pending(anna);
    expect(bundles).toMatchObject([{ first: 1, last: 1, epoch: 0, updates: 1 }]);
    expect((await anna.run((tx) => bundleSummary(tx))).pending).toBe(1);
    await anna.run((tx) => markStored(tx, bundles[0]!.hash));
    expect(await pending(anna)).toEqual({ bundles: [], waiting: 0, damaged: [] });
    expect((await anna.run((tx) => bundleObjects(tx))).map(({ stored }) => stored)).toEqual([true]);
    await anna.run((tx) => markStored(tx, 'unknown'));
  });

  it('is joined into one bundle, which takes the place of the single ones', async () => {
    const { anna, berta } = one('joined');
    for (let i = 0; i < 5; i++) await anna.put(`k/${i}`, `${i}`);
    const singles = (await anna.run((tx) => bundleObjects(tx))).map(({ hash }) => hash);
    const { bundles } = await pending(anna);
    expect(bundles).toMatchObject([{ first: 1, last: 5, updates: 5 }]);
    for (const hash of singles) expect(await anna.replica.object(hash)).toBeUndefined();
    expect((await read(anna, bundles[0]!.hash)).commits).toHaveLength(5);
    expect(await anna.get('k/3')).toBe('3');
    await anna.giveTo(berta);
    expect(await berta.list()).toHaveLength(5);
    // Asked again without anything new it is the same bytes.
    expect((await pending(anna)).bundles).toEqual(bundles);
  });

  it('is joined into bundles of at most 64 commits', async () => {
    const { anna } = one('64');
    for (let i = 0; i < 70; i++) await anna.write([]);
    const { bundles } = await pending(anna);
    expect(bundles.map(({ first, last }) => [first, last])).toEqual([
      [1, 64],
      [65, 70],
    ]);
  });

  it('is joined into bundles of at most 16 MiB', async () => {
    const { anna } = one('16 MiB');
    const value = anna.ctx.random(1024 * 1024);
    for (let i = 0; i < 20; i++) await anna.write([put(`k/${i}`, value)]);
    const { bundles } = await pending(anna);
    expect(bundles.length).toBe(2);
    for (const { sizeBytes } of bundles) expect(sizeBytes).toBeLessThanOrEqual(16 * 1024 * 1024);
  });

  it('is not joined over incarnations', async () => {
    const { anna } = one('incarnations');
    await anna.put('x', 'one');
    await anna.run(async (tx, ctx) => newIncarnation(tx, ctx));
    await anna.put('x', 'two');
    await anna.put('x', 'three');
    expect((await pending(anna)).bundles.map(({ first, last }) => [first, last])).toEqual([
      [1, 1],
      [1, 2],
    ]);
  });

  it('is there after a restart of the process', async () => {
    const mesh = new Mesh('restart', ['anna']);
    const journal = createCopyableJournal();
    const anna = new TestDevice(mesh, 'anna', { journal });
    await anna.put('x', 'one');
    await anna.put('x', 'two');
    const { bundles } = await pending(anna);
    const again = new TestDevice(mesh, 'anna', { journal, home: 'again' });
    expect((await pending(again)).bundles).toEqual(bundles);
    expect(await again.replica.object(bundles[0]!.hash)).toBeDefined();
  });

  it('is one list page per 256 bundles: one more put does not rewrite the others', async () => {
    const { anna } = one('pages');
    for (let i = 0; i < 300; i++) await anna.write([]);
    const before = await anna.journal.generation();
    await anna.write([]);
    expect(await anna.journal.generation()).toBe(before + 1);
    expect((await pending(anna)).bundles).toHaveLength(5);
  });
});

describe('after a new epoch', () => {
  async function twoEpochs(name: string) {
    const { mesh, anna, berta } = one(name);
    await anna.put('x', 'one');
    await anna.put('y', 'two');
    mesh.decide({ devices: ['anna', 'berta'] });
    anna.learn();
    berta.learn();
    return { mesh, anna, berta };
  }

  it('all that was sealed for the old one is sealed again before it is pushed', async () => {
    const { anna, berta } = await twoEpochs('resealed');
    const { bundles, waiting } = await pending(anna);
    expect([bundles.map(({ epoch }) => epoch), waiting]).toEqual([[1], 0]);
    const claimed = await read(anna, bundles[0]!.hash);
    expect([claimed.epoch, splitBundle((await anna.replica.object(bundles[0]!.hash))!).epoch]).toEqual([1, 1]);
    expect(await anna.get('x')).toBe('one');
    await anna.giveTo(berta);
    expect(await berta.get('y')).toBe('two');
  });

  it('all of it waits while there is no vault key, and nothing of the old epoch is given out', async () => {
    const { anna } = await twoEpochs('waits');
    anna.lock();
    expect(await pending(anna)).toEqual({ bundles: [], waiting: 2, damaged: [] });
    anna.unlock();
    expect((await pending(anna)).bundles).toHaveLength(1);
  });

  it('empty commits are sealed again also while locked', async () => {
    const { mesh, anna } = one('empty');
    await anna.write([]);
    await anna.write([]);
    mesh.decide({ devices: ['anna', 'berta'] });
    anna.learn();
    anna.lock();
    const { bundles, waiting } = await pending(anna);
    expect([bundles.map(({ first, last, epoch }) => [first, last, epoch]), waiting]).toEqual([[[1, 2, 1]], 0]);
  });

  it('an empty commit behind a change that waits, waits too: a store gets no holes', async () => {
    const { anna } = await twoEpochs('behind');
    anna.lock();
    await anna.write([], [1]);
    expect(await pending(anna)).toEqual({ bundles: [], waiting: 2, damaged: [] });
  });

  it('what is sealed for the newest one already is given out while locked, as it is', async () => {
    const { mesh, anna } = one('locked');
    mesh.decide({ devices: ['anna', 'berta'] });
    anna.learn();
    await anna.put('x', 'one');
    await anna.put('x', 'two');
    anna.lock();
    expect((await pending(anna)).bundles.map(({ first, last }) => [first, last])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });
});

describe('an own bundle that the journal has lost', () => {
  it('is named, and holds up nothing else', async () => {
    const mesh = new Mesh('lost', ['anna']);
    const journal = createCopyableJournal();
    const anna = new TestDevice(mesh, 'anna', { journal });
    for (const value of ['one', 'two', 'three', 'four']) await anna.put('x', value);
    const hashes = (await anna.run((tx) => bundleObjects(tx))).map(({ hash }) => hash);
    journal.damage(`o/${hashes[1]}`, () => undefined);
    const { bundles, damaged } = await pending(anna);
    expect(damaged).toEqual([hashes[1]]);
    expect(bundles.map(({ first, last }) => [first, last])).toEqual([
      [1, 1],
      [3, 4],
    ]);
    expect(hex(bundles[0]!.chain)).toHaveLength(32);
  });
});
