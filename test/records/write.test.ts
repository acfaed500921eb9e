/** Writing: one chain, no holes, no fork, whatever crashes and whoever else writes. */
import { describe, expect, it } from 'vitest';
import { hex, type Bytes } from '../../src/bytes.ts';
import { acknowledgements, applyReady } from '../../src/records/apply.ts';
import { parseHeader, type ParsedHeader } from '../../src/format/commit.ts';
import { openBundle, splitBundle } from '../../src/format/bundle.ts';
import { deviceActivity } from '../../src/records/heads.ts';
import { incarnation, continuity, newIncarnation } from '../../src/records/own.ts';
import { writeCommit } from '../../src/records/write.ts';
import { verifyReplica } from '../../src/records/verify.ts';
import type { Tx } from '../../src/replica/replica.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { Crash, createCopyableJournal, createMortalJournal } from '../helpers/journals.ts';
import { devices, Mesh, put, START, TestDevice } from '../helpers/records.ts';

function one(name: string) {
  const mesh = new Mesh(name, ['anna', 'berta']);
  return { mesh, ...devices(mesh, ['anna', 'berta']) };
}

async function headers(device: TestDevice): Promise<ParsedHeader[]> {
  const all: ParsedHeader[] = [];
  for (const bundle of await device.bundles()) {
    const split = splitBundle(bundle);
    const { commits } = await openBundle(split, device.ctx.pid, device.ctx.keys.meshLayerKey(split.epoch) as Bytes);
    all.push(...commits.map(({ header }) => parseHeader(device.ctx.pid, header)));
  }
  return all;
}

describe('a commit', () => {
  it('says who wrote it, after what, knowing of what, under which entry, when', async () => {
    const { anna, berta } = one('header');
    await berta.put('y', 'by berta');
    await berta.giveTo(anna);
    anna.now = START + 5;
    await anna.put('x', 'one');
    await anna.write([put('x', 'two'), put('z', 'three')], [7]);
    const [theirs, first, second] = (await headers(anna)) as [ParsedHeader, ParsedHeader, ParsedHeader];
    expect(hex(first.device)).toBe(anna.id);
    expect([first.seq, first.prev, first.count, first.acks, first.time]).toEqual([1, null, 1, [], START + 5]);
    expect(first.ctx).toEqual([{ chain: theirs.chain, seq: 1, id: theirs.id }]);
    expect(first.registry).toEqual(anna.ctx.registry.head);
    expect([second.seq, second.prev, second.count, second.acks]).toEqual([2, first.id, 2, [7]]);
    expect(second.ctx.map(({ seq }) => seq)).toEqual([1, 1]);
  });

  it('of a clock before 1970 or between milliseconds has a whole time of at least 0', async () => {
    const { anna } = one('clock');
    anna.now = -5;
    await anna.write([]);
    anna.now = 12.9;
    await anna.write([]);
    expect((await headers(anna)).map(({ time }) => time)).toEqual([0, 12]);
  });

  it('is applied and indexed at once', async () => {
    const { anna } = one('at once');
    await anna.put('x', 'one');
    expect(await anna.get('x')).toBe('one');
    expect(await anna.settle()).toMatchObject({ applied: 0, indexed: 0 });
  });

  it('knows of all that was received, applied first', async () => {
    const { anna, berta } = one('first');
    await berta.put('x', 'by berta');
    for (const bundle of await berta.bundles()) await anna.receive(bundle);
    await anna.put('x', 'by anna');
    expect(await anna.conflicts()).toEqual([]);
    expect(await anna.history('x')).toHaveLength(2);
  });

  it('without updates needs no vault key; with updates it is locked', async () => {
    const { anna } = one('locked');
    anna.lock();
    await anna.write([], [0]);
    expect(await rejectionOf(anna.put('x', 'one'))).toBe('locked');
    expect(await anna.run((tx) => acknowledgements(tx))).toEqual([{ device: anna.ctx.device, epoch: 0 }]);
  });

  it('with updates is locked while the session is for an older epoch', async () => {
    const { mesh, anna } = one('old session');
    mesh.decide({ devices: ['anna', 'berta'] });
    anna.head = 1;
    const keys = {
      ...anna.ctx.keys,
      epoch: 1,
      vaultLayerKey: (epoch: number) => (epoch === 0 ? mesh.layerKey('vault', 0) : undefined),
    };
    const writing = anna.run((tx, ctx) => writeCommit(tx, { ...ctx, keys }, [put('x', 'one')]));
    expect(await rejectionOf(writing)).toBe('locked');
  });

  it('with a key or value that is not allowed writes nothing, not even its good parts', async () => {
    const { anna } = one('refused');
    expect(await rejectionOf(anna.write([put('good', 'one'), put('', 'two')]))).toBe('invalid-key');
    expect(await rejectionOf(anna.write([put('good', new Uint8Array(1024 * 1024 + 1))]))).toBe('value-too-large');
    expect(await anna.journal.generation()).toBe(0);
  });
});

