/** Signing in to Google, staying signed in, and losing it: the real client library against doubles of Google's endpoints. */
import { inspect } from 'node:util';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDriveAddress } from '../../adapters/drive/address.ts';
import { open as openReal, openDrive } from '../../adapters/drive/index.ts';
import { readState } from '../../adapters/drive/state.ts';
import type { OpenContext } from '../../src/storage/adapter.ts';
import { createMemoryCredentials } from '../../src/storage/credentials.ts';
import { sampleBytes } from '../../src/testing/check.ts';
import {
  contextOf,
  type Device,
  type DriveWorld,
  driveWorld,
  DRIVE_URL,
  namesIn,
  nowClock,
} from '../doubles/drive-setup.ts';
import { GOOGLE_CLIENT } from '../doubles/google-auth.ts';
import type { Received } from '../doubles/http-double.ts';
import { codeOf as syncCodeOf, rejectionOf as codeOf } from '../helpers/codes.ts';

const CLIENT = { PASSPORT_DRIVE_CLIENT_ID: GOOGLE_CLIENT.id, PASSPORT_DRIVE_CLIENT_SECRET: GOOGLE_CLIENT.secret };

let world: DriveWorld;
let device: Device;
let told: string[];
beforeEach(async () => {
  world = await driveWorld();
  device = { credentials: createMemoryCredentials(), clock: nowClock() };
  told = [];
});
afterEach(() => world.stop());

function open(more: Partial<OpenContext> = {}, url = DRIVE_URL) {
  const tell = (text: string) => {
    told.push(text);
  };
  return openDrive(url, contextOf(device, { tell, ...more }), world.auth.endpoints(`${world.drive.url}/`));
}

/** The person opens the address in the browser; the clock stands still until then. */
function withBrowser(visit: (url: string) => Promise<unknown>) {
  device.clock.pauseMs = 60_000;
  const visits: Promise<unknown>[] = [];
  const tell = (text: string) => {
    told.push(text);
    const url = /http\S+/.exec(text)?.[0];
    if (url !== undefined) visits.push(visit(url));
  };
  return { create: true, signIn: true, env: CLIENT, tell, visits };
}

const signIns = () => world.auth.log.filter(({ path }) => path === '/token').length;

