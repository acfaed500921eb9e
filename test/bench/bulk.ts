/**
 * Many small records against what people would use instead: restic, into a fresh local repository. Wall time of whole
 * processes; founding a passport or a repository does not count on either side. Both read the same files.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installed, median, ms, type Program, ratioRow, type Row, timed } from './measure.ts';
import { countFiles, type Stage, writeFiles } from './stage.ts';

const ROUNDS = 5;
const FILES = 10_000;
const SIZE = 1024;
const MOST_OBJECTS = 200;

interface Times {
  readonly first: number[];
  readonly change: number[];
}

export function bulk(stage: Stage): Row[] {
  const files = stage.fresh('files');
  writeFiles(files, FILES, SIZE);
  const withRestic = installed('restic');
  if (!withRestic) {
    console.error('\n*** restic is not installed: nothing to compare with. On Debian: apt-get install restic ***\n');
  }
  const ours = { import: [] as number[], sync: [] as number[], first: [] as number[], change: [] as number[] };
  const theirs: Times = { first: [], change: [] };
  let objects = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const us = () => {
      objects = Math.max(objects, passportRound(stage, files, ours));
    };
    const them = () => {
      if (withRestic) resticRound(stage, files, theirs);
    };
    // Whoever comes first meets the colder disk: in turns.
    for (const run of round % 2 === 0 ? [us, them] : [them, us]) run();
  }
  const what = `import and first sync of ${FILES} files of ${SIZE} bytes`;
  const parts = [
    { what: '  import', ours: ms(median(ours.import)), peer: '' },
    { what: '  sync', ours: ms(median(ours.sync)), peer: '' },
  ];
  const objectsRow = {
    ...{ what: 'objects in the store', ours: String(objects), peer: '' },
    ...{ target: `< ${MOST_OBJECTS}`, met: objects < MOST_OBJECTS },
  };
  if (!withRestic) {
    const alone = (name: string, times: readonly number[]) => ({
      what: name,
      ours: ms(median(times)),
      peer: 'no restic',
    });
    return [alone(what, ours.first), ...parts, alone('one change: put and sync', ours.change), objectsRow];
  }
  return [
    ratioRow(what, 'restic', ours.first, theirs.first, 1),
    ...parts,
    ratioRow('one change: put and sync', 'restic', ours.change, theirs.change, 0.5),
    objectsRow,
  ];
}

/** Returns the number of objects in the store at the end. */
function passportRound(stage: Stage, files: string, times: Times & { import: number[]; sync: number[] }): number {
  const at = stage.found();
  const imported = timed(stage.passport(at, 'import', files)).ms;
  const synced = timed(stage.passport(at, 'sync')).ms;
  times.import.push(imported);
  times.sync.push(synced);
  times.first.push(imported + synced);
  const { key, file } = changed(files);
  times.change.push(timed(stage.passport(at, 'put', key, file)).ms + timed(stage.passport(at, 'sync')).ms);
  return countFiles(at.store);
}

function resticRound(stage: Stage, files: string, times: Times): void {
  const directory = stage.fresh('restic');
  const { PATH, HOME } = process.env;
  const repository = { RESTIC_REPOSITORY: join(directory, 'repository'), RESTIC_CACHE_DIR: join(directory, 'cache') };
  const env = { PATH, HOME, RESTIC_PASSWORD: 'correct horse battery staple', ...repository };
  const restic = (...args: string[]): Program => ({ file: 'restic', args, env });
  timed(restic('init'));
  times.first.push(timed(restic('backup', files)).ms);
  changed(files);
  times.change.push(timed(restic('backup', files)).ms);
}

/** New content for one of the files. */
function changed(files: string): { key: string; file: string } {
  const [folder = ''] = readdirSync(files);
  const [name = ''] = readdirSync(join(files, folder));
  const file = join(files, folder, name);
  writeFileSync(file, randomBytes(SIZE));
  return { key: `${folder}/${name}`, file };
}
