/** Bodies of uploads to the double: multipart/related (RFC 2387) with the metadata first, and sessions that may be resumed. */
import type { SpaceName } from './drive-items.ts';
import type { Reply } from './http-double.ts';

export interface Resumable {
  readonly metadata: object;
  /** The file whose content is replaced. */
  readonly id: string | undefined;
  readonly total: number;
  readonly space: SpaceName;
  readonly fields: string;
  readonly parts: Buffer[];
  /** The answer to the last chunk, given again to whoever asks. */
  done: Reply | undefined;
}

/** Undefined unless there are exactly two parts, JSON and content. */
export function parseMultipart(
  type: string | undefined,
  body: Buffer,
): { metadata: object; content: Buffer } | undefined {
  const boundary = /^multipart\/related; boundary="?([^";]+)"?$/.exec(type ?? '')?.[1];
  if (boundary === undefined) return undefined;
  const [, first, second, end] = split(body, `--${boundary}`);
  if (first === undefined || second === undefined || end?.toString().trim() !== '--') return undefined;
  const [json, content] = [part(first), part(second)];
  if (json === undefined || content === undefined || !json.type.startsWith('application/json')) return undefined;
  try {
    return { metadata: JSON.parse(json.body.toString()) as object, content: content.body };
  } catch {
    return undefined;
  }
}

function split(body: Buffer, by: string): Buffer[] {
  const parts: Buffer[] = [];
  let from = 0;
  for (;;) {
    const at = body.indexOf(by, from);
    if (at < 0) return [...parts, body.subarray(from)];
    parts.push(body.subarray(from, at));
    from = at + by.length;
  }
}

function part(bytes: Buffer): { type: string; body: Buffer } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0 || !bytes.subarray(-2).equals(Buffer.from('\r\n'))) return undefined;
  const type = /content-type: *(.+)/i.exec(bytes.subarray(0, end).toString())?.[1] ?? '';
  return { type, body: bytes.subarray(end + 4, -2) };
}
