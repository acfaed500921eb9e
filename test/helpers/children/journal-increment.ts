/** ARGUMENTS: journal, writer's name, count. Adds one to a counter `count` times, with a new decision on journal-changed. */
import { bytesUint, uintBytes } from '../../../src/bytes.ts';
import { isPassportError } from '../../../src/errors.ts';
import { openJournal } from '../../../src/node/lmdb-journal.ts';

const [path, writer, count] = process.argv.slice(2) as [string, string, string];
const journal = openJournal(path);
let lost = 0;
for (let i = 0; i < Number(count);) {
  const generation = await journal.generation();
  const before = await journal.get('counter');
  const counter = before === undefined ? 0 : bytesUint(before);
  const changes = new Map([
    ['counter', uintBytes(counter + 1, 8)],
    // Large enough that the file outgrows the map of the other processes many times.
    [`${writer}/${i}`, new Uint8Array(100 * i).fill(i)],
  ]);
  try {
    await journal.commit(generation, changes);
    i++;
  } catch (error) {
    if (!isPassportError(error, 'journal-changed')) throw error;
    lost++;
  }
}
await journal.close();
console.log(`${writer} made its commits and lost ${lost} races`);
