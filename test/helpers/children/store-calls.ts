/** ARGUMENTS: folder, bytes to put, and the id of a user to become first. Prints what four calls end with and what is then left. */
import { readdirSync } from 'node:fs';
import { isPassportError } from '../../../src/errors.ts';
import { createFolderStore } from '../../../src/node/folder-store.ts';

const [folder, length, user] = process.argv.slice(2) as [string, string, string?];
if (user !== undefined) {
  process.setegid?.(Number(user));
  process.seteuid?.(Number(user));
}
const store = createFolderStore(folder);
const calls = {
  put: () => store.put('p/new', new Uint8Array(Number(length))),
  get: () => store.get('p/old'),
  list: async () => {
    for await (const _ of store.list('p'));
  },
  delete: () => store.delete('p/old'),
};
for (const [name, call] of Object.entries(calls)) {
  const answer = await call().then(
    () => 'ok',
    (error: unknown) => (isPassportError(error) ? error.code : String(error)),
  );
  console.log(`${name} ${answer}`);
}
const left = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path !== 'filler');
console.log(['left', ...left.sort()].join(' '));
process.seteuid?.(process.getuid?.() ?? 0); // so that run.mjs can remove its bundle
