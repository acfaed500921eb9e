/** Stores that fail, lie or lose: each is served by itself, none is believed, and nothing that a device has is lost. */
import { beforeEach, describe, expect, it } from 'vitest';

import { PassportError, type PassportErrorCode } from '../../src/index.ts';
import { formatName, nameHash, parseName } from '../../src/format/names.ts';
import type { StoreCall, TestStore } from '../helpers/durable.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { type Member, PASSPHRASE, text, twoDevices, World, words } from '../helpers/mesh.ts';
import { seededRandom } from '../helpers/random.ts';

const fail = (code: PassportErrorCode) => new PassportError(code, 'the store does not');

describe('two stores of which one', () => {
  let world: World;
  let laptop: Member;
  let phone: Member;
  let one: TestStore;
  let two: TestStore;

  beforeEach(async ({ task }) => {
    world = new World(`stores ${task.name}`);
    const created = await world.create('laptop', { stores: ['memory:one', 'memory:two'] });
    laptop = created;
    phone = await world.enroll('phone', created, { kits: [words(created.kits[0]!)] });
    [one, two] = [world.store('memory:one'), world.store('memory:two')];
    await laptop.passport.sync();
    await phone.passport.sync();
    await laptop.passport.put('a', 'b');
  });

  const onlyOn = (calls: readonly StoreCall[], code: PassportErrorCode) => (call: StoreCall) =>
    calls.includes(call) ? fail(code) : undefined;

  it.each([
    ['is down', ['list', 'get', 'put', 'delete'], 'store-unreachable', 'unreachable'],
    ['cannot be read', ['list', 'get'], 'store-refused', 'refused'],
    ['is read-only', ['put', 'delete'], 'store-refused', 'refused'],
    ['is full', ['put'], 'store-full', 'full'],
  ] as const)(
    '%s: the other one serves, and it gets everything when it is well again',
    async (_, calls, code, state) => {
      two.fault = onlyOn(calls, code);
      const report = await laptop.passport.sync();
      expect(report.stores.map((each) => each.state)).toEqual(['ok', state]);
      expect(report.stores[1]!.error).toMatchObject({ code });
      expect(report.stores[0]).toMatchObject({ behind: 0, sent: 1 });
      expect(report.stores[1]!.behind).toBe(1);
      expect((await laptop.passport.status()).pending).toBe(0);
      expect((await laptop.passport.status()).warnings.join()).toContain(`memory:two: ${state}`);
      two.fault = () => undefined;
      const well = await laptop.passport.sync();
      expect(well.stores.map(({ state: now, behind }) => [now, behind])).toEqual([
        ['ok', 0],
        ['ok', 0],
      ]);
      expect((await laptop.passport.status()).warnings.join()).not.toContain('memory:two');
      const bundles = (store: TestStore) =>
        [...store.objects.keys()].filter((name) => parseName(name)?.kind === 'bundle').length;
      expect(bundles(two)).toBe(bundles(one));
    },
  );

  it('is emptied gets everything again, from what the devices have', async () => {
    await laptop.passport.sync();
    two.objects.clear();
    const report = await laptop.passport.sync();
    expect(report.stores[1]).toMatchObject({ state: 'rolled-back' });
    expect(report.stores[1]!.lost).toHaveLength(1);
    expect((await laptop.passport.sync()).stores[1]).toMatchObject({ state: 'ok', lost: [], behind: 0 });
    const kinds = (store: TestStore) =>
      ['bundle', 'registry', 'grant'].map(
        (kind) => [...store.objects.keys()].filter((n) => parseName(n)?.kind === kind).length,
      );
    const [bundles, registry, grants] = kinds(two);
    expect([bundles, registry]).toEqual(kinds(one).slice(0, 2));
    expect(grants).toBe(3); // of the newest epoch
    // It is as good as the first one: a device is recovered from it.
    world.stores.delete('memory:one');
    const kits = (await laptop.passport.devices()).filter(({ kind, state }) => kind === 'kit' && state === 'active');
    expect(kits).toHaveLength(1);
  });

  it('is not there at all (its address is not known here) is named', async () => {
    world.stores.delete('memory:two');
    const environment = { ...phone.home.environment };
    phone.home.environment.openStore = async (url) => {
      if (url === 'memory:two') throw fail('store-unknown');
      return environment.openStore(url);
    };
    const again = await world.open(1);
    const report = await again.passport.sync();
    expect(report.stores.map(({ state }) => state)).toEqual(['ok', 'unknown']);
  });

  it('cannot be reached for a change that is asked on the other one: it is decided there', async () => {
    two.fault = () => fail('store-unreachable');
    const change = await laptop.passport.rename('phone', 'pocket', { passphrase: PASSPHRASE, timeoutMs: 0 });
    expect(await world.settle(laptop, change, [phone])).toMatchObject({ state: 'decided' });
    two.fault = () => undefined;
    await laptop.passport.sync();
    const slots = [...two.objects.keys()].map(parseName).filter((name) => name?.kind === 'registry');
    expect(new Set(slots.map((name) => (name?.kind === 'registry' ? name.slot : -1)))).toEqual(new Set([0, 1, 2]));
  });

  it('stops in the middle: what came through is not sent again', async () => {
    for (let i = 0; i < 70; i++) await laptop.passport.put(`more/${i}`, 'x');
    let left = 1;
    two.fault = (call) => (call === 'put' && left-- <= 0 ? fail('store-unreachable') : undefined);
    await laptop.passport.sync();
    two.fault = () => undefined;
    two.resetCount();
    expect((await laptop.passport.sync()).stores[1]).toMatchObject({ state: 'ok', behind: 0 });
    expect(two.count.put).toBe(1);
  });

  it('both down: a sync says so and loses nothing; what needs the mesh fails with the store’s code', async () => {
    one.fault = two.fault = () => fail('store-unreachable');
    const report = await laptop.passport.sync();
    expect(report.stores.map(({ state }) => state)).toEqual(['unreachable', 'unreachable']);
    expect((await laptop.passport.status()).pending).toBe(1);
    expect(await text(laptop, 'a')).toBe('b');
    await laptop.passport.put('c', 'd');
    const rename = laptop.passport.rename('phone', 'x', { passphrase: PASSPHRASE, timeoutMs: 0 });
    expect(await rejectionOf(rename)).toBe('store-unreachable');
    one.fault = two.fault = () => undefined;
    await laptop.passport.sync();
    expect((await laptop.passport.status()).pending).toBe(0);
  });
});

