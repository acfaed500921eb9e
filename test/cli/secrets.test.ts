import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CommandPerson } from '../../src/cli/person.ts';
import { contextOf, fakeIo, fakePerson } from '../helpers/cli.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { temporaryDirectory } from '../helpers/temp.ts';

function secretFile(content: string | Uint8Array, mode = 0o600): string {
  const file = join(temporaryDirectory(), 'secret');
  writeFileSync(file, content, { mode });
  return file;
}

const fromFile = (file: string, io = fakeIo()) =>
  new CommandPerson(contextOf(['status', '--passphrase-file', file], io)).passphrase('current');

describe('a passphrase', () => {
  test('comes from a file without its last line end, and nothing else is dropped', async () => {
    expect(await fromFile(secretFile(' two words \n'))).toBe(' two words ');
    expect(await fromFile(secretFile('a\n\n'))).toBe('a\n');
    expect(await fromFile(secretFile('a\r\n'))).toBe('a');
    expect(await fromFile(secretFile('\ufeffa'))).toBe('\ufeffa');
  });

  test('comes from the option before the environment, and from the environment before the terminal', async () => {
    const env = { PASSPORT_PASSPHRASE: 'of the environment' };
    const person = fakePerson(['typed']);
    expect(await fromFile(secretFile('of the file'), fakeIo({ env, person }))).toBe('of the file');
    const status = (io = fakeIo()) => new CommandPerson(contextOf(['status'], io)).passphrase('current');
    expect(await status(fakeIo({ env, person }))).toBe('of the environment');
    expect(await status(fakeIo({ env: { PASSPORT_PASSPHRASE: '' }, person }))).toBe('typed');
  });

  test('of the device is another one', async () => {
    const env = { PASSPORT_PASSPHRASE: 'vault', PASSPORT_DEVICE_PASSPHRASE: 'device' };
    const person = new CommandPerson(contextOf(['status'], fakeIo({ env })));
    expect(await person.devicePassphrase('current')).toBe('device');
  });

  test('is asked for without echo, a new one until it was typed twice alike', async () => {
    const terminal = fakePerson(['one', 'two', 'three', 'three']);
    const person = new CommandPerson(contextOf(['status'], fakeIo({ person: terminal })));
    expect(await person.passphrase('new')).toBe('three');
    expect(terminal.asked).toHaveLength(4);
    for (const question of terminal.asked) expect(question).toMatch(/^\*/);
  });

  test('that cannot be had is a usage error with the option to give', async () => {
    const person = new CommandPerson(contextOf(['status'], fakeIo()));
    await expect(person.passphrase('current')).rejects.toMatchObject({
      code: 'usage',
      hint: 'Give it with --passphrase-file FILE or in PASSPORT_PASSPHRASE.',
    });
    expect(await rejectionOf(fromFile('/nowhere/at/all'))).toBe('usage');
    expect(await rejectionOf(fromFile('/'))).toBe('usage');
    expect(await rejectionOf(fromFile(secretFile(new Uint8Array([0xff]))))).toBe('usage');
    expect(await rejectionOf(fromFile(secretFile('x'.repeat(100_000))))).toBe('usage');
  });

  test('in a file that others can read is used with a warning', async () => {
    const io = fakeIo();
    expect(await fromFile(secretFile('x', 0o640), io)).toBe('x');
    expect(io.err.join('')).toContain('other users of this machine can read');
  });
});

describe('a decision', () => {
  const card = { title: 'Revoke tablet', lines: ['it leaves\u001b[2J'], warnings: ['kit 1 is used'] };

  test('is shown once, safely, with its warnings, and wants a yes', async () => {
    const io = fakeIo({ person: fakePerson(['maybe', 'YES', 'no']) });
    const person = new CommandPerson(contextOf(['approve'], io));
    expect(await person.confirm(card)).toBe(true);
    expect(await person.confirm(card)).toBe(false);
    expect(io.err.join('')).toBe('Revoke tablet\n  it leaves\\u{1b}[2J\nWarning: kit 1 is used\n');
  });

  test('is taken by --yes after it was shown, and by nobody without a terminal', async () => {
    const io = fakeIo();
    expect(await new CommandPerson(contextOf(['approve', '--yes'], io)).confirm(card)).toBe(true);
    expect(io.err.join('')).toContain('kit 1 is used');
    expect(await rejectionOf(new CommandPerson(contextOf(['approve'], io)).confirm(card))).toBe('usage');
  });
});
