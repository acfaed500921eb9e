/**
 * Google Drive and OneDrive as a person meets them: the built command with its real addresses, a proxy that leads them to doubles,
 * and the person at the browser or at another device. Nothing that a provider gives out may stand anywhere in clear.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Cloud, driveCloud, filesBelow, leaks, oneDriveCloud } from '../helpers/cloud.ts';
import { buildCommand, type Done, Machine, type Running } from '../helpers/machine.ts';

const { file: command, directory, remove } = buildCommand();
afterAll(remove);

const INIT = ['init', '--name', 'laptop', '--kit-out', 'kits', '--keystore', 'plain'];
const PENDING = ['authorization_pending', 'authorization_pending'];

test.each(['utf8', 'base64', 'hex'] as const)(
  'the search for secrets finds one that stands somewhere in %s',
  (form) => {
    const machine = new Machine(command, directory());
    const secret = '1//refresh-7-0badcafe';
    expect(leaks([secret], machine.directory, [])).toEqual([]);
    const file = machine.path('deep');
    writeFileSync(file, Buffer.from(Buffer.from(`{"token":"${secret}"}`).toString(form)));
    const done = { code: 0, out: Buffer.from(''), err: `a ${secret} in clear`, json: undefined, error: undefined };
    expect(leaks([secret], machine.directory, [done])).toEqual([`command 0: ${secret}`, `${file}: ${secret}`]);
  },
);

test('the hidden folder of Google Drive: the person is warned when it is chosen', async () => {
  const cloud = await driveCloud();
  const laptop = new Machine(command, directory(), { ...cloud.net, ...cloud.client, PASSPORT_SIGN_IN: 'device' });
  const made = await laptop.run(...INIT, '--store', 'drive:Passports?space=appDataFolder');
  expect(made).toMatchObject({ code: 0, err: expect.stringContaining('Drive deletes this hidden folder when') });
  expect(cloud.drive.items.listed('appDataFolder').length).toBeGreaterThan(0);
  expect(cloud.drive.items.listed('drive')).toEqual([]);
  await cloud.stop();
});

describe.each([
  ['Google Drive', driveCloud],
  ['OneDrive', oneDriveCloud],
] as const)('%s (double)', (_name, start) => {
  let cloud: Cloud;
  let laptop: Machine;
  let printed: Done[];
  beforeEach(async () => {
    cloud = await start();
    printed = [];
    laptop = machine();
  });
  afterEach(() => cloud.stop());

  /** Signs in by code; a stack of every error is printed too. */
  function machine(): Machine {
    const env = { ...cloud.net, ...cloud.client, PASSPORT_SIGN_IN: 'device', PASSPORT_DEBUG: '1' };
    return new Machine(command, directory(), env);
  }
  const inBrowser = () => delete laptop.env['PASSPORT_SIGN_IN'];

  async function ended(running: Running): Promise<Done> {
    const done = await running.done;
    printed.push(done);
    return done;
  }
  const run = (...args: string[]) => ended(laptop.start(args));
  const secrets = () => [
    ...cloud.auth.issued,
    ...Object.values(cloud.client).filter((each) => each.includes('GOCSPX')),
  ];

  function nothingInClear(...machines: Machine[]): void {
    expect(cloud.auth.issued.length).toBeGreaterThan(0);
    for (const each of [laptop, ...machines]) expect(leaks(secrets(), each.directory, printed)).toEqual([]);
  }

  async function founded(): Promise<void> {
    const made = await run(...INIT, '--store', cloud.url, '--json');
    expect(made).toMatchObject({ code: 0, json: { stores: [{ url: cloud.url, state: 'ok', behind: 0 }] } });
    laptop.enter(made.json);
  }

  test('init by code: the person sees a page and a code, later commands need neither sign-in nor client', async () => {
    cloud.auth.devicePolls = [...PENDING];
    const init = laptop.start([...INIT, '--store', cloud.url]);
    expect(await init.line(cloud.shown.code)).toMatch(new RegExp(`^Sign in to .*${cloud.shown.code.source}$`));
    const made = await ended(init);
    expect(made).toMatchObject({ code: 0, err: expect.stringContaining('Created the passport') });
    laptop.env['PASSPORT_SESSION'] = /PASSPORT_SESSION=(\S+)/.exec(made.out.toString())![1]!;

    for (const variable of Object.keys(cloud.client)) delete laptop.env[variable];
    const signIns = cloud.auth.log.length;
    expect(await ended(laptop.start(['put', 'key', '-'], 'a secret'))).toMatchObject({ code: 0 });
    const synced = await run('sync');
    expect(synced).toMatchObject({ code: 0, err: expect.stringContaining(`${cloud.url}: in step, 1 went`) });
    expect(synced.err).not.toMatch(/warning/i); // nor from a library
    expect(cloud.auth.log).toHaveLength(signIns);
    expect(new Set(cloud.asked).size).toBe(2); // the sign-in and the objects, through the proxy
    nothingInClear();
  });

  test('init in the browser: the person sees an address that can be opened as it stands', async () => {
    inBrowser();
    const init = laptop.start([...INIT, '--store', cloud.url]);
    const page = cloud.shown.page.exec(await init.line(cloud.shown.page))![0];
    expect((await cloud.browse(page)).status).toBe(200);
    const made = await ended(init);
    expect(made).toMatchObject({ code: 0, err: expect.not.stringContaining('\\u{') });
    expect(cloud.objects().length).toBeGreaterThan(0);
    nothingInClear();
  });

  test.each(['device', 'browser'])(
    'a person who says no (%s): nothing is made, and the command says so',
    async (way) => {
      cloud.auth.denies = true;
      if (way === 'browser') inBrowser();
      const init = laptop.start([...INIT, '--store', cloud.url]);
      if (way === 'browser') await cloud.browse(cloud.shown.page.exec(await init.line(cloud.shown.page))![0]);
      const done = await ended(init);
      expect(done).toMatchObject({ code: 3, err: expect.stringContaining('Nothing was kept. Try again') });
      expect(filesBelow(laptop.directory)).toEqual([]);
      expect(leaks(secrets(), laptop.directory, printed)).toEqual([]);
    },
  );

  test('a code that ended: the command says so, and can be given again', async () => {
    cloud.auth.devicePolls = ['authorization_pending', 'expired_token'];
    const done = await run(...INIT, '--store', cloud.url, '--json');
    expect(done).toMatchObject({ error: 'expired', json: { error: { hint: expect.stringContaining('again') } } });
    expect(filesBelow(laptop.directory)).toEqual([]);
    await founded();
    nothingInClear();
  });

  test.each(['device', 'browser'])(
    'one Ctrl-C while the sign-in waits (%s) ends the command; nothing is made',
    async (way) => {
      cloud.auth.devicePolls = Array.from({ length: 10_000 }, () => 'authorization_pending');
      if (way === 'browser') inBrowser();
      const init = laptop.start([...INIT, '--store', cloud.url]);
      await init.line(way === 'browser' ? cloud.shown.page : cloud.shown.code);
      init.interrupt();
      expect(await ended(init)).toMatchObject({ code: 130, err: expect.stringContaining('interrupted') });
      expect(readdirSync(laptop.directory).filter((each) => each !== 'state')).toEqual([]);
      expect(leaks(secrets(), laptop.directory, printed)).toEqual([]);
    },
  );

  test('without a client init begins nothing, and names the variables', async () => {
    for (const variable of Object.keys(cloud.client)) delete laptop.env[variable];
    const done = await run(...INIT, '--store', cloud.url, '--json');
    expect(done).toMatchObject({ code: 2, error: 'usage' });
    for (const variable of Object.keys(cloud.client)) expect(done.json.error.hint).toContain(variable);
    expect(filesBelow(laptop.directory)).toEqual([]);
  });

  test('is added to a passport that is elsewhere, and filled', async () => {
    const made = await run(...INIT, '--store', 'folder:store', '--json');
    laptop.enter(made.json);
    await ended(laptop.start(['put', 'key', '-'], 'a secret'));
    await run('sync');
    // Left in the middle of the sign-in, and done again.
    cloud.auth.devicePolls = Array.from({ length: 10_000 }, () => 'authorization_pending');
    const left = laptop.start(['store', 'add', cloud.url]);
    await left.line(cloud.shown.code);
    left.interrupt();
    expect(await ended(left)).toMatchObject({ code: 130 });
    expect((await run('store', 'list', '--json')).json).toHaveLength(1);
    cloud.auth.devicePolls = [];
    const added = laptop.start(['store', 'add', cloud.url]);
    await added.line(cloud.shown.code);
    expect(await ended(added)).toMatchObject({ code: 0, err: expect.stringContaining(`${cloud.url}: in step`) });
    expect(cloud.objects()).toHaveLength(filesBelow(laptop.path('store')).length);
    const checked = await run('store', 'check', cloud.url, '--json');
    expect(checked).toMatchObject({ code: 0, json: [{ ok: true }] });
    nothingInClear();
  });

  test('a sign-in that was taken back: sync names the command, which signs in again; nothing is lost meanwhile', async () => {
    await founded();
    cloud.revoke();
    await ended(laptop.start(['put', 'meanwhile', '-'], 'not lost'));
    const refused = await run('sync');
    expect(refused).toMatchObject({ code: 10, err: expect.stringContaining(`${cloud.url}: refuses, 1 still to go`) });
    const again = /Sign in again: passport (.+)$/m.exec(refused.err)?.[1];
    expect(again).toBe(`store add "${cloud.url}"`);
    // Also every later sync, and the status, until somebody does.
    expect((await run('sync')).err).toContain(`Sign in again: passport ${again}`);
    expect((await run('status')).err + (await run('status')).out.toString()).toContain('refused');

    for (const variable of Object.keys(cloud.client)) delete laptop.env[variable]; // the client is known
    const added = laptop.start(['store', 'add', cloud.url]);
    await added.line(cloud.shown.code);
    expect(await ended(added)).toMatchObject({ code: 0, err: expect.stringContaining(`${cloud.url}: in step`) });
    expect(await run('sync', '--json')).toMatchObject({ code: 0, json: { stores: [{ state: 'ok', behind: 0 }] } });
    expect((await run('get', 'meanwhile')).out.toString()).toBe('not lost');
    expect(await run('verify', '--json')).toMatchObject({ code: 0, json: { ok: true } });
    nothingInClear();
  });

  test('a second device joins, and signs in by itself', async () => {
    await founded();
    await ended(laptop.start(['put', 'key', '-'], 'a secret'));
    await run('sync');

    const phone = machine();
    const invite = laptop.start(['invite', '--json']);
    const { link, id } = await invite.event('link');
    const join = ['join', '-', '--name', 'phone', '--keystore', 'plain', '--yes', '--json'];
    // Left in the middle of the sign-in, then while it waits: it goes on with the same link, and one sign-in is enough.
    cloud.auth.devicePolls = Array.from({ length: 10_000 }, () => 'authorization_pending');
    const left = phone.start(join, link);
    await left.line(cloud.shown.code);
    left.interrupt();
    expect(await ended(left)).toMatchObject({ code: 130 });
    cloud.auth.devicePolls = [];
    const signedIn = phone.start(join, link);
    await signedIn.event('words');
    signedIn.interrupt();
    expect(await ended(signedIn)).toMatchObject({ code: 130 });
    const before = cloud.auth.log.length;
    const joining = phone.start(join, link);
    const { words } = await joining.event('words');
    await invite.event('answered');
    laptop.enter(
      (await run('approve', id, '--words', words.join(' '), '--kit', laptop.path('kits/kit-1.txt'), '--json')).json,
    );
    expect([await ended(joining), await ended(invite)]).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect(await ended(phone.start(['sync', '--json']))).toMatchObject({
      code: 0,
      json: { stores: [{ state: 'ok' }] },
    });
    expect(cloud.auth.log).toHaveLength(before);
    nothingInClear(phone);
  });

  test('a new machine is recovered with two kits, and signs in by itself', async () => {
    await founded();
    await ended(laptop.start(['put', 'key', '-'], 'a secret'));
    await run('sync');
    const kits = ['kit-1', 'kit-2'].flatMap((kit) => ['--kit', laptop.path('kits', `${kit}.txt`)]);
    const phone = machine();
    const fresh = ['recover', '--name', 'phone', '--keystore', 'plain', '--yes', '--kit-out', 'kits', '--json'];
    const recovered = await ended(phone.start([...fresh, '--store', cloud.url, ...kits]));
    expect(recovered).toMatchObject({ code: 0, err: expect.stringMatching(cloud.shown.code) });
    phone.enter(recovered.json);
    expect((await ended(phone.start(['get', 'key']))).out.toString()).toBe('a secret');
    nothingInClear(phone);
  });
});
