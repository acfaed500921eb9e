/** Where a device keeps replicas: stores come and go, each is filled from the device, and nothing is lost on the way. */
import { describe, expect, it } from 'vitest';

import { PassportError } from '../../src/errors.ts';
import { parseName } from '../../src/format/names.ts';
import { Passport } from '../../src/index.ts';
import { readLedger, storePlaces } from '../../src/sync/ledger.ts';
import { rejectionOf } from '../helpers/codes.ts';
import type { TestStore } from '../helpers/durable.ts';
import { inside } from '../helpers/hostile.ts';
import { contents, type Member, PASSPHRASE, text, twoDevices, words, World } from '../helpers/mesh.ts';

const ONE = 'memory:one';
const TWO = 'memory:two';
const THREE = 'memory:three';

/** Laptop with a session, phone, one kit. */
async function open(label: string) {
  const mesh = await twoDevices(label);
  await mesh.laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [mesh.kit] });
  return mesh;
}

const urls = async ({ passport }: Member) => (await passport.status()).stores.map(({ url }) => url);
const rootOf = async ({ passport }: Member, url: string) =>
  (await passport.status()).stores.find((store) => store.url === url)!.id;

/** The next such call to a store waits until something else is done. */
async function meanwhile(store: TestStore, call: 'put' | 'get', what: () => Promise<unknown>): Promise<void> {
  const usual = store[call].bind(store) as (...args: unknown[]) => Promise<never>;
  store[call] = async (...args: unknown[]) => {
    delete (store as Partial<TestStore>)[call];
    await what();
    return usual(...args);
  };
}

const rootsIn = async (world: World, url: string) =>
  new Set([...(await contents(world.store(url))).keys()].map((name) => name.split('/')[1]));

