/** `unlock: device`: a device that the registry lets open the passport alone, for a server at home. */
import { describe, expect, it } from 'vitest';

import { fromHex } from '../../src/bytes.ts';
import { SecretsBox } from '../../src/device/secrets.ts';
import { PassportError } from '../../src/errors.ts';
import { Passport } from '../../src/index.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { PowerCut } from '../helpers/durable.ts';
import { seededRandom } from '../helpers/random.ts';
import { type Member, PASSPHRASE, text, threeDevices, twoDevices } from '../helpers/mesh.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 };

/** Laptop, phone and tablet; the phone may open the passport alone, and has opened it once with the laptop's approval. */
async function withServer(label: string) {
  const mesh = await threeDevices(`unattended-${label}`);
  const { world, laptop, phone, tablet } = mesh;
  const change = await laptop.passport.unattended('phone', true, left);
  expect(await world.settle(laptop, change, [tablet])).toMatchObject({ kind: 'policy', state: 'decided', slot: 3 });
  await phone.passport.sync();
  await world.unlock(phone, laptop);
  await phone.passport.lock();
  return mesh;
}

/** The epoch whose key lies in the keystore of this device, if one does. */
async function keptEpoch({ passport, home }: Member): Promise<number | undefined> {
  const name = new TextDecoder().decode(await home.journal.get('n/keystore'));
  const pid = fromHex((await passport.status()).passport);
  const { kept } = await new SecretsBox(home.keystore, await home.keystore.openKey(), pid, seededRandom('look')).load(
    name,
  );
  return kept?.epoch;
}

/** Unlocks with nobody to ask and nobody to wait for. */
async function alone(member: Member): Promise<void> {
  member.home.environment.person.passphrase = () => Promise.reject(new PassportError('locked', 'nobody is here'));
  await member.passport.unlock({ timeoutMs: 0 });
}

describe('a device that may open the passport alone', () => {
  it('needs N approvals to become one; every approver is warned, every device says so for ever', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('unattended-card');
    const change = await laptop.passport.unattended('phone', true, left);
    expect(change).toMatchObject({ kind: 'policy', state: 'waiting' });
    await tablet.passport.sync();
    const [request] = await tablet.passport.requests();
    expect(request?.card).toMatchObject({
      title: '"phone" may open the passport alone',
      warnings: [
        'Whoever holds "phone" will read all records, without any approval or passphrase',
        'Approving also opens the vault on "laptop"',
      ],
    });
    await world.settle(laptop, change, [tablet]);
    for (const member of [laptop, phone, tablet]) {
      await member.passport.sync();
      expect((await member.passport.status()).warnings).toContain(
        '"phone" may open the vault without anybody’s approval.',
      );
    }
    expect((await laptop.passport.log()).at(-1)?.summary).toBe('"phone" may open the passport alone');
  });

  it('keeps the key from its next unlock on, and opens without approval, passphrase or store', async () => {
    const { world, phone } = await withServer('opens');
    expect(await keptEpoch(phone)).toBe(2);
    const calls = { ...world.store().count };
    await alone(phone);
    expect(await text(phone, 'old')).toBe('written before');
    expect(world.store().count).toEqual(calls);
  });

  it('has no key before its first approved unlock', async () => {
    const { world, laptop, phone, tablet } = await threeDevices('unattended-first');
    await world.settle(laptop, await laptop.passport.unattended('phone', true, left), [tablet]);
    await phone.passport.sync();
    expect(await rejectionOf(alone(phone))).toBe('waiting');
  });

  it('is only that one: the others open as before', async () => {
    const { laptop } = await withServer('others');
    await laptop.passport.lock();
    expect(await keptEpoch(laptop)).toBeUndefined();
    expect(await rejectionOf(alone(laptop))).toBe('waiting');
  });

  it('forgets the key when the registry takes it back', async () => {
    const { world, laptop, phone, tablet } = await withServer('back');
    const change = await laptop.passport.unattended('phone', false, left);
    expect(await world.settle(laptop, change, [tablet])).toMatchObject({ state: 'decided', slot: 4 });
    expect((await laptop.passport.log()).at(-1)?.summary).toBe('"phone" may not open the passport alone any more');
    await phone.passport.sync();
    expect(await keptEpoch(phone)).toBeUndefined();
    expect(await rejectionOf(alone(phone))).toBe('waiting');
  });

  it('leaves no blob with the key, although the process that forgot it was killed before it removed that one', async () => {
    const { world, laptop, phone, tablet } = await withServer('killed');
    await world.settle(laptop, await laptop.passport.unattended('phone', false, left), [tablet]);
    const { keystore } = phone.home;
    const prune = keystore.prune.bind(keystore);
    keystore.prune = () => Promise.reject(new PowerCut('keystore.prune'));
    await expect(phone.passport.sync()).rejects.toBeInstanceOf(PowerCut);
    keystore.prune = prune;
    expect(keystore.blobs.size).toBeGreaterThan(1);
    const again = await Passport.open(phone.home.environment);
    await again.sync();
    expect(keystore.blobs.size).toBe(1);
  });

  it('forgets the key with new keys of the mesh, and keeps those of its next approved unlock', async () => {
    const { world, laptop, phone, tablet } = await withServer('epoch');
    await world.settle(laptop, await laptop.passport.reshare({ ...left, threshold: 2 }), [tablet]);
    await phone.passport.sync();
    expect(await keptEpoch(phone)).toBeUndefined();
    expect(await rejectionOf(alone(phone))).toBe('waiting');
    phone.home.environment.person.passphrase = async () => PASSPHRASE;
    await world.unlock(phone, laptop);
    await phone.passport.lock();
    await alone(phone);
  });

  it('is none any more when it is revoked', async () => {
    const { world, laptop, phone, tablet } = await withServer('revoked');
    await world.settle(laptop, await laptop.passport.revoke('phone', { ...left, kit: false }), [tablet]);
    expect((await laptop.passport.status()).warnings.join()).not.toContain('phone');
    await phone.passport.sync();
    expect(await keptEpoch(phone)).toBeUndefined();
    expect(await rejectionOf(alone(phone))).toBe('revoked');
  });

  it.each([
    ['nobody', true, 'no-such-device'],
    ['kit-1', true, 'usage'],
    ['phone', false, 'usage'],
  ])('"%s", %s: %s', async (name, on, code) => {
    const { laptop } = await twoDevices('unattended-usage');
    expect(await rejectionOf(laptop.passport.unattended(name, on, left))).toBe(code);
  });
});
