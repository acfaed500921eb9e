/**
 * Two stores of one passport that tell different histories. The one that contradicts what a device has is named `forked`, from
 * signed bytes only; nothing on the device changes by it, and both stores are written to as before.
 */
import { describe, expect, it } from 'vitest';

import { copy } from '../../src/bytes.ts';
import type { TestStore } from '../helpers/durable.ts';
import { Forger, threeOnTwoStores } from '../helpers/hostile.ts';
import { type Member, noticesOf, PASSPHRASE, text, type World } from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };
const TWO = 'memory:two';

const states = async ({ passport }: Member) => (await passport.status()).stores.map(({ url, state }) => [url, state]);
const OK = [
  ['memory:one', 'ok'],
  [TWO, 'ok'],
];
const FORKED = [
  ['memory:one', 'ok'],
  [TWO, 'forked'],
];

/** From now on `memory:two` shows what these objects are: those of another world, or of an earlier time. */
function turnOver(world: World, { objects }: Pick<TestStore, 'objects'>): void {
  const store = world.store(TWO);
  store.objects.clear();
  for (const [name, bytes] of objects) store.objects.set(name, copy(bytes));
}

/** The phone helps to decide one entry here, and another one of the same slot in a copy of the world. */
async function registryFork(label: string) {
  const near = await threeOnTwoStores(label);
  const far = near.world.clone('far');
  const [, farPhone, farTablet] = [await far.open(0), await far.open(1), await far.open(2)];
  const mine = await near.laptop.passport.rename('phone', 'pocket', left);
  const { state, slot } = await near.world.settle(near.laptop, mine, [near.phone]);
  expect(state).toBe('decided');
  await near.world.unlock(near.laptop, near.phone);
  const theirs = await farTablet.passport.rename('phone', 'mobile', left);
  expect(await far.settle(farTablet, theirs, [farPhone])).toMatchObject({ state: 'decided', slot });
  return { ...near, far, slot: slot as number };
}

/** The laptop's home was copied, and both copies write: one is seen by `memory:one`, the other by `memory:two`. */
async function chainFork(label: string) {
  const near = await threeOnTwoStores(label);
  await near.world.unlock(near.laptop, near.phone);
  await near.laptop.passport.put('first', 'of its chain');
  await near.laptop.passport.sync();
  const far = near.world.clone('far');
  for (const [world, value] of [
    [near.world, 'near'],
    [far, 'far'],
  ] as const) {
    const laptop = world === far ? await far.open(0) : near.laptop;
    if (world === far) await far.unlock(laptop, await far.open(1));
    await laptop.passport.put('note', value);
    await laptop.passport.sync();
  }
  return { ...near, far };
}

describe('another decided entry of one slot', () => {
  it('makes the store that shows it forked, in sync, status, check and verify; the other one stays ok', async () => {
    const { world, laptop, far, slot } = await registryFork('entry');
    turnOver(world, far.store(TWO));
    const report = await laptop.passport.sync();
    expect(report.stores).toMatchObject([
      { url: 'memory:one', state: 'ok', contradicts: [], behind: 0 },
      { url: TWO, state: 'forked', behind: 0 },
    ]);
    expect(report.stores[1]!.error).toBeUndefined();
    expect(report.stores[1]!.contradicts).toEqual([
      expect.stringMatching(new RegExp(`^another decided entry of slot ${slot}: (hot/r|reg/)`)),
    ]);
    expect(await states(laptop)).toEqual(FORKED);
    expect((await laptop.passport.status()).warnings.join()).toContain(`${TWO}: forked, it shows another history`);
    expect(await laptop.passport.checkStore('memory:one')).toMatchObject({ ok: true, contradicts: [] });
    const checked = await laptop.passport.checkStore(TWO);
    expect(checked).toMatchObject({ ok: false, damaged: [], missing: [] });
    expect(checked.contradicts.join()).toContain(`${TWO} shows another decided entry of slot ${slot}`);
    const verified = await laptop.passport.verify({ repair: true });
    expect(verified).toMatchObject({ ok: false, damaged: [], missing: [], contradicts: checked.contradicts });
  });

  it('is found by verify too, where no sync has looked yet', async () => {
    const { world, laptop, far, slot } = await registryFork('entry unseen');
    turnOver(world, far.store(TWO));
    const { ok, contradicts } = await laptop.passport.checkStore(TWO);
    expect({ ok, count: contradicts.length }).toEqual({ ok: false, count: 1 });
    expect(contradicts[0]).toContain(`another decided entry of slot ${slot}`);
    expect(await states(laptop)).toEqual(FORKED);
  });

  it('takes nothing away: the head stays, records are read and written, both stores get them', async () => {
    const { world, laptop, far, slot } = await registryFork('entry keeps');
    await laptop.passport.put('before', 'kept');
    turnOver(world, far.store(TWO));
    await laptop.passport.sync();
    await laptop.passport.put('after', 'written');
    expect((await laptop.passport.sync()).stores).toMatchObject([
      { state: 'ok', sent: 1, behind: 0 },
      { state: 'forked', sent: 1, behind: 0 },
    ]);
    expect(await laptop.passport.status()).toMatchObject({ slot });
    expect([await text(laptop, 'before'), await text(laptop, 'after')]).toEqual(['kept', 'written']);
    // It has everything: the other store may go.
    await laptop.passport.removeStore('memory:one');
    expect(await states(laptop)).toEqual([[TWO, 'forked']]);
  });

  it('stays until the store shows it no more, and an idle sync writes nothing', async () => {
    const { world, laptop, far } = await registryFork('entry ends');
    const whole = world.store(TWO).clone();
    turnOver(world, far.store(TWO));
    await laptop.passport.sync();
    await laptop.passport.sync();
    const before = await laptop.home.journal.generation();
    expect((await laptop.passport.sync()).stores[1]).toMatchObject({ state: 'forked', sent: 0 });
    expect(await laptop.home.journal.generation()).toBe(before);
    const again = await world.open(0);
    expect(await states(again)).toEqual(FORKED);
    turnOver(world, whole);
    await again.passport.verify({});
    expect((await again.passport.sync()).stores[1]).toMatchObject({ state: 'ok', contradicts: [] });
    expect(await states(again)).toEqual(OK);
  });
});

