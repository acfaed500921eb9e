/**
 * Stores on a WebDAV server (Nextcloud, ownCloud, Apache and others): `webdav+https://HOST/PATH`. The user name may stand in
 * the address (`webdav+https://anna@cloud.example/…`), the password never: it comes from PASSPORT_WEBDAV_PASSWORD once,
 * and then from the sealed credentials of this device. README.md beside this file says the rest.
 */
import { fromUtf8, utf8 } from '../../src/bytes.ts';
import { PassportError } from '../../src/errors.ts';
import type { OpenContext, OpenStore } from '../../src/storage/adapter.ts';
import type { Credentials } from '../../src/storage/credentials.ts';
import { addressOptions, parseAddress, refuseClearText } from '../../src/storage/address.ts';
import { createWebdavStore, type WebdavLogin, type WebdavOptions } from './store.ts';

export { createWebdavStore, type WebdavLogin, type WebdavOptions };

const EXAMPLE =
  'A WebDAV store is written webdav+https://host/path, for Nextcloud webdav+https://host/remote.php/dav/files/USER/FOLDER.';

export const open: OpenStore = async (url, context) => {
  const { server, username } = parseWebdavUrl(url);
  const kept = await keptLogin(url, context.credentials);
  // Not where a login is kept and nobody asked to sign in: the variables are meant for another server, which this one is not to know.
  const given = kept === undefined || context.signIn ? givenLogin(username, context.env) : undefined;
  const login = given ?? kept ?? {};
  const store = createWebdavStore({ url, server, ...login, now: () => context.clock.now() });
  if (context.create) await store.makeRoot(context.signal);
  if (given === undefined || JSON.stringify(given) === JSON.stringify(kept)) return store;
  // Once it has worked it is not needed in the environment any more.
  if (!context.create) await store.checkRoot(context.signal);
  await context.credentials.write(url, utf8(JSON.stringify(given)));
  return store;
};

export function parseWebdavUrl(url: string): { server: string; username: string | undefined } {
  const parsed = parseAddress(url, EXAMPLE);
  const options = addressOptions(parsed, ['insecure']);
  if (!/^webdav\+https?:$/.test(parsed.protocol) || parsed.hostname === '')
    throw new PassportError('usage', 'this is not the address of a WebDAV folder', { hint: EXAMPLE });
  const server = new URL(url.replace(/^webdav\+/i, ''));
  refuseClearText(server, options.insecure === 'yes');
  const username = server.username === '' ? undefined : decodeURIComponent(server.username);
  server.username = '';
  return { server: `${server.origin}${server.pathname.replace(/\/+$/, '')}`, username };
}

/** From the environment. Where somebody signs in it wins, so that a changed password can be given. */
function givenLogin(username: string | undefined, env: OpenContext['env']): WebdavLogin | undefined {
  const token = env['PASSPORT_WEBDAV_TOKEN'];
  if (token !== undefined) return { token };
  const password = env['PASSPORT_WEBDAV_PASSWORD'];
  const user = username ?? env['PASSPORT_WEBDAV_USER'];
  return password === undefined || user === undefined ? undefined : { username: user, password };
}

async function keptLogin(url: string, credentials: Credentials): Promise<WebdavLogin | undefined> {
  const kept = await credentials.read(url);
  return kept && (JSON.parse(fromUtf8(kept)) as WebdavLogin);
}
