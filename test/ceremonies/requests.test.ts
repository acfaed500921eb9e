/** The life of a request: asked, approved by number, refused, taken back, too late, overtaken; left and taken up again. */
import { describe, expect, it } from 'vitest';

import { Passport } from '../../src/index.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { DAY, type Member, MINUTE, PASSPHRASE, threeDevices, twoDevices, type World } from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };

async function onlyRequest(member: Member) {
  await member.passport.sync();
  const requests = await member.passport.requests();
  expect(requests).toHaveLength(1);
  return requests[0]!;
}

async function slots(world: World): Promise<(number | undefined)[]> {
  const found = [];
  for (const home of world.homes) {
    const passport = await Passport.open(home.environment);
    await passport.sync();
    found.push((await passport.status()).slot);
  }
  return found;
}

describe('a request of another device', () => {
  it('is approved by the two digits that the asking device shows', async () => {
    const { world, laptop, phone } = await twoDevices('approve');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    expect(world.number(change.id)).toBe(change.number);
    expect(change.number).toBeGreaterThanOrEqual(10);
    expect(change.number).toBeLessThanOrEqual(99);
    const request = await onlyRequest(phone);
    expect(request).toMatchObject({ id: change.id, kind: 'change', from: 'laptop', mine: false, approved: false });
    expect(request.number).toBeUndefined();
    await phone.passport.approve(request.id, { number: change.number, timeoutMs: 0 });
    expect(await onlyRequest(phone)).toMatchObject({ approved: true });
  });

  it('is not approved without the number; with another one it is refused: somebody else may be asking', async () => {
    const { laptop, phone } = await twoDevices('wrong-number');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    const { id } = await onlyRequest(phone);
    expect(await rejectionOf(phone.passport.approve(id, { timeoutMs: 0 }))).toBe('number-mismatch');
    expect(await onlyRequest(phone)).toMatchObject({ approved: false });
    const wrong = 10 + ((change.number - 9) % 90);
    expect(await rejectionOf(phone.passport.approve(id, { number: wrong, timeoutMs: 0 }))).toBe('number-mismatch');
    expect(await phone.passport.requests()).toEqual([]);
    const after = await laptop.passport.finish(change.id, left);
    expect(after).toMatchObject({
      state: 'waiting',
      approvedBy: ['laptop'],
      hint: expect.stringContaining('Refused by'),
    });
  });

  it('cannot be approved when it is not there', async () => {
    const { phone } = await twoDevices('no-request');
    expect(await rejectionOf(phone.passport.approve('abc', { number: 10, timeoutMs: 0 }))).toBe('no-such-request');
    expect(await rejectionOf(phone.passport.refuse('abc'))).toBe('no-such-request');
    expect(await rejectionOf(phone.passport.cancel('abc'))).toBe('no-such-request');
    expect(await rejectionOf(phone.passport.finish('abc', left))).toBe('no-such-request');
  });

  it('says what it does to the person’s other devices, and that it opens the vault on the asking one', async () => {
    const { laptop, phone } = await threeDevices('card');
    await laptop.passport.revoke('tablet', { ...left, kit: false, threshold: 2 });
    const { card } = await onlyRequest(phone);
    expect(card.title).toBe('"tablet" leaves; 2 of 2');
    expect(card.warnings).toEqual([
      '"tablet" leaves: it can read nothing that is written afterwards',
      'No holder may be lost any more: all of them will be needed',
      'Approving also opens the vault on "laptop"',
    ]);
  });

  it('is refused by so many that the others are too few: nothing is changed', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('refuse');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    await phone.passport.sync();
    await phone.passport.refuse(change.id);
    const after = await laptop.passport.finish(change.id, left);
    expect(after).toMatchObject({ state: 'waiting', hint: expect.stringContaining('Refused by phone') });
    expect(await phone.passport.requests()).toEqual([]);
    await tablet.passport.sync();
    await tablet.passport.refuse(change.id);
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'refused' });
    expect(await laptop.passport.requests()).toEqual([]);
    expect(await slots(world)).toEqual([2, 2, 2]);
  });

  it('is refused by one and decided by the others', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('refuse-one');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    await phone.passport.sync();
    await phone.passport.refuse(change.id);
    expect(await world.settle(laptop, change, [tablet])).toMatchObject({ state: 'decided' });
  });

  it('is taken back: it cannot be approved any more, also by who had not heard of it', async () => {
    const { world, laptop, phone } = await twoDevices('cancel');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    await phone.passport.sync();
    await laptop.passport.cancel(change.id);
    expect(await rejectionOf(phone.passport.approve(change.id, { number: change.number, timeoutMs: 0 }))).toBe(
      'no-such-request',
    );
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'cancelled' });
    const again = await laptop.passport.rename('phone', 'pocket', left);
    expect(await world.settle(laptop, again, [phone])).toMatchObject({ state: 'decided', slot: 2 });
  });

  it('cannot be taken back once it is proposed', async () => {
    const { world, laptop, phone } = await twoDevices('cancel-late');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    await world.approveAll(phone);
    // The laptop proposes, but the phone's accept has not come.
    await laptop.passport.sync({ passphrase: PASSPHRASE });
    expect(await rejectionOf(laptop.passport.cancel(change.id))).toBe('refused');
    await phone.passport.sync();
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'decided' });
  });

  it('expires after twenty minutes, and the next one can be asked at once', async () => {
    const { world, laptop, phone } = await twoDevices('expired');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    for (const { clock } of world.homes) clock.pass(20 * MINUTE + 1);
    await phone.passport.sync();
    expect(await phone.passport.requests()).toEqual([]);
    expect(await rejectionOf(phone.passport.approve(change.id, { number: change.number, timeoutMs: 0 }))).toBe(
      'no-such-request',
    );
    const again = await laptop.passport.rename('phone', 'purse', left);
    expect(again.id).not.toBe(change.id);
    expect(await world.settle(laptop, again, [phone])).toMatchObject({ state: 'decided', slot: 2 });
  });

  it('ends as expired where it is waited for', async () => {
    const { laptop } = await twoDevices('expired-wait');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    laptop.home.clock.pass(19 * MINUTE);
    const done = await laptop.passport.finish(change.id, { passphrase: PASSPHRASE, timeoutMs: DAY });
    expect(done).toMatchObject({ state: 'expired', hint: expect.stringContaining('ask again') });
  });

  it('is one at a time on a device', async () => {
    const { laptop } = await twoDevices('one');
    await laptop.passport.rename('phone', 'pocket', left);
    expect(await rejectionOf(laptop.passport.reshare({ ...left, threshold: 3, noSpare: true }))).toBe('waiting');
  });
});

