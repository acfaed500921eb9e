/**
 * The way of a passport at a provider, from the sign-in of the first device to the day on which everything is lost but paper:
 * the real client library and the double of the provider. Each device is a home of its own that signs in by itself.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Kit, Passport, type SyncReport } from '../../src/index.ts';
import { homeAt, inClear, type Provider, type SignedHome } from '../doubles/whole-way.ts';
import { type Home, type Member, PASSPHRASE, text, words, World } from '../helpers/mesh.ts';

/** Later than any store still counts what it put "a moment ago". */
const LATER_MS = 11 * 60_000;
export const CODE = /Sign in to .* on any device: open https:\S+ and type \S+$/;

/** Nothing of a sign-in stands anywhere in clear, and the sealed credentials have it. */
export async function expectSealed(home: SignedHome, provider: Provider, reports: readonly unknown[]): Promise<void> {
  expect(Buffer.from((await home.sealed()) ?? []).toString('latin1')).toMatch(provider.secrets);
  expect(inClear(home, provider, reports)).toEqual([]);
}

export function wholeWay(setUp: () => Promise<Provider>): void {
  let provider: Provider;
  let world: World;
  let laptop: Member & { kits: Kit[] };
  let at: SignedHome;
  let others: SignedHome[];
  let reports: unknown[];

  /** 2 of 3: the laptop, which signed in by its browser, and two kits; one record is in the store. */
  beforeEach(async ({ task }) => {
    provider = await setUp();
    world = new World(`whole way ${task.name}`);
    [others, reports] = [[], []];
    at = homeAt(world, provider, 'browser');
    laptop = await world.create('laptop', { home: at.home, stores: [provider.url] });
    await laptop.passport.put('old', 'written before');
    await laptop.passport.sync();
  });

  afterEach(async () => {
    await laptop.passport.close();
    for (const each of [at, ...others]) await expectSealed(each, provider, reports);
    await provider.stop();
  });

  /** A home that signs in by a code. */
  function newHome(): SignedHome {
    const made = homeAt(world, provider, 'device');
    others.push(made);
    return made;
  }

  /** The phone takes the place of kit-2. */
  const enroll = (home: Home) => world.enroll('phone', laptop, { home, kits: [words(laptop.kits[0]!)] });

  const opened = async (home: Home) => ({ passport: await Passport.open(home.environment), home });

  /** Another process of the laptop, which nobody unlocked, so long after that no store remembers what it put. */
  async function laptopLater(): Promise<void> {
    await laptop.passport.close();
    at.laterMs += LATER_MS;
    laptop = { ...laptop, ...(await opened(at.home)) };
    await laptop.passport.unlock({ passphrase: PASSPHRASE, kits: [words(laptop.kits[0]!)] });
  }

  /** "Too often" for the requests that `wanted` says, from now on. */
  const storm = (wanted: () => boolean): void =>
    provider.files.trap(() => {
      if (!wanted()) return undefined;
      storm(wanted);
      return provider.tooOften;
    });

  const storeOf = ({ stores }: SyncReport) => stores[0]!;

  /** A new device reads the passport from the store alone, with both kits. */
  async function recovered(): Promise<Member> {
    const { home } = newHome();
    const passport = await Passport.recover(home.environment, {
      ...{ stores: [provider.url], name: 'desktop', passphrase: PASSPHRASE, kits: laptop.kits.map(words) },
    });
    return { passport, home };
  }

  it('a second device joins with a sign-in of its own; both write, and read each other', async () => {
    const { home, told } = newHome();
    const phone = await enroll(home);
    expect(told).toEqual([expect.stringMatching(CODE)]);
    expect(at.told).toEqual([
      expect.stringMatching(
        /^Sign in to \w+ in a browser on this machine \(or stop, and set PASSPORT_SIGN_IN=device\): http\S+$/,
      ),
    ]);
    await phone.passport.unlock({ passphrase: PASSPHRASE, kits: [words(laptop.kits[0]!)] });
    await phone.passport.put('from the phone', 'too');
    expect(storeOf(await phone.passport.sync())).toMatchObject({ url: provider.url, state: 'ok', behind: 0 });
    await laptop.passport.sync();
    expect(await text(laptop, 'from the phone')).toBe('too');
    expect(await text(phone, 'old')).toBe('written before');
    await phone.passport.close();

    provider.auth.expireAccess(); // every access token ends; nobody is asked again
    const again = await opened(home);
    expect(storeOf(await again.passport.sync())).toMatchObject({ state: 'ok', behind: 0 });
    expect(told).toHaveLength(1);
    await again.passport.close();
  });

  it('everything is lost but two kits: a new device signs in, and has every record', async () => {
    await laptop.passport.close();
    const desktop = await recovered();
    expect(others[0]!.told).toEqual([expect.stringMatching(CODE)]);
    expect(await text(desktop, 'old')).toBe('written before');
    await desktop.passport.put('new', 'on the new device');
    expect(storeOf(await desktop.passport.sync())).toMatchObject({ state: 'ok', behind: 0, received: 0 });
    expect(await desktop.passport.checkStore(provider.url)).toMatchObject({ ok: true, damaged: [], missing: [] });
    await desktop.passport.close();
  });

  for (const [process, later] of [
    ['the same process', async () => {}],
    ['another process', laptopLater],
  ] as const) {
    it(`the sign-in is withdrawn: the store is named with the command that signs in again, which works in ${process}`, async () => {
      provider.auth.revoke();
      await laptop.passport.put('meanwhile', 'nothing is lost');
      const { state, error } = storeOf(await laptop.passport.sync());
      expect([state, error?.code]).toEqual(['refused', 'store-refused']);
      expect(error?.hint).toBe(`Sign in again: passport store add "${provider.url}"`);
      reports.push(error);
      const check: unknown = await laptop.passport.checkStore(provider.url).catch((thrown: unknown) => thrown);
      expect(check).toMatchObject({ code: 'store-refused', hint: error?.hint });
      reports.push(check);
      expect(at.thrown.length).toBeGreaterThan(1);
      expect((await laptop.passport.status()).stores).toMatchObject([{ url: provider.url, state: 'refused' }]);
      expect(storeOf(await laptop.passport.sync()).state).toBe('refused');
      expect(at.told).toHaveLength(1); // a sync asks nobody
      await later();
      await laptop.passport.put('last', 'before the sign-in');

      at.signIn = 'device';
      expect(await laptop.passport.addStore(provider.url)).toMatchObject({ url: provider.url, state: 'ok', behind: 0 });
      expect(at.told).toEqual([expect.anything(), expect.stringMatching(CODE)]);
      expect(storeOf(await laptop.passport.sync())).toMatchObject({ state: 'ok', behind: 0 });
      await laptop.passport.close();
      laptop = { ...laptop, ...(await opened(at.home)) }; // what was kept is good in the next process too
      expect(storeOf(await laptop.passport.sync())).toMatchObject({ state: 'ok', behind: 0 });
      expect(at.told).toHaveLength(2);

      const desktop = await recovered();
      for (const [key, value] of [
        ['old', 'written before'],
        ['meanwhile', 'nothing is lost'],
        ['last', 'before the sign-in'],
      ] as const)
        expect(await text(desktop, key)).toBe(value);
      await desktop.passport.close();
    });
  }

  it('the sign-in is withdrawn and nobody noticed: one command is enough', async () => {
    await laptopLater();
    provider.auth.revoke();
    at.signIn = 'device';
    expect(await laptop.passport.addStore(provider.url)).toMatchObject({ state: 'ok', behind: 0 });
    expect(at.told).toHaveLength(2);
  });

  for (const folder of [false, true]) {
    it(`${folder ? 'the folder itself' : 'everything in the folder'} is deleted by hand: the loss is named, and made good`, async () => {
      await laptopLater();
      await laptop.passport.sync();
      const before = provider.names().sort();
      at.laterMs += LATER_MS;
      provider.wipe({ folder });
      expect(provider.names()).toEqual([]);
      const bundles = before.filter((name) => name.includes('/hot/c-'));
      const { state, lost } = storeOf(await laptop.passport.sync());
      expect(state).toBe('rolled-back');
      expect(lost.map((name) => `${before[0]!.split('/', 2).join('/')}/${name}`).sort()).toEqual(bundles);
      await laptop.passport.sync();
      expect(provider.names().sort()).toEqual(before);
      const desktop = await recovered();
      expect(await text(desktop, 'old')).toBe('written before');
      await desktop.passport.close();
    });
  }

  it('full in the middle of a sync: the store is named, and takes the rest when there is room', async () => {
    await laptop.passport.put('large', new Uint8Array(600_000).fill(7));
    await laptop.passport.put('small', 'still here');
    provider.files.quotaBytes = provider.usedBytes() + 300_000;
    const full = storeOf(await laptop.passport.sync());
    expect(full).toMatchObject({ state: 'full', error: { code: 'store-full' } });
    reports.push(full.error);
    expect(full.error?.hint).toMatch(/^Make room in \w+/);
    expect(full.behind).toBeGreaterThan(0);
    expect((await laptop.passport.status()).warnings).toContain(`${provider.url}: full`);
    expect(await text(laptop, 'small')).toBe('still here');
    provider.files.quotaBytes = Infinity;
    expect(storeOf(await laptop.passport.sync())).toMatchObject({ state: 'ok', behind: 0 });
    const desktop = await recovered();
    expect((await desktop.passport.get('large'))?.value).toHaveLength(600_000);
    expect(await text(desktop, 'small')).toBe('still here');
    await desktop.passport.close();
  });

  it('a storm of "too often", four requests of each 24 from a sync to a recovery; nothing is lost or doubled', async () => {
    const record = (i: number) => ({ key: `record-${i}`, value: new TextEncoder().encode(`value ${i}`) });
    await laptop.passport.putMany(Array.from({ length: 200 }, (_, i) => record(i)));
    let asked = 0;
    storm(() => asked++ % 24 < 4);
    expect(storeOf(await laptop.passport.sync())).toMatchObject({ state: 'ok', behind: 0, lost: [], damaged: [] });
    const names = provider.names();
    expect(new Set(names).size).toBe(names.length);
    expect(await laptop.passport.checkStore(provider.url)).toMatchObject({ ok: true });
    const desktop = await recovered();
    for (const i of [0, 99, 199]) expect(await text(desktop, `record-${i}`)).toBe(`value ${i}`);
    const refused = provider.files.log.filter(({ status }) => status === provider.tooOften.status);
    expect(refused.length).toBeGreaterThan(8);
    await desktop.passport.close();
  });

  it('nothing but "too often": the store is unreachable, and takes everything afterwards', async () => {
    await laptop.passport.put('meanwhile', 'nothing is lost');
    let isStorm = true;
    storm(() => isStorm);
    const told = storeOf(await laptop.passport.sync());
    expect(told).toMatchObject({ state: 'unreachable', error: { code: 'store-unreachable' } });
    reports.push(told.error);
    isStorm = false;
    expect(storeOf(await laptop.passport.sync())).toMatchObject({ state: 'ok', behind: 0 });
  });
}
