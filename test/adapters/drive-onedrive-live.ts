/**
 * The contract suite against the real Google Drive or OneDrive, for somebody who has an account: nothing in this repository runs
 * it. It signs in by device code, works in a new folder of its own and deletes the objects that it put.
 *
 *     PASSPORT_DRIVE_CLIENT_ID=… PASSPORT_DRIVE_CLIENT_SECRET=… node test/run.mjs test/adapters/drive-onedrive-live.ts drive
 *     PASSPORT_ONEDRIVE_CLIENT_ID=… node test/run.mjs test/adapters/drive-onedrive-live.ts onedrive
 */
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { open as openDrive } from '../../adapters/drive/index.ts';
import { open as openOneDrive } from '../../adapters/onedrive/index.ts';
import { copy } from '../../src/bytes.ts';
import { isPassportError } from '../../src/errors.ts';
import { nodeClock as clock } from '../../src/node/clock.ts';
import { proxyFetch } from '../../src/node/proxy.ts';
import type { OpenContext } from '../../src/storage/adapter.ts';
import { createMemoryCredentials } from '../../src/storage/credentials.ts';
import { withLimit } from '../../src/storage/with-limit.ts';
import { withRetry } from '../../src/storage/with-retry.ts';
import { describeStore } from '../../src/testing/index.ts';

const OPENERS = { drive: openDrive, onedrive: openOneDrive };
const kind = process.argv[2];
if (kind !== 'drive' && kind !== 'onedrive') {
  console.error('Say which: drive or onedrive.');
  process.exit(2);
}

const random = (length: number) => copy(randomBytes(length));
const credentials = createMemoryCredentials();
const through = await proxyFetch(process.env);
const context: OpenContext = {
  ...{ create: true, signIn: true, credentials, clock, random },
  env: { ...process.env, PASSPORT_SIGN_IN: 'device' },
  tell: (text) => console.error(text),
  ...(through === undefined ? {} : { fetch: through }),
};

// One sign-in, then a folder of its own for each test.
const address = `${kind}:contract-${randomBytes(4).toString('hex')}`;
try {
  await (await OPENERS[kind](address, context)).close();
} catch (error) {
  console.error(isPassportError(error) ? [error.message, error.hint].join('\n') : error);
  process.exit(2);
}
const signedIn = await credentials.read(address);

describeStore(
  `the real ${kind}`,
  async () => {
    const url = `${address}-${randomBytes(4).toString('hex')}`;
    await credentials.write(url, signedIn ?? null);
    const open = async () =>
      withRetry(withLimit(await OPENERS[kind](url, context), { parallel: 4 }), { clock, random, patienceMs: 300_000 });
    const cleanup = async () => {
      const store = await open();
      for (const prefix of ['p', 'q', 'a', 'a-', 'ab', 'b', '0'.repeat(80)])
        for await (const name of store.list(prefix)) await store.delete(name);
      await store.delete('ac'); // the suite's one name without a folder
      await store.close();
    };
    return { store: await open(), cleanup };
  },
  { describe, it },
);
