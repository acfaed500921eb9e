/**
 * A double of the part of Google Drive v3 that the adapter uses, after the published description (the client library's v3.d.ts,
 * which is generated from it) and the guides on uploads, errors and ids. It refuses unknown parameters and fields, ids that it did
 * not give out, pages and uploads beyond the limits, wrong ranges, and what the token's scope does not allow.
 */
import { createHash } from 'node:crypto';
import type { GoogleAuthDouble } from './google-auth.ts';
import { type DriveItem, DriveItems, FOLDER, type SpaceName } from './drive-items.ts';
import { parseQuery } from './drive-query.ts';
import { parseMultipart, type Resumable } from './drive-upload.ts';
import { HttpDouble, type Received, type Reply } from './http-double.ts';
import {
  callOf,
  CHUNK_UNIT,
  failure,
  FIELDS,
  flipped,
  MULTIPART_LIMIT,
  PARAMETERS,
  parsed,
  soFar,
  STANDARD,
} from './drive-rules.ts';

export class DriveDouble extends HttpDouble {
  readonly #auth: GoogleAuthDouble;
  readonly items = new DriveItems();
  readonly #sessions = new Map<string, Resumable>();
  /** Bytes that fit in; beyond it creates answer storageQuotaExceeded. */
  quotaBytes = Infinity;
  /** The next so many uploads arrive with one bit changed. */
  damagedUploads = 0;
  /** Downloads have one bit changed. */
  damagesDownloads = false;
  /** Whether answers name the parent of what lies at the top of My Drive, which drive.file may not see. */
  showsTop = true;
  /** A listing that names a folder which is not there (for good) answers 404 "File not found: .", not an empty page. */
  refusesGoneParents = false;
  /** Every session of an upload answers 404 from now on, as after a week. */
  endsSessions = false;

  constructor(auth: GoogleAuthDouble) {
    super();
    this.#auth = auth;
  }

  /** The person puts a file of another kind into the store's folder, whose name is the first that lies at the top. */
  putForeign(path: string, space: SpaceName): void {
    const top = this.items.listed(space).find((item) => this.items.isAtTop(item));
    const segments = path.split('/');
    let parent = top?.id ?? (space === 'drive' ? 'root' : space);
    for (const [at, name] of segments.entries()) {
      const isLast = at === segments.length - 1;
      const there = this.items.listed(space).find((item) => item.parent === parent && item.name === name);
      const content = isLast ? Buffer.from('not an object') : undefined;
      const mimeType = isLast ? 'text/plain' : FOLDER;
      parent = (there ?? this.items.add({ id: this.items.reserve(space), name, parent, mimeType, content, space })).id;
    }
  }

  protected override errorFor(status: number): Reply {
    const reasons: Record<number, string> = {
      401: 'authError',
      403: 'insufficientFilePermissions',
      404: 'notFound',
      429: 'rateLimitExceeded',
      500: 'backendError',
    };
    return failure(status, reasons[status] ?? 'error');
  }

  protected override answer(request: Received): Reply {
    const { method, path, query, headers } = request;
    if (path.startsWith('/upload/drive/v3/files') && query.has('upload_id')) {
      // Drive would take it; that none is sent is a rule of ours.
      if (headers.authorization !== undefined) return failure(400, 'tokenSentToSession');
      return this.#chunk(request);
    }
    const scope = this.#auth.tokens.get(/^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '');
    if (scope === undefined) return failure(401, 'authError');
    const space: SpaceName = scope.endsWith('/drive.appdata') ? 'appDataFolder' : 'drive';
    const [, upload, rest] = /^(\/upload)?\/drive\/v3\/files(?:\/(.+))?$/.exec(path) ?? [];
    if (!path.includes('/drive/v3/files')) return failure(404, 'notFound');
    const id = rest === undefined ? undefined : decodeURIComponent(rest);
    const call = callOf(method, upload !== undefined, id);
    if (call === undefined) return failure(404, 'notFound');
    const allowed = [...STANDARD, ...PARAMETERS[call]!];
    const unknown = [...query.keys()].find((name) => !allowed.includes(name));
    if (unknown !== undefined) return failure(400, 'invalidParameter', unknown);
    if (call === 'list') return this.#list(query, space);
    if (call === 'generateIds') return this.#generateIds(query);
    if (call === 'create' && upload === undefined) return this.#create(parsed(request.body), undefined, query, space);
    if (upload !== undefined) return this.#upload(request, id, space);
    const item = this.items.visible(id!, space);
    if (item === undefined) return failure(404, 'notFound', 'fileId');
    if (call === 'delete') {
      this.items.remove(item.id);
      return { status: 204 };
    }
    if (query.get('alt') === 'media') return this.#download(item);
    return this.#shown(item, query);
  }

