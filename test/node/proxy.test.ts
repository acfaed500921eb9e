/** HTTPS_PROXY, HTTP_PROXY and NO_PROXY for the stores that use `fetch`; the command behind a real one is in test/cli/sign-in.test.ts. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { proxyFetch } from '../../src/node/proxy.ts';
import { openStore } from '../../src/node/stores.ts';
import { contextOf, nowClock } from '../doubles/drive-setup.ts';
import { createMemoryCredentials } from '../../src/storage/credentials.ts';
import { type LeadingProxy, startLeadingProxy } from '../servers/leading-proxy.ts';

describe('a proxy of the environment', () => {
  let server: Server;
  let origin: string;
  let proxy: LeadingProxy;
  beforeEach(async () => {
    server = createServer((_, response) => response.end('here'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    proxy = await startLeadingProxy({ 'known.invalid': origin });
  });
  afterEach(async () => {
    await proxy.stop();
    await new Promise((done) => server.close(done));
  });

  it('is none where none is named, and Node’s own fetch stays in use', async () => {
    expect(await proxyFetch({})).toBeUndefined();
    expect(await proxyFetch({ HTTPS_PROXY: '', NO_PROXY: '*' })).toBeUndefined();
  });

  it.each(['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'])(
    '%s is asked to connect; a host that it refuses is not reached another way',
    async (name) => {
      const through = (await proxyFetch({ [name]: proxy.url }))!;
      await expect(through('https://unknown.invalid/')).rejects.toThrow('fetch failed');
      expect(proxy.asked).toEqual(['unknown.invalid']);
    },
  );

  it('is not asked for the hosts of NO_PROXY, and not for what has no TLS', async () => {
    const through = (await proxyFetch({ HTTPS_PROXY: proxy.url, NO_PROXY: 'other.invalid,unknown.invalid' }))!;
    await expect(through('https://unknown.invalid/')).rejects.toThrow('fetch failed');
    expect(await (await through(origin, { headers: { connection: 'close' } })).text()).toBe('here');
    expect(proxy.asked).toEqual([]);
  });

  it.each(['socks5://127.0.0.1:1', 'proxy:8080', 'a word'])(
    '%s is no address of one: usage, and nothing of it is shown',
    async (proxy) => {
      const error: unknown = await proxyFetch({ HTTPS_PROXY: proxy }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'usage', hint: 'A proxy is written http://HOST:PORT.' });
      expect(inspect(error)).not.toContain(proxy);
    },
  );

  it.each(['drive:Passports', 'onedrive:'])('%s says so before anything is asked', async (url) => {
    const context = contextOf({ credentials: createMemoryCredentials(), clock: nowClock() });
    await expect(openStore(url, { ...context, env: { HTTPS_PROXY: 'proxy:8080' } })).rejects.toMatchObject({
      code: 'usage',
    });
  });
});
