/** Who leaves can change nothing beyond its cut and read nothing that came after, whatever its clock says. */
import { describe, expect, it } from 'vitest';

import { type Kit, Passport } from '../../src/index.ts';
import { parseName } from '../../src/format/names.ts';
import { audit } from '../helpers/audit.ts';
import { rejectionOf } from '../helpers/codes.ts';
import {
  contents,
  DAY,
  noticesOf,
  PASSPHRASE,
  stopsWaiting,
  text,
  threeDevices,
  twoDevices,
  words,
} from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };

describe('a device is revoked', () => {
  it('by another one and a kit; a new kit takes its place and works', async () => {
    const { world, laptop, kit } = await twoDevices('revoke-kit');
    const kits: Kit[] = [];
    const change = await laptop.passport.revoke('phone', {
      ...{ ...left, kits: [kit] },
      keepKits: async (made) => {
        kits.push(...made);
      },
    });
    expect(change).toMatchObject({ kind: 'holders', state: 'decided', slot: 2 });
    expect(await laptop.passport.status()).toMatchObject({ threshold: 2, holders: 3, epoch: 2, canLose: 1 });
    expect((await laptop.passport.devices()).map(({ name, kind, state }) => [name, kind, state])).toEqual([
      ['laptop', 'device', 'active'],
      ['kit-1', 'kit', 'active'],
      ['kit-2', 'kit', 'revoked'],
      ['phone', 'device', 'revoked'],
      ['kit-3', 'kit', 'active'],
    ]);
    expect(kits[0]).toMatchObject({ name: 'kit-3', number: 3, epoch: 2 });
    expect(await laptop.passport.checkKit(words(kits[0]!))).toMatchObject({ name: 'kit-3', epoch: 2, ok: true });
    const again = await world.open(0);
    await again.passport.unlock({ passphrase: PASSPHRASE, kits: [words(kits[0]!)] });
    expect(await text(again, 'old')).toBe('written before');
  });

  it('without a new kit where that keeps a majority', async () => {
    const { world, laptop, phone } = await threeDevices('revoke-no-kit');
    const change = await laptop.passport.revoke('tablet', { ...left, kit: false });
    expect(await world.settle(laptop, change, [phone])).toMatchObject({ state: 'decided' });
    expect(await laptop.passport.status()).toMatchObject({ threshold: 2, holders: 2, canLose: 0 });
  });

  it('and a kit too, by name', async () => {
    const { world, laptop, phone, kit } = await twoDevices('revoke-a-kit');
    const change = await laptop.passport.revoke('kit-1', { ...left, kit: false });
    expect(await world.settle(laptop, change, [phone])).toMatchObject({ state: 'decided' });
    expect(await rejectionOf(laptop.passport.checkKit(kit))).toBe('kit-unknown');
    expect(await rejectionOf(laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] }))).toBe('kit-unknown');
  });

  it('never by itself, never when it is not there, never twice, never to an unsafe mesh', async () => {
    const { laptop, kit } = await twoDevices('revoke-usage');
    const revoke = (name: string, more = {}) =>
      rejectionOf(laptop.passport.revoke(name, { ...left, kit: false, ...more }));
    expect(await revoke('laptop')).toBe('usage');
    expect(await revoke('nobody')).toBe('no-such-device');
    expect(await revoke('kit-2')).toBe('no-such-device');
    for (const threshold of [1, 1.5, NaN, -1, 0, 2 ** 53])
      expect(await revoke('phone', { threshold })).toBe('policy-unsafe');
    // Said before a new kit is made.
    const more = { kit: true, threshold: 2.5, keepKits: () => Promise.reject(new Error('kept')) };
    expect(await revoke('phone', more)).toBe('policy-unsafe');
    expect(await rejectionOf(laptop.passport.revoke('phone', { ...left, kits: [kit] }))).toBe('usage');
  });

  it('not when its new kit cannot be kept: nothing is asked of anybody', async () => {
    const { laptop, kit } = await twoDevices('revoke-no-paper');
    await expect(
      laptop.passport.revoke('phone', {
        ...{ ...left, kits: [kit] },
        keepKits: () => Promise.reject(new Error('no paper')),
      }),
    ).rejects.toThrow('no paper');
    expect(await laptop.passport.requests()).toEqual([]);
  });

  it('after a look at every store: the person hears how fresh the knowledge of it is', async () => {
    const { world, laptop, phone } = await threeDevices('revoke-fresh');
    await world.unlock(phone, laptop);
    await phone.passport.put('late', 'x');
    await phone.passport.sync();
    await laptop.passport.revoke('phone', { ...left, kit: false });
    expect(noticesOf(laptop.home).join()).toMatch(
      /"phone" leaves: the newest change by it that is known here is of 2026-/,
    );
  });
});

