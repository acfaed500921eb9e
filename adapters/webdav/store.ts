/**
 * The store port over the client `webdav` (RFC 4918): GET, PUT, DELETE, MKCOL and PROPFIND of depth 1, because many servers
 * refuse depth infinity. A name is a path, its segments are collections. No conditions and no locks: servers differ in both.
 * A PUT that failed may have left a part of the object under its name; it is put again, never deleted.
 */
import { AuthType, createClient } from 'webdav';
import type { Bytes } from '../../src/bytes.ts';
import { parseRetryAfter, httpFailure, readBody, storeFailure } from '../../src/storage/http.ts';
import type { Store } from '../../src/storage/store.ts';
import { checkName, isName } from '../../src/storage/store-name.ts';
import { members, PROPFIND_TYPES } from './multistatus.ts';

export interface WebdavLogin {
  readonly username?: string;
  /** For Nextcloud and ownCloud an app password. Basic, or Digest when the server asks for it. */
  readonly password?: string;
  /** Instead of both: a bearer token. */
  readonly token?: string;
}

export interface WebdavOptions extends WebdavLogin {
  /** The collection that holds the objects, without a slash at its end. */
  readonly server: string;
  /** As the store's url says it. Default: `webdav+` and the server. */
  readonly url?: string;
  /** Milliseconds since 1970, for dates in Retry-After. */
  readonly now?: () => number;
}

export interface WebdavStore extends Store {
  /** Makes the collection and its parents where they are missing. */
  makeRoot(signal?: AbortSignal): Promise<void>;
  /** One request: the collection is there and lets this login in. */
  checkRoot(signal?: AbortSignal): Promise<void>;
}

/** What the client's response is in Node; its own type leaves the body out. */
interface Answer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: (AsyncIterable<Uint8Array> & { destroy?(): void; resume?(): void }) | null;
}

interface Question {
  readonly method: string;
  /** Instead of the path below the root. */
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly data?: ArrayBuffer | string;
  readonly signal?: AbortSignal | undefined;
}

/** A listing of a hundred thousand names is about 30 MB of XML. */
const MAX_LISTING_BYTES = 256 * 1024 * 1024;