describe('many updates', () => {
  it('become commits of at most 4,096 updates', async () => {
    const { anna } = one('many');
    const updates = Array.from({ length: 4097 }, (_, i) => put(`k/${i}`, `${i}`));
    const { commits } = await anna.write(updates);
    expect(commits.map(({ seq }) => seq)).toEqual([1, 2]);
    expect((await headers(anna)).map(({ count }) => count)).toEqual([4096, 1]);
    expect(await anna.list()).toHaveLength(4097);
    expect(await anna.get('k/4096')).toBe('4096');
  });

  it('become commits of at most 4 MiB', async () => {
    const { anna } = one('large');
    const value = new Uint8Array(1024 * 1024);
    await anna.write(Array.from({ length: 5 }, (_, i) => put(`k/${i}`, value)));
    expect((await headers(anna)).map(({ count }) => count)).toEqual([3, 2]);
  });

  it('of one key come into one commit each, and the last one wins', async () => {
    const { anna } = one('one key');
    await anna.write([put('x', '1'), put('y', '1'), put('x', '2'), put('x', '3')]);
    expect((await headers(anna)).map(({ count }) => count)).toEqual([2, 1, 1]);
    expect(await anna.get('x')).toBe('3');
    expect(await anna.conflicts()).toEqual([]);
  });
});

describe('a chain', () => {
  it('has no holes, and each commit follows the one before', async () => {
    const { anna } = one('chain');
    for (let i = 0; i < 70; i++) await anna.put('x', `${i}`);
    const all = await headers(anna);
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 70 }, (_, i) => i + 1));
    for (const [i, { prev }] of all.entries()) expect(prev).toEqual(i === 0 ? null : all[i - 1]?.id);
  });

  it('is never forked by two processes on one journal', async () => {
    const mesh = new Mesh('processes', ['anna', 'berta']);
    const journal = createCopyableJournal();
    const processes = ['one', 'two', 'three'].map((home) => new TestDevice(mesh, 'anna', { journal, home }));
    await Promise.all(Array.from({ length: 24 }, (_, i) => (processes[i % 3] as TestDevice).put('x', `${i}`)));
    const all = await headers(processes[0] as TestDevice);
    expect(all.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
    expect(new Set(all.map(({ chain }) => hex(chain))).size).toBe(1);
    expect(await (processes[1] as TestDevice).conflicts()).toEqual([]);
  });

  it('of more than 64 chains is written with 64 heads that stand for all of them', async () => {
    const { anna, berta } = one('heads');
    for (let i = 0; i < 70; i++) {
      await berta.run(async (tx, ctx) => newIncarnation(tx, ctx));
      await berta.put(`k/${i}`, 'old');
    }
    await berta.giveTo(anna);
    await anna.write(Array.from({ length: 70 }, (_, i) => put(`k/${i}`, 'new')));
    expect((await headers(anna)).at(-1)?.ctx).toHaveLength(64);
    expect(await anna.conflicts()).toEqual([]);
    await anna.put('x', 'next');
    await anna.giveTo(berta);
    expect(await berta.get('x')).toBe('next');
    expect(await berta.state()).toBe(await anna.state());
  });
});

