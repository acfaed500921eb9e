/** From applied commits to the view: locked devices, damaged updates, and what one more put costs. */
import { describe, expect, it } from 'vitest';
import { hex, utf8, type Bytes } from '../../src/bytes.ts';
import { openBundle, sealBundle, splitBundle } from '../../src/format/bundle.ts';
import { encodeBlock, encodeUpdate } from '../../src/format/update.ts';
import { acknowledgements } from '../../src/records/apply.ts';
import { bundleObjects } from '../../src/records/objects.ts';
import { repairObject, verifyReplica } from '../../src/records/verify.ts';
import { writeCommit } from '../../src/records/write.ts';
import { isPassportError } from '../../src/errors.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { createCopyableJournal } from '../helpers/journals.ts';
import { devices, forged, Mesh, put, TestDevice } from '../helpers/records.ts';

function pair(name: string) {
  const mesh = new Mesh(name, ['anna', 'berta', 'carla']);
  return { mesh, ...devices(mesh, ['anna', 'berta', 'carla']) };
}

/** The same headers with other blocks, honestly sealed by `sealer`: what a malicious device could do to others' commits. */
async function withBlocks(sealer: TestDevice, bundle: Bytes, blocks: (count: number) => Bytes[]): Promise<Bytes> {
  const { pid, keys, device, signSeed, random } = sealer.ctx;
  const split = splitBundle(bundle);
  const meshLayerKey = keys.meshLayerKey(split.epoch) as Bytes;
  const { commits } = await openBundle(split, pid, meshLayerKey);
  const vaultLayerKey = keys.vaultLayerKey(split.epoch);
  return sealBundle({
    pid,
    epoch: split.epoch,
    meshLayerKey,
    vaultLayerKey,
    sealer: device,
    signSeed,
    commits,
    blocks: blocks(commits.length).map((block) => [block]),
    random,
  });
}

const wrongBlock = (random: TestDevice['ctx']['random']) => [
  encodeBlock([{ blind: random(32), update: encodeUpdate(put('x', 'forged')) }]),
];

describe('a locked device', () => {
  it('applies and does not index; unlocked it sees all', async () => {
    const { anna, berta } = pair('locked');
    await anna.put('x', 'one');
    berta.lock();
    for (const bundle of await anna.bundles()) await berta.receive(bundle);
    expect(await berta.settle()).toMatchObject({ applied: 1, indexed: 0, locked: 1 });
    expect(await rejectionOf(berta.list())).toBe('locked');
    berta.unlock();
    expect(await berta.settle()).toMatchObject({ applied: 0, indexed: 1, keys: ['x'], locked: 0 });
    expect(await berta.get('x')).toBe('one');
  });

  it('sees nothing of what it had opened before', async () => {
    const { anna } = pair('relocked');
    await anna.put('x', 'one');
    await anna.get('x');
    anna.lock();
    expect(await rejectionOf(anna.get('x'))).toBe('locked');
  });
});

describe('updates that are not those that the author signed', () => {
  it('are never shown; the commit and its author are named, and nothing else is held up', async () => {
    const { anna, berta, carla } = pair('forged');
    await anna.put('x', 'real');
    const [bundle] = await anna.bundles();
    await berta.receive(await withBlocks(carla, bundle!, () => wrongBlock(carla.ctx.random)));
    const { damaged } = await berta.settle();
    expect(damaged).toMatchObject([{ device: anna.id, seq: 1 }]);
    expect(await berta.list()).toEqual([]);
    await berta.put('y', 'goes on');
    expect((await berta.list()).map(({ key }) => key)).toEqual(['y']);
    expect(await berta.damaged()).toEqual(damaged);
  });

  it('are mended by a good copy, whatever was written meanwhile', async () => {
    const { anna, berta, carla } = pair('mended');
    await anna.put('x', 'real');
    const [bundle] = await anna.bundles();
    await berta.receive(await withBlocks(carla, bundle!, () => wrongBlock(carla.ctx.random)));
    await berta.settle();
    await berta.put('x', 'later'); // knows of the commit, though not of its updates
    expect((await berta.receive(bundle!)).state).toBe('stored');
    expect(await berta.settle()).toMatchObject({ indexed: 1, damaged: [] });
    expect(await berta.damaged()).toEqual([]);
    expect(await berta.get('x')).toBe('later');
    expect((await berta.history('x')).map(({ state }) => state)).toEqual(['winner', 'replaced']);
    expect(await berta.conflicts()).toEqual([]);
  });

  it('are found in every way in which they can be wrong', async () => {
    const { anna, berta, carla } = pair('every way');
    await anna.write([put('x', '1'), put('y', '2')]);
    const [bundle] = await anna.bundles();
    const block = (updates: readonly Bytes[], blind = new Uint8Array(32)) => [
      encodeBlock(updates.map((update) => ({ blind, update }))),
    ];
    const [x, y] = [encodeUpdate(put('x', '1')), encodeUpdate(put('y', '2'))];
    for (const blocks of [
      block([x, y]),
      block([y, x]),
      block([x]),
      block([x, y, y]),
      [utf8('no block')],
      [...block([x, y]), ...block([x])],
    ]) {
      const reader = new TestDevice(berta.mesh, 'berta', { home: 'reader' });
      await reader.receive(await withBlocks(carla, bundle!, () => blocks));
      expect((await reader.settle()).damaged).toHaveLength(1);
      expect(await reader.list()).toEqual([]);
    }
  });
});

