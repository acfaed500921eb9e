/** A cut decides what a device that has left still counts for: no clock, no number, no order of arrival. */
import { describe, expect, it } from 'vitest';
import { hex, type Bytes } from '../../src/bytes.ts';
import { adopt } from '../../src/records/adopt.ts';
import { headsOfDevice } from '../../src/records/heads.ts';
import { newIncarnation } from '../../src/records/own.ts';
import { writeCommit } from '../../src/records/write.ts';
import { commitId, parseHeader } from '../../src/format/commit.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { devices, forged, Mesh, put, syncAll, TestDevice } from '../helpers/records.ts';

function mesh(name: string) {
  const made = new Mesh(name, ['anna', 'berta', 'phone']);
  return { mesh: made, ...devices(made, ['anna', 'berta', 'phone']) };
}

describe('a cut', () => {
  it('keeps the named commit and its ancestors, and quarantines the rest, also what is applied already', async () => {
    const { mesh: registry, anna, phone } = mesh('keeps');
    await phone.put('a', 'one');
    const last = await phone.put('b', 'two');
    await phone.put('a', 'stolen');
    await phone.giveTo(anna);
    expect(await anna.get('a')).toBe('stolen');
    registry.decide({ devices: ['anna', 'berta'], cut: { phone: [last] } });
    anna.learn();
    expect(await anna.settle()).toMatchObject({ rebuilt: true });
    expect(await anna.get('a')).toBe('one');
    expect(await anna.get('b')).toBe('two');
    expect(await anna.quarantined()).toMatchObject([{ key: 'a', deleted: false, device: phone.id }]);
    expect(await anna.conflicts()).toEqual([]);
  });

  it('lets a replaced version come back when its successor is quarantined', async () => {
    const { mesh: registry, anna, phone } = mesh('comes back');
    await anna.put('x', 'mine');
    await anna.giveTo(phone);
    await phone.put('x', 'theirs');
    await phone.giveTo(anna);
    expect(await anna.get('x')).toBe('theirs');
    registry.decide({ devices: ['anna', 'berta'], cut: { phone: [] } });
    anna.learn();
    await anna.settle();
    expect(await anna.get('x')).toBe('mine');
    expect((await anna.history('x')).map(({ state }) => state)).toEqual(['winner']);
  });

  it('of no heads quarantines everything', async () => {
    const { mesh: registry, anna, phone } = mesh('everything');
    await phone.put('x', 'one');
    registry.decide({ devices: ['anna', 'berta'], cut: { phone: [] } });
    await phone.giveTo(anna);
    anna.learn();
    await anna.settle();
    expect(await anna.list()).toEqual([]);
    expect(await anna.quarantined()).toHaveLength(1);
  });

  it('follows the commits before over incarnations', async () => {
    const { mesh: registry, anna, phone } = mesh('incarnations');
    await phone.put('a', 'first life');
    await phone.run(async (tx, ctx) => newIncarnation(tx, ctx));
    const last = await phone.put('b', 'second life');
    await phone.put('c', 'too late');
    registry.decide({ devices: ['anna', 'berta'], cut: { phone: [last] } });
    await phone.giveTo(anna);
    anna.learn();
    await anna.settle();
    expect((await anna.list()).map(({ key }) => key)).toEqual(['a', 'b']);
    expect((await anna.quarantined()).map(({ key }) => key)).toEqual(['c']);
  });

  it('quarantines a branch that it does not name, whatever its numbers', async () => {
    const { mesh: registry, anna, phone } = mesh('branch');
    const last = await phone.put('a', 'one');
    await phone.put('b', 'two');
    // The thief begins a new chain that knows of nothing.
    const thief = devices(registry, ['phone']).phone;
    await thief.run(async (tx, ctx) =>
      newIncarnation(tx, { ...ctx, random: (length) => new Uint8Array(length).map((_, i) => i) }),
    );
    await thief.put('a', 'stolen');
    await syncAll([anna, phone]);
    await thief.giveTo(anna);
    registry.decide({ devices: ['anna', 'berta'], cut: { phone: [last] } });
    anna.learn();
    await anna.settle();
    expect(await anna.get('a')).toBe('one');
    expect(new Set((await anna.quarantined()).map(({ key }) => key))).toEqual(new Set(['a', 'b']));
  });

  it('waits for the commits that it names: until then nothing more by that device is decided', async () => {
    const { mesh: registry, anna, phone } = mesh('waits');
    await phone.put('a', 'one');
    await phone.put('b', 'two');
    const last = await phone.put('c', 'three');
    const [first, second, third] = await phone.bundles();
    registry.decide({ devices: ['anna', 'berta'], cut: { phone: [last] } });
    anna.learn();
    await anna.receive(first!);
    await anna.receive(third!);
    await anna.settle();
    expect(await anna.list()).toEqual([]);
    expect((await anna.waiting()).map(({ waits }) => waits)).toEqual([{ for: 'cut' }, { for: 'cut' }]);
    await anna.receive(second!);
    await anna.settle();
    expect((await anna.list()).map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });

  it('does not hold up a commit of another device that knew of what is quarantined', async () => {
    const { mesh: registry, anna, berta, phone } = mesh('no blocking');
    await phone.put('a', 'stolen');
    await phone.giveTo(anna);
    await anna.put('b', 'built on it');
    registry.decide({ devices: ['anna', 'berta'], cut: { phone: [] } });
    await anna.giveTo(berta);
    berta.learn();
    await berta.settle();
    expect((await berta.list()).map(({ key }) => key)).toEqual(['b']);
    expect(await berta.waiting()).toEqual([]);
  });

  it('takes from a quarantined commit its say on what was known: only what others named themselves counts', async () => {
    const { mesh: registry, anna, berta, phone } = mesh('no say');
    await berta.put('x', 'by berta');
    await berta.giveTo(phone);
    const id = await phone.put('y', 'knows of it');
    const [theirs] = (await phone.run((tx, ctx) => headsOfDevice(tx, ctx, phone.ctx.device))).map(
      ({ header }) => header,
    );
    const { chain } = parseHeader(registry.pid, theirs!);
    // anna's commit names the phone's only, though whoever has that one has berta's too.
    const { bundle } = await forged(anna, { ctx: [{ chain, seq: 1, id }] }, { updates: [put('x', 'by anna')] });
    const before = new TestDevice(registry, 'berta', { home: 'before' });
    for (const each of [...(await phone.bundles()), bundle]) await before.receive(each);
    await before.settle();
    expect(await before.conflicts()).toEqual([]);
    registry.decide({ devices: ['anna', 'berta'], epoch: 0, cut: { phone: [] } });
    const after = new TestDevice(registry, 'berta', { home: 'after' });
    for (const each of [bundle, ...(await phone.bundles())]) await after.receive(each);
    before.learn();
    for (const reader of [before, after]) {
      await reader.settle();
      expect((await reader.conflicts())[0]?.versions).toHaveLength(2);
    }
    expect(await before.state()).toBe(await after.state());
  });

  it('makes a commit void that names an entry in which its author is no device any more', async () => {
    const { mesh: registry, anna, phone } = mesh('after');
    const last = await phone.put('a', 'one');
    registry.decide({ devices: ['anna', 'berta'], cut: { phone: [last] } });
    // A phone that pretends not to have read what it signs.
    const { registry: honest } = phone.ctx;
    const lying = {
      ...honest,
      head: registry.entries[1]!.id,
      headSlot: 0,
      epochAt: () => 1,
      cutOf: () => undefined,
      deviceKeyAt: (device: Bytes, slot: number) => honest.deviceKeyAt(device, slot),
    };
    phone.head = 1;
    await phone.run((tx, ctx) =>
      writeCommit(tx, { ...ctx, registry: lying }, [
        { key: 'a', op: 'put', type: '', value: new Uint8Array(1), reason: null },
      ]),
    );
    await phone.giveTo(anna);
    anna.learn();
    for (const bundle of await phone.bundles()) await anna.receive(bundle);
    await anna.settle();
    expect(await anna.get('a')).toBe('one');
    expect(await anna.quarantined()).toHaveLength(1);
  });
});

describe('a commit inside the cut', () => {
  it('is refused when it names an entry in which its author was no device yet', async () => {
    const made = new Mesh('too early', ['anna', 'berta']);
    made.decide({ devices: ['anna', 'berta', 'phone'], epoch: 0 });
    const { anna, phone } = devices(made, ['anna', 'phone']);
    const updates = [put('x', 'one')];
    const early = await forged(phone, { registry: made.entries[0]!.id }, { updates });
    const good = await forged(phone, {}, { updates: [put('y', 'two')] });
    const cut = { phone: [early, good].map(({ commit }) => commit.parsed.id) };
    made.decide({ devices: ['anna', 'berta'], epoch: 0, cut });
    anna.learn();
    for (const { bundle } of [early, good]) await anna.receive(bundle);
    expect(await anna.settle()).toMatchObject({ applied: 1 });
    expect((await anna.list()).map(({ key }) => key)).toEqual(['y']);
    expect(await anna.quarantined()).toEqual([]);
    expect(await anna.waiting()).toEqual([]);
  });
});

describe('a device that has left', () => {
  it('can write nothing more', async () => {
    const { mesh: registry, phone } = mesh('left');
    registry.decide({ devices: ['anna', 'berta'], cut: { phone: [] } });
    phone.learn();
    expect(await rejectionOf(phone.put('x', 'one'))).toBe('revoked');
    expect(await rejectionOf(phone.write([]))).toBe('revoked');
  });
});

describe('a quarantined update', () => {
  async function quarantinedX(name: string): Promise<{ anna: TestDevice; id: string }> {
    const { mesh: registry, anna, phone } = mesh(name);
    await phone.put('x', 'worth keeping');
    registry.decide({ devices: ['anna', 'berta'], epoch: 0, cut: { phone: [] } });
    anna.learn();
    await phone.giveTo(anna);
    const [update] = await anna.quarantined();
    return { anna, id: update!.id };
  }

  it('is listed without its key while locked', async () => {
    const { anna, id } = await quarantinedX('listed');
    anna.lock();
    expect(await anna.quarantined()).toMatchObject([{ id, key: undefined, deleted: undefined }]);
  });

  it('can be adopted: a current device writes it as its own', async () => {
    const { anna, id } = await quarantinedX('adopted');
    await anna.run((tx, ctx) => adopt(tx, ctx, id));
    expect(await anna.get('x')).toBe('worth keeping');
    expect((await anna.list())[0]?.device).toBe(anna.id);
  });

  it('that is unknown cannot be adopted', async () => {
    const { anna } = await quarantinedX('unknown');
    expect(await rejectionOf(anna.run((tx, ctx) => adopt(tx, ctx, '00'.repeat(32))))).toBe('no-such-record');
  });

  it('cannot be adopted while locked', async () => {
    const { anna, id } = await quarantinedX('locked');
    anna.lock();
    expect(await rejectionOf(anna.run((tx, ctx) => adopt(tx, ctx, id)))).toBe('locked');
  });
});

describe('the heads of a device, for a promise', () => {
  it('are the newest applied commits by it, signed; over incarnations the last one only', async () => {
    const { anna, phone } = mesh('heads');
    await phone.put('a', 'one');
    await phone.put('a', 'two');
    await phone.run(async (tx, ctx) => newIncarnation(tx, ctx));
    const last = await phone.put('a', 'three');
    await phone.giveTo(anna);
    const heads = await anna.run((tx, ctx) => headsOfDevice(tx, ctx, phone.ctx.device));
    expect(heads.map(({ header }) => hex(commitId(anna.ctx.pid, header)))).toEqual([hex(last)]);
    expect(heads[0]?.signature).toHaveLength(64);
  });

  it('are none where nothing by it is applied', async () => {
    const { anna, phone } = mesh('no heads');
    expect(await anna.run((tx, ctx) => headsOfDevice(tx, ctx, phone.ctx.device))).toEqual([]);
  });
});
