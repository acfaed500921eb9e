/** What Google Drive does that other stores do not, each as a switch of the double, through the real client library. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newState, readState, writeState } from '../../adapters/drive/state.ts';
import { equal } from '../../src/bytes.ts';
import { PassportError } from '../../src/errors.ts';
import { nameHash } from '../../src/format/names.ts';
import type { Store } from '../../src/storage/store.ts';
import { withRetry } from '../../src/storage/with-retry.ts';
import { sampleBytes } from '../../src/testing/check.ts';
import { failure } from '../doubles/drive-rules.ts';
import { type DriveWorld, driveWorld, DRIVE_URL, namesIn } from '../doubles/drive-setup.ts';
import { FOLDER } from '../doubles/drive-items.ts';
import { GOOGLE_CLIENT } from '../doubles/google-auth.ts';
import type { Received } from '../doubles/http-double.ts';
import { rejectionOf as codeOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

const HOT = 'p/one/hot';
const A = sampleBytes(2000, 1);
const MIB = 1024 * 1024;

let world: DriveWorld;
let store: Store;
beforeEach(async () => {
  world = await driveWorld();
  store = await world.open();
});
afterEach(async () => {
  await store.close();
  await world.stop();
});

const isUpload = ({ method, path }: Received) => method !== 'GET' && path.startsWith('/upload/');
const isList = ({ method, path }: Received) => method === 'GET' && path === '/drive/v3/files';
const isDownload = ({ query }: Received) => query.get('alt') === 'media';
/** Paths below the store's folder of all files of the double. */
const files = () =>
  world.drive.items
    .paths()
    .flatMap(([path, item]) => (item.content === undefined ? [] : [path.slice('Passports/'.length)]));
const folders = () => world.drive.items.paths().flatMap(([path, { mimeType }]) => (mimeType === FOLDER ? [path] : []));

async function errorOf(call: Promise<unknown>): Promise<PassportError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PassportError)) throw new Error('expected a PassportError', { cause: error });
  return error;
}

