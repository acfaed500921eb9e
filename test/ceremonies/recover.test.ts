/** Everything is lost but paper: N kits, the passphrase and a store give the passport back, and nothing less does. */
import { describe, expect, it } from 'vitest';

import { type KeepKits, type Kit, Passport, PassportError, type RecoverOptions } from '../../src/index.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { DAY, type Home, PASSPHRASE, twoDevices, words, World } from '../helpers/mesh.ts';

/** A passport of one device and `count - 1` kits with one record, whose device is gone. */
async function lost(label: string, threshold = 2, count = 3, stores = ['memory:one']) {
  const world = new World(`recover ${label}`);
  const laptop = await world.create('laptop', { threshold, holders: count, stores });
  await laptop.passport.put('wallet', 'seed words');
  await laptop.passport.sync();
  await laptop.passport.close();
  return { world, laptop, kits: laptop.kits };
}

function recover(home: Home, options: Partial<RecoverOptions> & { keepKits?: KeepKits } = {}): Promise<Passport> {
  const usual = { stores: ['memory:one'], name: 'desktop', passphrase: PASSPHRASE };
  return Passport.recover(home.environment, { ...usual, ...options });
}

describe('two kits and the passphrase', () => {
  it('let a fresh machine in and what is lost out, in one entry; every record is there', async () => {
    const { world, kits } = await lost('all');
    const home = world.home();
    const desktop = await recover(home, { kits: kits.map(words) });
    expect(new TextDecoder().decode((await desktop.get('wallet'))?.value)).toBe('seed words');
    expect(await desktop.status()).toMatchObject({ device: 'desktop', epoch: 1, slot: 1, threshold: 2, holders: 3 });
    expect((await desktop.devices()).map(({ name, state }) => [name, state])).toEqual([
      ['laptop', 'revoked'],
      ['kit-1', 'active'],
      ['kit-2', 'active'],
      ['desktop', 'active'],
    ]);
    expect(desktop.session()?.secret).toMatch(/^[\w-]{43}$/);
    expect(home.cards[0]).toMatchObject({ title: expect.stringContaining('Recover passport') });
    await desktop.put('wallet', 'new words');
    expect((await desktop.sync()).stores[0]).toMatchObject({ state: 'ok', behind: 0 });
  });

  it('are still good afterwards: the next machine can be lost too', async () => {
    const { world, kits } = await lost('twice');
    await (await recover(world.home(), { kits: kits.map(words) })).close();
    const second = await recover(world.home(), { kits: kits.map(words), name: 'desktop-2' });
    expect(await second.status()).toMatchObject({ epoch: 2, holders: 3 });
    expect(await second.get('wallet')).toBeDefined();
  });

  it('take what the lost device wrote for valid, up to what the stores have', async () => {
    const { world, laptop, kits } = await lost('cut');
    const again = await Passport.open(laptop.home.environment);
    await again.unlock({ passphrase: PASSPHRASE, kits: [words(kits[0]!)] });
    await again.put('late', 'never sent');
    const desktop = await recover(world.home(), { kits: kits.map(words) });
    await again.sync();
    await desktop.sync();
    expect(await desktop.get('wallet')).toBeDefined();
    expect(await desktop.get('late')).toBeUndefined();
    expect(await rejectionOf(again.put('more', 'x'))).toBe('revoked');
  });

  it('need not be two: three of four kits open a 3 of 5', async () => {
    const { world, kits } = await lost('of-four', 3, 5);
    const desktop = await recover(world.home(), { kits: kits.slice(0, 3).map(words) });
    expect(await desktop.status()).toMatchObject({ threshold: 3, holders: 5 });
  });

  it('ask the person first, who may say no: nothing is changed anywhere', async () => {
    const { world, kits } = await lost('no');
    const home = world.home();
    home.confirms = () => false;
    const before = world.store().objects.size;
    expect(await rejectionOf(recover(home, { kits: kits.map(words) }))).toBe('refused');
    expect(world.store().objects.size).toBe(before);
    expect(await Passport.peek(home.environment)).toBeUndefined();
  });

  it('fill the other places with new kits where several devices were lost', async () => {
    const { world, phone, kit } = await twoDevices('recover-new-kits');
    // A second kit in the place of the laptop, so that two kits are there; then all devices are lost.
    const kits: Kit[] = [];
    const change = await phone.passport.revoke('laptop', {
      ...{ passphrase: PASSPHRASE, kits: [kit], timeoutMs: 0 },
      keepKits: async (made) => {
        kits.push(...made);
      },
    });
    expect(change.state).toBe('decided');
    const desktop = await recover(world.home(), { kits: [kit, words(kits[0]!)], name: 'desktop' });
    expect((await desktop.devices()).filter(({ state }) => state === 'active').map(({ name }) => name)).toEqual([
      'kit-1',
      'kit-3',
      'desktop',
    ]);
    const { value } = (await desktop.get('old'))!;
    expect(new TextDecoder().decode(value)).toBe('written before');
  });

  it('find the passport in the one of several stores that has it', async () => {
    const { world, kits } = await lost('stores', 2, 3, ['memory:one', 'memory:two']);
    const desktop = await recover(world.home(), { stores: ['memory:three', 'memory:two'], kits: kits.map(words) });
    expect(await desktop.get('wallet')).toBeDefined();
    expect((await desktop.status()).stores.map(({ url }) => url)).toEqual(['memory:two']);
  });

  it('say which store could not be read: it may know a newer state', async () => {
    const { world, kits } = await lost('down', 2, 3, ['memory:one', 'memory:two']);
    const home = world.home();
    await recover(home, { stores: ['memory:one', 'other:two'], kits: kits.map(words) });
    expect(home.cards[0]?.warnings).toEqual(['other:two could not be read: it may know a newer state']);
  });
});

