/** Two certified entries in one slot: a holder lied or forgot. Nothing is chosen, everything stops before it, it is named. */
import { describe, expect, it } from 'vitest';

import { copy } from '../../src/bytes.ts';
import { audit } from '../helpers/audit.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { type Member, PASSPHRASE, text, threeDevices, type World } from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };

/** The phone is one home in two worlds that do not see each other: in each it helps to decide another entry of slot 3. */
async function forked(label: string, swapped: boolean) {
  const mesh = await threeDevices(label);
  const other = mesh.world.clone('the other side');
  const far = { laptop: await other.open(0), phone: await other.open(1), tablet: await other.open(2) };
  const [here, there] = swapped ? (['tablet', 'laptop'] as const) : (['laptop', 'tablet'] as const);
  const mine = await mesh[here].passport.rename('phone', 'pocket', left);
  expect(await mesh.world.settle(mesh[here], mine, [mesh.phone])).toMatchObject({ state: 'decided', slot: 3 });
  const theirs = await far[there].passport.revoke(here, { ...left, kit: false });
  expect(await other.settle(far[there], theirs, [far.phone])).toMatchObject({ state: 'decided', slot: 3 });
  return { mesh, far, other, here: mesh[here], there: far[there], hereName: here };
}

function meet(world: World, other: World): void {
  for (const [name, bytes] of other.store().ever) {
    world.store().objects.set(name, copy(bytes));
    world.store().ever.set(name, copy(bytes));
  }
}

describe.each([{ swapped: false }, { swapped: true }])(
  'a fork by a holder that voted twice (swapped: $swapped)',
  ({ swapped }) => {
    it('is detected by who sees both sides: frozen, with the holder named and who leaves suspended', async () => {
      const { mesh, other, here, hereName } = await forked(`fork ${swapped}`, swapped);
      await mesh.world.unlock(here, mesh.phone);
      meet(mesh.world, other);
      const report = await here.passport.sync();
      expect(report.notices.join()).toContain('Two different changes were decided in slot 3: the registry is frozen.');
      expect(report.notices.join()).toMatch(/Provably voted twice: (phone|pocket)\./);
      const status = await here.passport.status();
      expect(status).toMatchObject({ slot: 3 });
      expect(status.warnings.join()).toMatch(/The registry is frozen.*Voted twice: (phone|pocket)/);
      const states = (await here.passport.devices()).map(({ name, state }) => [name, state]);
      expect(states).toContainEqual([hereName, 'suspended']);
      // Reading and writing here go on.
      expect(await text(here, 'old')).toBe('written before');
      await here.passport.put('local', 'still mine');
      expect(await text(here, 'local')).toBe('still mine');
      // So does the choice of stores.
      expect(await here.passport.addStore('memory:two')).toMatchObject({ state: 'ok', behind: 0 });
      expect(await here.passport.moveStore('memory:two', 'memory:three')).toMatchObject({ state: 'ok', behind: 0 });
      expect((await here.passport.status()).stores.map(({ url }) => url)).toEqual(['memory:one', 'memory:three']);
      // Nothing is asked of the mesh any more.
      const calls: (() => Promise<unknown>)[] = [
        () => here.passport.invite({ add: true }),
        () => here.passport.rename('phone', 'x', left),
        () => here.passport.reshare({ ...left, threshold: 3, noSpare: true }),
        () => here.passport.changePassphrase(left),
      ];
      for (const call of calls) expect(await rejectionOf(call())).toBe('registry-fork');
      expect((await audit(mesh.world, here.home)).faults.length).toBeGreaterThan(0);
    });

    it('is the same from the other side, and stays after a restart', async () => {
      const { mesh, other, there } = await forked(`fork other ${swapped}`, swapped);
      meet(other, mesh.world);
      await there.passport.sync();
      const again = await other.open(other.homes.indexOf(there.home));
      const status = await again.passport.status();
      expect(status.warnings.join()).toContain('The registry is frozen');
      expect((await again.passport.sync()).notices.join()).toContain('Provably voted twice: phone');
    });
  },
);

describe('no fork', () => {
  it('comes of an entry that lost, of junk, or of the same entry once more', async () => {
    const { world, laptop, phone } = await threeDevices('no-fork');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    await world.settle(laptop, change, [phone]);
    const store = world.store();
    const names = [...store.objects.keys()].filter((name) => name.includes('/reg/'));
    const root = names[0]!.split('/reg/')[0]!;
    const { registryName } = await import('../helpers/names.ts');
    const [third] = names.filter((name) => name.includes('/reg/00000003'));
    for (const junk of [
      new Uint8Array(100),
      copy(store.objects.get(third!)!).fill(7, 50),
      store.objects.get(names[1]!)!,
    ]) {
      store.objects.set(registryName(root, 3, junk, true), junk);
    }
    for (const member of [laptop, phone] as Member[]) {
      const report = await member.passport.sync();
      expect(report.notices).toEqual([]);
      expect(report.stores[0]!.damaged.length).toBeGreaterThan(0);
      expect(await member.passport.status()).toMatchObject({ slot: 3 });
    }
    await laptop.passport.rename('pocket', 'phone', left);
  });
});