describe('one name, many files', () => {
  it('a create whose answer is lost and that is repeated makes one file', async () => {
    await store.put(`${HOT}/c-0`, A);
    world.drive.trap((request) => (isUpload(request) ? { kind: 'lost-answer' } : undefined));
    expect(await codeOf(store.put(`${HOT}/c-1`, A))).toBe('store-unreachable');
    expect(files()).toEqual([`${HOT}/c-0`, `${HOT}/c-1`]); // it is there, and nobody knows
    await store.put(`${HOT}/c-1`, A);
    expect(files()).toEqual([`${HOT}/c-0`, `${HOT}/c-1`]);
    expect(await store.get(`${HOT}/c-1`)).toEqual(A);
  });

  it('a folder whose answer is lost is made once', async () => {
    world.drive.trap(({ method, path }) =>
      method === 'POST' && path === '/drive/v3/files' ? { kind: 'lost-answer' } : undefined,
    );
    expect(await codeOf(store.put(`${HOT}/c-1`, A))).toBe('store-unreachable');
    await store.put(`${HOT}/c-1`, A);
    expect(folders()).toEqual(['Passports', 'Passports/p', 'Passports/p/one', 'Passports/p/one/hot']);
  });

  it('files of one name are one object: listed once, the newest is read, all are deleted', async () => {
    const late = await world.open();
    await store.put(`${HOT}/c-0`, A);
    await namesIn(late);
    world.drive.items.listsLate = true;
    await store.put(`${HOT}/c-1`, A);
    await late.put(`${HOT}/c-1`, sampleBytes(7, 2));
    world.drive.items.settle();
    expect(files()).toEqual([`${HOT}/c-0`, `${HOT}/c-1`, `${HOT}/c-1`]);
    const third = await world.open();
    expect(await namesIn(third)).toEqual([`${HOT}/c-0`, `${HOT}/c-1`]);
    expect(await third.get(`${HOT}/c-1`)).toEqual(sampleBytes(7, 2));
    await third.delete(`${HOT}/c-1`);
    expect(files()).toEqual([`${HOT}/c-0`]);
  });

  it('of several files of one name, the one whose bytes fit the name is read, however old it is', async () => {
    const name = `${HOT}/c-${nameHash(A)}`;
    await store.put(name, A);
    const { items } = world.drive;
    const [, item] = items.paths().find(([path]) => path.endsWith(name))!;
    for (let i = 0; i < 3; i++) items.add({ ...item, id: items.reserve('drive'), content: Buffer.from(`other ${i}`) });
    const other = await world.open();
    expect(await other.get(name)).toEqual(A);
    expect(await namesIn(other)).toEqual([name]);
    await other.delete(name);
    expect(files()).toEqual([]);
  });

  it('two devices that make the same folders at the same time see the files of both', async () => {
    const other = await world.open();
    world.drive.items.listsLate = true;
    await store.put(`${HOT}/c-1`, A);
    await other.put(`${HOT}/c-2`, A);
    expect(folders().filter((path) => path === 'Passports')).toHaveLength(2);
    world.drive.items.settle();
    for (const each of [store, other, await world.open()])
      expect(await namesIn(each, HOT)).toEqual([`${HOT}/c-1`, `${HOT}/c-2`]);
    expect(await other.get(`${HOT}/c-1`)).toEqual(A);
  });

  it('an id that another process of this device used is left to it', async () => {
    const device = await world.device();
    const first = await world.open(device);
    await first.put(`${HOT}/c-0`, A);
    await first.close();
    // Two processes that begin with the same reserved ids.
    const [one, two] = [await world.open(device), await world.open(device)];
    await one.put(`${HOT}/c-1`, A);
    await two.put(`${HOT}/c-2`, sampleBytes(9, 2));
    expect(files()).toEqual([`${HOT}/c-0`, `${HOT}/c-1`, `${HOT}/c-2`]);
    expect(await one.get(`${HOT}/c-1`)).toEqual(A);
    expect(await one.get(`${HOT}/c-2`)).toEqual(sampleBytes(9, 2));
  });

  it('an id is never used twice, not even after a crash', async () => {
    const device = await world.device();
    const crashed = await world.open(device);
    for (const leaf of ['c-0', 'c-1']) await crashed.put(`${HOT}/${leaf}`, A);
    const used = world.drive.items.paths().map(([, { id }]) => id);
    const { spareIds } = (await readState(device.credentials, DRIVE_URL))!;
    expect([used.length, spareIds.length, spareIds.filter((id) => used.includes(id))]).toEqual([6, 80, []]);
  });

  it('reserved ids that Drive does not know any more are replaced', async () => {
    const device = await world.device();
    const first = await world.open(device);
    await first.put(`${HOT}/c-0`, A);
    await first.close();
    world.drive.items.forgetReserved();
    const again = await world.open(device);
    await again.put(`${HOT}/c-1`, A);
    expect(files()).toEqual([`${HOT}/c-0`, `${HOT}/c-1`]);
  });
});

