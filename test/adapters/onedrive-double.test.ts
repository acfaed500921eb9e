/** The double of Graph refuses what the published description does not allow: else tests against it would prove little. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type OneDriveWorld, oneDriveWorld } from '../doubles/graph-setup.ts';

const APP = '/me/drive/special/approot';
const UNIT = 320 * 1024;

let world: OneDriveWorld;
let token: string;
beforeEach(async () => {
  world = await oneDriveWorld();
  await world.device();
  token = [...world.entra.tokens][0]!;
});
afterEach(() => world.stop());

/** An empty authorization sends none. */
function withToken(headers: Record<string, string> = {}): Record<string, string> {
  const { authorization = `Bearer ${token}`, ...others } = headers;
  return authorization === '' ? others : { authorization, ...others };
}

interface Asked {
  readonly json?: object;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
}

async function ask(
  method: string,
  path: string,
  { json, body, headers }: Asked = {},
): Promise<[number, string, string]> {
  const sent = json === undefined ? body : JSON.stringify(json);
  const response = await fetch(path.startsWith('http') ? path : world.graph.base + path, {
    method,
    headers: withToken(headers),
    redirect: 'manual',
    ...(sent === undefined ? {} : { body: sent }),
  });
  const text = await response.text();
  return [response.status, /"code":"(\w+)"/.exec(text)?.[1] ?? '', response.headers.get('location') ?? text];
}

const told = async (...request: Parameters<typeof ask>) => (await ask(...request)).slice(0, 2);

describe('items', () => {
  const octets = { 'content-type': 'application/octet-stream' };

  it('are put, read by a redirect without a token, and deleted', async () => {
    expect(await told('PUT', `${APP}:/p/x:/content`, { body: new Uint8Array(5), headers: octets })).toEqual([201, '']);
    const [status, , location] = await ask('GET', `${APP}:/p/x:/content`);
    expect(status).toBe(302);
    expect(await told('GET', location)).toEqual([401, 'unauthenticated']);
    expect((await fetch(location)).status).toBe(200);
    expect(await told('DELETE', `${APP}:/p/x`)).toEqual([204, '']);
    expect(await told('DELETE', `${APP}:/p/x`)).toEqual([404, 'itemNotFound']);
  });

  it('refuse other places, forbidden names, unknown options, and no type', async () => {
    expect(await told('GET', '/me/drive/root:/p:/children')).toEqual([400, 'invalidRequest']);
    expect(await told('GET', '/me/drive/special/AppRoot/children')).toEqual([400, 'invalidRequest']);
    for (const name of ['con', 'COM1', 'a%3Fb', 'desktop.ini'])
      expect(await told('GET', `${APP}:/${name}`)).toEqual([400, 'invalidRequest']);
    expect(await told('GET', `${APP}/children?$top=1001`)).toEqual([400, 'invalidRequest']);
    expect(await told('GET', `${APP}/children?$select=sha256Hash`)).toEqual([400, 'invalidRequest']);
    expect(await told('GET', `${APP}/children?$filter=x`)).toEqual([400, 'invalidRequest']);
    const conflict = `${APP}:/p/x:/content?@microsoft.graph.conflictBehavior=fail`;
    expect(await told('PUT', conflict, { body: new Uint8Array(5), headers: octets })).toEqual([400, 'invalidRequest']);
    expect(await told('PUT', `${APP}:/p/x:/content`, { body: new Uint8Array(5) })).toEqual([400, 'invalidRequest']);
    expect(await told('PATCH', `${APP}:/p`, { json: {} })).toEqual([405, 'notAllowed']);
  });

  it('folders are made once, with known properties', async () => {
    const folder = { name: 'p', folder: {}, '@microsoft.graph.conflictBehavior': 'fail' };
    expect(await told('POST', `${APP}/children`, { json: folder })).toEqual([201, '']);
    expect(await told('POST', `${APP}/children`, { json: { ...folder, name: 'P' } })).toEqual([
      409,
      'nameAlreadyExists',
    ]);
    expect(await told('POST', `${APP}/children`, { json: { name: 'x' } })).toEqual([400, 'invalidRequest']);
    expect(await told('POST', `${APP}/children`, { json: { ...folder, name: 'y', size: 5 } })).toEqual([
      400,
      'invalidRequest',
    ]);
    expect(await told('POST', `${APP}:/gone:/children`, { json: folder })).toEqual([404, 'itemNotFound']);
  });

  it('need a token', async () => {
    token = 'made-up';
    expect(await told('GET', `${APP}/children`)).toEqual([401, 'InvalidAuthenticationToken']);
  });
});

describe('upload sessions', () => {
  const item = { '@microsoft.graph.conflictBehavior': 'replace', name: 'x' };
  const begin = (json: object = { item }) => ask('POST', `${APP}:/p/x:/createUploadSession`, { json });
  const put = (url: string, length: number, range: string, authorization = '') =>
    told('PUT', url, { body: new Uint8Array(length), headers: { 'content-range': range, authorization } });

  async function session(json?: object): Promise<string> {
    world.graph.items.folders(['p']);
    return /"uploadUrl":"([^"]+)"/.exec((await begin(json))[2])![1]!;
  }

  it('need their folder, known properties, and the name of the path', async () => {
    expect((await begin()).slice(0, 2)).toEqual([404, 'itemNotFound']);
    world.graph.items.folders(['p']);
    for (const bad of [{ item: { ...item, name: 'y' } }, { item: { ...item, size: 5 } }, { item, made: 'up' }])
      expect((await begin(bad)).slice(0, 2)).toEqual([400, 'invalidRequest']);
  });

  it('take ranges of 320 KiB in order, without a token', async () => {
    const url = await session();
    expect(await put(url, UNIT, `bytes 0-${UNIT - 1}/${UNIT + 5}`, `Bearer ${token}`)).toEqual([
      401,
      'unauthenticated',
    ]);
    expect(await put(url, UNIT - 1, `bytes 0-${UNIT - 2}/${UNIT + 5}`)).toEqual([400, 'invalidRange']);
    expect(await put(url, UNIT, `bytes 0-${UNIT - 1}/${UNIT + 5}`)).toEqual([202, '']);
    expect(await put(url, UNIT, `bytes 0-${UNIT - 1}/${UNIT + 5}`)).toEqual([416, 'invalidRange']);
    expect(await put(url, 5, `bytes ${UNIT}-${UNIT + 4}/${UNIT + 6}`)).toEqual([400, 'invalidRange']);
    expect(await put(url, 5, `bytes ${UNIT}-${UNIT + 4}/${UNIT + 5}`)).toEqual([201, '']);
    expect(await put(url, 5, `bytes ${UNIT}-${UNIT + 4}/${UNIT + 5}`)).toEqual([404, 'itemNotFound']);
  });

  it('a range is smaller than 60 MiB', async () => {
    const most = 60 * 1024 * 1024;
    expect(await put(await session(), most, `bytes 0-${most - 1}/${most + 1}`)).toEqual([400, 'invalidRange']);
  });

  it('"fail", which is the default, says at the last range that the name is taken', async () => {
    world.graph.items.add(world.graph.items.folders(['p']), 'x', Buffer.from('there'));
    expect(await put(await session({ item: { name: 'x' } }), 5, 'bytes 0-4/5')).toEqual([409, 'nameAlreadyExists']);
    expect(await put(await session(), 5, 'bytes 0-4/5')).toEqual([200, '']);
  });
});
