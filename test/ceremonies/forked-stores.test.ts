/** A store that shows another decided change than the others is named, by each command that looks; the others go on. */
import { describe, expect, it } from 'vitest';

import { copy } from '../../src/bytes.ts';
import { parseName } from '../../src/format/names.ts';
import { threeOnTwoStores } from '../helpers/hostile.ts';
import { PASSPHRASE, text } from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };
const [ONE, TWO] = ['memory:one', 'memory:two'];

/** Slot 3 is one thing in store one, and, by a copy of the phone that voted twice, another in store two. */
async function forkedStores(label: string) {
  const { world, laptop, phone } = await threeOnTwoStores(label);
  const other = world.clone('the other side');
  const far = { tablet: await other.open(2), phone: await other.open(1) };
  const mine = await laptop.passport.rename('tablet', 'slate', left);
  expect(await world.settle(laptop, mine, [phone])).toMatchObject({ state: 'decided', slot: 3 });
  const theirs = await far.tablet.passport.revoke('laptop', { ...left, kit: false });
  expect(await other.settle(far.tablet, theirs, [far.phone])).toMatchObject({ state: 'decided', slot: 3 });
  const entries = [...other.store(TWO).objects].filter(([name]) => {
    const parsed = parseName(name);
    return parsed?.kind === 'registry' && parsed.slot === 3;
  });
  const show = (which: (name: string) => boolean = () => true) => {
    for (const [name, bytes] of entries) if (which(name)) world.store(TWO).objects.set(name, copy(bytes));
  };
  const hide = () => {
    for (const [name] of entries) world.store(TWO).objects.delete(name);
  };
  return { world, laptop, phone, show, hide };
}

const states = (stores: readonly { url: string; state: string }[]) => stores.map(({ url, state }) => [url, state]);

describe('two stores of which one contradicts the other', () => {
  it('that one is forked, in the sync that sees it and in status from then on; a restart changes nothing', async () => {
    const { world, laptop, show } = await forkedStores('forked store');
    expect(states((await laptop.passport.sync()).stores)).toEqual([
      [ONE, 'ok'],
      [TWO, 'ok'],
    ]);
    show();
    const expected = [
      [ONE, 'ok'],
      [TWO, 'forked'],
    ];
    for (let i = 0; i < 2; i++) expect(states((await laptop.passport.sync()).stores)).toEqual(expected);
    const again = await world.open(0);
    const status = await again.passport.status();
    expect(states(status.stores)).toEqual(expected);
    expect(status.warnings).toContain(
      `${TWO}: forked, it shows a change that contradicts what this device follows: passport store check`,
    );
    expect(status.warnings.join()).not.toContain(ONE);
  });

  it('both are served all the same', async () => {
    const { world, laptop, phone, show } = await forkedStores('forked served');
    show();
    await laptop.passport.sync();
    await world.unlock(laptop, phone);
    await laptop.passport.put('key', 'after the fork');
    const { stores } = await laptop.passport.sync();
    expect(stores.map(({ behind, sent }) => [behind, sent])).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(await text(laptop, 'key')).toBe('after the fork');
  });

  it('verify and store check name the entry, and are not well; repair cannot mend it', async () => {
    const { laptop, show } = await forkedStores('forked verify');
    show((name) => name.includes('/reg/'));
    expect(states((await laptop.passport.sync()).stores)).toEqual([
      [ONE, 'ok'],
      [TWO, 'ok'], // an old entry is not listed at every sync
    ]);
    for (const report of [
      await laptop.passport.checkStore(TWO),
      await laptop.passport.verify(),
      await laptop.passport.verify({ repair: true }),
    ]) {
      expect(report).toMatchObject({ ok: false, damaged: [], missing: [], repaired: [] });
      expect(report.forked).toHaveLength(1);
      expect(report.forked[0]).toMatch(/^memory:two\/reg\/00000003-/);
    }
    expect(await laptop.passport.checkStore(ONE)).toMatchObject({ ok: true, forked: [] });
    expect(states((await laptop.passport.status()).stores)[1]).toEqual([TWO, 'forked']);
    expect(states((await laptop.passport.sync()).stores)[1]).toEqual([TWO, 'forked']);
  });

  it('that one is well again when it does not show that any more', async () => {
    const { laptop, show, hide } = await forkedStores('forked no more');
    show();
    await laptop.passport.sync();
    hide();
    expect(await laptop.passport.checkStore(TWO)).toMatchObject({ ok: true, forked: [] });
    expect(states((await laptop.passport.status()).stores)[1]).toEqual([TWO, 'ok']);
    expect(states((await laptop.passport.sync()).stores)[1]).toEqual([TWO, 'ok']);
  });
});
