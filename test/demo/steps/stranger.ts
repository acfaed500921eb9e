/** What a stranger finds who reads all of the shared folder. */
import { disguises, filesBelow, type Needle, Search } from '../search.ts';
import type { Stage } from '../stage.ts';

/** Every plaintext and every name of the story so far. */
export function searchFor(stage: Stage): Search {
  const plaintexts: Needle[] = [...stage.written].map(({ key, value }) => ({ what: key, bytes: value }));
  const names = new Set(plaintexts.flatMap(({ what }) => [what, ...what.split('/')]));
  for (const { name } of stage.machines) names.add(name);
  const needles = [...names].map((name) => ({ what: `the name ${name}`, bytes: Buffer.from(name) }));
  const secrets = [...stage.others, ...plaintexts.filter(({ bytes }) => bytes.length <= 1024)];
  return new Search([...needles, ...secrets.flatMap(disguises)], [...plaintexts, ...stage.others]);
}

/** Checks that nothing is found, and that the search would have found something. */
export function report(stage: Stage, search: Search, files: ReadonlyMap<string, Buffer>, where: string): void {
  const size = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  const hits = search.in(files);
  const count = search.needles.length;
  stage.screen.check(
    hits.length === 0,
    `Not one of ${count} plaintexts, names and disguises of them is ${where} (${files.size} files, ${Math.ceil(size / 1024)} KiB).`,
    () => hits.slice(0, 10).map(({ what, file }) => `${what}: in ${file}`).join('\n'),
  );
}
