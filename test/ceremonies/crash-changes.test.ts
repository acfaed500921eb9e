/** Killed at every call: revoke and a change of the passphrase, by a device with a kit. */
import { describe, expect, it } from 'vitest';

import { isPassportError, type Kit } from '../../src/index.ts';
import { type Ceremony, CUTS, FAILURES, sweep } from '../helpers/crash.ts';
import { type Member, PASSPHRASE, text, twoDevices, words, type World } from '../helpers/mesh.ts';

interface Setup {
  readonly world: World;
  readonly kit: string;
  /** Every kit that somebody was given to keep. */
  readonly kits: Kit[];
}

async function before(label: string): Promise<Setup> {
  const { world, kit } = await twoDevices(label);
  return { world, kit, kits: [] };
}

const NEW = 'a new passphrase';

/** Of the kits that were kept, the one that is a holder now. */
async function goodKit(member: Member, kits: readonly Kit[]): Promise<string | undefined> {
  const active = (await member.passport.devices()).filter(({ kind, state }) => kind === 'kit' && state === 'active');
  for (const kit of kits) {
    try {
      const { name } = await member.passport.checkKit(words(kit));
      if (active.some((device) => device.name === name)) return words(kit);
    } catch (error) {
      if (!isPassportError(error, 'kit-unknown')) throw error;
    }
  }
  return undefined;
}

/** The person sees an open change and finishes it, or sees none and asks (again) if it is not done. */
async function takeUp(
  member: Member,
  done: () => Promise<boolean>,
  options: object,
  ask: () => Promise<unknown>,
): Promise<void> {
  await member.passport.sync();
  for (let i = 0; i < 3 && !(await done()); i++) {
    const [open] = (await member.passport.requests()).filter(({ mine, kind }) => mine && kind === 'change');
    if (open === undefined) await ask();
    else await member.passport.finish(open.id, { ...options, timeoutMs: 0 });
  }
  expect(await done()).toBe(true);
}

const isGone = (member: Member, name: string) => async () =>
  (await member.passport.devices()).some((device) => device.name === name && device.state === 'revoked');

const revoke: Ceremony<Setup> = {
  before,
  home: 0,
  async run({ world, kit, kits }) {
    const { passport } = await world.open(0);
    const change = await passport.revoke('phone', {
      ...{ passphrase: PASSPHRASE, kits: [kit], timeoutMs: 0 },
      keepKits: async (made) => {
        kits.push(...made);
      },
    });
    expect(change.state).toBe('decided');
    await passport.put('new', 'written after');
    await passport.sync();
  },
  async goOn({ world, kit, kits }) {
    const laptop = await world.open(0);
    const common = { passphrase: PASSPHRASE, kits: [kit] };
    await takeUp(laptop, isGone(laptop, 'phone'), common, () =>
      laptop.passport.revoke('phone', {
        ...{ ...common, timeoutMs: 0 },
        keepKits: async (made) => {
          kits.push(...made);
        },
      }),
    );
  },
  async check({ world, kit, kits }) {
    const laptop = await world.open(0);
    await laptop.passport.sync();
    expect(await laptop.passport.status()).toMatchObject({ slot: 2, epoch: 2, threshold: 2, holders: 3 });
    const fresh = (await goodKit(laptop, kits))!;
    expect(fresh).toBeDefined();
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [fresh] });
    expect(await text(laptop, 'old')).toBe('written before');
    await laptop.passport.put('later', 'still works');
    expect((await laptop.passport.sync()).stores[0]).toMatchObject({ state: 'ok', behind: 0 });
    expect(await laptop.passport.checkKit(kit)).toMatchObject({ epoch: 2 });
    return laptop;
  },
};

const passphrase: Ceremony<Setup> = {
  before,
  home: 0,
  async run({ world, kit }) {
    const { passport } = await world.open(0);
    const options = { passphrase: PASSPHRASE, newPassphrase: NEW, kits: [kit], timeoutMs: 0 };
    expect(await passport.changePassphrase(options)).toMatchObject({ state: 'decided' });
    await passport.put('new', 'written after');
    await passport.sync();
  },
  async goOn({ world, kit }) {
    const laptop = await world.open(0);
    // In between it opens with one of the two passphrases.
    const opens = async (typed: string) =>
      laptop.passport.unlock({ passphrase: typed, kits: [kit] }).then(
        () => true,
        (error: unknown) => {
          if (isPassportError(error, 'wrong-passphrase')) return false;
          throw error;
        },
      );
    expect((await opens(PASSPHRASE)) !== (await opens(NEW))).toBe(true);
    const options = { passphrase: PASSPHRASE, newPassphrase: NEW, kits: [kit] };
    const done = async () => (await laptop.passport.status()).epoch === 2;
    await takeUp(laptop, done, options, () => laptop.passport.changePassphrase({ ...options, timeoutMs: 0 }));
  },
  async check({ world, kit }) {
    const laptop = await world.open(0);
    const phone = await world.open(1);
    for (const { passport } of [laptop, phone]) {
      await passport.sync();
      await expect(passport.unlock({ passphrase: PASSPHRASE, kits: [kit] })).rejects.toMatchObject({
        code: 'wrong-passphrase',
      });
      await passport.unlock({ passphrase: NEW, kits: [kit] });
      expect(await passport.status()).toMatchObject({ slot: 2, epoch: 2 });
    }
    expect(await text(laptop, 'old')).toBe('written before');
    await laptop.passport.put('later', 'still works');
    await laptop.passport.sync();
    await phone.passport.sync();
    expect(await text(phone, 'later')).toBe('still works');
    return phone;
  },
};

describe('killed at every call', () => {
  it('revoke', async () => {
    expect((await sweep('revoke', revoke, CUTS)).length).toBeGreaterThan(20);
  });

  it('a change of the passphrase', async () => {
    expect((await sweep('passphrase', passphrase, CUTS)).length).toBeGreaterThan(15);
  });
});

describe('one failing call', () => {
  it('revoke', async () => {
    expect((await sweep('revoke', revoke, FAILURES)).length).toBeGreaterThan(20);
  });
});
