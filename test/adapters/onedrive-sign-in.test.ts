/** Signing in to Microsoft, staying signed in, and losing it: the real msal with its real authority, led to a double. */
import { inspect } from 'node:util';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { open as openReal, openOneDrive } from '../../adapters/onedrive/index.ts';
import { readState, writeState } from '../../adapters/onedrive/state.ts';
import type { OpenContext } from '../../src/storage/adapter.ts';
import { createMemoryCredentials } from '../../src/storage/credentials.ts';
import { sampleBytes } from '../../src/testing/check.ts';
import { contextOf, type Device, namesIn, nowClock } from '../doubles/drive-setup.ts';
import { ENTRA_CLIENT } from '../doubles/entra.ts';
import { type OneDriveWorld, ONEDRIVE_URL, oneDriveWorld, SIGN_IN } from '../doubles/graph-setup.ts';
import { rejectionOf as codeOf } from '../helpers/codes.ts';

let world: OneDriveWorld;
let device: Device;
let told: string[];
beforeEach(async () => {
  world = await oneDriveWorld();
  device = { credentials: createMemoryCredentials(), clock: nowClock() };
  told = [];
});
afterEach(() => world.stop());

function open(more: Partial<OpenContext> = {}) {
  const tell = (text: string) => {
    told.push(text);
  };
  return openOneDrive(ONEDRIVE_URL, contextOf(device, { tell, ...more }), world.endpoints);
}

/** The person opens the address in the browser; the clock stands still until then. */
function withBrowser(visit: (url: string) => Promise<unknown>) {
  device.clock.pauseMs = 60_000;
  const visits: Promise<unknown>[] = [];
  const tell = (text: string) => {
    told.push(text);
    const url = /https\S+/.exec(text)?.[0];
    if (url !== undefined) visits.push(visit(url));
  };
  return { create: true, signIn: true, env: { PASSPORT_ONEDRIVE_CLIENT_ID: ENTRA_CLIENT }, tell, visits };
}

const tokenCalls = () => world.entra.log.filter(({ path }) => path.endsWith('/token')).length;
const AGAIN = {
  code: 'store-refused',
  hint: `Sign in again: passport store add "${ONEDRIVE_URL}"`,
  details: { signIn: true, retry: false },
};

describe('in the browser', () => {
  it('signs in, and needs no client and no sign-in afterwards', async () => {
    const browser = withBrowser(async (url) => (await world.entra.browse(url)).status);
    const store = await open(browser);
    expect(await Promise.all(browser.visits)).toEqual([200]);
    const query = new URL(/https\S+/.exec(told[0]!)![0]).searchParams;
    expect(query.get('scope')?.split(' ')).toContain('Files.ReadWrite.AppFolder');
    expect([query.get('response_mode'), query.get('code_challenge_method')]).toEqual(['form_post', 'S256']);
    await store.put('p/one', sampleBytes(3, 1));
    expect(await namesIn(await open())).toEqual(['p/one']);
    expect([tokenCalls(), told.length]).toEqual([1, 1]);
  });

  it('is refused when the person says no', async () => {
    world.entra.denies = true;
    expect(await codeOf(open(withBrowser((url) => world.entra.browse(url))))).toBe('refused');
    expect((await readState(device.credentials, ONEDRIVE_URL))?.account).toBeUndefined();
  });

  it('ends when nobody comes, and when the caller gives up', async () => {
    const browser = withBrowser(async () => undefined);
    device.clock.pauseMs = 200; // ten minutes of the test's clock
    expect(await codeOf(open(browser))).toBe('expired');
    const controller = new AbortController();
    const reason = new Error('enough');
    const leaving = withBrowser(async () => controller.abort(reason));
    device.clock.pauseMs = 200;
    await expect(open({ ...leaving, signal: controller.signal })).rejects.toBe(reason);
  });

  it('without an app registration it says which variable to set', async () => {
    expect(await codeOf(open({ create: true, signIn: true }))).toBe('usage');
  });
});

describe('when a sign-in has ended', () => {
  it('signing in again is asked for at once, also where nobody has noticed yet', async () => {
    await open({ ...SIGN_IN });
    world.entra.revoke();
    await (await open({ ...SIGN_IN })).put('p/one', sampleBytes(3, 1));
    expect(told).toHaveLength(2);
    await open({ ...SIGN_IN }); // not when it is good
    expect(told).toHaveLength(2);
  });

  it('no error shows a token or a code', async () => {
    const store = await open({ ...SIGN_IN });
    world.entra.revoke();
    const error: unknown = await store.put('p/one', sampleBytes(3, 1)).catch((thrown: unknown) => thrown);
    const shown = inspect(error, { depth: Infinity, showHidden: true });
    expect(shown).toContain('Sign in again');
    expect(world.entra.issued.filter((secret) => shown.includes(secret))).toEqual([]);
  });
});

describe('by a code on another device', () => {
  it('shows the code and polls until it was typed', async () => {
    world.entra.devicePolls = ['authorization_pending', 'authorization_pending'];
    const store = await open({ ...SIGN_IN });
    expect(told).toEqual([
      'Sign in to Microsoft on any device: open https://microsoft.com/devicelogin and type HJ6WKM5BT',
    ]);
    await store.put('p/one', sampleBytes(3, 1));
    expect(await namesIn(store)).toEqual(['p/one']);
    expect(tokenCalls()).toBe(3);
  });

  for (const [poll, code] of [
    ['authorization_declined', 'refused'],
    ['expired_token', 'expired'],
    ['bad_verification_code', 'store-refused'],
  ] as const) {
    it(`${poll} is ${code}`, async () => {
      world.entra.devicePolls = [poll];
      expect(await codeOf(open({ ...SIGN_IN }))).toBe(code);
      expect((await readState(device.credentials, ONEDRIVE_URL))?.account).toBeUndefined();
    });
  }

  it('ends with the reason when the caller gives up', async () => {
    world.entra.devicePolls = Array.from({ length: 1000 }, () => 'authorization_pending');
    const controller = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 200);
    await expect(open({ ...SIGN_IN, signal: controller.signal })).rejects.toBe(reason);
  });

  it('an unknown app registration is refused for good', async () => {
    const env = { PASSPORT_ONEDRIVE_CLIENT_ID: 'unknown', PASSPORT_SIGN_IN: 'device' };
    expect(await codeOf(open({ create: true, signIn: true, env }))).toBe('store-refused');
  });
});

