/**
 * What goes wrong at Google Drive and OneDrive while a person works: the built command with its real addresses, led to doubles.
 * Whatever happens, nothing is lost, the person is told, and what the person is told to do puts it right.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sampleBytes } from '../../src/testing/check.ts';
import { type Cloud, driveCloud, type DriveCloud, leaks, oneDriveCloud } from '../helpers/cloud.ts';
import { buildCommand, type Done, Machine } from '../helpers/machine.ts';

const { file: command, directory, remove } = buildCommand();
afterAll(remove);

const KIB = 1024;
/** Eleven minutes: the adapter believes for ten what it has put itself. */
const LATER = `--import=data:text/javascript,const{now}=Date;Date.now=()=>now()+${11 * 60_000}`;

/** A passport whose only store is there, and one record. */
async function laptopAt(cloud: Cloud): Promise<Machine> {
  const env = { ...cloud.net, ...cloud.client, PASSPORT_SIGN_IN: 'device' };
  const laptop = new Machine(command, directory(), env);
  laptop.enter(
    await laptop.json(
      ...['init', '--name', 'laptop', '--kit-out', 'kits', '--keystore', 'plain', '--store', cloud.url],
    ),
  );
  await put(laptop, 'first', 'a secret');
  await laptop.json('sync');
  return laptop;
}

async function put(machine: Machine, key: string, value: string | Uint8Array): Promise<void> {
  expect(await machine.start(['put', key, '-'], value).done).toMatchObject({ code: 0 });
}

describe.each([
  ['Google Drive', driveCloud],
  ['OneDrive', oneDriveCloud],
] as const)('%s (double)', (_name, start) => {
  let cloud: Cloud;
  let laptop: Machine;
  beforeEach(async () => {
    cloud = await start();
    laptop = await laptopAt(cloud);
  });
  afterEach(() => cloud.stop());

  const synced = async (): Promise<Done> => laptop.run('sync', '--json');
  const IN_STEP = { code: 0, json: { stores: [{ state: 'ok', behind: 0, lost: [], damaged: [] }] } };

  async function isWhole(): Promise<void> {
    const checked = await laptop.run('verify', '--json');
    expect(checked).toMatchObject({ code: 0, json: { ok: true } });
    expect(leaks(cloud.auth.issued, laptop.directory, [checked])).toEqual([]);
  }

  test('a limit of requests through a whole sync: it waits as it is told, and all arrives', async () => {
    const files = ['a', 'b', 'c'].map((name, i) => {
      const file = laptop.path(name);
      writeFileSync(file, sampleBytes(700 * KIB, i));
      return file;
    });
    for (const file of files) expect(await laptop.run('put', `large/${file.at(-1)}`, file)).toMatchObject({ code: 0 });
    let seen = 0;
    let refused = 0;
    cloud.files.rule = () => {
      if (seen++ % 2 > 0) return undefined;
      refused++;
      const headers = { 'content-type': 'application/json', 'retry-after': '1' };
      return { status: cloud.throttled.status, headers, body: JSON.stringify(cloud.throttled.body) };
    };
    const before = Date.now();
    expect(await synced()).toMatchObject(IN_STEP);
    expect(refused).toBeGreaterThan(1);
    expect(Date.now() - before).toBeGreaterThan(1000 * refused * 0.9); // Retry-After, each time
    cloud.files.rule = undefined;
    await isWhole();
  });

  test('a storm that outlasts every attempt: the changes wait, a later sync brings all', async () => {
    await put(laptop, 'meanwhile', 'not lost');
    const { status, body } = cloud.throttled;
    const headers = { 'content-type': 'application/json' };
    cloud.files.rule = () => ({ status, headers, body: JSON.stringify(body) });
    const stormy = await laptop.run('sync', '--json');
    expect(stormy).toMatchObject({ code: 10, json: { stores: [{ state: 'unreachable', behind: 1 }] } });
    cloud.files.rule = undefined;
    expect(await synced()).toMatchObject(IN_STEP);
    await isWhole();
  });

  test('access tokens that end in the middle, or are too short for one request: renewed, and nobody is asked', async () => {
    await put(laptop, 'meanwhile', 'not lost');
    cloud.auth.accessSeconds = 30;
    let left = 2;
    cloud.files.rule = () => {
      if (--left === 0) cloud.auth.expireAccess();
      return undefined;
    };
    const before = cloud.auth.log.length;
    expect(await synced()).toMatchObject(IN_STEP);
    expect(cloud.auth.log.length - before).toBeGreaterThan(0);
    await put(laptop, 'then', 'another');
    expect(await synced()).toMatchObject(IN_STEP);
    await isWhole();
  });

  test('an account that is full in the middle of a sync: named, the passport stays open, and goes on with room', async () => {
    for (const key of ['one', 'two']) await put(laptop, key, sampleBytes(600 * KIB, 1));
    cloud.files.quotaBytes = 500 * KIB;
    const full = await laptop.run('sync');
    expect(full).toMatchObject({ code: 10, err: expect.stringMatching(/full, \d+ still to go .*\n\s+Make room/) });
    expect((await laptop.run('get', 'first')).out.toString()).toBe('a secret');
    expect((await laptop.run('status', '--json')).json.warnings).toContain(`${cloud.url}: full`);
    cloud.files.quotaBytes = Infinity;
    expect(await synced()).toMatchObject(IN_STEP);
    await isWhole();
  });

  test('objects beyond the simple upload go in a session, through the proxy too', async () => {
    const large = Array.from({ length: 6 }, (_, i) => sampleBytes(1000 * KIB, i));
    for (const [i, bytes] of large.entries()) await put(laptop, `large/${i}`, bytes);
    const from = cloud.files.log.length;
    expect(await synced()).toMatchObject(IN_STEP);
    const sessions = cloud.files.log
      .slice(from)
      .filter(({ query, path }) => /uploadType=resumable/.test(query) || /createUploadSession/.test(path));
    expect(sessions.length).toBeGreaterThan(0);
    await isWhole();
  });

  test('a person deletes the folder on the web page: sync names what is lost and puts it back', async () => {
    const before = cloud.objects().sort();
    cloud.wipe();
    expect(cloud.objects()).toEqual([]);
    const named = await synced();
    expect(named).toMatchObject({ code: 0, json: { stores: [{ state: 'rolled-back' }] } });
    expect(named.json.stores[0].lost.length).toBeGreaterThan(0);
    expect(await laptop.run('verify', '--repair', '--json')).toMatchObject({ code: 0 });
    expect(cloud.objects().sort()).toEqual(before);
    expect(await synced()).toMatchObject(IN_STEP);
    await isWhole();
  });

  test('the same, and verify is what the person asks first', async () => {
    const before = cloud.objects().sort();
    cloud.wipe();
    const damaged = await laptop.run('verify', '--json');
    expect(damaged).toMatchObject({ code: 8, json: { ok: false } });
    expect(await laptop.run('verify', '--repair', '--json')).toMatchObject({ code: 0 });
    expect(cloud.objects().sort()).toEqual(before);
    await isWhole();
  });
});

