/**
 * How many requests a sync costs at Drive and OneDrive, counted by the doubles; each step is a process of its own, as the command
 * is. What counts is how many names the store's `hot/` has: bundles join up to 64 records that are written before a sync.
 */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import { Passport } from '../../src/index.ts';
import type { Store } from '../../src/storage/store.ts';
import { type Device, driveWorld, DRIVE_URL } from '../doubles/drive-setup.ts';
import { ONEDRIVE_URL, oneDriveWorld } from '../doubles/graph-setup.ts';
import type { HttpDouble } from '../doubles/http-double.ts';
import { type Home, PASSPHRASE, stopsWaiting, words, World } from '../helpers/mesh.ts';

const BYTES = new Uint8Array([1, 2, 3]);

interface Place {
  readonly url: string;
  readonly open: (device?: Device) => Promise<Store>;
  readonly device: () => Promise<Device>;
  readonly stop: () => Promise<void>;
  /** Files, and the sign-in. */
  readonly files: HttpDouble;
  readonly auth: HttpDouble;
  /** Requests to read one object. */
  readonly readCost: number;
  /** Others put so many objects into p/one/hot. */
  readonly fill: (count: number) => void;
}

async function drive(): Promise<Place> {
  const world = await driveWorld();
  const { items } = world.drive;
  const fill = (count: number) => {
    const hot = items.paths().find(([path]) => path === 'Passports/p/one/hot')![1].id;
    const file = {
      parent: hot,
      mimeType: 'application/octet-stream',
      space: 'drive',
      content: Buffer.from(BYTES),
    } as const;
    for (let i = 0; i < count; i++) items.add({ ...file, id: items.reserve('drive'), name: `c-${i}` });
  };
  return { ...world, url: DRIVE_URL, files: world.drive, auth: world.auth, readCost: 1, fill };
}

async function oneDrive(): Promise<Place> {
  const world = await oneDriveWorld();
  const { items } = world.graph;
  const fill = (count: number) => {
    const hot = items.folders(['passports', 'p', 'one', 'hot']);
    for (let i = 0; i < count; i++) items.add(hot, `c-${i}`, Buffer.from(BYTES));
  };
  return { ...world, url: ONEDRIVE_URL, files: world.graph, auth: world.entra, readCost: 2, fill };
}

/** Its sign-in is kept sealed in its journal, as soon as there is a device that can. */
async function homeAt(world: World, place: Place): Promise<Home> {
  const [home, { credentials: early, clock }] = [world.home(), await place.device()];
  home.environment.openStore = async (url, { credentials = early } = {}) => {
    if ((await credentials.read(url)) === undefined) {
      await credentials.write(url, (await early.read(url))!);
      await early.write(url, null);
    }
    return place.open({ credentials, clock });
  };
  return home;
}

interface Mesh {
  readonly homes: readonly Home[];
  /** Runs `action` in a process of its own of the laptop, with its session. */
  readonly laptop: (action: (passport: Passport) => Promise<unknown>) => Promise<void>;
  /** The phone is locked. */
  readonly phone: (action: (passport: Passport) => Promise<unknown>) => Promise<void>;
}

/** Laptop and phone with one store there, in step, after `records` records. */
async function meshAt(place: Place, records: number): Promise<Mesh> {
  const world = new World(`requests ${records}`);
  const laptop = await world.create('laptop', { home: await homeAt(world, place), stores: [place.url] });
  const phone = await world.enroll('phone', laptop, {
    home: await homeAt(world, place),
    kits: [words(laptop.kits[0]!)],
  });
  await stopsWaiting(laptop.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 0 }));
  await world.approveAll(phone);
  const { secret } = await laptop.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 0 });
  await laptop.passport.putMany(
    Array.from({ length: records }, (_, i) => ({ key: `record-${i}`, value: utf8(`value ${i}`) })),
  );
  await laptop.passport.close();
  await phone.passport.close();
  const processOf = (home: Home, secret?: string) => async (action: (passport: Passport) => Promise<unknown>) => {
    const passport = await Passport.open(home.environment, { sessionSecret: secret });
    await action(passport);
    await passport.close();
  };
  const mesh = { homes: world.homes, laptop: processOf(laptop.home, secret), phone: processOf(phone.home) };
  for (const device of [mesh.laptop, mesh.phone, mesh.laptop]) await device(synced);
  return mesh;
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const synced = (passport: Passport) => passport.sync();

for (const [name, setUp] of [
  ['Google Drive', drive],
  ['OneDrive', oneDrive],
] as const) {
  describe(`requests of a sync: ${name} (double)`, () => {
    for (const records of [10, 10_000]) {
      it(`with ${records} records: 1 when nothing is new, 1 more for an own change, and what it costs to read another's`, async () => {
        const place = await setUp();
        const { laptop, phone, homes } = await meshAt(place, records);
        const signIns = place.auth.log.length;
        const idle = [await place.files.count(() => laptop(synced)), await place.files.count(() => phone(synced))];
        const own = await place.files.count(() =>
          laptop(async (passport) => {
            await passport.put('new', 'value');
            await passport.sync();
          }),
        );
        const other = await place.files.count(() => phone(synced));
        expect({ idle, own, other }).toEqual({ idle: [1, 1], own: 2, other: 1 + place.readCost });
        expect(place.auth.log).toHaveLength(signIns);
        const kept = homes.flatMap(({ journal }) => [...journal.entries]);
        const inClear = kept.filter(([key, bytes]) => /refresh-|access-|apps\.google/.test(key + latin1(bytes)));
        expect([kept.length > 0, inClear]).toEqual([true, []]);
        await place.stop();
      });
    }

    it('a folder with 9,990 names (and those of its own folders) is listed in ten pages, and read and written as before', async () => {
      const place = await setUp();
      const device = await place.device();
      const store = await place.open(device);
      await store.put('p/one/hot/c-first', BYTES);
      await store.close();
      place.fill(9989);
      const next = await place.open(device);
      let seen = 0;
      const listing = async () => {
        for await (const _ of next.list('p/one/hot')) seen++;
      };
      expect([await place.files.count(listing), seen]).toEqual([10, 9990]);
      expect(await place.files.count(() => next.put('p/one/hot/c-new', BYTES))).toBe(1);
      expect(await place.files.count(() => next.get('p/one/hot/c-5000'))).toBe(place.readCost);
      await place.stop();
    });
  });
}
