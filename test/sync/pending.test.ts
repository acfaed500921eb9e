/** What was written waits in the journal until a store has it; sealed for an epoch that is over, it waits for a session. */
import { describe, expect, it } from 'vitest';

import { PassportError } from '../../src/index.ts';
import { parseName } from '../../src/format/names.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { PASSPHRASE, stopsWaiting, text, threeDevices } from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };

describe('changes of a device that is locked now', () => {
  it('are sent as they are while their epoch is the newest', async () => {
    const { world, laptop, phone } = await threeDevices('pending-same');
    await world.unlock(laptop, phone);
    await laptop.passport.put('a', 'b');
    await laptop.passport.lock();
    expect((await laptop.passport.status()).pending).toBe(1); // the receipt of the unlock went with it
    const report = await laptop.passport.sync();
    expect(report).toMatchObject({ waitingForUnlock: 0 });
    expect((await laptop.passport.status()).pending).toBe(0);
  });

  it('wait for unlock when the mesh got new keys meanwhile; then they are sealed again and sent', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('pending-epoch');
    await world.unlock(phone, laptop);
    await phone.passport.sync();
    for (let i = 0; i < 3; i++) await phone.passport.put(`mine/${i}`, `${i}`);
    await phone.passport.lock();
    const change = await laptop.passport.revoke('tablet', { ...left, kit: false });
    world.store().fault = () => undefined;
    await tablet.passport.sync();
    await tablet.passport.approve(change.id, { number: change.number, timeoutMs: 0 });
    await laptop.passport.finish(change.id, left);
    await tablet.passport.sync();
    expect(await laptop.passport.finish(change.id, left)).toMatchObject({ state: 'decided' });
    const before = new Set(world.store().ever.keys());
    const report = await phone.passport.sync();
    expect(report.waitingForUnlock).toBe(3);
    expect(report.notices.join()).toContain('3 changes wait for unlock: passport unlock, then sync.');
    expect((await phone.passport.status()).pending).toBeGreaterThanOrEqual(3);
    const sent = () =>
      [...world.store().ever.keys()].filter((name) => !before.has(name) && parseName(name)?.kind === 'bundle');
    expect(sent()).toEqual([]); // the tablet, which is out, could have read them
    await stopsWaiting(phone.passport.unlock(left));
    await world.approveAll(laptop);
    await phone.passport.unlock(left);
    expect((await phone.passport.sync()).waitingForUnlock).toBe(0);
    expect((await phone.passport.status()).pending).toBe(0);
    await laptop.passport.sync();
    for (let i = 0; i < 3; i++) expect(await text(laptop, `mine/${i}`)).toBe(`${i}`);
    await tablet.passport.sync();
    expect((await tablet.passport.status()).warnings.join()).toContain('revoked');
  });

  it('stay what they are over a crash of the store at any put', async () => {
    const { world, laptop, phone } = await threeDevices('pending-crash');
    await world.unlock(laptop, phone);
    for (let i = 0; i < 5; i++) await laptop.passport.put(`a/${i}`, `${i}`);
    const store = world.store();
    let puts = 0;
    store.fault = (call) =>
      call === 'put' && puts++ % 2 === 0 ? new PassportError('store-unreachable', 'down') : undefined;
    for (let i = 0; i < 6; i++) await laptop.passport.sync();
    store.fault = () => undefined;
    await laptop.passport.sync();
    await phone.passport.sync();
    await world.unlock(phone, laptop);
    expect((await phone.passport.list('a/')).length).toBe(5);
  });
});

describe('a grant that a store lost', () => {
  it('keeps the device where it is, which says so; the dealer’s verify puts it back', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('pending-grant');
    const change = await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true });
    expect(await world.settle(laptop, change, [tablet])).toMatchObject({ state: 'decided' });
    const store = world.store();
    const grants = [...store.objects.keys()].filter(
      (name) => parseName(name)?.kind === 'grant' && name.includes('00000003-'),
    );
    expect(grants).toHaveLength(3);
    for (const name of grants) store.objects.delete(name);
    const report = await phone.passport.sync();
    expect(report.notices.join()).toContain('Entry 3 is decided, but this device’s part of it is not in the store');
    expect((await phone.passport.status()).slot).toBe(2);
    expect(await rejectionOf(phone.passport.sync())).toBe('no error');
    expect((await laptop.passport.verify({ repair: true })).repaired.length).toBe(3);
    await phone.passport.sync();
    expect((await phone.passport.status()).slot).toBe(3);
  });
});
