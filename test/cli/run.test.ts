import { describe, expect, test } from 'vitest';
import { Output } from '../../src/cli/output.ts';
import { run } from '../../src/cli/run.ts';
import { PassportError } from '../../src/errors.ts';
import { fakeIo, type FakeIo } from '../helpers/cli.ts';

async function ran(...argv: string[]): Promise<{ code: number; io: FakeIo }> {
  const io = fakeIo();
  return { code: await run(argv, io), io };
}

describe('the command', () => {
  test('without arguments shows help on stderr and is a usage error', async () => {
    const { code, io } = await ran();
    expect([code, io.out]).toEqual([2, []]);
    expect(io.err.join('')).toContain('Usage: passport COMMAND');
  });

  test('shows help and version on stdout', async () => {
    for (const argv of [['--help'], ['help'], ['help', 'init'], ['init', '--help'], ['--version']]) {
      const { code, io } = await ran(...argv);
      expect([code, io.err]).toEqual([0, []]);
      expect(io.out.join('')).not.toBe('');
    }
  });

  test('says what is wrong on stderr', async () => {
    const { code, io } = await ran('put');
    expect([code, io.out, io.err.join('')]).toEqual([
      2,
      [],
      'passport: KEY is missing\nUsage: passport put KEY [FILE]\n',
    ]);
  });

  test('says it as JSON on stdout with --json, and nothing else', async () => {
    const { code, io } = await ran('--json', 'put');
    expect([code, io.err]).toEqual([2, []]);
    expect(JSON.parse(io.out.join(''))).toEqual({
      error: { code: 'usage', message: 'KEY is missing', hint: 'Usage: passport put KEY [FILE]' },
    });
  });
});

describe('what goes wrong', () => {
  const failing = async (error: unknown, json = false, env: Record<string, string> = {}) => {
    const io = fakeIo({ env });
    const code = await new Output(io, json).failure(error, () => 'The way out.');
    return { code, out: io.out.join(''), err: io.err.join('') };
  };

  test('is told with the hint of the error, else with that of its code', async () => {
    const error = (hint?: string) => new PassportError('revoked', 'a\u001b[2J', hint === undefined ? {} : { hint });
    expect(await failing(error('Do this.'))).toEqual({ code: 9, out: '', err: 'passport: a\\u{1b}[2J\nDo this.\n' });
    expect((await failing(error())).err).toBe('passport: a\\u{1b}[2J\nThe way out.\n');
  });

  test('and was not foreseen is one line, without a stack', async () => {
    const { code, err } = await failing(new TypeError('bad thing'));
    expect(code).toBe(1);
    expect(err).toContain('passport: something unexpected happened: TypeError: bad thing\n');
    expect(err).not.toContain('.ts:');
    expect((await failing(new TypeError('bad thing'), false, { PASSPORT_DEBUG: '1' })).err).toContain('.ts:');
    expect(JSON.parse((await failing('thrown', true)).out)).toMatchObject({ error: { code: 'unexpected' } });
  });
});

describe('events', () => {
  test('are JSON lines with --json', () => {
    const io = fakeIo();
    const output = new Output(io, true);
    output.event({ event: 'number', id: 'ab', number: 7 });
    output.progress('sync', 1, 2);
    output.note('hello\u202e');
    expect(io.err.map((line) => JSON.parse(line) as unknown)).toEqual([
      { event: 'number', id: 'ab', number: 7 },
      { event: 'progress', what: 'sync', done: 1, total: 2 },
      { event: 'notice', text: 'hello\u202e' },
    ]);
    expect(io.err.join('')).toMatch(/^[\n -~]*$/);
  });

  test('are for people otherwise, and what repeats is said once', () => {
    const io = fakeIo();
    const output = new Output(io, false);
    output.event({ event: 'number', id: 'ab', number: 7 });
    output.event({ event: 'waiting', what: 'for phone\u001b' });
    output.event({ event: 'waiting', what: 'for phone\u001b' });
    expect(io.err).toEqual(['Type 07 on the device that approves (request ab).\n', 'Waiting: for phone\\u{1b}\n']);
  });

  test('have colour on a terminal only, and never with NO_COLOR', async () => {
    const red = async (tty: boolean, env: Record<string, string>) => {
      const io = fakeIo({ tty, env });
      await new Output(io, false).failure(new PassportError('usage', 'x'), () => '');
      return io.err.join('').includes('\u001b[');
    };
    expect([
      await red(true, {}),
      await red(false, {}),
      await red(true, { NO_COLOR: '1' }),
      await red(true, { TERM: 'dumb' }),
    ]).toEqual([true, false, false, false]);
  });
});
