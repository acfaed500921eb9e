/** What all stores behind HTTP share: which status means which code of the store port, Retry-After, and bodies with a bound. */
import type { Bytes } from '../bytes.ts';
import { PassportError, type PassportErrorCode } from '../errors.ts';
import { tooLarge } from './store-name.ts';

export interface HttpFailure {
  /** The server in words, such as `the bucket "x"`; never a credential. */
  readonly where: string;
  /** Absent when there was no answer. */
  readonly status?: number | undefined;
  /** The server's own name of the failure. */
  readonly reason?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly hint?: string | undefined;
  /** Only its name, message and code are kept. */
  readonly cause?: unknown;
}

/** Worth the same call again: no answer, a moment's failure of the server, another writer at the same name. */
const PASSING = new Set([408, 409, 423, 425, 429, 500, 502, 503, 504]);
const FULL = new Set([507, 509]);

/**
 * `store-full` for 507; `store-refused` for other 4xx and for redirects, which a client of a store does not follow;
 * `store-unreachable` for no answer and what may pass by itself. `details.retryAfterMs` is the pause that the server asked for.
 */
export function httpFailure(failure: HttpFailure): PassportError {
  const { where, status, reason, hint, cause, retryAfterMs } = failure;
  const code: PassportErrorCode =
    status === undefined || PASSING.has(status)
      ? 'store-unreachable'
      : FULL.has(status)
        ? 'store-full'
        : status < 500
          ? 'store-refused'
          : 'store-unreachable';
  return storeFailure(code, { where, status, reason, hint, cause, retryAfterMs });
}

const SAYS = {
  'store-full': 'is full',
  'store-refused': 'refuses access',
  'store-unreachable': 'cannot be reached',
} as const;

/** The same with a code that the caller knows better than the status tells. `retry: false`: the same call would fail again. */
export function storeFailure(
  code: keyof typeof SAYS | PassportErrorCode,
  { where, status, reason, hint, cause, retryAfterMs, retry }: HttpFailure & { readonly retry?: boolean },
): PassportError {
  const why = [status, reason].filter((part) => part !== undefined && part !== '').join(' ');
  const says = SAYS[code as keyof typeof SAYS] ?? 'failed';
  return new PassportError(code, `${where} ${says}${why === '' ? '' : ` (${why})`}`, {
    ...(cause === undefined ? {} : { cause: bareCause(cause) }),
    ...(hint === undefined ? {} : { hint }),
    details: {
      ...(status === undefined ? {} : { status }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(retry === undefined ? {} : { retry }),
    },
  });
}

/** What a client library threw, without what it hung on it: requests with their credentials, answers, sockets. */
export function bareCause(error: unknown): Error {
  const { name = 'Error', message = '', code } = error as { name?: string; message?: string; code?: unknown };
  const cause = new Error(`${name}: ${message}`);
  return typeof code === 'string' ? Object.assign(cause, { code }) : cause;
}

/** Milliseconds of a Retry-After header (seconds or a date), at most ten minutes; undefined when there is none. */
export function parseRetryAfter(header: string | null | undefined, now: number): number | undefined {
  if (header === null || header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), 600_000);
}

export interface BodyOptions {
  /** The object, for the error. */
  readonly name: string;
  /** As the server announced it. */
  readonly length?: number | undefined;
  readonly maxBytes: number;
}

/**
 * The whole body in a buffer of its own. `damaged` before more than `maxBytes` are read; `store-unreachable` when it ends
 * before the announced length. The stream is left unread in both cases: its owner destroys it.
 */
export async function readBody(
  stream: AsyncIterable<Uint8Array>,
  { name, length, maxBytes }: BodyOptions,
): Promise<Bytes> {
  if (length !== undefined && length > maxBytes) throw tooLarge(name);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(name);
    chunks.push(chunk);
  }
  if (length !== undefined && size < length)
    throw new PassportError('store-unreachable', 'an answer of the store was cut off', { details: { name } });
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
