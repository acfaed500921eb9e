/** Newest valid signature wins, and no clock decides alone: eff(c) = min(time(c), first word of another device + 10 minutes). */
import { describe, expect, it } from 'vitest';
import { applyReady } from '../../src/records/apply.ts';
import { wrongClocks } from '../../src/records/clocks.ts';
import { newIncarnation } from '../../src/records/own.ts';
import { witness } from '../../src/records/write.ts';
import { hex, type Bytes } from '../../src/bytes.ts';
import { devices, type Forged, forged, Mesh, MINUTE, START, syncAll, type TestDevice } from '../helpers/records.ts';

const YEAR_2099 = 4_070_908_800_000;

function three(name: string) {
  return devices(new Mesh(name, ['anna', 'berta', 'carla']), ['anna', 'berta', 'carla']);
}

async function winner(device: TestDevice): Promise<string | undefined> {
  return device.get('x');
}

describe('of two versions that did not know of each other', () => {
  it('the later one wins', async () => {
    const { anna, berta, carla } = three('later');
    anna.now = START + 2 * MINUTE;
    berta.now = START + 1 * MINUTE;
    await anna.put('x', 'later');
    await berta.put('x', 'earlier');
    await syncAll([anna, berta, carla]);
    expect(await Promise.all([anna, berta, carla].map(winner))).toEqual(['later', 'later', 'later']);
  });

  it('made in the same millisecond that of the larger device id wins', async () => {
    const { anna, berta, carla } = three('same');
    await anna.put('x', anna.id);
    await berta.put('x', berta.id);
    await syncAll([anna, berta, carla]);
    const larger = anna.id > berta.id ? anna.id : berta.id;
    expect(await Promise.all([anna, berta, carla].map(winner))).toEqual([larger, larger, larger]);
  });

  it('by one device in the same millisecond (a clone) the larger commit id wins', async () => {
    const mesh = new Mesh('ids', ['anna', 'berta']);
    const { anna, berta } = devices(mesh, ['anna', 'berta']);
    const twin = devices(mesh, ['anna']).anna;
    const a = await anna.put('x', 'a');
    // Another incarnation of the same device, which had nothing of the first.
    await twin.run(async (tx, ctx) => {
      newIncarnation(tx, { ...ctx, random: (length) => new Uint8Array(length).map((_, i) => i + 1) });
    });
    const b = await twin.put('x', 'b');
    await syncAll([anna, twin, berta]);
    expect(await winner(berta)).toBe(hex(a) > hex(b) ? 'a' : 'b');
  });

  it('a clock of 1970 loses, and its commit is valid', async () => {
    const { anna, berta, carla } = three('1970');
    anna.now = 0;
    await anna.put('x', 'in 1970');
    await berta.put('x', 'today');
    await syncAll([anna, berta, carla]);
    expect(await winner(carla)).toBe('today');
    expect((await carla.conflicts())[0]?.versions).toHaveLength(2);
  });
});

