/**
 * A double of Microsoft's sign-in, as msal speaks with it: the authorization page (which answers by a form that the browser posts),
 * the device endpoint and the token endpoint of learn.microsoft.com/entra/identity-platform (v2-oauth2-auth-code-flow,
 * v2-oauth2-device-code). msal keeps its real authority; only its HTTP client is led here.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Network } from '../../adapters/onedrive/sign-in.ts';
import { HttpDouble, type Received, type Reply } from './http-double.ts';

export const ENTRA_CLIENT = '11111111-2222-3333-4444-555555555555';
const AUTHORITY = 'https://login.microsoftonline.com';
const PERSONAL_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad';
const ACCOUNT = { uid: '00000000-0000-0000-0000-00000000abcd', utid: PERSONAL_TENANT };
const FILES = 'Files.ReadWrite.AppFolder';
/** What msal adds by itself. */
const OPENID = ['openid', 'profile', 'offline_access'];

interface Grant {
  readonly scopes: string[];
  readonly redirectUri: string;
  readonly challenge: string;
}

export class EntraDouble extends HttpDouble {
  /** The person refuses. */
  denies = false;
  accessSeconds = 3600;
  /** Answers of the device poll before the person has typed the code. */
  devicePolls: string[] = [];
  /** Access tokens in force. */
  readonly tokens = new Set<string>();
  /** Everything secret that it ever gave out. */
  readonly issued: string[] = [];
  readonly #refresh = new Set<string>();
  readonly #codes = new Map<string, Grant>();
  readonly #devices = new Map<string, string[]>();
  #made = 0;

  /** For msal: its real addresses, led to this double. Everything else is refused. */
  network(): Network {
    const send = async (method: string, url: string, options?: { headers?: Record<string, string>; body?: string }) => {
      if (!url.startsWith(`${AUTHORITY}/`)) throw new Error(`msal asks somebody else: ${url}`);
      const { headers = {}, body } = options ?? {};
      const at = this.url + url.slice(AUTHORITY.length);
      const response = await fetch(at, { method, headers, ...(body === undefined ? {} : { body }) });
      return { headers: Object.fromEntries(response.headers), body: await response.json(), status: response.status };
    };
    return {
      sendGetRequestAsync: (url, options) => send('GET', url, options),
      sendPostRequestAsync: (url, options) => send('POST', url, options),
    };
  }

