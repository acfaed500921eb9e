/**
 * Signing in to Google: in the browser of this machine (loopback redirect with PKCE, identity/protocols/oauth2/native-app), or
 * by a code that is typed on another device (limited-input-device). Both end with a refresh token.
 */
// oxlint-disable-next-line import/no-nodejs-modules -- the browser answers to a server on this machine
import { createServer, type Server } from 'node:http';
// oxlint-disable-next-line import/no-nodejs-modules -- see above
import type { AddressInfo } from 'node:net';
import { base64url } from '../../src/bytes.ts';
import { PassportError } from '../../src/errors.ts';
import type { Clock, Random } from '../../src/platform.ts';
import { createOAuth, type DriveEndpoints } from './client.ts';
import { asStoreError } from './errors.ts';
import type { OAuthClientId, Tokens } from './state.ts';

export interface SignInOptions {
  readonly client: OAuthClientId;
  readonly scope: string;
  readonly endpoints: DriveEndpoints;
  readonly clock: Clock;
  readonly random: Random;
  /** Shows the person where to go. */
  readonly tell: (text: string) => void;
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetch;
}

/** How long a person may take. */
const PATIENCE_MS = 10 * 60_000;

/** What the token endpoint answers. */
interface Granted {
  readonly access_token?: string | null | undefined;
  readonly refresh_token?: string | null | undefined;
  readonly expiry_date?: number | null | undefined;
  readonly scope?: string | undefined;
}

/** `refused` when the person said no, `expired` when nobody answered. */
export async function signInWithBrowser(options: SignInOptions): Promise<Tokens> {
  const { client, scope, endpoints, clock, random, tell, signal } = options;
  const state = base64url(random(24));
  const server = createServer();
  const redirectUri = await listening(server);
  try {
    const oauth = createOAuth(client, endpoints, redirectUri);
    const { codeVerifier, codeChallenge = '' } = await oauth.generateCodeVerifierAsync();
    const code = await new Promise<string>((resolve, reject) => {
      answerBrowser(server, state, resolve, reject);
      const waiting = new AbortController();
      const stop = signal === undefined ? waiting.signal : AbortSignal.any([signal, waiting.signal]);
      server.once('close', () => waiting.abort());
      clock.sleep(PATIENCE_MS, stop).then(
        () => reject(new PassportError('expired', 'nobody signed in within ten minutes')),
        () => signal?.aborted === true && reject(signal.reason as Error),
      );
      const at = oauth.generateAuthUrl({
        ...{ scope, state, access_type: 'offline', prompt: 'consent' },
        ...{ code_challenge: codeChallenge, code_challenge_method: 'S256' as never },
      });
      tell(`Sign in to Google in a browser on this machine (or stop, and set PASSPORT_SIGN_IN=device): ${at}`);
    });
    const { tokens } = await oauth.getToken({ code, codeVerifier });
    return accepted(tokens, scope);
  } catch (error) {
    throw asStoreError(error, clock.now(), signal);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function listening(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}

/** Only an answer with our own state counts: any page in any browser could send others. */
function answerBrowser(
  server: Server,
  state: string,
  resolve: (code: string) => void,
  reject: (error: Error) => void,
): void {
  server.on('request', (request, response) => {
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
    const ours = request.method === 'GET' && query.getAll('state').join() === state;
    const code = query.get('code');
    const text = ours && code !== null ? 'You are signed in. You can close this page.' : 'This is not a sign-in.';
    response.writeHead(ours ? 200 : 400, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
    response.end(ours && query.has('error') ? 'You did not sign in. You can close this page.' : text);
    if (!ours) return;
    if (code !== null) resolve(code);
    else reject(saidNo(query.get('error') ?? 'no code'));
  });
}

interface DeviceCode {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_url: string;
  /** Seconds. */
  readonly expires_in: number;
  readonly interval?: number;
}

/** For machines without a browser. Same errors. */
export async function signInWithDeviceCode(options: SignInOptions): Promise<Tokens> {
  const { client, scope, endpoints, clock, tell, signal } = options;
  const request = options.fetch ?? fetch;
  const post = async (url: string, form: Record<string, string>) => {
    const body = new URLSearchParams({ client_id: client.id, ...form });
    const response = await request(url, { method: 'POST', body, ...(signal ? { signal } : {}) });
    return { status: response.status, data: (await response.json()) as Record<string, unknown> };
  };
  try {
    const begun = await post(endpoints.device, { scope });
    if (begun.status !== 200) throw saidNo(errorIn(begun.data));
    const device = begun.data as unknown as DeviceCode;
    tell(`Sign in to Google on any device: open ${device.verification_url} and type ${device.user_code}`);
    const deadline = clock.monotonic() + device.expires_in * 1000;
    let intervalMs = (device.interval ?? 5) * 1000;
    while (clock.monotonic() < deadline) {
      await clock.sleep(intervalMs, signal);
      const answer = await post(endpoints.token, {
        client_secret: client.secret,
        device_code: device.device_code,
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      }).catch(() => undefined);
      signal?.throwIfAborted();
      if (answer === undefined || answer.status >= 500) {
        intervalMs *= 2; // RFC 8628, 3.5: the person may be typing the code all the same
        continue;
      }
      const { status, data } = answer;
      if (status === 200) {
        const seconds = data['expires_in'] as number;
        return accepted({ ...data, expiry_date: clock.now() + seconds * 1000 }, scope);
      }
      const error = errorIn(data);
      if (error === 'slow_down')
        intervalMs += 5000; // RFC 8628, 3.5
      else if (error === 'expired_token') break;
      else if (error !== 'authorization_pending') throw saidNo(error);
    }
    throw new PassportError('expired', 'nobody typed the code in time');
  } catch (error) {
    throw asStoreError(error, clock.now(), signal);
  }
}

const errorIn = (data: Record<string, unknown>): string =>
  typeof data['error'] === 'string' ? data['error'] : 'no reason given';

function saidNo(error: string): PassportError {
  return new PassportError('refused', `Google did not sign you in (${error})`, {
    hint: 'Nothing was kept. Try again, and allow the access that is asked for.',
  });
}

/** The person can take single permissions out of what was asked. */
function accepted({ access_token, refresh_token, expiry_date, scope: given }: Granted, scope: string): Tokens {
  if (given !== undefined && !given.split(' ').includes(scope)) throw saidNo('the access to files was not given');
  if (typeof refresh_token !== 'string') throw saidNo('it gave no lasting access');
  return {
    refresh: refresh_token,
    ...(typeof access_token === 'string' ? { access: access_token } : {}),
    ...(typeof expiry_date === 'number' ? { expiresAt: expiry_date } : {}),
  };
}