describe('less than that does not open it, and leaves a home that can try again', () => {
  const good = (world: World, home: Home, kits: readonly Kit[]) =>
    recover(home, { kits: kits.map(words) }).then(
      async (desktop) => (await desktop.get('wallet')) !== undefined && world,
    );

  it('one kit: not-enough-holders', async () => {
    const { world, kits } = await lost('one');
    const home = world.home();
    expect(await rejectionOf(recover(home, { kits: [words(kits[0]!)] }))).toBe('not-enough-holders');
    expect(await rejectionOf(recover(home, { kits: [words(kits[0]!), words(kits[0]!)] }))).toBe('not-enough-holders');
    expect(await good(world, home, kits)).toBe(world);
  });

  it('kits of another passport: kit-unknown', async () => {
    const { world, kits } = await lost('foreign');
    const other = await lost('foreign-other');
    const home = world.home();
    expect(await rejectionOf(recover(home, { kits: other.kits.map(words) }))).toBe('kit-unknown');
    expect(await rejectionOf(recover(home, { kits: [words(kits[0]!), words(other.kits[0]!)] }))).toBe(
      'not-enough-holders',
    );
    expect(await good(world, home, kits)).toBe(world);
  });

  it('a kit that was replaced since, with one of today: kit-unknown, and which one', async () => {
    const { world, kit, oldKit } = await twoDevices('recover-old-kit');
    const before = new Map(world.store().objects);
    const home = world.home();
    await expect(recover(home, { kits: [kit, oldKit] })).rejects.toMatchObject({
      code: 'kit-unknown',
      message: expect.stringContaining('kit-2'),
    });
    expect(world.store().objects).toEqual(before);
    expect(await Passport.peek(home.environment)).toBeUndefined();
  });

  it('a wrong passphrase: wrong-passphrase', async () => {
    const { world, kits } = await lost('passphrase');
    const home = world.home();
    expect(await rejectionOf(recover(home, { kits: kits.map(words), passphrase: 'a guess' }))).toBe('wrong-passphrase');
    expect(await good(world, home, kits)).toBe(world);
  });

  it('a session without end: usage, before anybody is asked', async () => {
    const { world, kits } = await lost('session');
    const home = world.home();
    expect(await rejectionOf(recover(home, { kits: kits.map(words), sessionMs: 31 * DAY }))).toBe('usage');
    expect(home.cards).toEqual([]);
    expect(await good(world, home, kits)).toBe(world);
  });

  it('words that are no kit: kit-invalid', async () => {
    const { world } = await lost('words');
    expect(await rejectionOf(recover(world.home(), { kits: ['zoo '.repeat(24)] }))).toBe('kit-invalid');
    expect(await rejectionOf(recover(world.home(), { kits: [] }))).toBe('kit-unknown');
  });

  it('an empty store: kit-unknown; one that is not there: its own code', async () => {
    const { world, kits } = await lost('empty');
    expect(await rejectionOf(recover(world.home(), { kits: kits.map(words), stores: ['memory:nothing'] }))).toBe(
      'kit-unknown',
    );
    expect(await rejectionOf(recover(world.home(), { kits: kits.map(words), stores: ['other:x'] }))).toBe(
      'store-unknown',
    );
  });

  it('a name that is taken: name-taken', async () => {
    const { world, kits } = await lost('name');
    const home = world.home();
    expect(await rejectionOf(recover(home, { kits: kits.map(words), name: 'kit-1' }))).toBe('name-taken');
    expect(await good(world, home, kits)).toBe(world);
  });

  it('too few holders after it, and nobody who keeps new kits: policy-unsafe', async () => {
    const { world, kits } = await lost('policy');
    const home = world.home();
    expect(await rejectionOf(recover(home, { kits: kits.map(words), replace: ['laptop', 'kit-1', 'kit-2'] }))).toBe(
      'policy-unsafe',
    );
    expect(await good(world, home, kits)).toBe(world);
  });
});

