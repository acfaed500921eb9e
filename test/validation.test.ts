/**
 * docs/validation.md names every check of data from outside. In the code each carries its number (`// V12`). Here: no number is
 * missing on either side, each stands where the document says, and the tests that it names exist.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { ERROR_CODES } from '../src/index.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Check {
  readonly number: number;
  readonly file: string;
  readonly symbol: string;
}

const DECLARATION =
  /^(?:export )?(?:default )?(?:async )?(?:function\*? (\w+)|class (\w+)|const (\w+) =)|^ {2}(?:static |async |override )*(#?\w+)\(.*\{$/;

/** The checks that one file marks, each with the declaration that holds it. */
function marked(file: string): Check[] {
  const checks: Check[] = [];
  let symbol = '';
  for (const line of read(file).split('\n')) {
    const declared = DECLARATION.exec(line);
    symbol = declared?.slice(1).find((name) => name !== undefined) ?? symbol;
    const numbers = /\/\/ ((?:V\d+(?:, )?)+)/.exec(line)?.[1]?.split(', ') ?? [];
    for (const number of numbers) checks.push({ number: Number(number.replace(':', '').slice(1)), file, symbol });
  }
  return checks;
}

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `src/${file}`);
const inCode = sources.flatMap(marked).sort((a, b) => a.number - b.number);

const rows = read('docs/validation.md')
  .split('\n')
  .filter((line) => /^\| \d+ +\|/.test(line))
  .map((line) => {
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
    const [, number, , otherwise, where, test] = cells as [string, string, string, string, string, string];
    const [, symbol, file] = /^`(.+)` in \[.*\]\(\.\.\/(.*)\)$/.exec(where) as unknown as [string, string, string];
    const [, testFile, title] = /^\[.*\]\(\.\.\/(.*)\): “(.*)”$/.exec(test) as unknown as [string, string, string];
    return { number: Number(number), otherwise, file, symbol, testFile, title };
  });

describe('docs/validation.md', () => {
  it('has the numbers 1, 2, … without a hole', () => {
    expect(rows.map(({ number }) => number)).toEqual(rows.map((_, i) => i + 1));
  });

  it('has every number that the code has, in the file and the declaration that it names, and no other', () => {
    expect(inCode).toEqual(rows.map(({ number, file, symbol }) => ({ number, file, symbol })));
  });

  it('names error codes that exist', () => {
    const named = rows.flatMap(({ otherwise }) => [...otherwise.matchAll(/`([a-z-]+)`/g)].map(([, code]) => code));
    const states = ['rolled-back', 'forked']; // of a store
    expect(named.filter((code) => ![...ERROR_CODES, ...states].includes(code as never))).toEqual([]);
    expect(rows.filter(({ otherwise }) => otherwise === '')).toEqual([]);
  });

  it('names tests that exist', () => {
    expect(rows.filter(({ testFile, title }) => !read(testFile).includes(title))).toEqual([]);
  });
});
