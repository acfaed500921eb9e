/** ARGUMENTS: journal. Commits one entry after the other, some of them large, and says so after each, until it is killed. */
import { writeSync } from 'node:fs';
import { openJournal } from '../../../src/node/lmdb-journal.ts';

const [path] = process.argv.slice(2) as [string];
const journal = openJournal(path);
for (let generation = await journal.generation(); ;) {
  const key = `entry ${generation}`;
  const value = new Uint8Array(1 + ((generation * 7919) % (generation % 3 === 0 ? 900_000 : 30_000))).fill(generation);
  generation = await journal.commit(generation, new Map([[key, value]]));
  writeSync(1, `${generation}\n`);
}