describe('a commit of 2099', () => {
  it('wins only until another device has seen it', async () => {
    const { anna, berta, carla } = three('2099');
    anna.now = YEAR_2099;
    await anna.put('x', 'in 2099');
    const [bundle] = await anna.bundles();
    carla.now = START + 30 * MINUTE;
    await carla.put('x', 'later than the witness');
    await syncAll([anna, carla]);
    expect(await winner(carla)).toBe('in 2099');
    // berta had nothing but the commit of 2099 when it wrote.
    await berta.receive(bundle!);
    await berta.settle();
    berta.now = START + 5 * MINUTE;
    await berta.write([]);
    await syncAll([anna, berta, carla]);
    expect(await Promise.all([anna, berta, carla].map(winner))).toEqual(Array(3).fill('later than the witness'));
  });

  it('counts up to ten minutes after its first witness, and no longer', async () => {
    for (const [minutes, expected] of [
      [9, 'in 2099'],
      [11, 'by carla'],
    ] as const) {
      const { anna, berta, carla } = three(`tolerance ${minutes}`);
      anna.now = YEAR_2099;
      await anna.put('x', 'in 2099');
      await anna.giveTo(berta);
      await berta.write([]);
      carla.now = START + minutes * MINUTE;
      await carla.put('x', 'by carla');
      await syncAll([anna, berta, carla]);
      expect(await winner(berta)).toBe(expected);
    }
  });

  it('is witnessed by the first commit of another device that knows of it, whatever that device writes later', async () => {
    const { anna, berta, carla } = three('first witness');
    anna.now = YEAR_2099;
    await anna.put('x', 'in 2099');
    await anna.giveTo(berta);
    berta.now = START + 60 * MINUTE;
    await berta.write([]);
    berta.now = START; // set back: its second commit is earlier, and is not its first
    await berta.write([]);
    carla.now = START + 30 * MINUTE;
    await carla.put('x', 'by carla');
    await syncAll([anna, berta, carla]);
    expect(await winner(carla)).toBe('in 2099');
  });

  it('is not witnessed by its own device in another incarnation', async () => {
    const { anna, berta, carla } = three('own witness');
    anna.now = YEAR_2099;
    await anna.put('x', 'in 2099');
    await anna.run(async (tx, ctx) => newIncarnation(tx, ctx));
    anna.now = START;
    await anna.write([]);
    carla.now = START + 30 * MINUTE;
    await carla.put('x', 'by carla');
    await syncAll([anna, berta, carla]);
    expect(await winner(carla)).toBe('in 2099');
  });

  it('is not witnessed by a clock that is behind the registry entry which its commit names', async () => {
    const { anna, berta, carla } = three('bad witness');
    anna.now = YEAR_2099;
    await anna.put('x', 'in 2099');
    await anna.giveTo(berta);
    berta.now = 0;
    await berta.write([]);
    carla.now = START + 30 * MINUTE;
    await carla.put('x', 'by carla');
    await syncAll([anna, berta, carla]);
    expect(await winner(carla)).toBe('in 2099');
  });

  it('is not witnessed by a quarantined commit', async () => {
    const mesh = new Mesh('quarantined witness', ['anna', 'berta', 'carla']);
    const { anna, berta, carla } = devices(mesh, ['anna', 'berta', 'carla']);
    anna.now = YEAR_2099;
    await anna.put('x', 'in 2099');
    await anna.giveTo(berta);
    await berta.write([]);
    carla.now = START + 30 * MINUTE;
    await carla.put('x', 'by carla');
    await syncAll([anna, berta, carla]);
    expect(await winner(carla)).toBe('by carla');
    mesh.decide({ devices: ['anna', 'carla'], cut: { berta: [] } });
    for (const device of [anna, carla]) {
      device.learn();
      await device.settle();
      expect(await winner(device)).toBe('in 2099');
    }
  });
});

