/** The changes of a mesh that need no new device: threshold, passphrase, names; and how the registry tells them. */
import { describe, expect, it } from 'vitest';

import { Passport } from '../../src/index.ts';
import { rejectionOf } from '../helpers/codes.ts';
import {
  cheapArgon2id,
  noticesOf,
  PASSPHRASE,
  stopsWaiting,
  text,
  threeDevices,
  twoDevices,
  World,
} from '../helpers/mesh.ts';

describe('a passport is founded', () => {
  it('as 2 of 3, this device and two kits, sealed in epoch 0, with a session open', async () => {
    const world = new World('found');
    const { passport, kits } = await world.create();
    expect(await passport.status()).toMatchObject({
      ...{ device: 'laptop', epoch: 0, slot: 0, threshold: 2, holders: 3, canLose: 1, pending: 0 },
      session: { open: true },
      stores: [{ url: 'memory:one', state: 'ok', behind: 0 }],
    });
    expect(passport.session()?.secret).toMatch(/^[\w-]{43}$/);
    expect((await passport.devices()).map(({ name, kind, seat }) => [name, kind, seat])).toEqual([
      ['laptop', 'device', 1],
      ['kit-1', 'kit', 2],
      ['kit-2', 'kit', 3],
    ]);
    expect(kits.map((kit) => [kit.name, kit.number, kit.epoch, kit.words.length, kit.passportWords.length])).toEqual([
      ['kit-1', 1, 0, 24, 8],
      ['kit-2', 2, 0, 24, 8],
    ]);
  });

  it('with the kits kept first: when they cannot be kept, nothing is stored anywhere', async () => {
    const world = new World('found-kits');
    const home = world.home();
    const create = (keepKits: () => Promise<void>) =>
      Passport.create(home.environment, { name: 'laptop', stores: ['memory:one'], passphrase: PASSPHRASE, keepKits });
    await expect(create(() => Promise.reject(new Error('no paper')))).rejects.toThrow('no paper');
    expect(await Passport.peek(home.environment)).toBeUndefined();
    expect(world.store().ever.size).toBe(0);
    await create(async () => undefined);
    expect(await rejectionOf(create(async () => undefined))).toBe('passport-exists');
  });

  it.each([
    [1, 3],
    [2, 4],
    [3, 3],
    [3, 2],
    [2, 33],
    [2.5, 3],
    [2, 3.5],
    ...[1.5, NaN, -1, 0, 2 ** 53].flatMap((n) => [
      [n, 3],
      [2, n],
    ]),
  ])('never as %d of %d', async (threshold, holders) => {
    const world = new World('found-policy');
    expect(await rejectionOf(world.create('laptop', { threshold, holders }))).toBe('policy-unsafe');
  });

  it('as all of M only where it is wanted', async () => {
    const { passport } = await new World('found-all').create('laptop', { threshold: 3, holders: 3, noSpare: true });
    const status = await passport.status();
    expect(status.canLose).toBe(0);
    expect(status.warnings.join()).toContain('No holder may be lost');
  });

  it('never with one passphrase for the vault and the device', async () => {
    const home = new World('found-same').home();
    home.environment.keystore.createKey = async (ask) => {
      await ask();
      throw new Error('it was taken');
    };
    const options = { name: 'laptop', stores: ['memory:one'], keepKits: async () => undefined };
    expect(await rejectionOf(Passport.create(home.environment, { ...options, passphrase: 'device passphrase' }))).toBe(
      'passphrase-reused',
    );
  });

  it('in no store that does not answer', async () => {
    const home = new World('found-store').home();
    const options = { name: 'laptop', passphrase: PASSPHRASE, keepKits: async () => undefined };
    expect(await rejectionOf(Passport.create(home.environment, { ...options, stores: ['other:1'] }))).toBe(
      'store-unknown',
    );
    expect(await Passport.peek(home.environment)).toBeUndefined();
  });
});

