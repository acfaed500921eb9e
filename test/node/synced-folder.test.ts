/**
 * Stores in folders that another program carries between machines, with made-up contents: what iCloud Drive, Dropbox, Syncthing
 * and OneDrive leave there. None of these programs ran here.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import type promises from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createFolderStore } from '../../src/node/folder-store.ts';
import type { Store } from '../../src/storage/store.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { type Member, PASSPHRASE, text, World, words } from '../helpers/mesh.ts';
import { temporaryDirectory } from '../helpers/temp.ts';

const reading = vi.hoisted(() => ({ fault: undefined as string | undefined }));
vi.mock('node:fs/promises', async (load) => {
  const real = await load<typeof promises>();
  const readFile: typeof real.readFile = (async (...args: Parameters<typeof real.readFile>) => {
    if (reading.fault === undefined) return real.readFile(...args);
    throw Object.assign(new Error(reading.fault), { code: reading.fault, syscall: 'read' });
  }) as typeof real.readFile;
  return { ...real, readFile };
});

async function list(store: Store, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.list(prefix)) names.push(name);
  return names.sort();
}

/** Its content goes elsewhere, as iCloud Drive did it before macOS 14. */
function evict(path: string): string {
  const placeholder = join(dirname(path), `.${basename(path)}.icloud`);
  renameSync(path, placeholder);
  writeFileSync(placeholder, 'bplist00…');
  return placeholder;
}

describe('a file that is not downloaded', () => {
  const bytes = Uint8Array.of(1, 2, 3);
  let folder: string;
  let store: Store;
  beforeEach(async () => {
    reading.fault = undefined;
    folder = temporaryDirectory();
    store = createFolderStore(folder);
    await store.put('p/one', bytes);
  });

  it('is listed under its own name, is not there yet, and comes back', async () => {
    const placeholder = evict(join(folder, 'p/one'));
    expect(await list(store, 'p')).toEqual(['p/one']);
    expect(await store.get('p/one')).toBeUndefined();
    rmSync(placeholder);
    writeFileSync(join(folder, 'p/one'), bytes);
    expect(await store.get('p/one')).toEqual(bytes);
  });

  it('is listed once when it has arrived and its placeholder is still there', async () => {
    evict(join(folder, 'p/one'));
    await store.put('p/one', bytes);
    expect(await list(store, 'p')).toEqual(['p/one']);
    expect(await store.get('p/one')).toEqual(bytes);
  });

  it('is deleted with its placeholder', async () => {
    const placeholder = evict(join(folder, 'p/one'));
    await store.delete('p/one');
    expect(existsSync(placeholder)).toBe(false);
    expect(await list(store, 'p')).toEqual([]);
    await store.delete('p/one');
  });

  it('a placeholder of what is no object is foreign', async () => {
    for (const name of ['.Photo.jpg.icloud', '.icloud', '..icloud', '.a b.icloud'])
      writeFileSync(join(folder, 'p', name), '');
    mkdirSync(join(folder, 'p', '.two.icloud'));
    expect(await list(store, 'p')).toEqual(['p/one']);
  });

  it.each(['EDEADLK', 'ETIMEDOUT'])(
    'that has no blocks and cannot be fetched now (%s) is not there yet',
    async (code) => {
      rmSync(join(folder, 'p/one'));
      writeFileSync(join(folder, 'p/one'), '');
      truncateSync(join(folder, 'p/one'), 3); // three bytes, no block
      reading.fault = code;
      expect(await store.get('p/one')).toBeUndefined();
      expect(await list(store, 'p')).toEqual(['p/one']);
    },
  );

  it.each(['EIO', 'ETIMEDOUT'])('but a disk that fails (%s) is unreachable', async (code) => {
    writeFileSync(join(folder, 'p/one'), new Uint8Array(100_000).fill(1));
    reading.fault = code;
    expect(await rejectionOf(store.get('p/one'))).toBe('store-unreachable');
  });
});