describe('another commit of one number', () => {
  it('makes the store forked whose commit contradicts what came before; both are kept, so the next sync is ok', async () => {
    const { world, phone, far } = await chainFork('commit');
    turnOver(world, far.store(TWO));
    const { stores } = await phone.passport.sync();
    expect(stores).toMatchObject([
      { url: 'memory:one', state: 'ok', contradicts: [], behind: 0 },
      { url: TWO, state: 'forked', behind: 0 },
    ]);
    expect(stores[1]!.contradicts).toEqual([expect.stringMatching(/^another commit \d+ of "laptop": hot\/c-/)]);
    expect(await states(phone)).toEqual(FORKED);
    expect((await phone.passport.devices()).map(({ name, state }) => [name, state])).toContainEqual([
      'laptop',
      'cloned',
    ]);
    // What one store had, the other has now too: they tell the same.
    expect((await phone.passport.sync()).stores).toMatchObject([{ state: 'ok' }, { state: 'ok', contradicts: [] }]);
    expect(await states(phone)).toEqual(OK);
    // A device that comes later sees both in each store: the laptop is cloned, no store is forked.
    const tablet = await world.open(2);
    expect((await tablet.passport.sync()).stores).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);
    expect((await tablet.passport.devices()).map(({ name, state }) => [name, state])).toContainEqual([
      'laptop',
      'cloned',
    ]);
  });

  it('is found by check before a sync took it, which keeps nothing of it', async () => {
    const { world, phone, far } = await chainFork('commit unseen');
    await phone.passport.sync();
    turnOver(world, far.store(TWO));
    const { ok, contradicts } = await phone.passport.checkStore(TWO);
    expect({ ok, count: contradicts.length }).toEqual({ ok: false, count: 1 });
    expect(contradicts[0]).toMatch(/^memory:two shows another commit \d+ of "laptop"/);
    expect((await phone.passport.devices()).map(({ name, state }) => [name, state])).toContainEqual([
      'laptop',
      'active',
    ]);
    expect((await phone.passport.sync()).stores[1]).toMatchObject({ state: 'forked' });
  });
});

describe('no fork between stores', () => {
  it('comes of junk, of another entry without its certificate, or of a store that is behind', async () => {
    const { world, laptop, tablet, far, slot } = await registryFork('junk');
    const forger = await Forger.of(world, tablet, TWO);
    await forger.registry(slot, new Uint8Array(200).fill(9), true);
    const farSide = await Forger.of(far, await far.open(2), TWO);
    const bare = await farSide.resealed(slot, (decided) => ({
      ...decided,
      certificate: { ...decided.certificate, accepts: [] },
    }));
    await forger.registry(slot, bare, true);
    const report = await laptop.passport.sync();
    expect(report.stores[1]).toMatchObject({ state: 'ok', contradicts: [] });
    expect((await laptop.passport.checkStore(TWO)).contradicts).toEqual([]);
    for (const name of [...world.store(TWO).objects.keys()].filter((each) => each.includes('/hot/c-')))
      world.store(TWO).objects.delete(name);
    expect((await laptop.passport.sync()).stores[1]).toMatchObject({ state: 'ok', contradicts: [] });
    expect(noticesOf(laptop.home).join()).not.toContain('frozen');
  });
});
