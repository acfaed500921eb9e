import { describe, expect, it } from 'vitest';

import { Passport } from '../../src/index.ts';
import { PASSPHRASE, text, words, World } from '../helpers/mesh.ts';

describe('a passport from its beginning', () => {
  it('is founded, holds records, and opens again from a kit and the passphrase', async () => {
    const world = new World('story-1');
    const { passport, home, kits } = await world.create();
    await passport.put('ssh/id', new Uint8Array([1, 2, 3]));
    expect((await passport.get('ssh/id'))?.value).toEqual(new Uint8Array([1, 2, 3]));
    const report = await passport.sync();
    expect(report.stores.map(({ state, behind }) => ({ state, behind }))).toEqual([{ state: 'ok', behind: 0 }]);
    await passport.lock();
    await expect(passport.get('ssh/id')).rejects.toMatchObject({ code: 'locked' });
    const again = await Passport.open(home.environment);
    await again.unlock({ passphrase: PASSPHRASE, kits: [words(kits[0]!)] });
    expect((await again.get('ssh/id'))?.value).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('lets a phone take the place of a kit, and both read the same', async () => {
    const world = new World('story-2');
    const laptop = await world.create();
    await laptop.passport.put('note', 'hello');
    const phone = await world.enroll('phone', laptop, { kits: [words(laptop.kits[0]!)] });
    expect((await laptop.passport.devices()).map(({ name, state }) => [name, state])).toEqual([
      ['laptop', 'active'],
      ['kit-1', 'active'],
      ['kit-2', 'revoked'],
      ['phone', 'active'],
    ]);
    await world.unlock(phone, laptop);
    expect(await text(phone, 'note')).toBe('hello');
  });
});
