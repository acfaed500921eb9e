/** What becomes of a commit, rule by rule (docs/protocol.md 6): applied, refused, or waiting for one named thing. */
import { describe, expect, it } from 'vitest';
import { fromHex, hex, type Bytes } from '../../src/bytes.ts';
import { chainId } from '../../src/crypto/keys.ts';
import { MAX_HEADS, type CommitRef } from '../../src/format/commit.ts';
import { acknowledgements, applyReady } from '../../src/records/apply.ts';
import { takeAhead, wrongClocks } from '../../src/records/clocks.ts';
import { deviceActivity, headsOfDevice } from '../../src/records/heads.ts';
import { newIncarnation } from '../../src/records/own.ts';
import { seededRandom } from '../helpers/random.ts';
import { devices, type Forged, forged, Mesh, MINUTE, put, START, syncAll, TestDevice } from '../helpers/records.ts';

const random = seededRandom('apply');

function three(name: string) {
  const mesh = new Mesh(`apply ${name}`, ['anna', 'berta', 'carla']);
  return { mesh, ...devices(mesh, ['anna', 'berta', 'carla']) };
}

const refOf = ({ commit: { parsed } }: Forged): CommitRef => ({ chain: parsed.chain, seq: parsed.seq, id: parsed.id });

/** Numbers of the applied heads of a device, by chain. */
async function heads(at: TestDevice, of: TestDevice): Promise<number[]> {
  const [, , list] = (await at.run((tx) => tx.get('log'))) as [number, Bytes, [Bytes, number, Bytes][]];
  const chains = await at.run((tx) => tx.get('chains'));
  const mine = new Set((chains as [Bytes, Bytes][]).filter(([, device]) => hex(device) === of.id).map(([c]) => hex(c)));
  return list.filter(([chain]) => mine.has(hex(chain))).map(([, seq]) => seq);
}

/** What becomes of commits that come one after the other. */
async function judged(at: TestDevice, of: TestDevice, ...made: readonly Forged[]) {
  for (const { bundle } of made) await at.receive(bundle);
  await at.settle();
  return { heads: await heads(at, of), waits: (await at.waiting()).map(({ seq, waits }) => [seq, waits.for]) };
}

