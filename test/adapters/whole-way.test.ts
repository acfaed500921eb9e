/**
 * The whole way of a person whose passport lies at Google Drive or OneDrive: sign in, create, join and recover, lose the sign-in and
 * the files, move there from a bucket. The real client libraries against the doubles; the bucket is a real server's.
 */
import { afterEach, describe, expect, it } from 'vitest';

import { openDrive } from '../../adapters/drive/index.ts';
import { openOneDrive } from '../../adapters/onedrive/index.ts';
import { createS3Store } from '../../adapters/s3/index.ts';
import { Passport } from '../../src/index.ts';
import type { OpenContext, OpenStore } from '../../src/storage/adapter.ts';
import { createMemoryCredentials, type Credentials } from '../../src/storage/credentials.ts';
import type { Store } from '../../src/storage/store.ts';
import { withLimit } from '../../src/storage/with-limit.ts';
import { withRetry } from '../../src/storage/with-retry.ts';
import { contextOf, driveWorld, DRIVE_URL, nowClock } from '../doubles/drive-setup.ts';
import { GOOGLE_CLIENT } from '../doubles/google-auth.ts';
import { ENTRA_CLIENT } from '../doubles/entra.ts';
import { ONEDRIVE_URL, oneDriveWorld } from '../doubles/graph-setup.ts';
import type { HttpDouble } from '../doubles/http-double.ts';
import { createHash, randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { type Home, type Member, text, words, World } from '../helpers/mesh.ts';
import { S3_KEYS, serverInstalled, startS3 } from '../servers/servers.ts';

interface Cloud {
  readonly url: string;
  readonly open: OpenStore;
  readonly env: Record<string, string>;
  readonly auth: HttpDouble;
  /** The sign-in of everybody is lost. */
  readonly revoke: () => void;
  /** Somebody deletes the folder in the provider's web page. */
  readonly wipe: () => void;
  readonly setQuota: (bytes: number) => void;
  readonly used: () => number;
  readonly stop: () => Promise<void>;
}

async function drive(): Promise<Cloud> {
  const { auth, drive: files, stop } = await driveWorld();
  return {
    url: DRIVE_URL,
    open: (url, context) => openDrive(url, context, auth.endpoints(`${files.url}/`)),
    env: { PASSPORT_DRIVE_CLIENT_ID: GOOGLE_CLIENT.id, PASSPORT_DRIVE_CLIENT_SECRET: GOOGLE_CLIENT.secret },
    revoke: () => auth.revoke(),
    wipe: () => {
      for (const [path, { id }] of files.items.paths()) if (path === 'Passports') files.items.remove(id);
    },
    setQuota: (bytes) => (files.quotaBytes = bytes),
    used: () => files.items.used(),
    ...{ auth, stop },
  };
}

async function oneDrive(): Promise<Cloud> {
  const { entra, graph, endpoints, stop } = await oneDriveWorld();
  return {
    url: ONEDRIVE_URL,
    open: (url, context) => openOneDrive(url, context, endpoints),
    env: { PASSPORT_ONEDRIVE_CLIENT_ID: ENTRA_CLIENT },
    auth: entra,
    revoke: () => entra.revoke(),
    wipe: () => void graph.items.root.children.delete('passports'),
    setQuota: (bytes) => (graph.quotaBytes = bytes),
    used: () => graph.items.used(),
    stop,
  };
}

/** What these homes wrote, told and threw, to be searched. */
class Person {
  readonly world: World;
  readonly cloud: Cloud;
  readonly told: string[] = [];
  readonly errors: unknown[] = [];
  /** What the adapter was last given to keep its sign-in in. */
  credentials: Credentials = createMemoryCredentials();
  readonly #others: ReadonlyMap<string, () => Store>;

  constructor(cloud: Cloud, label: string, others: ReadonlyMap<string, () => Store> = new Map()) {
    this.cloud = cloud;
    this.world = new World(label);
    this.#others = others;
  }

  /** A home wired as nodeHome wires it: what a sign-in gives is kept where the first device can keep it. */
  home(): Home {
    const home = this.world.home();
    const early = createMemoryCredentials();
    home.environment.openStore = async (url, { create = false, signIn = false, credentials } = {}) => {
      const other = this.#others.get(url);
      if (other !== undefined) return other();
      const kept = credentials && (await early.read(url));
      if (kept !== undefined) {
        await credentials?.write(url, kept);
        await early.write(url, null);
      }
      const tell = (said: string) => void this.told.push(said);
      const env = signIn ? { ...this.cloud.env, PASSPORT_SIGN_IN: 'device' } : {};
      this.credentials = credentials ?? early;
      const device = { credentials: this.credentials, clock: nowClock() };
      const context: OpenContext = contextOf(device, { create, signIn, env, tell });
      return withRetry(withLimit(await this.cloud.open(url, context), { parallel: 4 }), context);
    };
    return home;
  }

  /** Codes that a person had to type somewhere. */
  get signIns(): number {
    return this.told.filter((said) => /type [A-Z0-9-]+|enter the code/i.test(said)).length;
  }

  /** Every byte that these homes keep, everything that was said and thrown: no token, no code, no secret of the client. */
  inClear(): string[] {
    const kept = this.world.homes.flatMap(({ journal, keystore, anchor, sessions, events, cards }) => [
      ...[...journal.entries].map(([key, bytes]) => key + Buffer.from(bytes).toString('latin1')),
      ...[keystore, anchor, sessions].map((part) => inspectAll(part)),
      JSON.stringify([events, cards]),
    ]);
    const said = [...this.told, ...this.errors.map((error) => inspectAll(error))];
    expect(kept.length).toBeGreaterThan(10);
    return [...kept, ...said].filter((place) => SECRET.test(place));
  }
}

/** All strings and bytes that hang on a value, however deep, causes of errors and private parts of test doubles included. */
function inspectAll(value: unknown, seen = new Set<unknown>()): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value !== 'object' || value === null || seen.has(value)) return '';
  seen.add(value);
  const inside =
    value instanceof Map
      ? [...value.entries()].flat()
      : Reflect.ownKeys(value).map((key) => Reflect.get(value, key) as unknown);
  return inside.map((each) => inspectAll(each, seen)).join('\n');
}

