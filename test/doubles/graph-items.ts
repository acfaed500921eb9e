/** What is in the app's folder of the double: a tree of names, unique whatever their case. */
import { quickXorHash } from '../../adapters/onedrive/quickxor.ts';

export interface GraphItem {
  readonly name: string;
  /** Undefined for folders. */
  content: Buffer | undefined;
  readonly children: Map<string, GraphItem>;
}

const folder = (name: string): GraphItem => ({ name, content: undefined, children: new Map() });

export class GraphItems {
  readonly root = folder('Passport Mesh');
  readonly #late = new Set<GraphItem>();
  /** From now on a new item is listed only after `settle`. */
  listsLate = false;

  settle(): void {
    this.listsLate = false;
    this.#late.clear();
  }

  at(path: readonly string[]): GraphItem | undefined {
    let item: GraphItem | undefined = this.root;
    for (const segment of path) item = item?.children.get(segment.toLowerCase());
    return item;
  }

  add(parent: GraphItem, name: string, content?: Buffer): GraphItem {
    const item = content === undefined ? folder(name) : { name, content, children: new Map<string, GraphItem>() };
    parent.children.set(name.toLowerCase(), item);
    if (this.listsLate) this.#late.add(item);
    return item;
  }

  /** The folder at the end of `path`, made where it is missing. */
  folders(path: readonly string[]): GraphItem {
    let item = this.root;
    for (const name of path) item = item.children.get(name.toLowerCase()) ?? this.add(item, name);
    return item;
  }

  listed(item: GraphItem): GraphItem[] {
    return [...item.children.values()].filter((child) => !this.#late.has(child));
  }

  used(item = this.root): number {
    return [...item.children.values()].reduce((sum, child) => sum + this.used(child), item.content?.length ?? 0);
  }
}

/** A driveItem; `select` leaves only those properties. */
export function described(item: GraphItem, select?: readonly string[]): object {
  const all: Record<string, unknown> = {
    id: `ID!${item.name}`,
    name: item.name,
    size: item.content?.length ?? 0,
    ...(item.content === undefined
      ? { folder: { childCount: item.children.size } }
      : { file: { mimeType: 'application/octet-stream', hashes: { quickXorHash: quickXorHash(item.content) } } }),
  };
  if (select === undefined) return all;
  return Object.fromEntries(select.flatMap((field) => (all[field] === undefined ? [] : [[field, all[field]]])));
}
