/** A home that comes back from a backup, is copied or is rolled back: it never says two things in one place. */
import { describe, expect, it } from 'vitest';

import { PassportError } from '../../src/index.ts';
import { audit } from '../helpers/audit.ts';
import type { TestStore } from '../helpers/durable.ts';
import { type Home, type Member, PASSPHRASE, text, threeDevices, twoDevices, words, World } from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };

/** The disk of `home` as it was in `backup`; the machine remembers what it remembers (its anchor), or not. */
function restore(world: World, home: Home, backup: Home, options: { anchor: boolean }): number {
  const fresh = world.home({ copyOf: backup });
  if (options.anchor) fresh.anchor.note = home.anchor.note;
  return world.homes.length - 1;
}

/** What is durable of a home now. */
function backupOf(world: World, home: Home): Home {
  return world.clone('backup').homes[world.homes.indexOf(home)]!;
}

describe.each([{ anchor: true }, { anchor: false }])(
  'a home restored from a backup (anchor kept: $anchor)',
  ({ anchor }) => {
    it('goes on as a new incarnation after what the stores have of it, without an alarm, and loses nothing', async () => {
      const { world, laptop, phone, kit } = await twoDevices(`restored ${anchor}`);
      await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
      await laptop.passport.put('a', 'before the backup');
      await laptop.passport.sync();
      await laptop.passport.close();
      const backup = backupOf(world, laptop.home);
      const going = await world.open(0);
      await going.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
      await going.passport.put('b', 'after the backup');
      await going.passport.sync();
      await going.passport.close();

      const back = await world.open(restore(world, laptop.home, backup, { anchor }));
      const report = await back.passport.sync();
      if (!anchor) expect(report.notices.join()).toContain('restored from an older copy');
      await back.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
      expect(await text(back, 'b')).toBe('after the backup');
      await back.passport.put('c', 'after the restore');
      await back.passport.sync();
      await phone.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
      await phone.passport.sync();
      for (const [key, value] of [
        ['a', 'before the backup'],
        ['b', 'after the backup'],
        ['c', 'after the restore'],
      ]) {
        expect(await text(phone, key!)).toBe(value);
      }
      expect(await audit(world, phone.home)).toMatchObject({ faults: [] });
      expect(await phone.passport.conflicts()).toEqual([]);
    });

    it('does not vote again in the slot where it voted before: its votes are in the stores', async () => {
      const { world, laptop, phone, tablet } = await threeDevices(`restored vote ${anchor}`);
      await phone.passport.close();
      const backup = backupOf(world, phone.home);
      const change = await laptop.passport.rename('tablet', 'slate', left);
      const voting = await world.open(1);
      await world.approveAll(voting);
      await tablet.passport.sync();
      tablet.home.clock.pass(31_000);
      const other = await tablet.passport.rename('laptop', 'tower', left); // its own ballot is higher: it accepts no lower one
      await laptop.passport.sync({ passphrase: PASSPHRASE });
      const accept = [...world.store().objects.keys()].filter((name) => name.includes('/hot/v-')).at(-1)!;
      world.store().objects.delete(accept); // the laptop's own one got lost, else the phone's would decide
      await voting.passport.sync(); // promised, approved, accepted
      await voting.passport.close();
      expect((await voting.passport.status()).slot).toBe(2);

      const back = await world.open(restore(world, phone.home, backup, { anchor }));
      await world.approveAll(back);
      for (let i = 0; i < 4; i++) {
        for (const member of [tablet, back]) {
          member.home.clock.pass(40_000);
          await member.passport.sync({ passphrase: PASSPHRASE });
        }
      }
      expect((await tablet.passport.log()).at(-1)).toMatchObject({ slot: 3, summary: '"tablet" is called "slate"' });
      expect(await tablet.passport.finish(other.id, left)).toMatchObject({ state: 'superseded' });
      expect(change.state).toBe('waiting');
      expect(await audit(world, tablet.home)).toMatchObject({ faults: [] });
    });
  },
);

