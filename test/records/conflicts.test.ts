import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../src/bytes.ts';
import { isPassportError, PassportError } from '../../src/errors.ts';
import { nameHash } from '../../src/format/names.ts';
import { Buckets } from '../../src/records/buckets.ts';
import { resolve } from '../../src/records/conflicts.ts';
import { repairObject } from '../../src/records/verify.ts';
import type { Journal } from '../../src/storage/journal.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { createCopyableJournal } from '../helpers/journals.ts';
import { devices, Mesh, put, START, syncAll, TestDevice } from '../helpers/records.ts';

function pair(name: string) {
  return devices(new Mesh(name, ['anna', 'berta', 'carla']), ['anna', 'berta', 'carla']);
}

async function disagree(a: TestDevice, b: TestDevice, key = 'x'): Promise<void> {
  a.now += 1000;
  await a.put(key, `by ${a.name}`);
  await b.put(key, `by ${b.name}`);
  await syncAll([a, b]);
}

describe('an update', () => {
  it('replaces what its author had applied', async () => {
    const { anna, berta } = pair('replaces');
    await anna.put('x', 'old');
    await anna.giveTo(berta);
    berta.now = 0; // whatever the clocks say
    await berta.put('x', 'new');
    await berta.giveTo(anna);
    expect(await anna.get('x')).toBe('new');
    expect(await anna.conflicts()).toEqual([]);
    expect((await anna.history('x')).map(({ state }) => state)).toEqual(['winner', 'replaced']);
  });

  it('does not replace what its author had received and not applied', async () => {
    const { anna, berta } = pair('received');
    const first = await anna.put('y', 'a dependency');
    await anna.put('x', 'by anna');
    const [dependency, dependent] = await anna.bundles();
    await berta.receive(dependent!);
    await berta.settle();
    expect((await berta.waiting())[0]?.waits).toMatchObject({ for: 'commit', seq: 1, missing: true });
    await berta.put('x', 'by berta');
    await berta.receive(dependency!);
    await berta.settle();
    expect((await berta.conflicts())[0]?.versions).toHaveLength(2);
    expect(first).toHaveLength(32);
  });

  it('equal to another in op, type and value is no conflict with it', async () => {
    const { anna, berta } = pair('equal');
    await anna.put('x', 'same');
    await berta.put('x', 'same');
    await syncAll([anna, berta]);
    expect(await anna.conflicts()).toEqual([]);
    expect(await anna.list()).toHaveLength(1);
  });

  it.each([64 * 1024 - 1, 64 * 1024, 1024 * 1024])(
    'with a large value is compared as well: %i bytes',
    async (length) => {
      const { anna, berta, carla } = pair(`large ${length}`);
      const [same, other] = [1, 2].map((fill) => new Uint8Array(length).fill(fill)) as [Bytes, Bytes];
      for (const [device, value] of [
        [anna, same],
        [berta, same],
        [carla, other],
      ] as const) {
        await device.write([put('equal', same), put('different', value)]);
      }
      await syncAll([anna, berta, carla]);
      for (const device of [anna, berta, carla]) {
        const [conflict, ...others] = await device.conflicts();
        expect(others).toEqual([]);
        expect(conflict).toMatchObject({ key: 'different', versions: [{}, {}] });
        expect((await device.history('equal')).map(({ state }) => state)).toEqual(['winner', 'standing', 'standing']);
      }
    },
  );

  it('with a large value that this device cannot read any more differs from what it stands beside', async () => {
    const mesh = new Mesh('large and damaged', ['anna', 'berta']);
    const journal = createCopyableJournal();
    const anna = new TestDevice(mesh, 'anna', { journal });
    const berta = new TestDevice(mesh, 'berta');
    const value = new Uint8Array(100_000).fill(1);
    for (const device of [anna, berta]) await device.write([put('x', value)]);
    const [object] = journal.keys().filter((key) => key.startsWith('o/')) as [string];
    const good = (await journal.get(object)) as Bytes;
    journal.damage(object, (bytes) => bytes.fill(0, 1000));
    anna.unlock(); // forgets what it had opened
    await berta.giveTo(anna);
    expect((await anna.conflicts()).map(({ key, versions }) => [key, versions.length])).toEqual([['x', 2]]);
    expect(await anna.damaged()).toEqual([]);
    // Once it is mended, this device sees what the others see.
    expect(await anna.run(async (tx) => repairObject(tx, nameHash(good), good))).toBe(true);
    await anna.settle();
    expect(await anna.conflicts()).toEqual([]);
    expect((await anna.list()).map(({ key, conflict }) => [key, conflict])).toEqual([['x', false]]);
  });

  it('with a large value that cannot be read for once is not indexed: it is when the disk is well again', async () => {
    const mesh = new Mesh('large and unreadable', ['anna', 'berta']);
    const whole = createCopyableJournal();
    let broken: string | undefined;
    const journal: Journal = {
      ...whole,
      async get(key) {
        if (key === broken) throw new PassportError('home-unusable', 'too many open files');
        return whole.get(key);
      },
    };
    const anna = new TestDevice(mesh, 'anna', { journal });
    const berta = new TestDevice(mesh, 'berta');
    for (const device of [anna, berta]) await device.write([put('x', new Uint8Array(100_000).fill(1))]);
    broken = whole.keys().find((key) => key.startsWith('o/')) as string;
    anna.unlock();
    for (const bundle of await berta.bundles()) await anna.receive(bundle);
    expect(await rejectionOf(anna.settle())).toBe('home-unusable');
    broken = undefined;
    await anna.settle();
    expect(await anna.conflicts()).toEqual([]);
    expect((await anna.history('x')).map(({ state }) => state)).toEqual(['winner', 'standing']);
  });

  it('of another type is a conflict, though the value is equal', async () => {
    const { anna, berta } = pair('types');
    await anna.put('x', 'same', 'text');
    await berta.put('x', 'same', 'json');
    await syncAll([anna, berta]);
    expect(await anna.conflicts()).toHaveLength(1);
  });
});

