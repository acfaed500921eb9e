/**
 * The store port over Drive. A name is a file in folders of its segments. Drive lets one name be several files, and a listing may
 * lag behind: so puts of one name come one after the other, a second one replaces the content of the file that is known, and
 * what this device put or deleted a moment ago counts more than a listing that does not show it yet.
 */
import type { Bytes } from '../../src/bytes.ts';
import type { Clock } from '../../src/platform.ts';
import type { GetOptions, Store, StoreOptions } from '../../src/storage/store.ts';
import { checkName, covers, isName } from '../../src/storage/store-name.ts';
import { unlessAborted } from './abort.ts';
import type { DriveAddress } from './address.ts';
import type { DriveClient } from './client.ts';
import { bestFirst, Content, entryOf } from './content.ts';
import { Refused, refusal } from './errors.ts';
import { Folders, isRecent } from './folders.ts';
import { ReservedIds } from './ids.ts';
import { directoryOf, isFolder, type Item, listWithin } from './listing.ts';
import type { DriveState, FileEntry } from './state.ts';

/** Of what was put a moment ago, this much is remembered for the next process. */
const RECENT_LIMIT = 100;

export class DriveStore implements Store {
  readonly url: string;
  readonly #client: DriveClient;
  readonly #address: DriveAddress;
  readonly #state: DriveState;
  readonly #clock: Clock;
  readonly #ids: ReservedIds;
  readonly #folders: Folders;
  readonly #content: Content;
  /** Files by name, best first. */
  readonly #files = new Map<string, FileEntry[]>();
  /** Folders whose files are in #files. */
  readonly #listed = new Set<string>();
  readonly #listing = new Map<string, Promise<readonly Item[]>>();
  readonly #writing = new Map<string, Promise<void>>();
  /** What this process deleted, by id: a listing may still show it as it was. */
  readonly #deleted = new Map<string, { readonly at: number; readonly modified: string }>();
  #changed = false;

  constructor(client: DriveClient, address: DriveAddress, state: DriveState, clock: Clock) {
    this.url = address.url;
    this.#client = client;
    this.#address = address;
    this.#state = state;
    this.#clock = clock;
    this.#ids = new ReservedIds(client, state, address.space);
    this.#folders = new Folders(client, address, state, this.#ids, clock);
    this.#content = new Content(client, this.#ids, clock);
    for (const [name, entry] of Object.entries(state.recent))
      if (isRecent(entry.putAt, clock.now())) this.#files.set(name, [entry]);
  }

