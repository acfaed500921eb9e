/**
 * The rule of the old quorum: holders that left, however many and with all their good shares, open nothing and change nothing
 * any more. Two of three were enough once; they are revoked one after the other, with a store that hides nothing.
 */
import { describe, expect, it } from 'vitest';
import { type Kit, Passport } from '../../src/index.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { PASSPHRASE, text, threeDevices, words } from '../helpers/mesh.ts';

const given = { passphrase: PASSPHRASE, timeoutMs: 0 };

/** Laptop, phone and tablet, 2 of 3. Tablet and then phone are revoked while they are away; kit-3 and kit-4 take their places. */
async function bothRevoked(label: string) {
  const { world, laptop, phone, tablet, oldKits } = await threeDevices(label);
  const kits: string[] = [];
  const keepKits = async (made: readonly Kit[]) => void kits.push(...made.map(words));
  const first = await laptop.passport.revoke('tablet', { ...given, keepKits });
  expect(await world.settle(laptop, first, [phone])).toMatchObject({ state: 'decided' });
  const second = await laptop.passport.revoke('phone', { ...given, keepKits, kits: kits.slice() });
  expect(second).toMatchObject({ state: 'decided' });
  await laptop.passport.put('secret', 'written after');
  await laptop.passport.sync();
  return { world, laptop, phone, tablet, oldKits, kits };
}

describe('a full old quorum after a revocation', () => {
  it('of kits recovers nothing: kit-unknown, and leaves store and home as they were', async () => {
    const { world, oldKits } = await bothRevoked('old quorum of kits');
    const before = new Map(world.store().objects);
    const home = world.home();
    const stores = [...world.stores.keys()];
    const recovered = Passport.recover(home.environment, {
      name: 'thief',
      stores,
      kits: oldKits,
      passphrase: PASSPHRASE,
    });
    expect(await rejectionOf(recovered)).toBe('kit-unknown');
    expect(world.store().objects).toEqual(before);
    expect(await Passport.peek(home.environment)).toBeUndefined();
  });

  it('of kits opens no device that is in: kit-unknown', async () => {
    const { laptop, oldKits } = await bothRevoked('old quorum at a device');
    await laptop.passport.lock();
    expect(await rejectionOf(laptop.passport.unlock({ ...given, kits: oldKits }))).toBe('kit-unknown');
  });

  it('of devices is told so, and neither opens, writes nor changes anything: revoked', async () => {
    const { world, laptop, phone, tablet } = await bothRevoked('old quorum of devices');
    for (const member of [phone, tablet]) await member.passport.sync();
    for (const { passport } of [phone, tablet]) {
      expect(await rejectionOf(passport.unlock(given))).toBe('revoked');
      expect(await rejectionOf(passport.revoke('laptop', { ...given, kit: false }))).toBe('revoked');
      expect(await rejectionOf(passport.put('secret', 'mine'))).toBe('locked');
    }
    await world.approveAll(laptop);
    expect(await laptop.passport.requests()).toEqual([]);
    expect(await text(laptop, 'secret')).toBe('written after');
  });

  it('is no loss for who is in: the new quorum opens', async () => {
    const { laptop, kits } = await bothRevoked('new quorum');
    await laptop.passport.lock();
    await laptop.passport.unlock({ ...given, kits: [kits[1]!] });
    expect(await text(laptop, 'secret')).toBe('written after');
  });
});