describe('a revoked device', () => {
  /** A mesh of three whose phone was revoked while it was away with a session open, and did not hear of it. */
  async function revoked(label: string, clock: (ms: number) => number = (ms) => ms) {
    const mesh = await threeDevices(label);
    const { world, laptop, phone, tablet } = mesh;
    await world.unlock(phone, laptop);
    await phone.passport.put('phone/known', 'everybody has this');
    await phone.passport.sync();
    await laptop.passport.sync();
    await tablet.passport.sync();
    const change = await laptop.passport.revoke('phone', { ...left, kit: false });
    expect(await world.settle(laptop, change, [tablet])).toMatchObject({ state: 'decided' });
    await laptop.passport.put('secret', 'written after');
    await laptop.passport.sync();
    phone.home.clock.time = clock(phone.home.clock.time);
    await phone.passport.put('phone/late', 'written after the cut');
    return mesh;
  }

  it.each([
    ['as it is', (ms: number) => ms],
    ['in 1970', () => 1_000],
    ['in 2099', () => Date.UTC(2099, 0, 1)],
  ])('changes nothing beyond its cut, with its clock %s', async (when, clock) => {
    const { world, laptop, phone, tablet } = await revoked(`late ${when}`, clock);
    // It pushes before it looks: its store does not show it anything newer.
    const hidden = [...world.store().objects].filter(([name]) => parseName(name)?.kind === 'registry');
    for (const [name] of hidden) world.store().objects.delete(name);
    await phone.passport.sync();
    for (const [name, bytes] of hidden) world.store().objects.set(name, bytes);
    await laptop.passport.sync();
    await tablet.passport.sync();
    expect(await laptop.passport.get('phone/late')).toBeUndefined();
    expect(await text(laptop, 'phone/known')).toBe('everybody has this');
    const [update] = await laptop.passport.quarantine();
    expect(update).toMatchObject({ key: 'phone/late', device: 'phone' });
    expect(await laptop.passport.quarantine()).toHaveLength(1);
    // Its person may still want it: then it is a new statement by a device that is in.
    await laptop.passport.adopt(update!.id);
    expect(await text(laptop, 'phone/late')).toBe('written after the cut');
    expect((await laptop.passport.get('phone/late'))?.device).toBe('laptop');
    await laptop.passport.sync();
    await world.unlock(tablet, laptop);
    await tablet.passport.sync();
    expect(await text(tablet, 'phone/late')).toBe('written after the cut');
    expect(await audit(world, laptop.home)).toMatchObject({ faults: [] });
  });

  it('hears of it with its next sync, keeps what it had, and is refused everything', async () => {
    const { phone } = await revoked('hears');
    const report = await phone.passport.sync();
    expect(report.notices.join()).toContain('This device was revoked in entry 3.');
    expect((await phone.passport.status()).warnings.join()).toContain('This device was revoked');
    expect(await text(phone, 'phone/known')).toBe('everybody has this');
    expect(await phone.passport.get('secret')).toBeUndefined();
    expect(await rejectionOf(phone.passport.put('x', 'y'))).toBe('revoked');
    expect(await rejectionOf(phone.passport.delete('phone/known'))).toBe('revoked');
    expect(await rejectionOf(phone.passport.invite())).toBe('revoked');
    expect(await rejectionOf(phone.passport.revoke('laptop', { ...left, kit: false }))).toBe('revoked');
    expect(await rejectionOf(phone.passport.rename('laptop', 'x', left))).toBe('revoked');
    expect(await rejectionOf(phone.passport.unlock(left))).toBe('revoked');
    expect(await rejectionOf(phone.passport.drill({ timeoutMs: 0 }))).toBe('revoked');
    await phone.passport.sync();
    const again = await Passport.open(phone.home.environment);
    await again.sync();
    expect(await rejectionOf(again.unlock(left))).toBe('revoked');
  });

  it('opens nothing with all keys it has, the passphrase, and the stores: not one object of the new epoch', async () => {
    const { world, phone, laptop } = await revoked('reads-nothing');
    await laptop.passport.put('secret', 'more');
    await laptop.passport.sync();
    await phone.passport.sync();
    const { Device } = await import('../../src/device/device.ts');
    const pid = (await phone.home.journal.get('n/passport'))!;
    const device = await Device.open(phone.home.environment, pid, await phone.home.keystore.openKey());
    const { secrets, state } = await device.asMember(async (view) => view);
    expect(state.epoch).toBe(3);
    expect([...secrets.mesh.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2]);
    const { openGrant } = await import('../../src/format/grant.ts');
    let grants = 0;
    for (const [path, bytes] of world.store().ever) {
      const name = parseName(path);
      if (name?.kind !== 'grant' || name.epoch !== 3) continue;
      grants += 1;
      for (const { privateKey } of secrets.receive) {
        expect(await rejectionOf(openGrant(privateKey, 3, bytes))).toBe('decryption-failed');
      }
    }
    expect(grants).toBe(2);
  });

  it('gets no answer to an unlock that it asked before', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('asked-before');
    await stopsWaiting(phone.passport.unlock(left));
    await laptop.passport.sync();
    await tablet.passport.sync();
    const change = await laptop.passport.revoke('phone', { ...left, kit: false });
    await tablet.passport.sync();
    await tablet.passport.approve(change.id, { number: change.number, timeoutMs: 0 });
    await laptop.passport.finish(change.id, left);
    await tablet.passport.sync();
    await laptop.passport.finish(change.id, left);
    await tablet.passport.sync();
    expect((await tablet.passport.status()).slot).toBe(3);
    expect((await tablet.passport.requests()).filter(({ kind }) => kind === 'unlock')).toEqual([]);
    expect((await laptop.passport.requests()).filter(({ kind }) => kind === 'unlock')).toEqual([]);
    expect(world.homes).toHaveLength(3);
  });

  it('may come back, as a new device with new keys', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('comes-back');
    const change = await laptop.passport.revoke('phone', { ...left, kit: false });
    await world.settle(laptop, change, [tablet]);
    const again = await world.enroll('phone-again', laptop, { add: true, approvers: [tablet] });
    await world.unlock(again, laptop);
    expect(await text(again, 'old')).toBe('written before');
    const { fingerprint: before } = (await laptop.passport.devices()).find(({ name }) => name === 'phone')!;
    const { fingerprint: after } = (await laptop.passport.devices()).find(({ name }) => name === 'phone-again')!;
    expect(after).not.toBe(before);
    await phone.passport.sync();
    expect((await phone.passport.status()).warnings.join()).toContain('revoked');
  });

  it('has no say in a request of another one that it approved, once it is out', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('approved-then-out');
    const open = await tablet.passport.rename('laptop', 'tower', left);
    await phone.passport.sync();
    await phone.passport.approve(open.id, { number: open.number, timeoutMs: 0 });
    for (const { clock } of world.homes) clock.pass(31_000);
    const change = await laptop.passport.revoke('phone', { ...left, kit: false });
    expect(await world.settle(laptop, change, [tablet])).toMatchObject({ state: 'decided' });
    expect(await tablet.passport.finish(open.id, left)).toMatchObject({ state: 'superseded' });
    for (const { clock } of world.homes) clock.pass(DAY);
    await tablet.passport.sync();
    expect((await tablet.passport.devices()).map(({ name }) => name)).toContain('laptop');
  });
});

describe('a revoked device that did not know it and wrote on', () => {
  it('sends nothing of it, hears that it was revoked, and can verify and write no more', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('revoke-stale');
    await world.unlock(phone, laptop);
    const change = await laptop.passport.revoke('phone', { ...left, kit: false });
    await world.settle(laptop, change, [tablet]);
    const before = await contents(world.store());
    await phone.passport.put('late', 'x');
    const { waitingForUnlock, notices } = await phone.passport.sync();
    expect(waitingForUnlock).toBe(0);
    expect(notices.at(-1)).toBe(
      'This device was revoked in entry 3. What was written here and not sent before stays here.',
    );
    expect(await contents(world.store())).toEqual(before);
    expect(await rejectionOf(phone.passport.put('later', 'y'))).toBe('revoked');
    expect(await rejectionOf(phone.passport.verify())).toBe('revoked');
    expect(await text(phone, 'old')).toBe('written before');
    expect(await laptop.passport.verify()).toMatchObject({ ok: true });
  });
});
