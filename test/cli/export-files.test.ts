import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createExporter, fileName } from '../../src/cli/export-files.ts';
import { utf8 } from '../../src/bytes.ts';
import { temporaryDirectory } from '../helpers/temp.ts';

/** Exports the keys, each with itself as value, into `out` of a fresh directory; tells what is there afterwards. */
async function exported(keys: readonly string[], { force = false, prepare = (_out: string) => {} } = {}) {
  const root = temporaryDirectory();
  const out = join(root, 'out');
  prepare(out);
  const exporter = await createExporter(out, force);
  for (const key of keys) await exporter.write(key, utf8(key));
  return { root, out, exporter };
}

describe('export', () => {
  test('writes files that only their owner can read', async () => {
    const { out, exporter } = await exported(['ssh/id', 'a/b/c']);
    expect(readFileSync(join(out, 'ssh/id'), 'utf8')).toBe('ssh/id');
    expect(statSync(join(out, 'a/b/c')).mode & 0o777).toBe(0o600);
    expect(statSync(join(out, 'a/b')).mode & 0o777).toBe(0o700);
    expect(exporter).toMatchObject({ written: 2, renamed: [], skipped: [] });
    expect(readdirSync(join(out, 'ssh'))).toEqual(['id']);
  });

  test('never writes outside its directory', async () => {
    const keys = ['../evil', 'b/..', '/etc/evil', 'a/../../evil', './evil', '..\\evil', 'a//b'];
    const { root, out, exporter } = await exported(keys);
    expect(readdirSync(root)).toEqual(['out']);
    expect(existsSync('/etc/evil')).toBe(false);
    expect(exporter.written).toBe(keys.length);
    expect(exporter.renamed.map(({ file }) => file)).toEqual([
      '%2E%2E/evil',
      'b/%2E%2E',
      '%/etc/evil',
      'a/%2E%2E/%2E%2E/evil',
      '%2E/evil',
      '..%5Cevil',
      'a/%/b',
    ]);
    for (const { key, file } of exporter.renamed) expect(readFileSync(join(out, file), 'utf8')).toBe(key);
  });

  test('goes through no link, neither to a directory nor to a file', async () => {
    const outside = temporaryDirectory();
    writeFileSync(join(outside, 'target'), 'old');
    const prepare = (out: string) => {
      mkdirSync(out);
      symlinkSync(outside, join(out, 'dir'));
      symlinkSync(join(outside, 'target'), join(out, 'file'));
    };
    const { exporter, out } = await exported(['dir/evil', 'file'], { force: true, prepare });
    expect(readdirSync(outside)).toEqual(['target']);
    expect(readFileSync(join(outside, 'target'), 'utf8')).toBe('old');
    expect(exporter.skipped.map(({ key }) => key)).toEqual(['dir/evil']);
    expect(readFileSync(join(out, 'file'), 'utf8')).toBe('file');
  });

  test('leaves what is there, unless it is told otherwise', async () => {
    const prepare = (out: string) => {
      mkdirSync(out);
      writeFileSync(join(out, 'a'), 'mine');
    };
    const kept = await exported(['a', 'b'], { prepare });
    expect(readFileSync(join(kept.out, 'a'), 'utf8')).toBe('mine');
    expect(kept.exporter).toMatchObject({ written: 1, skipped: [{ key: 'a' }] });
    const replaced = await exported(['a', 'b'], { prepare, force: true });
    expect(readFileSync(join(replaced.out, 'a'), 'utf8')).toBe('a');
    expect(readdirSync(replaced.out)).toEqual(['a', 'b']);
  });

  test('names the record whose place is taken by a directory or another record', async () => {
    const { exporter } = await exported(['a', 'a/b', 'c/d', 'c', 'x'.repeat(300)]);
    expect(exporter.written).toBe(2);
    expect(exporter.skipped.map(({ key }) => key.slice(0, 3))).toEqual(['a/b', 'c', 'xxx']);
  });
});

describe('a part of a key as a file name', () => {
  test('stays as it is where every system takes it', () => {
    for (const name of ['id_ed25519', '.ssh', 'notes.txt', 'Zürich', '日本', '🔑', '50%', '...a']) {
      expect(fileName(name)).toBe(name);
    }
  });

  test('is escaped where one does not', () => {
    expect(['.', '..', 'a\u0000b', 'a\\b', 'c:', 'x.', 'x ', '...'].map(fileName)).toEqual([
      '%2E',
      '%2E%2E',
      'a%00b',
      'a%5Cb',
      'c%3A',
      'x%2E',
      'x%20',
      '..%2E',
    ]);
    expect(['CON', 'nul.txt', 'Com1', 'console'].map(fileName)).toEqual(['%43ON', '%6Eul.txt', '%43om1', 'console']);
  });

  test('is never that of another part', () => {
    const parts = ['', '%', '%25', '.', '%2E', '..', '%2E%2E', 'CON', '%43ON', 'a\\b', 'a%5Cb', 'a%5cb'];
    expect(new Set(parts.map(fileName)).size).toBe(parts.length);
  });
});
