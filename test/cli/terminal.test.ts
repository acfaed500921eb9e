/** The built command at a real terminal, which `script` of util-linux makes. */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { buildCommand, Machine } from '../helpers/machine.ts';

const hasScript = process.platform === 'linux' && spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;

describe.skipIf(!hasScript)('at a terminal', () => {
  const { file: command, directory, remove } = buildCommand();
  afterAll(remove);

  /** Runs the command; each answer is typed when its question stands at the end of the screen. */
  async function talk(machine: Machine, args: readonly string[], answers: readonly (readonly [RegExp, string])[]) {
    const line = [process.execPath, command, ...args].map((part) => `'${part}'`).join(' ');
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      cwd: machine.directory,
      env: { PATH: process.env['PATH'], HOME: machine.directory, TERM: 'xterm', ...machine.env },
    });
    let seen = '';
    let asked = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
      const [question, answer] = answers[0] ?? [];
      if (question === undefined || answer === undefined || !question.test(stripVTControlCharacters(seen.slice(asked))))
        return;
      asked = seen.length;
      answers = answers.slice(1);
      child.stdin.write(answer);
    });
    const code = await new Promise<number | null>((done) => child.on('close', done));
    return { code, seen };
  }

  test('secrets are not echoed, a new one is asked for twice, and Ctrl-C ends it with nothing made', async () => {
    const machine = new Machine(command, directory(), { PASSPORT_PASSPHRASE: '', PASSPORT_DEVICE_PASSPHRASE: '' });
    const { code, seen } = await talk(
      machine,
      ['init', '--name', 'laptop', '--store', 'folder:store'],
      [
        [/Choose the passphrase of the passport: $/, 'tip of the tongue\r'],
        [/The same again: $/, 'tip of the tongoe\r'],
        [/not the same\.[^]*Choose the passphrase of the passport: $/, 'tip of the tongue\r'],
        [/The same again: $/, 'tip of the tongue\r'],
        [/Enter shows it\. $/, '\x03'],
      ],
    );
    expect(code).toBe(130);
    expect(seen).not.toContain('tong');
    expect((await machine.run('status')).code).toBe(12);
  });

  test('a kit is shown on a screen of its own and confirmed from paper', async () => {
    const machine = new Machine(command, directory());
    const { code, seen } = await talk(
      machine,
      ['init', '--name', 'laptop', '--store', 'folder:store', '--keystore', 'plain'],
      [
        [/Enter shows it\. $/, '\r'],
        [/Written down\?[^]*QR code of it\. $/, '\r'],
        [/word number \d+ is $/, 'abandon ability\r'],
        [/That is another word[^]*shows the kit again\. $/, '\x03'],
      ],
    );
    expect(code).toBe(130);
    // The alternate screen: what stood on it is gone with it.
    expect(seen.indexOf('\x1b[?1049h')).toBeLessThan(seen.indexOf('RECOVERY KIT 1'));
    expect(seen.lastIndexOf('\x1b[?1049l')).toBeGreaterThan(seen.lastIndexOf(' 1. '));
  });

  test('a typed value is not echoed, and text is shown but nothing that could confuse the terminal', async () => {
    const machine = new Machine(command, directory());
    const kits = join(machine.directory, 'kits');
    const init = ['init', '--name', 'laptop', '--store', 'folder:store', '--keystore', 'plain', '--kit-out', kits];
    machine.enter(await machine.json(...init));
    const put = await talk(machine, ['put', 'pin'], [[/Enter ends it\): $/, '4711\r']]);
    expect([put.code, put.seen.includes('4711')]).toEqual([0, false]);
    expect((await talk(machine, ['get', 'pin'], [])).seen).toContain('4711');
    await machine.start(['put', 'evil'], '\x1b]0;title\x07').done;
    const get = await talk(machine, ['get', 'evil'], []);
    expect([get.code, get.seen.includes('\x1b]0')]).toEqual([2, false]);
  });
});