describe('listings', () => {
  it('what this device put a moment ago is listed in its next process too, and not for ever', async () => {
    const device = await world.device();
    const first = await world.open(device);
    await first.put(`${HOT}/c-0`, A);
    world.drive.items.listsLate = true;
    await first.put(`${HOT}/c-1`, A);
    await first.close();
    const next = await world.open(device);
    expect(await namesIn(next, HOT)).toEqual([`${HOT}/c-0`, `${HOT}/c-1`]);
    expect(await next.get(`${HOT}/c-1`)).toEqual(A);
    device.clock.pass(11 * 60_000);
    expect(await namesIn(next, HOT)).toEqual([`${HOT}/c-0`]);
  });

  it('of many that were put, what is kept for the next process stays small', async () => {
    const device = await world.device();
    const first = await world.open(device);
    for (let i = 0; i < 150; i++) {
      device.clock.pass(1);
      await first.put(`${HOT}/c-${i}`, A);
    }
    await first.close();
    const { recent } = (await readState(device.credentials, DRIVE_URL))!;
    expect(Object.keys(recent)).toHaveLength(100);
    expect([`${HOT}/c-149` in recent, `${HOT}/c-0` in recent]).toEqual([true, false]);
  });

  it('what it deleted is not listed again by a listing that lags behind', async () => {
    await store.put(`${HOT}/c-0`, A);
    await store.put(`${HOT}/c-1`, A);
    world.drive.items.listsLate = true;
    await store.delete(`${HOT}/c-1`);
    expect(await namesIn(store)).toEqual([`${HOT}/c-0`]);
    expect(await store.get(`${HOT}/c-1`)).toBeUndefined();
  });

  it('a file that another device deleted is absent, although it was listed', async () => {
    await store.put(`${HOT}/c-0`, A);
    const other = await world.open();
    expect(await namesIn(other)).toEqual([`${HOT}/c-0`]);
    await store.delete(`${HOT}/c-0`);
    expect(await other.get(`${HOT}/c-0`)).toBeUndefined();
    await other.put(`${HOT}/c-0`, A);
    expect(await store.get(`${HOT}/c-0`)).toEqual(A);
  });

  it('the parent of the top folder need not be told (drive.file may not see it)', async () => {
    world.drive.showsTop = false;
    await store.put(`${HOT}/c-0`, A);
    const other = await world.open();
    expect(await namesIn(other)).toEqual([`${HOT}/c-0`]);
    await other.put(`${HOT}/c-1`, A);
    expect(await namesIn(store)).toEqual([`${HOT}/c-0`, `${HOT}/c-1`]);
    expect(folders().filter((path) => path === 'Passports')).toHaveLength(1);
  });

  it('a folder in the bin is not used: the store begins again beside it', async () => {
    await store.put(`${HOT}/c-0`, A);
    const [, top] = world.drive.items.paths().find(([path]) => path === 'Passports')!;
    top.trashed = true;
    const other = await world.open();
    expect(await namesIn(other)).toEqual([]);
    await other.put(`${HOT}/c-1`, A);
    expect(await namesIn(await world.open())).toEqual([`${HOT}/c-1`]);
  });

  for (const refusesGoneParents of [false, true]) {
    it(`a device notices at once that the folder it made was deleted (a query for it ${refusesGoneParents ? 'is refused' : 'finds nothing'})`, async () => {
      world.drive.refusesGoneParents = refusesGoneParents;
      const device = await world.device();
      const made = await world.open(device);
      await made.put(`${HOT}/c-0`, A);
      await made.close();
      for (const [path, { id }] of world.drive.items.paths()) if (path === 'Passports') world.drive.items.remove(id);
      const next = await world.open(device);
      expect(await namesIn(next, HOT)).toEqual([]);
      await next.put(`${HOT}/c-1`, A);
      expect(await namesIn(next)).toEqual([`${HOT}/c-1`]);
      expect(folders()).toEqual(['Passports', 'Passports/p', 'Passports/p/one', 'Passports/p/one/hot']);
    });
  }

  it('a device does not write into the folder that it made when somebody has put that into the bin', async () => {
    const device = await world.device();
    const made = await world.open(device);
    await made.put(`${HOT}/c-0`, A);
    await made.close();
    world.drive.items.paths().find(([path]) => path === 'Passports')![1].trashed = true;
    const next = await world.open(device);
    expect(await namesIn(next)).toEqual([]);
    await next.put(`${HOT}/c-1`, A);
    expect(await namesIn(await world.open())).toEqual([`${HOT}/c-1`]);
  });

  it('a folder that was deleted under an open store is made again', async () => {
    await store.put(`${HOT}/c-0`, A);
    for (const [path, { id }] of world.drive.items.paths()) if (path === 'Passports/p') world.drive.items.remove(id);
    await store.put(`${HOT}/c-1`, A);
    expect(files()).toEqual([`${HOT}/c-1`]);
    expect(folders()).toEqual(['Passports', 'Passports/p', 'Passports/p/one', 'Passports/p/one/hot']);
  });
});

