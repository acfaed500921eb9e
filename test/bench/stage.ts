/** Where the bench runs: the command as it is shipped, built aside, and fresh directories for every round, removed at the end. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Program, timed } from './measure.ts';

export const PASSPHRASE = 'correct horse battery staple';
export const DEVICE_PASSPHRASE = 'only on this machine';

export class Stage {
  readonly root: string;
  readonly #command: string;
  #rounds = 0;

  constructor() {
    this.root = mkdtempSync(join(tmpdir(), 'passport-bench-'));
    // Below node_modules, where it finds lmdb's binary as an installed package does; not in dist, which others may be using.
    const outdir = resolve('node_modules/.cache/passport-mesh', `bench-${process.pid}`);
    this.#command = join(outdir, 'cli.cjs');
    process.on('exit', () => {
      rmSync(outdir, { recursive: true, force: true });
      rmSync(this.root, { recursive: true, force: true });
    });
    const built = spawnSync('npm', ['run', '--silent', 'build:command', '--', `--outdir=${outdir}`], {
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    if (built.status !== 0) throw new Error(`the command does not build: ${built.stderr}`);
  }

  /** A directory that was never used. */
  fresh(name: string): string {
    const directory = join(this.root, `${name}-${++this.#rounds}`);
    mkdirSync(directory, { recursive: true });
    return directory;
  }

  /** A whole process of the command. */
  passport(at: Home, ...args: string[]): Program {
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, PASSPORT_HOME: at.home, XDG_STATE_HOME: at.state, PASSPORT_SESSION: at.session };
    return { file: process.execPath, args: [this.#command, ...args], env };
  }

  /** A passport with one device, two kits and a folder store, and a session of it. */
  found(): Home {
    const directory = this.fresh('passport');
    const at = { home: join(directory, 'home'), state: join(directory, 'state'), store: join(directory, 'store') };
    const kits = join(directory, 'kits');
    const init = this.passport(at, 'init', '--name', 'laptop', '--store', `folder:${at.store}`, '--kit-out', kits);
    const secrets = { PASSPORT_PASSPHRASE: PASSPHRASE, PASSPORT_DEVICE_PASSPHRASE: DEVICE_PASSPHRASE };
    const { stdout } = timed({ ...init, env: { ...init.env, ...secrets } });
    const session = /PASSPORT_SESSION=(\S+)/.exec(stdout)?.[1];
    if (session === undefined) throw new Error('passport init left no session');
    return { ...at, session };
  }
}

export interface Home {
  readonly home: string;
  readonly state: string;
  readonly store: string;
  readonly session?: string;
}

/** `count` files of random bytes in directories of 100. */
export function writeFiles(directory: string, count: number, size: number): void {
  for (let i = 0; i < count; i++) {
    const folder = join(directory, String(Math.floor(i / 100)).padStart(4, '0'));
    if (i % 100 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `document-${String(i).padStart(6, '0')}`), randomBytes(size));
  }
  // At rest: else the first fsync of whoever is measured waits for these files too.
  spawnSync('sync');
}

export function countFiles(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}
