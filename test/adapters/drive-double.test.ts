/** The double of Drive refuses what the published description does not allow: else tests against it would prove little. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SCOPES } from '../../adapters/drive/address.ts';
import { DriveDouble } from '../doubles/drive.ts';
import { FOLDER } from '../doubles/drive-items.ts';
import { GOOGLE_CLIENT, GoogleAuthDouble } from '../doubles/google-auth.ts';

let auth: GoogleAuthDouble;
let drive: DriveDouble;
let token: string;
beforeEach(async () => {
  auth = await new GoogleAuthDouble().start();
  drive = await new DriveDouble(auth).start();
  token = auth.signedIn(SCOPES.drive).access;
});
afterEach(async () => {
  await drive.stop();
  await auth.stop();
});

/** An empty authorization sends none. */
function withToken(headers: Record<string, string> = {}): Record<string, string> {
  const { authorization = `Bearer ${token}`, ...others } = headers;
  return authorization === '' ? others : { authorization, ...others };
}

interface Asked {
  readonly method?: string;
  readonly json?: object;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
}

async function ask(path: string, { method, json, body, headers }: Asked = {}): Promise<[number, string]> {
  const sent = json === undefined ? body : JSON.stringify(json);
  const response = await fetch(drive.url + path, {
    method: method ?? (sent === undefined ? 'GET' : 'POST'),
    headers: withToken(headers),
    redirect: 'manual',
    ...(sent === undefined ? {} : { body: sent }),
  });
  const text = await response.text();
  return [response.status, /"reason":"(\w+)"/.exec(text)?.[1] ?? ''];
}

const FILES = '/drive/v3/files';
const FIELDS = 'fields=nextPageToken,files(id,name)';
const list = (query: string) => ask(`${FILES}?${query}`);
const q = (text: string) => list(`${FIELDS}&q=${encodeURIComponent(text)}`);

describe('listings', () => {
  it('take the queries that the adapter sends', async () => {
    expect(await q("trashed = false and ('root' in parents)")).toEqual([200, '']);
    expect(await q(`trashed = false and ((mimeType = '${FOLDER}' and ('root' in parents)) or 'x' in parents)`)).toEqual(
      [200, ''],
    );
  });

  it('refuse queries for a name, a mixture of and and or, and nonsense', async () => {
    for (const bad of [
      "name = 'x'",
      "name contains 'x'",
      "trashed = false and 'a' in parents or 'b' in parents",
      'trashed =',
      "('a' in parents",
    ])
      expect([bad, await q(bad)]).toEqual([bad, [400, 'invalid']]);
  });

  it('refuse unknown parameters and fields, pages beyond 1,000, tokens of another query, other spaces', async () => {
    expect(await list(`${FIELDS}&q=trashed%3Dfalse&limit=5`)).toEqual([400, 'invalidParameter']);
    expect(await list('fields=files(etag)&q=trashed%3Dfalse')).toEqual([400, 'invalidParameter']);
    for (const size of ['0', '1001', 'x'])
      expect(await list(`${FIELDS}&q=trashed%3Dfalse&pageSize=${size}`)).toEqual([400, 'invalidParameter']);
    expect(await list(`${FIELDS}&q=trashed%3Dfalse&pageToken=other~1`)).toEqual([400, 'invalid']);
    expect(await list(`${FIELDS}&q=trashed%3Dfalse&spaces=appDataFolder`)).toEqual([403, 'insufficientScopes']);
  });
});

describe('new files', () => {
  const id = () => drive.items.reserve('drive');
  const folder = (more: object) => ({ id: id(), name: 'f', parents: ['root'], mimeType: FOLDER, ...more });

  it('need an id that was given out for this space, one parent that is there, and known fields', async () => {
    expect(await ask(FILES, { json: folder({}) })).toEqual([200, '']);
    expect(await ask(FILES, { json: folder({ id: undefined }) })).toEqual([400, 'invalid']);
    expect(await ask(FILES, { json: folder({ id: 'made-up' }) })).toEqual([400, 'invalid']);
    expect(await ask(FILES, { json: folder({ id: drive.items.reserve('appDataFolder') }) })).toEqual([400, 'invalid']);
    expect(await ask(FILES, { json: folder({ parents: ['root', 'root'] }) })).toEqual([400, 'invalid']);
    expect(await ask(FILES, { json: folder({ parents: ['gone'] }) })).toEqual([404, 'notFound']);
    expect(await ask(FILES, { json: folder({ parents: ['appDataFolder'] }) })).toEqual([404, 'notFound']);
    expect(await ask(FILES, { json: folder({ title: 'v2' }) })).toEqual([400, 'invalid']);
  });

  it('answer 409 when the id is used', async () => {
    const made = folder({});
    await ask(FILES, { json: made });
    expect(await ask(FILES, { json: made })).toEqual([409, 'fileIdInUse']);
  });

  it('ids are given out up to 1,000 at a time', async () => {
    expect(await ask(`${FILES}/generateIds?count=1000&space=drive&type=files`)).toEqual([200, '']);
    for (const bad of ['count=1001', 'space=photos', 'type=folders', 'spaces=drive'])
      expect(await ask(`${FILES}/generateIds?${bad}`)).toEqual([400, 'invalidParameter']);
  });

  it('a multipart body has two whole parts and at most 5 MB', async () => {
    const part = (json: object, content: string) =>
      `--b\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(json)}\r\n--b\r\ncontent-type: a/b\r\n\r\n${content}\r\n--b--`;
    const file = () => ({ id: id(), name: 'x', parents: ['root'], mimeType: 'a/b' });
    const headers = { 'content-type': 'multipart/related; boundary=b' };
    const at = `/upload${FILES}?uploadType=multipart`;
    expect(await ask(at, { headers, body: part(file(), 'bytes') })).toEqual([200, '']);
    expect(await ask(at, { headers, body: part(file(), 'bytes').slice(0, -4) })).toEqual([400, 'badContent']);
    expect(await ask(at, { body: part(file(), 'bytes') })).toEqual([400, 'badContent']);
    expect(await ask(at, { headers, body: part(file(), 'x'.repeat(5_000_000)) })).toEqual([400, 'uploadTooLarge']);
    expect(await ask(`/upload${FILES}?uploadType=media`, { body: 'x' })).toEqual([400, 'invalidParameter']);
  });
});

