/** What a sync costs: one listing per store, one put for an own change, one get for another's, and nothing else. */
import { beforeAll, describe, expect, it } from 'vitest';

import type { TestStore } from '../helpers/durable.ts';
import { type Member, PASSPHRASE, threeDevices, World, words } from '../helpers/mesh.ts';

async function settled(members: readonly Member[], rounds = 3): Promise<void> {
  for (let i = 0; i < rounds; i++) for (const { passport } of members) await passport.sync();
}

/** The calls of one sync to its store, and the changing calls to anything. */
async function costOf(member: Member, store: TestStore): Promise<{ calls: Record<string, number>; writes: string[] }> {
  store.resetCount();
  const before = member.home.power.calls.length;
  await member.passport.sync();
  return { calls: { ...store.count }, writes: member.home.power.calls.slice(before) };
}

describe.each([10, 1_000])('with %i records', (count) => {
  let world: World;
  let laptop: Member;
  let phone: Member;
  let store: TestStore;

  beforeAll(async () => {
    const mesh = await threeDevices(`cost ${count}`);
    ({ world, laptop, phone } = mesh);
    store = world.store();
    await world.unlock(laptop, phone);
    await world.unlock(phone, laptop);
    const bytes = new Uint8Array(100).fill(7);
    await laptop.passport.putMany(Array.from({ length: count }, (_, i) => ({ key: `record/${i}`, value: bytes })));
    await settled([laptop, phone, mesh.tablet]);
    expect((await phone.passport.list('record')).length).toBe(count);
  });

  it('an idle sync is one listing, and no write anywhere', async () => {
    for (const member of [laptop, phone]) {
      expect(await costOf(member, store)).toEqual({ calls: { list: 1, get: 0, put: 0, delete: 0 }, writes: [] });
    }
  });

  it('an idle sync of a new process is the same', async () => {
    const again = await world.open(0);
    expect(await costOf(again, store)).toEqual({ calls: { list: 1, get: 0, put: 0, delete: 0 }, writes: [] });
  });

  it('one own change is one put more', async () => {
    await laptop.passport.put('record/1', 'changed');
    expect((await costOf(laptop, store)).calls).toEqual({ list: 1, get: 0, put: 1, delete: 0 });
    await phone.passport.sync();
  });

  it('several own changes are one put: they go as one bundle', async () => {
    for (let i = 0; i < 5; i++) await laptop.passport.put(`record/${i}`, `changed ${i}`);
    expect((await costOf(laptop, store)).calls).toEqual({ list: 1, get: 0, put: 1, delete: 0 });
    await phone.passport.sync();
  });

  it('another’s change is one get more', async () => {
    await laptop.passport.put('record/2', 'changed again');
    await laptop.passport.sync();
    expect((await costOf(phone, store)).calls).toEqual({ list: 1, get: 1, put: 0, delete: 0 });
    expect((await costOf(phone, store)).calls).toEqual({ list: 1, get: 0, put: 0, delete: 0 });
  });
});

describe('with several stores', () => {
  it('each is listed once, and an own change goes to each once', async () => {
    const world = new World('cost stores');
    const urls = ['memory:one', 'memory:two', 'memory:three'];
    const { passport } = await world.create('laptop', { stores: urls });
    await passport.sync();
    await passport.put('a', 'b');
    for (const url of urls) world.store(url).resetCount();
    await passport.sync();
    for (const url of urls) expect(world.store(url).count).toEqual({ list: 1, get: 0, put: 1, delete: 0 });
    await passport.sync();
    for (const url of urls) expect(world.store(url).count).toEqual({ list: 2, get: 0, put: 1, delete: 0 });
  });
});

describe('a locked device', () => {
  it('mirrors what comes and pays no more for it', async () => {
    const world = new World('cost locked');
    const laptop = await world.create();
    const phone = await world.enroll('phone', laptop, { kits: [words(laptop.kits[0]!)] });
    await settled([laptop, phone]);
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [words(laptop.kits[0]!)] });
    await settled([laptop, phone]);
    await laptop.passport.put('a', 'b');
    await laptop.passport.sync();
    expect((await costOf(phone, world.store())).calls).toEqual({ list: 1, get: 1, put: 0, delete: 0 });
  });
});
