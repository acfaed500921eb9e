/** The records as a person sees them: lists, single records, their versions and the order of their history. */
import { describe, expect, it } from 'vitest';
import { compare, hex, utf8 } from '../../src/bytes.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { hash } from '../../src/crypto/statements.ts';
import { updateId } from '../../src/format/update.ts';
import { Buckets, conflictId, isConflict, sameContent, type Version } from '../../src/records/buckets.ts';
import { conflicts, resolve } from '../../src/records/conflicts.ts';
import { findRecord, readRecord } from '../../src/records/view.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { devices, forged, Mesh, put, START, syncAll, type TestDevice } from '../helpers/records.ts';

function three(name: string) {
  return devices(new Mesh(`view ${name}`, ['anna', 'berta', 'carla']), ['anna', 'berta', 'carla']);
}

const find = (device: TestDevice, key: string) => device.run((tx, ctx) => findRecord(tx, ctx, key));
const read = (device: TestDevice, key: string, version?: string) =>
  device.run((tx, ctx) => readRecord(tx, ctx, key, version));

describe('a record', () => {
  it('is what its winner says, in a list, by itself and with its value', async () => {
    const { anna } = three('one');
    anna.now = START + 7;
    const commit = await anna.put('x', 'value', 'text/plain');
    const info = {
      ...{ key: 'x', conflict: false, device: anna.id, time: START + 7, type: 'text/plain', sizeBytes: 5 },
      ...{ deleted: false, version: hex(updateId(anna.ctx.pid, commit, 0)) },
    };
    expect(await find(anna, 'x')).toEqual(info);
    expect(await read(anna, 'x')).toEqual({ ...info, value: utf8('value') });
    const [listed] = await anna.list();
    expect({ ...listed, version: listed!.version }).toEqual(info);
    expect(await anna.history('x')).toEqual([{ ...without(info, 'key', 'conflict'), state: 'winner' }]);
  });

  it('that is deleted is neither found nor read, but its versions are', async () => {
    const { anna } = three('deleted');
    await anna.put('x', 'value');
    await anna.remove('x');
    expect(await find(anna, 'x')).toBeUndefined();
    expect(await read(anna, 'x')).toBeUndefined();
    const [gone, before] = await anna.history('x');
    expect([gone, before]).toMatchObject([
      { deleted: true, sizeBytes: 0, state: 'winner' },
      { deleted: false, sizeBytes: 5, state: 'replaced' },
    ]);
    expect(await read(anna, 'x', gone!.version)).toMatchObject({ deleted: true, value: new Uint8Array(0) });
    expect(await read(anna, 'x', before!.version)).toMatchObject({ deleted: false, value: utf8('value') });
  });

  it('that never was is not there, and has no versions', async () => {
    const { anna } = three('never');
    await anna.put('x', 'value');
    expect(await find(anna, 'y')).toBeUndefined();
    expect(await read(anna, 'y')).toBeUndefined();
    expect(await anna.history('y')).toEqual([]);
    expect(await rejectionOf(read(anna, 'x', '00'.repeat(32)))).toBe('no-such-record');
  });

  it('has only versions of its own', async () => {
    const { anna } = three('own versions');
    await anna.put('x', 'value');
    const commit = await anna.put('y', 'other');
    expect(await rejectionOf(read(anna, 'x', hex(updateId(anna.ctx.pid, commit, 0))))).toBe('no-such-record');
  });

  it('needs an open session', async () => {
    const { anna } = three('session');
    await anna.put('x', 'value');
    anna.lock();
    for (const call of [find(anna, 'x'), read(anna, 'x'), anna.list(), anna.history('x'), anna.conflicts()])
      expect(await rejectionOf(call)).toBe('locked');
  });
});

describe('a list', () => {
  it('is sorted by key and cut to a prefix', async () => {
    const { anna } = three('list');
    const keys = ['b', 'a/2', 'a/10', 'ä', 'a', 'Z', 'c'];
    await anna.write(keys.map((key) => put(key, 'v')));
    const listed = async (prefix?: string) => (await anna.list(prefix)).map(({ key }) => key);
    expect(await listed()).toEqual(['Z', 'a', 'a/10', 'a/2', 'b', 'c', 'ä']);
    expect(await listed('a')).toEqual(['a', 'a/10', 'a/2']);
    expect(await listed('a/')).toEqual(['a/10', 'a/2']);
    expect(await listed('x')).toEqual([]);
  });
});

