/**
 * A double of the part of Microsoft Graph that the adapter uses, after api-reference/v1.0: driveitem-list-children, -get,
 * -get-content, -put-content, -post-children, -delete and -createuploadsession. It refuses unknown query options and properties,
 * ranges and sizes beyond the limits, and tokens where none belong.
 */
import { randomUUID } from 'node:crypto';
import type { EntraDouble } from './entra.ts';
import { described, type GraphItem, GraphItems } from './graph-items.ts';
import { HttpDouble, type Received, type Reply } from './http-double.ts';

const RANGE_UNIT = 320 * 1024;
const RANGE_LIMIT = 60 * 1024 * 1024;
const CONFLICT = '@microsoft.graph.conflictBehavior';
/** Properties of an item that a client may select. */
const FIELDS = ['id', 'name', 'size', 'file', 'folder'];
const OPTIONS: Record<string, readonly string[]> = {
  'GET /children': ['$top', '$select', '$skiptoken', '$expand', '$orderby'],
  'GET ': ['$select', '$expand'],
};

interface Session {
  readonly path: readonly string[];
  readonly behaviour: string;
  readonly parts: Buffer[];
  total: number | undefined;
}

export class GraphDouble extends HttpDouble {
  readonly #entra: EntraDouble;
  readonly items = new GraphItems();
  readonly #sessions = new Map<string, Session>();
  readonly #downloads = new Map<string, GraphItem>();
  quotaBytes = Infinity;
  /** Of the simple upload: "up to 250 MB"; older pages say 4 MB. */
  simpleLimit = 250_000_000;
  /** Whether a simple upload makes the folders on its way. */
  makesFolders = true;
  /** The next so many uploads arrive with one bit changed. */
  damagedUploads = 0;
  /** Another device puts this content under the name before the last range of an upload arrives. */
  meanwhile: Buffer | undefined;
  /** Upload sessions answer this instead, as after their time. */
  endsSessions: 404 | 410 | undefined;
  /** Addresses of downloads answer 401, as after a few minutes. */
  endsDownloads = false;
  /** A next page that leads elsewhere. */
  foreignNextLink: string | undefined;

  constructor(entra: EntraDouble) {
    super();
    this.#entra = entra;
  }

  get base(): string {
    return `${this.url}/v1.0`;
  }

  protected override errorFor(status: number): Reply {
    const codes: Record<number, string> = {
      401: 'InvalidAuthenticationToken',
      403: 'accessDenied',
      404: 'itemNotFound',
      409: 'resourceModified',
      429: 'activityLimitReached',
      503: 'serviceNotAvailable',
      507: 'insufficientStorage',
    };
    return failure(status, codes[status] ?? 'generalException');
  }