describe('a store that is added', () => {
  it('gets everything, under a root of its own', async () => {
    const { world, laptop } = await twoDevices('store-add');
    await laptop.passport.sync();
    const report = await laptop.passport.addStore(TWO);
    expect(report).toMatchObject({ url: TWO, state: 'ok', behind: 0 });
    expect(await urls(laptop)).toEqual([ONE, TWO]);
    const kinds = async (url: string) => {
      const names = [...(await contents(world.store(url))).keys()].map((name) => parseName(name)!);
      return ['bundle', 'registry', 'grant'].map((kind) => names.filter((name) => name.kind === kind).length);
    };
    expect(await kinds(ONE)).toEqual([1, 4, 6]);
    expect(await kinds(TWO)).toEqual([1, 4, 3]); // the grants of the present epoch
    const [one, two] = [await rootsIn(world, ONE), await rootsIn(world, TWO)];
    expect([one.size, two.size]).toEqual([1, 1]);
    expect([...one]).not.toEqual([...two]);
    expect(await laptop.passport.checkStore(TWO)).toMatchObject({ ok: true, damaged: [], missing: [] });
  });

  it('is joined by the next device that adds it: one root, and both meet there', async () => {
    const { world, laptop, phone, kit } = await open('store-join');
    await laptop.passport.addStore(TWO);
    await phone.passport.addStore(TWO);
    expect((await rootsIn(world, TWO)).size).toBe(1);
    world.store(ONE).fault = () => new PassportError('store-unreachable', 'gone for good');
    await laptop.passport.put('a', 'over the second one');
    await laptop.passport.sync();
    await phone.passport.sync();
    await phone.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    expect(await text(phone, 'a')).toBe('over the second one');
  });

  it('may have another passport in it already', async () => {
    const { world, laptop } = await twoDevices('store-shared');
    const other = await world.create('other', { stores: [TWO] });
    await other.passport.sync();
    await laptop.passport.addStore(TWO);
    expect((await rootsIn(world, TWO)).size).toBe(2);
    for (const { passport } of [laptop, other]) expect(await passport.verify()).toMatchObject({ ok: true });
  });

  it('opens the passport from kits when it is all that is left', async () => {
    const world = new World('store-recover');
    const laptop = await world.create();
    await laptop.passport.put('a', 'b');
    await laptop.passport.addStore(TWO);
    const home = world.home();
    const desktop = await Passport.recover(home.environment, {
      ...{ stores: [TWO], name: 'desktop', kits: laptop.kits.map(words), passphrase: PASSPHRASE },
    });
    expect(await text({ passport: desktop, home }, 'a')).toBe('b');
  });

  it('is full in the middle: it stays on the list as full, and the next sync goes on', async () => {
    const { world, laptop } = await twoDevices('store-full');
    const full = new PassportError('store-full', 'no room');
    world.store(TWO).fault = (call, name) => (call === 'put' && name.includes('/hot/') ? full : undefined);
    const report = await laptop.passport.addStore(TWO);
    expect(report).toMatchObject({ state: 'full', error: { code: 'store-full' } });
    world.store(TWO).fault = () => undefined;
    await laptop.passport.sync();
    expect(await laptop.passport.checkStore(TWO)).toMatchObject({ ok: true });
  });

  it('that takes nothing at all is off the list again, so that the next device to add it is not alone there', async () => {
    const { world, laptop, phone } = await twoDevices('store-nothing');
    world.store(TWO).fault = (call) => (call === 'put' ? new PassportError('store-full', 'no room') : undefined);
    expect(await rejectionOf(laptop.passport.addStore(TWO))).toBe('store-full');
    expect(await urls(laptop)).toEqual([ONE]);
    world.store(TWO).fault = () => undefined;
    await phone.passport.addStore(TWO);
    await laptop.passport.addStore(TWO);
    expect((await rootsIn(world, TWO)).size).toBe(1);
  });

  it('that is a copy of the folder of another one, not a whole one, is made whole', async () => {
    const { world, laptop } = await twoDevices('store-copied');
    await laptop.passport.sync();
    for (const [name, bytes] of await contents(world.store(ONE)))
      if (!name.includes('/reg/')) await world.store(TWO).put(name, bytes);
    await laptop.passport.addStore(TWO);
    expect(await laptop.passport.checkStore(TWO)).toMatchObject({ ok: true, missing: [] });
    expect((await rootsIn(world, TWO)).size).toBe(1);
  });

  it('by two processes at once is on the list once', async () => {
    const { laptop } = await twoDevices('store-twice');
    const other = await Passport.open(laptop.home.environment);
    const done = await Promise.allSettled([laptop.passport.addStore(TWO), other.addStore(TWO)]);
    expect(done.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(await urls(laptop)).toEqual([ONE, TWO]);
  });

  it.each(['laptop', 'phone'] as const)(
    'by two devices at one moment, the %s before it has put anything',
    async (slow) => {
      const { world, laptop, phone } = await twoDevices('store-moment');
      const [late, early] = slow === 'laptop' ? [laptop, phone] : [phone, laptop];
      await meanwhile(world.store(TWO), 'put', () => early.passport.addStore(TWO));
      await late.passport.addStore(TWO);
      const [first, second] = [await rootOf(early, TWO), await rootOf(late, TWO)];
      if (slow === 'phone') {
        expect(first).toBe(second);
        const grants = [...world.store(TWO).objects.keys()].filter((name) => name.includes('/grant/'));
        expect(new Set(grants.map((name) => name.split('/')[1]))).toEqual(new Set([first]));
        await late.passport.moveStore(ONE, TWO);
        return expect(await urls(late)).toEqual([TWO]);
      }
      // Who came first has looked already; its next sync looks once more.
      expect(second < first).toBe(true);
      expect(await rejectionOf(late.passport.moveStore(ONE, TWO))).toBe('waiting');
      expect(await urls(late)).toEqual([ONE, TWO]);
      await early.passport.sync();
      expect(await rootOf(early, TWO)).toBe(second);
      expect(await early.passport.checkStore(TWO)).toMatchObject({ ok: true });
      await late.passport.moveStore(ONE, TWO);
      return expect(await urls(late)).toEqual([TWO]);
    },
  );

  it('is looked at once more by the next sync; from then on a sync is one listing', async () => {
    const { world, laptop } = await twoDevices('store-young');
    await laptop.passport.addStore(TWO);
    const calls = async () => {
      const seen: string[] = [];
      world.store(TWO).fault = (call) => void seen.push(call);
      await laptop.passport.sync();
      return seen;
    };
    expect(await calls()).toEqual(['list', 'list', 'list']);
    expect(await calls()).toEqual(['list']);
  });

  it('by a device that was killed before its first put: the next one is joined by its next sync', async () => {
    const { world, laptop, phone } = await twoDevices('store-killed');
    world.store(TWO).fault = (call) => (call === 'put' ? new PassportError('aborted', 'killed') : undefined);
    expect(await rejectionOf(laptop.passport.addStore(TWO))).toBe('aborted');
    expect(await urls(laptop)).toEqual([ONE, TWO]);
    world.store(TWO).fault = () => undefined;
    await phone.passport.addStore(TWO);
    await laptop.passport.sync();
    expect(await rootOf(laptop, TWO)).toBe(await rootOf(phone, TWO));
    expect((await rootsIn(world, TWO)).size).toBe(1);
  });

  it('goes on in the session of the new keys that its sync decided', async () => {
    const { world, laptop, phone } = await open('store-session');
    const before = laptop.passport.session()?.secret;
    const change = await laptop.passport.reshare({ passphrase: PASSPHRASE, threshold: 2, timeoutMs: 0 });
    await world.approveAll(phone);
    await laptop.passport.finish(change.id, { passphrase: PASSPHRASE, timeoutMs: 0 });
    await phone.passport.sync();
    expect(laptop.passport.session()?.secret).toBe(before);
    await laptop.passport.addStore(TWO);
    expect(await laptop.passport.status()).toMatchObject({ epoch: 2 });
    expect(laptop.passport.session()?.secret).not.toBe(before);
    const later = await Passport.open(laptop.home.environment, { sessionSecret: laptop.passport.session()?.secret });
    expect(await text({ passport: later, home: laptop.home }, 'old')).toBe('written before');
  });

  it('is none twice, none that cannot be opened, and at most the sixteenth', async () => {
    const { laptop } = await twoDevices('store-usage');
    expect(await laptop.passport.addStore(ONE)).toMatchObject({ url: ONE, state: 'ok' }); // as after a sign-in that was lost
    expect(await urls(laptop)).toEqual([ONE]);
    expect(await rejectionOf(laptop.passport.addStore('cloud:nine'))).toBe('store-unknown');
    for (let i = 2; i <= 16; i++) await laptop.passport.addStore(`memory:${i}`);
    expect(await rejectionOf(laptop.passport.addStore('memory:17'))).toBe('usage');
    expect(await urls(laptop)).toHaveLength(16);
  });
});

describe('a store that is removed', () => {
  it('is asked no more; what is there stays there', async () => {
    const { world, laptop } = await open('store-remove');
    await laptop.passport.addStore(TWO);
    await laptop.passport.removeStore(ONE);
    const before = await contents(world.store(ONE));
    await laptop.passport.put('a', 'b');
    await laptop.passport.sync();
    expect(await urls(laptop)).toEqual([TWO]);
    expect(await contents(world.store(ONE))).toEqual(before);
  });

  it('is never the last one, and one that is on the list', async () => {
    const { laptop } = await twoDevices('store-last');
    expect(await rejectionOf(laptop.passport.removeStore(ONE))).toBe('usage');
    expect(await rejectionOf(laptop.passport.removeStore(TWO))).toBe('store-unknown');
    expect(await urls(laptop)).toEqual([ONE]);
  });

  it('is not the only one that has everything', async () => {
    const { world, laptop } = await open('store-only-whole');
    await laptop.passport.addStore(TWO);
    world.store(TWO).fault = (call) => (call === 'put' ? new PassportError('store-full', 'no room') : undefined);
    await laptop.passport.put('a', 'b');
    await laptop.passport.sync();
    expect(await rejectionOf(laptop.passport.removeStore(ONE))).toBe('usage');
    await laptop.passport.removeStore(TWO);
    expect(await urls(laptop)).toEqual([ONE]);
  });

  it('is not one of the only two that have everything when another process removes the other one at the same moment', async () => {
    const { world, laptop } = await open('store-race');
    await laptop.passport.addStore(TWO);
    await laptop.passport.addStore(THREE);
    world.store(THREE).fault = (call) => (call === 'put' ? new PassportError('store-full', 'no room') : undefined);
    await laptop.passport.put('a', 'b');
    await laptop.passport.sync();
    const other = await Passport.open(laptop.home.environment);
    const done = await Promise.allSettled([laptop.passport.removeStore(ONE), other.removeStore(TWO)]);
    const refused = done.flatMap((each) => (each.status === 'rejected' ? [(each.reason as PassportError).code] : []));
    expect(refused).toEqual(['usage']);
    expect(await urls(laptop)).toHaveLength(2);
    expect((await laptop.passport.status()).stores.some(({ behind }) => behind === 0)).toBe(true);
  });

  it('may go when it is dead, whatever the others have', async () => {
    const { world, laptop } = await twoDevices('store-dead');
    world.store(TWO).fault = (call, name) =>
      call === 'put' && name.includes('/hot/') ? new PassportError('store-full', 'no room') : undefined;
    await laptop.passport.addStore(TWO);
    world.store(ONE).fault = () => new PassportError('store-unreachable', 'gone for good');
    await laptop.passport.sync();
    await laptop.passport.removeStore(ONE);
    expect(await urls(laptop)).toEqual([TWO]);
  });

  it('may still have votes of a kit: typed here, it votes again only if its person says so', async () => {
    const { laptop, phone, kit } = await twoDevices('store-kit-votes');
    const change = { passphrase: PASSPHRASE, timeoutMs: 0, kits: [kit] };
    await phone.passport.moveStore(ONE, TWO);
    expect(await laptop.passport.rename('phone', 'pocket', change)).toMatchObject({ state: 'decided' });
    phone.home.confirms = () => false;
    expect(await rejectionOf(phone.passport.rename('laptop', 'desk', change))).toBe('refused');
    expect(phone.home.cards.at(-1)?.lines).toEqual([`${ONE} is no store of this device any more`]);
    await phone.passport.addStore(ONE);
    expect((await phone.passport.status()).warnings.join()).not.toContain('frozen');
    expect(await phone.passport.rename('laptop', 'desk', change)).toMatchObject({ state: 'decided', slot: 3 });
  });

  it('while another process syncs leaves nothing behind', async () => {
    const { world, laptop } = await twoDevices('store-parallel');
    await laptop.passport.addStore(TWO);
    const other = await Passport.open(laptop.home.environment);
    await laptop.passport.sync();
    const device = await inside(laptop.home);
    const place = (await device.transact(({ tx }) => storePlaces(tx))).find(({ url }) => url === TWO)!;
    const ledger = () => device.transact(({ tx }) => readLedger(tx, place));
    expect((await ledger()).names.size).toBeGreaterThan(0);
    world.store(TWO).objects.delete([...world.store(TWO).objects.keys()].find((name) => name.includes('/hot/c-'))!);
    await meanwhile(world.store(TWO), 'put', () => laptop.passport.removeStore(TWO));
    await other.sync();
    expect(await urls(laptop)).toEqual([ONE]);
    expect(await ledger()).toMatchObject({ names: new Set(), checkedAt: 0 });
  });

  it('and added again is the same one, and gets what it missed', async () => {
    const { world, laptop } = await open('store-again');
    await laptop.passport.addStore(TWO);
    await laptop.passport.removeStore(TWO);
    await laptop.passport.put('a', 'b');
    await laptop.passport.addStore(TWO);
    expect((await rootsIn(world, TWO)).size).toBe(1);
    expect(await laptop.passport.checkStore(TWO)).toMatchObject({ ok: true });
  });
});

describe('a store that is checked', () => {
  it('is read through, and what is damaged or missing there is named; the others are not asked', async () => {
    const { world, laptop } = await twoDevices('store-check');
    await laptop.passport.addStore(TWO);
    const [bundle, entry] = ['/hot/c-', '/reg/'].map(
      (part) => [...world.store(TWO).objects.keys()].find((name) => name.includes(part)) as string,
    ) as [string, string];
    world.store(TWO).objects.set(bundle, new Uint8Array(100));
    world.store(TWO).objects.delete(entry);
    const path = (name: string) => `${TWO}/${name.split('/').slice(2).join('/')}`;
    const calls = { ...world.store(ONE).count };
    expect(await laptop.passport.checkStore(TWO)).toMatchObject({
      ...{ ok: false, damaged: [path(bundle)], missing: [path(entry)], repaired: [] },
    });
    expect(world.store(ONE).count).toEqual(calls);
    await laptop.passport.verify({ repair: true });
    expect(await laptop.passport.checkStore(TWO)).toMatchObject({ ok: true });
    expect(await rejectionOf(laptop.passport.checkStore('memory:three'))).toBe('store-unknown');
  });
});

describe('a move to another store', () => {
  it('that is the same place under another address is refused, and leaves things as they were', async () => {
    const { world, laptop } = await twoDevices('move-link');
    await laptop.passport.sync();
    Object.assign(world.store(TWO), { objects: world.store(ONE).objects });
    const before = [...world.store(ONE).objects.keys()];
    expect(await rejectionOf(laptop.passport.moveStore(ONE, TWO))).toBe('usage');
    expect(await urls(laptop)).toEqual([ONE]);
    expect([...world.store(ONE).objects.keys()]).toEqual(before);
    expect(await laptop.passport.verify()).toMatchObject({ ok: true });
  });

  it('fills the new one, reads it back, and lets the old one go', async () => {
    const { world, laptop } = await twoDevices('store-move');
    expect(await laptop.passport.moveStore(ONE, TWO)).toMatchObject({ url: TWO, state: 'ok', behind: 0 });
    expect(await urls(laptop)).toEqual([TWO]);
    world.store(ONE).fault = () => new PassportError('store-unreachable', 'gone');
    expect(await laptop.passport.verify()).toMatchObject({ ok: true });
  });

  it('keeps both when the new one does not take everything; repeated, it goes on', async () => {
    const { world, laptop } = await twoDevices('store-move-full');
    const full = new PassportError('store-full', 'no room');
    world.store(TWO).fault = (call, name) => (call === 'put' && name.includes('/hot/') ? full : undefined);
    expect(await rejectionOf(laptop.passport.moveStore(ONE, TWO))).toBe('store-full');
    expect(await urls(laptop)).toEqual([ONE, TWO]);
    world.store(TWO).fault = () => undefined;
    await laptop.passport.moveStore(ONE, TWO);
    expect(await urls(laptop)).toEqual([TWO]);
  });

  it('keeps both when the new one does not give back what was put', async () => {
    const { world, laptop } = await twoDevices('store-move-torn');
    const two = world.store(TWO);
    const put = two.put.bind(two);
    two.put = (name, bytes) => put(name, name.includes('/hot/c-') ? bytes.slice(1) : bytes);
    expect(await rejectionOf(laptop.passport.moveStore(ONE, TWO))).toBe('damaged');
    expect(await urls(laptop)).toEqual([ONE, TWO]);
  });

  it('keeps both when the old one cannot be read: it may have what is not here yet', async () => {
    const { world, laptop } = await twoDevices('store-move-down');
    world.store(ONE).fault = () => new PassportError('store-unreachable', 'not plugged in');
    expect(await rejectionOf(laptop.passport.moveStore(ONE, TWO))).toBe('store-unreachable');
    expect(await urls(laptop)).toEqual([ONE, TWO]);
  });

  it('keeps both when the new one goes away while it is read back', async () => {
    const { world, laptop } = await twoDevices('store-move-gone');
    world.store(TWO).fault = (call) =>
      call === 'get' ? new PassportError('store-unreachable', 'not plugged in') : undefined;
    expect(await rejectionOf(laptop.passport.moveStore(ONE, TWO))).toBe('store-unreachable');
    expect(await urls(laptop)).toEqual([ONE, TWO]);
  });

  it.each(['/grant/', '/reg/00000002-|/hot/r-00000002-'])(
    'keeps both while %s of new keys is missing',
    async (part) => {
      const { world, laptop, phone, kit } = await open(`store-move-keys ${part}`);
      const change = await laptop.passport.reshare({ passphrase: PASSPHRASE, kits: [kit], threshold: 2, timeoutMs: 0 });
      expect(change).toMatchObject({ state: 'decided', slot: 2 });
      await laptop.passport.put('new', 'under the new keys');
      await laptop.passport.sync();
      const one = world.store(ONE).objects;
      const hidden = [...one].filter(([name]) => new RegExp(part).test(name));
      expect(hidden.length).toBeGreaterThan(0);
      for (const [name] of hidden) one.delete(name);
      expect(await rejectionOf(phone.passport.moveStore(ONE, TWO))).toBe('waiting');
      expect(await urls(phone)).toEqual([ONE, TWO]);
      for (const [name, bytes] of hidden) one.set(name, bytes);
      await phone.passport.moveStore(ONE, TWO);
      expect(await urls(phone)).toEqual([TWO]);
    },
  );

  it('is not one to itself, and not from a store that is none', async () => {
    const { laptop } = await twoDevices('store-move-usage');
    expect(await rejectionOf(laptop.passport.moveStore(ONE, ONE))).toBe('usage');
    expect(await rejectionOf(laptop.passport.moveStore(TWO, ONE))).toBe('store-unknown');
  });
});