describe('a commit', () => {
  it('is applied when all that its author had applied is applied here; until then it waits for one named commit', async () => {
    const { anna, berta, carla } = three('waits');
    const before = await forged(anna, {});
    const after = await forged(berta, { ctx: [refOf(before)] });
    const last = await forged(berta, {
      ...{ incarnation: after.commit.parsed.incarnation, seq: 2, prev: refOf(after).id },
      ctx: [refOf(before), refOf(after)],
    });
    for (const { bundle } of [last, after]) await carla.receive(bundle);
    await carla.settle();
    const chain = hex(after.commit.parsed.chain);
    const [missing, behind] = [refOf(before), refOf(after)];
    expect(await carla.waiting()).toEqual([
      {
        ...{ chain, seq: 1, id: hex(behind.id), device: berta.id },
        waits: { for: 'commit', chain: hex(missing.chain), seq: 1, id: hex(missing.id), missing: true },
      },
      {
        ...{ chain, seq: 2, id: hex(refOf(last).id), device: berta.id },
        // For one of the two, whichever stands first in its ctx.
        waits: expect.objectContaining({ for: 'commit' }),
      },
    ]);
    await carla.receive(before.bundle);
    expect(await carla.run((tx, ctx) => applyReady(tx, ctx))).toEqual({ applied: 3, rebuilt: false });
    expect(await carla.waiting()).toEqual([]);
    expect(await carla.run((tx, ctx) => applyReady(tx, ctx))).toEqual({ applied: 0, rebuilt: false });
  });

  it('after a commit of another device is refused: the one before is its own', async () => {
    const { anna, berta, carla } = three('foreign prev');
    const foreign = await forged(berta, {});
    const updates = [put('x', 'refused')];
    const after = await forged(anna, { prev: refOf(foreign).id, ctx: [refOf(foreign)] }, { updates });
    expect(await judged(carla, anna, foreign, after)).toEqual({ heads: [], waits: [] });
    // Refused is not quarantined: nobody can adopt it.
    expect(await carla.quarantined()).toEqual([]);
    expect(await carla.list()).toEqual([]);
    const own = await forged(anna, {});
    const next = await forged(anna, { prev: refOf(own).id, ctx: [refOf(own)] });
    expect(await judged(carla, anna, own, next)).toEqual({ heads: [1, 1], waits: [] });
  });

  it('that follows a refused one waits for ever, in its chain and outside', async () => {
    const { anna, berta, carla } = three('behind refused');
    const foreign = await forged(berta, {});
    const refused = await forged(anna, { prev: refOf(foreign).id, ctx: [refOf(foreign)] });
    const next = await forged(anna, {
      ...{ incarnation: refused.commit.parsed.incarnation, seq: 2, prev: refOf(refused).id },
      ctx: [refOf(foreign), refOf(refused)],
    });
    expect(await judged(carla, anna, foreign, refused, next)).toEqual({ heads: [], waits: [[2, 'commit']] });
    expect((await carla.waiting())[0]?.waits).toMatchObject({ id: hex(refOf(refused).id), missing: false });
  });

  describe('names the heads that the one before named, or later ones:', () => {
    /** anna's second commit with these heads of berta's chain, whose numbers 1 to 3 are here. */
    async function second(name: string, choose: (chain: readonly CommitRef[]) => readonly CommitRef[]) {
      const { anna, berta, carla } = three(`ctx ${name}`);
      const chain: Forged[] = [];
      const incarnation = random(16);
      for (let seq = 1; seq <= 3; seq++) {
        const prev = chain.at(-1);
        const change = prev === undefined ? {} : { prev: refOf(prev).id, ctx: [refOf(prev)] };
        chain.push(await forged(berta, { incarnation, seq, ...change }));
      }
      const refs = chain.map(refOf);
      const first = await forged(anna, { ctx: [refs[1]!] });
      const base = { incarnation: first.commit.parsed.incarnation, seq: 2, prev: refOf(first).id };
      const made = await forged(anna, { ...base, ctx: [refOf(first), ...choose(refs)] });
      return (await judged(carla, anna, ...chain, first, made)).heads;
    }

    it.each<[string, number, (chain: readonly CommitRef[]) => readonly CommitRef[]]>([
      ['the same', 2, ([, two]) => [two!]],
      ['a later one', 2, ([, , three]) => [three!]],
      ['an earlier and a later one', 2, ([one, , three]) => [one!, three!]],
      ['an earlier one', 1, ([one]) => [one!]],
      ['none', 1, () => []],
    ])('%s', async (name, seq, choose) => {
      expect(await second(name, choose)).toEqual([seq]);
    });

    it('or leaves some out where it has 64, as many as a header holds', async () => {
      for (const [count, expected] of [
        [MAX_HEADS, [2]],
        [MAX_HEADS - 1, [1]],
      ] as const) {
        const { anna, berta, carla } = three(`full ${count}`);
        const others: Forged[] = [];
        for (let i = 0; i < MAX_HEADS; i++) others.push(await forged(berta, {}));
        const first = await forged(anna, { ctx: [refOf(others[0]!)] });
        const base = { incarnation: first.commit.parsed.incarnation, seq: 2, prev: refOf(first).id };
        const ctx = [refOf(first), ...others.slice(1, count).map(refOf)];
        expect((await judged(carla, anna, ...others, first, await forged(anna, { ...base, ctx }))).heads).toEqual(
          expected,
        );
      }
    });
  });

  it('of a suspended device is held, and what was applied stays', async () => {
    const { mesh, anna, berta, carla } = three('suspended');
    const first = await forged(anna, {});
    const lost = await forged(carla, {});
    for (const { bundle } of [first, lost]) await berta.receive(bundle);
    await berta.settle();
    mesh.suspended.add('anna');
    const base = { incarnation: first.commit.parsed.incarnation, seq: 2, prev: refOf(first).id, ctx: [refOf(first)] };
    expect(await judged(berta, anna, await forged(anna, base))).toEqual({ heads: [1], waits: [[2, 'suspended']] });
    // Also when a cut of another device makes everything be applied anew.
    mesh.decide({ devices: ['anna', 'berta'], epoch: 0, cut: { carla: [] } });
    berta.learn();
    expect(await berta.settle()).toMatchObject({ rebuilt: true });
    expect([await heads(berta, anna), await heads(berta, carla)]).toEqual([[1], []]);
    expect((await berta.waiting()).map(({ seq, waits }) => [seq, waits.for])).toEqual([[2, 'suspended']]);
  });

  it('without updates is nothing to index', async () => {
    const { anna, berta } = three('empty');
    await berta.receive((await forged(anna, {})).bundle);
    expect(await berta.settle()).toMatchObject({ applied: 1, indexed: 0 });
  });

  it('of a cloned chain does not hold up the other branch', async () => {
    const { anna, berta, carla } = three('other branch');
    const missing = await forged(berta, {});
    const incarnation = random(16);
    const stuck = await forged(anna, { incarnation, ctx: [refOf(missing)] });
    const free = await forged(anna, { incarnation, time: 7 });
    for (const [i, order] of [
      [stuck, free],
      [free, stuck],
    ].entries()) {
      const at = i === 0 ? carla : berta;
      expect(await judged(at, anna, ...order)).toEqual({ heads: [1], waits: [[1, 'commit']] });
    }
  });

  it('outside a cut is quarantined also while one inside it waits', async () => {
    const { mesh, anna, berta, carla } = three('behind a cut');
    const missing = await forged(carla, {});
    const inside = await forged(anna, { ctx: [refOf(missing)] });
    const base = { incarnation: inside.commit.parsed.incarnation, seq: 2, prev: refOf(inside).id };
    const outside = await forged(
      anna,
      { ...base, ctx: [refOf(missing), refOf(inside)] },
      { updates: [put('x', 'outside')] },
    );
    mesh.decide({ devices: ['berta', 'carla'], epoch: 0, cut: { anna: [refOf(inside).id] } });
    berta.learn();
    expect(await judged(berta, anna, inside, outside)).toEqual({ heads: [], waits: [[1, 'commit']] });
    expect((await berta.quarantined()).map(({ key }) => key)).toEqual(['x']);
  });

  it('inside a cut that names an entry at which its author was no device yet is refused', async () => {
    const { mesh, berta } = three('before it came');
    mesh.decide({ devices: ['berta', 'carla', 'dora'], epoch: 0 });
    const dora = new TestDevice(mesh, 'dora');
    const early = await forged(dora, { registry: mesh.entries[0]!.id });
    const good = await forged(dora, {});
    mesh.decide({ devices: ['berta', 'carla'], epoch: 0, cut: { dora: [refOf(early).id, refOf(good).id] } });
    berta.learn();
    expect(await judged(berta, dora, early, good)).toEqual({ heads: [1], waits: [] });
    expect(await berta.quarantined()).toEqual([]);
  });

  it('inside the cut of one device stays, when the cut of another makes everything be applied anew later', async () => {
    const { mesh, anna, berta, carla } = three('two cuts');
    const first = await forged(anna, {});
    const other = await forged(carla, {}, { updates: [put('x', 'void')] });
    for (const { bundle } of [first, other]) await berta.receive(bundle);
    mesh.decide({ devices: ['berta', 'carla'], epoch: 0, cut: { anna: [refOf(first).id] } });
    berta.learn();
    expect(await berta.settle()).toMatchObject({ applied: 2, rebuilt: false });
    mesh.decide({ devices: ['berta'], epoch: 0, cut: { carla: [] } });
    berta.learn();
    expect(await berta.settle()).toMatchObject({ applied: 1, rebuilt: true });
    expect([await heads(berta, anna), await heads(berta, carla)]).toEqual([[1], []]);
    expect((await berta.quarantined()).map(({ key }) => key)).toEqual(['x']);
  });

  it('of one that has left waits while a head of its cut, or an ancestor of one, is missing', async () => {
    const { mesh, anna, berta } = three('cut');
    const first = await forged(anna, {});
    const base = { incarnation: first.commit.parsed.incarnation, seq: 2, prev: refOf(first).id, ctx: [refOf(first)] };
    const second = await forged(anna, base);
    mesh.decide({ devices: ['berta', 'carla'], epoch: 0, cut: { anna: [refOf(second).id] } });
    berta.learn();
    expect(await judged(berta, anna, second)).toEqual({ heads: [], waits: [[2, 'cut']] });
    expect(await judged(berta, anna, first)).toEqual({ heads: [2], waits: [] });
  });
});

