/**
 * The store port over @aws-sdk/client-s3: one request per call, one more per thousand names of a listing. A put is whole or not
 * at all by the protocol of S3, its bytes are checked by the server, and none of it needs a condition. The SDK's own retry is
 * off: storage/with-retry.ts has one rule for all stores.
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { hex } from '../../src/bytes.ts';
import { readBody } from '../../src/storage/http.ts';
import type { Store } from '../../src/storage/store.ts';
import { checkName, isName } from '../../src/storage/store-name.ts';
import { isAbsent, s3Failure } from './failure.ts';

export interface S3Options {
  readonly bucket: string;
  /** Before every name, without slashes at its ends. Default: none. */
  readonly prefix?: string;
  /** Of a server that is not AWS. */
  readonly endpoint?: string | undefined;
  /** Default: the SDK's chain on AWS, `us-east-1` elsewhere. */
  readonly region?: string | undefined;
  /** A profile of ~/.aws. */
  readonly profile?: string | undefined;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. Default: where the endpoint is not AWS. */
  readonly pathStyle?: boolean | undefined;
  /** Default: the SDK's chain. */
  readonly credentials?: S3ClientConfig['credentials'];
  /** As the store's url says it. Default `s3://bucket/prefix`. */
  readonly url?: string;
  /** Milliseconds since 1970, for dates in Retry-After. */
  readonly now?: () => number;
}

const AWS = /\.amazonaws\.com(?:\.cn)?$/;

export function createS3Store(options: S3Options): Store {
  const { bucket, prefix = '', endpoint, region, profile, credentials, now = () => 0 } = options;
  const aws = endpoint === undefined || AWS.test(new URL(endpoint).hostname);
  const client = new S3Client({
    maxAttempts: 1,
    forcePathStyle: options.pathStyle ?? !aws,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? (aws ? {} : { region: 'us-east-1' }) : { region }),
    ...(profile === undefined ? {} : { profile }),
    ...(credentials === undefined ? {} : { credentials }),
    // Many servers refuse the SDK's newer checksums or ignore them; Content-MD5 all of them check.
    ...(aws ? {} : { requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' }),
  });
  const root = prefix === '' ? '' : `${prefix}/`;
  const at = (name: string) => ({ Bucket: bucket, Key: root + name });

  async function attempt<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      signal?.throwIfAborted();
      throw s3Failure(error, bucket, now());
    }
  }

  async function md5(bytes: Uint8Array): Promise<string> {
    const hash = new client.config.md5();
    hash.update(bytes);
    return client.config.base64Encoder(await hash.digest());
  }

  return {
    url: options.url ?? `s3://${bucket}/${prefix}`,

    async get(name, { signal, maxBytes = Infinity } = {}) {
      checkName(name);
      return attempt(signal, async () => {
        const stop = new AbortController();
        const abortSignal = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
        try {
          const { Body, ContentLength: length } = await client.send(new GetObjectCommand(at(name)), { abortSignal });
          return await readBody(Body as AsyncIterable<Uint8Array>, { name, length, maxBytes });
        } catch (error) {
          if (isAbsent(error)) return undefined;
          throw error;
        } finally {
          stop.abort(); // what was not read is not waited for
        }
      });
    },

    async put(name, bytes, { signal, sha256 } = {}) {
      checkName(name);
      await attempt(signal, async () => {
        const check = aws ? {} : { ContentMD5: await md5(bytes) };
        const command = new PutObjectCommand({ ...at(name), ...check, Body: bytes, ContentLength: bytes.length });
        if (sha256 !== undefined) signWith(command, hex(sha256));
        await client.send(command, abortable(signal));
      });
    },

    async delete(name, { signal } = {}) {
      checkName(name);
      await attempt(signal, async () => {
        try {
          await client.send(new DeleteObjectCommand(at(name)), abortable(signal));
        } catch (error) {
          if (!isAbsent(error)) throw error;
        }
      });
    },

    async *list(within, { signal } = {}) {
      checkName(within);
      let token: string | undefined;
      do {
        const page = await attempt(signal, () =>
          client.send(
            new ListObjectsV2Command({
              Bucket: bucket,
              Prefix: `${root}${within}/`,
              // Keys of others may hold what XML cannot.
              EncodingType: 'url',
              ContinuationToken: token,
            }),
            abortable(signal),
          ),
        );
        for (const { Key: key = '' } of page.Contents ?? []) {
          const name = decodeKey(key)?.slice(root.length);
          if (name === undefined || !isName(name)) continue;
          yield name;
          signal?.throwIfAborted();
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
    },

    async close() {
      client.destroy();
    },
  };
}

/** The hash of the body is a part of what is signed; where it is known the SDK need not work it out. */
function signWith(command: PutObjectCommand, sha256: string): void {
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as { readonly headers: Record<string, string> }).headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'knownContentHash' },
  );
}

const abortable = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { abortSignal: signal });

/** Undefined: no key that this program made. */
function decodeKey(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
