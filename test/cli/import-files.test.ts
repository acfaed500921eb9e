import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fromUtf8 } from '../../src/bytes.ts';
import { scan, type Skipped, valuesOf } from '../../src/cli/import-files.ts';
import { temporaryDirectory } from '../helpers/temp.ts';

/** Records and what was skipped, after `prepare` has filled a directory. */
function imported(prepare: (directory: string) => void, prefix = '') {
  const directory = temporaryDirectory();
  prepare(directory);
  const found = scan(directory, prefix);
  const skipped: Skipped[] = [...found.skipped];
  const records = [...valuesOf(found.files, skipped)];
  return { records, skipped: skipped.map(({ file, code }) => [file.slice(directory.length + 1), code]) };
}

describe('import', () => {
  test('makes keys of paths, sorted, below the prefix', () => {
    const { records, skipped } = imported((directory) => {
      mkdirSync(join(directory, 'b/c'), { recursive: true });
      writeFileSync(join(directory, 'b/c/d'), 'two');
      writeFileSync(join(directory, 'a'), 'one');
      writeFileSync(join(directory, '.hidden'), '');
    }, 'home');
    expect(records.map(({ key, value }) => [key, fromUtf8(value)])).toEqual([
      ['home/.hidden', ''],
      ['home/a', 'one'],
      ['home/b/c/d', 'two'],
    ]);
    expect(skipped).toEqual([]);
  });

  test('takes 1 MiB and names what is larger', () => {
    const { records, skipped } = imported((directory) => {
      writeFileSync(join(directory, 'fits'), new Uint8Array(1024 * 1024));
      writeFileSync(join(directory, 'large'), '');
      truncateSync(join(directory, 'large'), 200 * 1024 * 1024);
    });
    expect(records.map(({ key, value }) => [key, value.length])).toEqual([['fits', 1024 * 1024]]);
    expect(skipped).toEqual([['large', 'value-too-large']]);
  });

  test('follows no link and waits for no pipe', () => {
    const { records, skipped } = imported((directory) => {
      writeFileSync(join(directory, 'file'), 'x');
      symlinkSync(join(directory, 'file'), join(directory, 'link'));
      symlinkSync('/', join(directory, 'root'));
      execFileSync('mkfifo', [join(directory, 'pipe')]);
    });
    expect(records.map(({ key }) => key)).toEqual(['file']);
    expect(skipped).toHaveLength(3);
    expect(Object.fromEntries(skipped)).toEqual({
      link: 'not-a-file',
      pipe: 'not-a-file',
      root: 'not-a-file',
    });
  });

  test('brings names into form NFC, and names two that then are one', () => {
    const { records, skipped } = imported((directory) => {
      writeFileSync(join(directory, 'e\u0301'), 'x');
      writeFileSync(join(directory, '\u00e9'), 'x');
    });
    expect(records.map(({ key }) => key)).toEqual(['\u00e9']);
    expect(skipped.map(([, code]) => code)).toEqual(['invalid-key']);
  });

  test('names files whose name makes no key', () => {
    const { records, skipped } = imported((directory) => {
      writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0x66, 0xff])]), 'x');
      writeFileSync(join(directory, 'a\nb'), 'x');
      writeFileSync(join(directory, 'good'), 'x');
    });
    expect(records.map(({ key }) => key)).toEqual(['good']);
    expect(skipped.map(([, code]) => code)).toEqual(['invalid-key', 'invalid-key']);
  });

  test('goes on when a file is gone before it is read', () => {
    const skipped: Skipped[] = [];
    expect([...valuesOf([{ file: '/nowhere/at/all', key: 'a' }], skipped)]).toEqual([]);
    expect(skipped.map(({ code }) => code)).toEqual(['not-readable']);
  });

  test('of a directory that is not there throws', () => {
    expect(() => scan('/nowhere/at/all', '')).toThrow(/ENOENT/);
  });
});
