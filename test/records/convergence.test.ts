/** The same commits and the same registry give the same state, on every device, in whatever order they came. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex, type Bytes } from '../../src/bytes.ts';
import { commitId } from '../../src/format/commit.ts';
import { deviceActivity, headsOfDevice } from '../../src/records/heads.ts';
import { newIncarnation } from '../../src/records/own.ts';
import { pendingBundles } from '../../src/records/pending.ts';
import { createCopyableJournal, type CopyableJournal } from '../helpers/journals.ts';
import { Mesh, MINUTE, START, syncAll, TestDevice } from '../helpers/records.ts';

const NAMES = ['anna', 'berta', 'carla', 'dora'];
const KEYS = ['x', 'y', 'z'];

type Step =
  | { readonly do: 'put' | 'remove'; readonly who: number; readonly key: number; readonly value: number }
  | { readonly do: 'carry'; readonly who: number; readonly to: number; readonly which: number }
  | { readonly do: 'settle' | 'restart' | 'lock' | 'join' | 'empty'; readonly who: number }
  | { readonly do: 'clock'; readonly who: number; readonly time: number }
  | { readonly do: 'copy' | 'save' | 'restore'; readonly who: number };

const who = fc.nat(NAMES.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), who, key: fc.nat(2), value: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), who, key: fc.nat(2), value: fc.nat(3) }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constant('carry' as const), who, to: who, which: fc.nat(40) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart', 'lock', 'join', 'empty' as const), who }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      who,
      time: fc.constantFrom(0, START, START + 11 * MINUTE, 4_070_908_800_000),
    }),
  },
);

const events = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: step },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('copy', 'save', 'restore' as const), who }) },
  ),
  { minLength: 10, maxLength: 50 },
);

type Writing = (device: TestDevice, key: string, write: () => Promise<unknown>) => Promise<void>;

const justWrite: Writing = async (_device, _key, write) => {
  await write();
};

async function play(
  seed: number,
  count: number,
  steps: readonly Step[],
  writing = justWrite,
): Promise<{ mesh: Mesh; all: TestDevice[] }> {
  const mesh = new Mesh(seed, NAMES.slice(0, count));
  const all = NAMES.slice(0, count).map((name) => new TestDevice(mesh, name, { journal: createCopyableJournal() }));
  const saved = new Map<TestDevice, CopyableJournal>();
  const home = async (device: TestDevice, journal: CopyableJournal): Promise<TestDevice> =>
    new TestDevice(mesh, device.name, { journal: await journal.copy(), home: `${all.length} ${device.now}` });
  for (const each of steps) {
    const device = all[each.who % all.length] as TestDevice;
    device.now += 1;
    if (each.do === 'put' || each.do === 'remove') {
      device.unlock();
      const key = KEYS[each.key] as string;
      await writing(device, key, () => (each.do === 'put' ? device.put(key, `${each.value}`) : device.remove(key)));
    } else if (each.do === 'carry') {
      const bundles = await device.bundles();
      const bundle = bundles[each.which % Math.max(1, bundles.length)];
      if (bundle !== undefined) await (all[each.to % all.length] as TestDevice).receive(bundle);
    } else if (each.do === 'settle') {
      await device.settle();
    } else if (each.do === 'restart') {
      await device.run(async (tx, ctx) => newIncarnation(tx, ctx));
    } else if (each.do === 'lock') {
      device.lock();
    } else if (each.do === 'empty') {
      await device.write([]);
    } else if (each.do === 'join') {
      await device.run((tx, ctx) => pendingBundles(tx, ctx, 0));
    } else if (each.do === 'clock') {
      device.now = each.time;
    } else if (each.do === 'copy') {
      if (all.length < 4) all.push(await home(device, device.journal as CopyableJournal));
    } else if (each.do === 'save') {
      saved.set(device, await (device.journal as CopyableJournal).copy());
    } else if (each.do === 'restore') {
      const backup = saved.get(device);
      if (backup !== undefined) all[all.indexOf(device)] = await home(device, backup);
    }
  }
  return { mesh, all };
}

/** Versions that died with a home which was restored from a backup, or that wait for such a one. */
async function lostVersions(all: readonly TestDevice[], versions: readonly string[]): Promise<Set<string>> {
  const known = new Set<string>();
  for (const device of all)
    for (const key of KEYS) for (const { version } of await device.history(key)) known.add(version);
  return new Set(versions.filter((version) => !known.has(version)));
}

