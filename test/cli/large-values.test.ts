/**
 * Large values, a file each beside the journal, as a person meets them: lost, cut off, damaged, left over by a killed command.
 * The built command, with a home and a folder of a store on a real disk.
 */
import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildCommand, Machine } from '../helpers/machine.ts';

const { file: command, directory, remove } = buildCommand();
afterAll(remove);

const MIB = 1024 * 1024;
/** Longer ago than any command runs. */
const LONG_AGO = new Date(Date.now() - 2 * 24 * 60 * 60 * 1000);

/** A passport with a session open, files of 1 MiB each in `files`, and its store in the folder `store`. */
async function founded(count: number) {
  const laptop = new Machine(command, directory());
  const store = ['--store', `folder:${laptop.path('store')}`];
  laptop.enter(await laptop.json('init', '--name', 'laptop', '--kit-out', 'kits', '--keystore', 'plain', ...store));
  mkdirSync(laptop.path('files'));
  const values = new Map<string, Buffer>();
  for (let i = 0; i < count; i++) {
    values.set(`${i}`, randomBytes(MIB));
    writeFileSync(laptop.path('files', `${i}`), values.get(`${i}`)!);
  }
  const filesIn = (...parts: string[]) =>
    readdirSync(laptop.path(...parts), { recursive: true, encoding: 'utf8' })
      .map((name) => laptop.path(...parts, name))
      .filter((file) => statSync(file).isFile());
  /** The files of large values in the home. */
  const large = () => filesIn('.passport-mesh', 'journal', 'large');
  const inStore = () => filesIn('store');
  return { laptop, values, large, inStore };
}

/** Changes one bit in its middle. */
function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
}

describe('large values whose files are lost, cut off or damaged', () => {
  it('are named by verify and mended from the store; the others are read all the time', async () => {
    const { laptop, values, large } = await founded(4);
    for (const name of values.keys()) {
      await laptop.json('put', name, join('files', name));
      await laptop.json('sync'); // each by itself: two at once are one bundle
    }
    const [lost, cut, damaged] = large();
    rmSync(lost!);
    truncateSync(cut!, 300_000);
    flip(damaged!);

    const read = async () => {
      const found: string[] = [];
      for (const [name, value] of values) {
        const { error, json } = await laptop.run('get', name, '--json');
        found.push(error ?? (Buffer.from(json.value, 'base64url').equals(value) ? 'right' : 'wrong'));
      }
      return found.toSorted();
    };
    expect(await read()).toEqual(['damaged', 'damaged', 'damaged', 'right']);
    const [store, away] = [laptop.path('store'), laptop.path('away')];
    renameSync(store, away);
    const alone = await laptop.run('verify', '--repair', '--json');
    expect(alone).toMatchObject({ code: 8, json: { ok: false, repaired: [] } });
    expect(alone.json.damaged).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^home\//)));
    expect((await laptop.run('verify', '--repair')).err).toContain('in a store that was not reached');
    renameSync(away, store);
    const mended = await laptop.run('verify', '--repair', '--json');
    expect(mended).toMatchObject({ code: 0, json: { ok: true, damaged: alone.json.damaged } });
    expect(mended.json.repaired.toSorted()).toEqual(alone.json.damaged.toSorted());
    expect(await read()).toEqual(['right', 'right', 'right', 'right']);
    expect(await laptop.run('verify', '--json')).toMatchObject({ code: 0, json: { damaged: [], missing: [] } });
    expect(large()).toHaveLength(4);
  });
});

describe('a large value that another process replaces', () => {
  it('is read as one whole version each time, also where a sync takes its file away', async () => {
    const { laptop } = await founded(0);
    const put = async (version: number) => {
      expect((await laptop.start(['put', 'key', '-'], Buffer.alloc(MIB, version)).done).code).toBe(0);
      await laptop.json('sync');
    };
    const get = async () => {
      const { code, out } = await laptop.run('get', 'key');
      const version = out[0]!;
      expect([code, out.equals(Buffer.alloc(MIB, version))]).toEqual([0, true]);
      return version;
    };
    await put(1);
    for (let version = 2; version <= 6; version++) {
      const [, ...read] = await Promise.all([put(version), get(), get().then(get)]);
      for (const each of read) expect([version - 1, version]).toContain(each);
      expect(await get()).toBe(version);
    }
  });
});

describe('what no store has yet, damaged in this home', () => {
  it.each([
    ['one record', 1],
    ['several in one bundle', 3],
  ])('%s: sync says so each time and sends all else', async (_, count) => {
    const { laptop, large } = await founded(count);
    await laptop.json('import', 'files');
    flip(large()[0]!);
    expect((await laptop.start(['put', 'note', '-'], 'small').done).code).toBe(0);
    for (const sent of [1, 0]) {
      const { stores, notices } = await laptop.json('sync');
      expect(stores).toMatchObject([{ state: 'ok', behind: 1, sent }]);
      expect(notices).toEqual([
        expect.stringMatching(/^home\/\w{26} is lost or damaged on this device and was not sent/),
      ]);
    }
    const { damaged } = (await laptop.run('verify', '--json')).json;
    expect((await laptop.json('sync')).notices.join()).toContain(damaged[0]);
    expect((await laptop.run('get', 'note')).out.toString()).toBe('small');
    const added = await laptop.run('store', 'add', `folder:${laptop.path('second')}`);
    expect(added.err).toContain(`${damaged[0]} is lost or damaged on this device and was not sent`);
  });
});

describe('an import that is killed', () => {
  it('goes on when it is given again, and what it left behind goes in time, here and in the store', async () => {
    const { laptop, values, large, inStore } = await founded(24);
    const temporary = () => inStore().filter((file) => file.endsWith('.tmp'));
    // While it puts something into the store.
    for (let attempt = 0; attempt < 3; attempt++) {
      const child = laptop.spawn(['import', 'files', '--sync', '--json']);
      const begun = temporary().length;
      const until = Date.now() + 20_000;
      while (temporary().length === begun && child.exitCode === null && Date.now() < until)
        await new Promise((wake) => setTimeout(wake, 5));
      child.kill('SIGKILL');
      await new Promise((ended) => child.once('close', ended));
    }
    expect(await laptop.json('import', 'files', '--sync')).toMatchObject({
      records: 24,
      sync: { stores: [{ behind: 0 }] },
    });
    const [old, young] = ['00', 'ff'].map((each) => join(dirname(large()[0]!), each.repeat(16)));
    const bundle = inStore().find((file) => basename(file).startsWith('c-'))!;
    const half = join(dirname(bundle), `.${'0'.repeat(16)}.tmp`);
    for (const file of [old!, young!, half]) writeFileSync(file, 'a killed process left this');
    for (const file of [...large(), ...inStore()]) if (file !== young) utimesSync(file, LONG_AGO, LONG_AGO);
    await laptop.json('put', '0', join('files', '0'));
    await laptop.json('sync');
    expect(temporary()).toEqual([]);
    expect([old, young].map((file) => large().includes(file!))).toEqual([false, true]);
    expect(await laptop.run('verify', '--json')).toMatchObject({ code: 0, json: { ok: true } });
    await laptop.json('export', '', 'exported');
    expect(readdirSync(laptop.path('exported'))).toHaveLength(24);
    for (const [name, value] of values) expect(readFileSync(laptop.path('exported', name)).equals(value)).toBe(true);
  });
});