describe('two updates of one key in one commit, which another client might write', () => {
  it('are a conflict of one commit, and the later one in it wins', async () => {
    const { anna, berta } = pair('twice');
    const { bundle } = await forged(anna, { acks: [0, 5] }, { updates: [put('x', 'first'), put('x', 'second')] });
    await berta.receive(bundle);
    await berta.settle();
    expect(await berta.get('x')).toBe('second');
    expect((await berta.conflicts())[0]?.versions).toHaveLength(2);
    // Nobody can have opened an epoch that the entry named in the header does not know.
    expect((await berta.run((tx) => acknowledgements(tx))).map(({ epoch }) => epoch)).toEqual([0]);
  });
});

describe('verifying a replica', () => {
  it('finds nothing in a good one', async () => {
    const { anna, berta } = pair('good');
    await anna.put('x', 'one');
    await anna.giveTo(berta);
    await berta.put('x', 'two');
    const seen: number[] = [];
    const report = await berta.run((tx, ctx) => verifyReplica(tx, ctx, (done) => seen.push(done)));
    expect(report).toEqual({ checked: 2, damaged: [], missing: [], holes: [] });
    expect(seen).toEqual([1, 2]);
  });

  it('names what is damaged, what is gone and where a chain has a hole, and what is brought back mends it', async () => {
    const { mesh, anna } = pair('bad');
    const journal = createCopyableJournal();
    const berta = new TestDevice(mesh, 'berta', { journal });
    for (let i = 0; i < 3; i++) await anna.put(`k/${i}`, `${i}`);
    const bundles = await anna.bundles();
    for (const bundle of [bundles[0]!, bundles[1]!]) await berta.receive(bundle);
    await berta.settle();
    const [first, second] = (await berta.run((tx) => bundleObjects(tx))).map(({ hash }) => hash) as [string, string];
    journal.damage(`o/${first}`, (bytes) => bytes.fill(0, 100, 101));
    journal.damage(`o/${second}`, () => undefined);
    const report = await berta.run((tx, ctx) => verifyReplica(tx, ctx));
    expect(report).toMatchObject({ damaged: [first], missing: [second], holes: [] });
    const fresh = new TestDevice(mesh, 'berta', { journal, home: 'fresh' });
    const error = await fresh.get('k/1').catch((cause) => cause);
    expect(isPassportError(error, 'missing') && error.details).toEqual({ hash: second });
    expect(await fresh.run(async (tx) => repairObject(tx, first, bundles[1]!))).toBe(false);
    for (const [hash, bytes] of [
      [first, bundles[0]!],
      [second, bundles[1]!],
    ] as const) {
      expect(await fresh.run(async (tx) => repairObject(tx, hash, bytes))).toBe(true);
    }
    expect(await fresh.run((tx, ctx) => verifyReplica(tx, ctx))).toMatchObject({ damaged: [], missing: [], holes: [] });
    expect(await fresh.get('k/1')).toBe('1');
  });

  it('names the hole below a commit that waits', async () => {
    const { anna, berta } = pair('hole');
    for (let i = 0; i < 3; i++) await anna.put('x', `${i}`);
    const bundles = await anna.bundles();
    await berta.receive(bundles[2]!);
    const { holes } = await berta.run((tx, ctx) => verifyReplica(tx, ctx));
    expect(holes.map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe('the index', () => {
  it('is rewritten in one of its 256 parts by one more put', async () => {
    const { anna } = pair('buckets');
    await anna.write(Array.from({ length: 2000 }, (_, i) => put(`k/${i}`, `${i}`)));
    const written: string[] = [];
    await anna.run(async (tx, ctx) => {
      await writeCommit(
        { ...tx, unlocked: true, set: (cell, value) => (written.push(cell), tx.set(cell, value)) },
        ctx,
        [put('k/77', 'new')],
      );
    });
    expect(written.filter((cell) => cell.startsWith('vault/index/'))).toHaveLength(1);
    expect(written.length).toBeLessThan(15);
    expect(await anna.get('k/77')).toBe('new');
  });

  it('lists by prefix and key without opening a single bundle', async () => {
    const { anna } = pair('list');
    await anna.write([put('b/2', 'x', 'json'), put('a/1', 'yy'), put('b/1', 'zzz'), put('b', '')]);
    const fresh = new TestDevice(anna.mesh, 'anna', {
      journal: {
        ...anna.journal,
        get: (key) => (key.startsWith('o/') ? Promise.reject(new Error('opened')) : anna.journal.get(key)),
      },
      home: 'fresh',
    });
    expect(
      (await fresh.list()).map(({ key, type, sizeBytes, device }) => [key, type, sizeBytes, device === anna.id]),
    ).toEqual([
      ['a/1', 'text', 2, true],
      ['b', 'text', 0, true],
      ['b/1', 'text', 3, true],
      ['b/2', 'json', 1, true],
    ]);
    expect((await fresh.list('b/')).map(({ key }) => key)).toEqual(['b/1', 'b/2']);
    expect((await fresh.list())[0]?.version).toBe((await fresh.history('a/1'))[0]?.version);
    expect(hex(utf8('a'))).toBe('61');
  });
});
