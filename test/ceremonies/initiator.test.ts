/** An initiator that dies, and holders that withhold what they should: nobody can stop N others, nobody can split them. */
import { describe, expect, it } from 'vitest';

import { parseName } from '../../src/format/names.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { audit } from '../helpers/audit.ts';
import { PowerCut } from '../helpers/durable.ts';
import { type Member, PASSPHRASE, threeDevices, twoDevices, type World } from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };
const NAMES = ['laptop', 'phone', 'tablet'] as const;
const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

/** Lets time pass and everybody sync, with no passphrase at hand. */
async function turns(members: readonly Member[], count: number, passMs = 35_000): Promise<void> {
  for (let i = 0; i < count; i++) {
    for (const member of members) {
      member.home.clock.pass(passMs);
      await member.passport.sync();
    }
  }
}

function lastVote(world: World): string {
  return [...world.store().ever.keys()].filter((name) => parseName(name)?.kind === 'vote').at(-1) as string;
}

describe('an initiator that dies', () => {
  it.each(ORDERS)('after its proposal: who accepted finishes it with a higher round (%i, %i, %i)', async (...order) => {
    const { world, laptop, phone, tablet } = await threeDevices('take-over');
    const [dead, taker, other] = order.map((i) => [laptop, phone, tablet][i]) as [Member, Member, Member];
    const change = await dead.passport.rename(NAMES[order[2]], 'other', left);
    await world.approveAll(taker);
    // The other one has asked for something itself and promised its own, higher ballot; then it gave that up.
    await other.passport.sync();
    other.home.clock.pass(31_000);
    const own = await other.passport.rename(NAMES[order[1]], 'taker', left);
    await other.passport.cancel(own.id);
    await dead.passport.sync({ passphrase: PASSPHRASE });
    world.store().objects.delete(lastVote(world)); // its accept never arrived, and it is never seen again
    await taker.passport.sync();
    await other.passport.sync();
    expect((await taker.passport.status()).slot).toBe(2);
    await turns([taker, other], 8);
    for (const member of [taker, other]) {
      expect(await member.passport.status()).toMatchObject({ slot: 3 });
      expect((await member.passport.log()).at(-1)).toMatchObject({ by: NAMES[order[0]] });
    }
    expect((await taker.passport.devices()).map(({ name }) => name)).toContain('other');
    expect(await audit(world, taker.home)).toMatchObject({ faults: [] });
    expect(change.state).toBe('waiting');
  });

  it('at any call of its last step: the two others decide its entry or one of their own, the same on both', async () => {
    const before = async (label: string) => {
      const mesh = await threeDevices(label);
      await mesh.laptop.passport.rename('tablet', 'slate', left);
      await mesh.world.approveAll(mesh.phone);
      return mesh;
    };
    const whole = await before('count');
    const done = whole.laptop.home.power.calls.length;
    await whole.laptop.passport.sync({ passphrase: PASSPHRASE });
    const calls = whole.laptop.home.power.calls.length - done;
    expect(calls).toBeGreaterThan(3);
    const outcomes = new Set<string>();
    for (let k = 0; k < calls; k++) {
      for (const happened of [false, true]) {
        const { world, laptop, phone, tablet } = await before(`cut ${k} ${happened}`);
        laptop.home.power.cutAt(laptop.home.power.calls.length + k, happened);
        await expect(laptop.passport.sync({ passphrase: PASSPHRASE })).rejects.toThrow(PowerCut);
        await turns([phone, tablet], 6);
        const own = await tablet.passport.rename('phone', 'pocket', left);
        expect(await world.settle(tablet, own, [phone])).toMatchObject({ state: 'decided' });
        await turns([phone, tablet], 1);
        const names = async (member: Member) => (await member.passport.devices()).map(({ name }) => name).join();
        expect(await names(phone)).toBe(await names(tablet));
        outcomes.add(await names(phone));
        expect(await audit(world, phone.home)).toMatchObject({ faults: [] });
      }
    }
    expect([...outcomes].sort()).toEqual(['laptop,kit-1,kit-2,pocket,slate', 'laptop,kit-1,kit-2,pocket,tablet']);
  }, 120_000);
});

describe('a holder withholds its promise', () => {
  it('from an initiator whose removal its person has approved in this slot', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('removal');
    // The phone asks to revoke the laptop; the tablet's person says yes. Then the laptop asks to revoke the phone.
    const first = await phone.passport.revoke('laptop', { ...left, kit: false });
    await world.approveAll(tablet);
    await laptop.passport.sync();
    for (const { clock } of world.homes) clock.pass(31_000);
    const second = await laptop.passport.revoke('phone', { ...left, kit: false });
    await turns([tablet, laptop, tablet, laptop], 4);
    expect(await laptop.passport.finish(second.id, left)).toMatchObject({ state: 'waiting' });
    expect(await world.settle(phone, first, [tablet])).toMatchObject({ state: 'decided' });
    expect(await laptop.passport.finish(second.id, left)).toMatchObject({ state: 'superseded' });
    expect(await rejectionOf(laptop.passport.revoke('phone', { ...left, kit: false }))).toBe('revoked');
  });

  it('from another initiator within 30 s of its last one', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('quiet');
    await laptop.passport.rename('tablet', 'slate', left);
    await phone.passport.sync(); // promised to the laptop
    await tablet.passport.sync();
    tablet.home.clock.pass(31_000);
    const other = await tablet.passport.rename('phone', 'pocket', left);
    const promised = async () => {
      await phone.passport.sync();
      await tablet.passport.sync();
      return (await tablet.passport.finish(other.id, left)).state;
    };
    await world.approveAll(phone);
    phone.home.clock.pass(28_000);
    expect(await promised()).toBe('waiting');
    phone.home.clock.pass(3_000);
    expect(await promised()).toBe('waiting'); // it has the promise now, and proposes
    expect(await world.settle(tablet, other, [phone])).toMatchObject({ state: 'decided' });
  });

  it('from a request that its person refused, and from one that is too late', async () => {
    const { world, laptop, phone } = await twoDevices('refused-promise');
    const votes = () => [...world.store().ever.keys()].filter((name) => parseName(name)?.kind === 'vote').length;
    const change = await laptop.passport.rename('phone', 'pocket', left);
    phone.home.clock.pass(21 * 60_000);
    const before = votes();
    await phone.passport.sync();
    expect(votes()).toBe(before);
    expect(change.state).toBe('waiting');
  });
});