describe('an incarnation', () => {
  it('begins with the first commit and goes on', async () => {
    const { anna } = one('incarnation');
    expect(await anna.run((tx) => incarnation(tx))).toBeUndefined();
    await anna.put('x', 'one');
    const first = await anna.run((tx) => incarnation(tx));
    await anna.put('x', 'two');
    expect(await anna.run((tx) => incarnation(tx))).toEqual(first);
    expect(await anna.run((tx, ctx) => continuity(tx, ctx))).toBe('continues');
  });

  it('that is new goes on after the newest own commit', async () => {
    const { anna } = one('new');
    await anna.put('x', 'one');
    await anna.run(async (tx, ctx) => newIncarnation(tx, ctx));
    await anna.put('x', 'two');
    const [first, second] = (await headers(anna)) as [ParsedHeader, ParsedHeader];
    expect([second.seq, second.prev]).toEqual([1, first.id]);
    expect(hex(second.chain)).not.toBe(hex(first.chain));
    expect(await anna.conflicts()).toEqual([]);
  });

  /** A home restored from a backup made after the first of two commits; berta has both, or only what was built on them. */
  async function restored(
    name: string,
    back: (restoredHome: TestDevice, berta: TestDevice) => Promise<void>,
  ): Promise<void> {
    const mesh = new Mesh(name, ['anna', 'berta']);
    const journal = createCopyableJournal();
    const anna = new TestDevice(mesh, 'anna', { journal });
    const berta = new TestDevice(mesh, 'berta');
    await anna.put('x', 'one');
    const backup = await journal.copy();
    await anna.put('x', 'two');
    await anna.giveTo(berta);
    await berta.put('y', 'built on it');
    const home = new TestDevice(mesh, 'anna', { journal: backup, home: 'restored' });
    await back(home, berta);
    expect(await home.run((tx, ctx) => continuity(tx, ctx))).toBe('restored');
    expect(await home.run((tx, ctx) => continuity(tx, ctx))).toBe('continues');
    await berta.giveTo(home);
    await home.put('x', 'three');
    expect(await home.conflicts()).toEqual([]);
    await home.giveTo(berta);
    expect(await berta.get('x')).toBe('three');
    expect((await berta.history('x')).map(({ state }) => state)).toEqual(['winner', 'replaced', 'replaced']);
    const own = (await headers(berta)).filter(({ device }) => hex(device) === home.id);
    expect(own.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual([1, 1, 2]);
  }

  it('ends when an own commit comes from outside: the restored home goes on after it', async () => {
    await restored('from a store', async (home, berta) => {
      for (const bundle of await berta.bundles()) await home.receive(bundle);
    });
  });

  it('ends when another device names an own commit that the journal lacks', async () => {
    await restored('from a ctx', async (home, berta) => {
      const bundles = await berta.bundles();
      const theirs = await home.run(async () => bundles.at(-1) as Bytes);
      await home.receive(theirs);
      await home.settle();
      expect(await home.waiting()).toMatchObject([{ waits: { for: 'commit', seq: 2, missing: true } }]);
    });
  });
});

describe('a restored home that was told of its lost commits', () => {
  it('begins a new incarnation by itself when it writes, and no number is used twice', async () => {
    const mesh = new Mesh('by itself', ['anna', 'berta']);
    const journal = createCopyableJournal();
    const anna = new TestDevice(mesh, 'anna', { journal });
    const berta = new TestDevice(mesh, 'berta');
    await anna.put('x', 'one');
    const backup = await journal.copy();
    await anna.put('x', 'two');
    await anna.giveTo(berta);
    await berta.put('y', 'built on it');
    const home = new TestDevice(mesh, 'anna', { journal: backup, home: 'restored' });
    // It hears of its second commit by name only: that is enough.
    await home.receive((await berta.bundles()).at(-1) as Bytes);
    const { restored, commits } = await home.write([put('z', 'three')]);
    expect([restored, commits[0]?.seq]).toEqual([true, 1]);
    await home.giveTo(berta);
    expect((await berta.run((tx, ctx) => deviceActivity(tx, ctx))).some(({ cloned }) => cloned)).toBe(false);
    expect((await berta.list()).map(({ key }) => key)).toEqual(['x', 'y', 'z']);
  });
});

describe('a crash at any call of the journal', () => {
  /** Runs `step` with a process that dies at the k-th call, then goes on with a new one, for every k. */
  async function sweep(
    name: string,
    prepare: (device: TestDevice) => Promise<void>,
    step: (device: TestDevice) => Promise<unknown>,
    check: (survivor: TestDevice, died: boolean) => Promise<void>,
  ): Promise<void> {
    for (const when of ['before', 'after'] as const) {
      for (let call = 1; ; call++) {
        const mesh = new Mesh(name, ['anna', 'berta']);
        const store = createCopyableJournal();
        await prepare(new TestDevice(mesh, 'anna', { journal: store, home: 'prepare' }));
        const journal = createMortalJournal(store);
        const victim = new TestDevice(mesh, 'anna', { journal, home: 'victim' });
        journal.dieAt(call, when);
        const outcome = await rejectionOf(step(victim));
        if (outcome !== 'no error') expect(outcome).toBe(new Crash().name);
        await check(
          new TestDevice(mesh, 'anna', { journal: store, home: `survivor ${call} ${when}` }),
          outcome !== 'no error',
        );
        if (outcome === 'no error') break;
      }
    }
  }

  it('while writing leaves the commit or none, and the next one follows it', async () => {
    await sweep(
      'writing',
      (anna) => anna.put('x', 'before').then(() => undefined),
      (anna) => anna.write([put('x', 'crashed'), put('y', 'crashed')]),
      async (survivor) => {
        const [x, y] = [await survivor.get('x'), await survivor.get('y')];
        expect([x, y]).toEqual(x === 'before' ? ['before', undefined] : ['crashed', 'crashed']);
        await survivor.put('x', 'after');
        const all = await headers(survivor);
        expect(all.map(({ seq }) => seq)).toEqual(all.map((_, i) => i + 1));
        expect(new Set(all.map(({ seq, chain }) => `${hex(chain)} ${seq}`)).size).toBe(all.length);
        for (const [i, { prev }] of all.entries()) expect(prev).toEqual(i === 0 ? null : all[i - 1]?.id);
        expect(await survivor.conflicts()).toEqual([]);
        const { damaged, missing, holes } = await survivor.run((tx, ctx) => verifyReplica(tx, ctx));
        expect([damaged, missing, holes]).toEqual([[], [], []]);
      },
    );
  });

  it('while receiving, applying and indexing ends in the same state once it has gone on', async () => {
    const mesh = new Mesh('applying', ['anna', 'berta']);
    const berta = new TestDevice(mesh, 'berta');
    for (let i = 0; i < 5; i++) await berta.put(`k/${i % 2}`, `${i}`);
    const bundles = (await berta.bundles()).reverse();
    const expected = await berta.state();
    const take = async (device: TestDevice) => {
      for (const bundle of bundles) await device.receive(bundle);
      await device.run((tx: Tx, ctx) => applyReady(tx, ctx));
      await device.settle();
    };
    await sweep(
      'applying',
      async () => undefined,
      take,
      async (survivor) => {
        await take(survivor);
        expect(await survivor.state()).toBe(expected);
        expect(await survivor.waiting()).toEqual([]);
      },
    );
  });
});