describe('afterwards', () => {
  it('tokens are kept through the credentials port, and a new process asks nobody', async () => {
    device = await world.device();
    const { cache } = (await readState(device.credentials, ONEDRIVE_URL))!;
    expect(cache).toContain('M.R-refresh-');
    const before = world.entra.log.length;
    expect(await world.graph.count(async () => namesIn(await open()))).toBe(1);
    expect(world.entra.log).toHaveLength(before);
  });

  it('a token that Graph refuses is renewed once, for uploads too', async () => {
    device = await world.device();
    const store = await open();
    for (const call of [
      () => store.put('p/two', sampleBytes(5, 2)),
      () => store.put('p/three', sampleBytes(5 * 1024 * 1024, 3)),
      () => store.get('p/two'),
      () => namesIn(store),
      () => store.delete('p/two'),
    ]) {
      world.entra.expireAccess();
      const before = tokenCalls();
      await call();
      expect(tokenCalls() - before).toBe(1);
    }
    expect(await namesIn(store)).toEqual(['p/three']);
  });

  it('many calls that are refused at once renew it once', async () => {
    device = await world.device();
    const store = await open();
    const all = Array.from({ length: 8 }, (_, i) => `p/${i}`);
    for (const name of all) await store.put(name, sampleBytes(3, 1));
    world.entra.expireAccess();
    const before = tokenCalls();
    await Promise.all(all.map((name) => store.get(name)));
    expect(tokenCalls() - before).toBe(1);
  });

  it('a token that Graph refuses twice is "sign in again", and stays kept', async () => {
    device = await world.device();
    const store = await open();
    world.graph.setFault({ kind: 'status', status: 401 });
    await expect(namesIn(store)).rejects.toMatchObject(AGAIN);
    world.graph.setFault(undefined);
    expect(await namesIn(store)).toEqual([]);
  });

  it('a lost refresh token is "sign in again", and signing in again goes on with the same files', async () => {
    device = await world.device();
    const store = await open();
    await store.put('p/one', sampleBytes(3, 1));
    world.entra.revoke();
    for (const call of [() => namesIn(store), () => store.put('p/two', sampleBytes(3, 1)), () => open()])
      await expect(call()).rejects.toMatchObject(AGAIN);
    expect((await readState(device.credentials, ONEDRIVE_URL))?.cache).not.toContain('M.R-refresh-');
    // The app registration is known from before.
    const again = await open({ create: true, signIn: true, env: { PASSPORT_SIGN_IN: 'device' } });
    expect(await namesIn(again)).toEqual(['p/one']);
  });

  it('what is forgotten stays forgotten when a process that still has the store open renews or loses its token', async () => {
    device = await world.device();
    const [renewing, losing] = [await open(), await open()];
    for (const store of [renewing, losing]) await store.put('p/one', sampleBytes(3, 1));
    await device.credentials.write(ONEDRIVE_URL, null); // as `passport store remove` does
    world.entra.expireAccess();
    const before = tokenCalls();
    await namesIn(renewing);
    expect(tokenCalls() - before).toBe(1);
    expect(await device.credentials.read(ONEDRIVE_URL)).toBeUndefined();
    world.entra.revoke();
    await expect(namesIn(losing)).rejects.toMatchObject(AGAIN);
    expect(await device.credentials.read(ONEDRIVE_URL)).toBeUndefined();
  });

  it('a process that was signed in by another app registration leaves what the new one keeps', async () => {
    device = await world.device();
    const store = await open();
    await store.put('p/one', sampleBytes(3, 1));
    const other = { ...(await readState(device.credentials, ONEDRIVE_URL))!, clientId: 'another app', cache: '{}' };
    await writeState(device.credentials, ONEDRIVE_URL, other);
    world.entra.expireAccess();
    await namesIn(store);
    expect(await readState(device.credentials, ONEDRIVE_URL)).toEqual(other);
  });

  it('nobody is signed in on a new device', async () => {
    await expect(open()).rejects.toMatchObject(AGAIN);
    await expect(openReal(ONEDRIVE_URL, contextOf(device))).rejects.toMatchObject(AGAIN);
    expect(world.entra.log).toEqual([]);
  });

  it('a sign-in server that fails is unreachable, not a lost sign-in', async () => {
    device = await world.device();
    const store = await open();
    world.entra.expireAccess();
    world.entra.setFault({ kind: 'lost-answer' });
    expect(await codeOf(namesIn(store))).toBe('store-unreachable');
    world.entra.setFault(undefined);
    expect(await namesIn(store)).toEqual([]);
  });
});

it('msal is loaded only when a OneDrive is opened', async () => {
  const { metafile } = await build({
    entryPoints: ['adapters/onedrive/index.ts'],
    ...{ bundle: true, splitting: true, write: false, metafile: true, format: 'esm', platform: 'node', outdir: 'out' },
    packages: 'external',
  });
  const entry = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === 'adapters/onedrive/index.ts')!;
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
