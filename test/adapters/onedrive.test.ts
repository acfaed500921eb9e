/** What OneDrive does that other stores do not, each as a switch of the double. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseOneDriveAddress } from '../../adapters/onedrive/address.ts';
import { quickXorHash } from '../../adapters/onedrive/quickxor.ts';
import { equal } from '../../src/bytes.ts';
import type { PassportError } from '../../src/errors.ts';
import type { Store } from '../../src/storage/store.ts';
import { withRetry } from '../../src/storage/with-retry.ts';
import { sampleBytes } from '../../src/testing/check.ts';
import { namesIn } from '../doubles/drive-setup.ts';
import { type OneDriveWorld, oneDriveWorld } from '../doubles/graph-setup.ts';
import type { Received, Reply } from '../doubles/http-double.ts';
import { codeOf as syncCodeOf, rejectionOf as codeOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

const HOT = 'p/one/hot';
const A = sampleBytes(2000, 1);
const MIB = 1024 * 1024;
const LARGE = sampleBytes(25 * MIB, 3);

let world: OneDriveWorld;
let store: Store;
beforeEach(async () => {
  world = await oneDriveWorld();
  store = await world.open();
});
afterEach(async () => {
  await store.close();
  await world.stop();
});

const isRange = ({ method, path }: Received) => method === 'PUT' && path.startsWith('/up/');
const failed = (status: number, code: string, headers = {}): Reply => ({ status, headers, body: { error: { code } } });
/** Requests to the addresses of upload sessions. */
const sent = () => world.graph.log.filter(({ path }) => path.startsWith('/up/')).map(({ method }) => method);
// `toEqual` compares megabytes for minutes.
const isLarge = async (name: string) => equal((await store.get(name)) ?? new Uint8Array(), LARGE);

