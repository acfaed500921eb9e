/** The WebDAV adapter against a real server, Apache mod_dav_fs: the contract of a store, and what only WebDAV has. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWebdavStore, open, type WebdavLogin } from '../../adapters/webdav/index.ts';
import { nodeClock } from '../../src/node/clock.ts';
import { createMemoryCredentials } from '../../src/storage/credentials.ts';
import type { Store } from '../../src/storage/store.ts';
import { describeStore, describeStoreFaults } from '../../src/testing/index.ts';
import { seededRandom } from '../helpers/random.ts';
import { FaultProxy } from '../servers/fault-proxy.ts';
import { DAV_USER, type Server, serverInstalled, startWebdav } from '../servers/servers.ts';

describe.skipIf(!serverInstalled('webdav'))('on Apache mod_dav', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startWebdav();
  });
  afterAll(() => server.stop());

  async function collection() {
    const name = `vaults/${randomBytes(8).toString('hex')}`;
    const store = createWebdavStore({ server: `${server.origin}/${name}`, ...DAV_USER });
    await store.makeRoot();
    return { store, path: join(server.folder, 'data', name) };
  }

  describeStore(
    'the WebDAV store',
    async () => {
      const { store, path } = await collection();
      return {
        store,
        async putForeign(foreign) {
          mkdirSync(dirname(join(path, foreign)), { recursive: true });
          writeFileSync(join(path, foreign), 'foreign');
        },
      };
    },
    { describe, it },
  );

  describeStore(
    'the WebDAV store by Digest',
    async () => {
      const store = createWebdavStore({
        server: `${server.origin}/digest/${randomBytes(8).toString('hex')}`,
        ...DAV_USER,
      });
      await store.makeRoot();
      return { store };
    },
    { describe, it },
  );

  it('by Digest, a wrong password is refused; the first request still tries Basic, so only TLS hides the password', async () => {
    const proxy = await FaultProxy.before(server.port);
    const url = `${proxy.origin}/digest/mine`;
    const wrong = createWebdavStore({ server: url, ...DAV_USER, password: 'another' });
    await expect(wrong.makeRoot()).rejects.toMatchObject({ code: 'store-refused' });
    const store = createWebdavStore({ server: url, ...DAV_USER });
    await store.makeRoot();
    await store.put('p/one', Uint8Array.of(1, 2, 3));
    expect(await store.get('p/one')).toEqual(Uint8Array.of(1, 2, 3));
    const sent = proxy.seen.map(({ headers }) => headers['authorization'] ?? 'none');
    expect(sent[0]).toMatch(/^Basic /);
    expect(sent.at(-1)).toMatch(/^Digest /);
    await proxy.close();
  });

  describeStoreFaults(
    'the WebDAV store',
    async () => {
      const proxy = await FaultProxy.before(server.port);
      const store = createWebdavStore({ server: `${proxy.origin}/${randomBytes(8).toString('hex')}`, ...DAV_USER });
      await store.makeRoot();
      return { store, setFault: (fault) => void (proxy.rule = () => fault), cleanup: () => proxy.close() };
    },
    { describe, it },
  );

  const bytes = Uint8Array.of(1, 2, 3);
  const at = (path: string, login: WebdavLogin = DAV_USER) =>
    createWebdavStore({ server: `${server.origin}/${path}`, ...login });

  it('a folder that is not there is unreachable, for every call, and is not made', async () => {
    const store = at('missing/folder');
    for (const call of callsOf(store))
      expect(await errorOf(call())).toMatchObject({ code: 'store-unreachable', details: { retry: false } });
    expect(existsSync(join(server.folder, 'data/missing'))).toBe(false);
  });

  it('a folder is made with its parents when that is asked for, and again without harm', async () => {
    const store = at('made/with/parents');
    await store.makeRoot();
    await store.put('p/one', bytes);
    await store.makeRoot();
    expect(await list(store, 'p')).toEqual(['p/one']);
  });

  it.each([
    ['a wrong password', { username: 'u', password: 'wrong' }],
    ['an unknown user', { username: 'nobody', password: 'pw' }],
    ['nobody', {}],
    ['a token where the server knows none', { token: 'abc' }],
  ])('%s is refused, with the way out and without the secret', async (_, login: WebdavLogin) => {
    for (const call of callsOf(at('vaults', login))) {
      const error = await errorOf(call());
      expect(error).toMatchObject({ code: 'store-refused', hint: expect.stringContaining('PASSPORT_WEBDAV_PASSWORD') });
      expect(inspect(error, { depth: 20 })).not.toMatch(/wrong|Basic |abc/);
    }
  });

  it('a torn file under the name of an object is healed by a second put', async () => {
    const { store, path } = await collection();
    await store.put('p/one', bytes);
    writeFileSync(join(path, 'p/one'), Uint8Array.of(1));
    expect(await store.get('p/one')).toEqual(Uint8Array.of(1)); // its hash tells the caller
    await store.put('p/one', bytes);
    expect(await store.get('p/one')).toEqual(bytes);
  });

  it('a collection that somebody removed is made again by the next put', async () => {
    const { store, path } = await collection();
    await store.put('p/one/hot/a', bytes);
    rmSync(join(path, 'p'), { recursive: true });
    await store.put('p/one/hot/b', bytes);
    expect(await list(store, 'p')).toEqual(['p/one/hot/b']);
  });

  it('files of others with any name hide nothing', async () => {
    const { store, path } = await collection();
    await store.put('p/one', bytes);
    for (const name of ['ä ö', 'x&y<z>', '100%', '%zz', 'a#b?c', 'one.part', '\u0001'])
      writeFileSync(join(path, 'p', name), 'foreign');
    writeFileSync(Buffer.concat([Buffer.from(join(path, 'p/')), Buffer.of(0xff, 0xfe)]), 'no text');
    mkdirSync(join(path, 'p', 'p'));
    expect(await list(store, 'p')).toEqual(['p/one']);
  });

  it('what answers but is no WebDAV server is an error, never an empty store', async () => {
    const other = createServer((_, response) => response.end('<html>Welcome to the hotel network</html>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const store = createWebdavStore({ server: `http://127.0.0.1:${(other.address() as AddressInfo).port}/dav` });
    expect(await errorOf(list(store, 'p'))).toMatchObject({ code: 'store-refused' });
    other.close();
  });

  it('an idle sync is one request: listing a folder of a thousand objects asks once', async () => {
    const proxy = await FaultProxy.before(server.port);
    const { path } = await collection();
    mkdirSync(join(path, 'p/one/hot'), { recursive: true });
    for (let i = 0; i < 1000; i++) writeFileSync(join(path, 'p/one/hot', `c-${i}`), '');
    const store = createWebdavStore({
      server: `${proxy.origin}/${path.slice(path.indexOf('/data/') + 6)}`,
      ...DAV_USER,
    });
    expect(await list(store, 'p/one/hot')).toHaveLength(1000);
    expect(proxy.seen.map(({ method }) => method)).toEqual(['PROPFIND']);
    await proxy.close();
  });

  describe('an address', () => {
    const context = (env: Record<string, string>, credentials = createMemoryCredentials(), create = false) => ({
      ...{ create, signIn: create, credentials, env, clock: nodeClock, random: seededRandom('webdav'), tell: () => {} },
    });
    const address = () => `webdav+${server.origin}/${randomBytes(8).toString('hex')}`;

    it('with a password in the environment is added; from then on the sealed credentials do', async () => {
      const url = address();
      const credentials = createMemoryCredentials();
      const env = { PASSPORT_WEBDAV_USER: 'u', PASSPORT_WEBDAV_PASSWORD: 'pw' };
      const added = await open(url, context(env, credentials, true));
      expect(added.url).toBe(url);
      await added.put('p/one', bytes);
      expect(await (await open(url, context({}, credentials))).get('p/one')).toEqual(bytes);
      expect(await errorOf((await open(url, context({}))).get('p/one'))).toMatchObject({ code: 'store-refused' });
    });

    it('that has its login is told nothing of variables that are meant for another server', async () => {
      const proxy = await FaultProxy.before(server.port);
      const url = `webdav+${proxy.origin}/${randomBytes(8).toString('hex')}`;
      const credentials = createMemoryCredentials();
      await open(url, context({ PASSPORT_WEBDAV_USER: 'u', PASSPORT_WEBDAV_PASSWORD: 'pw' }, credentials, true));
      for (const env of [
        { PASSPORT_WEBDAV_USER: 'v', PASSPORT_WEBDAV_PASSWORD: 'of another' },
        { PASSPORT_WEBDAV_TOKEN: 'of another' },
      ])
        expect(await list(await open(url, context(env, credentials)), 'p')).toEqual([]);
      const sent = new Set(proxy.seen.map(({ headers }) => headers['authorization']));
      expect([...sent]).toEqual([`Basic ${btoa('u:pw')}`]);
      await proxy.close();
    });

    it('is opened with a changed password from the environment where somebody signs in', async () => {
      const url = address();
      const credentials = createMemoryCredentials();
      await open(url, context({ PASSPORT_WEBDAV_USER: 'u', PASSPORT_WEBDAV_PASSWORD: 'pw' }, credentials, true));
      const wrong = { PASSPORT_WEBDAV_USER: 'u', PASSPORT_WEBDAV_PASSWORD: 'wrong' };
      expect(await errorOf(open(url, context(wrong, credentials, true)))).toMatchObject({ code: 'store-refused' });
      expect(await list(await open(url, context({}, credentials)), 'p')).toEqual([]);
      const other = createMemoryCredentials();
      await open(url, context({ PASSPORT_WEBDAV_USER: 'u', PASSPORT_WEBDAV_PASSWORD: 'pw' }, other));
      expect(await list(await open(url, context({}, other)), 'p')).toEqual([]);
    });

    it('may name the user; a password that is wrong is not kept', async () => {
      const url = address().replace('//', '//u@');
      const credentials = createMemoryCredentials();
      const wrong = open(url, context({ PASSPORT_WEBDAV_PASSWORD: 'wrong' }, credentials, true));
      expect(await errorOf(wrong)).toMatchObject({ code: 'store-refused' });
      expect(await credentials.read(url)).toBeUndefined();
      await open(url, context({ PASSPORT_WEBDAV_PASSWORD: 'pw' }, credentials, true));
      expect(await credentials.read(url)).toBeDefined();
    });

    it.each([
      ['a password', 'webdav+https://u:hush@host/folder'],
      ['an unknown option', 'webdav+https://host/folder?token=hush'],
      ['no host', 'webdav+https:///'],
      ['clear text', 'webdav+http://host.example/folder'],
      ['clear text to what looks like loopback', 'webdav+http://127.0.0.1.host.example/folder'],
    ])('with %s is refused', async (_, url) => {
      const error = await errorOf(open(url, context({})));
      expect(error).toMatchObject({ code: 'usage' });
      expect(inspect(error)).not.toContain('hush');
    });

    it('in clear text is taken for this machine, and where the person says that the network is trusted', async () => {
      for (const url of [
        'webdav+http://localhost:1/a',
        'webdav+http://[::1]:1/a',
        'webdav+http://nas.local/a?insecure=yes',
      ])
        expect((await open(url, context({}))).url).toBe(url);
    });
  });
});

const callsOf = (store: Store) => [
  () => store.get('p/one'),
  () => store.put('p/one', Uint8Array.of(1)),
  () => store.delete('p/one'),
  () => list(store, 'p'),
];

async function list(store: Store, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.list(prefix)) names.push(name);
  return names.sort();
}

const errorOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'no error',
    (error: unknown) => error,
  );
