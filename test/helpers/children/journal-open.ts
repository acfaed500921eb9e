/** ARGUMENTS: journal, and the id of a user to become first. Reads, then commits; prints the code or the answer of each. */
import { isPassportError } from '../../../src/errors.ts';
import { openJournal } from '../../../src/node/lmdb-journal.ts';

const [path, user] = process.argv.slice(2) as [string, string?];
if (user !== undefined) {
  process.setegid?.(Number(user));
  process.seteuid?.(Number(user));
}
const journal = openJournal(path);
const read = journal.generation();
for (const call of [read, read.catch(() => 0).then((generation) => journal.commit(generation, new Map()))]) {
  console.log(await call.catch((error: unknown) => (isPassportError(error) ? error.code : String(error))));
}
await journal.close();
process.seteuid?.(process.getuid?.() ?? 0); // so that run.mjs can remove its bundle
