/** A store that has no room left in the middle of a ceremony: the passport stays openable, and the person hears what to do. */
import { describe, expect, it } from 'vitest';
import { type Kit, PassportError } from '../../src/index.ts';
import { type Member, PASSPHRASE, text, twoDevices, words } from '../helpers/mesh.ts';

const FULL = new PassportError('store-full', 'the bucket "vault" is full (403 QuotaExceeded)');
/** More puts than a revocation makes. */
const ENOUGH = 40;

/** Revokes the phone while the only store takes `room` more objects. */
async function revokeWithRoom(room: number) {
  const mesh = await twoDevices(`full-${room}`);
  const store = mesh.world.store();
  let puts = 0;
  store.fault = (call) => (call === 'put' && puts++ >= room ? FULL : undefined);
  const kits: Kit[] = [];
  const revoke = (member: Member) =>
    member.passport.revoke('phone', {
      ...{ passphrase: PASSPHRASE, timeoutMs: 0, kits: [mesh.kit] },
      keepKits: async (made) => void kits.push(...made),
    });
  const error: unknown = await revoke(mesh.laptop).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  return { ...mesh, store, kits, error, puts };
}

describe('a quota that is exhausted in the middle of a revocation', () => {
  it('whatever came through: the error says to make room, and every kit and device still opens the passport', async () => {
    let cut = 0;
    for (let room = 0; room < ENOUGH; room++) {
      const { world, laptop, kit, error } = await revokeWithRoom(room);
      if (error === undefined) break;
      cut++;
      expect(error, `room for ${room}`).toMatchObject({ code: 'store-full', message: FULL.message });
      expect((error as PassportError).hint).toMatch(/make room/i);
      expect((await laptop.passport.status()).warnings).toContain('memory:one: full');

      const again = await world.open(0); // another process, the store still full
      await again.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
      expect(await text(again, 'old')).toBe('written before');
    }
    expect(cut).toBeGreaterThan(5);
  });

  it('when there is room again the same change is decided, once, and the new kit opens what came after', async () => {
    for (const room of [0, 3, 5, 6, 9]) {
      const { world, laptop, kit, kits, store, error } = await revokeWithRoom(room);
      expect(error).toMatchObject({ code: 'store-full' });
      store.fault = () => undefined;
      await laptop.passport.sync();
      const [open] = await laptop.passport.requests();
      if (open !== undefined)
        expect(await laptop.passport.finish(open.id, { passphrase: PASSPHRASE, kits: [kit] })).toMatchObject({
          state: 'decided',
        });
      const phone = (await laptop.passport.devices()).find(({ name }) => name === 'phone');
      expect(phone, `room for ${room}`).toMatchObject({ state: 'revoked' });
      expect(await laptop.passport.status()).toMatchObject({ slot: 2, epoch: 2 });
      const again = await world.open(0);
      await again.passport.unlock({ passphrase: PASSPHRASE, kits: [words(kits.at(-1)!)] });
      expect(await text(again, 'old')).toBe('written before');
    }
  });
});