describe('a store', () => {
  let world: World;
  let laptop: Member;
  let phone: Member;
  let store: TestStore;
  let kit: string;

  beforeEach(async ({ task }) => {
    ({ world, laptop, phone, kit } = await twoDevices(`store ${task.name}`));
    store = world.store();
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    await laptop.passport.put('a', 'first');
    await laptop.passport.sync();
    await phone.passport.sync();
  });

  it('that tears what was put is given time, then named, and whole again when the owner repairs it', async () => {
    await laptop.passport.put('b', 'torn');
    await laptop.passport.sync();
    const [torn] = [...store.objects.keys()].filter((name) => parseName(name)?.kind === 'bundle').slice(-1);
    const path = torn!.split('/').slice(2).join('/');
    store.objects.set(torn!, store.objects.get(torn!)!.slice(0, 100));
    expect((await phone.passport.sync()).stores[0]).toMatchObject({ damaged: [] });
    expect((await phone.passport.sync()).stores[0]).toMatchObject({ damaged: [path] });
    expect((await laptop.passport.verify({ repair: true })).ok).toBe(true);
    expect((await phone.passport.sync()).stores[0]).toMatchObject({ damaged: [], received: 1 });
    await phone.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    expect(await text(phone, 'b')).toBe('torn');
  });

  it('that is filled with junk of every name stops nobody', async () => {
    const random = seededRandom('junk');
    const id = parseName([...store.objects.keys()][0]!)!.store;
    const [bundle] = [...store.objects.keys()].map(parseName).filter((name) => name?.kind === 'bundle');
    const [vote] = [...store.ever.keys()].map(parseName).filter((name) => name?.kind === 'vote');
    for (let i = 0; i < 40; i++) {
      const bytes = random(20 + i * 37);
      const hash = nameHash(bytes);
      for (const name of [
        { kind: 'registry', store: id, slot: i, hash, hot: true },
        { kind: 'registry', store: id, slot: i, hash, hot: false },
        { ...bundle!, hash, first: 1, last: 1 + (i % 60) },
        { ...vote!, hash, slot: 2 },
        { kind: 'mail', store: id, holder: (vote as { holder: string }).holder, hash },
        { kind: 'grant', store: id, epoch: 1, holder: (vote as { holder: string }).holder, hash },
      ] as NonNullable<ReturnType<typeof parseName>>[]) {
        store.objects.set(formatName(name), bytes);
      }
      store.objects.set(`p/${id}/hot/x-${i}`, bytes);
      store.objects.set(`p/nothing/${i}`, bytes);
    }
    for (const member of [laptop, phone])
      expect((await member.passport.sync()).stores[0]).toMatchObject({ state: 'ok' });
    await laptop.passport.put('b', 'goes on');
    await laptop.passport.sync();
    const change = await laptop.passport.rename('phone', 'pocket', { passphrase: PASSPHRASE, timeoutMs: 0 });
    expect(await world.settle(laptop, change, [phone])).toMatchObject({ state: 'decided', slot: 2 });
    await phone.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    await phone.passport.sync();
    expect(await text(phone, 'b')).toBe('goes on');
  });

  it('that has junk with a huge slot keeps nobody busy for long', async () => {
    const bytes = new Uint8Array(64);
    const id = parseName([...store.objects.keys()][0]!)!.store;
    const name = { kind: 'registry', store: id, slot: 0xffff_fff0, hash: nameHash(bytes), hot: true } as const;
    store.objects.set(formatName(name), bytes);
    expect((await phone.passport.sync()).stores[0]).toMatchObject({ state: 'ok' });
    store.resetCount();
    await phone.passport.sync();
    expect(store.count.list).toBeLessThanOrEqual(2);
    store.objects.delete(formatName(name));
    expect((await phone.passport.sync()).stores[0]).toMatchObject({ state: 'ok' });
  });

  it('that lists an object it does not have is served as if it were not there', async () => {
    const [name] = [...store.objects.keys()].filter((each) => parseName(each)?.kind === 'bundle');
    const bytes = store.objects.get(name!)!;
    store.get = async (each) => (each === name ? undefined : store.objects.get(each));
    const fresh = await world.enroll('tablet', laptop, { kits: [kit] });
    await fresh.passport.sync();
    expect(bytes.length).toBeGreaterThan(0);
    expect((await fresh.passport.status()).slot).toBe(2);
  });

  it('swapped for that of another passport takes nothing and gives nothing', async () => {
    const other = new World('another');
    const stranger = await other.create();
    await stranger.passport.put('secret', 'x');
    await stranger.passport.sync();
    store.objects.clear();
    for (const [name, bytes] of other.store().objects) store.objects.set(name, bytes);
    const report = await laptop.passport.sync();
    expect(report.stores[0]).toMatchObject({ state: 'rolled-back' });
    expect(await text(laptop, 'a')).toBe('first');
    await phone.passport.sync();
    expect((await phone.passport.devices()).map(({ name }) => name)).toEqual(['laptop', 'kit-1', 'kit-2', 'phone']);
  });

  it('is asked no more than it must: an abort ends the sync with what came before it', async () => {
    expect(await rejectionOf(laptop.passport.sync({ signal: AbortSignal.abort() }))).toBe('aborted');
    await laptop.passport.put('b', 'x');
    const controller = new AbortController();
    store.fault = (call) => {
      if (call === 'list') controller.abort();
      return undefined;
    };
    expect(await rejectionOf(laptop.passport.sync({ signal: controller.signal }))).toBe('aborted');
    store.fault = () => undefined;
    expect((await laptop.passport.sync()).stores[0]).toMatchObject({ state: 'ok', behind: 0 });
  });
});
