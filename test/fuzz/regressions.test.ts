/** Faults that the fuzzer found, each as the story of somebody who meets it. */
import { describe, expect, it } from 'vitest';

import { formatName, parseName } from '../../src/format/names.ts';
import { Passport } from '../../src/index.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { blind } from '../helpers/hostile.ts';
import { type Home, PASSPHRASE, text, twoDevices, words, World } from '../helpers/mesh.ts';

const isEntry = (slot: number) => (name: string) => {
  const parsed = parseName(name);
  return parsed?.kind === 'registry' && parsed.slot === slot;
};

/** Three of five: the laptop and four kits, then the phone for the newest kit. */
async function withKits(label: string): Promise<{ world: World; home: Home; recover: () => Promise<Passport> }> {
  const world = new World(`regression ${label}`);
  const laptop = await world.create('laptop', { threshold: 3, holders: 5 });
  const kits = laptop.kits.slice(0, 3).map(words);
  await laptop.passport.put('wallet', 'seed words');
  await world.enroll('phone', laptop, { kits });
  await laptop.passport.sync();
  const home = world.home();
  const recover = () =>
    Passport.recover(home.environment, { stores: ['memory:one'], name: 'desktop', passphrase: PASSPHRASE, kits });
  return { world, home, recover };
}

describe('verify', () => {
  it('of a device that has not synced yet leaves what is new to its next sync', async () => {
    const { world, laptop, phone } = await twoDevices('verify first');
    await world.unlock(laptop, phone);
    await world.unlock(phone, laptop);
    await laptop.passport.put('later', 'written while the phone was away');
    await laptop.passport.sync();
    expect(await phone.passport.verify()).toMatchObject({ ok: true });
    expect(await phone.passport.sync()).toMatchObject({ applied: 1 });
    expect(await text(phone, 'later')).toBe('written while the phone was away');
  });
});

describe('who comes in by kits', () => {
  it('reads the whole copy of the newest entry when the other one is torn', async () => {
    const { world, home, recover } = await withKits('torn');
    const { objects } = world.store();
    const hot = [...objects.keys()].find((name) => name.includes('/hot/') && isEntry(1)(name)) as string;
    objects.set(hot, new Uint8Array(9));
    const passport = await recover();
    expect((await passport.log()).map(({ slot }) => slot)).toEqual([0, 1, 2]);
    expect(home.cards[0]?.lines[0]).toContain('number 1');
  });

  it('asks again when an entry shows up that the first look had missed', async () => {
    const { home, recover } = await withKits('missed');
    let shown = false;
    blind(home, (name) => !shown && isEntry(1)(name));
    home.confirms = () => (shown = true);
    expect(await rejectionOf(recover())).toBe('waiting');
    const passport = await recover();
    expect((await passport.log()).map(({ slot }) => slot)).toEqual([0, 1, 2]);
    expect(await text({ passport, home }, 'wallet')).toBe('seed words');
  });

  it('is not stopped by an entry that stands under the name of another slot too', async () => {
    const { world, recover } = await withKits('renamed');
    const { objects } = world.store();
    for (const [name, bytes] of [...objects].filter(([each]) => isEntry(1)(each))) {
      const parsed = parseName(name);
      if (parsed?.kind === 'registry') objects.set(formatName({ ...parsed, slot: 0 }), bytes);
    }
    expect((await (await recover()).log()).map(({ slot }) => slot)).toEqual([0, 1, 2]);
  });
});
