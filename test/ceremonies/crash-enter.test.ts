/** Killed at every call: founding, enrolling a device (on the inviting and on the joining side), recovering from kits. */
import { describe, expect, it } from 'vitest';

import { isPassportError, type Kit, Passport } from '../../src/index.ts';
import { type Ceremony, CUTS, sweep } from '../helpers/crash.ts';
import { type Home, type Member, PASSPHRASE, text, twoDevices, words, World, wordsOf } from '../helpers/mesh.ts';

/** A refusal of one of these codes; every other error is thrown. */
async function refused(step: Promise<unknown>, ...codes: string[]): Promise<boolean> {
  try {
    await step;
    return false;
  } catch (error) {
    if (isPassportError(error) && codes.includes(error.code)) return true;
    throw error;
  }
}

interface Founding {
  readonly world: World;
  /** The kits of the last time that they were made. */
  readonly kits: { last: Kit[] };
}

async function create({ world, kits }: Founding): Promise<Passport> {
  return Passport.create(world.homes[0]!.environment, {
    ...{ name: 'laptop', stores: ['memory:one', 'memory:two'], passphrase: PASSPHRASE },
    keepKits: async (made) => {
      kits.last = [...made];
    },
  });
}

const founding: Ceremony<Founding> = {
  async before(label) {
    const world = new World(label);
    world.home();
    return { world, kits: { last: [] } };
  },
  home: 0,
  async run(setup) {
    const passport = await create(setup);
    await passport.put('first', 'a record');
    await passport.sync();
    await passport.close();
  },
  async goOn(setup) {
    const { environment } = setup.world.homes[0]!;
    if ((await Passport.peek(environment)) === undefined) await create(setup);
    else expect(await refused(create({ ...setup, kits: { last: [] } }), 'passport-exists')).toBe(true);
  },
  async check({ world, kits }) {
    const laptop = await world.open(0);
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [words(kits.last[0]!)] });
    await laptop.passport.put('later', 'still works');
    expect((await laptop.passport.sync()).stores.map(({ state, behind }) => [state, behind])).toEqual([
      ['ok', 0],
      ['ok', 0],
    ]);
    expect(await laptop.passport.status()).toMatchObject({ slot: 0, epoch: 0, holders: 3, pending: 0 });
    for (const kit of kits.last) expect(await laptop.passport.checkKit(words(kit))).toMatchObject({ ok: true });
    return laptop;
  },
};

interface Enrolling {
  readonly world: World;
  readonly kit: string;
  readonly at: { id?: string; link?: string };
}

const TABLET = 2;

/** The persons at both devices: they look at what there is and do the next thing, until the tablet is in. */
async function enroll({ world, kit, at }: Enrolling, laptop: Member, steps: number): Promise<Member | undefined> {
  const home = world.homes[TABLET] as Home;
  const common = { passphrase: PASSPHRASE, kits: [kit], timeoutMs: 0 };
  for (let i = 0; i < steps; i++) {
    if (at.link === undefined || at.id === undefined) {
      const { id, link } = await laptop.passport.invite();
      Object.assign(at, { id, link });
    }
    const { id, link } = at as { id: string; link: string };
    try {
      return { passport: await Passport.join(home.environment, link, { name: 'tablet', timeoutMs: 0 }), home };
    } catch (error) {
      if (!isPassportError(error, 'waiting')) throw error;
    }
    await laptop.passport.sync();
    const [open] = (await laptop.passport.requests()).filter(({ kind, mine }) => mine && kind === 'change');
    const shown = home.events.some(({ event }) => event === 'words');
    if (open !== undefined) await laptop.passport.finish(open.id, common);
    else if (shown && !(await isIn(laptop)))
      await laptop.passport.enroll(id, { words: wordsOf(home).join(' '), ...common });
  }
  return undefined;
}

async function isIn(laptop: Member): Promise<boolean> {
  return (await laptop.passport.devices()).some(({ name }) => name === 'tablet');
}

