/** A store that shows an older state of itself: what was dealt with meanwhile stays dead, there and in the other store. */
import { expect, it } from 'vitest';

import { copy } from '../../src/bytes.ts';
import { isOf, threeOnTwoStores } from '../helpers/hostile.ts';
import { PASSPHRASE, text } from '../helpers/mesh.ts';

const TWO = 'memory:two';

it('does not bring votes and mail back into the other one, by repair or by sync, and is tidied itself', async () => {
  const { world, laptop, phone, tablet } = await threeOnTwoStores('lag');
  const everybody = [laptop, phone, tablet];
  await world.unlock(laptop, phone);
  await laptop.passport.put('kept', 'value');
  const waiting = await laptop.passport.rename('phone', 'pocket', { passphrase: PASSPHRASE, timeoutMs: 0 });
  await laptop.passport.drill({ timeoutMs: 0 }).catch(() => undefined); // mail to the others
  await laptop.passport.sync();
  const old = new Map([...world.store(TWO).objects].map(([name, bytes]) => [name, copy(bytes)]));
  const change = await world.settle(laptop, waiting, [phone]);
  expect(change.state).toBe('decided');
  for (let round = 0; round < 3; round++) for (const { passport } of everybody) await passport.sync();
  const hashOf = (name: string) => name.slice(name.lastIndexOf('-') + 1);
  // Dead is what both stores were rid of: everything but messages of invitations, which are taken back after an hour.
  const alive = new Set([...world.store().objects.keys()].map(hashOf));
  const dead = [...old.keys()].filter((name) => (isOf('vote')(name) || isOf('mail')(name)) && !alive.has(hashOf(name)));
  expect([dead.some(isOf('vote')), dead.some(isOf('mail'))]).toEqual([true, true]);
  const hashes = new Set(dead.map(hashOf));
  const deadIn = (url?: string) => [...world.store(url).objects.keys()].filter((name) => hashes.has(hashOf(name)));
  expect([deadIn(), deadIn(TWO)]).toEqual([[], []]);

  for (const [name, bytes] of old) world.store(TWO).objects.set(name, copy(bytes));
  expect(deadIn(TWO).length).toBe(dead.length);
  for (const { passport } of everybody) {
    expect(await passport.verify({ repair: true })).toMatchObject({ ok: true, missing: [] });
    await passport.sync();
    expect(deadIn()).toEqual([]);
  }
  for (const { passport } of everybody) await passport.sync();
  expect([deadIn(), deadIn(TWO).filter(isOf('vote'))]).toEqual([[], []]);
  expect(await text(laptop, 'kept')).toBe('value');
});
