/** Status, the drill, the check of a kit, and verify: what is well, what is not, and what can be put back. */
import { beforeEach, describe, expect, it } from 'vitest';

import { PassportError } from '../../src/index.ts';
import { parseName } from '../../src/format/names.ts';
import type { TestStore } from '../helpers/durable.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { DAY, type Member, PASSPHRASE, text, threeDevices, twoDevices, World, words } from '../helpers/mesh.ts';

describe('the drill', () => {
  it('shows that N holders could open today: every device by a fresh answer, kits by their last check', async () => {
    const { laptop, phone, kit } = await twoDevices('drill');
    const first = await laptop.passport.drill({ timeoutMs: 0 });
    expect(first).toMatchObject({ ok: false, threshold: 2 });
    expect(first.holders.map(({ name, kind, state }) => [name, kind, state])).toEqual([
      ['laptop', 'device', 'answered'],
      ['kit-1', 'kit', 'missing'],
      ['phone', 'device', 'missing'],
    ]);
    await phone.passport.sync(); // it answers by itself, locked
    await phone.passport.sync();
    await laptop.passport.sync();
    expect(await laptop.passport.checkKit(kit)).toEqual({ name: 'kit-1', epoch: 1, ok: true });
    const second = await laptop.passport.drill({ timeoutMs: 0 });
    expect(second.ok).toBe(true);
    expect(second.holders.map(({ name, state }) => [name, state])).toEqual([
      ['laptop', 'answered'],
      ['kit-1', 'answered'],
      ['phone', 'answered'],
    ]);
  });

  it('tells a check of a kit to the other devices, and calls what is long ago old', async () => {
    const { laptop, phone, kit, world } = await twoDevices('drill-old');
    await phone.passport.checkKit(kit);
    await laptop.passport.drill({ timeoutMs: 0 });
    await phone.passport.sync();
    await phone.passport.sync();
    await laptop.passport.sync();
    for (const { clock } of world.homes) clock.pass(91 * DAY);
    const report = await laptop.passport.drill({ timeoutMs: 0 });
    expect(report.holders.map(({ name, state }) => [name, state])).toEqual([
      ['laptop', 'answered'],
      ['kit-1', 'old'],
      ['phone', 'old'],
    ]);
    expect(report.ok).toBe(false);
  });

  it('of a device without its share fails there: the others see it missing', async () => {
    const { laptop, phone } = await twoDevices('drill-missing');
    for (const key of phone.home.journal.entries.keys()) {
      if (key.startsWith('o/')) phone.home.journal.entries.delete(key);
    }
    await laptop.passport.drill({ timeoutMs: 0 });
    const report = await laptop.passport.drill({ timeoutMs: 0 });
    expect(report.holders.find(({ name }) => name === 'phone')).toMatchObject({ state: 'missing' });
  });

  it('starts again with every epoch: an old answer says nothing of the new share', async () => {
    const { laptop, phone, kit } = await twoDevices('drill-epoch');
    await laptop.passport.checkKit(kit);
    await laptop.passport.changePassphrase({ passphrase: PASSPHRASE, newPassphrase: 'x', kits: [kit], timeoutMs: 0 });
    const report = await laptop.passport.drill({ timeoutMs: 0 });
    expect(report.holders.map(({ state }) => state)).toEqual(['answered', 'missing', 'missing']);
    expect(phone).toBeDefined();
  });
});

describe('a kit', () => {
  it('is checked without opening the vault; a foreign and a replaced one are not good', async () => {
    const { laptop, kit, oldKit } = await twoDevices('kit-check');
    const other = await new World('kit-check-other').create();
    expect(await laptop.passport.checkKit(`  ${kit.toUpperCase().split(' ').join('\n')} `)).toMatchObject({ ok: true });
    expect((await laptop.passport.status()).session.open).toBe(false);
    expect(await rejectionOf(laptop.passport.checkKit(oldKit))).toBe('kit-unknown');
    expect(await rejectionOf(laptop.passport.checkKit(words(other.kits[0]!)))).toBe('kit-unknown');
    expect(await rejectionOf(laptop.passport.checkKit(kit.split(' ').slice(1).join(' ')))).toBe('kit-invalid');
    expect(await rejectionOf(laptop.passport.checkKit(''))).toBe('kit-invalid');
  });
});

describe('status', () => {
  it('tells what a person should do, and asks no store', async () => {
    const { world, laptop } = await twoDevices('status');
    const before = { ...world.store().count };
    const status = await laptop.passport.status();
    expect(status).toMatchObject({ device: 'laptop', open: true, session: { open: false }, keystore: 'plain' });
    expect(status.warnings.join()).toContain('The keystore is not sealed');
    expect(world.store().count).toEqual(before);
  });

  it('says when a store was last asked, also when nothing was new there', async () => {
    const { laptop } = await twoDevices('status-week');
    for (let day = 0; day < 9; day++) {
      laptop.home.clock.pass(DAY);
      await laptop.passport.sync();
    }
    expect((await laptop.passport.status()).warnings.join()).not.toContain('more than a week ago');
    laptop.home.clock.pass(8 * DAY);
    expect((await laptop.passport.status()).warnings.join()).toContain('was last seen more than a week ago');
  });
});