  async get(name: string, { signal, maxBytes = Infinity }: GetOptions = {}): Promise<Bytes | undefined> {
    checkName(name);
    signal?.throwIfAborted();
    for (let fresh = false; ; fresh = true) {
      if (fresh || !this.#files.has(name)) {
        await this.#listForAll(directoryOf(name), signal);
        fresh = true;
      }
      for (const entry of [...(this.#files.get(name) ?? [])]) {
        const bytes = await this.#content.read(name, entry, maxBytes, signal);
        if (bytes !== undefined) return bytes;
        this.#drop(name, entry.id);
      }
      if (fresh) return undefined;
    }
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
    signal?.throwIfAborted();
    const directory = directoryOf(name);
    if (!this.#listed.has(directory) || !this.#files.has(name)) await this.#listForAll(directory, signal);
    for (const { id, modified } of [...(this.#files.get(name) ?? [])]) {
      const result = await this.#client.attempt(signal, () =>
        this.#client.files.delete({ fileId: id }, signal ? { signal } : {}),
      );
      if (result instanceof Refused && result.status !== 404) throw refusal(result.answer, this.#clock.now());
      this.#deleted.set(id, { at: this.#clock.now(), modified });
      this.#drop(name, id);
    }
  }

  async *list(prefix: string, { signal }: StoreOptions = {}): AsyncGenerator<string> {
    checkName(prefix);
    signal?.throwIfAborted();
    const seen = new Set<string>();
    /** Paths of the folders that were listed in this round, by their ids; at first only the prefix itself. */
    let paths: ReadonlyMap<string, string> = new Map();
    let items = await this.#list(prefix, signal);
    for (;;) {
      const directories = paths.size === 0 ? new Set([prefix]) : new Set(paths.values());
      for (const name of [...this.#files.keys()].filter((each) => directories.has(directoryOf(each)))) {
        seen.add(name);
        yield name;
        signal?.throwIfAborted();
      }
      const within = paths;
      const below = items.flatMap((item): [string, string][] => {
        const path = pathOf(item, within, prefix);
        return isFolder(item) && item.id && isName(path) ? [[item.id, path]] : [];
      });
      if (below.length === 0) break;
      paths = new Map(below);
      const placed = paths;
      items = await listWithin(this.#client, this.#address, [...placed.keys()], signal);
      this.#take(items, (item) => pathOf(item, placed, prefix), new Set(placed.values()));
    }
    // What this device put a moment ago into a folder that no listing shows yet.
    for (const [name, [entry]] of [...this.#files]) {
      if (seen.has(name) || !covers(prefix, name) || !isRecent(entry?.putAt, this.#clock.now())) continue;
      yield name;
      signal?.throwIfAborted();
    }
  }

  /** Keeps what the next process needs to know, or saves it requests. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#writing.values());
    if (!this.#changed) return;
    this.#changed = false;
    this.#ids.giveBack();
    const now = this.#clock.now();
    const recent = [...this.#files].flatMap(([name, [entry]]): [string, FileEntry][] =>
      entry !== undefined && isRecent(entry.putAt, now) ? [[name, entry]] : [],
    );
    const newest = recent.sort(([, a], [, b]) => (b.putAt ?? 0) - (a.putAt ?? 0)).slice(0, RECENT_LIMIT);
    this.#state.recent = Object.fromEntries(newest);
    await this.#client.save();
  }

  async #put(name: string, bytes: Bytes, signal?: AbortSignal): Promise<void> {
    const directory = directoryOf(name);
    if (!this.#listed.has(directory)) await this.#listForAll(directory, signal);
    const parent = async (again: boolean) => {
      if (again) await this.#folders.lookAgain(directory, signal);
      return this.#folders.idFor(directory, signal);
    };
    const existing = this.#files.get(name)?.[0]?.id;
    const entry = await this.#content.write({ name, existing, parent }, bytes, signal);
    const others = (this.#files.get(name) ?? []).filter(({ id }) => id !== entry.id && id !== existing);
    this.#files.set(name, [entry, ...others]);
    this.#changed = true;
  }

  /** One listing of a folder at a time; whoever asks meanwhile gets the same. */
  async #listForAll(path: string, signal?: AbortSignal): Promise<void> {
    let listing = this.#listing.get(path);
    if (listing === undefined) {
      listing = this.#list(path).finally(() => this.#listing.delete(path));
      this.#listing.set(path, listing);
    }
    await unlessAborted(listing, signal);
  }

  async #list(path: string, signal?: AbortSignal): Promise<readonly Item[]> {
    const { items } = await this.#folders.list(path, signal);
    // Without its folder nothing is there, also not what was put a moment ago.
    if (!this.#folders.has(path))
      for (const name of [...this.#files.keys()]) if (covers(path, name)) this.#files.delete(name);
    this.#take(items, (item) => pathOf(item, new Map(), path), new Set([path]));
    return items;
  }

  /** Replaces what is known of these folders by what was listed, and by what no listing may know yet. */
  #take(items: readonly Item[], nameOf: (item: Item) => string, directories: ReadonlySet<string>): void {
    const now = this.#clock.now();
    for (const [name, entries] of [...this.#files]) {
      if (!directories.has(directoryOf(name))) continue;
      const recent = entries.filter(({ putAt }) => isRecent(putAt, now));
      if (recent.length > 0) this.#files.set(name, recent);
      else this.#files.delete(name);
    }
    for (const item of items) {
      const name = nameOf(item);
      if (isFolder(item) || !isName(name) || !item.id) continue;
      const deleted = this.#deleted.get(item.id);
      if (deleted?.modified === item.modifiedTime && isRecent(deleted?.at, now)) continue;
      const known = this.#files.get(name) ?? [];
      if (known.some(({ id }) => id === item.id)) continue; // just put: newer than any listing
      this.#files.set(name, [...known, entryOf(item)].sort(bestFirst(name)));
    }
    for (const directory of directories) this.#listed.add(directory);
  }

  #drop(name: string, id: string): void {
    const rest = (this.#files.get(name) ?? []).filter((entry) => entry.id !== id);
    if (rest.length > 0) this.#files.set(name, rest);
    else this.#files.delete(name);
    this.#changed = true;
  }
}

/** The path of an item whose folder is one of `paths`; of `otherwise` when it is none of them. */
function pathOf({ name, parents }: Item, paths: ReadonlyMap<string, string>, otherwise: string): string {
  const parent = (parents ?? []).map((id) => paths.get(id)).find((path) => path !== undefined) ?? otherwise;
  return parent === '' ? (name ?? '') : `${parent}/${name ?? ''}`;
}