  protected override answer(request: Received): Reply {
    const { method, path, headers } = request;
    const [, kind, key] = /^\/(up|download)\/(.+)$/.exec(path) ?? [];
    // "If you include the Authorization header when issuing the PUT call, it may result in 401"
    if (kind !== undefined && headers.authorization !== undefined) return failure(401, 'unauthenticated');
    if (kind === 'up') return this.#range(key!, request);
    if (kind === 'download') return this.#download(key!, method);
    if (!this.#entra.tokens.has(/^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''))
      return failure(401, 'InvalidAuthenticationToken');
    const found = /^\/v1\.0\/me\/drive\/special\/approot(?::\/((?:(?!:).)+))?(?::?(\/\w+))?$/.exec(path);
    if (found === null) return failure(400, 'invalidRequest');
    const [, below, action = ''] = found;
    const segments = below === undefined ? [] : below.split('/').map(decodeURIComponent);
    if (segments.some((segment) => !isAllowed(segment))) return failure(400, 'invalidRequest');
    return this.#call(`${method} ${action}`, segments, request);
  }

  #call(call: string, path: readonly string[], { query, body, headers }: Received): Reply {
    const unknown = [...query.keys()].find((name) => !(OPTIONS[call] ?? []).includes(name));
    if (unknown !== undefined) return failure(400, 'invalidRequest');
    const item = this.items.at(path);
    const select = query.get('$select')?.split(',');
    if (select?.some((field) => !FIELDS.includes(field)) === true) return failure(400, 'invalidRequest');
    switch (call) {
      case 'GET /children':
        return item === undefined ? failure(404, 'itemNotFound') : this.#children(item, path, query, select);
      case 'POST /children':
        return item === undefined ? failure(404, 'itemNotFound') : this.#makeFolder(item, parsed(body));
      case 'GET ':
        return item === undefined ? failure(404, 'itemNotFound') : { status: 200, body: described(item, select) };
      case 'GET /content':
        if (item === undefined) return failure(404, 'itemNotFound');
        return item.content === undefined ? failure(400, 'notSupported') : this.#redirect(item);
      case 'PUT /content':
        if (headers['content-type'] === undefined) return failure(400, 'invalidRequest');
        return body.length > this.simpleLimit ? failure(413, 'requestTooLarge') : this.#simple(path, body);
      case 'POST /createUploadSession':
        return this.#begin(path, parsed(body));
      case 'DELETE ':
        if (item === undefined) return failure(404, 'itemNotFound');
        this.items.at(path.slice(0, -1))?.children.delete(path.at(-1)!.toLowerCase());
        return { status: 204 };
      default:
        return failure(405, 'notAllowed');
    }
  }

