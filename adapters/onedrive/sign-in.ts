/**
 * Signing in to Microsoft with msal: in the browser of this machine (its own loopback server, PKCE, form_post), or by a code that
 * is typed on another device; and access tokens from what is kept. msal's cache goes through the credentials port only.
 */
import {
  AuthError,
  type AuthenticationResult,
  type Configuration,
  type DeviceCodeRequest,
  InteractionRequiredAuthError,
  PublicClientApplication,
} from '@azure/msal-node';
import { PassportError } from '../../src/errors.ts';
import type { Clock } from '../../src/platform.ts';
import type { Credentials } from '../../src/storage/credentials.ts';
import { bareCause, httpFailure, storeFailure } from '../../src/storage/http.ts';
import { readState, signInAgain, writeState } from './state.ts';

/** The app's own folder, and nothing else of the person's files. msal adds offline_access. */
export const SCOPES = ['Files.ReadWrite.AppFolder'];

/** msal's HTTP client; tests lead the real one to a double. */
export type Network = NonNullable<NonNullable<Configuration['system']>['networkClient']>;

/** msal's own client uses Node's `fetch`; this one does the same with another. */
export function networkOver(through: typeof fetch): Network {
  const send = async (url: string, init: RequestInit) => {
    const response = await through(url, init);
    const body = (await response.json()) as never; // msal looks at it
    return { headers: Object.fromEntries(response.headers), body, status: response.status };
  };
  return {
    sendGetRequestAsync: (url, { headers = {} } = {}) => send(url, { headers }),
    sendPostRequestAsync: (url, { headers = {}, body = '' } = {}) => send(url, { method: 'POST', headers, body }),
  };
}

export interface AppOptions {
  readonly url: string;
  readonly clientId: string;
  readonly authority: string;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly network?: Network | undefined;
}

/** How long a person may take. */
const PATIENCE_MS = 10 * 60_000;
/** A token is renewed when it ends sooner. */
const MARGIN_MS = 5 * 60_000;

export class MicrosoftApp {
  readonly #options: AppOptions;
  readonly #msal: PublicClientApplication;
  /** What the plugin writes beside the cache: who is signed in. */
  #account: string | undefined;
  #token: { readonly value: string; readonly endsAt: number } | undefined;
  #renewing: Promise<string> | undefined;
  /** Only then something is kept where nothing was. */
  #signingIn = false;

