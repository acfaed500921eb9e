/** The built command as a stranger uses it: arguments, stdin, stdout, stderr, exit code, no terminal. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildCommand, Machine } from '../helpers/machine.ts';

const { file: command, directory, remove } = buildCommand();
afterAll(remove);

/** A laptop with a passport, two kits in files, a folder store beside it and an open session. */
async function laptop(keystore = 'plain') {
  const root = directory();
  const machine = new Machine(command, join(root, 'laptop'));
  const store = `folder:${join(root, 'store')}`;
  const created = await machine.json(
    'init',
    '--name',
    'laptop',
    '--store',
    store,
    '--kit-out',
    'kits',
    '--keystore',
    keystore,
  );
  machine.enter(created);
  return { root, store, machine, kit: machine.path('kits/kit-1.txt') };
}

type Laptop = Awaited<ReturnType<typeof laptop>>;

/** A phone that takes the place of the second kit: invited with --json, enrolled by `approve` of another process. */
async function phoneOf({ root, machine, kit }: Laptop) {
  const phone = new Machine(command, join(root, 'phone'), { PASSPORT_DEVICE_PASSPHRASE: 'of the phone' });
  const invite = machine.start(['invite', '--json']);
  const { link, id } = await invite.event('link');
  const joining = phone.start(['join', '-', '--name', 'phone', '--keystore', 'plain', '--yes', '--json'], `${link}\n`);
  const { words } = await joining.event('words');
  await invite.event('answered');
  machine.enter(await machine.json('approve', id.slice(0, 8), '--words', words.join(' '), '--kit', kit));
  return { phone, joined: await joining.done, invited: await invite.done };
}