describe('a device that may have forgotten its votes', () => {
  it('sits the slot out while a store that may have them cannot be read', async () => {
    const world = new World('sits out');
    const stores = ['memory:one', 'memory:two'];
    const laptop = await world.create('laptop', { stores, threshold: 2, holders: 3 });
    const phone = await world.enroll('phone', laptop, { kits: [words(laptop.kits[0]!)] });
    await phone.passport.close();
    const backup = backupOf(world, phone.home);
    const [one, two] = stores.map((url) => world.store(url)) as [TestStore, TestStore];
    await laptop.passport.rename('kit-1', 'paper', left);
    const seen = new Set(one.ever.keys());
    const votes = () => [...one.ever.keys()].filter((name) => !seen.has(name) && name.includes('/hot/v-'));
    const going = await world.open(1);
    await going.passport.sync();
    await going.passport.close();
    expect(votes()).toHaveLength(1); // its promise
    one.objects.delete(votes()[0]!); // which only the second store still has

    const back = await world.open(restore(world, phone.home, backup, { anchor: true }));
    two.fault = () => new PassportError('store-unreachable', 'down');
    await back.passport.sync();
    await back.passport.sync();
    expect(votes()).toHaveLength(1);
    two.fault = () => undefined;
    await back.passport.sync(); // now it has read its own promise, and puts it where it is lacking
    expect(votes()).toHaveLength(1);
    expect(one.objects.has(votes()[0]!)).toBe(true);
    expect(await audit(world, laptop.home)).toMatchObject({ faults: [] });
  });
});

describe('a copied home', () => {
  it('that writes on both sides: both writings are kept, and the device is known as cloned', async () => {
    const { world, laptop, phone, kit } = await twoDevices('cloned');
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    await laptop.passport.put('a', 'x');
    await laptop.passport.sync();
    const copy = await world.open(restore(world, laptop.home, backupOf(world, laptop.home), { anchor: false }));
    copy.home.anchor.note = laptop.home.anchor.note;
    await copy.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    await copy.passport.put('b', 'by the copy');
    await laptop.passport.put('c', 'by the first');
    await copy.passport.sync();
    await laptop.passport.sync();
    await copy.passport.sync();
    await phone.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    await phone.passport.sync();
    for (const member of [phone, laptop, copy] as Member[]) {
      expect(await text(member, 'b')).toBe('by the copy');
      expect(await text(member, 'c')).toBe('by the first');
    }
    // From now on each goes its own way: no number is used twice any more.
    const { faults } = await audit(world, phone.home);
    await laptop.passport.put('d', 'x');
    await copy.passport.put('e', 'y');
    await laptop.passport.sync();
    await copy.passport.sync();
    expect((await audit(world, phone.home)).faults).toEqual(faults);
  });
});

describe('a rolled-back store', () => {
  it('is noticed, never believed, and gets everything back', async () => {
    const { world, laptop, phone, kit } = await twoDevices('rolled back');
    const store = world.store();
    const old = new Map(store.objects);
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    await laptop.passport.put('new', 'kept');
    const change = await laptop.passport.rename('phone', 'pocket', { ...left, kits: [kit] });
    expect(change.state).toBe('decided');
    await laptop.passport.sync();
    const whole = new Set(store.objects.keys());
    rollBack(store, old);
    const report = await laptop.passport.sync();
    expect(report.stores[0]).toMatchObject({ state: 'rolled-back' });
    expect(report.stores[0]!.lost.length).toBeGreaterThan(0);
    expect(await text(laptop, 'new')).toBe('kept');
    const missing = [...whole].filter((name) => !store.objects.has(name) && !name.includes('/hot/v-'));
    expect(missing).toEqual([]);
    expect((await laptop.passport.sync()).stores[0]).toMatchObject({ state: 'ok', lost: [] });
    await phone.passport.sync();
    expect((await phone.passport.devices()).map(({ name }) => name)).toContain('pocket');
  });
});

function rollBack(store: TestStore, to: ReadonlyMap<string, Uint8Array<ArrayBuffer>>): void {
  store.objects.clear();
  for (const [name, bytes] of to) store.objects.set(name, bytes);
}
