/**
 * Reads folders by their parents, never by a query for a name: a listing of one folder also asks for the folders on the way to
 * it, so one request answers both "which folders are this path" and "what is in them". Folders of one name are one folder to us:
 * two devices may have made it at the same time.
 */
import type { drive_v3 } from '@googleapis/drive';
import { isPassportError, type PassportError } from '../../src/errors.ts';
import { storeFailure } from '../../src/storage/http.ts';
import { type DriveAddress, TOPS } from './address.ts';
import type { DriveClient } from './client.ts';
import type { FolderEntry } from './state.ts';

export type Item = drive_v3.Schema$File;

export const FOLDER_TYPE = 'application/vnd.google-apps.folder';
const FIELDS = 'nextPageToken,files(id,name,size,sha256Checksum,modifiedTime,createdTime,parents,mimeType)';
const PAGE = 1000;
/** Parents of one query; Drive refuses queries that are too long. */
const PARENTS = 50;

/** All pages of one query. */
export async function listAll(
  client: DriveClient,
  address: DriveAddress,
  q: string,
  signal?: AbortSignal,
): Promise<Item[]> {
  const items: Item[] = [];
  let pageToken: string | undefined;
  do {
    const params = {
      ...{ q, fields: FIELDS, pageSize: PAGE, spaces: address.space },
      ...(pageToken === undefined ? {} : { pageToken }),
    };
    const { data } = await client
      .call(signal, () => client.files.list(params, signal ? { signal } : {}))
      .catch((error: unknown) => {
        throw isGone(error) ? folderGone(error) : error;
      });
    items.push(...(data.files ?? []));
    pageToken = data.nextPageToken ?? undefined;
  } while (pageToken !== undefined);
  return items;
}

/** Drive answers 404 to a query for what is in a folder that is deleted for good (other times: nothing is in it). */
const isGone = (error: unknown): boolean => isPassportError(error) && error.details['status'] === 404;

const folderGone = (cause: unknown): PassportError =>
  storeFailure('store-unreachable', { where: 'Google Drive', status: 404, reason: 'a folder that is gone', cause });

const anyParent = (ids: readonly string[]) => ids.map((id) => `'${id}' in parents`).join(' or ');

/** Everything in the folders `within`, and every folder in the folders `above`. */
function queryFor(above: readonly string[], within: readonly string[]): string {
  const folders = `mimeType = '${FOLDER_TYPE}' and (${anyParent(above)})`;
  if (within.length === 0) return `trashed = false and ${folders}`;
  if (above.length === 0) return `trashed = false and (${anyParent(within)})`;
  return `trashed = false and ((${folders}) or ${anyParent(within)})`;
}

export interface FolderListing {
  /** Ids of each folder on the way, and of the folder itself: '' is the store's folder. Absent: there is none. */
  readonly folders: ReadonlyMap<string, readonly string[]>;
  /** Files and folders in the last of them. */
  readonly items: readonly Item[];
}

/** '' , 'p', 'p/x' … `path`. */
export function chainOf(path: string): string[] {
  const segments = path === '' ? [] : path.split('/');
  return ['', ...segments.map((_, i) => segments.slice(0, i + 1).join('/'))];
}

/** '' for what lies in the store's folder itself. */
export const directoryOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
export const leafOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Lists one folder. `known` are ids from before, which save requests when they are right. */
export async function listFolder(
  client: DriveClient,
  address: DriveAddress,
  path: string,
  known: Readonly<Record<string, readonly FolderEntry[]>>,
  signal?: AbortSignal,
): Promise<FolderListing> {
  const chain = chainOf(path);
  const folders = new Map<string, string[]>();
  const items: Item[] = [];
  const asked = new Set<string>();
  for (;;) {
    const idsOf = (step: string) => [
      ...new Set([...(folders.get(step) ?? []), ...(known[step] ?? []).map(({ id }) => id)]),
    ];
    const fresh = (ids: readonly string[]) => ids.filter((id) => !asked.has(id));
    const above = fresh([TOPS[address.space], ...chain.slice(0, -1).flatMap(idsOf)]);
    const within = fresh(idsOf(path));
    if (above.length + within.length === 0) return { folders, items };
    for (const id of [...above, ...within]) asked.add(id);
    const found = await listAll(client, address, queryFor(above, within), signal).catch((error: unknown) => {
      if (isGone(error) && Object.keys(known).length > 0) return undefined;
      throw error;
    });
    // What was known is wrong: from the top.
    if (found === undefined) return listFolder(client, address, path, {}, signal);
    // A folder can only be placed when its parent is: from the top down.
    for (const [depth, step] of chain.entries()) {
      const parents = depth === 0 ? undefined : idsOf(chain[depth - 1] as string);
      const name = depth === 0 ? address.folder : leafOf(step);
      const placed = found.filter((item) => isFolder(item) && item.name === name && isIn(item, parents, asked));
      const ids = [...(folders.get(step) ?? []), ...sorted(placed)];
      if (ids.length > 0) folders.set(step, [...new Set(ids)]);
    }
    items.push(...found.filter((item) => (item.parents ?? []).some((id) => within.includes(id))));
  }
}

export const isFolder = (item: Item): boolean => item.mimeType === FOLDER_TYPE;

/** The space's own top folder has an id that we may not be told: what is in none of the folders that were asked is in it. */
function isIn(item: Item, parents: readonly string[] | undefined, asked: ReadonlySet<string>): boolean {
  const own = item.parents ?? [];
  return parents === undefined ? !own.some((id) => asked.has(id)) : own.some((id) => parents.includes(id));
}

/** Oldest first, so that all devices put into the same one. */
function sorted(items: readonly Item[]): string[] {
  const key = ({ createdTime, id }: Item) => `${createdTime ?? ''} ${id ?? ''}`;
  return [...items].sort((a, b) => (key(a) < key(b) ? -1 : 1)).flatMap(({ id }) => id ?? []);
}

/** What is directly in any of these folders, in as few requests as Drive allows. */
export async function listWithin(
  client: DriveClient,
  address: DriveAddress,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<Item[]> {
  const items: Item[] = [];
  for (let at = 0; at < ids.length; at += PARENTS)
    items.push(...(await listAll(client, address, queryFor([], ids.slice(at, at + PARENTS)), signal)));
  return items;
}
