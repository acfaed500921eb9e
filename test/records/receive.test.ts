/** What comes from outside: held, refused or kept, and one exact outcome for each case. */
import { describe, expect, it } from 'vitest';
import { copy, equal, hex, type Bytes } from '../../src/bytes.ts';
import { chainId } from '../../src/crypto/keys.ts';
import type { ClaimedCommit } from '../../src/format/bundle.ts';
import type { Header } from '../../src/format/commit.ts';
import { bundleObjects, bundleSummary } from '../../src/records/objects.ts';
import { pendingBundles } from '../../src/records/pending.ts';
import { nameHash } from '../../src/format/names.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { devices, forged, Mesh, put, START, TestDevice } from '../helpers/records.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('receive');

function pair(name: string) {
  const mesh = new Mesh(name, ['anna', 'berta', 'carla']);
  return { mesh, ...devices(mesh, ['anna', 'berta', 'carla']) };
}

describe('a bundle from outside', () => {
  it('is kept once; a second time it is known', async () => {
    const { anna, berta } = pair('twice');
    await anna.put('x', 'one');
    const [bundle] = await anna.bundles();
    const first = await berta.receive(bundle!);
    expect(first).toMatchObject({ state: 'stored', first: 1, last: 1 });
    expect(first.state === 'stored' && hex(first.chain)).toHaveLength(32);
    const { version } = await berta.run((tx) => bundleSummary(tx));
    expect(await berta.receive(bundle!)).toMatchObject({ state: 'known' });
    await berta.settle();
    expect(await berta.receive(bundle!)).toMatchObject({ state: 'known' });
    expect(await berta.bundles()).toHaveLength(1);
    expect((await berta.run((tx) => bundleSummary(tx))).version).toBeGreaterThan(version); // settled once
  });

  it('is listed behind what it depends on, however they came', async () => {
    const { anna, berta, carla } = pair('order');
    await anna.put('x', 'first');
    await anna.giveTo(berta);
    await berta.put('x', 'second');
    const [first, second] = await berta.bundles();
    await carla.receive(second!);
    await carla.settle();
    await carla.receive(first!);
    await carla.settle();
    const objects = await carla.run((tx) => bundleObjects(tx));
    expect((await carla.bundles()).map(nameHash)).toEqual([nameHash(first!), nameHash(second!)]);
    expect(objects.every(({ stored }) => stored)).toBe(true);
  });

  it('under a name of other commits is malformed', async () => {
    const { anna, berta } = pair('name');
    await anna.put('x', 'one');
    const [bundle] = await anna.bundles();
    let seen: readonly [string, number, number] | undefined;
    const ask = (answer: boolean) =>
      berta.receive(bundle!, {
        chainTagOk: (chain, first, last) => {
          seen = [hex(chain), first, last];
          return answer;
        },
      });
    expect(await rejectionOf(ask(false))).toBe('malformed');
    expect(await berta.bundles()).toEqual([]);
    expect((await ask(true)).state).toBe('stored');
    expect(seen?.slice(1)).toEqual([1, 1]);
  });

  it('of an epoch whose mesh key is not here is not kept', async () => {
    const { mesh, anna, berta } = pair('key');
    mesh.decide({ devices: ['anna', 'berta'] });
    anna.learn();
    await anna.put('x', 'one');
    const [bundle] = await anna.bundles();
    expect(await berta.receive(bundle!)).toEqual({ state: 'waiting-key' });
    expect(await berta.bundles()).toEqual([]);
    berta.learn();
    expect((await berta.receive(bundle!)).state).toBe('stored');
  });

  it('that names an entry which is not known here is kept aside, and taken when the registry has grown', async () => {
    const { mesh, anna, berta } = pair('entry');
    mesh.decide({ devices: ['anna', 'berta'], epoch: 0 });
    anna.learn();
    await anna.put('x', 'one');
    const [bundle] = await anna.bundles();
    expect((await berta.receive(bundle!)).state).toBe('waiting-registry');
    await berta.settle();
    expect(await berta.list()).toEqual([]);
    expect(await berta.waiting()).toEqual([]);
    berta.learn();
    await berta.settle();
    expect(await berta.get('x')).toBe('one');
  });

  it('sealed by a device that is not known yet is kept aside', async () => {
    const { mesh, anna, berta } = pair('sealer');
    mesh.decide({ devices: ['anna', 'berta', 'dora'], epoch: 0 });
    const dora = new TestDevice(mesh, 'dora');
    const { bundle } = await forged(anna, {}, { sealer: dora });
    expect((await berta.receive(bundle)).state).toBe('waiting-registry');
    berta.learn();
    expect((await berta.receive(bundle)).state).toBe('stored');
  });

  it('sealed by another device than its author is kept: sealing is not authorship', async () => {
    const { anna, berta, carla } = pair('resealed');
    const { bundle } = await forged(anna, {}, { sealer: carla });
    expect((await berta.receive(bundle)).state).toBe('stored');
  });

  it('whose author was no device at the entry that it names is not valid', async () => {
    const { mesh, anna, berta } = pair('stranger');
    mesh.decide({ devices: ['anna', 'berta', 'dora'], epoch: 0 });
    const dora = new TestDevice(mesh, 'dora');
    for (const device of [anna, berta]) device.learn();
    const { bundle } = await forged(dora, { registry: mesh.entries[0]!.id });
    expect(await rejectionOf(berta.receive(bundle))).toBe('signature-invalid');
    const stranger = new TestDevice(mesh, 'nobody at all');
    const { bundle: other } = await forged(stranger, {}, { sealer: anna });
    expect(await rejectionOf(berta.receive(other))).toBe('signature-invalid');
  });

  it('signed by another device than its author is not valid', async () => {
    const { anna, berta, carla } = pair('signer');
    const { bundle } = await forged(anna, {}, { signer: carla });
    expect(await rejectionOf(berta.receive(bundle))).toBe('signature-invalid');
    const { bundle: envelope } = await forged(anna, {});
    expect((await berta.receive(envelope)).state).toBe('stored');
  });

  it('that is damaged leaves nothing behind', async () => {
    const { anna, berta } = pair('damaged');
    await anna.put('x', 'one');
    const [bundle] = await anna.bundles();
    const codes = new Set<string>();
    for (let at = 0; at < bundle!.length; at += 37) {
      const flipped = copy(bundle!);
      flipped[at] = (flipped[at] as number) ^ 0x10;
      codes.add(await rejectionOf(berta.receive(flipped)));
    }
    expect([...codes].sort()).toEqual(['decryption-failed', 'malformed']);
    expect(await berta.bundles()).toEqual([]);
    expect(await berta.journal.generation()).toBe(0);
  });

  it('of another passport does not open', async () => {
    const { anna } = pair('this');
    const { berta } = pair('that');
    await anna.put('x', 'one');
    expect(await rejectionOf(berta.receive((await anna.bundles())[0]!))).toBe('decryption-failed');
  });

  it('with a seventeenth commit of one number is malformed', async () => {
    const { anna, berta } = pair('clones');
    const incarnation = random(16);
    for (let i = 0; i < 16; i++) await berta.receive((await forged(anna, { incarnation, time: START + i })).bundle);
    const { bundle } = await forged(anna, { incarnation, time: 0 });
    expect(await rejectionOf(berta.receive(bundle))).toBe('malformed');
  });

  it('is one of at most 256 that are kept aside: what is beyond is not kept', async () => {
    const { mesh, anna, berta } = pair('held');
    mesh.decide({ devices: ['anna', 'berta'], epoch: 0 });
    anna.learn();
    for (let i = 0; i < 256; i++)
      expect((await berta.receive((await forged(anna, {})).bundle)).state).toBe('waiting-registry');
    const { bundle } = await forged(anna, {});
    expect(await berta.receive(bundle)).toEqual({ state: 'waiting-key' });
    expect(await berta.run((tx) => tx.get('held'))).toHaveLength(256);
    expect(await berta.replica.object(nameHash(bundle))).toBeUndefined();
  });

  it('that begins a 513th chain of one device is malformed; one of a known chain is not', async () => {
    const { anna, berta, carla } = pair('chains');
    const incarnation = random(16);
    const first = await forged(anna, { incarnation });
    await berta.receive(first.bundle);
    for (let i = 1; i < 512; i++) await berta.receive((await forged(anna, {})).bundle);
    expect(await rejectionOf(berta.receive((await forged(anna, {})).bundle))).toBe('malformed');
    const { chain, id } = first.commit.parsed;
    const next = { incarnation, seq: 2, prev: id, ctx: [{ chain, seq: 1, id }] };
    expect((await berta.receive((await forged(anna, next)).bundle)).state).toBe('stored');
    expect((await berta.receive((await forged(carla, {})).bundle)).state).toBe('stored');
  });

  it('that joins single commits is known when these are here', async () => {
    const { anna, berta } = pair('joined');
    await anna.put('x', 'one');
    await anna.put('x', 'two');
    await anna.giveTo(berta);
    const { bundles } = await anna.run((tx, ctx) => pendingBundles(tx, ctx, 0));
    expect(bundles).toMatchObject([{ first: 1, last: 2 }]);
    expect((await berta.receive((await anna.replica.object(bundles[0]!.hash))!)).state).toBe('known');
  });
});