describe('the stores of a device', () => {
  test('are added, listed, checked, moved and removed', async () => {
    const { root, machine, store } = await laptop();
    await machine.run('put', 'a', '-', '--json');
    const [two, three] = ['two', 'three'].map((name) => `folder:${join(root, name)}`) as [string, string];
    expect(await machine.json('store', 'add', two)).toMatchObject({ url: two, state: 'ok', behind: 0 });
    expect((await machine.run('store', 'list')).out.toString()).toContain(two);
    expect(await machine.json('store', 'check')).toMatchObject([
      { url: store, ok: true },
      { url: two, ok: true },
    ]);
    const folder = join(root, 'two');
    spawnSync('mv', [folder, `${folder}.away`]);
    const away = await machine.run('store', 'check', '--json');
    const error = { code: 'store-unreachable', message: expect.any(String) };
    expect([away.code, away.json]).toMatchObject([10, [{ url: store, ok: true, damaged: [], missing: [] }, {}]]);
    expect(away.json[1]).toEqual({ url: two, error });
    spawnSync('mv', [`${folder}.away`, folder]);
    expect(await machine.json('store', 'move', store, three)).toMatchObject({ url: three, state: 'ok' });
    expect(await machine.json('store', 'remove', two)).toEqual({ url: two, removed: true });
    expect((await machine.json('store', 'list')).map(({ url }: { url: string }) => url)).toEqual([three]);
    expect(await machine.run('store', 'remove', three, '--json')).toMatchObject({ code: 2, error: 'usage' });
    expect(await machine.run('store', 'check', two, '--json')).toMatchObject({ code: 10, error: 'store-unknown' });
    const [name] = readdirSync(join(root, 'three', 'p'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.includes('hot/c-'),
    );
    writeFileSync(join(root, 'three', 'p', name!), 'torn');
    expect(await machine.run('store', 'check', '--json')).toMatchObject({ code: 8 });
  });
});

describe('without a passport', () => {
  test('every command says so and what to do', async () => {
    const machine = new Machine(command, directory());
    const done = await machine.run('ls');
    expect([done.code, done.out.toString()]).toEqual([12, '']);
    expect(done.err).toContain('passport init');
    expect(await machine.run('status', '--json')).toMatchObject({ code: 12, error: 'no-passport' });
    expect(existsSync(machine.path('.passport-mesh'))).toBe(false);
  });

  test('init begins nothing when it could not finish', async () => {
    const machine = new Machine(command, directory());
    const init = ['init', '--name', 'laptop', '--json', '--keystore', 'plain'];
    expect(await machine.run(...init, '--store', 'folder:store')).toMatchObject({ code: 2, error: 'usage' });
    expect(await machine.run(...init, '--store', 'ftp://x', '--kit-out', 'k')).toMatchObject({
      code: 10,
      error: 'store-unknown',
    });
    const unsafe = ['--store', 'folder:store', '--kit-out', 'k', '--threshold', '2', '--holders', '4'];
    expect(await machine.run(...init, ...unsafe)).toMatchObject({ code: 2, error: 'policy-unsafe' });
    expect(readdirSync(machine.directory)).not.toContain('.passport-mesh');
    expect(readdirSync(machine.directory)).not.toContain('k');
  });

  test('init takes the kits back when the passphrases are the same', async () => {
    const machine = new Machine(command, directory(), { PASSPORT_DEVICE_PASSPHRASE: 'of the passport' });
    const done = await machine.run('init', '--name', 'laptop', '--store', 'folder:store', '--kit-out', 'k', '--json');
    expect(done).toMatchObject({ code: 2, error: 'passphrase-reused' });
    expect(readdirSync(machine.path('k'))).toEqual([]);
  });
});

describe('one device', () => {
  let place: Laptop;
  beforeAll(async () => {
    // The file keystore is the default: sealed under a passphrase of its own.
    place = await laptop('file');
  });

  test('init leaves kits for their owner only, and a session for eval', async () => {
    const fresh = await laptop();
    expect(readdirSync(fresh.machine.path('kits'))).toEqual(['kit-1.html', 'kit-1.txt', 'kit-2.html', 'kit-2.txt']);
    expect(statSync(fresh.kit).mode & 0o777).toBe(0o600);
    const again = await fresh.machine.run('init', '--name', 'x', '--store', fresh.store, '--kit-out', 'more', '--json');
    expect(again).toMatchObject({ code: 12, error: 'passport-exists' });
    const unlocked = await fresh.machine.run('unlock', '--kit', fresh.kit);
    expect(unlocked.out.toString()).toMatch(/^export PASSPORT_SESSION=[\w-]{43}\n$/);
  });

  test('a record comes back byte for byte, whatever its bytes', async () => {
    const { machine } = place;
    const values = [
      new Uint8Array(0),
      new Uint8Array([0, 255, 10, 13]),
      new Uint8Array(1024 * 1024).fill(7),
      Buffer.from('text\n'),
    ];
    for (const value of values) {
      expect((await machine.start(['put', 'some/key', '-'], value).done).code).toBe(0);
      const { code, out } = await machine.run('get', 'some/key');
      expect([code, out.equals(value)]).toEqual([0, true]);
    }
    const history = await machine.json('history', 'some/key');
    expect(history).toHaveLength(values.length);
    const older = await machine.run('get', 'some/key', '--at', history[2].version.slice(0, 16));
    expect(older.out).toEqual(Buffer.from([0, 255, 10, 13]));
  });

  test('get writes files for their owner only, and replaces none unasked', async () => {
    const { machine } = place;
    await machine.start(['put', 'file'], 'first').done;
    expect((await machine.run('get', 'file', '-o', 'out')).code).toBe(0);
    expect(statSync(machine.path('out')).mode & 0o777).toBe(0o600);
    await machine.start(['put', 'file'], 'second').done;
    expect((await machine.run('get', 'file', '-o', 'out')).code).toBe(2);
    expect(readFileSync(machine.path('out'), 'utf8')).toBe('first');
    expect((await machine.run('get', 'file', '-o', 'out', '--force')).code).toBe(0);
    expect(readFileSync(machine.path('out'), 'utf8')).toBe('second');
  });

  test('keys may be odd but not wrong', async () => {
    const { machine } = place;
    for (const key of ['../..', '/etc/passwd', '🔑 emoji/日本', 'e\u0301']) {
      expect((await machine.start(['put', '--', key], key).done).code, key).toBe(0);
      expect((await machine.run('get', '--', key.normalize('NFC'))).out.toString(), key).toBe(key);
    }
    for (const key of ['x'.repeat(2000), '']) {
      expect(await machine.start(['put', key, '--json'], 'x').done, key).toMatchObject({
        code: 2,
        error: 'invalid-key',
      });
    }
    const keys = (await machine.json('ls')).map(({ key }: { key: string }) => key);
    expect(keys).toContain('\u00e9');
  });

  test('what is too large or not there is refused by name', async () => {
    const { machine } = place;
    const large = new Uint8Array(1024 * 1024 + 1);
    expect(await machine.start(['put', 'large', '--json'], large).done).toMatchObject({
      code: 2,
      error: 'value-too-large',
    });
    spawnSync('truncate', ['-s', '200M', machine.path('large')]);
    expect(await machine.run('put', 'large', 'large', '--json')).toMatchObject({ code: 2, error: 'value-too-large' });
    expect(await machine.run('get', 'large', '--json')).toMatchObject({ code: 11, error: 'no-such-record' });
    expect(await machine.run('rm', 'large', '--json')).toMatchObject({ code: 11, error: 'no-such-record' });
    expect(await machine.run('put', 'x', 'no-such-file', '--json')).toMatchObject({ code: 2, error: 'usage' });
  });

  test('without its session it is locked, and status asks for nothing', async () => {
    const { machine } = place;
    const shell = new Machine(command, machine.directory, { PASSPORT_DEVICE_PASSPHRASE: '' });
    expect(await shell.json('status')).toMatchObject({ open: false, session: { open: false }, keystore: 'file' });
    expect(await shell.run('ls', '--json')).toMatchObject({ code: 2, error: 'usage' });
    shell.env['PASSPORT_DEVICE_PASSPHRASE'] = 'of this device';
    expect(await shell.run('get', 'x', '--json')).toMatchObject({ code: 4, error: 'locked' });
    expect(await shell.run('unlock', '--json')).toMatchObject({ code: 5, error: 'not-enough-holders' });
  });

  test('wrong passphrases and kits are told apart from everything else', async () => {
    const { machine, kit } = place;
    const shell = (env: Record<string, string>) => new Machine(command, machine.directory, env);
    const unlock = ['unlock', '--kit', kit, '--json'];
    const vault = shell({ PASSPORT_PASSPHRASE: 'wrong' });
    expect(await vault.run(...unlock)).toMatchObject({ code: 6, error: 'wrong-passphrase' });
    const device = shell({ PASSPORT_DEVICE_PASSPHRASE: 'wrong' });
    expect(await device.run(...unlock)).toMatchObject({ code: 6, error: 'wrong-device-passphrase' });
    const words = readFileSync(kit, 'utf8').replace(/ 1\. \w+/, ' 1. zoo');
    writeFileSync(machine.path('bad-kit'), words, { mode: 0o600 });
    expect(await machine.run('kit', 'check', '--kit', 'bad-kit', '--json')).toMatchObject({
      code: 6,
      error: 'kit-invalid',
    });
    expect(await machine.json('kit', 'check', '--kit', kit)).toMatchObject([{ name: 'kit-1', ok: true }]);
  });

  test('a passphrase may come from a file', async () => {
    const { machine, kit } = place;
    writeFileSync(machine.path('passphrase'), 'of the passport\n', { mode: 0o600 });
    const shell = new Machine(command, machine.directory, { PASSPORT_PASSPHRASE: '' });
    const done = await shell.run('unlock', '--kit', kit, '--passphrase-file', 'passphrase', '--for', '1m');
    expect([done.code, done.err.includes('1 minute')]).toEqual([0, true]);
    machine.enter(await machine.json('unlock', '--kit', kit));
  });

  test('--json is one document on stdout and JSON lines on stderr, also when it fails', async () => {
    const { machine } = place;
    for (const args of [
      ['status'],
      ['sync'],
      ['ls'],
      ['devices'],
      ['log'],
      ['requests'],
      ['verify'],
      ['get', 'nothing'],
      ['bogus'],
      [],
    ]) {
      const { out, err } = await machine.run(...args, '--json');
      expect(typeof JSON.parse(out.toString()), args.join(' ')).toBe('object');
      for (const line of err.split('\n').filter(Boolean)) expect(JSON.parse(line)).toHaveProperty('event');
    }
  });

  test('a reader that has seen enough is no error', async () => {
    const { machine } = place;
    const child = machine.spawn(['ls']);
    child.stdout?.destroy();
    expect(await new Promise((done) => child.on('exit', done))).toBe(0);
  });

  test('Ctrl-C ends what waits, and the state is good', async () => {
    const { machine } = place;
    const watch = machine.start(['sync', '--watch', '--json']);
    await watch.event('synced');
    watch.interrupt();
    expect(await watch.done).toMatchObject({ code: 130, error: 'aborted' });
    const invite = machine.start(['invite', '--json']);
    await invite.event('link');
    invite.interrupt();
    expect(await invite.done).toMatchObject({ code: 130, error: 'aborted' });
    expect((await machine.run('verify')).code).toBe(0);
  });

  test('a store that is gone is told, and nothing is lost', async () => {
    const { machine, store } = await laptop();
    const folder = store.slice('folder:'.length);
    spawnSync('mv', [folder, `${folder}.away`]);
    expect((await machine.start(['put', 'a'], 'x').done).code).toBe(0);
    const gone = await machine.run('sync', '--json');
    expect([gone.code, gone.json.stores[0]?.state]).toEqual([10, 'unreachable']);
    spawnSync('mv', [`${folder}.away`, folder]);
    expect((await machine.run('sync')).code).toBe(0);
    expect((await machine.json('status')).pending).toBe(0);
  });

  test('a whole folder goes in and comes out', async () => {
    const { machine } = place;
    mkdirSync(machine.path('in/deep'), { recursive: true });
    writeFileSync(machine.path('in/deep/a'), 'A');
    writeFileSync(machine.path('in/b'), new Uint8Array([0, 1]));
    symlinkSync('/etc', machine.path('in/link'));
    spawnSync('truncate', ['-s', '2M', machine.path('in/large')]);
    const imported = await machine.json('import', 'in', 'box');
    expect(imported.records).toBe(2);
    expect(imported.skipped.map(({ code }: { code: string }) => code).toSorted()).toEqual([
      'not-a-file',
      'value-too-large',
    ]);
    const again = await machine.json('import', 'in', 'box', '--sync');
    expect(again).toMatchObject({ records: 2, sync: { stores: [{ state: 'ok', behind: 0 }] } });
    expect((await machine.json('status')).pending).toBe(0);
    const exported = await machine.json('export', 'box', 'out-box');
    expect(exported).toMatchObject({ records: 2, renamed: [], skipped: [] });
    expect(readFileSync(machine.path('out-box/box/deep/a'), 'utf8')).toBe('A');
    expect(readFileSync(machine.path('out-box/box/b'))).toEqual(Buffer.from([0, 1]));
    expect(await machine.json('export', 'box', 'out-box')).toMatchObject({ records: 0, skipped: [{}, {}] });
  });
});

describe('two devices', () => {
  test('pair, approve each other, and settle a conflict', async () => {
    const place = await laptop();
    const { machine } = place;
    await machine.start(['put', 'shared'], 'before').done;
    const { phone, joined, invited } = await phoneOf(place);
    expect([joined.code, invited.code]).toEqual([0, 0]);
    expect(invited.json).toMatchObject({ name: 'phone', state: 'decided' });

    // The kit that was replaced is worth nothing; the other one still works.
    const old = await machine.run('kit', 'check', '--kit', machine.path('kits/kit-2.txt'), '--json');
    expect(old).toMatchObject({ code: 6, error: 'kit-unknown' });

    const unlock = phone.start(['unlock', '--json']);
    const { number, id } = await unlock.event('number');
    const wrong = await machine.run('approve', id, '--number', String((number + 1) % 100), '--yes', '--json');
    expect(wrong).toMatchObject({ code: 3, error: 'number-mismatch' });
    expect(await unlock.done).toMatchObject({ code: 3, error: 'refused' });
    const again = phone.start(['unlock', '--json']);
    const right = await again.event('number');
    expect((await machine.run('approve', right.id, '--number', String(right.number), '--yes')).code).toBe(0);
    phone.enter((await again.done).json);
    expect((await phone.run('get', 'shared')).out.toString()).toBe('before');

    await machine.start(['put', 'shared'], 'laptop').done;
    await phone.start(['put', 'shared'], 'phone').done;
    for (const each of [machine, phone, machine]) expect((await each.run('sync')).code).toBe(0);
    const [conflict] = await machine.json('conflicts');
    const taken = conflict?.versions.find(({ device }: { device: string }) => device === 'phone').version;
    expect((await machine.run('resolve', conflict.id.slice(0, 8), '--take', taken.slice(0, 16))).code).toBe(0);
    await machine.run('sync');
    await phone.run('sync');
    expect((await phone.run('get', 'shared')).out.toString()).toBe('phone');
    expect(await phone.json('conflicts')).toEqual([]);
  });

  test('wrong words void the invitation on both sides', async () => {
    const { root, machine } = await laptop();
    const phone = new Machine(command, join(root, 'phone'));
    const { link, id } = await machine.json('invite', '--no-wait');
    const joining = phone.start(['join', link, '--name', 'phone', '--keystore', 'plain', '--yes', '--json']);
    // Its answer is answered when the laptop looks: then both have the words.
    while ((await machine.json('requests')).length === 0);
    await joining.event('words');
    const words = await machine.run('approve', id, '--words', 'zoo zoo zoo', '--json');
    expect(words).toMatchObject({ code: 3, error: 'words-mismatch' });
    expect((await joining.done).code).toBe(3);
    expect(await machine.json('devices')).toHaveLength(3);
  });
});