describe('the threshold is changed', () => {
  it('to one that keeps a majority, with new shares: the old records stay readable', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('reshare');
    const change = await laptop.passport.reshare({ threshold: 3, noSpare: true, passphrase: PASSPHRASE, timeoutMs: 0 });
    expect(change).toMatchObject({ kind: 'holders', state: 'waiting', needed: 2, approvedBy: ['laptop'] });
    expect(await world.settle(laptop, change, [phone])).toMatchObject({ state: 'decided', slot: 3 });
    await tablet.passport.sync();
    expect(await tablet.passport.status()).toMatchObject({ threshold: 3, holders: 3, canLose: 0, epoch: 3 });
    // Two shares are not enough any more.
    await stopsWaiting(tablet.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 0 }));
    await world.approveAll(phone);
    await stopsWaiting(tablet.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 0 }));
    await world.approveAll(laptop);
    await tablet.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 0 });
    expect(await text(tablet, 'old')).toBe('written before');
  });

  it('to all of them only where that is wanted', async () => {
    const { laptop } = await twoDevices('reshare-all');
    expect(await rejectionOf(laptop.passport.reshare({ threshold: 3, passphrase: PASSPHRASE, timeoutMs: 0 }))).toBe(
      'policy-unsafe',
    );
    expect(await laptop.passport.requests()).toEqual([]);
  });

  it.each([1, 4, 0])('never to %i of 3', async (threshold) => {
    const { laptop } = await twoDevices('reshare-bad');
    expect(
      await rejectionOf(laptop.passport.reshare({ threshold, noSpare: true, passphrase: PASSPHRASE, timeoutMs: 0 })),
    ).toBe('policy-unsafe');
  });

  it.each([undefined, Number.NaN, 2.5, '3'])('not without a whole number: %j', async (threshold) => {
    const { laptop } = await twoDevices('reshare-missing');
    const options = { threshold: threshold as number, passphrase: PASSPHRASE, timeoutMs: 0 };
    expect(await rejectionOf(laptop.passport.reshare(options))).toBe('usage');
    expect(await laptop.passport.requests()).toEqual([]);
  });
});

describe('the passphrase is changed', () => {
  it('by a quorum: the old one fails, old records stay readable, and nobody needs it any more', async () => {
    const { world, laptop, phone, kit } = await twoDevices('passphrase');
    const change = await laptop.passport.changePassphrase({
      ...{ passphrase: PASSPHRASE, newPassphrase: 'another one', kits: [kit], timeoutMs: 0 },
    });
    expect(change).toMatchObject({ kind: 'passphrase', state: 'decided', slot: 2 });
    expect(await text(laptop, 'old')).toBe('written before');
    await laptop.passport.put('new', 'written after');
    await laptop.passport.sync();
    await phone.passport.sync();
    expect(await rejectionOf(phone.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] }))).toBe('wrong-passphrase');
    await phone.passport.unlock({ passphrase: 'another one', kits: [kit] });
    expect(await text(phone, 'old')).toBe('written before');
    expect(await text(phone, 'new')).toBe('written after');
    expect(world.homes.length).toBe(2);
  });

  it('never by who does not know the present one', async () => {
    const { laptop, kit } = await twoDevices('passphrase-wrong');
    const change = { passphrase: 'a guess', newPassphrase: 'another one', kits: [kit], timeoutMs: 0 };
    expect(await rejectionOf(laptop.passport.changePassphrase(change))).toBe('wrong-passphrase');
    expect((await laptop.passport.status()).slot).toBe(1);
    // The request stands; with the right one it is finished.
    const [open] = await laptop.passport.requests();
    const again = { passphrase: PASSPHRASE, newPassphrase: 'another one', kits: [kit], timeoutMs: 0 };
    const done = await laptop.passport.finish(open!.id, again);
    expect(done.state).toBe('decided');
  });

  it('with the cost that was asked for, refused outside the bounds', async () => {
    const { laptop, phone, kit } = await twoDevices('passphrase-cost');
    const seen: number[] = [];
    laptop.home.environment.argon2id = async (password, salt, cost) => {
      seen.push(cost.memoryKiB);
      return cheapArgon2id(password, salt, cost);
    };
    const common = { passphrase: PASSPHRASE, newPassphrase: 'another one', kits: [kit], timeoutMs: 0 };
    const argon2Cost = { memoryKiB: 32 * 1024, passes: 4, lanes: 1 };
    expect(
      await rejectionOf(laptop.passport.changePassphrase({ ...common, argon2Cost: { ...argon2Cost, passes: 1 } })),
    ).toBe('parameters-refused');
    const [open] = await laptop.passport.requests();
    expect(await laptop.passport.finish(open!.id, { ...common, argon2Cost })).toMatchObject({ state: 'decided' });
    expect(seen.at(-1)).toBe(32 * 1024);
    await phone.passport.sync();
    await phone.passport.unlock({ passphrase: 'another one', kits: [kit] });
    expect(await text(phone, 'old')).toBe('written before');
  });

  it('asks the person for what no option gave, and again after a mistake', async () => {
    const { laptop, kit } = await twoDevices('passphrase-asked');
    const typed = ['a guess', PASSPHRASE];
    laptop.home.environment.person.passphrase = async (about) => (about === 'new' ? 'third' : (typed.shift() ?? ''));
    const change = await laptop.passport.changePassphrase({ kits: [kit], timeoutMs: 0 });
    expect(change.state).toBe('decided');
    expect(noticesOf(laptop.home)).toContain('That is not the passphrase of the passport. Try again.');
  });
});

