/** Help and documentation tell of everything that there is. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { commandHelp, helpFor, overview } from '../../src/cli/help.ts';
import { hintFor } from '../../src/cli/hints.ts';
import { GLOBAL_OPTIONS, OPTIONS, type OptionName } from '../../src/cli/options.ts';
import { VERSION } from '../../src/cli/version.ts';
import { ERROR_CODES } from '../../src/errors.ts';

describe('help', () => {
  test('names every command', () => {
    for (const { name, summary } of COMMANDS) expect(overview()).toContain(`  ${name.padEnd(28)}  ${summary}`);
  });

  test('of a command names its options', () => {
    for (const command of COMMANDS) {
      for (const option of [...(command.needs ?? []), ...(command.options ?? [])]) {
        expect(commandHelp(command), command.name).toContain(`--${option}`);
      }
    }
  });

  test('fits a line of 100 characters', () => {
    const texts = [overview(), ...COMMANDS.filter(({ examples }) => examples === undefined).map(commandHelp)];
    for (const line of texts.join('\n').split('\n')) expect(line.length, line).toBeLessThanOrEqual(110);
  });

  test('is found by the first word of a command too', () => {
    expect(helpFor(['kit'])).toBe(helpFor(['kit', 'check']));
    expect(() => helpFor(['nothing'])).toThrow(/no such command/);
  });
});

test('every option belongs to a command', () => {
  const used = new Set<OptionName>([
    ...(Object.keys(GLOBAL_OPTIONS) as OptionName[]),
    ...COMMANDS.flatMap(({ needs = [], options = [] }) => [...needs, ...options]),
  ]);
  expect([...used].toSorted()).toEqual(Object.keys(OPTIONS).toSorted());
});

test('docs/command.md has a heading for every command with its options', () => {
  const headings = readFileSync('docs/command.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('### '));
  for (const { name, needs = [], options = [] } of COMMANDS) {
    const forms = headings.flatMap((line) => [...line.matchAll(/`([^`]*)`/g)].map((match) => match[1] as string));
    const heading = forms.find((form) => form === name || form.startsWith(`${name} `));
    expect(heading, name).toBeDefined();
    for (const option of [...needs, ...options]) {
      const short: string | undefined = (OPTIONS[option] as { short?: string }).short;
      expect(heading, name).toContain(short === undefined ? `--${option}` : `-${short}`);
    }
  }
});

test('every error has a way out', () => {
  expect(ERROR_CODES.filter((code) => hintFor(code) === '')).toEqual([]);
});

test('the version is that of the package', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
});
