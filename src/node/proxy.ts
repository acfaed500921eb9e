/**
 * Requests with TLS through the proxy that the environment names, as Google's library does by itself: HTTPS_PROXY, or else HTTP_PROXY,
 * except for the hosts of NO_PROXY. Node's own `fetch` knows none of them on Node 20, and later only when NODE_USE_ENV_PROXY says so;
 * undici is that `fetch` as a library, loaded only where a proxy is named.
 */
import { PassportError } from '../errors.ts';

type Env = Readonly<Record<string, string | undefined>>;

const named = (env: Env, name: string): string | undefined => env[name] || env[name.toLowerCase()] || undefined;

/** Undefined where no proxy is named. `usage` when it is no address; `store-unknown` when undici is not installed. */
export async function proxyFetch(env: Env): Promise<typeof fetch | undefined> {
  const proxy = named(env, 'HTTPS_PROXY') ?? named(env, 'HTTP_PROXY');
  if (proxy === undefined) return undefined;
  if (!/^https?:$/.test(schemeOf(proxy)))
    throw new PassportError('usage', 'HTTPS_PROXY or HTTP_PROXY is no address of a proxy', {
      hint: 'A proxy is written http://HOST:PORT.', // what is there may hold a password
    });
  const { EnvHttpProxyAgent, fetch: fetchOf } = await import('undici').catch((cause: unknown) => {
    throw new PassportError('store-unknown', 'stores behind a proxy need undici, which is not installed', {
      cause,
      hint: 'Install it: npm install undici',
    });
  });
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: '', // what has no TLS is on this machine
    httpsProxy: proxy,
    noProxy: named(env, 'NO_PROXY') ?? '',
  });
  const through = (input: string | URL, init: object = {}) => fetchOf(input, { ...init, dispatcher });
  return through as unknown as typeof fetch; // the same but for its own classes of Request and Response
}

function schemeOf(url: string): string {
  try {
    return new URL(url).protocol;
  } catch {
    return '';
  }
}