describe('the app folder', () => {
  it('holds everything, below the folder of the address', async () => {
    await store.put(`${HOT}/c-0`, A);
    expect(world.graph.items.at(['passports', 'p', 'one', 'hot', 'c-0'])?.content).toEqual(Buffer.from(A));
    expect(
      world.graph.log.every(({ path }) => /^\/v1\.0\/me\/drive\/special\/approot(?=[:/]|$)|^\/up\//.test(path)),
    ).toBe(true);
  });

  it('its folders are made when a simple upload does not make them, once by two devices', async () => {
    world.graph.makesFolders = false;
    const other = await world.open();
    await Promise.all([
      store.put(`${HOT}/c-0`, A),
      other.put(`${HOT}/c-1`, A),
      other.put(`${HOT}/c-2`, sampleBytes(5 * MIB, 1)),
    ]);
    expect(await namesIn(store)).toEqual([`${HOT}/c-0`, `${HOT}/c-1`, `${HOT}/c-2`]);
  });

  it('a name that a folder has cannot be an object', async () => {
    await store.put(`${HOT}/c-0`, A);
    expect(await codeOf(store.put(HOT, A))).toBe('store-unreachable');
    expect(await codeOf(store.get(HOT))).toBe('store-refused');
  });
});

describe('listings', () => {
  it('show what this device put a moment ago, and not for ever', async () => {
    const device = await world.device();
    const own = await world.open(device);
    world.graph.items.listsLate = true;
    await own.put(`${HOT}/c-0`, A);
    expect(await namesIn(own)).toEqual([`${HOT}/c-0`]);
    expect(await namesIn(await world.open())).toEqual([]);
    device.clock.pass(11 * 60_000);
    expect(await namesIn(own)).toEqual([]);
  });

  it('a next page that leads elsewhere is refused: the token would go there', async () => {
    for (let i = 0; i < 1001; i++)
      world.graph.items.add(world.graph.items.folders(['passports', 'p']), `c-${i}`, Buffer.from(A));
    expect(await world.graph.count(() => namesIn(store))).toBe(2);
    world.graph.foreignNextLink = 'https://graph.example.com/v1.0/me/drive';
    expect(await codeOf(namesIn(store))).toBe('store-refused');
  });
});

describe('downloads', () => {
  it('follow the address that Graph gives, without the token', async () => {
    await store.put(`${HOT}/c-0`, A);
    expect(await world.graph.count(async () => expect(await store.get(`${HOT}/c-0`)).toEqual(A))).toBe(2);
    expect(world.graph.log.at(-1)?.path).toMatch(/^\/download\//);
  });

  it('an address that ended is worth a retry', async () => {
    await store.put(`${HOT}/c-0`, A);
    world.graph.endsDownloads = true;
    expect(await codeOf(store.get(`${HOT}/c-0`))).toBe('store-unreachable');
  });
});

describe('limits and failures', () => {
  it('429 with Retry-After: the retry wrapper waits as long as Graph asks', async () => {
    const device = await world.device();
    const patient = withRetry(await world.open(device), { clock: device.clock, random: seededRandom('jitter') });
    world.graph.trap(() => failed(429, 'activityLimitReached', { 'retry-after': '10' }));
    world.graph.trap(() => failed(503, 'serviceNotAvailable', { 'retry-after': '5' }));
    world.graph.trap(() => ({ kind: 'lost-answer' }));
    const before = device.clock.now();
    await patient.put(`${HOT}/c-0`, A);
    expect(device.clock.now() - before).toBeGreaterThanOrEqual(15_000);
    expect(await namesIn(store)).toEqual([`${HOT}/c-0`]);
  });

  it('a full OneDrive is store-full, for small and large objects', async () => {
    world.graph.quotaBytes = MIB;
    for (const size of [2 * MIB, 5 * MIB]) {
      world.graph.items.folders(['passports', 'p', 'one', 'hot']);
      await expect(store.put(`${HOT}/c-1`, sampleBytes(size, 1))).rejects.toMatchObject({
        code: 'store-full',
        hint: expect.stringContaining('room') as string,
      });
    }
    expect(await namesIn(store)).toEqual([]);
  });

  it('an upload that arrived damaged is sent again', async () => {
    world.graph.damagedUploads = 2;
    await store.put(`${HOT}/c-0`, A);
    expect(await store.get(`${HOT}/c-0`)).toEqual(A);
    world.graph.damagedUploads = 100;
    expect(await codeOf(store.put(`${HOT}/c-1`, A))).toBe('store-unreachable');
  });

  it('five bytes in the middle of a large buffer are five bytes', async () => {
    const buffer = sampleBytes(1000, 5);
    await store.put(`${HOT}/c-0`, buffer.subarray(500, 505));
    expect(world.graph.items.at(['passports', ...HOT.split('/'), 'c-0'])?.content).toEqual(
      Buffer.from(buffer.slice(500, 505)),
    );
  });

  it('the simple upload stays below 4 MiB, the limit of older documents', async () => {
    world.graph.simpleLimit = 4 * MIB;
    for (const size of [4 * MIB, 4 * MIB + 1]) {
      const bytes = sampleBytes(size, size);
      await store.put(`${HOT}/c-${size}`, bytes);
      expect(equal((await store.get(`${HOT}/c-${size}`)) ?? new Uint8Array(), bytes)).toBe(true);
    }
    expect(sent()).toEqual(['PUT']);
  });
});

describe('upload sessions', () => {
  beforeEach(() => {
    world.graph.items.folders(['passports', ...HOT.split('/')]);
  });

  it('send ranges of a multiple of 320 KiB, in order, without the token', async () => {
    await store.put(`${HOT}/c-0`, LARGE);
    expect(sent()).toEqual(['PUT', 'PUT', 'PUT']);
    expect(await isLarge(`${HOT}/c-0`)).toBe(true);
  });

  for (const [what, fault, ranges] of [
    ['500', failed(500, 'generalException'), ['PUT', 'PUT', 'GET', 'PUT', 'PUT']],
    ['an answer that is lost', { kind: 'lost-answer' }, ['PUT', 'PUT', 'GET', 'PUT']],
    ['416 for a range that is there already', failed(416, 'invalidRange'), ['PUT', 'PUT', 'GET', 'PUT', 'PUT']],
  ] as const) {
    it(`${what} in the middle: it asks which ranges are missing and goes on from there`, async () => {
      let seen = 0;
      world.graph.trap((request) => (isRange(request) && ++seen === 2 ? fault : undefined));
      await store.put(`${HOT}/c-0`, LARGE);
      expect(sent()).toEqual(ranges);
      expect(await isLarge(`${HOT}/c-0`)).toBe(true);
    });
  }

  it('the answer to the last range may be lost: the file is looked at, not sent again', async () => {
    let seen = 0;
    world.graph.trap((request) => (isRange(request) && ++seen === 3 ? { kind: 'lost-answer' } : undefined));
    await store.put(`${HOT}/c-0`, LARGE);
    expect(sent()).toEqual(['PUT', 'PUT', 'PUT', 'GET']);
    expect(await isLarge(`${HOT}/c-0`)).toBe(true);
  });

  it('a name taken during the upload: the same bytes are enough, others are replaced', async () => {
    world.graph.meanwhile = Buffer.from(LARGE);
    await store.put(`${HOT}/c-0`, LARGE);
    expect(sent()).toHaveLength(3);
    world.graph.meanwhile = Buffer.from('something else');
    await store.put(`${HOT}/c-0`, LARGE);
    expect(sent()).toHaveLength(9);
    expect(await isLarge(`${HOT}/c-0`)).toBe(true);
  });

  for (const status of [404, 410] as const) {
    it(`a session that ended with ${status} begins again, and is given up in the end`, async () => {
      let seen = 0;
      world.graph.trap((request) => (isRange(request) && ++seen === 2 ? failed(status, 'itemNotFound') : undefined));
      await store.put(`${HOT}/c-0`, LARGE);
      expect(await isLarge(`${HOT}/c-0`)).toBe(true);
      world.graph.endsSessions = status;
      expect(await codeOf(store.put(`${HOT}/c-1`, LARGE))).toBe('store-unreachable');
      expect(await namesIn(store)).toEqual([`${HOT}/c-0`]);
    });
  }

  it('a pause that the server asks for in the middle is in the error', async () => {
    world.graph.trap((request) =>
      isRange(request) ? failed(503, 'serviceNotAvailable', { 'retry-after': '30' }) : undefined,
    );
    const error = (await store.put(`${HOT}/c-0`, LARGE).catch((thrown: unknown) => thrown)) as PassportError;
    expect([error.code, error.details['retryAfterMs']]).toEqual(['store-unreachable', 30_000]);
  });
});

/** From rclone's tests (backend/onedrive/quickxorhash, MIT), which were made with Microsoft's own code. */
it('QuickXorHash: known answers', () => {
  for (const [input, hash] of [
    ['', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='],
    ['Sg==', 'SgAAAAAAAAAAAAAAAQAAAAAAAAA='],
    ['tbQ=', 'taAFAAAAAAAAAAAAAgAAAAAAAAA='],
    ['XBV6YKU9V7yMakZnFIxIkuU=', 'HbplHsBQih5cgReMQYMRzkABRiA='],
    ['T6LYJIfDh81JrAK309H2JMJTXis=', 'zBTHrspn3mEcohlJdIUAbjGNaNg='],
    ['DWAAX5/CIfrmErgZa8ot6ZraeSbu', 'LR2Z0PjuRYGKQB/mhQAuMrAGZbQ='],
    [
      'PfxMcUd0vIW6VbHG/uj/Y0W6qEoKmyBD0nYebEKazKaKG+UaDqBEcmQjbfQeVnVLuodMoPp7P7TR1htX5n2VnkHh22xDyoJ8C/ZQKiSNqQfXvh83judf4RVr9exJCud8Uvgip6aVZTaPrJHVjQhMCp/dEnGvqg0oN5OVkM2qqAXvA0teKUDhgNM71sDBVBCGXxNOR2bpbD1iM4dnuT0ey4L+loXEHTL0fqMeUcEi2asgImnlNakwenDzz0x57aBwyq3AspCFGB1ncX4yYCr/OaCcS5OKi/00WH+wNQU3',
      'QX/YEpG0gDsmhEpCdWhsxDzsfVE=',
    ],
  ] as const)
    expect(quickXorHash(Buffer.from(input, 'base64'))).toBe(hash);
});

it('addresses: the app folder, or one in it', () => {
  expect(parseOneDriveAddress('onedrive:')).toEqual({ url: 'onedrive:', folder: '' });
  expect(parseOneDriveAddress('onedrive:work')).toEqual({ url: 'onedrive:work', folder: 'work' });
  for (const bad of [
    'onedrive:a/b',
    'onedrive:a?x=1',
    'onedrive://u:p@host/a',
    'onedrive:..',
    'onedrive:a#b',
    'onedrive',
  ])
    expect([bad, syncCodeOf(() => parseOneDriveAddress(bad))]).toEqual([bad, 'usage']);
});