describe('an acknowledgement', () => {
  const acked = async (at: TestDevice) =>
    (await at.run((tx) => acknowledgements(tx))).map(({ device, epoch }) => [hex(device), epoch]);

  it('counts once for each device and epoch, and not for an epoch that its author could not know', async () => {
    const { mesh, anna, berta, carla } = three('acks');
    mesh.decide({ devices: ['anna', 'berta', 'carla'], epoch: 1 });
    for (const device of [anna, berta, carla]) device.learn();
    await anna.write([], [0]);
    await anna.write([], [0, 1, 2]);
    await berta.write([], [1]);
    await anna.giveTo(carla);
    await berta.giveTo(carla);
    expect(await acked(carla)).toEqual([
      [anna.id, 0],
      [anna.id, 1],
      [berta.id, 1],
    ]);
    const early = await forged(berta, { registry: mesh.entries[0]!.id, acks: [0, 1] });
    await carla.receive(early.bundle);
    await carla.settle();
    expect(await acked(carla)).toEqual([
      [anna.id, 0],
      [anna.id, 1],
      [berta.id, 1],
      [berta.id, 0],
    ]);
  });

  it('of a commit that a cut makes void is forgotten', async () => {
    const { mesh, anna, berta, carla } = three('acks cut');
    await anna.write([], [0]);
    await carla.write([], [0]);
    await syncAll([anna, berta, carla]);
    expect(await acked(berta)).toHaveLength(2);
    mesh.decide({ devices: ['berta', 'carla'], epoch: 0, cut: { anna: [] } });
    berta.learn();
    expect(await berta.run((tx, ctx) => applyReady(tx, ctx))).toMatchObject({ rebuilt: true });
    expect(await acked(berta)).toEqual([[carla.id, 0]]);
  });
});

