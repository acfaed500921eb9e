/**
 * Sends the bytes of one file. Up to 4 MiB in one multipart request of the library (documented limit: 5 MB); larger ones
 * through a resumable session in chunks, which the library does not have (guides/manage-uploads).
 */
// oxlint-disable-next-line import/no-nodejs-modules -- the library takes Node streams only (`body.pipe`)
import { Readable } from 'node:stream';
import type { drive_v3 } from '@googleapis/drive';
import type { Bytes } from '../../src/bytes.ts';
import { PassportError } from '../../src/errors.ts';
import { type DriveClient, FILE_FIELDS } from './client.ts';
import { refusal } from './errors.ts';

export type DriveFile = drive_v3.Schema$File;

/** What a new file is; absent when the content of an existing one is replaced. */
export interface NewFile {
  readonly id: string;
  readonly name: string;
  readonly parent: string;
}

const MULTIPART_LIMIT = 4 * 1024 * 1024;
/** A multiple of 256 KiB, as all chunks but the last must be. */
const CHUNK = 8 * 1024 * 1024;
const TYPE = 'application/octet-stream';
const RESUMES = 3;
/** Of the server; 507 is not one: no room. */
const PASSING = new Set([500, 502, 503, 504]);

/** Makes the file, or replaces the content of `target`. Answers with FILE_FIELDS. Throws what the library throws. */
export async function upload(
  client: DriveClient,
  target: NewFile | string,
  bytes: Bytes,
  signal?: AbortSignal,
): Promise<DriveFile> {
  if (bytes.length > MULTIPART_LIMIT) return uploadResumable(client, target, bytes, signal);
  // The library ignores its own rootUrl for uploads, unless it is given with the call.
  const options = { rootUrl: client.rootUrl, ...(signal ? { signal } : {}) };
  const media = { mimeType: TYPE, body: Readable.from([bytes], { objectMode: false }) };
  const { data } =
    typeof target === 'string'
      ? await client.files.update({ fileId: target, requestBody: {}, media, fields: FILE_FIELDS }, options)
      : await client.files.create({ requestBody: metadata(target), media, fields: FILE_FIELDS }, options);
  return data;
}

function metadata({ id, name, parent }: NewFile): DriveFile {
  return { id, name, parents: [parent], mimeType: TYPE };
}

async function uploadResumable(
  client: DriveClient,
  target: NewFile | string,
  bytes: Bytes,
  signal?: AbortSignal,
): Promise<DriveFile> {
  const isNew = typeof target !== 'string';
  const path = isNew ? 'files' : `files/${encodeURIComponent(target)}`;
  const begun = await client.oauth.request({
    url: new URL(`upload/drive/v3/${path}`, client.rootUrl),
    method: isNew ? 'POST' : 'PATCH',
    params: { uploadType: 'resumable', fields: FILE_FIELDS },
    headers: { 'x-upload-content-type': TYPE, 'x-upload-content-length': String(bytes.length) },
    data: isNew ? metadata(target) : {},
    retry: false,
    ...(signal ? { signal } : {}),
  });
  const session = begun.headers.get('location');
  if (session === null) throw new PassportError('store-unreachable', 'Google Drive gave no address for an upload');
  return sendChunks(client.fetch, session, bytes, signal);
}

/** The session's address is the permission: no token is sent to it. */
async function sendChunks(
  request: typeof fetch,
  session: string,
  bytes: Bytes,
  signal?: AbortSignal,
): Promise<DriveFile> {
  const total = bytes.length;
  let from = 0;
  let failures = 0;
  /** After a chunk that was cut off: how far is it? */
  let ask = false;
  for (;;) {
    const to = Math.min(from + CHUNK, total);
    const answer = await (
      ask
        ? send(request, session, new Uint8Array(), `bytes */${total}`, signal)
        : send(request, session, bytes.subarray(from, to), `bytes ${from}-${to - 1}/${total}`, signal)
    ).catch((error: unknown) => {
      signal?.throwIfAborted();
      if (failures >= RESUMES) throw error;
      return undefined;
    });
    if (answer?.status === 200 || answer?.status === 201) return (await answer.json()) as DriveFile;
    if (answer?.status === 308) {
      await answer.body?.cancel();
      const received = /^bytes=0-(\d+)$/.exec(answer.headers.get('range') ?? '')?.[1];
      from = received === undefined ? 0 : Number(received) + 1;
      ask = from >= total; // everything is there, and it is not yet a file
      if (!ask && from === to) continue;
    } else if (answer !== undefined) {
      const pause = !PASSING.has(answer.status) || answer.headers.has('retry-after') || failures >= RESUMES;
      if (pause) throw await ended(answer);
      await answer.body?.cancel();
      ask = true;
    } else ask = true;
    if (++failures > RESUMES) throw new PassportError('store-unreachable', 'an upload to Google Drive does not get on');
  }
}

function send(
  request: typeof fetch,
  session: string,
  bytes: Bytes,
  range: string,
  signal?: AbortSignal,
): Promise<Response> {
  return request(session, {
    method: 'PUT',
    body: bytes,
    headers: { 'content-range': range },
    redirect: 'manual',
    ...(signal ? { signal } : {}),
  });
}

/** 404 and 410: the session ended, a new one may do. Everything else is said as Drive said it. */
async function ended(answer: Response): Promise<PassportError> {
  const text = await answer.text();
  if (answer.status === 404 || answer.status === 410)
    return new PassportError('store-unreachable', `Google Drive ended an upload (HTTP ${answer.status})`);
  return refusal(
    { status: answer.status, headers: answer.headers, data: text },
    Date.parse(answer.headers.get('date') ?? ''),
  );
}