describe('a commit that breaks a rule of its chain', () => {
  async function refusedAfter(
    name: string,
    change: (before: ClaimedCommit, first: ClaimedCommit) => Partial<Header>,
  ): Promise<void> {
    const { anna, berta, carla } = pair(name);
    await carla.put('c', '1');
    await carla.put('c', '2');
    await carla.giveTo(berta);
    const incarnation = random(16);
    const chain = chainId(anna.ctx.pid, anna.ctx.device, incarnation);
    const heads = await berta.run(async (tx) => {
      const [, , list] = (await tx.get('log')) as [number, Bytes, [Bytes, number, Bytes][]];
      return list.map(([at, seq, id]) => ({ chain: at, seq, id }));
    });
    const first = await forged(anna, { incarnation, ctx: heads });
    const prev = { chain, seq: 1, id: first.commit.parsed.id };
    const base = { incarnation, seq: 2, prev: prev.id, ctx: [...heads, prev] };
    const second = await forged(anna, { ...base, ...change(first.commit, first.commit) });
    await berta.receive(first.bundle);
    await berta.receive(second.bundle);
    await berta.settle();
    const objects = await berta.run((tx) => bundleObjects(tx));
    const frontier = await berta.run(async (tx) => (await tx.get('log')) as [number, Bytes, [Bytes, number, Bytes][]]);
    const head = frontier[2].find(([at]) => equal(at, chain));
    expect(head?.[1]).toBe(name === 'nothing wrong' ? 2 : 1);
    expect(await berta.waiting()).toEqual([]);
    expect(objects.length).toBeGreaterThan(0);
  }

  it('is refused, and one that does not is applied', async () => {
    await refusedAfter('nothing wrong', () => ({}));
  });

  it('by knowing less than the one before', async () => {
    await refusedAfter('less', (before) => {
      const { parsed } = before;
      return { ctx: [{ chain: parsed.chain, seq: 1, id: parsed.id }] };
    });
  });
});

