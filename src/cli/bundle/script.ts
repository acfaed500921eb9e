/**
 * The bundle of the command is one script. Beside it lies what V8 compiled of it when it was built, under the name of the Node
 * that did so: with that, a short command starts in little more than half the time. Another Node compiles the script itself.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import type * as main from '../main.ts';

/** What the bundle exports. */
export type Command = Pick<typeof main, 'main' | 'run'>;

/** The script evaluates to this: esbuild's CommonJS inside a function (test/build-command.ts). */
type Wrapper = (require: NodeJS.Require, module: { exports: unknown }, url: string) => void;

/** V8 looks at its own version and flags, not at the processor. */
export function compiledFile(file: string): string {
  return `${file}.${process.version}-${process.arch}.compiled`;
}

export function load(file: string): { script: Script; command: Command } {
  const cachedData = read(compiledFile(file));
  const source = readFileSync(file, 'latin1'); // esbuild writes ASCII
  const script = new Script(source, { filename: file, ...(cachedData === undefined ? {} : { cachedData }) });
  const module: { exports: unknown } = { exports: {} };
  (script.runInThisContext() as Wrapper)(createRequire(file), module, pathToFileURL(file).href);
  return { script, command: module.exports as Command };
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