  #list(query: URLSearchParams, space: SpaceName): Reply {
    const size = Number(query.get('pageSize') ?? 100);
    if (!Number.isInteger(size) || size < 1 || size > 1000) return failure(400, 'invalidParameter', 'pageSize');
    const asked = query.get('spaces') ?? 'drive';
    if (asked !== space) return failure(403, 'insufficientScopes', 'spaces');
    const matches = parseQuery(query.get('q') ?? '');
    if (matches === undefined) return failure(400, 'invalid', 'q');
    const asks = [...(query.get('q') ?? '').matchAll(/'([^']+)' in parents/g)].map(([, id]) => id as string);
    if (this.refusesGoneParents && asks.some((id) => this.items.resolve(id, space) === undefined))
      return failure(404, 'notFound', 'fileId');
    const mask = /^nextPageToken,files\(([a-zA-Z0-9,]+)\)$/.exec(query.get('fields') ?? '')?.[1]?.split(',');
    if (mask === undefined || mask.some((field) => !FIELDS.includes(field)))
      return failure(400, 'invalidParameter', 'fields');
    // A token belongs to its query; it says where the next page begins.
    const key = createHash('sha256')
      .update(`${query.get('q')}|${asked}|${size}`)
      .digest('hex')
      .slice(0, 8);
    const [of, from] = (query.get('pageToken') ?? `${key}~0`).split('~');
    if (of !== key) return failure(400, 'invalid', 'pageToken');
    const all = this.items
      .listed(space)
      .filter((item) =>
        matches({ ...item, parents: this.items.parentsAsked(item), trashed: this.items.isTrashed(item) }),
      );
    const start = Number(from);
    const files = all.slice(start, start + size).map((item) => this.#masked(item, mask));
    const next = start + size < all.length ? { nextPageToken: `${key}~${start + size}` } : {};
    return { status: 200, body: { ...next, files } };
  }