export function createWebdavStore(options: WebdavOptions): WebdavStore {
  const { server, username, password, token, now = () => 0 } = options;
  const client = createClient(server, {
    authType: token !== undefined ? AuthType.Token : username === undefined ? AuthType.None : AuthType.Auto,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(token === undefined ? {} : { token: { access_token: token, token_type: 'Bearer' } }),
    headers: { 'Accept-Encoding': 'identity' },
  });
  const where = `the WebDAV folder ${server}`;

  /** Any answer that a status can be read from; no answer is `store-unreachable`, an abort the signal's reason. */
  async function ask(path: string, { signal, ...question }: Question): Promise<Answer> {
    signal?.throwIfAborted();
    const request = { ...question, headers: { ...question.headers }, ...(signal === undefined ? {} : { signal }) };
    try {
      return (await client.customRequest(path, request)) as unknown as Answer;
    } catch (error) {
      signal?.throwIfAborted();
      const { response, code, name } = error as { response?: Answer; code?: string; name?: string };
      if (response !== undefined) return response;
      throw storeFailure('store-unreachable', { where, reason: code ?? name, cause: error });
    }
  }

  function failure({ status, headers }: Answer): Error {
    const retryAfterMs = parseRetryAfter(headers.get('retry-after'), now());
    const hint = HINTS[status];
    return httpFailure({ where, status, hint, retryAfterMs });
  }

  /** The answer must be one of these; its body is dropped. */
  async function expect(answer: Answer, ...statuses: readonly number[]): Promise<number> {
    drop(answer);
    if (!statuses.includes(answer.status)) throw failure(answer);
    return answer.status;
  }

  /** Nothing is there: is the root? A server that lost its root must not look like an empty one. */
  async function checkRoot(signal?: AbortSignal): Promise<void> {
    const answer = await ask('/', { method: 'PROPFIND', headers: { Depth: '0' }, data: PROPFIND_TYPES, signal });
    if (isMissing(answer)) {
      drop(answer);
      throw storeFailure('store-unreachable', { where, status: answer.status, reason: 'no such folder', retry: false });
    }
    await expect(answer, 207);
  }

  /** MKCOL. Of two that make one collection at once Apache refuses one with 403; asked again it says 405, it is there. */
  async function mkcol(path: string, question: Omit<Question, 'method'>): Promise<Answer> {
    const make = () => ask(path, { ...question, method: 'MKCOL' });
    const answer = await make();
    if (answer.status !== 403) return answer;
    drop(answer);
    return make();
  }

  async function makeCollection(path: string, signal: AbortSignal | undefined): Promise<void> {
    if (path === '') return checkRoot(signal);
    let answer = await mkcol(`/${path}/`, { signal });
    if (isMissing(answer)) {
      drop(answer);
      await makeCollection(parent(path), signal);
      answer = await mkcol(`/${path}/`, { signal });
    }
    await expect(answer, 201, 405);
  }

  async function makeRoot(url: string, signal: AbortSignal | undefined): Promise<void> {
    let answer = await mkcol('', { url: `${url}/`, signal });
    const above = url.slice(0, url.lastIndexOf('/'));
    if (isMissing(answer) && above.length > new URL(url).origin.length) {
      drop(answer);
      await makeRoot(above, signal);
      answer = await mkcol('', { url: `${url}/`, signal });
    }
    await expect(answer, 201, 405);
  }

  async function put(name: string, data: ArrayBuffer, signal: AbortSignal | undefined): Promise<void> {
    const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': String(data.byteLength) };
    const send = () => ask(`/${name}`, { method: 'PUT', headers, data, signal });
    let answer = await send();
    if (isMissing(answer)) {
      drop(answer);
      await makeCollection(parent(name), signal);
      answer = await send();
    }
    await expect(answer, 200, 201, 204);
  }

  async function listCollection(within: string, signal: AbortSignal | undefined) {
    const headers = { Depth: '1', 'Content-Type': 'application/xml' };
    const propfind = (path: string) => ask(path, { method: 'PROPFIND', headers, data: PROPFIND_TYPES, signal });
    let answer = await propfind(`/${within}/`);
    if (answer.status === 400) {
      // Apache's answer for an object with a slash behind it.
      drop(answer);
      answer = await propfind(`/${within}`);
    }
    if (isMissing(answer)) {
      drop(answer);
      await checkRoot(signal);
      return [];
    }
    if (answer.status !== 207) {
      drop(answer);
      throw failure(answer);
    }
    const xml = await body(answer, within, MAX_LISTING_BYTES, signal);
    try {
      return await members(xml, within);
    } catch (error) {
      throw storeFailure('store-unreachable', { where, reason: 'a listing that is none', cause: error });
    }
  }

  async function body(answer: Answer, name: string, maxBytes: number, signal: AbortSignal | undefined): Promise<Bytes> {
    const announced = answer.headers.get('content-encoding') === null ? answer.headers.get('content-length') : null;
    try {
      const length = announced === null ? undefined : Number(announced);
      return await readBody(answer.body ?? none(), { name, length, maxBytes });
    } catch (error) {
      answer.body?.destroy?.();
      signal?.throwIfAborted();
      const { code, name: kind } = error as { code?: string; name?: string };
      if (kind === 'PassportError') throw error;
      throw storeFailure('store-unreachable', { where, reason: code ?? kind, cause: error });
    }
  }

  return {
    url: options.url ?? `webdav+${server}`,
    makeRoot: (signal) => makeRoot(server, signal),
    checkRoot,

    async get(name, { signal, maxBytes = Infinity } = {}) {
      checkName(name);
      const answer = await ask(`/${name}`, { method: 'GET', signal });
      if (answer.status === 404) {
        drop(answer);
        await checkRoot(signal);
        return undefined;
      }
      if (answer.status !== 200) {
        drop(answer);
        throw failure(answer);
      }
      return body(answer, name, maxBytes, signal);
    },

    async put(name, bytes, { signal } = {}) {
      checkName(name);
      await put(name, bytes.slice().buffer, signal);
    },

    async delete(name, { signal } = {}) {
      checkName(name);
      const status = await expect(await ask(`/${name}`, { method: 'DELETE', signal }), 200, 204, 404);
      if (status === 404) await checkRoot(signal);
    },

    async *list(prefix, { signal } = {}) {
      checkName(prefix);
      const collections = [prefix];
      for (let at = collections.pop(); at !== undefined; at = collections.pop()) {
        for (const { segment, collection } of await listCollection(at, signal)) {
          const name = `${at}/${segment}`;
          if (!isName(name)) continue; // also deeper than any name can be
          if (collection) collections.push(name);
          else yield name;
          signal?.throwIfAborted();
        }
      }
    },

    async close() {},
  };
}

const HINTS: Readonly<Record<number, string>> = {
  401: 'Sign in: passport store add with the same address, and PASSPORT_WEBDAV_USER and PASSPORT_WEBDAV_PASSWORD set; Nextcloud and ownCloud want an app password.',
  405: 'This address does not speak WebDAV.',
  413: 'The server takes no files of this size: raise its upload limit to 32 MB.',
};

/** It is not there, or the collection that it would be in is not: servers differ in which of the two they say. */
const isMissing = ({ status }: Answer) => status === 404 || status === 409;

const parent = (name: string) => name.slice(0, Math.max(0, name.lastIndexOf('/')));

/** Lets the connection be used again, or closes it. */
function drop({ body, status }: Answer): void {
  if (status < 300) body?.resume?.();
  else body?.destroy?.();
}

async function* none(): AsyncIterable<Uint8Array> {}