describe('the first word of another device', () => {
  /** Who wins: anna's commit of 2099, or carla's of half an hour after START; `say` is what berta does once it has anna's. */
  async function wins(name: string, say: (berta: TestDevice, heard: () => Promise<void>) => Promise<void>) {
    const { anna, berta, carla } = three(`first word ${name}`);
    anna.now = YEAR_2099;
    await anna.put('x', 'in 2099');
    await say(berta, () => anna.giveTo(berta));
    carla.now = START + 30 * MINUTE;
    await carla.put('x', 'by carla');
    await syncAll([anna, berta, carla]);
    return winner(carla);
  }
  const at = async (device: TestDevice, minutes: number) => {
    device.now = START + minutes * MINUTE;
    await device.write([]);
  };

  it('is found in the middle of its chain', async () => {
    for (const [minutes, expected] of [
      [60, 'in 2099'],
      [10, 'by carla'],
    ] as const) {
      const say = async (berta: TestDevice, heard: () => Promise<void>) => {
        for (let i = 0; i < 5; i++) await at(berta, 1);
        await heard();
        await at(berta, minutes);
        for (let i = 0; i < 3; i++) await at(berta, minutes === 60 ? 1 : 90);
      };
      expect(await wins(`middle ${minutes}`, say)).toBe(expected);
    }
  });

  it('is no later one of another incarnation that knew of it', async () => {
    const say = async (berta: TestDevice, heard: () => Promise<void>) => {
      await heard();
      await at(berta, 60);
      await berta.run(async (tx, ctx) => newIncarnation(tx, ctx));
      await at(berta, 1);
    };
    expect(await wins('incarnations', say)).toBe('in 2099');
  });

  it('counts when its time is that of the registry entry which it names', async () => {
    const say = async (berta: TestDevice, heard: () => Promise<void>) => {
      await heard();
      berta.now = START - 1000; // the entry's
      await berta.write([]);
    };
    expect(await wins('entry time', say)).toBe('by carla');
  });

  it('is on each branch of a cloned chain the first that knew, and no other', async () => {
    for (const [minutes, expected] of [
      [60, 'in 2099'],
      [10, 'by carla'],
    ] as const) {
      const { anna, berta, carla } = three(`clones ${minutes}`);
      anna.now = YEAR_2099;
      await anna.put('x', 'in 2099');
      carla.now = START + 30 * MINUTE;
      await carla.put('x', 'by carla');
      await anna.giveTo(carla);
      const { chain, seq, id } = await anna.run(async (tx) => {
        const [, , [head]] = (await tx.get('log')) as [number, Bytes, [[Bytes, number, Bytes]]];
        return { chain: head[0], seq: head[1], id: head[2] };
      });
      const incarnation = anna.ctx.random(16);
      const next = async (before: Forged | undefined, time: number, knows = false) => {
        const parsed = before?.commit.parsed;
        const own = parsed === undefined ? [] : [{ chain: parsed.chain, seq: parsed.seq, id: parsed.id }];
        return forged(berta, {
          ...{ incarnation, seq: (parsed?.seq ?? 0) + 1, prev: parsed?.id ?? null, time: START + time * MINUTE },
          ctx: [...own, ...(knows ? [{ chain, seq, id }] : [])],
        });
      };
      const [one, twin] = [await next(undefined, 1), await next(undefined, 2)];
      const knowing = await next(one, minutes, true);
      const later = await next(knowing, minutes === 60 ? 1 : 90, true);
      // It knows of anna's commit too, early, but waits for one that nobody has: it is not applied, so it counts for nothing.
      const own = { chain: twin.commit.parsed.chain, seq: 1, id: twin.commit.parsed.id };
      const missing = { chain: anna.ctx.random(16), seq: 1, id: anna.ctx.random(32) };
      const waiting = await forged(berta, {
        ...{ incarnation, seq: 2, prev: own.id, time: START + MINUTE, ctx: [own, { chain, seq, id }, missing] },
      });
      for (const { bundle } of [one, twin, knowing, later, waiting]) await carla.receive(bundle);
      await carla.settle();
      expect(await winner(carla)).toBe(expected);
    }
  });
});

describe('a witness commit', () => {
  it('is written when an applied commit is more than ten minutes ahead of the own clock, once, and flags the author', async () => {
    const { anna, berta } = three('witness');
    anna.now = START + 11 * MINUTE;
    await anna.put('x', 'ahead');
    await anna.giveTo(berta);
    expect((await berta.run((tx, ctx) => witness(tx, ctx))).map(hex)).toEqual([anna.id]);
    expect((await berta.run((tx) => wrongClocks(tx))).map(hex)).toEqual([anna.id]);
    expect(await berta.bundles()).toHaveLength(2);
    expect(await berta.run((tx, ctx) => witness(tx, ctx))).toEqual([]);
    expect(await berta.bundles()).toHaveLength(2);
  });

  it('is not due within ten minutes', async () => {
    const { anna, berta } = three('no witness');
    anna.now = START + 10 * MINUTE;
    await anna.put('x', 'ahead');
    await anna.giveTo(berta);
    expect(await berta.run((tx, ctx) => witness(tx, ctx))).toEqual([]);
  });

  it('is not written by a clock that is itself behind the registry, and accuses nobody', async () => {
    const { anna, berta } = three('behind');
    await anna.put('x', 'today');
    berta.now = 0;
    await anna.giveTo(berta);
    expect(await berta.run((tx, ctx) => witness(tx, ctx))).toEqual([]);
    expect(await berta.run((tx) => wrongClocks(tx))).toEqual([]);
    expect(await berta.bundles()).toHaveLength(1);
  });

  it('can be written by a locked device', async () => {
    const { anna, berta } = three('locked witness');
    anna.now = YEAR_2099;
    await anna.put('x', 'ahead');
    berta.lock();
    for (const bundle of await anna.bundles()) await berta.receive(bundle);
    await berta.run((tx, ctx) => applyReady(tx, ctx));
    expect(await berta.run((tx, ctx) => witness(tx, ctx))).toHaveLength(1);
  });
});
