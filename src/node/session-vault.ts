/**
 * A session between two commands: two files (0600) in a directory of the home. They end with the boot, so nothing here waits
 * for the disk, except that what is removed is overwritten first (best effort, see shredFile).
 */
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bytes, copy } from '../bytes.ts';
import type { SessionVault } from '../storage/session.ts';
import { hasCode, makePrivateDirectory, shredFile } from './durable.ts';
import { inHome } from './home-error.ts';

/** Errors: `disk-full`, `home-unusable`. */
export function createSessionVault(directory: string): SessionVault {
  const sealedPath = join(directory, 'sealed');
  const secretPath = join(directory, 'secret');

  async function clear(): Promise<void> {
    await shredFile(secretPath);
    await shredFile(sealedPath);
  }

  return {
    save(sealed, fileSecret) {
      return inHome(directory, async () => {
        await makePrivateDirectory(directory);
        await clear();
        // A crash between the two, or two processes at once, leave halves that do not fit: no session, nothing worse.
        await replace(secretPath, fileSecret);
        await replace(sealedPath, sealed);
      });
    },

    load() {
      return inHome(directory, async () => {
        try {
          return { sealed: copy(readFileSync(sealedPath)), fileSecret: copy(readFileSync(secretPath)) };
        } catch (error) {
          if (hasCode(error, 'ENOENT')) return undefined;
          throw error;
        }
      });
    },

    clear: () => inHome(directory, clear),
  };
}

async function replace(path: string, bytes: Bytes): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, bytes, { mode: 0o600 });
  await rename(temporary, path);
}