describe('resumable uploads', () => {
  const UNIT = 256 * 1024;

  async function begin(total: number): Promise<string> {
    const response = await fetch(`${drive.url}/upload${FILES}?uploadType=resumable&fields=id`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'x-upload-content-length': String(total) },
      body: JSON.stringify({ id: drive.items.reserve('drive'), name: 'x', parents: ['root'], mimeType: 'a/b' }),
    });
    return response.headers.get('location')!.slice(drive.url.length);
  }
  const put = (at: string, length: number, range: string, authorization = '') =>
    ask(at, { method: 'PUT', body: new Uint8Array(length), headers: { 'content-range': range, authorization } });

  it('take chunks of 256 KiB in order, and tell how far they are', async () => {
    const at = await begin(UNIT + 5);
    expect(await put(at, 0, `bytes */${UNIT + 5}`)).toEqual([308, '']);
    expect(await put(at, UNIT, `bytes 0-${UNIT - 1}/${UNIT + 5}`)).toEqual([308, '']);
    expect(await put(at, 5, `bytes ${UNIT}-${UNIT + 4}/${UNIT + 5}`)).toEqual([200, '']);
    expect(await put(at, 0, `bytes */${UNIT + 5}`)).toEqual([200, '']); // once more, for whoever lost the answer
  });

  it('refuse other sizes, gaps, another total, and a token', async () => {
    const at = await begin(2 * UNIT);
    expect(await put(at, UNIT - 1, `bytes 0-${UNIT - 2}/${2 * UNIT}`)).toEqual([400, 'badRange']);
    expect(await put(at, UNIT, `bytes ${UNIT}-${2 * UNIT - 1}/${2 * UNIT}`)).toEqual([400, 'badRange']);
    expect(await put(at, UNIT, `bytes 0-${UNIT - 1}/${3 * UNIT}`)).toEqual([400, 'badRange']);
    expect(await put(at, UNIT, `bytes 0-5/${2 * UNIT}`)).toEqual([400, 'badRange']);
    expect(await put(at, UNIT, `bytes 0-${UNIT - 1}/${2 * UNIT}`, `Bearer ${token}`)).toEqual([
      400,
      'tokenSentToSession',
    ]);
  });
});

describe('tokens', () => {
  it('are needed for every call and see one space only', async () => {
    token = 'made-up';
    expect(await q('trashed = false')).toEqual([401, 'authError']);
    token = auth.signedIn(SCOPES.appDataFolder).access;
    expect(await list(`${FIELDS}&q=trashed%3Dfalse`)).toEqual([403, 'insufficientScopes']);
    expect(await list(`${FIELDS}&q=trashed%3Dfalse&spaces=appDataFolder`)).toEqual([200, '']);
  });

  it('the sign-in refuses another client, a redirect that is not on this machine, no PKCE, and a code used twice', async () => {
    const authorize = (more: Record<string, string>) =>
      fetch(
        `${auth.url}/o/oauth2/v2/auth?${new URLSearchParams({
          ...{ client_id: GOOGLE_CLIENT.id, redirect_uri: 'http://127.0.0.1:1', response_type: 'code', state: 's' },
          ...{ scope: SCOPES.drive, code_challenge: 'c', code_challenge_method: 'S256', ...more },
        }).toString()}`,
        { redirect: 'manual' },
      );
    expect((await authorize({})).status).toBe(302);
    for (const bad of [
      { client_id: 'other' },
      { redirect_uri: 'https://example.com' },
      { redirect_uri: 'urn:ietf:wg:oauth:2.0:oob' },
      { code_challenge: '' },
      { code_challenge_method: 'plain' },
      { state: '' },
      { made_up: '1' },
    ])
      expect([bad, (await authorize(bad)).status]).toEqual([bad, 400]);
    const code = new URL((await authorize({})).headers.get('location')!).searchParams.get('code')!;
    const form = {
      grant_type: 'authorization_code',
      code,
      code_verifier: 'v'.repeat(43),
      redirect_uri: 'http://127.0.0.1:1',
    };
    const body = new URLSearchParams({ client_id: GOOGLE_CLIENT.id, client_secret: GOOGLE_CLIENT.secret, ...form });
    expect((await fetch(`${auth.url}/token`, { method: 'POST', body })).status).toBe(400); // not its verifier
    expect((await fetch(`${auth.url}/token`, { method: 'POST', body })).status).toBe(400);
  });
});
