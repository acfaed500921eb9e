/** What the published description allows, for the double of Drive: parameters, fields, limits, and how errors are written. */
import type { Reply } from './http-double.ts';

/** Query parameters that every method has (StandardParameters), as far as a client sends them. */
export const STANDARD = ['alt', 'fields', 'prettyPrint', 'quotaUser', 'uploadType', 'upload_id'];
export const PARAMETERS: Record<string, readonly string[]> = {
  list: [
    'q',
    'spaces',
    'pageSize',
    'pageToken',
    'orderBy',
    'corpora',
    'supportsAllDrives',
    'includeItemsFromAllDrives',
  ],
  generateIds: ['count', 'space', 'type'],
  create: ['keepRevisionForever', 'supportsAllDrives', 'ignoreDefaultVisibility'],
  update: ['addParents', 'removeParents', 'keepRevisionForever', 'supportsAllDrives'],
  get: ['acknowledgeAbuse', 'supportsAllDrives'],
  delete: ['supportsAllDrives'],
};

export const FIELDS = [
  'id',
  'name',
  'size',
  'sha256Checksum',
  'md5Checksum',
  'modifiedTime',
  'createdTime',
  'parents',
  'mimeType',
  'trashed',
];
export const MULTIPART_LIMIT = 5_000_000;
export const CHUNK_UNIT = 256 * 1024;

export function callOf(method: string, upload: boolean, id: string | undefined): string | undefined {
  if (id === 'generateIds') return method === 'GET' && !upload ? 'generateIds' : undefined;
  if (upload)
    return method === 'POST' && id === undefined
      ? 'create'
      : method === 'PATCH' && id !== undefined
        ? 'update'
        : undefined;
  if (id === undefined) return { GET: 'list', POST: 'create' }[method];
  return { GET: 'get', DELETE: 'delete' }[method];
}

export function soFar(received: number): Reply {
  return { status: 308, headers: received === 0 ? {} : { range: `bytes=0-${received - 1}` } };
}

export function parsed(body: Buffer): object | undefined {
  try {
    return JSON.parse(body.toString()) as object;
  } catch {
    return undefined;
  }
}

export function flipped(content: Buffer): Buffer {
  const other = Buffer.from(content);
  other[0] = (other[0] ?? 0) ^ 1;
  return other;
}

/** guides/handle-errors: the code twice, and the reason in `errors`. */
export function failure(status: number, reason: string, location?: string): Reply {
  const error = { domain: 'global', reason, message: reason, ...(location === undefined ? {} : { location }) };
  return { status, body: { error: { code: status, message: reason, errors: [error] } } };
}
