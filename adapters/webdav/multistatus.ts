/**
 * The answer to PROPFIND (RFC 4918, 14.16): what lies in a collection. Only our own question is read: is it a collection?
 * A strange member (a name that is no text, no properties) is passed over: whoever puts junk there must not hide the rest.
 */
import { parseXML } from 'webdav';
import type { Bytes } from '../../src/bytes.ts';

export const PROPFIND_TYPES =
  '<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>';

export interface Member {
  /** The last segment of its path, decoded. */
  readonly segment: string;
  readonly collection: boolean;
}

/** Members of the collection `within`, itself left out. Throws an Error when it is no multistatus of that collection. */
export async function members(xml: Bytes, within: string): Promise<Member[]> {
  const { multistatus } = await parseXML(new TextDecoder().decode(xml));
  const found = multistatus.response.map(({ href, propstat }) => ({
    path: pathOf(href),
    collection: isCollection(propstat?.prop.resourcetype),
  }));
  const self = found
    .map(({ path }) => path)
    .filter((path) => path?.endsWith(`/${within}`))
    .sort((a = '', b = '') => a.length - b.length)[0];
  if (self === undefined) throw new Error('the collection itself is not in its listing');
  return found.flatMap(({ path, collection }) => {
    const segment = path?.startsWith(`${self}/`) === true ? path.slice(self.length + 1) : '';
    return segment === '' || segment.includes('/') ? [] : [{ segment, collection }];
  });
}

/** Without slashes at its end; a server may write a whole URL, and a proxy may have put another path in front. */
function pathOf(href: unknown): string | undefined {
  try {
    const { pathname } = new URL(String(href), 'http://server');
    return decodeURIComponent(pathname).replace(/\/+$/, '');
  } catch {
    return undefined;
  }
}

function isCollection(resourcetype: unknown): boolean {
  return typeof resourcetype === 'object' && resourcetype !== null && 'collection' in resourcetype;
}