  #children(item: GraphItem, path: readonly string[], query: URLSearchParams, select?: readonly string[]): Reply {
    const top = Number(query.get('$top') ?? 200);
    if (!Number.isInteger(top) || top < 1 || top > 1000) return failure(400, 'invalidRequest');
    const all = this.items.listed(item);
    const from = Number(query.get('$skiptoken') ?? 0);
    const more = from + top < all.length;
    const next = new URLSearchParams([...query.entries()].filter(([name]) => name !== '$skiptoken'));
    next.set('$skiptoken', String(from + top));
    const link = `${this.base}/me/drive/special/approot:/${path.join('/')}:/children?${next.toString()}`;
    return {
      status: 200,
      body: {
        value: all.slice(from, from + top).map((child) => described(child, select)),
        ...(more ? { '@odata.nextLink': this.foreignNextLink ?? link } : {}),
      },
    };
  }

  #makeFolder(parent: GraphItem, body: Record<string, unknown> | undefined): Reply {
    const { name, folder, [CONFLICT]: behaviour = 'fail', ...rest } = body ?? {};
    if (typeof name !== 'string' || !isAllowed(name) || typeof folder !== 'object' || Object.keys(rest).length > 0)
      return failure(400, 'invalidRequest');
    if (behaviour !== 'fail') return failure(400, 'notSupported');
    if (parent.children.has(name.toLowerCase())) return failure(409, 'nameAlreadyExists');
    return { status: 201, body: described(this.items.add(parent, name)) };
  }

  #redirect(item: GraphItem): Reply {
    const key = randomUUID();
    this.#downloads.set(key, item);
    return { status: 302, headers: { location: `${this.url}/download/${key}` } };
  }

  #download(key: string, method: string): Reply {
    const item = this.#downloads.get(key);
    if (item?.content === undefined || this.endsDownloads) return failure(401, 'unauthenticated');
    if (method !== 'GET') return failure(405, 'notAllowed');
    return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: item.content };
  }

  #simple(path: readonly string[], content: Buffer): Reply {
    const folder = path.slice(0, -1);
    if (!this.makesFolders && this.items.at(folder) === undefined) return failure(404, 'itemNotFound');
    return this.#store(path, content);
  }

  #begin(path: readonly string[], body: Record<string, unknown> | undefined): Reply {
    const { item, deferCommit, ...rest } = body ?? {};
    const { name, [CONFLICT]: behaviour = 'fail', ...more } = (item ?? {}) as Record<string, unknown>;
    const known = ['fail', 'replace', 'rename'].includes(String(behaviour));
    if (!known || (name !== undefined && name !== path.at(-1)) || Object.keys({ ...rest, ...more }).length > 0)
      return failure(400, 'invalidRequest');
    if (deferCommit === true) return failure(400, 'notSupported');
    // OneDrive/onedrive-api-docs#364: "the parent folder must exist before you call createSession"
    if (this.items.at(path.slice(0, -1)) === undefined) return failure(404, 'itemNotFound');
    const key = randomUUID();
    this.#sessions.set(key, { path, behaviour: String(behaviour), parts: [], total: undefined });
    return { status: 200, body: { uploadUrl: `${this.url}/up/${key}`, expirationDateTime: '2030-01-01T00:00:00Z' } };
  }

  #range(key: string, { method, headers, body }: Received): Reply {
    const session = this.#sessions.get(key);
    if (session === undefined || this.endsSessions !== undefined)
      return failure(this.endsSessions ?? 404, 'itemNotFound');
    const received = session.parts.reduce((sum, part) => sum + part.length, 0);
    const missing = { expirationDateTime: '2030-01-01T00:00:00Z', nextExpectedRanges: [`${received}-`] };
    if (method === 'GET') return { status: 200, body: missing };
    if (method === 'DELETE') return this.#sessions.delete(key) ? { status: 204 } : failure(404, 'itemNotFound');
    const [from, to, total] = (/^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [])
      .slice(1)
      .map(Number);
    if (method !== 'PUT' || from === undefined || to === undefined || total === undefined)
      return failure(400, 'invalidRequest');
    session.total ??= total;
    const isLast = to === total - 1;
    if (total !== session.total || to - from + 1 !== body.length || to >= total) return failure(400, 'invalidRange');
    if (body.length >= RANGE_LIMIT || (!isLast && body.length % RANGE_UNIT !== 0)) return failure(400, 'invalidRange');
    if (from !== received) return failure(416, 'invalidRange');
    if (isLast && this.meanwhile !== undefined) {
      this.#store(session.path, this.meanwhile);
      this.meanwhile = undefined;
      return failure(409, 'nameAlreadyExists');
    }
    session.parts.push(body);
    if (!isLast) return { status: 202, body: { ...missing, nextExpectedRanges: [`${received + body.length}-`] } };
    this.#sessions.delete(key);
    if (session.behaviour === 'fail' && this.items.at(session.path) !== undefined)
      return failure(409, 'nameAlreadyExists');
    return this.#store(session.path, Buffer.concat(session.parts));
  }

  #store(path: readonly string[], content: Buffer): Reply {
    if (this.items.used() + content.length > this.quotaBytes) return failure(507, 'insufficientStorage');
    const bytes = this.damagedUploads > 0 ? flipped(content) : content;
    this.damagedUploads = Math.max(0, this.damagedUploads - 1);
    const folder = this.items.folders(path.slice(0, -1));
    const there = folder.children.get(path.at(-1)!.toLowerCase());
    if (there !== undefined && there.content === undefined) return failure(409, 'nameAlreadyExists');
    if (there === undefined) return { status: 201, body: described(this.items.add(folder, path.at(-1)!, bytes)) };
    there.content = bytes;
    return { status: 200, body: described(there) };
  }
}

/** support.microsoft.com, "Restrictions and limitations in OneDrive and SharePoint" */
function isAllowed(name: string): boolean {
  if (name === '' || name.length > 255 || /["*:<>?/\\|]|^\s|\s$|\.$|^~\$|_vti_/.test(name)) return false;
  return !/^(?:\.lock|con|prn|aux|nul|com\d|lpt\d|desktop\.ini)$/i.test(name);
}

function flipped(content: Buffer): Buffer {
  const other = Buffer.from(content);
  other[0] = (other[0] ?? 0) ^ 1;
  return other;
}

function parsed(body: Buffer): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function failure(status: number, code: string): Reply {
  return { status, body: { error: { code, message: code, innerError: { 'request-id': '0' } } } };
}
