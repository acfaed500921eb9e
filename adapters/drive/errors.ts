/**
 * Answers of Drive as errors of the store port. The library throws a GaxiosError with the answer in it; what Drive means is in
 * the `reason` of its body (guides/handle-errors). Retry-After becomes a detail that the retry wrapper obeys: the library's own
 * retries are off, because they ignore it.
 */
import { PassportError } from '../../src/errors.ts';
import { httpFailure, parseRetryAfter, storeFailure } from '../../src/storage/http.ts';

/** The parts of an answer that decide. */
export interface Answer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** JSON as the library parsed it, or text. */
  readonly data: unknown;
}

export function answerOf(error: unknown): Answer | undefined {
  if (!(error instanceof Error) || !('response' in error)) return undefined;
  return error.response as Answer | undefined;
}

/** As the library throws it, for an answer that it handed on. */
export class RefusedAnswer extends Error {
  readonly response: Answer;

  constructor(response: Answer) {
    super(`Request failed with status code ${response.status}`);
    this.response = response;
  }
}

/** A refusal that the caller may know what to do about. */
export class Refused {
  readonly answer: Answer;
  readonly status: number;

  constructor(answer: Answer) {
    this.answer = answer;
    this.status = answer.status;
  }
}

/** True for an answer of the token endpoint, whose bodies are those of OAuth. */
export function isOAuthError({ data }: Answer): boolean {
  return typeof (parsed(data) as ErrorBody | undefined)?.error === 'string';
}

interface ErrorBody {
  readonly error?: string | { readonly message?: string; readonly errors?: readonly { readonly reason?: string }[] };
}

/** `rateLimitExceeded`, `notFound`, `invalid_grant` … or ''. */
export function reasonOf({ data }: Answer): string {
  const { error } = (parsed(data) ?? {}) as ErrorBody;
  if (typeof error === 'string') return error;
  return error?.errors?.[0]?.reason ?? '';
}

function parsed(data: unknown): unknown {
  if (typeof data !== 'string') return data;
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined;
  }
}

const WHERE = 'Google Drive';

const RATE = new Set([
  'rateLimitExceeded',
  'userRateLimitExceeded',
  'sharingRateLimitExceeded',
  'dailyLimitExceeded',
  'backendError',
  'internalError',
]);

const FULL = new Set([
  'storageQuotaExceeded',
  'quotaExceeded',
  'teamDriveFileLimitExceeded',
  'numChildrenInNonRootLimitExceeded',
]);

/** For an answer that no caller understands in its own way. `now` in ms since 1970. */
export function refusal(answer: Answer, now: number): PassportError {
  const { status } = answer;
  const reason = reasonOf(answer);
  const retryAfterMs = parseRetryAfter(answer.headers.get('retry-after'), now);
  const failure = { where: WHERE, status, reason, retryAfterMs };
  if (FULL.has(reason))
    return storeFailure('store-full', {
      ...failure,
      hint: 'Make room in Drive (its bin counts too) or buy more, then sync.',
    });
  if (status === 403 && RATE.has(reason)) return storeFailure('store-unreachable', failure);
  return httpFailure(failure);
}

/** Whatever a call threw. An aborted call ends with the signal's reason. */
export function asStoreError(error: unknown, now: number, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (error instanceof PassportError) return error;
  const answer = answerOf(error);
  return answer === undefined ? httpFailure({ where: WHERE, cause: error }) : refusal(answer, now);
}
