/** What a person sees of a forked store: two copies of one home wrote, and each folder saw another one. The built command. */
import { cpSync, renameSync, rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { buildCommand, Machine } from '../helpers/machine.ts';

const { file: command, directory, remove } = buildCommand();
afterAll(remove);

test('it is named with what it shows, what that means and what to do, by check, verify, sync and status', async () => {
  const laptop = new Machine(command, directory());
  const [one, two] = [`folder:${laptop.path('one')}`, `folder:${laptop.path('two')}`];
  const where = ['--store', one, '--store', two];
  laptop.enter(await laptop.json('init', '--name', 'laptop', '--kit-out', 'kits', '--keystore', 'plain', ...where));
  const write = async (value: string) => {
    expect(await laptop.start(['put', 'note', '-'], value).done).toMatchObject({ code: 0 });
    expect(await laptop.run('sync')).toMatchObject({ code: 0 });
  };
  await write('first');
  // Everything on this machine as it was: then both of its futures happen, and the second folder is the one of the other.
  const earlier = directory();
  cpSync(laptop.directory, earlier, { recursive: true });
  await write('by the copy');
  const other = directory();
  cpSync(laptop.path('two'), other, { recursive: true });
  rmSync(laptop.directory, { recursive: true });
  renameSync(earlier, laptop.directory);
  await write('by this one');
  rmSync(laptop.path('two'), { recursive: true });
  cpSync(other, laptop.path('two'), { recursive: true });

  const shows = /another commit \d+ of "laptop": hot\/c-/;
  const meaning = 'Both histories are signed: a holder decided twice, or two machines write as one device.';
  const check = await laptop.run('store', 'check');
  expect(check.code).toBe(8);
  expect(check.out.toString()).toMatch(shows);
  expect(check.err).toContain(`${one}: `);
  expect(check.err).toContain('forked: it shows another history than this device has.');
  expect(check.err).toContain(meaning);
  const verify = await laptop.run('verify', '--json');
  expect(verify).toMatchObject({ code: 8, json: { ok: false, contradicts: [expect.stringMatching(shows)] } });

  const sync = await laptop.run('sync', '--json');
  expect(sync).toMatchObject({
    code: 0,
    json: {
      stores: [
        { url: one, state: 'ok' },
        { url: two, state: 'forked' },
      ],
    },
  });
  expect((await laptop.json('status')).stores).toMatchObject([{ state: 'ok' }, { state: 'forked' }]);
  const status = (await laptop.run('status')).out.toString();
  expect(status).toContain(`${two}: forked`);
  expect(status).toContain(`it shows another history than this device has: passport store check ${two}`);
  expect((await laptop.run('devices')).out.toString()).toContain('cloned');
  expect((await laptop.run('get', 'note')).out.toString()).toMatch(/^by (the copy|this one)$/);

  const next = await laptop.run('sync');
  expect(next).toMatchObject({ code: 0 });
  expect(next.err).not.toContain('forked');
  expect((await laptop.json('status')).stores).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);
});
