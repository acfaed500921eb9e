/** Files that the command writes with secrets in them: mode 0600, whole or not at all, and never through a symbolic link. */
import { randomUUID } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Throws Node's `EEXIST` when the file is there and `replace` is false; what is replaced is replaced in one step. */
export async function writeOut(file: string, content: Uint8Array, replace: boolean): Promise<void> {
  const partial = join(dirname(file), `.${basename(file).slice(0, 100)}.${randomUUID().slice(0, 8)}`);
  try {
    const handle = await open(partial, 'wx', 0o600);
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
    if (replace) await rename(partial, file);
    else await link(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}
