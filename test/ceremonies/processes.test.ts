/** Several processes of one device at once: they share one journal, and neither a chain nor a vote ever forks. */
import { describe, expect, it } from 'vitest';

import { Passport } from '../../src/index.ts';
import { audit } from '../helpers/audit.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { type Member, PASSPHRASE, text, threeDevices, twoDevices } from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };

/** Two processes of one home; with a kit both have a session. */
async function twice(member: Member, kit?: string): Promise<[Passport, Passport]> {
  const { environment } = member.home;
  const first = await Passport.open(environment);
  if (kit === undefined) return [first, await Passport.open(environment)];
  const { secret } = await first.unlock({ passphrase: PASSPHRASE, kits: [kit] });
  return [first, await Passport.open(environment, { sessionSecret: secret })];
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('two processes of one device', () => {
  it('that write at once: every record is there, no number is used twice', async () => {
    const { world, laptop, phone, kit } = await twoDevices('put-put');
    const [first, second] = await twice(laptop, kit);
    await Promise.all(range(12).flatMap((i) => [first.put(`first/${i}`, `${i}`), second.put(`second/${i}`, `${i}`)]));
    await Promise.all([first.sync(), second.sync()]);
    expect((await first.list()).length).toBe(25);
    expect((await second.list()).length).toBe(25);
    await phone.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    await phone.passport.sync();
    expect((await phone.passport.list()).length).toBe(25);
    expect(await audit(world, phone.home)).toMatchObject({ faults: [] });
    expect(await phone.passport.conflicts()).toEqual([]);
  });

  it('one that writes and one that syncs', async () => {
    const { world, laptop, phone, kit } = await twoDevices('put-sync');
    const [first, second] = await twice(laptop, kit);
    const ended = { yes: false };
    const syncing = (async () => {
      while (!ended.yes) {
        await second.sync();
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (const i of range(15)) await first.put(`key/${i}`, `${i}`);
    ended.yes = true;
    await syncing;
    await second.sync();
    expect(await second.status()).toMatchObject({ pending: 0 });
    await phone.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    await phone.passport.sync();
    for (const i of range(15)) expect(await text(phone, `key/${i}`)).toBe(`${i}`);
    expect(await audit(world, phone.home)).toMatchObject({ faults: [] });
  });

  it('that write the same record at once: one write follows the other', async () => {
    const { laptop, kit } = await twoDevices('same-key');
    const [first, second] = await twice(laptop, kit);
    await Promise.all(range(8).map((i) => (i % 2 === 0 ? first : second).put('same', `${i}`)));
    expect(await first.conflicts()).toEqual([]);
    expect((await first.history('same')).length).toBe(8);
    expect((await first.get('same'))?.version).toBe((await second.get('same'))?.version);
  });

  it('one that approves and one that syncs: one promise, one approval, one accept', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('approve-sync');
    for (const round of range(3)) {
      const change = await laptop.passport.reshare({ ...left, threshold: round % 2 === 0 ? 3 : 2, noSpare: true });
      const [first, second] = await twice(phone);
      const others = round % 2 === 0 ? [] : [tablet];
      await Promise.all([first.sync(), second.sync(), second.sync()]);
      await Promise.all([
        first.approve(change.id, { number: change.number, timeoutMs: 0 }),
        second.sync(),
        second.sync(),
      ]);
      for (const member of others) await world.approveAll(member);
      await laptop.passport.sync({ passphrase: PASSPHRASE });
      await Promise.all([first.sync(), second.sync(), first.sync(), second.sync()]);
      for (const member of others) await member.passport.sync();
      expect(await world.settle(laptop, change, [phone, ...others])).toMatchObject({
        state: 'decided',
        slot: 3 + round,
      });
      await tablet.passport.sync();
    }
    expect(await audit(world, tablet.home)).toMatchObject({ faults: [] });
  });

  it('that both approve: the answer is the same', async () => {
    const { world, laptop, phone } = await twoDevices('approve-approve');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    const [first, second] = await twice(phone);
    const options = { number: change.number, timeoutMs: 0 };
    const answers = await Promise.all([first.approve(change.id, options), second.approve(change.id, options)]);
    for (const answer of answers) expect(answer).toMatchObject({ approvedBy: ['laptop', 'phone'] });
    expect(await world.settle(laptop, change, [phone])).toMatchObject({ state: 'decided' });
    expect(await audit(world, laptop.home)).toMatchObject({ faults: [] });
  });

  it('that both ask for a change: one is asked, the other is told to wait', async () => {
    const { world, laptop, phone } = await twoDevices('ask-ask');
    const [first, second] = await twice(laptop);
    const outcomes = await Promise.allSettled([
      first.rename('phone', 'pocket', left),
      second.rename('phone', 'purse', left),
    ]);
    const asked = outcomes.filter(({ status }) => status === 'fulfilled');
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(asked).toHaveLength(1);
    expect(refused[0]).toMatchObject({ reason: { code: 'waiting' } });
    const [open] = await first.requests();
    const change = await second.finish(open!.id, left);
    expect(await world.settle(laptop, change, [phone])).toMatchObject({ state: 'decided' });
  });

  it('of which one changes the passphrase while the other syncs', async () => {
    const { world, laptop, phone, kit } = await twoDevices('passphrase-sync');
    const [first, second] = await twice(laptop, kit);
    const options = { passphrase: PASSPHRASE, newPassphrase: 'another', kits: [kit], timeoutMs: 0 };
    const [change] = await Promise.all([first.changePassphrase(options), second.sync(), second.sync(), second.sync()]);
    expect(await world.settle(laptop, change, [], options)).toMatchObject({ state: 'decided' });
    await second.sync();
    expect(await rejectionOf(second.put('a', 'b'))).toBe('session-ended');
    await second.unlock({ passphrase: 'another', kits: [kit] });
    await second.put('a', 'b');
    await second.sync();
    await phone.passport.sync();
    expect(await audit(world, phone.home)).toMatchObject({ faults: [] });
  });

  it('of which one locks: the other one’s session is its own until its time', async () => {
    const { laptop, kit } = await twoDevices('lock');
    const [first, second] = await twice(laptop, kit);
    expect(await second.get('old')).toBeDefined();
    await first.lock();
    expect(await rejectionOf(first.get('old'))).toBe('locked');
    expect(await rejectionOf((await Passport.open(laptop.home.environment)).get('old'))).toBe('locked');
  });
});
