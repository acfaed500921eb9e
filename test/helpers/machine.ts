/** The built command on a machine of its own: a home directory, the environment of one shell, and no terminal. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const alive = new Set<ChildProcess>();

export interface Built {
  readonly file: string;
  /** An empty directory that nobody else has. */
  directory: () => string;
  /** Removes everything, and ends the commands that still run. */
  remove: () => void;
}

/** Builds the command as it is shipped, aside: below node_modules, where it finds lmdb's native module. */
export function buildCommand(): Built {
  const directory = resolve('node_modules/.cache/passport-mesh', `test-${process.pid}`);
  const built = spawnSync('npm', ['run', '--silent', 'build:command', '--', `--outdir=${directory}`], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (built.status !== 0) throw new Error(`the command does not build: ${built.stderr}`);
  const scratch = mkdtempSync(join(tmpdir(), 'passport-cli-'));
  return {
    file: join(directory, 'cli.cjs'),
    directory: () => mkdtempSync(join(scratch, 'place-')),
    remove() {
      for (const child of alive) child.kill('SIGKILL');
      for (const each of [directory, scratch]) rmSync(each, { recursive: true, force: true });
    },
  };
}

/** What the command printed: a test says with `expect` what is in it. */
// eslint-disable-next-line typescript/no-explicit-any -- see above
export type Json = any;

export interface Done {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: string;
  /** The one JSON document of stdout; undefined when it is none. */
  readonly json: Json;
  /** Its `error.code`, or undefined. */
  readonly error: string | undefined;
}

export interface Running {
  readonly done: Promise<Done>;
  /** The first event of this name; rejects when the command ends without it. */
  event: (name: string) => Promise<Json>;
  /** The first line of stderr that matches; rejects when the command ends without it. */
  line: (pattern: RegExp) => Promise<string>;
  interrupt: () => void;
}

export class Machine {
  readonly directory: string;
  /** Variables of the shell; `PASSPORT_SESSION` after `unlock`. */
  readonly env: Record<string, string>;
  readonly #command: string;

  constructor(command: string, directory: string, env: Record<string, string> = {}) {
    this.#command = command;
    this.directory = directory;
    this.env = { PASSPORT_PASSPHRASE: 'of the passport', PASSPORT_DEVICE_PASSPHRASE: 'of this device', ...env };
    mkdirSync(directory, { recursive: true });
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  spawn(args: readonly string[], input?: Uint8Array | string): ChildProcess {
    const child = spawn(process.execPath, [this.#command, ...args], {
      cwd: this.directory,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: this.directory, XDG_STATE_HOME: this.path('state'), ...this.env },
    });
    alive.add(child);
    child.on('exit', () => alive.delete(child));
    child.stdin?.on('error', () => {}); // it may end before it has read all
    child.stdin?.end(input);
    return child;
  }

  /** With `--json` last, when events or the document matter. */
  start(args: readonly string[], input?: Uint8Array | string): Running {
    const child = this.spawn(args, input);
    const out: Buffer[] = [];
    const lines: string[] = [];
    let ended = false;
    const waiting: (() => void)[] = [];
    const wake = () => {
      for (const check of waiting.splice(0)) check();
    };
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      lines.push(line);
      wake();
    });
    const done = new Promise<Done>((settle) => {
      child.on('close', (code) => {
        ended = true;
        settle(doneOf(code, Buffer.concat(out), lines.join('\n')));
        wake();
      });
    });
    const first = async <T>(what: string, find: () => T | undefined): Promise<T> => {
      for (;;) {
        const match = find();
        if (match !== undefined) return match;
        if (ended) throw new Error(`${args.join(' ')} ended without "${what}": ${out.join('')}${lines.join('\n')}`);
        await new Promise<void>((next) => waiting.push(next));
      }
    };
    const event = (name: string) =>
      first(name, () =>
        lines
          .filter((line) => line.startsWith('{'))
          .map((line) => JSON.parse(line) as { event: string })
          .find((each) => each.event === name),
      );
    const line = (pattern: RegExp) => first(String(pattern), () => lines.find((each) => pattern.test(each)));
    return { done, event, line, interrupt: () => child.kill('SIGINT') };
  }

  run(...args: string[]): Promise<Done> {
    return this.start(args).done;
  }

  /** Runs with --json, must succeed, and gives the document. */
  async json(...args: string[]): Promise<Json> {
    const done = await this.run(...args, '--json');
    if (done.code !== 0)
      throw new Error(`passport ${args.join(' ')} ended with ${done.code}: ${done.out.toString()}${done.err}`);
    return done.json;
  }

  /** Later commands are in the session of this document. */
  enter({ session }: { readonly session: string | null }): void {
    if (session !== null) this.env['PASSPORT_SESSION'] = session;
  }
}

function doneOf(code: number | null, out: Buffer, err: string): Done {
  let json: Json;
  try {
    json = JSON.parse(out.toString());
  } catch {
    json = undefined;
  }
  return { code, out, err, json, error: json?.error?.code };
}
