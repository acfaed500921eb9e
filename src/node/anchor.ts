/**
 * The anchor of a home: a small file in the user's state directory, which programs do not back up or carry to another
 * machine with the home. It only helps to notice things, so a place that cannot be written is not an error.
 */
import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { copy } from '../bytes.ts';
import type { Anchor } from '../storage/journal.ts';
import { makePrivateDirectory, writeFileDurably } from './durable.ts';

/** `directory`: where the anchors of all homes lie. Default: passport-mesh in $XDG_STATE_HOME, or in ~/.local/state. */
export function createAnchor(home: string, directory: string = defaultDirectory()): Anchor {
  async function path(): Promise<string> {
    const place = await realpath(home).catch(() => resolve(home)); // one home, by whatever link it was reached
    return join(directory, createHash('sha256').update(place).digest('hex').slice(0, 32));
  }
  return {
    async read() {
      return readFile(await path()).then(copy, () => undefined);
    },
    async write(bytes) {
      const file = await path();
      await makePrivateDirectory(directory)
        .then(() => writeFileDurably(file, bytes, { mode: 0o600 }))
        .catch(() => {});
    },
  };
}

function defaultDirectory(): string {
  const state = process.env['XDG_STATE_HOME'];
  // The XDG base directory specification has relative paths ignored.
  return join(state?.startsWith('/') ? state : join(homedir(), '.local', 'state'), 'passport-mesh');
}
