import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compiledFile, load } from '../../src/cli/bundle/script.ts';
import { buildCommand, Machine } from '../helpers/machine.ts';

const { file: command, directory, remove } = buildCommand();
afterAll(remove);

const folder = join(dirname(command), 'cli');
const script = join(folder, readdirSync(folder).find((name) => name.endsWith('.cjs')) ?? '');
const version = () => new Machine(command, directory()).run('--version');

describe('the bundle of the command', () => {
  test('is one script, with what this Node compiled of it', () => {
    expect(readdirSync(folder)).toHaveLength(2);
    expect(load(script).script.cachedDataRejected).toBe(false);
  });

  test('runs also where V8 refuses what was compiled: another release, other flags', async () => {
    writeFileSync(compiledFile(script), 'of another V8');
    // In a process of its own: a V8 that has compiled a script before does not look at the file again.
    expect(await version()).toMatchObject({ code: 0, err: '' });
  });

  test('runs also without it', async () => {
    rmSync(compiledFile(script));
    expect(load(script).script.cachedDataRejected).toBeUndefined();
    expect(await version()).toMatchObject({ code: 0, err: '' });
  });
});