describe('a recovery that is left', () => {
  it('goes on with the same kits, on the same machine, without a second entry', async () => {
    const { world, kits } = await lost('left');
    const home = world.home();
    world.store().fault = (call, name) =>
      call === 'put' && name.includes('/hot/v-') && world.store().count.put > 12 ? storeDown() : undefined;
    expect(await rejectionOf(recover(home, { kits: kits.map(words) }))).toBe('store-unreachable');
    world.store().fault = () => undefined;
    const desktop = await recover(home, { kits: kits.map(words) });
    expect(await desktop.status()).toMatchObject({ device: 'desktop', epoch: 1, slot: 1 });
    expect(await desktop.get('wallet')).toBeDefined();
  });

  it('asks again before it goes on, and says which store could not be read this time', async () => {
    const { world, kits } = await lost('left-asked');
    const home = world.home();
    const options = { kits: kits.map(words), stores: ['memory:one', 'other:two'] };
    world.store().fault = (call, name) => (call === 'put' && name.includes('/hot/v-') ? storeDown() : undefined);
    expect(await rejectionOf(recover(home, { kits: options.kits }))).toBe('store-unreachable');
    world.store().fault = () => undefined;
    home.confirms = () => false;
    expect(await rejectionOf(recover(home, options))).toBe('refused');
    expect(home.cards.at(-1)).toMatchObject({
      lines: expect.arrayContaining(['Comes in: desktop. Leaves: laptop']),
      warnings: ['other:two could not be read: it may know a newer state'],
    });
    home.confirms = () => true;
    expect(await (await recover(home, options)).status()).toMatchObject({ device: 'desktop', slot: 1 });
  });
});