const enrolling = (side: number): Ceremony<Enrolling> => ({
  async before(label) {
    const { world, kit } = await twoDevices(label);
    world.home();
    return { world, kit, at: {} };
  },
  home: side,
  async run(setup) {
    const tablet = await enroll(setup, await setup.world.open(0), 8);
    expect(await tablet!.passport.status()).toMatchObject({ device: 'tablet', slot: 2 });
    await tablet!.passport.close();
  },
  async goOn(setup) {
    expect(await enroll(setup, await setup.world.open(0), 10)).toBeDefined();
  },
  async check({ world, kit }) {
    const laptop = await world.open(0);
    const phone = await world.open(1);
    const tablet = await world.open(TABLET);
    for (const { passport } of [laptop, phone, tablet]) {
      await passport.sync();
      expect(await passport.status()).toMatchObject({ slot: 2, epoch: 2, holders: 3, threshold: 2 });
    }
    await world.unlock(tablet, laptop);
    expect(await text(tablet, 'old')).toBe('written before');
    await tablet.passport.put('later', 'still works');
    await tablet.passport.sync();
    await world.unlock(phone, tablet);
    await phone.passport.sync();
    expect(await text(phone, 'later')).toBe('still works');
    expect(await refused(laptop.passport.checkKit(kit), 'kit-unknown')).toBe(true);
    return laptop;
  },
});

interface Recovering {
  readonly world: World;
  readonly kits: readonly string[];
}

function recover({ world, kits }: Recovering): Promise<Passport> {
  const { environment } = world.homes[1]!;
  return Passport.recover(environment, { stores: ['memory:one'], name: 'desktop', kits, passphrase: PASSPHRASE });
}

const made = new Map<string, Promise<Recovering>>();

const recovering: Ceremony<Recovering> = {
  async before(label) {
    const base = made.get('base') ?? lost();
    made.set('base', base);
    const { world, kits } = await base;
    const fresh = world.clone(label);
    fresh.home();
    return { world: fresh, kits };
  },
  home: 1,
  async run(setup) {
    const passport = await recover(setup);
    await passport.put('later', 'from the new one');
    await passport.sync();
    await passport.close();
  },
  async goOn(setup) {
    const again = await refused(recover(setup), 'passport-exists');
    const desktop = await setup.world.open(1);
    await desktop.passport.sync();
    expect(await desktop.passport.status()).toMatchObject({ device: 'desktop', slot: 1 });
    if (again) await desktop.passport.unlock({ passphrase: PASSPHRASE, kits: [setup.kits[0]!] });
  },
  async check({ world, kits }) {
    const desktop = await world.open(1);
    await desktop.passport.unlock({ passphrase: PASSPHRASE, kits: [kits[1]!] });
    await desktop.passport.sync();
    expect(await text(desktop, 'wallet')).toBe('seed words');
    expect(await desktop.passport.status()).toMatchObject({ slot: 1, epoch: 1, holders: 3, pending: 0 });
    expect((await desktop.passport.devices()).map(({ name, state }) => `${name} ${state}`)).toEqual([
      'laptop revoked',
      'kit-1 active',
      'kit-2 active',
      'desktop active',
    ]);
    return desktop;
  },
};

async function lost(): Promise<Recovering> {
  const world = new World('crash recover');
  const { passport, kits } = await world.create();
  await passport.put('wallet', 'seed words');
  await passport.sync();
  await passport.close();
  return { world, kits: kits.map(words) };
}

describe('killed at every call', () => {
  it('founding', async () => {
    expect((await sweep('found', founding, CUTS)).length).toBeGreaterThan(15);
  });

  it.each(['first', 'second'] as const)('enrolling, on the inviting side, the %s half of its calls', async (half) => {
    expect((await sweep('enroll', enrolling(0), CUTS, half)).length).toBeGreaterThan(30);
  });

  it('enrolling, on the joining side', async () => {
    expect((await sweep('join', enrolling(TABLET), CUTS)).length).toBeGreaterThan(10);
  });

  it('recovering', async () => {
    expect((await sweep('recover', recovering, CUTS)).length).toBeGreaterThan(20);
  });
});