describe('the index', () => {
  it('keeps records apart that share one of its 256 parts', async () => {
    const { anna, berta } = three('parts');
    const keys = Array.from({ length: 300 }, (_, i) => `key ${i}`);
    for (const value of ['1', '2']) await anna.write(keys.map((key) => put(key, `${key} ${value}`)));
    await berta.put('key 7', 'by berta');
    await syncAll([anna, berta]);
    expect((await anna.conflicts()).map(({ key }) => key)).toEqual(['key 7']);
    for (const key of keys.filter((each) => each !== 'key 7')) {
      expect((await anna.history(key)).map(({ state }) => state)).toEqual(['winner', 'replaced']);
    }
    expect(await anna.get('key 8')).toBe('key 8 2');
  });
});

describe('the history', () => {
  it('is the winner, what else stands, then the replaced ones, the newest first', async () => {
    const { anna, berta } = three('history');
    for (const value of ['1', '2', '3']) await anna.put('x', value);
    await anna.giveTo(berta);
    anna.now = START + 10;
    await anna.put('x', 'anna');
    await berta.put('x', 'berta');
    await syncAll([anna, berta]);
    for (const device of [anna, berta]) {
      const history = await device.history('x');
      expect(history.map(({ state }) => state)).toEqual(['winner', 'standing', 'replaced', 'replaced', 'replaced']);
      const values = await Promise.all(history.map(async ({ version }) => device.get('x', version)));
      expect(values).toEqual(['anna', 'berta', '3', '2', '1']);
    }
  });

  it('of replaced versions that did not know of each other is in one order everywhere: by time, then by commit', async () => {
    const { anna, berta, carla } = three('replaced together');
    anna.now = START + 5;
    await anna.put('x', 'later');
    await berta.put('x', 'earlier');
    await anna.put('y', '1');
    await syncAll([anna, berta, carla]);
    await carla.put('x', 'over both');
    await syncAll([anna, berta, carla]);
    for (const device of [anna, berta, carla]) {
      const history = await device.history('x');
      expect(await Promise.all(history.map(({ version }) => device.get('x', version)))).toEqual([
        'over both',
        'later',
        'earlier',
      ]);
    }
  });

  it('of one commit that wrote a record twice has the later one first', async () => {
    const { anna, berta } = three('twice in one');
    const { bundle } = await forged(anna, {}, { updates: [put('x', 'first'), put('x', 'second')] });
    await berta.receive(bundle);
    await berta.settle();
    expect(await berta.get('x')).toBe('second');
    expect((await berta.history('x')).map(({ state }) => state)).toEqual(['winner', 'standing']);
    await berta.put('x', 'third');
    const values = await Promise.all((await berta.history('x')).map(({ version }) => berta.get('x', version)));
    expect(values).toEqual(['third', 'second', 'first']);
  });
});

