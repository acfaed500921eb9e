/** The one table from errors to exit codes, and that the documentation says the same. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXIT, EXIT_MEANINGS, type ExitName, errorsOf, exitOf } from '../../src/cli/exit-codes.ts';
import { ERROR_CODES } from '../../src/errors.ts';

const names = Object.keys(EXIT) as ExitName[];

describe('exit codes', () => {
  test('no two meanings share one', () => {
    expect(new Set(Object.values(EXIT)).size).toBe(names.length);
  });

  test('every error has one, and it is never success', () => {
    for (const code of ERROR_CODES) expect([code, exitOf(code)]).not.toEqual([code, EXIT.ok]);
    expect(names.flatMap(errorsOf).toSorted()).toEqual([...ERROR_CODES].toSorted());
  });

  test('docs/command.md has this table', () => {
    const section = readFileSync('docs/command.md', 'utf8').split('## Exit codes')[1]?.split('\n## ')[0] ?? '';
    const rows = section.split('\n').filter((line) => /^\| \d/.test(line));
    expect(rows).toEqual(
      names.map((name) => {
        const errors = errorsOf(name).map((code) => `\`${code}\``);
        return `| ${EXIT[name]} | ${EXIT_MEANINGS[name]} | ${errors.join(', ')} |`;
      }),
    );
  });
});