describe('a delete', () => {
  it('is an update: the record is gone, its history is not', async () => {
    const { anna } = pair('delete');
    await anna.put('x', 'there');
    await anna.remove('x');
    expect(await anna.list()).toEqual([]);
    expect(await anna.get('x')).toBeUndefined();
    const [, before] = await anna.history('x');
    expect(await anna.get('x', before?.version)).toBe('there');
  });

  it('and an edit that did not know of it are a visible conflict', async () => {
    const { anna, berta } = pair('edit of deleted');
    await anna.put('x', 'there');
    await anna.giveTo(berta);
    anna.now += 1000;
    await anna.remove('x');
    await berta.put('x', 'edited');
    await syncAll([anna, berta]);
    expect(await anna.list()).toMatchObject([{ key: 'x', conflict: true, deleted: true }]);
    expect((await anna.conflicts())[0]?.versions.map(({ deleted, winner }) => [deleted, winner])).toEqual([
      [true, true],
      [false, false],
    ]);
  });
});

describe('a conflict', () => {
  it('is counted also while locked', async () => {
    const { anna, berta } = pair('count');
    await disagree(anna, berta);
    anna.lock();
    expect(await anna.run((tx) => new Buckets(tx).conflictCount())).toBe(1);
  });

  it('keeps all versions readable', async () => {
    const { anna, berta } = pair('readable');
    await disagree(anna, berta);
    const [conflict] = await berta.conflicts();
    expect(await Promise.all(conflict!.versions.map(({ version }) => berta.get('x', version)))).toEqual([
      'by anna',
      'by berta',
    ]);
  });

  it('resolved as "newest" becomes the winner that was shown, everywhere', async () => {
    const { anna, berta } = pair('newest');
    await disagree(anna, berta);
    const [conflict] = await berta.conflicts();
    await berta.run((tx, ctx) => resolve(tx, ctx, { conflictId: conflict!.id, resolution: 'newest' }));
    await syncAll([anna, berta]);
    expect(await anna.conflicts()).toEqual([]);
    expect(await anna.get('x')).toBe('by anna');
    expect(await anna.run((tx) => new Buckets(tx).conflictCount())).toBe(0);
  });

  it('resolved by hand becomes the version that was selected', async () => {
    const { anna, berta } = pair('manual');
    await disagree(anna, berta);
    const [conflict] = await berta.conflicts();
    const selectedVersion = conflict!.versions[1]!.version;
    await berta.run((tx, ctx) => resolve(tx, ctx, { conflictId: conflict!.id, resolution: 'manual', selectedVersion }));
    await syncAll([anna, berta]);
    expect(await anna.get('x')).toBe('by berta');
    expect(await anna.conflicts()).toEqual([]);
  });

  it('resolved by hand with a version that is not one of it is refused', async () => {
    const { anna, berta } = pair('not one of it');
    await disagree(anna, berta);
    const [conflict] = await berta.conflicts();
    const resolution = { conflictId: conflict!.id, resolution: 'manual', selectedVersion: '00'.repeat(32) } as const;
    expect(await rejectionOf(berta.run((tx, ctx) => resolve(tx, ctx, resolution)))).toBe('usage');
  });

  it('that is unknown cannot be resolved', async () => {
    const { anna } = pair('unknown');
    const resolution = { conflictId: '00'.repeat(32), resolution: 'newest' } as const;
    expect(await rejectionOf(anna.run((tx, ctx) => resolve(tx, ctx, resolution)))).toBe('no-such-conflict');
  });

  it('whose set has changed fails with the new set, and nothing is written', async () => {
    const { anna, berta, carla } = pair('changed');
    await carla.put('x', 'by carla');
    await disagree(anna, berta);
    const [shown] = await anna.conflicts();
    await carla.giveTo(anna);
    const before = (await anna.bundles()).length;
    const error = await anna
      .run((tx, ctx) => resolve(tx, ctx, { conflictId: shown!.id, resolution: 'newest' }))
      .catch((cause) => cause);
    expect(isPassportError(error, 'conflict-changed')).toBe(true);
    const [now] = await anna.conflicts();
    expect(error.details).toEqual({ key: 'x', conflictId: now!.id, versions: now!.versions });
    expect(now!.versions).toHaveLength(3);
    expect((await anna.bundles()).length).toBe(before);
  });

  it('whose set changes by what was received and not applied yet fails too: nothing unseen is settled', async () => {
    const { anna, berta, carla } = pair('unseen');
    await carla.put('x', 'by carla');
    await disagree(anna, berta);
    const [shown] = await anna.conflicts();
    for (const bundle of await carla.bundles()) await anna.receive(bundle);
    const resolution = { conflictId: shown!.id, resolution: 'newest' } as const;
    expect(await rejectionOf(anna.run((tx, ctx) => resolve(tx, ctx, resolution)))).toBe('conflict-changed');
  });

  it('that another device has settled meanwhile fails, and none is left', async () => {
    const { anna, berta } = pair('settled');
    await disagree(anna, berta);
    const [shown] = await anna.conflicts();
    await berta.run((tx, ctx) => resolve(tx, ctx, { conflictId: shown!.id, resolution: 'newest' }));
    await berta.giveTo(anna);
    const error = await anna
      .run((tx, ctx) => resolve(tx, ctx, { conflictId: shown!.id, resolution: 'newest' }))
      .catch((cause) => cause);
    expect(isPassportError(error, 'conflict-changed')).toBe(true);
    expect(error.details.conflictId).toBeUndefined();
  });

  it('settled by two devices in the same way is no new conflict', async () => {
    const { anna, berta } = pair('both settle');
    await disagree(anna, berta);
    for (const device of [anna, berta]) {
      const [shown] = await device.conflicts();
      await device.run((tx, ctx) => resolve(tx, ctx, { conflictId: shown!.id, resolution: 'newest' }));
    }
    await syncAll([anna, berta]);
    expect(await anna.conflicts()).toEqual([]);
    expect(await anna.get('x')).toBe('by anna');
  });

  it('has the same id wherever the same versions stand', async () => {
    const { anna, berta } = pair('ids');
    await disagree(anna, berta);
    expect((await anna.conflicts())[0]?.id).toBe((await berta.conflicts())[0]?.id);
    expect(START).toBeGreaterThan(0);
  });
});