  /** What a browser does with the address that it is told: opens the page, and posts the form that comes back. */
  async browse(page: string): Promise<Response> {
    const shown = await fetch(this.url + page.slice(AUTHORITY.length));
    const html = await shown.text();
    const action = /<form method="POST" action="([^"]+)">/.exec(html)?.[1];
    if (action === undefined) throw new Error(`the page has no form: ${html}`);
    const fields = [...html.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [name!, value!]);
    return fetch(action.replace('localhost', '127.0.0.1'), { method: 'POST', body: new URLSearchParams(fields) });
  }

  expireAccess(): void {
    this.tokens.clear();
  }

  revoke(): void {
    this.tokens.clear();
    this.#refresh.clear();
  }

  protected override answer({ method, path, query, body }: Received): Reply {
    const [, tenant, call] = /^\/(common|consumers)\/oauth2\/v2\.0\/(authorize|devicecode|token)$/.exec(path) ?? [];
    if (tenant === undefined) return refused(404, 'invalid_tenant');
    const form = new URLSearchParams(body.toString());
    if (call === 'authorize' && method === 'GET') return this.#authorize(query);
    if (method !== 'POST') return refused(405, 'invalid_request');
    if (form.get('client_id') !== ENTRA_CLIENT) return refused(400, 'unauthorized_client', 'AADSTS700016');
    if (form.has('client_secret')) return refused(401, 'invalid_client', 'AADSTS700025: Client is public');
    return call === 'devicecode' ? this.#device(form) : this.#token(form);
  }

  protected override errorFor(status: number): Reply {
    return refused(status, status >= 500 ? 'temporarily_unavailable' : 'invalid_request');
  }

  #authorize(query: URLSearchParams): Reply {
    const value = (name: string) => query.get(name) ?? '';
    const redirectUri = value('redirect_uri');
    const problem =
      value('client_id') !== ENTRA_CLIENT ||
      value('response_type') !== 'code' ||
      value('response_mode') !== 'form_post' ||
      value('code_challenge_method') !== 'S256' ||
      value('code_challenge') === '' ||
      value('state') === '' ||
      !/^http:\/\/localhost(?::\d+)?\/?$/.test(redirectUri) ||
      scopesOf(value('scope')) === undefined;
    if (problem) return { status: 400, body: 'AADSTS900144' };
    const fields: Record<string, string> = { state: value('state') };
    if (this.denies) Object.assign(fields, { error: 'access_denied', error_description: 'the user declined' });
    else {
      const code = this.#issue('M.C-code');
      this.#codes.set(code, { scopes: scopesOf(value('scope'))!, redirectUri, challenge: value('code_challenge') });
      Object.assign(fields, { code, client_info: clientInfo() });
    }
    const inputs = Object.entries(fields).map(([name, each]) => `<input type="hidden" name="${name}" value="${each}">`);
    return { status: 200, body: `<form method="POST" action="${redirectUri}">${inputs.join('')}</form>` };
  }

  #device(form: URLSearchParams): Reply {
    const scopes = scopesOf(form.get('scope') ?? '');
    if (scopes === undefined) return refused(400, 'invalid_scope', 'AADSTS70011');
    const code = this.#issue('BAQ-device');
    this.#devices.set(code, scopes);
    return {
      status: 200,
      body: {
        device_code: code,
        user_code: 'HJ6WKM5BT',
        verification_uri: 'https://microsoft.com/devicelogin',
        expires_in: 900,
        interval: 0.05,
        message: 'To sign in, use a web browser …',
      },
    };
  }

  #token(form: URLSearchParams): Reply {
    const type = form.get('grant_type');
    if (type === 'authorization_code') {
      const code = form.get('code') ?? '';
      const grant = this.#codes.get(code);
      this.#codes.delete(code); // once
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      const good = grant?.challenge === challenge && grant.redirectUri === form.get('redirect_uri');
      return good ? this.#granted(grant.scopes) : refused(400, 'invalid_grant', 'AADSTS70000');
    }
    if (type === 'device_code' || type === 'urn:ietf:params:oauth:grant-type:device_code') {
      const code = form.get('device_code') ?? '';
      const scopes = this.#devices.get(code);
      if (scopes === undefined) return refused(400, 'bad_verification_code');
      const poll = this.devicePolls.shift();
      if (poll !== undefined) return refused(400, poll);
      this.#devices.delete(code);
      return this.denies ? refused(400, 'authorization_declined') : this.#granted(scopes);
    }
    if (type !== 'refresh_token') return refused(400, 'unsupported_grant_type');
    if (!this.#refresh.has(form.get('refresh_token') ?? ''))
      return refused(400, 'invalid_grant', 'AADSTS70000: The provided grant has expired or was revoked.');
    const scopes = scopesOf(form.get('scope') ?? '');
    return scopes === undefined ? refused(400, 'invalid_scope') : this.#granted(scopes);
  }

  #issue(kind: string): string {
    const secret = `${kind}-${++this.#made}-${randomBytes(6).toString('hex')}`;
    this.issued.push(secret);
    return secret;
  }

  #granted(scopes: readonly string[]): Reply {
    const access = this.#issue('EwB-access');
    const refresh = this.#issue('M.R-refresh'); // a new one at every use; the old one stays good
    this.tokens.add(access);
    this.#refresh.add(refresh);
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      ...{
        aud: ENTRA_CLIENT,
        iss: `${AUTHORITY}/${PERSONAL_TENANT}/v2.0`,
        iat: now,
        nbf: now,
        exp: now + 3600,
        ver: '2.0',
      },
      ...{
        tid: PERSONAL_TENANT,
        oid: ACCOUNT.uid,
        sub: 'AAAA',
        preferred_username: 'person@example.com',
        name: 'A Person',
      },
    };
    return {
      status: 200,
      body: {
        token_type: 'Bearer',
        scope: scopes.filter((each) => !OPENID.includes(each)).join(' '),
        ...{ expires_in: this.accessSeconds, ext_expires_in: this.accessSeconds },
        ...{ access_token: access, refresh_token: refresh, client_info: clientInfo() },
        id_token: `${base64url({ typ: 'JWT', alg: 'RS256', kid: 'k' })}.${base64url(claims)}.AAAA`,
      },
    };
  }
}

/** Only what this app registration has: its own folder. */
function scopesOf(text: string): string[] | undefined {
  const scopes = text.split(' ').filter((scope) => scope !== '');
  const known = scopes.every((scope) => scope === FILES || OPENID.includes(scope));
  return known && scopes.includes(FILES) ? scopes : undefined;
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const clientInfo = (): string => base64url(ACCOUNT);

function refused(status: number, error: string, description = error): Reply {
  return { status, body: { error, error_description: description, error_codes: [], correlation_id: '0' } };
}
