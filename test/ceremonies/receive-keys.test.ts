/** Receive keys live one epoch: destroyed exactly when another device than the dealer has opened the new one, not before. */
import { describe, expect, it } from 'vitest';

import { hex } from '../../src/bytes.ts';
import { Device } from '../../src/device/device.ts';
import {
  type Member,
  PASSPHRASE,
  stopsWaiting,
  text,
  threeDevices,
  twoDevices,
  words,
  World,
} from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };

/** The private receive keys that a device still has, as the hex of their public halves; the listed one first. */
async function keysOf({ home }: Member): Promise<{ all: string[]; listed: string }> {
  const pid = (await home.journal.get('n/passport'))!;
  const device = await Device.open(home.environment, pid, await home.keystore.openKey());
  return device.asMember(async ({ secrets, state }) => {
    const me = state.members.find(({ id }) => hex(id) === hex(secrets.deviceId))!;
    return { all: secrets.receive.map(({ publicKey }) => hex(publicKey)), listed: hex(me.receiveKey) };
  });
}

describe('receive keys of older epochs', () => {
  it('stay until a device other than the dealer has opened the new epoch from N shares, and go then', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('keys');
    const before = await keysOf(phone);
    const change = await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true });
    await world.settle(laptop, change, [phone]);
    await tablet.passport.sync();
    for (const member of [laptop, phone, tablet]) await member.passport.sync();
    const after = await keysOf(phone);
    expect(after.listed).not.toBe(before.listed);
    expect(after.all).toContain(before.listed);
    expect(after.all).toContain(after.listed);
    // The tablet promised too late or in time: it has whatever key the entry lists for it.
    const third = await keysOf(tablet);
    expect(third.all).toContain(third.listed);

    // The dealer opening it proves nothing to the others.
    await stopsWaiting(laptop.passport.unlock(left));
    await world.approveAll(phone);
    await world.approveAll(tablet);
    await laptop.passport.unlock(left);
    await laptop.passport.sync();
    await phone.passport.sync();
    expect((await keysOf(phone)).all).toContain(before.listed);

    await stopsWaiting(tablet.passport.unlock(left));
    await world.approveAll(laptop);
    await world.approveAll(phone);
    await tablet.passport.unlock(left);
    await tablet.passport.sync();
    for (const member of [laptop, phone, tablet]) {
      await member.passport.sync();
      const { all, listed } = await keysOf(member);
      expect(all).toEqual([listed]);
    }
  });

  it('of a single device go after its own unlock from shares', async () => {
    const world = new World('keys alone');
    const laptop = await world.create();
    const kits = laptop.kits.map(words);
    const before = await keysOf(laptop);
    const change = await laptop.passport.reshare({ ...left, threshold: 3, noSpare: true, kits: [kits[0]!] });
    expect(change.state).toBe('decided');
    await laptop.passport.sync();
    expect((await keysOf(laptop)).all).toContain(before.listed);
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits });
    await laptop.passport.sync();
    const { all, listed } = await keysOf(laptop);
    expect(all).toEqual([listed]);
    expect(listed).not.toBe(before.listed);
  });

  it('are gone from the keystore’s own bytes too: the old blob is overwritten', async () => {
    const { laptop, kit } = await twoDevices('keys blob');
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    await laptop.passport.rename('phone', 'pocket', { ...left, kits: [kit] });
    await laptop.passport.sync();
    expect(laptop.home.keystore.blobs.size).toBe(1);
  });
});

describe('a device that was away', () => {
  it('keeps its key over several epochs, catches up, and opens the newest', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('away');
    const before = await keysOf(tablet);
    for (const threshold of [3, 2, 3]) {
      const change = await laptop.passport.reshare({ ...left, threshold, noSpare: true });
      expect(await world.settle(laptop, change, [phone])).toMatchObject({
        state: threshold === 2 ? 'waiting' : 'decided',
      });
      if (threshold === 3) continue;
      await world.approveAll(tablet); // three are needed to go back to two
      expect(await world.settle(laptop, change, [phone, tablet])).toMatchObject({ state: 'decided' });
    }
    await tablet.passport.sync();
    const { all, listed } = await keysOf(tablet);
    expect(all).toContain(listed);
    expect(before.all).toHaveLength(1);
    await stopsWaiting(tablet.passport.unlock(left));
    for (const member of [laptop, phone]) await world.approveAll(member);
    await tablet.passport.unlock(left);
    expect(await text(tablet, 'old')).toBe('written before');
  });
});