describe('random histories over a random network', () => {
  it('end in the same state on all devices', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.integer({ min: 2, max: 4 }),
        fc.array(step, { maxLength: 40 }),
        async (seed, count, steps) => {
          const { all } = await play(seed, count, steps);
          for (const device of all) device.unlock();
          await syncAll(all);
          const states = await Promise.all(all.map((device) => device.state()));
          for (const state of states) expect(state).toBe(states[0]);
          for (const device of all) expect(await device.waiting()).toEqual([]);
        },
      ),
      { numRuns: 40, seed: 1 },
    );
  });

  it('give a reader the same state in every order of arrival, with duplicates, and with any clock', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(step, { minLength: 10, maxLength: 40 }),
        fc.infiniteStream(fc.nat(1000)),
        async (seed, steps, picks) => {
          const { mesh, all } = await play(seed, 3, steps);
          for (const device of all) device.unlock();
          await syncAll(all);
          const expected = await (all[0] as TestDevice).state();
          const bundles = await (all[0] as TestDevice).bundles();
          for (const time of [0, 4_070_908_800_000]) {
            const reader = new TestDevice(mesh, 'anna', { home: `reader ${time}` });
            reader.now = time;
            const left = [...bundles, ...bundles.slice(0, 3)];
            while (left.length > 0) {
              const pick = picks.next().value as number;
              await reader.receive(left.splice(pick % left.length, 1)[0] as Bytes);
              if (pick % 3 === 0) await reader.settle();
            }
            await reader.settle();
            expect(await reader.state()).toBe(expected);
          }
        },
      ),
      { numRuns: 25, seed: 2 },
    );
  });

  it('lose no update: what stands is exactly what no author of a later version had, by an account of its own', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), events, async (seed, steps) => {
        /** For each version: the versions of its record that its author's device had when it wrote. */
        const had = new Map<string, { key: string; known: readonly string[] }>();
        const versions = async (device: TestDevice, key: string) =>
          (await device.history(key)).map(({ version }) => version);
        const { all } = await play(seed, 3, steps, async (device, key, write) => {
          await device.settle();
          const known = await versions(device, key);
          await write();
          for (const fresh of await versions(device, key)) if (!known.includes(fresh)) had.set(fresh, { key, known });
        });
        for (const device of all) device.unlock();
        await syncAll(all);
        const [reader] = all as [TestDevice];
        const lost = await lostVersions(all, [...had.keys()]);
        for (const key of KEYS) {
          const here = [...had].filter(([version, of]) => of.key === key && !lost.has(version));
          const replaced = new Set(here.flatMap(([, { known }]) => known));
          const expected = here.map(([version]) => version).filter((version) => !replaced.has(version));
          const standing = (await reader.history(key))
            .filter(({ state }) => state !== 'replaced')
            .map(({ version }) => version);
          expect(standing.sort()).toEqual(expected.sort());
        }
      }),
      { numRuns: 40, seed: 3 },
    );
  });

  it('come to the same state when a cut is heard of before, between or after the commits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(step, { minLength: 10, maxLength: 40 }),
        fc.infiniteStream(fc.nat(1000)),
        async (seed, steps, picks) => {
          const { mesh, all } = await play(seed, 3, steps);
          for (const device of all) device.unlock();
          // What anna has of carla's is what she states; the rest is void.
          const [anna, , carla] = all as [TestDevice, TestDevice, TestDevice];
          await anna.settle();
          const heads = await anna.run((tx, ctx) => headsOfDevice(tx, ctx, carla.ctx.device));
          mesh.decide({
            devices: ['anna', 'berta'],
            cut: { carla: heads.map(({ header }) => commitId(mesh.pid, header)) },
          });
          const bundles = (await Promise.all(all.map((device) => device.bundles()))).flat();
          const states = new Set<string>();
          for (const when of [0, 0.5, 1]) {
            const reader = new TestDevice(mesh, 'berta', { home: `reader ${when}`, head: 0 });
            const left = [...bundles];
            while (left.length > 0) {
              if (left.length <= bundles.length * (1 - when)) reader.learn();
              const pick = picks.next().value as number;
              await reader.receive(left.splice(pick % left.length, 1)[0] as Bytes);
              if (pick % 3 === 0) await reader.settle();
            }
            reader.learn();
            await reader.settle();
            expect(await reader.waiting()).toEqual([]);
            states.add(await reader.state());
          }
          expect(states.size).toBe(1);
        },
      ),
      { numRuns: 25, seed: 4 },
    );
  });
});

describe('clones and restored backups', () => {
  it('lose nothing and end in the same state on all devices, whatever they write before they hear of each other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), events, async (seed, steps) => {
        const { all } = await play(seed, 2, steps);
        for (const device of all) device.unlock();
        await syncAll(all);
        const states = await Promise.all(all.map((device) => device.state()));
        for (const state of states) expect(state).toBe(states[0]);
        for (const device of all) {
          expect(await device.waiting()).toEqual([]);
          await device.put('last', device.name);
        }
        await syncAll(all);
        const after = await Promise.all(all.map((device) => device.state()));
        for (const state of after) expect(state).toBe(after[0]);
      }),
      { numRuns: 40, seed: 5 },
    );
  });
});

describe('a clone', () => {
  it('makes two commits with one number: both are kept, in conflict, and the device is flagged', async () => {
    const mesh = new Mesh('clone', ['anna', 'berta']);
    const journal = createCopyableJournal();
    const anna = new TestDevice(mesh, 'anna', { journal });
    await anna.put('x', 'before');
    const twin = new TestDevice(mesh, 'anna', { journal: await journal.copy(), home: 'twin' });
    const berta = new TestDevice(mesh, 'berta');
    await anna.put('x', 'here');
    await twin.put('x', 'there');
    await anna.giveTo(berta);
    await berta.put('y', 'between');
    await twin.giveTo(berta);
    await berta.put('z', 'after');
    const [conflict] = await berta.conflicts();
    expect(conflict?.versions.map(({ device }) => device)).toEqual([anna.id, anna.id]);
    expect(await Promise.all((conflict?.versions ?? []).map(({ version }) => berta.get('x', version)))).toEqual(
      expect.arrayContaining(['here', 'there']),
    );
    const activity = await berta.run((tx, ctx) => deviceActivity(tx, ctx));
    expect(activity.find(({ device }) => hex(device) === anna.id)?.cloned).toBe(true);
    // A reader that hears of the two branches the other way round sees the same.
    const reader = new TestDevice(mesh, 'berta', { home: 'reader' });
    for (const bundle of (await berta.bundles()).reverse()) await reader.receive(bundle);
    await reader.settle();
    expect(await reader.state()).toBe(await berta.state());
    // Whoever of the twins hears of the other goes on in a chain of its own.
    await berta.giveTo(anna);
    const { restored, commits } = await anna.write([]);
    expect(restored).toBe(true);
    expect(commits[0]?.seq).toBe(1);
  });
});