describe('verify', () => {
  let laptop: Member;
  let phone: Member;
  let store: TestStore;

  beforeEach(async ({ task }) => {
    const mesh = await twoDevices(task.name);
    ({ laptop, phone } = mesh);
    store = mesh.world.store();
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [mesh.kit] });
    await laptop.passport.put('a', 'b');
    await laptop.passport.sync();
    await phone.passport.sync();
    await laptop.passport.sync();
  });

  const named = (kind: string) => [...store.objects.keys()].filter((name) => parseName(name)?.kind === kind);

  it('finds everything good where everything is', async () => {
    const report = await laptop.passport.verify();
    expect(report).toMatchObject({ ok: true, damaged: [], missing: [], repaired: [] });
    expect(report.checked).toBeGreaterThan(8);
    expect((await phone.passport.verify()).ok).toBe(true);
  });

  it.each(['bundle', 'registry', 'grant'])(
    'names a torn, a truncated, an emptied and a lost %s in a store, and puts it back',
    async (kind) => {
      const damages: ((name: string) => void)[] = [
        (name) => store.objects.get(name)!.fill(7, 0, 40),
        (name) => store.objects.set(name, store.objects.get(name)!.slice(0, 50)),
        (name) => store.objects.set(name, new Uint8Array(0)),
        (name) => store.objects.delete(name),
      ];
      for (const [i, damage] of damages.entries()) {
        const [name] = named(kind).filter(
          (each) => kind !== 'grant' || parseName(each)?.kind !== 'grant' || each.includes('00000001-'),
        );
        damage(name!);
        const path = name!.split('/').slice(2).join('/');
        const report = await laptop.passport.verify();
        expect(report.ok).toBe(false);
        expect(i < 3 ? report.damaged : report.missing).toContain(`memory:one/${path}`);
        const repaired = await laptop.passport.verify({ repair: true });
        expect(repaired).toMatchObject({ ok: true, repaired: [`memory:one/${path}`] });
        expect(await phone.passport.verify()).toMatchObject({ ok: true });
      }
    },
  );

  it('names what this home lost or has damaged, and takes it from a store that has it whole', async () => {
    const { journal } = laptop.home;
    const kept = [...store.ever.keys()].filter((name) => parseName(name)?.kind !== 'mail');
    const objects = [...journal.entries.keys()].filter((key) => kept.some((name) => name.endsWith(key.slice(2))));
    expect(objects.length).toBeGreaterThan(5);
    for (const [i, key] of objects.entries()) {
      if (i % 2 === 0) journal.entries.delete(key);
      else
        journal.entries.set(
          key,
          journal.entries.get(key)!.map((byte, at) => (at > 90 ? byte ^ 1 : byte)),
        );
      const before = await laptop.passport.verify();
      expect(before.ok, key).toBe(false);
      expect(before.damaged.length + before.missing.length, key).toBeGreaterThan(0);
      const repaired = await laptop.passport.verify({ repair: true });
      expect(repaired.repaired.length, key).toBeGreaterThan(0);
      expect(await laptop.passport.verify(), key).toMatchObject({ ok: true, damaged: [], missing: [] });
    }
    expect(await text(laptop, 'a')).toBe('b');
    expect(await text(laptop, 'old')).toBe('written before');
  });

  it('says which store does not answer, and checks the rest', async () => {
    store.fault = () => new PassportError('store-unreachable', 'down');
    const report = await laptop.passport.verify();
    expect(report).toMatchObject({ ok: false, missing: ['memory:one (store-unreachable)'], damaged: [] });
  });

  it('reports progress and can be interrupted', async () => {
    let last = 0;
    await laptop.passport.verify({ onProgress: (done) => (last = done) });
    expect(last).toBeGreaterThan(0);
    const signal = AbortSignal.abort();
    expect(await rejectionOf(laptop.passport.verify({ signal }))).toBe('aborted');
  });
});

describe('devices', () => {
  it('tell when each was last heard of, and the words of its keys', async () => {
    const { world, laptop, phone } = await threeDevices('devices');
    await world.unlock(laptop, phone);
    laptop.home.clock.pass(DAY / 24);
    await laptop.passport.put('a', 'b');
    await laptop.passport.sync();
    await phone.passport.sync();
    const devices = await phone.passport.devices();
    expect(devices.find(({ name }) => name === 'laptop')?.lastSeen).toBe(laptop.home.clock.now());
    expect(devices.find(({ me }) => me)?.name).toBe('phone');
    for (const { fingerprint } of devices) expect(fingerprint.split(' ')).toHaveLength(8);
    expect(new Set(devices.map(({ fingerprint }) => fingerprint)).size).toBe(devices.length);
  });
});