/** Tokens, codes and client secrets of the doubles. */
const SECRET = /refresh-|access-\d|apps\.google|GOCSPX|device-\d|4\/\d/;

const clouds: Cloud[] = [];
afterEach(async () => {
  for (const cloud of clouds.splice(0)) await cloud.stop();
});

describe.each([
  ['Google Drive (double)', drive],
  ['OneDrive (doubles)', oneDrive],
] as const)('a passport at %s', (name, setUp) => {
  async function person(label: string, others?: ReadonlyMap<string, () => Store>): Promise<Person> {
    const cloud = await setUp();
    clouds.push(cloud);
    return new Person(cloud, `${name} ${label}`, others);
  }

  async function laptopOf(she: Person): Promise<Member & { kits: string[] }> {
    const laptop = await she.world.create('laptop', { home: she.home(), stores: [she.cloud.url] });
    const kits = laptop.kits.map(words);
    await laptop.passport.put('key', 'a secret');
    await laptop.passport.sync();
    return { ...laptop, kits };
  }

  it('is created, and joined by a second device: each signs in once, nobody again, and nothing of it is in clear', async () => {
    const she = await person('three');
    const laptop = await laptopOf(she);
    expect(she.signIns).toBe(1);
    const phone = await she.world.enroll('phone', laptop, { home: she.home(), kits: [laptop.kits[0]!] });
    expect(she.signIns).toBe(2);
    await laptop.passport.sync();
    await phone.passport.sync();
    expect(she.signIns).toBe(2);
    expect(Buffer.from((await she.credentials.read(she.cloud.url)) ?? []).toString()).toMatch(SECRET);
    expect(she.inClear()).toEqual([]);
  });

  it('is recovered on a new machine with both kits, after signing in there', async () => {
    const she = await person('recovered');
    const { kits } = await laptopOf(she);
    const home = she.home();
    const passport = await Passport.recover(home.environment, { name: 'new', stores: [she.cloud.url], kits });
    expect(await text({ passport, home }, 'key')).toBe('a secret');
    expect(she.signIns).toBe(2);
    await passport.put('key', 'from the new machine');
    expect((await passport.sync()).stores[0]).toMatchObject({ state: 'ok', behind: 0 });
    expect(she.signIns).toBe(2);
    expect(she.inClear()).toEqual([]);
  });

  it('whose sign-in is lost says how to sign in again; that does it, and what was written meanwhile goes there', async () => {
    const she = await person('lost');
    const laptop = await laptopOf(she);
    she.cloud.revoke();
    await laptop.passport.put('key', 'written while nobody was signed in');
    const again = await she.world.open(0);
    await laptop.passport.close();
    const [refused] = (await again.passport.sync()).stores;
    expect(refused).toMatchObject({
      state: 'refused',
      error: { code: 'store-refused', hint: `Sign in again: passport store add "${she.cloud.url}"` },
    });
    she.errors.push(refused);
    expect((await again.passport.status()).warnings.join()).toContain(`${she.cloud.url}: refused`);
    expect(await again.passport.addStore(she.cloud.url)).toMatchObject({ state: 'ok', behind: 0 });
    expect(she.signIns).toBe(2);
    expect((await again.passport.status()).pending).toBe(0);
    expect(she.inClear()).toEqual([]);
  });

  it('whose folder was deleted by hand is named, and put right by the next syncs', async () => {
    const she = await person('wiped');
    const laptop = await laptopOf(she);
    const before = she.cloud.used();
    she.cloud.wipe();
    expect(she.cloud.used()).toBe(0);
    const again = await she.world.open(0);
    expect((await again.passport.sync()).stores[0]).toMatchObject({ state: 'rolled-back' });
    expect((await again.passport.sync()).stores[0]).toMatchObject({ state: 'ok', behind: 0 });
    expect(she.cloud.used()).toBeGreaterThanOrEqual(before - 2048);
    expect(await again.passport.checkStore(she.cloud.url)).toMatchObject({ ok: true });
    await laptop.passport.close();
  });

  it('that is full says so, keeps what waits, and takes it when there is room', async () => {
    const she = await person('full');
    const laptop = await laptopOf(she);
    she.cloud.setQuota(she.cloud.used() + 1000);
    await laptop.passport.put('large', randomBytes(50_000));
    expect((await laptop.passport.sync()).stores[0]).toMatchObject({
      ...{ state: 'full', behind: 1 },
      error: { code: 'store-full' },
    });
    expect((await laptop.passport.status()).pending).toBe(1);
    she.cloud.setQuota(Infinity);
    expect((await laptop.passport.sync()).stores[0]).toMatchObject({ state: 'ok', behind: 0 });
  });

  it.skipIf(!serverInstalled('s3'))(
    'is moved there from a bucket: filled, read back, then switched; the other device follows',
    async () => {
      const server = await startS3();
      try {
        const bucket = `b-${randomBytes(8).toString('hex')}`;
        const admin = new S3Client({
          endpoint: server.origin,
          forcePathStyle: true,
          region: 'us-east-1',
          credentials: S3_KEYS,
        });
        await admin.send(new CreateBucketCommand({ Bucket: bucket }));
        admin.destroy();
        const url = `s3://${bucket}/mine?endpoint=${server.origin}`;
        const s3 = () => createS3Store({ bucket, prefix: 'mine', endpoint: server.origin, credentials: S3_KEYS, url });
        const she = await person('move', new Map([[url, s3]]));
        const created = await she.world.create('laptop', { home: she.home(), stores: [url] });
        const phone = await she.world.enroll('phone', created, { home: she.home(), kits: [words(created.kits[0]!)] });
        await she.world.unlock(created, phone);
        for (let i = 0; i < 20; i++) await created.passport.put(`record/${i}`, randomBytes(3000));
        await created.passport.sync();
        expect(await created.passport.moveStore(url, she.cloud.url)).toMatchObject({
          url: she.cloud.url,
          state: 'ok',
          behind: 0,
        });
        expect((await created.passport.status()).stores.map((store) => store.url)).toEqual([she.cloud.url]);
        await created.passport.put('after', 'the move');
        await created.passport.sync();
        expect(await phone.passport.addStore(she.cloud.url)).toMatchObject({ state: 'ok', behind: 0 });
        await she.world.unlock(phone, created);
        const digest = async ({ passport }: Member) => {
          const hash = createHash('sha256');
          for (const { key } of await passport.list('record')) hash.update((await passport.get(key))!.value);
          return hash.digest('hex');
        };
        expect(await digest(phone)).toBe(await digest(created));
        expect(await text(phone, 'after')).toBe('the move');
        expect(she.signIns).toBe(2);
        expect(she.inClear()).toEqual([]);
      } finally {
        server.stop();
      }
    },
  );
});