describe('limits and failures', () => {
  for (const reason of ['rateLimitExceeded', 'userRateLimitExceeded']) {
    it(`403 ${reason} is worth a retry: one request, no new token, the pause in the error`, async () => {
      await store.put(`${HOT}/c-0`, A);
      const tokens = world.auth.log.length;
      for (const wanted of [isUpload, isDownload, isList]) {
        world.drive.trap((request) =>
          wanted(request) ? { ...failure(403, reason), headers: { 'retry-after': '2' } } : undefined,
        );
        const calls = new Map<unknown, () => Promise<unknown>>([
          [isUpload, () => store.put(`${HOT}/c-1`, A)],
          [isDownload, () => store.get(`${HOT}/c-0`)],
          [isList, () => namesIn(store)],
        ]);
        const call = calls.get(wanted)!;
        let error: PassportError | undefined;
        expect(
          await world.drive.count(async () => {
            error = await errorOf(call());
          }),
        ).toBe(1);
        expect([error?.code, error?.details['retryAfterMs']]).toEqual(['store-unreachable', 2000]);
      }
      expect(world.auth.log).toHaveLength(tokens);
    });
  }

  it('the retry wrapper waits as long as Drive asks, and one file comes of it', async () => {
    const device = await world.device();
    const { clock } = device;
    const patient = withRetry(await world.open(device), { clock, random: seededRandom('jitter') });
    await patient.put(`${HOT}/c-0`, A);
    for (const answer of [
      { ...failure(429, 'rateLimitExceeded'), headers: { 'retry-after': '7' } },
      failure(503, 'backendError'),
    ])
      world.drive.trap((request) => (isUpload(request) ? answer : undefined));
    world.drive.trap((request) => (isUpload(request) ? { kind: 'lost-answer' } : undefined));
    const before = clock.now();
    await patient.put(`${HOT}/c-1`, A);
    expect(clock.now() - before).toBeGreaterThanOrEqual(7000);
    expect(files()).toEqual([`${HOT}/c-0`, `${HOT}/c-1`]);
  });

  it('a full Drive is store-full, and nothing is there of the object', async () => {
    await store.put(`${HOT}/c-0`, A);
    world.drive.quotaBytes = MIB;
    for (const size of [2 * MIB, 5 * MIB]) {
      const error = await errorOf(store.put(`${HOT}/c-1`, sampleBytes(size, 1)));
      expect([error.code, error.hint]).toEqual(['store-full', expect.stringContaining('room')]);
    }
    expect(files()).toEqual([`${HOT}/c-0`]);
  });

  it('a refusal for good is store-refused and names the reason', async () => {
    world.drive.trap(() => failure(403, 'accessNotConfigured'));
    const error = await errorOf(namesIn(store));
    expect([error.code, error.message]).toEqual(['store-refused', expect.stringContaining('accessNotConfigured')]);
  });

  it('an upload that arrived damaged is sent again into the same file', async () => {
    world.drive.damagedUploads = 2;
    await store.put(`${HOT}/c-0`, A);
    expect(files()).toEqual([`${HOT}/c-0`]);
    expect(await store.get(`${HOT}/c-0`)).toEqual(A);
    world.drive.damagedUploads = 100;
    expect(await codeOf(store.put(`${HOT}/c-1`, A))).toBe('store-unreachable');
    world.drive.damagedUploads = 0;
  });

  it('a download that is not what Drive says that it is, is damaged', async () => {
    await store.put(`${HOT}/c-0`, A);
    world.drive.damagesDownloads = true;
    expect(await codeOf(store.get(`${HOT}/c-0`))).toBe('damaged');
  });
});