describe('two requests for one slot', () => {
  it('one is decided, the other superseded, whoever came first; both can be asked again', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('two-requests');
    const mine = await laptop.passport.rename('tablet', 'slate', left);
    await phone.passport.sync();
    const other = await phone.passport.rename('tablet', 'board', left);
    await world.approveAll(tablet);
    for (let i = 0; i < 8; i++) {
      for (const member of [laptop, phone, tablet]) {
        await member.passport.sync({ passphrase: PASSPHRASE });
        member.home.clock.pass(40_000);
      }
    }
    const states = [await laptop.passport.finish(mine.id, left), await phone.passport.finish(other.id, left)];
    expect(states.map(({ state }) => state).sort()).toEqual(['decided', 'superseded']);
    expect(await slots(world)).toEqual([3, 3, 3]);
    const names = await Promise.all(
      world.homes.map(async (_, i) => (await (await world.open(i)).passport.devices()).map(({ name }) => name)),
    );
    expect(new Set(names.map(String)).size).toBe(1);
    const loser = states[0]!.state === 'superseded' ? laptop : phone;
    const again = await loser.passport.rename('laptop', 'tower', left);
    expect(await world.settle(loser, again, [tablet])).toMatchObject({ state: 'decided', slot: 4 });
  });
});

describe('a change that was left', () => {
  it('is moved on by sync on each device, up to where the passphrase is needed; then finished', async () => {
    const { world, laptop, phone } = await twoDevices('left');
    const change = await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true });
    await laptop.passport.close();
    await world.approveAll(phone);
    // Another process, which knows no passphrase.
    const again = await world.open(0);
    const report = await again.passport.sync();
    expect(report.notices.join()).toContain('A change that this device asked for is approved');
    expect((await again.passport.status()).slot).toBe(1);
    expect((await again.passport.status()).warnings.join()).toContain('not decided');
    await again.passport.sync({ passphrase: PASSPHRASE });
    await phone.passport.sync();
    const done = await again.passport.sync();
    expect(done.notices.join()).toContain(
      'Entry 2: The threshold is 3 of 3 instead of 2 of 3 (approved by laptop, phone)',
    );
    expect(await again.passport.finish(change.id, left)).toMatchObject({ state: 'decided', slot: 2 });
  });

  it('says which command goes on: each call ends as waiting with its hint, none of them fails', async () => {
    const { laptop } = await twoDevices('hint');
    const change = await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true });
    expect(change.hint).toContain(`1 more of 2 holders must approve`);
    expect(change.hint).toContain(String(change.number));
  });

  it('with a wrong passphrase in a sync says so, and takes the right one', async () => {
    const { world, laptop, phone } = await twoDevices('left-wrong');
    const change = await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true });
    await world.approveAll(phone);
    expect(await rejectionOf(laptop.passport.sync({ passphrase: 'a guess' }))).toBe('wrong-passphrase');
    expect(await world.settle(laptop, change, [phone])).toMatchObject({ state: 'decided' });
  });

  it('cannot be finished after a reboot, because its one-time key is gone: it is ended, and asked again', async () => {
    const { world, laptop, phone } = await twoDevices('left-reboot');
    const change = await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true });
    await world.approveAll(phone);
    laptop.home.clock.reboot();
    const again = await world.open(0);
    expect(await again.passport.finish(change.id, left)).toMatchObject({ state: 'expired' });
    const second = await again.passport.reshare({ ...left, threshold: 3, noSpare: true });
    expect(await world.settle(again, second, [phone])).toMatchObject({ state: 'decided' });
  });

  it('whose initiator is gone for ever does not stop the others', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('left-gone');
    await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true });
    await world.approveAll(phone);
    for (const { clock } of world.homes) clock.pass(MINUTE);
    const change = await tablet.passport.rename('laptop', 'tower', left);
    expect(await world.settle(tablet, change, [phone])).toMatchObject({ state: 'decided', slot: 3 });
  });
});