describe('in the browser', () => {
  it('signs in with a loopback redirect, PKCE and state, and needs no client and no sign-in afterwards', async () => {
    const browser = withBrowser(async (url) => (await fetch(url)).text());
    const store = await open(browser);
    expect(await Promise.all(browser.visits)).toEqual(['You are signed in. You can close this page.']);
    const query = new URL(/http\S+/.exec(told[0]!)![0]).searchParams;
    expect(query.get('scope')).toBe('https://www.googleapis.com/auth/drive.file');
    expect([query.get('access_type'), query.get('code_challenge_method')]).toEqual(['offline', 'S256']);
    await store.put('p/one', sampleBytes(3, 1));
    await store.close();
    const again = await open();
    expect(await namesIn(again)).toEqual(['p/one']);
    expect([signIns(), told.length]).toEqual([1, 1]);
  });

  it('is not confused by other visitors of its port', async () => {
    const browser = withBrowser(async (url) => {
      const at = new URL(url).searchParams.get('redirect_uri')!;
      const strangers = await Promise.all(
        ['/', '/favicon.ico', '/?code=4/stolen&state=guessed', '/?error=access_denied'].map(
          async (path) => (await fetch(at + path)).status,
        ),
      );
      await fetch(url);
      return strangers;
    });
    await open(browser);
    expect(await Promise.all(browser.visits)).toEqual([[400, 400, 400, 400]]);
    expect((await readState(device.credentials, DRIVE_URL))?.tokens?.refresh).toMatch(/^1\/\//);
  });

  it('is refused when the person says no, or leaves the access to files out; nothing is kept', async () => {
    world.auth.denies = true;
    expect(await codeOf(open(withBrowser(fetch)))).toBe('refused');
    world.auth.denies = false;
    world.auth.takesOut = ['https://www.googleapis.com/auth/drive.file'];
    expect(await codeOf(open(withBrowser(fetch)))).toBe('refused');
    expect(await device.credentials.read(DRIVE_URL)).toBeUndefined();
  });

  it('ends when nobody comes, and when the caller gives up', async () => {
    expect(await codeOf(open({ create: true, signIn: true, env: CLIENT }))).toBe('expired'); // the clock of the test runs on
    const controller = new AbortController();
    const reason = new Error('enough');
    const browser = withBrowser(async () => controller.abort(reason));
    device.clock.pauseMs = 50;
    await expect(open({ ...browser, signal: controller.signal })).rejects.toBe(reason);
  });

  it('without an OAuth client it says which variables to set', async () => {
    expect(await codeOf(open({ create: true, signIn: true }))).toBe('usage');
  });
});

describe('by a code on another device', () => {
  const DEVICE = { create: true, signIn: true, env: { ...CLIENT, PASSPORT_SIGN_IN: 'device' } };

  it('shows the code, polls at the interval that Google asks for, and slows down', async () => {
    world.auth.devicePolls = ['authorization_pending', 'slow_down', 'authorization_pending'];
    const before = device.clock.now();
    const store = await open(DEVICE);
    expect(told).toEqual(['Sign in to Google on any device: open https://www.google.com/device and type GQVQ-JKEC']);
    expect(device.clock.now() - before).toBe(5000 + 5000 + 10_000 + 10_000);
    await store.put('p/one', sampleBytes(3, 1));
    expect(await namesIn(store)).toEqual(['p/one']);
  });

  it('is allowed for appDataFolder too, which warns', async () => {
    const store = await open(DEVICE, `${DRIVE_URL}?space=appDataFolder`);
    await store.put('p/one', sampleBytes(3, 1));
    expect(await namesIn(store)).toEqual(['p/one']);
    expect(told[1]).toContain('deletes this hidden folder');
  });

  for (const [poll, code] of [
    ['access_denied', 'refused'],
    ['expired_token', 'expired'],
    ['invalid_grant', 'refused'],
  ] as const) {
    it(`${poll} is ${code}`, async () => {
      world.auth.devicePolls = [poll];
      expect(await codeOf(open(DEVICE))).toBe(code);
      expect(await device.credentials.read(DRIVE_URL)).toBeUndefined();
    });
  }

  it('asks again, less often, when an answer did not come or Google was in trouble', async () => {
    world.auth.devicePolls = ['authorization_pending'];
    const isPoll = ({ path }: Received) => path === '/token';
    world.auth.trap((request) => (isPoll(request) ? { kind: 'status', status: 503 } : undefined));
    world.auth.trap((request) => (isPoll(request) ? { kind: 'cut-request' } : undefined));
    world.auth.trap((request) => (isPoll(request) ? { status: 502, body: '<html>a proxy</html>' } : undefined));
    const before = device.clock.now();
    const store = await open(DEVICE);
    expect(device.clock.now() - before).toBe((5 + 10 + 20 + 40 + 40) * 1000);
    expect(await namesIn(store)).toEqual([]);
  });

  it('ends when nobody types the code', async () => {
    world.auth.devicePolls = Array.from({ length: 1000 }, () => 'authorization_pending');
    expect(await codeOf(open(DEVICE))).toBe('expired');
  });
});

describe('afterwards', () => {
  it('an access token that Drive refuses is renewed once, for uploads too', async () => {
    device = await world.device();
    const store = await open();
    await store.put('p/one', sampleBytes(3, 1));
    const calls = [
      () => store.put('p/two', sampleBytes(5, 2)),
      () => store.put('p/three', sampleBytes(5 * 1024 * 1024, 3)),
      () => store.get('p/one'),
      () => namesIn(store),
      () => store.delete('p/one'),
    ];
    for (const call of calls) {
      world.auth.expireAccess();
      const before = signIns();
      await call();
      expect(signIns() - before).toBe(1);
    }
    expect(await namesIn(store)).toEqual(['p/three', 'p/two']);
  });

  it('many calls that are refused at once renew it once', async () => {
    device = await world.device();
    const store = await open();
    const all = Array.from({ length: 8 }, (_, i) => `p/${i}`);
    for (const name of all) await store.put(name, sampleBytes(3, 1));
    world.auth.expireAccess();
    const before = signIns();
    await Promise.all(all.map((name) => store.get(name)));
    expect(signIns() - before).toBe(1);
  });

  it('a token that is about to end is renewed before it is used, and kept for the next process', async () => {
    world.auth.accessSeconds = 30;
    device = await world.device();
    world.auth.accessSeconds = 3599;
    expect(await world.drive.count(async () => namesIn(await open()))).toBe(1);
    expect(signIns()).toBe(1);
    await namesIn(await open());
    expect(signIns()).toBe(1);
  });

  it('a lost refresh token is "sign in again", and signing in again goes on with the same files', async () => {
    device = await world.device();
    const store = await open();
    await store.put('p/one', sampleBytes(3, 1));
    world.auth.revoke();
    for (const call of [() => namesIn(store), () => store.put('p/two', sampleBytes(3, 1)), () => open()])
      await expect(call()).rejects.toMatchObject({
        code: 'store-refused',
        hint: `Sign in again: passport store add "${DRIVE_URL}"`,
        details: { signIn: true, retry: false },
      });
    // The client is known from before.
    const again = await open({ create: true, signIn: true, env: { PASSPORT_SIGN_IN: 'device' } });
    expect(await namesIn(again)).toEqual(['p/one']);
  });

  it('a process with an older sign-in takes the newer one over, and does not overwrite it', async () => {
    device = await world.device();
    const [noticing, closing] = [await open(), await open()];
    for (const store of [noticing, closing]) await store.put(`p/${store === closing}`, sampleBytes(3, 1));
    world.auth.revoke();
    const other = { credentials: createMemoryCredentials(), clock: device.clock };
    const signIn = { create: true, signIn: true, env: { ...CLIENT, PASSPORT_SIGN_IN: 'device' } };
    await openDrive(DRIVE_URL, contextOf(other, signIn), world.auth.endpoints(`${world.drive.url}/`));
    await device.credentials.write(DRIVE_URL, (await other.credentials.read(DRIVE_URL))!);
    await closing.close();
    expect(await codeOf(namesIn(noticing))).toBe('store-unreachable'); // worth a retry
    expect(await namesIn(noticing)).toEqual(['p/false', 'p/true']);
    expect(await namesIn(await open())).toEqual(['p/false', 'p/true']);
  });

  it('what is forgotten stays forgotten when a process that still has the store open closes it', async () => {
    device = await world.device();
    const store = await open();
    await store.put('p/one', sampleBytes(3, 1));
    await device.credentials.write(DRIVE_URL, null);
    await store.close();
    expect(await device.credentials.read(DRIVE_URL)).toBeUndefined();
  });

  it('signing in again is asked for at once, also where nobody has noticed yet that the sign-in ended', async () => {
    device = await world.device();
    world.auth.revoke();
    const again = { create: true, signIn: true, env: { PASSPORT_SIGN_IN: 'device' } };
    await (await open(again)).put('p/one', sampleBytes(3, 1));
    expect(told).toHaveLength(1);
    await open(again); // not when it is good
    expect(told).toHaveLength(1);
  });

  it('no error shows a token, a code or the secret of the client', async () => {
    device = await world.device();
    const store = await open();
    world.auth.revoke();
    const error: unknown = await store.put('p/one', sampleBytes(3, 1)).catch((thrown: unknown) => thrown);
    const shown = inspect(error, { depth: Infinity, showHidden: true });
    expect(shown).toContain('Sign in again');
    expect([...world.auth.issued, GOOGLE_CLIENT.secret].filter((secret) => shown.includes(secret))).toEqual([]);
  });

  it('nobody is signed in on a new device', async () => {
    expect(await codeOf(open())).toBe('store-refused');
    expect(await codeOf(openReal(DRIVE_URL, contextOf(device)))).toBe('store-refused');
    expect(world.auth.log).toEqual([]);
  });

  it('a token endpoint that fails is unreachable, not a lost sign-in', async () => {
    device = await world.device();
    const store = await open();
    world.auth.expireAccess();
    world.auth.setFault({ kind: 'status', status: 400 });
    expect(await codeOf(namesIn(store))).toBe('store-refused');
    world.auth.setFault({ kind: 'lost-answer' });
    expect(await codeOf(namesIn(store))).toBe('store-unreachable');
    world.auth.setFault(undefined);
    expect(await namesIn(store)).toEqual([]);
  });
});

it('addresses: a folder name, and a space', () => {
  expect(parseDriveAddress('drive:')).toEqual({ url: 'drive:', folder: 'Passport Mesh', space: 'drive' });
  expect(parseDriveAddress('drive:My%20Safe')).toMatchObject({ folder: 'My Safe', space: 'drive' });
  expect(parseDriveAddress('drive:a?space=appDataFolder')).toMatchObject({ folder: 'a', space: 'appDataFolder' });
  for (const bad of [
    'drive:a/b',
    'drive:a?space=photos',
    'drive:a?x=1',
    'drive://u:p@host/a',
    'drive:%zz',
    'drive:a#b',
  ])
    expect([bad, syncCodeOf(() => parseDriveAddress(bad))]).toEqual([bad, 'usage']);
});

it('the client library is loaded only when a Drive is opened', async () => {
  const { metafile } = await build({
    entryPoints: ['adapters/drive/index.ts'],
    ...{ bundle: true, splitting: true, write: false, metafile: true, format: 'esm', platform: 'node', outdir: 'out' },
    packages: 'external',
  });
  const entry = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === 'adapters/drive/index.ts')!;
  const loaded = new Set<string>();
  const follow = (imports: typeof entry.imports): void => {
    for (const { path, kind } of imports) {
      if (kind === 'dynamic-import' || loaded.has(path)) continue;
      loaded.add(path);
      follow(metafile.outputs[path]?.imports ?? []);
    }
  };
  follow(entry.imports);
  expect([...loaded].filter((path) => !path.startsWith('out/'))).toEqual([]);
  expect(entry.imports.some(({ kind }) => kind === 'dynamic-import')).toBe(true);
});
