/** What is in the Drive of the double: items by id, names that may be taken many times, ids that were given out. */
import { createHash, randomBytes } from 'node:crypto';

export type SpaceName = 'drive' | 'appDataFolder';

export const FOLDER = 'application/vnd.google-apps.folder';

export interface DriveItem {
  readonly id: string;
  name: string;
  parent: string;
  readonly mimeType: string;
  readonly space: SpaceName;
  /** Undefined for folders. */
  content: Buffer | undefined;
  readonly created: number;
  modified: number;
  trashed: boolean;
}

/** Real ids of the top folders; queries may also call them by their aliases. */
const TOPS: Record<SpaceName, string> = { drive: '0ATopOfMyDrive', appDataFolder: '1TopOfAppData' };
const ALIASES: Record<string, SpaceName> = { root: 'drive', appDataFolder: 'appDataFolder' };

export class DriveItems {
  readonly #items = new Map<string, DriveItem>();
  readonly #reserved = new Map<string, SpaceName>();
  /** Ids that listings do not show yet. */
  readonly #late = new Set<string>();
  /** Deleted, and still listed. */
  readonly #ghosts = new Set<DriveItem>();
  /** From now on listings show what is new or deleted only after `settle`. */
  listsLate = false;
  #time = Date.UTC(2026, 0, 1);

  settle(): void {
    this.listsLate = false;
    this.#late.clear();
    this.#ghosts.clear();
  }

  reserve(space: SpaceName): string {
    const id = `1${randomBytes(24).toString('base64url')}`;
    this.#reserved.set(id, space);
    return id;
  }

  reservedFor(id: string): SpaceName | undefined {
    return this.#reserved.get(id);
  }

  /** Ids given out long ago are not accepted any more. */
  forgetReserved(): void {
    for (const id of [...this.#reserved.keys()]) if (!this.#items.has(id)) this.#reserved.delete(id);
  }

  has(id: string): boolean {
    return this.#items.has(id);
  }

  /** The id of a folder of this space that new files may go to. */
  resolve(id: string, space: SpaceName): string | undefined {
    if (ALIASES[id] !== undefined) return ALIASES[id] === space ? TOPS[space] : undefined;
    const folder = this.#items.get(id);
    return folder?.mimeType === FOLDER && folder.space === space ? id : undefined;
  }

  visible(id: string, space: SpaceName): DriveItem | undefined {
    const item = this.#items.get(id);
    return item?.space === space ? item : undefined;
  }

  add(
    made: Pick<DriveItem, 'id' | 'name' | 'parent' | 'mimeType' | 'space'> & { content?: Buffer | undefined },
  ): DriveItem {
    const { id, name, mimeType, space, content } = made;
    const parent = this.resolve(made.parent, space)!;
    const created = ++this.#time;
    const item = { id, name, parent, mimeType, space, content, created, modified: created, trashed: false };
    this.#items.set(id, item);
    if (this.listsLate) this.#late.add(id);
    return item;
  }

  replace(id: string, content: Buffer): DriveItem {
    const item = this.#items.get(id)!;
    item.content = content;
    item.modified = ++this.#time;
    return item;
  }

  remove(id: string): void {
    const item = this.#items.get(id);
    if (item !== undefined && this.listsLate) this.#ghosts.add(item);
    this.#items.delete(id);
    for (const item of [...this.#items.values()]) if (item.parent === id) this.remove(item.id);
  }

  /** In the order of listings: newest first. */
  listed(space: SpaceName): DriveItem[] {
    const all = [...this.#items.values(), ...this.#ghosts];
    const shown = all.filter((item) => item.space === space && !this.#late.has(item.id));
    return shown.sort((a, b) => b.modified - a.modified);
  }

  /** As queries may name it. */
  parentsAsked({ parent, space }: DriveItem): string[] {
    return parent === TOPS[space] ? [parent, space === 'drive' ? 'root' : space] : [parent];
  }

  isAtTop({ parent, space }: DriveItem): boolean {
    return parent === TOPS[space];
  }

  /** What is in a folder in the bin is in the bin. */
  isTrashed(item: DriveItem): boolean {
    const folder = this.#items.get(item.parent);
    return item.trashed || (folder !== undefined && this.isTrashed(folder));
  }

  used(): number {
    return [...this.#items.values()].reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
  }

  described(item: DriveItem): Record<string, unknown> {
    const { id, name, mimeType, parent, content } = item;
    return {
      ...{ id, name, mimeType, parents: [parent], trashed: this.isTrashed(item) },
      ...{ createdTime: new Date(item.created).toISOString(), modifiedTime: new Date(item.modified).toISOString() },
      ...(content === undefined
        ? {}
        : {
            size: String(content.length),
            sha256Checksum: createHash('sha256').update(content).digest('hex'),
            md5Checksum: createHash('md5').update(content).digest('hex'),
          }),
    };
  }

  /** For tests: everything, with the path of each below the top. */
  paths(): [string, DriveItem][] {
    return [...this.#items.values()].map((item) => [this.#pathOf(item), item]);
  }

  #pathOf(item: DriveItem): string {
    const folder = this.#items.get(item.parent);
    return folder === undefined ? item.name : `${this.#pathOf(folder)}/${item.name}`;
  }
}
