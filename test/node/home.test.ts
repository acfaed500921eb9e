/** The rest of a home on Node: session, anchor, clock, and how they are put together. */
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isPassportError, type PassportError } from '../../src/errors.ts';
import { createAnchor } from '../../src/node/anchor.ts';
import { nodeClock } from '../../src/node/clock.ts';
import { nodeHome } from '../../src/node/home.ts';
import { createSessionVault } from '../../src/node/session-vault.ts';
import { runChild } from '../helpers/child.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { temporaryDirectory } from '../helpers/temp.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('the session in the home', () => {
  it('gives both halves back to any process until it is cleared', async () => {
    const directory = join(temporaryDirectory(), 'home', 'session');
    expect(await createSessionVault(directory).load()).toBeUndefined();
    await createSessionVault(directory).save(bytes(1, 2), bytes(3));
    await createSessionVault(directory).save(bytes(4, 5), bytes(6));
    expect(await createSessionVault(directory).load()).toEqual({ sealed: bytes(4, 5), fileSecret: bytes(6) });
    await createSessionVault(directory).clear();
    await createSessionVault(directory).clear();
    expect(await createSessionVault(directory).load()).toBeUndefined();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('keeps the two halves in files of their own, for their owner only', async () => {
    const directory = join(temporaryDirectory(), 'session');
    await createSessionVault(directory).save(bytes(1, 2), bytes(3));
    const modes = readdirSync(directory).map((name) => [name, statSync(join(directory, name)).mode & 0o777]);
    expect(modes).toEqual([
      ['sealed', 0o600],
      ['secret', 0o600],
    ]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it('is overwritten before it is removed: a second name of the file shows zeros', async () => {
    const root = temporaryDirectory();
    const vault = createSessionVault(join(root, 'session'));
    await vault.save(bytes(1, 2, 3), bytes(4, 5));
    linkSync(join(root, 'session', 'secret'), join(root, 'secret'));
    linkSync(join(root, 'session', 'sealed'), join(root, 'sealed'));
    await vault.clear();
    expect([...readFileSync(join(root, 'secret')), ...readFileSync(join(root, 'sealed'))]).toEqual([0, 0, 0, 0, 0]);
  });

  it('in a home that is a file is home-unusable', async () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    expect(await rejectionOf(createSessionVault(join(file, 'session')).save(bytes(1), bytes(2)))).toBe('home-unusable');
  });
});

describe('the anchor', () => {
  it('lies outside the home and has what was written last', async () => {
    const root = temporaryDirectory();
    const anchor = createAnchor(join(root, 'home'), join(root, 'state'));
    expect(await anchor.read()).toBeUndefined();
    await anchor.write(bytes(1));
    await anchor.write(bytes(2));
    expect(await createAnchor(join(root, 'home'), join(root, 'state')).read()).toEqual(bytes(2));
    expect(existsSync(join(root, 'home'))).toBe(false);
  });

  it('is one per home, by whatever path the home is reached', async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'home'));
    symlinkSync(join(root, 'home'), join(root, 'link'));
    const anchor = (home: string) => createAnchor(home, join(root, 'state'));
    await anchor(join(root, 'home')).write(bytes(1));
    expect(await anchor(join(root, 'link')).read()).toEqual(bytes(1));
    expect(await anchor(relative(process.cwd(), join(root, 'home'))).read()).toEqual(bytes(1));
    expect(await anchor(join(root, 'copy')).read()).toBeUndefined();
  });

  it('goes to $XDG_STATE_HOME unless told otherwise', async () => {
    const root = temporaryDirectory();
    vi.stubEnv('XDG_STATE_HOME', join(root, 'state'));
    onTestFinished(() => void vi.unstubAllEnvs());
    await createAnchor(join(root, 'home')).write(bytes(1));
    expect(readdirSync(join(root, 'state', 'passport-mesh'))).toHaveLength(1);
  });

  it('that cannot be written is no error', async () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    const anchor = createAnchor('/home', join(file, 'state'));
    await anchor.write(bytes(1));
    expect(await anchor.read()).toBeUndefined();
  });
});

describe('the clock', () => {
  it('names one boot and counts on through it in every process', async () => {
    const before = nodeClock.monotonic();
    const [bootId, monotonic] = await runChild('clock.ts', []);
    expect(bootId).toBe(nodeClock.bootId());
    expect(Number(monotonic)).toBeGreaterThanOrEqual(before);
    expect(Number(monotonic)).toBeLessThanOrEqual(nodeClock.monotonic());
  });

  it('sleeps, and wakes with the reason of the signal', async () => {
    await nodeClock.sleep(1);
    const reason = new Error('enough');
    const controller = new AbortController();
    const sleeping = nodeClock.sleep(1_000_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(nodeClock.sleep(1_000_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('nodeHome', () => {
  it('makes nothing on the disk before something is kept', async () => {
    const home = join(temporaryDirectory(), 'home');
    const environment = nodeHome({ home, anchorDirectory: join(home, 'state') });
    const journal = await environment.journal();
    expect(await journal.generation()).toBe(0);
    expect(environment.keystore.kind).toBe('file');
    expect(await environment.keystore.load('1')).toBeUndefined();
    expect(await environment.sessions.load()).toBeUndefined();
    await environment.sessions.clear();
    expect(await environment.anchor.read()).toBeUndefined();
    await journal.close();
    expect(existsSync(home)).toBe(false);
  });

  it('gives one journal to all who ask, and after its close a new one', async () => {
    const environment = nodeHome({ home: join(temporaryDirectory(), 'home') });
    const first = await environment.journal();
    await first.commit(0, new Map([['a', bytes(1)]]));
    expect(await environment.journal()).toBe(first);
    await first.close();
    const second = await environment.journal();
    expect(await second.get('a')).toEqual(bytes(1));
    await second.close();
  });

  it('opens folders, also relative ones, and makes them when told to', async () => {
    const root = temporaryDirectory();
    const { openStore } = nodeHome({ home: root });
    const store = await openStore(`folder:${relative(process.cwd(), root)}/store`, { create: true });
    expect(store.url).toBe(`folder:${root}/store`);
    await store.put('p/one', bytes(1));
    expect(await (await openStore(store.url)).get('p/one')).toEqual(bytes(1));
    expect(await rejectionOf((await openStore(`folder:${root}/other`)).get('p/one'))).toBe('store-unreachable');
  });

  it('knows no other kind of store, and repeats no credential when it says so', async () => {
    const { openStore } = nodeHome({ home: temporaryDirectory() });
    for (const url of ['ftp://key:secret@host/folder', 'secret', 'folder:', '']) {
      const error: unknown = await openStore(url).catch((failure: unknown) => failure);
      expect(isPassportError(error, 'store-unknown')).toBe(true);
      expect(String(error)).not.toContain('secret');
    }
  });

  it.each([
    's3://key:secret@bucket/prefix',
    's3://bucket?key=secret',
    's3://bucket?endpoint=http://key:secret@host',
    'webdav+https://anna:secret@host/folder',
    'webdav+https://host/folder?password=secret',
  ])('refuses a credential in an address, and does not repeat it: %s', async (url) => {
    const error: unknown = await nodeHome({ home: temporaryDirectory() })
      .openStore(url)
      .catch((failure: unknown) => failure);
    expect(isPassportError(error, 'usage')).toBe(true);
    expect(`${String(error)} ${(error as PassportError).hint}`).not.toContain('secret');
  });

  it('draws fresh randomness', () => {
    const { random } = nodeHome({ home: temporaryDirectory() });
    expect(random(32)).toHaveLength(32);
    expect(random(32)).not.toEqual(random(32));
  });
});
