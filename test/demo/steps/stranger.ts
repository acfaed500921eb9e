/** What a stranger finds who reads all of the shared folder. */
import { disguises, filesBelow, type Needle, Search } from '../search.ts';
import type { Stage } from '../stage.ts';

/** Every plaintext and every name of the story so far; small ones also in the usual encodings. */
function searchFor(stage: Stage): Search {
  const plaintexts = [...stage.written, ...stage.others];
  const keys = stage.written.flatMap(({ what }) => [what, ...what.split('/')]);
  const names = new Set([...keys, ...stage.machines.map(({ name }) => name)]);
  const called = [...names].map((name): Needle => ({ what: `the name ${name}`, bytes: Buffer.from(name) }));
  const small = plaintexts.filter(({ bytes }) => bytes.length <= 1024);
  return new Search([...called, ...small.flatMap(disguises)], plaintexts);
}

/** Checks that these files, which are `where`, show nothing. */
export function checkNothingFound(stage: Stage, files: ReadonlyMap<string, Buffer>, where: string): void {
  const { screen } = stage;
  const search = searchFor(stage);
  const kib = Math.ceil([...files.values()].reduce((sum, { length }) => sum + length, 0) / 1024);
  const hits = search.in(files);
  screen.check(
    hits.length === 0,
    `None of ${search.needles.length} plaintexts, names and encodings of them is ${where} (${files.size} files, ${kib} KiB).`,
    () =>
      hits
        .slice(0, 10)
        .map(({ what, file }) => `${what}: in ${file}`)
        .join('\n'),
  );
}

export async function stranger(stage: Stage): Promise<void> {
  const { screen } = stage;
  screen.say(
    'All of this went through a folder that strangers read. Every byte of it is now searched for everything that was ever written: all values of 8 bytes or more, every block of 32 bytes of them, all names, the passphrases, the words of the kits; secrets also as base64, hex and UTF-16.',
  );
  const search = searchFor(stage);
  const hits = new Set(
    search.in(new Map(stage.written.map(({ what, bytes }) => [what, bytes]))).map(({ what }) => what),
  );
  const blind = stage.written.filter(({ what, bytes }) => bytes.length >= 8 && !hits.has(what));
  screen.check(blind.length === 0, 'The search works: in the originals, it finds every one of them.', () =>
    blind.map(({ what }) => what).join('\n'),
  );
  checkNothingFound(stage, filesBelow(stage.shared), 'in the folder');
}