describe('the first commit of an incarnation', () => {
  it('goes on from a commit of the same device, never from that of another one', async () => {
    const { anna, berta, carla } = pair('incarnation');
    const before = await forged(anna, {});
    const { chain, id } = before.commit.parsed;
    const after = { prev: id, ctx: [{ chain, seq: 1, id }] };
    const own = await forged(anna, after, { updates: [put('x', 'by anna')] });
    const other = await forged(berta, after, { updates: [put('y', 'by berta')] });
    for (const { bundle } of [before, own, other]) await carla.receive(bundle);
    expect(await carla.settle()).toMatchObject({ applied: 2 });
    expect((await carla.list()).map(({ key }) => key)).toEqual(['x']);
    expect(await carla.waiting()).toEqual([]);
  });
});

describe('the registry entry that a header names', () => {
  it('never goes back along a chain', async () => {
    const { mesh, anna, berta } = pair('registry');
    mesh.decide({ devices: ['anna', 'berta'], epoch: 0 });
    for (const device of [anna, berta]) device.learn();
    const incarnation = random(16);
    const first = await forged(anna, { incarnation });
    const ref = { chain: first.commit.parsed.chain, seq: 1, id: first.commit.parsed.id };
    const back = await forged(anna, { incarnation, seq: 2, prev: ref.id, ctx: [ref], registry: mesh.entries[0]!.id });
    await berta.receive(first.bundle);
    await berta.receive(back.bundle);
    const { applied } = await berta.settle();
    expect(applied).toBe(1);
    expect(await berta.waiting()).toEqual([]);
  });
});

describe('a suspended device', () => {
  it('has its new commits held until it no longer is', async () => {
    const { mesh, anna, berta } = pair('suspended');
    await anna.put('x', 'before');
    await anna.giveTo(berta);
    mesh.suspended.add('anna');
    await anna.put('x', 'after');
    await anna.giveTo(berta);
    expect(await berta.get('x')).toBe('before');
    expect((await berta.waiting()).map(({ waits }) => waits)).toEqual([{ for: 'suspended' }]);
    mesh.suspended.delete('anna');
    await berta.settle();
    expect(await berta.get('x')).toBe('after');
  });
});
