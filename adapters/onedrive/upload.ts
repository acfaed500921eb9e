/**
 * Large objects: an upload session with ranges of a multiple of 320 KiB (api/driveitem-createuploadsession). The file appears when
 * the last range is there; a range that broke off is asked for again.
 */
import type { Bytes } from '../../src/bytes.ts';
import { storeFailure } from '../../src/storage/http.ts';
import type { DriveItem, Graph } from './graph.ts';

/** 32 x 320 KiB; the limit is 60 MiB. */
const RANGE = 10 * 1024 * 1024;
const RESUMES = 3;
/** Of the server; 507 is not one: no room. */
const PASSING = new Set([500, 502, 503, 504]);

export interface UploadTarget {
  /** The item by its path, without a slash at the end: `/me/drive/special/approot:/p/x`. */
  readonly item: string;
  readonly leaf: string;
}

/** The item, or why there is none: `session-gone` (begin again), `name-taken` (somebody put this name meanwhile). */
export type Uploaded = DriveItem | 'session-gone' | 'name-taken' | 'no-folder';

export async function uploadLarge(
  graph: Graph,
  target: UploadTarget,
  bytes: Bytes,
  signal?: AbortSignal,
): Promise<Uploaded> {
  const begun = await graph.send(`${target.item}:/createUploadSession`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ item: { '@microsoft.graph.conflictBehavior': 'replace', name: target.leaf } }),
    signal,
  });
  if (begun.status === 404) {
    await begun.body?.cancel();
    return 'no-folder';
  }
  const { uploadUrl } = await graph.json<{ uploadUrl: string }>(begun, signal);
  let from = 0;
  let failures = 0;
  let ask = false;
  for (;;) {
    const to = Math.min(from + RANGE, bytes.length);
    const answer = await (
      ask
        ? graph.plain(uploadUrl, { signal })
        : graph.plain(uploadUrl, {
            method: 'PUT',
            headers: { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` },
            body: bytes.subarray(from, to),
            signal,
          })
    ).catch((error: unknown) => {
      signal?.throwIfAborted();
      if (failures >= RESUMES) throw error;
      return undefined;
    });
    if (answer?.status === 201 || (answer?.status === 200 && !ask)) return graph.json<DriveItem>(answer, signal);
    if (answer?.status === 404 || answer?.status === 410) {
      await answer.body?.cancel();
      return 'session-gone';
    }
    if (answer?.status === 409) {
      await answer.body?.cancel();
      return 'name-taken';
    }
    if (answer?.status === 200 || answer?.status === 202) {
      const { nextExpectedRanges } = await graph.json<{ nextExpectedRanges?: readonly string[] }>(answer, signal);
      const next = Number.parseInt(nextExpectedRanges?.[0] ?? '', 10);
      const moved = Number.isInteger(next) && next > from && next < bytes.length;
      from = Number.isInteger(next) && next < bytes.length ? next : 0;
      ask = false;
      if (moved) continue;
    } else if (answer === undefined || answer.status === 416 || (PASSING.has(answer.status) && failures < RESUMES)) {
      if (answer?.headers.has('retry-after') === true) throw await graph.refusal(answer);
      await answer?.body?.cancel();
      ask = true; // cut off, or there already: which ranges are missing?
    } else throw await graph.refusal(answer);
    if (++failures > RESUMES)
      throw storeFailure('store-unreachable', { where: 'OneDrive', reason: 'an upload does not get on' });
  }
}