describe('a recovery that was left while a remaining device changed the mesh', () => {
  /** Laptop, phone and three kits, 3 of 5; a recovery was left before its request came anywhere. */
  async function leftOne(label: string) {
    const world = new World(`moved on ${label}`);
    const laptop = await world.create('laptop', { threshold: 3, holders: 5 });
    await laptop.passport.put('wallet', 'seed words');
    const kits = laptop.kits.map(words);
    const phone = await world.enroll('phone', laptop, { kits: kits.slice(0, 2) });
    const home = world.home();
    const store = world.store();
    store.fault = (call, name) => (call === 'put' && name.includes('/hot/v-') ? storeDown() : undefined);
    const options = { kits: kits.slice(0, 3), replace: ['laptop'] };
    expect(await rejectionOf(recover(home, options))).toBe('store-unreachable');
    store.fault = () => undefined;
    const change = { passphrase: PASSPHRASE, kits: kits.slice(0, 2), timeoutMs: 0 };
    return { world, phone, home, options, change };
  }

  it('is asked again in what is now, on the same machine', async () => {
    const { world, phone, home, options, change } = await leftOne('rename');
    const done = await phone.passport.rename('kit-1', 'paper', change);
    expect(await world.settle(phone, done, [], change)).toMatchObject({ state: 'decided' });
    const desktop = await recover(home, options);
    expect(await desktop.status()).toMatchObject({ device: 'desktop', slot: 3, holders: 5 });
    expect(await desktop.get('wallet')).toBeDefined();
  });

  it('keeps the machine as it is until the person has said yes and the passphrase is right', async () => {
    const { world, phone, home, options, change } = await leftOne('no');
    const done = await phone.passport.rename('kit-1', 'paper', change);
    expect(await world.settle(phone, done, [], change)).toMatchObject({ state: 'decided' });
    const before = [...home.keystore.blobs.keys()];
    expect(await rejectionOf(recover(home, { ...options, passphrase: 'a guess' }))).toBe('wrong-passphrase');
    home.confirms = () => false;
    expect(await rejectionOf(recover(home, options))).toBe('refused');
    expect([...home.keystore.blobs.keys()]).toEqual(before);
    expect(await Passport.peek(home.environment)).toBeDefined();
  });

  it('is asked again when the machine has seen new keys of the mesh that it has no part of', async () => {
    const { world, phone, home, options, change } = await leftOne('followed');
    const done = await phone.passport.reshare({ ...change, threshold: 3 });
    expect(await world.settle(phone, done, [], change)).toMatchObject({ state: 'decided' });
    const waiting = await Passport.open(home.environment);
    await waiting.sync();
    expect(await waiting.status()).toMatchObject({ epoch: 2, device: '' });
    await waiting.close();
    const desktop = await recover(home, options);
    expect(await desktop.status()).toMatchObject({ device: 'desktop', slot: 3, epoch: 3 });
    expect(await desktop.get('wallet')).toBeDefined();
  });

  it('is asked by two processes at once: what the one forgets late is nothing of the other', async () => {
    const { world, phone, home, options, change } = await leftOne('processes');
    const done = await phone.passport.rename('kit-1', 'paper', change);
    expect(await world.settle(phone, done, [], change)).toMatchObject({ state: 'decided' });
    const { keystore } = home;
    const prune = keystore.prune.bind(keystore);
    keystore.prune = async (keep) => {
      keystore.prune = prune;
      await recover(home, options);
      await prune(keep);
      throw storeDown(); // killed
    };
    expect(await rejectionOf(recover(home, options))).toBe('store-unreachable');
    const desktop = await Passport.open(home.environment);
    expect(await desktop.status()).toMatchObject({ device: 'desktop', slot: 3, holders: 5 });
  });

  it('needs as many kits as now are needed', async () => {
    const { world, phone, home, options, change } = await leftOne('reshare');
    const done = await phone.passport.reshare({ ...change, threshold: 4 });
    expect(await world.settle(phone, done, [], change)).toMatchObject({ state: 'decided' });
    expect(await rejectionOf(recover(home, options))).toBe('not-enough-holders');
  });

  it('needs the passphrase of now', async () => {
    const { world, phone, home, options, change } = await leftOne('passphrase');
    const both = { ...change, newPassphrase: 'another' };
    const done = await phone.passport.changePassphrase(both);
    expect(await world.settle(phone, done, [], both)).toMatchObject({ state: 'decided' });
    expect(await rejectionOf(recover(home, options))).toBe('wrong-passphrase');
    const desktop = await recover(home, { ...options, passphrase: 'another' });
    expect(await desktop.status()).toMatchObject({ device: 'desktop', slot: 3, epoch: 3 });
    expect(await desktop.get('wallet')).toBeDefined();
  });
});

const storeDown = () => new PassportError('store-unreachable', 'the store is down');
