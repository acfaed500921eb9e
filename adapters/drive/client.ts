/**
 * The one object that talks to Google: the real client library with the tokens of one store. It renews the access token when
 * it is about to end or was refused, keeps what it got, and turns a lost sign-in into "sign in again".
 * https://developers.google.com/identity/protocols/oauth2/native-app
 */
import { auth, drive, type drive_v3 } from '@googleapis/drive';
import type { Clock } from '../../src/platform.ts';
import type { Credentials } from '../../src/storage/credentials.ts';
import { httpFailure } from '../../src/storage/http.ts';
import type { Space } from './address.ts';
import { answerOf, asStoreError, isOAuthError, reasonOf, Refused, refusal } from './errors.ts';
import {
  type DriveState,
  isSignedOut,
  type OAuthClientId,
  readState,
  signInAgain,
  type Tokens,
  writeState,
} from './state.ts';

/** Everything that an entry needs (state.ts). */
export const FILE_FIELDS = 'id,name,size,sha256Checksum,modifiedTime,parents,mimeType';

export type OAuth = InstanceType<typeof auth.OAuth2>;

/** Where Google is. Tests name doubles here. */
export interface DriveEndpoints {
  /** With a slash at the end. */
  readonly rootUrl: string;
  readonly authorize: string;
  readonly token: string;
  readonly device: string;
}

export const GOOGLE: DriveEndpoints = {
  rootUrl: 'https://www.googleapis.com/',
  authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
  token: 'https://oauth2.googleapis.com/token',
  device: 'https://oauth2.googleapis.com/device/code',
};

export function createOAuth(client: OAuthClientId, endpoints: DriveEndpoints, redirectUri?: string): OAuth {
  return new auth.OAuth2({
    clientId: client.id,
    clientSecret: client.secret,
    ...(redirectUri === undefined ? {} : { redirectUri }),
    endpoints: { oauth2AuthBaseUrl: endpoints.authorize, oauth2TokenUrl: endpoints.token },
  });
}

export interface ClientOptions {
  readonly url: string;
  readonly state: DriveState;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly endpoints: DriveEndpoints;
  /** For what the library does not do itself. */
  readonly fetch?: typeof fetch | undefined;
}

export class DriveClient {
  readonly files: drive_v3.Resource$Files;
  readonly oauth: OAuth;
  readonly rootUrl: string;
  readonly fetch: typeof fetch;
  readonly #options: ClientOptions;
  #saving: Promise<void> = Promise.resolve();
  /** The refresh token that this process read or wrote last. */
  #refresh: string | undefined;

  constructor(options: ClientOptions) {
    const { state, endpoints } = options;
    this.#options = options;
    this.rootUrl = endpoints.rootUrl;
    this.fetch = options.fetch ?? fetch;
    this.oauth = createOAuth(state.client, endpoints);
    this.#take(state.tokens);
    this.#refresh = state.tokens?.refresh;
    this.oauth.on('tokens', ({ access_token, refresh_token, expiry_date }) => {
      const refresh = refresh_token ?? state.tokens?.refresh;
      if (refresh === undefined) return;
      state.tokens = {
        refresh,
        ...(typeof access_token === 'string' ? { access: access_token } : {}),
        ...(typeof expiry_date === 'number' ? { expiresAt: expiry_date } : {}),
      };
      // A token that could not be kept is renewed again by the next process.
      this.save().catch(() => undefined);
    });
    // Retries belong to the wrapper of the store port: the library's know neither Retry-After nor Drive's 403.
    this.files = drive({ version: 'v3', auth: this.oauth, rootUrl: endpoints.rootUrl, retry: false }).files;
  }

