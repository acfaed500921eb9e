/** ARGUMENTS: journal on a small disk, bytes of the first entry. Commits until that fails, then says what is left. Prints one line of JSON. */
import { existsSync, readdirSync } from 'node:fs';
import { isPassportError } from '../../../src/errors.ts';
import { openJournal } from '../../../src/node/lmdb-journal.ts';

const [path, size] = process.argv.slice(2) as [string, string];
let journal = openJournal(path);
const codes: string[] = [];
const value = (i: number) => new Uint8Array(Number(size) + i).fill(i);

/** How many commits went well before one did not. */
async function fill(): Promise<number> {
  const start = await journal.generation();
  for (let generation = start; ;) {
    try {
      generation = await journal.commit(generation, new Map([[`entry ${generation}`, value(generation)]]));
    } catch (error) {
      codes.push(isPassportError(error) ? error.code : String(error));
      return generation - start;
    }
  }
}

async function intact(): Promise<boolean> {
  const generation = await journal.generation();
  for (let i = 0; i < generation; i++) {
    const bytes = await journal.get(`entry ${i}`);
    if (bytes?.length !== value(i).length || bytes.some((byte) => byte !== (i & 255))) return false;
  }
  return (await journal.get(`entry ${generation}`)) === undefined;
}

const made = await fill();
const intactWhileOpen = await intact();
const again = await fill();
await journal.close();
journal = openJournal(path);
const intactAfterwards = await intact();
const afterwards = await fill();
const generation = await journal.generation();
await journal.close();
const files = existsSync(`${path}/large`) ? readdirSync(`${path}/large`).length : 0;
console.log(JSON.stringify({ codes, made, again, afterwards, generation, files, intactWhileOpen, intactAfterwards }));
