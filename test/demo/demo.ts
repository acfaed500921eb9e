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
import { create, fill } from './steps/create.ts';
import { allRead, phoneJoins, tabletJoins } from './steps/devices.ts';
import { theft } from './steps/theft.ts';
import { thief } from './steps/thief.ts';

const USAGE = 'usage: npm run demo [-- [FOLDER] [--keep]]';
const repository = fileURLToPath(new URL('../..', import.meta.url));

const CHAPTERS: readonly (readonly [string, (stage: Stage) => Promise<void>])[] = [
  ['A passport on the laptop', create],
  ['The secrets go in', fill],
  ['A phone takes the place of one sheet of paper', phoneJoins],
  ['A tablet takes the place of the other', tabletJoins],
  ['One alone opens nothing, two open everything', allRead],
  ['The laptop is stolen', theft],
  ['The thief tries', thief],
];

/** The program that `npm install` would link as `passport`. */
function builtCommand(): string {
  const { bin } = JSON.parse(readFileSync(resolve(repository, 'package.json'), 'utf8')) as { bin: { passport: string } };
  const file = resolve(repository, bin.passport);
  if (!existsSync(file)) throw new CommandFailed(`${file} is missing: npm run build`);
  return file;
}

/** The folders on the command line, relative to where npm was called; else two of the repository. */
function foldersOf(given: readonly string[]): string[] {
  const paths = given.length > 0 ? given.map((path) => resolve(process.env['INIT_CWD'] ?? '.', path)) : ['docs', 'vectors'].map((name) => resolve(repository, name));
  const found = given.length > 0 ? paths : paths.filter((path) => existsSync(path));
  const wrong = found.find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true);
  if (wrong !== undefined) throw new TypeError(`${wrong} is no folder\n${USAGE}`);
  return found;
}

async function tell(stage: Stage): Promise<boolean> {
  const { screen } = stage;
  screen.title('Passport Mesh: a story in twelve steps');
  screen.say(
    'Maria wants to keep some secrets from thieves, and from her own bad luck. One copy can be lost. Many copies can be stolen. A passport is locked so that several things of hers hold the key together: any two of three open it, one alone opens nothing, and one may be lost.',
  );
  screen.say(
    'Below, each device is a process of its own with a home of its own. All that they share is one folder, which could be a USB stick, a network drive or a cloud: we assume that strangers read it.',
  );
  screen.say(
    'Lines with a $ are the commands that are really run. The demo adds --json to read their answers, gives the passphrases by the environment, and keeps the session of each device as eval "$(passport unlock)" does.',
  );
  try {
    for (const [title, chapter] of CHAPTERS) await screen.chapter(title, () => chapter(stage));
    screen.table();
    return true;
  } catch (error) {
    if (!(error instanceof CheckFailed) && !(error instanceof CommandFailed)) throw error;
    screen.failed(error.message);
    return false;
  }
}

const { values, positionals } = parseArgs({ options: { keep: { type: 'boolean' } }, allowPositionals: true });
const folders = foldersOf(positionals);
const stage = new Stage({ command: builtCommand(), passphrase: password(), devicePassphrase: password() });
stage.folders = folders.map(readFolder);

/** Leaves nothing behind: no process, no file. */
async function clear(): Promise<void> {
  await endAll();
  if (values.keep === true) stage.screen.plain(`Everything is kept in ${stage.root}`);
  else stage.remove();
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    void clear().finally(() => process.exit(130));
  });
}

try {
  process.exitCode = (await tell(stage)) ? 0 : 1;
} finally {
  await clear();
}
