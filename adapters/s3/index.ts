/**
 * Stores in a bucket: `s3://BUCKET/PREFIX?endpoint=…&region=…&profile=…&style=path|host&insecure=yes`. AWS and whatever speaks
 * its protocol (R2, MinIO, Ceph, B2). Credentials come from the SDK's own chain: environment, profiles, roles; never from the
 * address. README.md beside this file has the permissions and the limits.
 */
import { PassportError } from '../../src/errors.ts';
import type { OpenStore } from '../../src/storage/adapter.ts';
import { addressOptions, parseAddress, refuseClearText } from '../../src/storage/address.ts';
import { createS3Store, type S3Options } from './store.ts';

export { createS3Store, type S3Options };

const EXAMPLE = 'An S3 store is written s3://bucket/prefix, with ?endpoint=https://… for a server that is not AWS.';

export const open: OpenStore = async (url, { env, clock }) =>
  createS3Store({ ...parseS3Url(url, env), now: () => clock.now() });

/** The options that an address means; endpoint and region fall back to the variables that the SDK knows. */
export function parseS3Url(url: string, env: Readonly<Record<string, string | undefined>> = {}): S3Options {
  const parsed = parseAddress(url, EXAMPLE);
  if (parsed.protocol !== 's3:' || parsed.hostname === '' || parsed.port !== '' || parsed.username !== '')
    throw new PassportError('usage', 'this is not the address of a bucket', { hint: EXAMPLE });
  const options = addressOptions(parsed, ['endpoint', 'region', 'profile', 'style', 'insecure']);
  const endpoint = options.endpoint ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  if (endpoint !== undefined) refuseClearText(parseAddress(endpoint, EXAMPLE), options.insecure === 'yes');
  if (options.style !== undefined && options.style !== 'path' && options.style !== 'host')
    throw new PassportError('usage', 'style is path or host', { hint: EXAMPLE });
  return {
    url,
    bucket: parsed.hostname,
    prefix: decodeURIComponent(parsed.pathname).replaceAll(/^\/+|\/+$/g, ''),
    endpoint,
    region: options.region,
    profile: options.profile,
    pathStyle: options.style === undefined ? undefined : options.style === 'path',
  };
}
