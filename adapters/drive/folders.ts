/**
 * The folders of one store: which ids a path has, and making those that are missing. A new folder has an id that was reserved
 * before, so a repeated request cannot make two.
 */
import type { Clock } from '../../src/platform.ts';
import { unlessAborted } from './abort.ts';
import { type DriveAddress, TOPS } from './address.ts';
import type { DriveClient } from './client.ts';
import { Refused, refusal } from './errors.ts';
import type { ReservedIds } from './ids.ts';
import { chainOf, directoryOf, FOLDER_TYPE, type FolderListing, leafOf, listFolder } from './listing.ts';
import type { DriveState, FolderEntry } from './state.ts';

/** How long a listing may not know yet what this device wrote, or still show what it deleted. */
export const LAG_MS = 10 * 60_000;

export const isRecent = (at: number | undefined, now: number): boolean =>
  at !== undefined && Math.abs(now - at) < LAG_MS;

export class Folders {
  readonly #client: DriveClient;
  readonly #address: DriveAddress;
  readonly #state: DriveState;
  readonly #ids: ReservedIds;
  readonly #clock: Clock;
  /** Ids of folders that may have been made although the answer was lost. */
  readonly #begun = new Map<string, string>();
  readonly #making = new Map<string, Promise<string>>();

  constructor(client: DriveClient, address: DriveAddress, state: DriveState, ids: ReservedIds, clock: Clock) {
    this.#client = client;
    this.#address = address;
    this.#state = state;
    this.#ids = ids;
    this.#clock = clock;
  }

  /** As far as the last listing knew. */
  has(path: string): boolean {
    return this.#state.folders[path] !== undefined;
  }

  /** Lists one folder and remembers which folders lead to it. One request, when they were known before. */
  async list(path: string, signal?: AbortSignal): Promise<FolderListing> {
    const { folders } = this.#state;
    const listing = await listFolder(this.#client, this.#address, path, folders, signal);
    const before = JSON.stringify(folders);
    for (const step of chainOf(path)) await this.#remember(step, listing.folders.get(step) ?? [], signal);
    if (JSON.stringify(folders) !== before) await this.#client.save();
    return listing;
  }

  /** The folder that new files of `path` go to; made if there is none. List it first. */
  async idFor(path: string, signal?: AbortSignal): Promise<string> {
    const known = this.#state.folders[path]?.[0]?.id;
    if (known !== undefined) return known;
    let making = this.#making.get(path);
    if (making === undefined) {
      making = this.#make(path).finally(() => this.#making.delete(path));
      this.#making.set(path, making);
    }
    return unlessAborted(making, signal);
  }

  /** What is known of the way to `path` is wrong: looks again. */
  async lookAgain(path: string, signal?: AbortSignal): Promise<void> {
    for (const step of chainOf(path)) delete this.#state.folders[step];
    await this.list(path, signal);
  }

  async #make(path: string): Promise<string> {
    const top = path === '';
    const parent = top ? TOPS[this.#address.space] : await this.idFor(directoryOf(path));
    const name = top ? this.#address.folder : leafOf(path);
    const id = this.#begun.get(path) ?? (await this.#ids.take());
    this.#begun.set(path, id);
    const requestBody = { id, name, parents: [parent], mimeType: FOLDER_TYPE };
    const result = await this.#client.attempt(undefined, () =>
      this.#client.files.create({ requestBody, fields: 'id' }),
    );
    if (result instanceof Refused) {
      // 409: this id is there already. It is our folder if the answer to an earlier attempt was lost.
      const there = result.status === 409 ? await this.#client.describe(id) : undefined;
      if (there?.name !== name || there.mimeType !== FOLDER_TYPE) {
        const old = this.#ids.discard();
        this.#begun.delete(path);
        if (result.status === 409 || (result.status === 400 && old)) return this.#make(path);
        throw refusal(result.answer, this.#clock.now());
      }
    }
    this.#begun.delete(path);
    this.#state.folders[path] = [{ id, madeAt: this.#clock.now() }];
    await this.#client.save();
    return id;
  }

  /** What this device made a moment ago counts unlisted, unless the person has deleted it since. */
  async #remember(step: string, found: readonly string[], signal?: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    const before = this.#state.folders[step] ?? [];
    const entries: FolderEntry[] = found.map((id) => before.find((entry) => entry.id === id) ?? { id });
    for (const entry of before) {
      if (found.includes(entry.id) || !isRecent(entry.madeAt, now)) continue;
      if ((await this.#client.describe(entry.id, signal)) !== undefined) entries.push(entry);
    }
    if (entries.length > 0) this.#state.folders[step] = entries;
    else delete this.#state.folders[step];
  }
}