describe('a holder is renamed', () => {
  it('without a new epoch; everybody calls it by the new name', async () => {
    const { world, laptop, phone } = await twoDevices('rename');
    const change = await phone.passport.rename('laptop', 'tower', { passphrase: PASSPHRASE, timeoutMs: 0 });
    expect(await world.settle(phone, change, [laptop])).toMatchObject({ kind: 'policy', state: 'decided', slot: 2 });
    for (const member of [laptop, phone]) {
      expect((await member.passport.devices()).map(({ name }) => name)).toEqual(['tower', 'kit-1', 'kit-2', 'phone']);
      expect(await member.passport.status()).toMatchObject({ epoch: 1, slot: 2 });
    }
  });

  it.each([
    ['nobody', 'x', 'no-such-device'],
    ['kit-2', 'x', 'no-such-device'],
    ['laptop', '', 'invalid-name'],
    ['laptop', 'a\u202eb', 'invalid-name'],
    ['laptop', 'phone', 'name-taken'],
    ['laptop', 'PHONE', 'name-taken'],
  ])('"%s" to "%s": %s', async (from, to, code) => {
    const { laptop } = await twoDevices('rename-bad');
    expect(await rejectionOf(laptop.passport.rename(from, to, { passphrase: PASSPHRASE, timeoutMs: 0 }))).toBe(code);
  });
});

describe('the log', () => {
  it('tells the registry in words, on every device alike', async () => {
    const { world, laptop, phone } = await twoDevices('log');
    const change = await laptop.passport.rename('phone', 'pocket', { passphrase: PASSPHRASE, timeoutMs: 0 });
    await world.settle(laptop, change, [phone]);
    const log = await laptop.passport.log();
    expect(log.map(({ slot, kind, by, approvedBy, summary }) => ({ slot, kind, by, approvedBy, summary }))).toEqual([
      {
        ...{ slot: 0, kind: 'found', by: 'laptop', approvedBy: [] },
        summary: 'Founded with laptop, kit-1, kit-2; 2 of 3 needed',
      },
      {
        ...{ slot: 1, kind: 'holders', by: 'laptop', approvedBy: ['laptop', 'kit-1'] },
        summary: '"phone" in the place of "kit-2"; 2 of 3',
      },
      {
        ...{ slot: 2, kind: 'policy', by: 'laptop', approvedBy: ['laptop', 'pocket'] },
        summary: '"phone" is called "pocket"',
      },
    ]);
    expect(await phone.passport.log()).toEqual(log);
  });
});
