/** Credentials of stores: sealed in the journal, and kept from the first call that has a device. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes.ts';
import { sealedCredentials } from '../../src/device/credentials.ts';
import { nodeHome } from '../../src/node/home.ts';
import { openReplica } from '../../src/replica/replica.ts';
import { createMemoryCredentials } from '../../src/storage/credentials.ts';
import { createCopyableJournal } from '../helpers/journals.ts';
import { twoDevices } from '../helpers/mesh.ts';
import { seededRandom } from '../helpers/random.ts';
import { temporaryDirectory } from '../helpers/temp.ts';

const URL = 'webdav+https://cloud.example/passport';
const OTHER = 'webdav+https://cloud.example/passport/two';
const token = utf8('{"token":"very secret"}');

function credentialsOn(journal = createCopyableJournal()) {
  const fixed = seededRandom('credentials');
  const [pid, localKey] = [fixed(32), fixed(32)];
  return sealedCredentials(openReplica({ journal, localKey, pid, random: fixed }));
}

describe.each([
  ['sealed', () => credentialsOn()],
  ['in memory', () => createMemoryCredentials()],
])('credentials, %s,', (_, create) => {
  it('are kept per address, replaced and forgotten', async () => {
    const credentials = create();
    expect(await credentials.read(URL)).toBeUndefined();
    await credentials.write(URL, utf8('old'));
    await credentials.write(URL, token);
    expect(await credentials.read(URL)).toEqual(token);
    expect(await credentials.read(OTHER)).toBeUndefined();
    await credentials.write(URL, null);
    await credentials.write(URL, null);
    expect(await credentials.read(URL)).toBeUndefined();
  });

  it('are what was written, though the adapter clears its own bytes before and after', async () => {
    const credentials = create();
    const written = token.slice();
    const writing = credentials.write(URL, written);
    written.fill(0);
    await writing;
    (await credentials.read(URL))!.fill(0);
    expect(await credentials.read(URL)).toEqual(token);
  });
});

describe.each([
  ['sealed', () => credentialsOn()],
  ['in memory', () => createMemoryCredentials()],
])('credentials, %s,', (_, create) => {
  it('are copies, in and out: whoever wiped its own finds them as they were', async () => {
    const credentials = create();
    const own = utf8('mine');
    await credentials.write(URL, own);
    own.fill(0);
    const first = await credentials.read(URL);
    expect(first).toEqual(utf8('mine'));
    first?.fill(0);
    expect(await credentials.read(URL)).toEqual(utf8('mine'));
  });
});

it.each([
  ['sealed', () => credentialsOn()],
  ['in memory', () => createMemoryCredentials()],
])('credentials, %s, are kept also when the adapter wipes what it gave and what it got', async (_, create) => {
  const credentials = create();
  const given = token.slice();
  const writing = credentials.write(URL, given);
  given.fill(0);
  await writing;
  (await credentials.read(URL))!.fill(0);
  expect(await credentials.read(URL)).toEqual(token);
});

describe('sealed credentials', () => {
  it('are there for another process, and show neither address nor secret in the journal', async () => {
    const journal = createCopyableJournal();
    await credentialsOn(journal).write(URL, token);
    expect(await credentialsOn(journal).read(URL)).toEqual(token);
    for (const key of journal.keys()) {
      const stored = `${key} ${new TextDecoder('latin1').decode(await journal.get(key))}`;
      expect(stored).not.toMatch(/secret|cloud\.example|credentials/);
    }
  });

  it('go to every store that a sync opens, one set for each address', async () => {
    const { world, laptop } = await twoDevices('credentials');
    const { environment } = laptop.home;
    const { openStore } = environment;
    const seen: (string | undefined)[] = [];
    environment.openStore = async (url, options) => {
      const kept = await options?.credentials?.read(url);
      seen.push(kept && new TextDecoder().decode(kept));
      await options?.credentials?.write(url, utf8(`for ${url}`));
      return openStore(url, options);
    };
    for (let i = 0; i < 2; i++) await (await world.open(0)).passport.sync();
    expect(seen).toEqual([undefined, 'for memory:one']);
  });
});

describe('a home', () => {
  it('keeps no credential of the environment that never worked', async () => {
    const home = nodeHome({ home: temporaryDirectory() });
    const before = process.env['PASSPORT_WEBDAV_TOKEN'];
    process.env['PASSPORT_WEBDAV_TOKEN'] = 'of the environment';
    const kept = createMemoryCredentials();
    const url = 'webdav+http://127.0.0.1:1/folder'; // nobody answers there
    try {
      await expect(home.openStore(url)).rejects.toMatchObject({ code: 'store-unreachable' });
      expect(await kept.read(url)).toBeUndefined();
    } finally {
      if (before === undefined) delete process.env['PASSPORT_WEBDAV_TOKEN'];
      else process.env['PASSPORT_WEBDAV_TOKEN'] = before;
    }
    await home.openStore(url, { credentials: kept });
    expect(await kept.read(url)).toBeUndefined();
  });
});
