/**
 * The anchor of a home: a small file in the user's state directory, which programs do not back up or carry to another
 * machine with the home. It only helps to notice things, so a place that cannot be written is not an error.
 */
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { copy } from '../bytes.ts';
import type { Anchor } from '../storage/journal.ts';
import { makePrivateDirectory, writeFileDurably } from './durable.ts';

/** `directory`: where the anchors of all homes lie. Default: passport-mesh in $XDG_STATE_HOME, or in ~/.local/state. */
export function createAnchor(home: string, directory: string = defaultDirectory()): Anchor {
  function path(): string {
    return join(directory, createHash('sha256').update(place(home)).digest('hex').slice(0, 32));
  }
  return {
    async read() {
      try {
        return copy(readFileSync(path()));
      } catch {
        return undefined;
      }
    },
    async write(bytes) {
      await makePrivateDirectory(directory)
        .then(() => writeFileDurably(path(), bytes, { mode: 0o600 }))
        .catch(() => {});
    },
  };
}

/** One home, by whatever link it was reached. */
function place(home: string): string {
  try {
    return realpathSync(home);
  } catch {
    return resolve(home);
  }
}

function defaultDirectory(): string {
  const state = process.env['XDG_STATE_HOME'];
  // The XDG base directory specification has relative paths ignored.
  return join(state?.startsWith('/') ? state : join(homedir(), '.local', 'state'), 'passport-mesh');
}
