/**
 * The bytes of one name: written so that a retry cannot make a second file, and compared with the SHA-256 that Drive says.
 */
import { base32, type Bytes, fromHex, hex } from '../../src/bytes.ts';
import { PassportError } from '../../src/errors.ts';
import type { Clock } from '../../src/platform.ts';
import { readBody } from '../../src/storage/http.ts';
import { tooLarge } from '../../src/storage/store-name.ts';
import type { DriveClient } from './client.ts';
import { Refused, RefusedAnswer, refusal } from './errors.ts';
import type { ReservedIds } from './ids.ts';
import { type Item, leafOf } from './listing.ts';
import type { FileEntry } from './state.ts';
import { upload } from './upload.ts';

export interface Target {
  readonly name: string;
  /** The file that has this name, if one is known. */
  readonly existing: string | undefined;
  /** The folder to put it into; `again` when the one that was given is not there any more. */
  readonly parent: (again: boolean) => Promise<string>;
}

/** Each can have a reason: a lost folder, an id of another process, a deleted file, damage on the way. */
const ATTEMPTS = 5;
/** Of the text that comes with a refusal. */
const MAX_REFUSAL_BYTES = 65_536;

export class Content {
  readonly #client: DriveClient;
  readonly #ids: ReservedIds;
  readonly #clock: Clock;
  /** Ids of files that may have been made although the answer was lost, by name. */
  readonly #begun = new Map<string, string>();

  constructor(client: DriveClient, ids: ReservedIds, clock: Clock) {
    this.#client = client;
    this.#ids = ids;
    this.#clock = clock;
  }

  /** Durable and whole when it resolves. */
  async write(target: Target, bytes: Bytes, signal?: AbortSignal): Promise<FileEntry> {
    const sha256 = await hashOf(bytes);
    let { existing } = target;
    let again = false;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const result: Item | 'folder-gone' | 'id-taken' | 'file-gone' =
        existing === undefined
          ? await this.#create(target, again, bytes, signal)
          : await this.#replace(existing, bytes, signal);
      again = result === 'folder-gone';
      if (result === 'file-gone') existing = undefined;
      if (typeof result === 'string') continue;
      if (isWhole(result, bytes, sha256)) {
        this.#begun.delete(target.name);
        return { ...entryOf(result), sha256, putAt: this.#clock.now() };
      }
      existing = result.id ?? undefined;
    }
    throw new PassportError('store-unreachable', 'Google Drive does not keep this object as it was sent', {
      details: { name: target.name },
    });
  }

  async #create(
    { name, parent }: Target,
    again: boolean,
    bytes: Bytes,
    signal?: AbortSignal,
  ): Promise<Item | 'folder-gone' | 'id-taken'> {
    const file = { name: leafOf(name), parent: await parent(again) };
    const id = this.#begun.get(name) ?? (await this.#ids.take(signal));
    this.#begun.set(name, id);
    const result = await this.#client.attempt(signal, () => upload(this.#client, { id, ...file }, bytes, signal));
    if (!(result instanceof Refused)) return result;
    if (result.status === 404) return 'folder-gone';
    if (result.status === 409) {
      // This id is a file: ours, of an attempt whose answer was lost, or another process used the id.
      const found = await this.#client.describe(id, signal);
      if (found?.name === file.name && found.parents?.includes(file.parent) === true) return found;
      this.#ids.discard();
    } else if (result.status !== 400 || !this.#ids.discard()) throw this.#refusal(result);
    this.#begun.delete(name);
    return 'id-taken';
  }

  async #replace(id: string, bytes: Bytes, signal?: AbortSignal): Promise<Item | 'file-gone'> {
    const result = await this.#client.attempt(signal, () => upload(this.#client, id, bytes, signal));
    if (!(result instanceof Refused)) return result;
    if (result.status === 404) return 'file-gone';
    throw this.#refusal(result);
  }

  /** Undefined when the file is gone. `damaged` when it is larger, or not what Drive says that it is. */
  async read(name: string, entry: FileEntry, maxBytes: number, signal?: AbortSignal): Promise<Bytes | undefined> {
    if (entry.sizeBytes > maxBytes) throw tooLarge(name);
    // The library drops the body of a refusal that comes as a stream, and with it the reason.
    const options = { responseType: 'stream' as const, validateStatus: () => true, ...(signal ? { signal } : {}) };
    const result = await this.#client.attempt(signal, async () => {
      const { data, status, headers } = await this.#client.files.get({ fileId: entry.id, alt: 'media' }, options);
      const body = data as AsyncIterable<Uint8Array>;
      if (status === 200) return readBody(body, { name, maxBytes });
      const said = await readBody(body, { name, maxBytes: MAX_REFUSAL_BYTES });
      throw new RefusedAnswer({ status, headers: headers as unknown as Headers, data: new TextDecoder().decode(said) });
    });
    if (result instanceof Refused) {
      if (result.status === 404) return undefined;
      throw this.#refusal(result);
    }
    const sha256 = await hashOf(result);
    if (entry.sha256 === undefined || entry.sha256 === sha256) return result;
    // Replaced since it was listed, or damaged on the way: ask what it is now.
    const now = await this.#client.describe(entry.id, signal);
    if (now === undefined || now.sha256Checksum === sha256) return now && result;
    throw new PassportError('damaged', 'Google Drive gives other bytes than it says', { details: { name } });
  }

  #refusal({ answer }: Refused): PassportError {
    return refusal(answer, this.#clock.now());
  }
}

export function entryOf({ id, size, sha256Checksum, modifiedTime }: Item): FileEntry {
  return {
    id: id ?? '',
    sizeBytes: Number(size ?? 0),
    modified: modifiedTime ?? '',
    ...(typeof sha256Checksum === 'string' ? { sha256: sha256Checksum } : {}),
  };
}

/**
 * Of several files of one name: names of a passport end in the hash of their bytes (the first 16 of SHA-256), and what fits is the
 * object. Else the newest, then the smallest id: the same choice on every device.
 */
export const bestFirst =
  (name: string) =>
  (a: FileEntry, b: FileEntry): number => {
    const [first, second] = [fits(name, a), fits(name, b)];
    if (first !== second) return first ? -1 : 1;
    if (a.modified !== b.modified) return a.modified > b.modified ? -1 : 1;
    return a.id < b.id ? -1 : 1;
  };

function fits(name: string, { sha256 }: FileEntry): boolean {
  if (sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256)) return false;
  return name.endsWith(`-${base32(fromHex(sha256.slice(0, 32)))}`);
}

function isWhole(file: Item, bytes: Bytes, sha256: string): boolean {
  if (Number(file.size ?? -1) !== bytes.length) return false;
  return file.sha256Checksum === undefined || file.sha256Checksum === null || file.sha256Checksum === sha256;
}

async function hashOf(bytes: Bytes): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
