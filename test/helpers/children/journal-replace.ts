/** ARGUMENTS: journal, key, count. Puts `count` large values one after the other in the place of the one that is there. */
import { openJournal } from '../../../src/node/lmdb-journal.ts';

const [path, key, count] = process.argv.slice(2) as [string, string, string];
const journal = openJournal(path);
let generation = await journal.generation();
for (let i = 1; i <= Number(count); i++) {
  generation = await journal.commit(generation, new Map([[key, new Uint8Array(1024 * 1024).fill(i)]]));
}
await journal.close();
