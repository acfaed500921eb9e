/** Failures of S3 in the codes of the store port. Servers agree on statuses more than on names, so names only refine. */
import { isPassportError } from '../../src/errors.ts';
import { httpFailure, parseRetryAfter, storeFailure } from '../../src/storage/http.ts';

/** What the SDK's errors have, whatever their class. */
interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>> };
}

const ABSENT = new Set(['NoSuchKey', 'NotFound']);
/** Quotas answer 400, 403 or 507, each server with its own name. */
const FULL = /quota|storage.?full|storage.?cap|no.?space/i;
/** A 4xx after which the same bytes may pass: they, or the clock, were wrong on the way only. */
const PASSING = new Set([
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'RequestTimeout',
  'IncompleteBody',
  'SlowDown',
  'OperationAborted',
]);

const HINTS: Readonly<Record<string, string>> = {
  CredentialsProviderError:
    'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with profile= in the address.',
  RequestTimeTooSkewed: 'The clock of this machine is wrong: set it.',
  PermanentRedirect: 'The bucket is in another region: add region= to the address.',
  AuthorizationHeaderMalformed: 'The bucket is in another region: add region= to the address.',
};

/** Not there, as opposed to a bucket that is not there. */
export function isAbsent(error: unknown): boolean {
  return ABSENT.has((error as SdkError | undefined)?.name ?? '');
}

export function s3Failure(error: unknown, bucket: string, now: number): unknown {
  if (isPassportError(error)) return error;
  const { name = '', message = '', code, $metadata, $response } = error as SdkError;
  const where = `the bucket ${JSON.stringify(bucket)}`;
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  const hint = HINTS[name];
  if (name === 'CredentialsProviderError')
    return storeFailure('store-refused', { where, reason: 'no credentials', hint, cause: error });
  if (name === 'NoSuchBucket')
    return storeFailure('store-unreachable', {
      ...{ where, status, reason: name, cause: error, retry: false },
      hint: 'There is no such bucket: make it, or correct the address.',
    });
  if (FULL.test(name) || (status === 403 && FULL.test(message)))
    return storeFailure('store-full', { where, status, reason: name, cause: error });
  const reason = status === undefined ? (code ?? name) : name;
  const retryAfterMs = parseRetryAfter($response?.headers?.['retry-after'], now);
  const failure = { where, status, reason, hint, retryAfterMs, cause: error };
  return PASSING.has(name) ? storeFailure('store-unreachable', failure) : httpFailure(failure);
}
