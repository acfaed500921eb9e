/**
 * The store port over OneDrive. A name is the path of a file below the app's folder; names are unique there, and a second put
 * replaces the content. What this device put a moment ago counts although a listing does not show it yet.
 */
import type { Bytes } from '../../src/bytes.ts';
import type { Clock } from '../../src/platform.ts';
import { readBody, storeFailure } from '../../src/storage/http.ts';
import type { GetOptions, Store, StoreOptions } from '../../src/storage/store.ts';
import { checkName, covers, isName } from '../../src/storage/store-name.ts';
import type { OneDriveAddress } from './address.ts';
import type { DriveItem, Graph } from './graph.ts';
import { quickXorHash } from './quickxor.ts';
import { type Uploaded, uploadLarge } from './upload.ts';

const APP = '/me/drive/special/approot';
/** Above it, an upload session. The documents say 250 MB (and older ones 4 MB) for the simple way. */
const SIMPLE_LIMIT = 4 * 1024 * 1024;
const PAGE = 1000;
const ATTEMPTS = 4;
/** How long a listing may not know yet what this device wrote. */
const LAG_MS = 10 * 60_000;

interface Page {
  readonly value: readonly DriveItem[];
  readonly '@odata.nextLink'?: string;
}

export class OneDriveStore implements Store {
  readonly url: string;
  readonly #graph: Graph;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #writing = new Map<string, Promise<void>>();
  /** When this process put what. */
  readonly #recent = new Map<string, number>();

  constructor(graph: Graph, { url, folder }: OneDriveAddress, clock: Clock) {
    this.url = url;
    this.#graph = graph;
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Graph answers with an address that needs no token, and must not get it. */
  async get(name: string, { signal, maxBytes = Infinity }: GetOptions = {}): Promise<Bytes | undefined> {
    checkName(name);
    const answer = await this.#graph.send(`${this.#item(name)}:/content`, { signal });
    if (answer.status === 404) {
      await answer.body?.cancel();
      this.#recent.delete(name);
      return undefined;
    }
    const location = answer.headers.get('location');
    if (answer.status !== 302 || location === null) {
      if (answer.ok) return this.#read(name, answer, maxBytes, signal);
      throw await this.#graph.refusal(answer);
    }
    await answer.body?.cancel();
    const download = await this.#graph.plain(location, { headers: { 'accept-encoding': 'identity' }, signal });
    if (download.ok) return this.#read(name, download, maxBytes, signal);
    const { status } = download;
    // The address has ended, or the file was replaced meanwhile: a new one may do.
    if (status === 401 || status === 403 || status === 404 || status === 410) {
      await download.body?.cancel();
      throw storeFailure('store-unreachable', { where: 'OneDrive', status, reason: 'a download that ended' });
    }
    throw await this.#graph.refusal(download);
  }

  async put(name: string, bytes: Bytes, { signal }: StoreOptions = {}): Promise<void> {
    checkName(name);
    signal?.throwIfAborted();
    const own = bytes.slice(); // the caller may change its buffer while this waits for its turn
    const before = this.#writing.get(name) ?? Promise.resolve();
    const done = before.catch(() => undefined).then(() => this.#put(name, own, signal));
    this.#writing.set(name, done);
    try {
      await done;
    } finally {
      if (this.#writing.get(name) === done) this.#writing.delete(name);
    }
  }

  async delete(name: string, { signal }: StoreOptions = {}): Promise<void> {
    checkName(name);
    const answer = await this.#graph.send(this.#item(name), { method: 'DELETE', signal });
    if (!answer.ok && answer.status !== 404) throw await this.#graph.refusal(answer);
    await answer.body?.cancel();
    this.#recent.delete(name);
  }

  async *list(prefix: string, { signal }: StoreOptions = {}): AsyncGenerator<string> {
    checkName(prefix);
    const seen = new Set<string>();
    const folders = [prefix];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const item of await this.#children(folder, signal)) {
        const name = `${folder}/${item.name}`;
        if (!isName(name)) continue;
        if (item.folder !== undefined) folders.push(name);
        if (item.file === undefined) continue;
        seen.add(name);
        yield name;
        signal?.throwIfAborted();
      }
    }
    for (const [name, at] of [...this.#recent]) {
      if (Math.abs(this.#clock.now() - at) > LAG_MS) this.#recent.delete(name);
      else if (covers(prefix, name) && !seen.has(name)) {
        yield name;
        signal?.throwIfAborted();
      }
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writing.values());
  }

  async #put(name: string, bytes: Bytes, signal?: AbortSignal): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const result = await this.#upload(name, bytes, signal);
      if (result === 'no-folder') await this.#makeFolders(name, signal);
      const item = result === 'session-gone' || result === 'name-taken' ? await this.#describe(name, signal) : result;
      if (typeof item !== 'string' && item !== undefined && isWhole(item, bytes)) {
        this.#recent.set(name, this.#clock.now());
        return;
      }
    }
    throw storeFailure('store-unreachable', { where: 'OneDrive', reason: 'does not keep an object as it was sent' });
  }

  async #upload(name: string, bytes: Bytes, signal?: AbortSignal): Promise<Uploaded> {
    const item = this.#item(name);
    const leaf = name.slice(name.lastIndexOf('/') + 1);
    if (bytes.length > SIMPLE_LIMIT) return uploadLarge(this.#graph, { item, leaf }, bytes, signal);
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await this.#graph.send(`${item}:/content`, { method: 'PUT', headers, body: bytes, signal });
    if (answer.status !== 404) return this.#graph.json<DriveItem>(answer, signal);
    await answer.body?.cancel();
    return 'no-folder';
  }

  /** One after the other from the top: of several devices that do so, one makes each and the others find it. */
  async #makeFolders(name: string, signal?: AbortSignal): Promise<void> {
    const segments = [this.#folder, ...name.split('/').slice(0, -1)].filter((segment) => segment !== '');
    for (const [depth, segment] of segments.entries()) {
      const parent = depth === 0 ? APP : `${APP}:/${segments.slice(0, depth).join('/')}:`;
      const answer = await this.#graph.send(`${parent}/children`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: segment, folder: {}, '@microsoft.graph.conflictBehavior': 'fail' }),
        signal,
      });
      if (!answer.ok && answer.status !== 409) throw await this.#graph.refusal(answer);
      await answer.body?.cancel();
    }
  }

