/** ARGUMENTS: folder, name, length. Puts an object and is killed when all of it is written and none of it is renamed. */
import { open } from 'node:fs/promises';
import { createFolderStore } from '../../../src/node/folder-store.ts';
import { sampleBytes } from '../../../src/testing/check.ts';

const [folder, name, length] = process.argv.slice(2) as [string, string, string];
const any = await open(process.execPath);
type Handles = { writeFile: (bytes: Uint8Array) => Promise<void>; sync: () => Promise<void> };
const handles = Object.getPrototypeOf(any) as Handles;
const { writeFile } = handles;
handles.writeFile = async function (this: unknown, bytes) {
  await writeFile.call(this, bytes);
  handles.sync = async () => void process.kill(process.pid, 'SIGKILL');
};
await createFolderStore(folder).put(name, sampleBytes(Number(length), 1));