describe('Google Drive (double)', () => {
  let cloud: DriveCloud;
  let laptop: Machine;
  beforeEach(async () => {
    cloud = await driveCloud();
    laptop = await laptopAt(cloud);
  });
  afterEach(() => cloud.stop());

  test('other programs made files and folders of the same names: they do no harm', async () => {
    const { items } = cloud.drive;
    for (const [, item] of items.paths())
      items.add({ ...item, id: items.reserve('drive'), content: item.content && Buffer.from('of another program') });
    await put(laptop, 'second', 'another');
    expect(await laptop.run('sync', '--json')).toMatchObject({ code: 0, json: { stores: [{ behind: 0 }] } });
    const phone = new Machine(command, directory(), { ...laptop.env, PASSPORT_SESSION: '' });
    const kits = ['kit-1', 'kit-2'].flatMap((kit) => ['--kit', laptop.path('kits', `${kit}.txt`)]);
    const fresh = ['recover', '--name', 'phone', '--keystore', 'plain', '--yes', '--kit-out', 'kits'];
    phone.enter(await phone.json(...fresh, '--store', cloud.url, ...kits));
    expect((await phone.run('get', 'second')).out.toString()).toBe('another');
  });

  test('the folder was deleted for good, and Drive refuses a query for it: the same', async () => {
    const before = cloud.objects().sort();
    cloud.drive.refusesGoneParents = true;
    cloud.wipe();
    const named = await laptop.run('sync', '--json');
    expect(named).toMatchObject({ code: 0, json: { stores: [{ state: 'rolled-back' }] } });
    expect(await laptop.run('verify', '--repair', '--json')).toMatchObject({ code: 0 });
    expect(cloud.objects().sort()).toEqual(before);
    expect(await laptop.run('verify', '--json')).toMatchObject({ code: 0, json: { ok: true } });
  });

  test.each(['file', 'folder'])('a %s in the bin is missed, and put again', async (what) => {
    const { items } = cloud.drive;
    const before = cloud.objects().sort();
    const [, item] = items.paths().find(([path]) => (what === 'file' ? /hot\/c-/ : /^Passports$/).test(path))!;
    item.trashed = true;
    laptop.env['NODE_OPTIONS'] = LATER;
    expect(cloud.objects().length).toBeLessThan(before.length);
    expect(await laptop.run('verify', '--repair', '--json')).toMatchObject({ code: 0 });
    expect(cloud.objects().sort()).toEqual(before);
    expect(await laptop.run('verify', '--json')).toMatchObject({ code: 0, json: { ok: true } });
  });
});
