/**
 * One device of the story: a directory of its own that is its HOME, and the built command run in processes of their own with
 * nothing else in common. Every process runs with --json: results come from stdout, events of a running one from stderr.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** What JSON.parse gives: the checks of the story say what must be in it. */
export type Json = ReturnType<typeof JSON.parse>;

/** A line on stderr: what happens while a command runs. */
export interface Event {
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface Result {
  readonly exit: number;
  /** The document on stdout. */
  readonly json: Json;
  /** The stable code of the error, when it ended with one. */
  readonly error: string | undefined;
}

/** What every device has in common: the program, and what the person knows by heart. */
export interface Owner {
  readonly command: string;
  readonly passphrase: string;
  readonly devicePassphrase: string;
}

/** All processes that run now, so that Ctrl-C leaves none behind. */
const running = new Set<ChildProcess>();

/** Ends every process of the demo and waits until they are gone. */
export async function endAll(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const gone = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await gone;
    }),
  );
}

/** No command of the story takes a tenth of this: one that does not end is a failure, and says so. */
const LONGEST_MS = 90_000;

export class CommandFailed extends Error {}

/** A command that runs: its events as they come, and its result. */
export class Running {
  readonly line: string;
  readonly result: Promise<Result>;
  readonly #events: Event[] = [];
  #wake = () => {};
  #ended = false;

  constructor(line: string, child: ChildProcess, input: Uint8Array | undefined) {
    this.line = line;
    running.add(child);
    let out = '';
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) this.#came(line);
    });
    const stuck = setTimeout(() => {
      this.#came(JSON.stringify({ event: 'demo', text: `it did not end in ${LONGEST_MS / 1000} s` }));
      child.kill('SIGKILL');
    }, LONGEST_MS);
    child.stdin?.on('error', () => {}); // a command that ends early reads no input
    child.stdin?.end(input);
    this.result = new Promise((resolve, reject) => {
      const ended = (settle: () => void) => {
        clearTimeout(stuck);
        running.delete(child);
        this.#ended = true;
        this.#wake();
        settle();
      };
      child.on('error', (error) =>
        ended(() => reject(new CommandFailed(`${line}\ncould not be run: ${error.message}`))),
      );
      child.on('close', (code) => ended(() => resolve(resultOf(code ?? 1, out))));
    });
    this.result.catch(() => {}); // whoever waits for it sees it
  }

  #came(line: string): void {
    try {
      this.#events.push(JSON.parse(line) as Event);
    } catch {
      this.#events.push({ event: 'text', text: line });
    }
    this.#wake();
  }

  /** The first event of this name; fails when the command ends without it. */
  async event(name: string): Promise<Event> {
    for (;;) {
      const found = this.#events.find((event) => event.event === name);
      if (found !== undefined) return found;
      if (this.#ended)
        throw new CommandFailed(`${this.line}\nended before it said "${name}": ${this.#shown(await this.result)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The document of a command that must succeed. */
  async done(): Promise<Json> {
    const result = await this.result;
    if (result.exit === 0) return result.json;
    throw new CommandFailed(`${this.line}\nfailed: ${this.#shown(result)}`);
  }

  #shown({ exit, json }: Result): string {
    const said = this.#events.filter(({ event }) => event !== 'progress').map((event) => JSON.stringify(event));
    return [`exit code ${exit}`, JSON.stringify(json), ...said.slice(-5)].join('\n  ');
  }
}

function resultOf(exit: number, out: string): Result {
  let json: Json;
  try {
    json = JSON.parse(out);
  } catch {
    json = out;
  }
  return { exit, json, error: json?.error?.code as string | undefined };
}

export class Machine {
  readonly name: string;
  /** Its HOME, which holds `.passport-mesh` and its files. */
  readonly directory: string;
  /** As `eval "$(passport unlock)"` would leave it in the person's shell. */
  session: string | undefined;
  readonly #owner: Owner;

  constructor(name: string, directory: string, owner: Owner) {
    this.name = name;
    this.directory = directory;
    this.#owner = owner;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  start(args: readonly string[], input?: Uint8Array): Running {
    const { command, passphrase, devicePassphrase } = this.#owner;
    const child = spawn(process.execPath, [command, ...args, '--json'], {
      cwd: this.directory,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: this.directory,
        USERPROFILE: this.directory,
        PASSPORT_PASSPHRASE: passphrase,
        PASSPORT_DEVICE_PASSPHRASE: devicePassphrase,
        ...(this.session === undefined ? {} : { PASSPORT_SESSION: this.session }),
      },
    });
    return new Running(`${this.name}$ passport ${args.join(' ')}`, child, input);
  }
}
