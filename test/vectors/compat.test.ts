/** Stored passports of format 1 open for ever: each state by the public SDK, with what its passport.json says and nothing else. */
import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

import { hex } from '../../src/bytes.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { Passport } from '../../src/index.ts';
import { rejectionOf } from '../helpers/codes.ts';
import type { Member } from '../helpers/mesh.ts';
import { type Description, realHome, restored, STATES, storedPassport } from './restored.ts';

async function recordsOf(passport: Passport): Promise<Description['records']> {
  const found: Record<string, { bytes: number; sha256: string }> = {};
  for (const { key } of await passport.list()) {
    const value = (await passport.get(key))?.value ?? new Uint8Array(0);
    found[key] = { bytes: value.length, sha256: hex(sha256(value)) };
  }
  return found;
}

/** N kits and the passphrase, on a new device. */
async function recovered(state: string, passphrase?: string) {
  const { world, description } = await storedPassport(state);
  const home = realHome(world, passphrase ?? description.passphrase);
  const options = { stores: ['memory:one'], name: 'desktop', kits: description.kits };
  const passport = await Passport.recover(home.environment, { ...options, passphrase: home.passphrase });
  return { passport, home, description };
}

/** One device by its secrets, with a kit. */
async function withKit(state: string, name: string): Promise<Member & { description: Description }> {
  const { world, description } = await storedPassport(state);
  const member = await restored(world, description, name);
  await member.passport.sync();
  await member.passport.unlock({ passphrase: description.passphrase, kits: description.kits });
  return { ...member, description };
}

describe('stored passports of format 1 open for ever', () => {
  it('has exactly these states', async () => {
    expect((await readdir(STATES)).sort()).toEqual(['conflict', 'devices', 'fresh', 'passphrase', 'revoked', 'voting']);
  });

  it('fresh: two kits and the passphrase give every record, byte for byte', async () => {
    const { passport, description } = await recovered('fresh');
    expect(await recordsOf(passport)).toEqual(description.records);
    expect(await passport.conflicts()).toEqual([]);
    expect(await passport.quarantine()).toEqual([]);
  });

  it('devices: two of three devices give every record, the third is not needed', async () => {
    const { world, description } = await storedPassport('devices');
    const laptop = await restored(world, description, 'laptop');
    const phone = await restored(world, description, 'phone');
    await laptop.passport.sync();
    await world.unlock(laptop, phone);
    expect(await recordsOf(laptop.passport)).toEqual(description.records);
    expect(await laptop.passport.status()).toMatchObject({ threshold: 2, holders: 3, epoch: 2 });
    expect((await laptop.passport.devices()).filter(({ state }) => state === 'active').map(({ name }) => name)).toEqual(
      ['laptop', 'phone', 'tablet'],
    );
  });

  it('revoked: what the revoked phone wrote after its cut is in quarantine and in no record', async () => {
    const { passport, description } = await recovered('revoked');
    expect(await recordsOf(passport)).toEqual(description.records);
    const found = (await passport.quarantine()).map(({ key, device }) => ({ key, device }));
    expect(found.sort((a, b) => (a.key! < b.key! ? -1 : 1))).toEqual(description.quarantine);
    expect(await passport.conflicts()).toEqual([]);
  });

  it('conflict: both versions stand, the winner is shown, and it can be resolved', async () => {
    const { passport, description } = await withKit('conflict', 'phone');
    expect(await recordsOf(passport)).toEqual(description.records);
    const found = (await passport.conflicts()).map(({ id, key, versions }) => ({
      ...{ id, key },
      versions: versions.map(({ version, device, deleted, size, winner }) => ({
        ...{ version, device, deleted, bytes: size, winner },
      })),
    }));
    expect(found).toEqual(description.conflicts);
    for (const { id } of found) await passport.resolveConflict({ conflictId: id, resolution: 'newest' });
    expect(await passport.conflicts()).toEqual([]);
    expect(await recordsOf(passport)).toEqual(description.records);
  });

  it('voting: the change that waits is seen, and the other device can approve it', async () => {
    const { passport, description } = await withKit('voting', 'phone');
    expect(await recordsOf(passport)).toEqual(description.records);
    const [asked] = description.requests ?? [];
    const requests = (await passport.requests()).map(({ id, kind, from, mine, approved }) => ({
      ...{ id, kind, from, mine, approved },
    }));
    expect(requests).toEqual([{ id: asked?.id, kind: asked?.kind, from: asked?.from, mine: false, approved: false }]);
    const id = asked?.id ?? '';
    await passport.approve(id, { number: asked?.number ?? 0, timeoutMs: 0 });
    expect(await passport.requests()).toMatchObject([{ id, approved: true }]);
    // Nothing is decided: the laptop has to propose.
    expect(await passport.status()).toMatchObject({ threshold: 2, holders: 3, epoch: 1 });
  });

  it('passphrase: the new one opens records of both epochs, the old one nothing', async () => {
    const { passport, description } = await recovered('passphrase');
    expect(await recordsOf(passport)).toEqual(description.records);
    expect(await rejectionOf(recovered('passphrase', description.oldPassphrase))).toBe('wrong-passphrase');
  });
});