describe('large objects', () => {
  const LARGE = sampleBytes(20 * MIB, 3);
  // `toEqual` compares megabytes for minutes.
  const isLarge = async (name: string) => equal((await store.get(name)) ?? new Uint8Array(), LARGE);
  const isChunk = ({ method, query }: Received) => method === 'PUT' && query.has('upload_id');
  const chunks = () => world.drive.log.filter(({ method }) => method === 'PUT').length;

  it('go in chunks of 8 MiB and appear when the last is there', async () => {
    await store.put(`${HOT}/c-0`, LARGE);
    expect(chunks()).toBe(3);
    expect(await isLarge(`${HOT}/c-0`)).toBe(true);
    expect(files()).toEqual([`${HOT}/c-0`]);
  });

  it('a second put replaces the content of the file', async () => {
    await store.put(`${HOT}/c-0`, A);
    await store.put(`${HOT}/c-0`, LARGE);
    expect(files()).toEqual([`${HOT}/c-0`]);
    expect(await isLarge(`${HOT}/c-0`)).toBe(true);
  });

  for (const [what, fault] of [
    ['500', failure(500, 'backendError')],
    ['an answer that is lost', { kind: 'lost-answer' }],
  ] as const) {
    it(`${what} in the middle: it asks how far Drive is and goes on from there`, async () => {
      await store.put('p/two/x', A);
      let seen = 0;
      world.drive.trap((request) => (isChunk(request) && ++seen === 2 ? fault : undefined));
      await store.put(`${HOT}/c-0`, LARGE);
      expect(await isLarge(`${HOT}/c-0`)).toBe(true);
      // Three chunks, the question, and the second once more where it had not arrived.
      expect(chunks()).toBe(what === '500' ? 5 : 4);
    });
  }

  it('the answer to the last chunk may be lost: the question gives it again', async () => {
    let seen = 0;
    world.drive.trap((request) => (isChunk(request) && ++seen === 3 ? { kind: 'lost-answer' } : undefined));
    await store.put(`${HOT}/c-0`, LARGE);
    expect([chunks(), files()]).toEqual([4, [`${HOT}/c-0`]]);
  });

  it('a session that ended is worth a retry, which begins a new one for the same file', async () => {
    world.drive.endsSessions = true;
    expect(await codeOf(store.put(`${HOT}/c-0`, LARGE))).toBe('store-unreachable');
    world.drive.endsSessions = false;
    await store.put(`${HOT}/c-0`, LARGE);
    expect(files()).toEqual([`${HOT}/c-0`]);
  });

  it('a pause that the server asks for in the middle is in the error', async () => {
    const busy = { ...failure(503, 'backendError'), headers: { 'retry-after': '30' } };
    world.drive.trap((request) => (isChunk(request) ? busy : undefined));
    const error = await errorOf(store.put(`${HOT}/c-0`, LARGE));
    expect([error.code, error.details['retryAfterMs']]).toEqual(['store-unreachable', 30_000]);
  });

  it('a server that never gets on is given up', async () => {
    for (let i = 0; i < 10; i++)
      world.drive.trap((request) => (isChunk(request) ? failure(500, 'backendError') : undefined));
    expect(await codeOf(store.put(`${HOT}/c-0`, LARGE))).toBe('store-unreachable');
    expect(files()).toEqual([]);
  });
});

describe('what is kept', () => {
  it('goes through the credentials port only, and has no token left when the sign-in ended', async () => {
    const device = await world.device();
    const opened = await world.open(device);
    await opened.put(`${HOT}/c-0`, A);
    expect((await readState(device.credentials, DRIVE_URL))?.tokens?.refresh).toMatch(/^1\/\//);
    world.auth.revoke();
    const error = await errorOf(namesIn(opened));
    expect([error.code, error.hint]).toEqual(['store-refused', `Sign in again: passport store add "${DRIVE_URL}"`]);
    expect((await readState(device.credentials, DRIVE_URL))?.tokens).toBeUndefined();
  });

  it('another account begins without the hints of the one before', async () => {
    const device = await world.device();
    const opened = await world.open(device);
    await opened.put(`${HOT}/c-0`, A);
    await opened.close();
    const { folders: known, spareIds } = (await readState(device.credentials, DRIVE_URL))!;
    expect([Object.keys(known).length, spareIds.length]).toEqual([4, 95]);
    const tokens = world.auth.signedIn('https://www.googleapis.com/auth/drive.file');
    await writeState(device.credentials, DRIVE_URL, newState(GOOGLE_CLIENT, tokens));
    expect((await readState(device.credentials, DRIVE_URL))?.folders).toEqual({});
  });
});
