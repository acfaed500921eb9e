/** Kits vote where their words are typed; what they said before is what the stores have of it. */
import { describe, expect, it } from 'vitest';

import { PassportError } from '../../src/index.ts';
import { parseName } from '../../src/format/names.ts';
import { audit } from '../helpers/audit.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { type Member, PASSPHRASE, stopsWaiting, text, World, words } from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };

/** Laptop, phone and three kits, 3 of 5. */
async function mesh(label: string): Promise<{ world: World; laptop: Member; phone: Member; kits: string[] }> {
  const world = new World(`kits ${label}`);
  const laptop = await world.create('laptop', { threshold: 3, holders: 5 });
  await laptop.passport.put('old', 'written before');
  const kits = laptop.kits.map(words);
  const phone = await world.enroll('phone', laptop, { kits: kits.slice(0, 2) });
  return { world, laptop, phone, kits: kits.slice(0, 3) };
}

describe('a kit', () => {
  it('counts on the approving device too', async () => {
    const { world, laptop, phone, kits } = await mesh('approver');
    const change = await laptop.passport.rename('phone', 'pocket', left);
    await phone.passport.sync();
    const approved = await phone.passport.approve(change.id, { number: change.number, kits: [kits[0]!], timeoutMs: 0 });
    expect(approved).toMatchObject({ state: 'waiting', approvedBy: ['laptop', 'phone', 'kit-1'] });
    await laptop.passport.sync({ passphrase: PASSPHRASE });
    await phone.passport.sync();
    // Two devices accept; the kit must once more, wherever it is typed.
    const done = await laptop.passport.finish(change.id, { ...left, kits: [kits[1]!] });
    expect(done).toMatchObject({ state: 'decided' });
    expect((await laptop.passport.log()).at(-1)?.approvedBy).toContain('kit-1');
    expect(await audit(world, laptop.home)).toMatchObject({ faults: [] });
  });

  it('that voted for one change may be handed in for another one in the same slot, on another device', async () => {
    const { world, laptop, phone, kits } = await mesh('two changes');
    const first = await laptop.passport.rename('phone', 'pocket', { ...left, kits: [kits[0]!] });
    expect(first).toMatchObject({ state: 'waiting', approvedBy: ['laptop', 'kit-1'] });
    await phone.passport.sync();
    phone.home.clock.pass(31_000);
    const second = await phone.passport.rename('laptop', 'tower', { ...left, kits: kits.slice(0, 2) });
    expect(await world.settle(phone, second, [], { kits: kits.slice(0, 2) })).toMatchObject({ state: 'decided' });
    await laptop.passport.sync();
    expect(await laptop.passport.finish(first.id, left)).toMatchObject({ state: 'superseded' });
    expect(await audit(world, laptop.home)).toMatchObject({ faults: [] });
  });

  it('has its vote in a store before it counts: while none takes it, nothing is decided', async () => {
    const { world, laptop, kits } = await mesh('not stored');
    const store = world.store();
    const before = store.ever.size;
    store.fault = (call) => (call === 'put' ? new PassportError('store-full', 'full') : undefined);
    const rename = laptop.passport.rename('phone', 'pocket', { ...left, kits: kits.slice(0, 2) });
    expect(await rejectionOf(rename)).toBe('store-full');
    expect(store.ever.size).toBe(before);
    expect((await laptop.passport.status()).slot).toBe(1);
    store.fault = () => undefined;
    const [open] = await laptop.passport.requests();
    expect(await laptop.passport.finish(open!.id, { ...left, kits: kits.slice(0, 2) })).toMatchObject({
      state: 'decided',
    });
  });

  it('does not vote while a store cannot be read, unless its person wants it', async () => {
    const world = new World('kits blind');
    const laptop = await world.create('laptop', { stores: ['memory:one', 'memory:two'] });
    const kits = laptop.kits.map(words);
    world.store('memory:two').fault = () => new PassportError('store-unreachable', 'down');
    laptop.home.confirms = () => false;
    expect(await rejectionOf(laptop.passport.rename('kit-1', 'paper', { ...left, kits: [kits[0]!] }))).toBe('refused');
    expect(laptop.home.cards.length).toBe(1);
    laptop.home.confirms = () => true;
    const [open] = await laptop.passport.requests();
    const done = await laptop.passport.finish(open!.id, { ...left, kits: [kits[0]!] });
    expect(done).toMatchObject({ state: 'decided' });
  });

  it('alone with another one and the passphrase opens, and with the laptop too: every pair of three does', async () => {
    const world = new World('kits pairs');
    const laptop = await world.create();
    await laptop.passport.put('a', 'b');
    await laptop.passport.sync();
    const kits = laptop.kits.map(words);
    for (const kit of kits) {
      await laptop.passport.lock();
      await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
      expect(await text(laptop, 'a')).toBe('b');
    }
    await laptop.passport.lock();
    expect(await rejectionOf(laptop.passport.unlock({ ...left, kits: [] }))).toBe('not-enough-holders');
    expect(await rejectionOf(laptop.passport.unlock({ passphrase: 'a guess', kits }))).toBe('wrong-passphrase');
  });

  it('leaves nothing of its words or keys in the stores or in the home', async () => {
    const { world, laptop, kits } = await mesh('no trace');
    await laptop.passport.rename('phone', 'pocket', { ...left, kits: kits.slice(0, 2) });
    await laptop.passport.close();
    const { kitKeys } = await import('../../src/crypto/kit.ts');
    const { kitEntropy } = await import('../../src/crypto/words.ts');
    const everything = [
      ...world.store().ever.values(),
      ...world.homes.flatMap(({ journal, keystore }) => [...journal.entries.values(), ...keystore.blobs.values()]),
    ].map((bytes) => Buffer.from(bytes));
    for (const kit of kits) {
      const { signSeed, receivePrivate } = kitKeys(kitEntropy(kit));
      for (const secret of [kitEntropy(kit), signSeed, receivePrivate]) {
        expect(everything.some((bytes) => bytes.includes(Buffer.from(secret)))).toBe(false);
      }
    }
  });
});

describe('a mesh of two', () => {
  it('is one device and one kit, all of them needed', async () => {
    const world = new World('kits two');
    const laptop = await world.create('laptop', { threshold: 2, holders: 2, noSpare: true });
    const [kit] = laptop.kits.map(words);
    const phone = await world.enroll('phone', laptop, { add: true, threshold: 2, kits: [kit!] });
    expect(await phone.passport.status()).toMatchObject({ threshold: 2, holders: 3, canLose: 1 });
    await stopsWaiting(phone.passport.unlock(left));
    await world.approveAll(laptop);
    await phone.passport.unlock(left);
    const mails = [...world.store().objects.keys()].filter((name) => parseName(name)?.kind === 'vote');
    expect(mails).toEqual([]);
  });
});