describe('conflicts', () => {
  it('are listed by key, each with every content once, the winner first', async () => {
    const { anna, berta, carla } = three('conflicts');
    anna.now = START + 5;
    for (const key of ['b', 'a', 'c']) {
      await anna.put(key, 'anna');
      await berta.put(key, 'berta');
      await carla.put(key, key === 'c' ? 'anna' : 'berta');
    }
    await anna.put('d', 'alone');
    await syncAll([anna, berta, carla]);
    const found = await anna.conflicts();
    expect(found.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
    for (const { versions } of found) {
      expect(versions.map(({ device, winner }) => [device === anna.id, winner])).toEqual([
        [true, true],
        [false, false],
      ]);
    }
    expect(await anna.run((tx) => new Buckets(tx).conflictCount())).toBe(3);
  });

  it('settled with a delete remove the record', async () => {
    const { anna, berta } = three('settled by delete');
    await anna.put('x', 'there');
    await anna.giveTo(berta);
    await berta.put('x', 'edited');
    await anna.remove('x');
    await syncAll([anna, berta]);
    const [conflict] = await anna.conflicts();
    const selectedVersion = conflict!.versions.find(({ deleted }) => deleted)!.version;
    await anna.run((tx, ctx) => resolve(tx, ctx, { conflictId: conflict!.id, resolution: 'manual', selectedVersion }));
    expect(await anna.list()).toEqual([]);
    expect(await anna.conflicts()).toEqual([]);
    expect((await anna.history('x'))[0]).toMatchObject({ deleted: true, type: '', state: 'winner' });
  });

  it('by hand need a version, and settle with it the one that was asked for', async () => {
    const { anna, berta } = three('by hand');
    for (const key of ['x', 'y']) {
      await anna.put(key, `anna ${key}`, 'note');
      await berta.put(key, `berta ${key}`, 'note');
    }
    await syncAll([anna, berta]);
    const [, second] = await anna.conflicts();
    expect(second!.key).toBe('y');
    const manual = { conflictId: second!.id, resolution: 'manual' } as const;
    expect(await rejectionOf(anna.run((tx, ctx) => resolve(tx, ctx, manual)))).toBe('usage');
    const chosen = second!.versions.find(({ device }) => device === berta.id)!;
    await anna.run((tx, ctx) => resolve(tx, ctx, { ...manual, selectedVersion: chosen.version }));
    expect(await anna.get('y')).toBe('berta y');
    expect((await anna.list()).map(({ key, type, conflict }) => [key, type, conflict])).toEqual([
      ['x', 'note', true],
      ['y', 'note', false],
    ]);
  });

  it('are known by the ids of the versions that stand, and only while they are conflicts', async () => {
    const { anna, berta } = three('ids');
    const commit = await anna.put('x', 'anna');
    const alone = hex(hash(anna.ctx.pid, 'conflict', [updateId(anna.ctx.pid, commit, 0)]));
    const settle = { conflictId: alone, resolution: 'newest' } as const;
    expect(await rejectionOf(anna.run((tx, ctx) => resolve(tx, ctx, settle)))).toBe('no-such-conflict');
    const other = await berta.put('x', 'berta');
    await syncAll([anna, berta]);
    const ids = [commit, other].map((id) => updateId(anna.ctx.pid, id, 0)).sort(compare);
    expect((await anna.conflicts()).map(({ id }) => id)).toEqual([hex(hash(anna.ctx.pid, 'conflict', ids))]);
  });

  it('need an open session', async () => {
    const { anna } = three('conflicts locked');
    anna.lock();
    expect(await rejectionOf(anna.run((tx, ctx) => conflicts(tx, ctx)))).toBe('locked');
  });
});

describe('versions', () => {
  const version = (change: Partial<Version> = {}): Version => ({
    by: {
      ...{ commit: new Uint8Array(32), chain: new Uint8Array(16), seq: 1, device: new Uint8Array(16) },
      ...{ time: 1, order: 1 },
    },
    ...{ index: 0, deleted: false, type: 'text', sizeBytes: 1, valueHash: sha256(utf8('a')) },
    ...change,
  });

  it('are the same content by op, type and value', () => {
    expect(sameContent(version(), version({ index: 7, sizeBytes: 9 }))).toBe(true);
    const others = [{ deleted: true }, { type: 'other' }, { valueHash: sha256(utf8('b')) }, { valueHash: null }];
    for (const change of others) expect(sameContent(version(), version(change))).toBe(false);
  });

  it('are a conflict when any of them differs from another', () => {
    const other = version({ type: 'other' });
    expect([[], [version()], [version(), version()]].map(isConflict)).toEqual([false, false, false]);
    expect(
      [
        [version(), other],
        [version(), version(), other],
      ].map(isConflict),
    ).toEqual([true, true]);
  });

  it('give a conflict one id in whatever order they stand', () => {
    const pid = new Uint8Array(32);
    const all = [version(), version({ index: 1 }), version({ index: 2 })];
    const id = hex(conflictId(pid, all));
    expect(hex(conflictId(pid, [...all].reverse()))).toBe(id);
    expect(hex(conflictId(pid, all.slice(1)))).not.toBe(id);
  });
});

/** An object without some of its fields. */
function without<T extends object, K extends keyof T>(from: T, ...keys: K[]): Omit<T, K> {
  const rest = { ...from };
  for (const key of keys) delete rest[key];
  return rest;
}