  constructor(options: AppOptions, account?: string) {
    const { clientId, authority, network } = options;
    this.#options = options;
    this.#account = account;
    this.#msal = new PublicClientApplication({
      auth: { clientId, authority },
      cache: {
        cachePlugin: {
          beforeCacheAccess: async ({ tokenCache }) => {
            const state = await readState(options.credentials, options.url);
            // Of another app: its tokens are not ours.
            if (state?.clientId === clientId && state.cache !== '') tokenCache.deserialize(state.cache);
          },
          afterCacheAccess: async ({ cacheHasChanged, tokenCache }) => {
            if (cacheHasChanged) await this.#save(tokenCache.serialize());
          },
        },
      },
      ...(network === undefined ? {} : { system: { networkClient: network } }),
    });
  }

  /** An access token: the one at hand, one of the cache, or a new one when the one at hand was `refused`. */
  async token(refused?: string): Promise<string> {
    const { clock } = this.#options;
    // Of several calls that were refused at the same time, the first renews.
    const renew = refused !== undefined && refused === this.#token?.value;
    if (!renew && this.#token !== undefined && this.#token.endsAt - clock.now() > MARGIN_MS) return this.#token.value;
    this.#renewing ??= this.#renew(renew).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renew(renew: boolean): Promise<string> {
    const { url } = this.#options;
    try {
      const accounts = await this.#msal.getAllAccounts();
      const account = accounts.find(({ homeAccountId }) => homeAccountId === this.#account);
      if (account === undefined) throw signInAgain(url, 'nobody is signed in on this device');
      return this.#taken(await this.#msal.acquireTokenSilent({ account, scopes: SCOPES, forceRefresh: renew }));
    } catch (error) {
      if (!hasEnded(error)) throw asSignInError(error);
      this.#account = undefined;
      await this.#save('').catch(() => undefined);
      throw signInAgain(url, 'the sign-in has ended: it was withdrawn, or not used for 90 days', error);
    }
  }

  /** `expired` when nobody answers, `refused` when the person says no. */
  async signInWithBrowser(tell: (text: string) => void, signal?: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const given = new AbortController();
    let page = '';
    const signing = () =>
      this.#msal.acquireTokenInteractive({
        scopes: SCOPES,
        openBrowser: async (at) => {
          page = at;
          tell(`Sign in to Microsoft in a browser on this machine (or stop, and set PASSPORT_SIGN_IN=device): ${at}`);
        },
      });
    // msal waits for the browser without end; the only way to stop it is to answer in its place.
    const stop = signal === undefined ? given.signal : AbortSignal.any([signal, given.signal]);
    clock
      .sleep(PATIENCE_MS, stop)
      .catch(() => undefined)
      .then(() => (given.signal.aborted ? undefined : cancelled(page)))
      .catch(() => undefined);
    await this.#signIn(signing, signal).finally(() => given.abort());
  }

  async signInWithDeviceCode(tell: (text: string) => void, signal?: AbortSignal): Promise<void> {
    const request: DeviceCodeRequest = {
      scopes: SCOPES,
      deviceCodeCallback: ({ verificationUri, userCode }) =>
        tell(`Sign in to Microsoft on any device: open ${verificationUri} and type ${userCode}`),
    };
    const cancel = () => {
      request.cancel = true;
    };
    signal?.addEventListener('abort', cancel);
    await this.#signIn(() => this.#msal.acquireTokenByDeviceCode(request), signal);
    signal?.removeEventListener('abort', cancel);
  }

  async #signIn(signing: () => Promise<AuthenticationResult | null>, signal: AbortSignal | undefined): Promise<void> {
    this.#signingIn = true;
    try {
      const result = await signing();
      this.#account = result?.account?.homeAccountId;
      if (result === null || this.#account === undefined) throw new PassportError('refused', 'nobody signed in');
      this.#taken(result);
      const state = await readState(this.#options.credentials, this.#options.url);
      await this.#save(state?.cache ?? '');
    } catch (error) {
      signal?.throwIfAborted();
      throw asSignInError(error);
    } finally {
      this.#signingIn = false;
    }
  }

  #taken({ accessToken, expiresOn }: AuthenticationResult): string {
    this.#token = { value: accessToken, endsAt: expiresOn?.getTime() ?? 0 };
    return accessToken;
  }

  /** What another process did meanwhile counts: a store that was removed stays so, and a sign-in by another app stays. */
  async #save(cache: string): Promise<void> {
    const { credentials, url, clientId, authority } = this.#options;
    if (!this.#signingIn && (await readState(credentials, url))?.clientId !== clientId) return;
    const account = this.#account;
    await writeState(credentials, url, {
      v: 1,
      clientId,
      authority,
      cache,
      ...(account === undefined ? {} : { account }),
    });
  }
}

const ENDED = new Set(['invalid_grant', 'interaction_required', 'no_tokens_found', 'refresh_token_expired']);

function hasEnded(error: unknown): boolean {
  return error instanceof InteractionRequiredAuthError || (error instanceof AuthError && ENDED.has(error.errorCode));
}

const NO = new Set(['access_denied', 'authorization_declined', 'consent_required']);
const LATE = new Set(['device_code_expired', 'expired_token', 'code_expired', 'user_timeout_reached']);
const WRONG = new Set([
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'invalid_scope',
  'bad_verification_code',
]);

function asSignInError(error: unknown): unknown {
  if (!(error instanceof AuthError))
    return error instanceof PassportError ? error : httpFailure({ where: WHERE, cause: error });
  // msal hands an answer of the poll that it does not know on as the message of an error of its own.
  const codes = [error.errorCode, error.subError, error.errorMessage];
  const said = (set: ReadonlySet<string>) => codes.some((code) => set.has(code));
  if (said(NO))
    return new PassportError('refused', `Microsoft did not sign you in (${error.errorCode})`, {
      cause: bareCause(error),
      hint: 'Nothing was kept. Try again, and allow the access that is asked for.',
    });
  if (said(LATE)) return new PassportError('expired', 'nobody signed in in time', { cause: bareCause(error) });
  if (said(WRONG))
    return storeFailure('store-refused', {
      ...{ where: WHERE, reason: error.errorCode, cause: error },
      hint: 'Check the app registration: adapters/onedrive/README.md.',
    });
  return httpFailure({ where: WHERE, reason: error.errorCode, cause: error });
}

const WHERE = 'Microsoft’s sign-in';

/** What the browser would send if the person said no. */
async function cancelled(page: string): Promise<void> {
  if (page === '') return;
  const { searchParams } = new URL(page);
  const body = new URLSearchParams({ error: 'code_expired', state: searchParams.get('state') ?? '' });
  await fetch(searchParams.get('redirect_uri') ?? '', { method: 'POST', body }).catch(() => undefined);
}