  /** One after the other: a later state is never overwritten by an earlier one. */
  save(): Promise<void> {
    const saved = this.#saving.then(() => this.#save());
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  /** What another process did meanwhile counts: a store that was removed stays so, and a newer sign-in is taken over. */
  async #save(): Promise<void> {
    const { credentials, url, state } = this.#options;
    const kept = await readState(credentials, url);
    if (kept === undefined || kept.client.id !== state.client.id) return;
    if (kept.tokens !== undefined && kept.tokens.refresh !== this.#refresh) {
      state.tokens = kept.tokens;
      this.#take(kept.tokens);
    }
    this.#refresh = state.tokens?.refresh;
    await writeState(credentials, url, state);
  }

  /**
   * Runs a call with a good access token: a refused one is renewed once, and the call made again (`forceRefreshOnFailure` of
   * the library does so for a 403 of the rate limit too, and not for uploads).
   */
  async call<T>(signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T> {
    const { clock, url, state } = this.#options;
    signal?.throwIfAborted();
    if (state.tokens === undefined) throw signInAgain(url, 'nobody is signed in on this device');
    try {
      const used = this.oauth.credentials.access_token;
      try {
        return await action();
      } catch (error) {
        if (answerOf(error)?.status !== 401) throw error;
        // Of several calls that were refused at the same time, the first renews.
        if (this.oauth.credentials.access_token === used) await this.oauth.refreshAccessToken();
        return await action();
      }
    } catch (error) {
      const answer = answerOf(error);
      if (answer !== undefined && signal?.aborted !== true) {
        if (reasonOf(answer) === 'invalid_grant') throw await this.#signedOut(error);
        if (answer.status === 401) throw signInAgain(url, 'the sign-in is not accepted', error);
      }
      throw asStoreError(error, clock.now(), signal);
    }
  }

  /** As `call`, but what Drive says about the request itself (400, 404, 409) is a result. */
  async attempt<T>(signal: AbortSignal | undefined, action: () => Promise<T>): Promise<T | Refused> {
    return this.call(signal, async () => {
      try {
        return await action();
      } catch (error) {
        const answer = answerOf(error);
        if (answer === undefined || isOAuthError(answer) || ![400, 404, 409].includes(answer.status)) throw error;
        return new Refused(answer);
      }
    });
  }

  /** False when Google does not take the sign-in (any more); true also when that could not be learned. */
  async isSignedIn(space: Space, signal?: AbortSignal): Promise<boolean> {
    try {
      const params = { q: 'trashed = false', spaces: space, pageSize: 1, fields: 'nextPageToken,files(id)' };
      await this.call(signal, () => this.files.list(params, signal ? { signal } : {}));
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      return !isSignedOut(error);
    }
  }

  /** What a file is now; undefined when it is not there or in the bin. */
  async describe(fileId: string, signal?: AbortSignal): Promise<drive_v3.Schema$File | undefined> {
    const result = await this.attempt(signal, async () => {
      const fields = `${FILE_FIELDS},trashed`;
      const { data } = await this.files.get({ fileId, fields }, signal ? { signal } : {});
      return data;
    });
    if (!(result instanceof Refused)) return result.trashed === true ? undefined : result;
    if (result.status === 404) return undefined;
    throw refusal(result.answer, this.#options.clock.now());
  }

  async #signedOut(cause: unknown): Promise<unknown> {
    const { state, url } = this.#options;
    state.tokens = undefined;
    await this.save().catch(() => undefined);
    // Saving may have found a newer sign-in.
    const { tokens } = state;
    if (tokens !== undefined) return httpFailure({ where: 'Google Drive', reason: 'another process signed in again' });
    return signInAgain(url, 'the sign-in has ended: it was withdrawn, or not used for six months', cause);
  }

  #take(tokens: Tokens | undefined): void {
    if (tokens === undefined) return;
    this.oauth.setCredentials({
      refresh_token: tokens.refresh,
      // Without a time the library would renew by itself after any refusal, a 403 too.
      expiry_date: tokens.expiresAt ?? 0,
      ...(tokens.access === undefined ? {} : { access_token: tokens.access }),
    });
  }
}
