import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { parse } from '../../src/cli/parse.ts';
import { isPassportError } from '../../src/errors.ts';

/** `message | hint` of the usage error that a line ends with. */
function refusal(...argv: string[]): string {
  try {
    parse(argv);
  } catch (error) {
    if (isPassportError(error, 'usage')) return [error.message, error.hint].filter(Boolean).join(' | ');
    throw error;
  }
  return 'no error';
}

describe('a command line', () => {
  test('has its options anywhere', () => {
    for (const argv of [
      ['--home', '/h', 'ls', 'ssh', '--json'],
      ['ls', '--json', '--home=/h', 'ssh'],
    ]) {
      const line = parse(argv);
      expect(line.command?.name).toBe('ls');
      expect(line.args).toEqual(['ssh']);
      expect(line.options.text('home')).toBe('/h');
      expect(line.options.flag('json')).toBe(true);
    }
  });

  test('may name a command of two words', () => {
    expect(parse(['kit', 'check']).command?.name).toBe('kit check');
    expect(refusal('kit')).toBe('"kit" needs a second word | Try: passport kit check');
  });

  test('takes what begins with a dash after --', () => {
    expect(parse(['get', '--', '--odd-key']).args).toEqual(['--odd-key']);
    expect(parse(['put', 'key', '-']).args).toEqual(['key', '-']);
  });

  test('repeats what may be repeated', () => {
    const { options } = parse(['recover', '--store', 'a', '--store', 'b', '--name', 'n', '--kit', '1', '--kit', '2']);
    expect(options.all('store')).toEqual(['a', 'b']);
    expect(options.all('kit')).toEqual(['1', '2']);
  });

  test('is refused with the way out', () => {
    expect(refusal('stauts')).toBe('there is no command "stauts" | Did you mean "status"?');
    expect(refusal('frobnicate')).toBe('there is no command "frobnicate" | See: passport help');
    expect(refusal('ls', '--threshold', '3')).toBe('"ls" has no option --threshold | See: passport help ls');
    expect(refusal('ls', '--jsn')).toBe('unknown option --jsn | Did you mean --json?');
    expect(refusal('get')).toBe('KEY is missing | Usage: passport get KEY');
    expect(refusal('init', '--name', 'laptop')).toBe(
      '--store is missing | Usage: passport init --name NAME --store URL',
    );
  });

  test('that has too much does not repeat it: it may be a secret in the wrong place', () => {
    expect(refusal('lock', 'hunter2')).not.toContain('hunter2');
    expect(refusal('lock', '--passphrase=hunter2')).not.toContain('hunter2');
  });

  test('without a command asks for help', () => {
    expect(parse([]).command).toBeUndefined();
    expect(parse(['help', 'kit', 'check']).help).toEqual(['kit', 'check']);
    expect(parse(['init', '--help']).command?.name).toBe('init');
  });
});

describe('the values of options', () => {
  const { options } = parse(['unlock', '--for', '90m', '--wait', '0']);

  test('are times with a unit', () => {
    expect(options.time('for')).toBe(90 * 60_000);
    expect(options.time('wait')).toBe(0);
    expect(options.time('threshold')).toBeUndefined();
    for (const text of ['8', 'h', '-1h', '1.5h', '1e3h', '']) {
      const line = parse(['unlock', `--for=${text}`]);
      expect(() => line.options.time('for'), text).toThrow(/wants a time/);
    }
  });

  test('are whole numbers', () => {
    expect(parse(['reshare', '--threshold', '3']).options.number('threshold')).toBe(3);
    for (const text of ['x', '2.5', '-2', '']) {
      const line = parse(['reshare', `--threshold=${text}`]);
      expect(() => line.options.number('threshold'), text).toThrow(/wants a whole number/);
    }
  });

  test('stand once where one is meant', () => {
    const line = parse(['invite', '--replace', 'a', '--replace', 'b']);
    expect(() => line.options.text('replace')).toThrow(/may be given once/);
  });
});

test('every command has its code', async () => {
  const { RUN } = await import('../../src/cli/commands/all.ts');
  expect(Object.keys(RUN).sort()).toEqual(COMMANDS.map(({ name }) => name).sort());
});