  #generateIds(query: URLSearchParams): Reply {
    const count = Number(query.get('count') ?? 10);
    const space = query.get('space') ?? 'drive';
    if (!Number.isInteger(count) || count < 1 || count > 1000) return failure(400, 'invalidParameter', 'count');
    if (space !== 'drive' && space !== 'appDataFolder') return failure(400, 'invalidParameter', 'space');
    if (!['files', 'shortcuts'].includes(query.get('type') ?? 'files')) return failure(400, 'invalidParameter', 'type');
    const ids = Array.from({ length: count }, () => this.items.reserve(space));
    return { status: 200, body: { kind: 'drive#generatedIds', space, ids } };
  }

  #upload(request: Received, id: string | undefined, space: SpaceName): Reply {
    const { query, headers, body } = request;
    if (id !== undefined && this.items.visible(id, space) === undefined) return failure(404, 'notFound', 'fileId');
    const type = query.get('uploadType');
    if (type === 'multipart') {
      if (body.length > MULTIPART_LIMIT) return failure(400, 'uploadTooLarge');
      const parts = parseMultipart(headers['content-type'], body);
      if (parts === undefined) return failure(400, 'badContent');
      return this.#store(parts.metadata, parts.content, id, query, space);
    }
    if (type !== 'resumable') return failure(400, 'invalidParameter', 'uploadType');
    const total = Number(headers['x-upload-content-length']);
    const metadata = parsed(body);
    if (!Number.isInteger(total) || metadata === undefined) return failure(400, 'badContent');
    const problem = id === undefined ? this.#problem(metadata, total, space) : undefined;
    if (problem !== undefined) return problem;
    const session = `session-${this.#sessions.size + 1}`;
    this.#sessions.set(session, {
      metadata,
      id,
      total,
      space,
      fields: query.get('fields') ?? '',
      parts: [],
      done: undefined,
    });
    const location = `${this.url}/upload/drive/v3/files?uploadType=resumable&upload_id=${session}`;
    return { status: 200, headers: { location } };
  }

  /** guides/manage-uploads, "resumable": a chunk, or `bytes *\/total` to ask how far it is. */
  #chunk({ method, query, headers, body }: Received): Reply {
    const session = this.#sessions.get(query.get('upload_id') ?? '');
    if (session === undefined || this.endsSessions) return failure(404, 'notFound');
    const [, range, of] = /^bytes (\*|\d+-\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
    if (method !== 'PUT' || range === undefined || Number(of) !== session.total) return failure(400, 'badRange');
    if (session.done !== undefined) return session.done;
    const received = session.parts.reduce((sum, part) => sum + part.length, 0);
    if (range === '*') return body.length > 0 ? failure(400, 'badRange') : soFar(received);
    const [from, to] = range.split('-').map(Number) as [number, number];
    const isLast = to === session.total - 1;
    if (from !== received || to - from + 1 !== body.length || to >= session.total) return failure(400, 'badRange');
    if (!isLast && body.length % CHUNK_UNIT !== 0) return failure(400, 'badRange');
    session.parts.push(body);
    if (!isLast) return soFar(received + body.length);
    const content = Buffer.concat(session.parts);
    const reply = this.#store(
      session.metadata,
      content,
      session.id,
      new URLSearchParams({ fields: session.fields }),
      session.space,
    );
    if (reply.status === 200) session.done = reply;
    return reply;
  }

  #store(
    metadata: object | undefined,
    content: Buffer,
    id: string | undefined,
    query: URLSearchParams,
    space: SpaceName,
  ): Reply {
    const bytes = this.damagedUploads-- > 0 ? flipped(content) : content;
    if (this.damagedUploads < 0) this.damagedUploads = 0;
    if (id === undefined) return this.#create(metadata, bytes, query, space);
    if (metadata === undefined || Object.keys(metadata).length > 0) return failure(400, 'fieldNotWritable');
    if (this.items.used() + content.length > this.quotaBytes) return failure(403, 'storageQuotaExceeded');
    return this.#shown(this.items.replace(id, bytes), query);
  }

  #create(metadata: object | undefined, content: Buffer | undefined, query: URLSearchParams, space: SpaceName): Reply {
    const problem = this.#problem(metadata, content?.length ?? 0, space);
    if (problem !== undefined) return problem;
    const { id, name, parents, mimeType } = metadata as Record<string, string> & { parents: string[] };
    if (content === undefined && mimeType !== FOLDER) return failure(400, 'badContent');
    return this.#shown(
      this.items.add({ id: id!, name: name!, parent: parents[0]!, mimeType: mimeType!, content, space }),
      query,
    );
  }

  #problem(metadata: object | undefined, size: number, space: SpaceName): Reply | undefined {
    if (metadata === undefined) return failure(400, 'parseError');
    const unknown = Object.keys(metadata).find((key) => !['id', 'name', 'parents', 'mimeType'].includes(key));
    if (unknown !== undefined) return failure(400, 'invalid', unknown);
    const { id, name, parents, mimeType } = metadata as Record<string, unknown>;
    if (typeof name !== 'string' || name === '' || typeof mimeType !== 'string')
      return failure(400, 'required', 'name');
    if (!Array.isArray(parents) || parents.length !== 1) return failure(400, 'invalid', 'parents');
    // A file without an id would be made twice by a retry: what the adapter must never send.
    if (typeof id !== 'string' || this.items.reservedFor(id) === undefined) return failure(400, 'invalid', 'file.id');
    if (this.items.reservedFor(id) !== space) return failure(400, 'invalid', 'file.id');
    const parent = this.items.resolve(String(parents[0]), space);
    if (parent === undefined) return failure(404, 'notFound', 'parents');
    if (this.items.has(id)) return failure(409, 'fileIdInUse');
    if (this.items.used() + size > this.quotaBytes) return failure(403, 'storageQuotaExceeded');
    return undefined;
  }

  #download(item: DriveItem): Reply {
    if (item.content === undefined) return failure(403, 'fileNotDownloadable');
    const body = this.damagesDownloads ? flipped(item.content) : item.content;
    return { status: 200, headers: { 'content-type': item.mimeType }, body };
  }

  #shown(item: DriveItem, query: URLSearchParams): Reply {
    const mask = (query.get('fields') ?? 'id,name,mimeType').split(',');
    if (mask.some((field) => !FIELDS.includes(field))) return failure(400, 'invalidParameter', 'fields');
    return { status: 200, body: this.#masked(item, mask) };
  }

  #masked(item: DriveItem, mask: readonly string[]): object {
    const all = this.items.described(item);
    if (!this.showsTop && this.items.isAtTop(item)) delete all['parents'];
    return Object.fromEntries(mask.flatMap((field) => (all[field] === undefined ? [] : [[field, all[field]]])));
  }
}
