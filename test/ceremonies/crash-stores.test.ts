/** Killed at every call: a store that is added, and one that is moved; then the person gives the command again. */
import { describe, expect, it } from 'vitest';

import { type Ceremony, CUTS, FAILURES, sweep } from '../helpers/crash.ts';
import { contents, PASSPHRASE, text, twoDevices, type World } from '../helpers/mesh.ts';

interface Setup {
  readonly world: World;
  readonly kit: string;
}

const ONE = 'memory:one';
const TWO = 'memory:two';

async function before(label: string): Promise<Setup> {
  const { world, laptop, kit } = await twoDevices(label);
  await laptop.passport.sync();
  return { world, kit };
}

/** Both stores are asked once more, so that an object that only one of them has cannot hide. */
async function holds({ world, kit }: Setup, stores: readonly string[]) {
  const laptop = await world.open(0);
  await laptop.passport.sync();
  const { stores: listed } = await laptop.passport.status();
  expect(listed.map(({ url, state, behind }) => [url, state, behind])).toEqual(stores.map((url) => [url, 'ok', 0]));
  expect(await laptop.passport.verify()).toMatchObject({ ok: true, damaged: [], missing: [] });
  const roots = [...(await contents(world.store(TWO))).keys()].map((name) => name.split('/')[1]);
  expect(new Set(roots).size).toBe(1);
  await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
  expect(await text(laptop, 'old')).toBe('written before');
  return laptop;
}

const added: Ceremony<Setup> = {
  before,
  home: 0,
  run: async ({ world }) => void (await (await world.open(0)).passport.addStore(TWO)),
  goOn: async ({ world }) => void (await (await world.open(0)).passport.addStore(TWO)),
  check: (setup) => holds(setup, [ONE, TWO]),
};

const moved: Ceremony<Setup> = {
  before,
  home: 0,
  run: async ({ world }) => void (await (await world.open(0)).passport.moveStore(ONE, TWO)),
  async goOn({ world }) {
    const { passport } = await world.open(0);
    const urls = (await passport.status()).stores.map(({ url }) => url);
    // The old one is on the list until the new one was read back; what it has stays there in any case.
    expect([[ONE], [ONE, TWO], [TWO]]).toContainEqual(urls);
    if (urls.includes(ONE)) await passport.moveStore(ONE, TWO);
  },
  check: (setup) => holds(setup, [TWO]),
};

describe.each([
  ['added', added],
  ['moved', moved],
] as const)('a store that is %s', (name, ceremony) => {
  it('by a process that is killed at any call is so once the command is given again', async () => {
    const calls = await sweep(`store-${name}-cut`, ceremony, CUTS);
    expect(calls.length).toBeGreaterThan(10);
  });

  it('while any one call fails is so once the command is given again', async () => {
    const calls = await sweep(`store-${name}-fail`, ceremony, FAILURES);
    expect(calls.length).toBeGreaterThan(10);
  });
});
