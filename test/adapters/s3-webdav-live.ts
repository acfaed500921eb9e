/**
 * The contract suite against any S3 or WebDAV server, for somebody who has an account: nothing in this repository runs it. Each
 * test works in a new place below the address, and deletes the objects that it put.
 *
 *     AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… node test/run.mjs test/adapters/s3-webdav-live.ts 's3://BUCKET/PREFIX?region=…'
 *     PASSPORT_WEBDAV_USER=… PASSPORT_WEBDAV_PASSWORD=… node test/run.mjs test/adapters/s3-webdav-live.ts webdav+https://HOST/PATH
 */
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { copy } from '../../src/bytes.ts';
import { nodeClock as clock } from '../../src/node/clock.ts';
import { openStore } from '../../src/node/stores.ts';
import { createMemoryCredentials } from '../../src/storage/credentials.ts';
import { describeStore } from '../../src/testing/index.ts';

const [address = ''] = process.argv.slice(2);
if (!/^(?:s3|webdav\+https?):/.test(address)) throw new TypeError('give the address of an S3 or WebDAV store');
const random = (length: number) => copy(randomBytes(length));
const context = {
  ...{ create: true, signIn: true, credentials: createMemoryCredentials(), clock, random },
  env: process.env,
  tell: (text: string) => console.error(text),
};

describeStore(
  address,
  async () => {
    const url = new URL(address);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/contract-${randomBytes(8).toString('hex')}`;
    const store = await openStore(url.href, context);
    const put = new Set<string>();
    return {
      store: {
        ...store,
        async put(name, bytes, options) {
          await store.put(name, bytes, options);
          put.add(name);
        },
        async close() {
          for (const name of put) await store.delete(name);
          await store.close();
        },
      },
    };
  },
  { describe, it },
);