describe('what is known of devices', () => {
  it('is the time of the newest applied commit of each, over incarnations, and whether a chain was cloned', async () => {
    const { anna, berta } = three('activity');
    anna.now = START + 5 * MINUTE;
    await anna.put('x', '1');
    await anna.run(async (tx, ctx) => newIncarnation(tx, ctx));
    anna.now = START + 3 * MINUTE;
    await anna.put('x', '2');
    await anna.giveTo(berta);
    await berta.put('y', '1');
    const known = await berta.run((tx, ctx) => deviceActivity(tx, ctx));
    expect(Object.fromEntries(known.map(({ device, ...rest }) => [hex(device), rest]))).toEqual({
      [anna.id]: { time: START + 3 * MINUTE, cloned: false },
      [berta.id]: { time: START, cloned: false },
    });
    const incarnation = random(16);
    for (const time of [1, 2]) await berta.receive((await forged(anna, { incarnation, time })).bundle);
    await berta.settle();
    const cloned = (await berta.run((tx, ctx) => deviceActivity(tx, ctx))).filter((each) => each.cloned);
    expect(cloned.map(({ device }) => hex(device))).toEqual([anna.id]);
  });

  it('are its heads as they were signed, the newest last, without those that another incarnation goes on from', async () => {
    const { anna, berta, carla } = three('heads');
    const [a, b] = [await forged(anna, { time: 1 }), await forged(anna, { time: 2 })];
    const after = await forged(anna, { prev: refOf(a).id, ctx: [refOf(a)] });
    const stated = async () =>
      (await carla.run((tx, ctx) => headsOfDevice(tx, ctx, anna.ctx.device))).map((each) => each);
    for (const { bundle } of [a, b]) {
      await carla.receive(bundle);
      await carla.settle();
    }
    const signed = ({ commit: { header, signature } }: Forged) => ({ header, signature });
    expect(await stated()).toEqual([signed(a), signed(b)]);
    await carla.receive(after.bundle);
    // It is here and not applied: it is not stated, and what it goes on from still is.
    expect(await stated()).toEqual([signed(a), signed(b)]);
    await carla.settle();
    expect(await stated()).toEqual([signed(b), signed(after)]);
    await carla.receive((await forged(berta, {})).bundle);
    await carla.settle();
    expect(await stated()).toHaveLength(2);
  });
});

describe('a clock that is ahead', () => {
  it('is noted for each author once, and taken once', async () => {
    const { anna, berta, carla } = three('ahead');
    for (const device of [anna, carla]) {
      device.now = START + 10 * MINUTE + 1;
      await device.put(device.name, '1');
      await device.put(device.name, '2');
      await device.giveTo(berta);
    }
    const taken = () => berta.run(async (tx, ctx) => (await takeAhead(tx, ctx)).map(hex));
    expect((await taken()).sort()).toEqual([anna.id, carla.id].sort());
    expect(await taken()).toEqual([]);
    expect((await berta.run((tx) => wrongClocks(tx))).map(hex).sort()).toEqual([anna.id, carla.id].sort());
    await anna.put('again', '1');
    await anna.giveTo(berta);
    expect(await taken()).toEqual([anna.id]);
    expect(await berta.run((tx) => wrongClocks(tx))).toHaveLength(2);
  });

  it('is not noted again when everything is applied anew', async () => {
    const { mesh, anna, berta, carla } = three('ahead again');
    anna.now = START + 11 * MINUTE;
    await anna.put('x', '1');
    await carla.put('y', '1');
    for (const device of [anna, carla]) await device.giveTo(berta);
    const taken = () => berta.run(async (tx, ctx) => (await takeAhead(tx, ctx)).map(hex));
    expect(await taken()).toEqual([anna.id]);
    mesh.decide({ devices: ['anna', 'berta'], epoch: 0, cut: { carla: [] } });
    berta.learn();
    expect(await berta.settle()).toMatchObject({ rebuilt: true });
    expect(await taken()).toEqual([]);
  });
});

describe('a chain id', () => {
  it('is that of device and incarnation, so nobody writes into the chain of another', async () => {
    const { anna, berta, carla } = three('chain');
    const incarnation = random(16);
    const mine = await forged(anna, { incarnation }, { updates: [put('x', '1')] });
    const other = await forged(berta, { incarnation });
    expect(hex(mine.commit.parsed.chain)).toBe(hex(chainId(anna.ctx.pid, fromHex(anna.id), incarnation)));
    expect(await judged(carla, berta, mine, other)).toEqual({ heads: [1], waits: [] });
    expect(await heads(carla, anna)).toEqual([1]);
  });
});
