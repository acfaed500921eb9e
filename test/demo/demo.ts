/**
 * `npm run demo [-- FOLDER] [--keep]`: what a passport does, from its making to its recovery, told as a story and checked at
 * every step. Real secrets, the built command, one process and one home per device, one folder. One failed check: exit code 1.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CommandFailed, endAll } from './machine.ts';
import { CheckFailed } from './screen.ts';
import { password, readFolder } from './secrets.ts';
import { Stage } from './stage.ts';
import { conflict } from './steps/conflict.ts';
import { create, fill } from './steps/create.ts';
import { allRead, phoneJoins, tabletJoins } from './steps/devices.ts';
import { lostAndFound } from './steps/lost.ts';
import { rollback } from './steps/rollback.ts';
import { stranger } from './steps/stranger.ts';
import { theft } from './steps/theft.ts';
import { thief } from './steps/thief.ts';

const CHAPTERS: readonly (readonly [string, (stage: Stage) => Promise<void>])[] = [
  ['A passport on the laptop', create],
  ['The secrets go in', fill],
  ['A phone takes the place of one sheet of paper', phoneJoins],
  ['A tablet takes the place of the other', tabletJoins],
  ['One alone opens nothing, two open everything', allRead],
  ['The laptop is stolen', theft],
  ['What the thief can do', thief],
  ['Everything is lost but two sheets of paper', lostAndFound],
  ['Two devices write the same record offline', conflict],
  ['Somebody turns the folder back', rollback],
  ['What a stranger finds in the folder', stranger],
];

/** The command line cannot be followed. */
class Usage extends Error {}

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** The program that `npm install` would link as `passport`. */
function builtCommand(): string {
  const { bin } = JSON.parse(readFileSync(resolve(repository, 'package.json'), 'utf8')) as {
    bin: { passport: string };
  };
  const file = resolve(repository, bin.passport);
  if (!existsSync(file)) throw new Usage(`${file} is not built yet: npm run build`);
  return file;
}

/** What the command line names, from where npm was called; else two folders of this repository. */
function foldersOf(given: readonly string[]): string[] {
  const here = process.env['INIT_CWD'] ?? '.';
  const paths =
    given.length > 0
      ? given.map((path) => resolve(here, path))
      : [resolve(repository, 'docs'), resolve(repository, 'vectors')];
  const wrong = paths.find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true);
  if (wrong !== undefined) throw new Usage(`${wrong} is no folder`);
  return paths;
}

function commandLine(): { readonly keep: boolean; readonly folders: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ options: { keep: { type: 'boolean' } }, allowPositionals: true });
    return { keep: values.keep === true, folders: foldersOf(positionals) };
  } catch (error) {
    if (error instanceof Usage) throw error;
    throw new Usage(error instanceof Error ? error.message : String(error));
  }
}

/** Tells the story; false when something in it was not as it must be. */
async function tell(stage: Stage): Promise<boolean> {
  const { screen } = stage;
  screen.title('Passport Mesh: a story with proofs');
  screen.say(
    'Maria has secrets that must not leak and must not get lost. If they lie in one place, that place can burn. If they lie in many places, each of them can be robbed. With a passport, several things of hers hold the key together: any two of three open it, one alone opens nothing, and any one may get lost.',
  );
  screen.say(
    'In this story every device is a separate process with a home of its own. All that they share is one folder: a USB stick, a network drive, a cloud. We assume that strangers read it.',
  );
  screen.say(
    'Lines with a $ are commands that are really run, and each ✓ is something that was really checked. The demo adds --json to read the answers, gives the passphrases in the environment, and keeps the session of each device as eval "$(passport unlock)" would.',
  );
  try {
    for (const [title, chapter] of CHAPTERS) await screen.chapter(title, () => chapter(stage));
    await stage.allEnded();
    screen.table();
    return true;
  } catch (error) {
    if (!(error instanceof CheckFailed) && !(error instanceof CommandFailed)) throw error;
    screen.failed(error.message);
    return false;
  }
}

async function main(): Promise<number> {
  const { keep, folders } = commandLine();
  const owner = { command: builtCommand(), passphrase: password(), devicePassphrase: password() };
  const stage = new Stage(owner, folders.map(readFolder));
  let cleared: Promise<void> | undefined;
  const clear = async () => {
    await endAll();
    if (!keep) stage.remove();
  };
  const interrupted = () => {
    stage.screen.mute();
    cleared ??= clear();
    cleared.finally(() => process.exit(130)).catch(() => {});
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupted);
  try {
    return (await tell(stage)) ? 0 : 1;
  } finally {
    if (keep) stage.screen.plain(`Everything is kept in ${stage.root}`);
    cleared ??= clear();
    await cleared;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Usage)) throw error;
  process.stderr.write(`${error.message}\nusage: npm run demo [-- FOLDER... [--keep]]\n`);
  process.exitCode = 2;
}