describe('two devices, each with its own copy of the folder', () => {
  let here: string;
  let there: string;
  let laptop: Member;
  let phone: Member;

  /** The syncing program: brings what is missing to the other side, by default all of it. */
  function carry(from: string, to: string, filter: (file: string) => boolean = () => true): string[] {
    const before = new Set(filesIn(to));
    const missing = filesIn(from).filter((file) => !before.has(file) && filter(file));
    for (const file of missing) cpSync(join(from, file), join(to, file), { recursive: true });
    return missing;
  }

  const filesIn = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));

  const bundles = (folder: string) => filesIn(folder).filter((file) => basename(file).startsWith('c-'));

  beforeEach(async ({ task }) => {
    reading.fault = undefined;
    [here, there] = [temporaryDirectory(), temporaryDirectory()];
    const world = new World(`folders ${task.name}`);
    const [first, second] = [world.home(), world.home()];
    first.environment.openStore = async () => createFolderStore(here);
    second.environment.openStore = async () => createFolderStore(here); // pairing takes place in one room
    const created = await world.create('laptop', { stores: ['folder:here'], home: first });
    laptop = created;
    const kits = [words(created.kits[0]!)];
    phone = await world.enroll('phone', created, { kits, home: second });
    for (const member of [laptop, phone, laptop]) await member.passport.sync();
    await phone.passport.unlock({ passphrase: PASSPHRASE, kits });
    await phone.passport.close();
    carry(here, there);
    second.environment.openStore = async () => createFolderStore(there);
    phone = await world.open(1);
    await phone.passport.unlock({ passphrase: PASSPHRASE, kits });
    await phone.passport.sync();
    await laptop.passport.put('new', 'of the laptop');
    await laptop.passport.sync();
  });

  const quiet = { state: 'ok', lost: [], damaged: [], sent: 0 };
  const syncPhone = async () => (await phone.passport.sync()).stores[0];

  it('a change whose file is a placeholder is not there yet, and not lost; then it arrives', async () => {
    const [file] = carry(here, there);
    const placeholder = evict(join(there, file!));
    for (let i = 0; i < 3; i++) expect(await syncPhone()).toMatchObject({ ...quiet, received: 0 });
    expect(await text(phone, 'new')).toBeUndefined();
    rmSync(placeholder);
    carry(here, there);
    expect(await syncPhone()).toMatchObject({ ...quiet, received: 1 });
    expect(await text(phone, 'new')).toBe('of the laptop');
  });

  it('files that are evicted after they were read are not lost, and nothing is put again', async () => {
    carry(here, there);
    await syncPhone();
    for (const file of bundles(there)) evict(join(there, file));
    const before = filesIn(there);
    expect(await syncPhone()).toMatchObject(quiet);
    expect(filesIn(there)).toEqual(before);
    expect(await text(phone, 'new')).toBe('of the laptop');
  });

  it('a file of which a part has arrived is not believed, and taken when the rest is there', async () => {
    const [file] = carry(here, there);
    const whole = readFileSync(join(here, file!));
    for (const length of [0, 1, whole.length - 1]) {
      writeFileSync(join(there, file!), whole.subarray(0, length));
      expect(await syncPhone()).toMatchObject({ state: 'ok', received: 0, lost: [] });
      expect(await text(phone, 'new')).toBeUndefined();
    }
    writeFileSync(join(there, file!), whole);
    expect(await syncPhone()).toMatchObject({ state: 'ok', received: 1, damaged: [] });
    expect(await text(phone, 'new')).toBe('of the laptop');
  });

  it.each([
    ['Dropbox', (name: string) => `${name} (laptop's conflicted copy 2026-11-20)`],
    ['Syncthing', (name: string) => `${name}.sync-conflict-20261120-120000-ABCDEFG`],
    ['Syncthing, on its way', (name: string) => `.syncthing.${name}.tmp`],
    ['OneDrive', (name: string) => `${name}-laptop`],
    ['OneDrive, upper case', (name: string) => `${name}-LAPTOP`],
    ['iCloud Drive', (name: string) => `${name} 2`],
    ['Google Drive', (name: string) => `${name} (1)`],
    ['Nextcloud', (name: string) => `${name} (conflicted copy 2026-11-20 120000)`],
    ['a download', (name: string) => `${name}.part`],
  ])('conflict copies and other files of %s are ignored and left alone', async (_, copyName) => {
    for (const file of carry(here, there)) {
      writeFileSync(join(there, dirname(file), copyName(basename(file))), 'other bytes');
      cpSync(join(there, file), join(there, dirname(file), copyName(`x${basename(file)}`)));
    }
    for (const own of ['.DS_Store', 'desktop.ini', '.stfolder/x', '.dropbox', 'p/.stignore', 'Icon\r']) {
      mkdirSync(dirname(join(there, own)), { recursive: true });
      writeFileSync(join(there, own), 'settings');
    }
    const before = filesIn(there);
    expect(await syncPhone()).toMatchObject({ ...quiet, received: 1 });
    expect(await syncPhone()).toMatchObject({ ...quiet, received: 0 });
    expect(await text(phone, 'new')).toBe('of the laptop');
    expect(filesIn(there)).toEqual(before);
  });

  it('both write while apart, and the files cross in any order', async () => {
    await phone.passport.put('new', 'of the phone');
    await phone.passport.sync();
    const fresh = bundles(there).filter((file) => !existsSync(join(here, file)));
    for (const file of fresh.reverse()) {
      carry(there, here, (each) => each === file);
      expect((await laptop.passport.sync()).stores[0]).toMatchObject({ ...quiet, received: 1 });
    }
    carry(here, there);
    await phone.passport.sync();
    expect(await text(laptop, 'new')).toBe(await text(phone, 'new'));
    expect(await laptop.passport.conflicts()).toHaveLength(1);
    expect(await phone.passport.conflicts()).toHaveLength(1);
  });
});
