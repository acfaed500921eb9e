/** A clock may stop a vote and nothing else: one device lives in 1970, one in 2099, and all come to the same. */
import { describe, expect, it } from 'vitest';

import { rejectionOf } from '../helpers/codes.ts';
import {
  DAY,
  type Member,
  MINUTE,
  PASSPHRASE,
  stopsWaiting,
  text,
  threeDevices,
  World,
  words,
} from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };
const YEAR_2099 = Date.UTC(2099, 0, 1);

describe.each([
  ['1970', 1_000],
  ['the first moment of 1970', 0],
  ['before 1970', -5_000],
  ['2099', YEAR_2099],
])('a clock in %s', (when, time) => {
  it('founds, writes, syncs and opens a passport', async () => {
    const world = new World(`clock ${when}`);
    const home = world.home();
    home.clock.time = time;
    const laptop = await world.create('laptop', { home });
    await laptop.passport.put('a', 'b');
    expect((await laptop.passport.sync()).stores[0]).toMatchObject({ state: 'ok', behind: 0 });
    await laptop.passport.lock();
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [words(laptop.kits[0]!)] });
    expect(await text(laptop, 'a')).toBe('b');
    await laptop.passport.sync();
    expect((await laptop.passport.status()).pending).toBe(0);
    expect((await laptop.passport.log())[0]).toMatchObject({ time: Math.max(0, time) });
    expect((await laptop.passport.verify()).ok).toBe(true);
  });

  it('on one device: it enters with the others and both read the same', async () => {
    const { world, laptop, phone } = await threeDevices(`clock enters ${when}`);
    const home = world.home();
    home.clock.time = time;
    const fresh = await world.enroll('desktop', laptop, { replace: 'tablet', approvers: [phone], home });
    await fresh.passport.sync();
    // It asks nobody by mail, whose life its clock decides; the next device is asked.
    await world.unlock(laptop, phone);
    await laptop.passport.put('a', 'b');
    await laptop.passport.sync();
    expect((await fresh.passport.sync()).stores[0]).toMatchObject({ state: 'ok' });
    expect(await fresh.passport.status()).toMatchObject({ slot: 3, holders: 3 });
  });

  it('on a holder: it promises and accepts what others ask, and is asked nothing by itself', async () => {
    const { world, laptop, phone, tablet } = await threeDevices(`clock votes ${when}`);
    phone.home.clock.time = time;
    const change = await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true });
    await phone.passport.sync();
    for (const { id } of await phone.passport.requests()) {
      await phone.passport.approve(id, { number: change.number, timeoutMs: 0 });
    }
    expect(await phone.passport.rename('tablet', 'slate', left)).toMatchObject({ state: 'waiting' });
    expect(await world.settle(laptop, change, [tablet])).toMatchObject({ state: 'decided' });
    await phone.passport.sync();
    expect(await phone.passport.status()).toMatchObject({ slot: 3, epoch: 3 });
  });

  it('on one device: its records lose to newer ones, and none are lost', async () => {
    const { world, laptop, phone, tablet } = await threeDevices(`clock records ${when}`);
    await world.unlock(laptop, phone);
    await world.unlock(phone, laptop);
    await world.unlock(tablet, laptop);
    phone.home.clock.time = time;
    await phone.passport.put('alone', 'kept');
    await phone.passport.put('both', 'by the phone');
    await laptop.passport.put('both', 'by the laptop');
    for (let i = 0; i < 3; i++) for (const member of [phone, laptop, tablet]) await member.passport.sync();
    laptop.home.clock.pass(30 * MINUTE);
    tablet.home.clock.pass(30 * MINUTE);
    const views = await Promise.all(
      [laptop, phone, tablet].map(async ({ passport }) => ({
        alone: new TextDecoder().decode((await passport.get('alone'))?.value),
        both: new TextDecoder().decode((await passport.get('both'))?.value),
        conflicts: await passport.conflicts(),
      })),
    );
    expect(views[0]!.alone).toBe('kept');
    expect(views[0]!.conflicts).toHaveLength(1);
    expect(views[1]).toEqual(views[0]);
    expect(views[2]).toEqual(views[0]);
    if (time > DAY) {
      const notices = (await laptop.passport.status()).warnings.join();
      expect(notices).toContain('The clock of "phone" is wrong.');
    }
  });
});

describe('a device whose clock is more than a day ahead', () => {
  it('cannot have its entry accepted by the others; they go on without it, and so does it when its clock is right', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('ahead');
    laptop.home.clock.time = YEAR_2099;
    const change = await laptop.passport.rename('phone', 'pocket', left);
    await world.approveAll(phone);
    await laptop.passport.sync({ passphrase: PASSPHRASE });
    await phone.passport.sync();
    await tablet.passport.sync();
    expect((await phone.passport.status()).slot).toBe(2);
    for (const { clock } of world.homes) clock.pass(60_000);
    const own = await tablet.passport.rename('phone', 'purse', left);
    expect(await world.settle(tablet, own, [phone])).toMatchObject({ state: 'decided', slot: 3 });
    laptop.home.clock.time = tablet.home.clock.time;
    await laptop.passport.sync();
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'superseded' });
    const again = await laptop.passport.rename('purse', 'pocket', left);
    expect(await world.settle(laptop, again, [phone])).toMatchObject({ state: 'decided', slot: 4 });
  });
});

describe('a device whose clock is far behind', () => {
  it('asks in vain, says so, and loses nothing', async () => {
    const { world, laptop, phone } = await threeDevices('behind');
    laptop.home.clock.time = 1_000;
    const change = await laptop.passport.rename('phone', 'pocket', left);
    await phone.passport.sync();
    expect(await phone.passport.requests()).toEqual([]);
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'waiting' });
    await stopsWaiting(laptop.passport.unlock(left));
    expect(await world.approveAll(phone)).toBe(0);
    laptop.home.clock.time = phone.home.clock.time;
    await laptop.passport.cancel(change.id);
    const again = await laptop.passport.rename('phone', 'pocket', left);
    expect(await world.settle(laptop, again, [phone])).toMatchObject({ state: 'decided' });
  });
});

describe('a clock that jumps', () => {
  it('between every two steps of a change: it is decided all the same', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('jumps');
    let now = laptop.home.clock.time;
    const jump = (member: Member, by: number) => {
      member.home.clock.time = now + by;
    };
    const change = await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true });
    jump(phone, 10 * MINUTE);
    await world.approveAll(phone);
    jump(laptop, -9 * MINUTE);
    await laptop.passport.sync({ passphrase: PASSPHRASE });
    jump(tablet, -DAY / 2);
    await tablet.passport.sync();
    jump(laptop, 12 * MINUTE);
    now += MINUTE;
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'decided' });
    expect(await rejectionOf(phone.passport.sync())).toBe('no error');
    expect((await phone.passport.status()).threshold).toBe(3);
  });
});
