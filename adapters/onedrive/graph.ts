/**
 * Requests to Microsoft Graph: the token goes to Graph only, never to the addresses that Graph hands out for downloads and
 * uploads; a refused token is renewed once; answers become errors of the store port.
 * https://learn.microsoft.com/graph/errors
 */
import type { PassportError } from '../../src/errors.ts';
import type { Clock } from '../../src/platform.ts';
import { httpFailure, parseRetryAfter, storeFailure } from '../../src/storage/http.ts';
import { isSignedOut, signInAgain } from './state.ts';

export const GRAPH = 'https://graph.microsoft.com/v1.0';

export interface GraphOptions {
  /** The store's address, for errors. */
  readonly url: string;
  readonly base: string;
  readonly clock: Clock;
  /** `refused` is a token that Graph did not take. */
  readonly token: (refused?: string) => Promise<string>;
  readonly fetch?: typeof fetch | undefined;
}

export interface GraphRequest {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
  readonly signal?: AbortSignal | undefined;
}

/** A driveItem, as far as this adapter asks for it. */
export interface DriveItem {
  readonly name: string;
  readonly size?: number;
  readonly folder?: object;
  readonly file?: { readonly hashes?: { readonly quickXorHash?: string } };
}

const FULL = new Set(['quotaLimitReached', 'insufficientStorage', 'storageQuotaExceeded']);
const RATE = new Set(['activityLimitReached', 'TooManyRequests', 'throttledRequest']);

export class Graph {
  readonly #options: GraphOptions;

  constructor(options: GraphOptions) {
    this.#options = options;
  }

  /** `path` begins with a slash, or is the address of a next page. Redirects are not followed. Answers of any status. */
  async send(path: string, request: GraphRequest = {}): Promise<Response> {
    const { base, token, url } = this.#options;
    request.signal?.throwIfAborted();
    const at = new URL(path.startsWith('/') ? base + path : path);
    if (at.origin !== new URL(base).origin)
      throw storeFailure('store-refused', { where: 'OneDrive', reason: 'an address that is not Graph’s' });
    for (let refused: string | undefined; ;) {
      const current = await token(refused);
      const headers = { ...request.headers, authorization: `Bearer ${current}` };
      const answer = await this.plain(at.href, { ...request, headers });
      if (answer.status !== 401) return answer;
      await answer.body?.cancel();
      if (refused !== undefined) throw signInAgain(url, 'the sign-in is not accepted');
      refused = current;
    }
  }

  /** False when Microsoft does not take the sign-in (any more); true also when that could not be learned. */
  async isSignedIn(signal?: AbortSignal): Promise<boolean> {
    try {
      const answer = await this.send('/me/drive/special/approot?$select=id', { signal });
      await answer.body?.cancel();
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      return !isSignedOut(error);
    }
  }

  /** Without the token: for addresses that are themselves the permission. */
  async plain(url: string, { signal, ...request }: GraphRequest): Promise<Response> {
    const through = this.#options.fetch ?? fetch;
    try {
      return await through(url, { ...request, redirect: 'manual', ...(signal === undefined ? {} : { signal }) });
    } catch (cause) {
      signal?.throwIfAborted();
      throw httpFailure({ where: 'OneDrive', cause });
    }
  }

  /** The JSON of an answer of 2xx; everything else is a refusal. */
  async json<T>(answer: Response, signal?: AbortSignal): Promise<T> {
    if (!answer.ok) throw await this.refusal(answer);
    try {
      return (await answer.json()) as T;
    } catch (cause) {
      signal?.throwIfAborted();
      throw httpFailure({ where: 'OneDrive', reason: 'an answer that was cut off', cause });
    }
  }

  async refusal(answer: Response): Promise<PassportError> {
    const { status, headers } = answer;
    const reason = codeIn(await answer.text().catch(() => ''));
    const retryAfterMs = parseRetryAfter(headers.get('retry-after'), this.#options.clock.now());
    const failure = { where: 'OneDrive', status, reason, retryAfterMs };
    if (FULL.has(reason) || status === 507)
      return storeFailure('store-full', { ...failure, hint: 'Make room in OneDrive or buy more, then sync.' });
    if (RATE.has(reason)) return storeFailure('store-unreachable', failure);
    return httpFailure(failure);
  }
}

function codeIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: string } };
    return error?.code ?? '';
  } catch {
    return '';
  }
}
