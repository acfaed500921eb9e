/** The same objects give the same state, in whatever order a store shows them and whatever the clocks say. */
import { beforeAll, describe, expect, it } from 'vitest';

import { copy } from '../../src/bytes.ts';
import { parseName } from '../../src/format/names.ts';
import { Passport } from '../../src/index.ts';
import { TestStore } from '../helpers/durable.ts';
import {
  DAY,
  type Home,
  type Member,
  MINUTE,
  PASSPHRASE,
  stopsWaiting,
  threeDevices,
  type World,
} from '../helpers/mesh.ts';
import { seededRandom } from '../helpers/random.ts';

const NEW = 'another passphrase';

/** A phone that was away since `away`, while the others wrote, argued, renamed, let go, let in and changed the passphrase. */
async function history(): Promise<{ world: World; away: Home; laptop: number }> {
  const mesh = await threeDevices('arrival');
  const { world, laptop, phone, tablet } = mesh;
  const away = phone.home;
  await world.unlock(laptop, tablet);
  await world.unlock(tablet, laptop);
  const apart = async (one: Member, other: Member, key: string) => {
    await one.passport.put(key, `${key} by one`);
    other.home.clock.pass(MINUTE);
    await other.passport.put(key, `${key} by the other`);
    for (const member of [one, other, one]) await member.passport.sync();
  };
  await apart(laptop, tablet, 'first');
  await tablet.passport.put('gone', 'x');
  await tablet.passport.delete('gone');
  await tablet.passport.sync();
  const rename = await laptop.passport.rename('laptop', 'tower', { passphrase: PASSPHRASE, timeoutMs: 0 });
  await world.settle(laptop, rename, [tablet]);
  // A copy of the tablet goes on writing when that has left; its store shows it nothing newer while it pushes.
  const thief = await world.open(world.homes.indexOf(world.home({ copyOf: tablet.home })));
  await stopsWaiting(thief.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 0 }));
  await world.approveAll(laptop);
  await thief.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 0 });
  const desktop = await world.enroll('desktop', laptop, { replace: 'tablet', approvers: [tablet] });
  await thief.passport.put('late', 'never merged');
  const { objects } = world.store();
  const hidden = [...objects].filter(([name]) => parseName(name)?.kind === 'registry');
  for (const [name] of hidden) objects.delete(name);
  await thief.passport.sync();
  for (const [name, bytes] of hidden) objects.set(name, bytes);
  const change = await laptop.passport.changePassphrase({ passphrase: PASSPHRASE, newPassphrase: NEW, timeoutMs: 0 });
  await world.settle(laptop, change, [desktop], { passphrase: PASSPHRASE, newPassphrase: NEW } as never);
  await stopsWaiting(desktop.passport.unlock({ passphrase: NEW, timeoutMs: 0 }));
  await world.approveAll(laptop);
  await desktop.passport.unlock({ passphrase: NEW, timeoutMs: 0 });
  await apart(laptop, desktop, 'second');
  await laptop.passport.put('last', 'x');
  for (const member of [laptop, desktop, laptop]) await member.passport.sync();
  return { world, away, laptop: world.homes.indexOf(laptop.home) };
}

async function stateOf(passport: Passport) {
  const { slot, epoch, threshold, holders } = await passport.status();
  const records = [];
  for (const { key } of await passport.list()) {
    const { value, version, conflict } = (await passport.get(key))!;
    records.push([key, new TextDecoder().decode(value), version, conflict]);
  }
  return {
    ...{ slot, epoch, threshold, holders, records },
    log: await passport.log(),
    devices: (await passport.devices()).map(({ me: _me, ...rest }) => rest),
    conflicts: await passport.conflicts(),
    quarantine: await passport.quarantine(),
    history: await passport.history('first'),
  };
}

describe('a device that was away', () => {
  let past: Awaited<ReturnType<typeof history>>;
  let expected: Awaited<ReturnType<typeof stateOf>>;

  /** The phone in a world of its own whose store fills up as `order` says; then it opens with the laptop's approval. */
  async function arrives(label: string, order: (names: string[]) => string[][], clock: (i: number) => number) {
    const world = past.world.clone(label);
    const full = world.store();
    const store = new TestStore('memory:one');
    world.stores.set('memory:one', store);
    const home = world.home({ copyOf: past.away });
    const phone = { passport: await Passport.open(home.environment), home };
    for (const [i, names] of order([...full.objects.keys()].sort()).entries()) {
      for (const name of names) store.objects.set(name, copy(full.objects.get(name)!));
      home.clock.time = clock(i);
      await phone.passport.sync();
    }
    const laptop = await world.open(past.laptop);
    home.clock.time = laptop.home.clock.time;
    await laptop.passport.sync();
    await phone.passport.sync();
    await stopsWaiting(phone.passport.unlock({ passphrase: NEW, timeoutMs: 0 }));
    await world.approveAll(laptop);
    await phone.passport.unlock({ passphrase: NEW, timeoutMs: 0 });
    return phone.passport;
  }

  beforeAll(async () => {
    past = await history();
    expected = await stateOf(
      await arrives(
        'at once',
        (names) => [names],
        () => Date.UTC(2026, 10, 21),
      ),
    );
    expect(expected).toMatchObject({ slot: 5, epoch: 4, holders: 3 });
    expect(expected.conflicts.map(({ key }) => key)).toEqual(['first', 'second']);
    expect(expected.quarantine.map(({ key }) => key)).toEqual(['late']);
    expect(expected.records.map(([key]) => key)).toEqual(['first', 'last', 'old', 'second']);
  });

  it.each(Array.from({ length: 10 }, (_, i) => i))(
    'comes to the same state in random order %i, with its clock anywhere',
    async (i) => {
      const random = seededRandom(`order ${i}`);
      const number = (below: number) => (random(4).reduce((value, byte) => value * 256 + byte, 0) >>> 0) % below;
      const shuffled = (names: string[]) => {
        const rest = [...names];
        const chunks: string[][] = [];
        while (rest.length > 0) {
          const chunk: string[] = [];
          for (let n = 1 + number(6); n > 0 && rest.length > 0; n--) chunk.push(...rest.splice(number(rest.length), 1));
          chunks.push(chunk);
        }
        return chunks;
      };
      const clock = () => [1_000, Date.UTC(2026, 10, 20), Date.UTC(2099, 0, 1)][number(3)]! + number(DAY);
      expect(await stateOf(await arrives(`random ${i}`, shuffled, clock))).toEqual(expected);
    },
  );

  it.each([
    ['records first', 'bundle'],
    ['votes first', 'vote'],
    ['grants first', 'grant'],
    ['the registry first', 'registry'],
  ])('comes to the same state with %s, one by one and backwards', async (_, kind) => {
    const rank = (name: string) => (parseName(name)?.kind === kind ? 0 : 1);
    const order = (names: string[]) =>
      [...names]
        .reverse()
        .sort((a, b) => rank(a) - rank(b))
        .map((name) => [name]);
    expect(await stateOf(await arrives(`by ${kind}`, order, () => Date.UTC(2026, 10, 21)))).toEqual(expected);
  });
});
