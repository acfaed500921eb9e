/**
 * A double of Google's sign-in: the authorization page, the token endpoint and the device endpoint, as described in
 * developers.google.com/identity/protocols/oauth2/native-app and limited-input-device. It knows one account, whose person
 * says yes unless `denies`.
 */
import { createHash, randomBytes } from 'node:crypto';
import { HttpDouble, type Received, type Reply } from './http-double.ts';

export const GOOGLE_CLIENT = { id: 'client-1.apps.googleusercontent.com', secret: 'GOCSPX-not-confidential' };

interface Grant {
  readonly scope: string;
  readonly redirectUri?: string;
  readonly challenge?: string;
}

/** Scopes that the device flow allows (limited-input-device, "Allowed scopes"). */
const DEVICE_SCOPES = ['https://www.googleapis.com/auth/drive.file', 'https://www.googleapis.com/auth/drive.appdata'];

export class GoogleAuthDouble extends HttpDouble {
  /** The person at the authorization page refuses. */
  denies = false;
  /** The person takes these scopes out of what is asked. */
  takesOut: string[] = [];
  accessSeconds = 3599;
  /** How long a code for another device is good, and how often to ask. */
  deviceSeconds = 1800;
  intervalSeconds = 5;
  /** Answers of the device poll before the person has typed the code. */
  devicePolls: string[] = [];
  /** Access tokens in force and their scopes. */
  readonly tokens = new Map<string, string>();
  /** Everything secret that it ever gave out. */
  readonly issued: string[] = [];
  readonly #refresh = new Map<string, string>();
  readonly #codes = new Map<string, Grant>();
  readonly #devices = new Map<string, string>();
  #made = 0;

  endpoints(rootUrl: string): { rootUrl: string; authorize: string; token: string; device: string } {
    const [authorize, token, device] = ['/o/oauth2/v2/auth', '/token', '/device/code'].map((path) => this.url + path);
    return { rootUrl, authorize: authorize!, token: token!, device: device! };
  }

  /** Access tokens end before their time. */
  expireAccess(): void {
    this.tokens.clear();
  }

  /** The person disconnects the app, or six months pass. */
  revoke(): void {
    this.tokens.clear();
    this.#refresh.clear();
  }

  /** What a person who signed in earlier has. */
  signedIn(scope: string): { refresh: string; access: string; expiresAt: number } {
    const { refresh_token: refresh, access_token: access } = this.#granted(scope).body as Record<string, string>;
    return { refresh: refresh!, access: access!, expiresAt: Date.now() + this.accessSeconds * 1000 };
  }

  protected override answer({ method, path, query, body }: Received): Reply {
    const form = new URLSearchParams(body.toString());
    if (method === 'GET' && path === '/o/oauth2/v2/auth') return this.#authorize(query);
    if (method === 'POST' && path === '/device/code') return this.#device(form);
    if (method === 'POST' && path === '/token') return this.#token(form);
    return { status: 404, body: 'not found' };
  }

  protected override errorFor(status: number): Reply {
    return { status, body: { error: status >= 500 ? 'internal_failure' : 'invalid_request' } };
  }

  #authorize(query: URLSearchParams): Reply {
    const value = (name: string) => query.get(name) ?? '';
    const required = ['client_id', 'redirect_uri', 'response_type', 'scope', 'code_challenge', 'state'];
    const optional = ['code_challenge_method', 'access_type', 'prompt', 'login_hint'];
    const unknown = [...query.keys()].filter((name) => !required.includes(name) && !optional.includes(name));
    const redirect = value('redirect_uri');
    if (
      unknown.length > 0 ||
      required.some((name) => value(name) === '') ||
      value('client_id') !== GOOGLE_CLIENT.id ||
      value('response_type') !== 'code' ||
      value('code_challenge_method') !== 'S256' ||
      !/^http:\/\/(?:127\.0\.0\.1|\[::1\]):\d+\/?$/.test(redirect)
    )
      return { status: 400, body: 'Error 400: invalid_request' };
    const back = new URL(redirect);
    back.searchParams.set('state', value('state'));
    if (this.denies) back.searchParams.set('error', 'access_denied');
    else {
      const code = this.#issue('4/code');
      this.#codes.set(code, { scope: value('scope'), redirectUri: redirect, challenge: value('code_challenge') });
      back.searchParams.set('code', code);
    }
    return { status: 302, headers: { location: back.href } };
  }

  #device(form: URLSearchParams): Reply {
    const scope = form.get('scope') ?? '';
    if (form.get('client_id') !== GOOGLE_CLIENT.id) return refused(401, 'invalid_client');
    if (scope === '' || scope.split(' ').some((each) => !DEVICE_SCOPES.includes(each)))
      return refused(400, 'invalid_scope');
    const code = this.#issue('AH-1Ng-device');
    this.#devices.set(code, scope);
    return {
      status: 200,
      body: {
        device_code: code,
        user_code: 'GQVQ-JKEC',
        verification_url: 'https://www.google.com/device',
        expires_in: this.deviceSeconds,
        interval: this.intervalSeconds,
      },
    };
  }

  #token(form: URLSearchParams): Reply {
    if (form.get('client_id') !== GOOGLE_CLIENT.id || form.get('client_secret') !== GOOGLE_CLIENT.secret)
      return refused(401, 'invalid_client');
    const type = form.get('grant_type');
    if (type === 'authorization_code') return this.#byCode(form);
    if (type === 'refresh_token') {
      const scope = this.#refresh.get(form.get('refresh_token') ?? '');
      if (scope === undefined) return refused(400, 'invalid_grant', 'Token has been expired or revoked.');
      return { status: 200, body: this.#access(scope) };
    }
    if (type === 'urn:ietf:params:oauth:grant-type:device_code') return this.#byDevice(form);
    return refused(400, 'unsupported_grant_type');
  }

  #byCode(form: URLSearchParams): Reply {
    const code = form.get('code') ?? '';
    const grant = this.#codes.get(code);
    this.#codes.delete(code); // once
    const verifier = form.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (grant === undefined || verifier.length < 43 || verifier.length > 128 || challenge !== grant.challenge)
      return refused(400, 'invalid_grant');
    if (form.get('redirect_uri') !== grant.redirectUri) return refused(400, 'redirect_uri_mismatch');
    return this.#granted(grant.scope);
  }

  #byDevice(form: URLSearchParams): Reply {
    const code = form.get('device_code') ?? '';
    const scope = this.#devices.get(code);
    if (scope === undefined) return refused(400, 'invalid_grant');
    const poll = this.devicePolls.shift();
    if (poll === 'authorization_pending') return refused(428, poll);
    if (poll !== undefined) return refused(403, poll);
    this.#devices.delete(code);
    return this.denies ? refused(403, 'access_denied') : this.#granted(scope);
  }

  #granted(asked: string): Reply {
    const scope = asked
      .split(' ')
      .filter((each) => !this.takesOut.includes(each))
      .join(' ');
    const refresh = this.#issue('1//refresh');
    this.#refresh.set(refresh, scope);
    return { status: 200, body: { ...this.#access(scope), refresh_token: refresh } };
  }

  #issue(kind: string): string {
    const secret = `${kind}-${++this.#made}-${randomBytes(6).toString('hex')}`;
    this.issued.push(secret);
    return secret;
  }

  #access(scope: string): object {
    const token = this.#issue('ya29.access');
    this.tokens.set(token, scope);
    return { access_token: token, expires_in: this.accessSeconds, scope, token_type: 'Bearer' };
  }
}

function refused(status: number, error: string, description?: string): Reply {
  return { status, body: { error, ...(description === undefined ? {} : { error_description: description }) } };
}