  async #children(folder: string, signal?: AbortSignal): Promise<DriveItem[]> {
    const items: DriveItem[] = [];
    let next: string | undefined = `${this.#item(folder)}:/children?$top=${PAGE}&$select=name,size,file,folder`;
    while (next !== undefined) {
      const answer: Response = await this.#graph.send(next, { signal });
      if (answer.status === 404) {
        await answer.body?.cancel();
        return items;
      }
      const page: Page = await this.#graph.json<Page>(answer, signal);
      items.push(...page.value);
      next = page['@odata.nextLink'];
    }
    return items;
  }

  async #describe(name: string, signal?: AbortSignal): Promise<DriveItem | undefined> {
    const answer = await this.#graph.send(`${this.#item(name)}?$select=name,size,file`, { signal });
    if (answer.status !== 404) return this.#graph.json<DriveItem>(answer, signal);
    await answer.body?.cancel();
    return undefined;
  }

  async #read(name: string, answer: Response, maxBytes: number, signal?: AbortSignal): Promise<Bytes> {
    const announced = answer.headers.get('content-length');
    const length = announced === null ? undefined : Number(announced);
    try {
      if (answer.body === null) return new Uint8Array();
      return await readBody(answer.body, { name, length, maxBytes });
    } catch (error) {
      signal?.throwIfAborted();
      await answer.body?.cancel().catch(() => undefined);
      throw error instanceof TypeError ? storeFailure('store-unreachable', { where: 'OneDrive', cause: error }) : error;
    }
  }

  /** Names are lower-case letters, digits and hyphens: nothing to encode. */
  #item(name: string): string {
    return `${APP}:/${this.#folder === '' ? '' : `${this.#folder}/`}${name}`;
  }
}

/** The size always, the hash when it is told. */
function isWhole(item: DriveItem, bytes: Bytes): boolean {
  if (item.size !== bytes.length) return false;
  const hash = item.file?.hashes?.quickXorHash;
  return hash === undefined || hash === quickXorHash(bytes);
}
