/** What a command gets: its arguments, the person, and the passport of the home, each made when first asked for. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { PassportError } from '../errors.ts';
import { nodeHome } from '../node/home.ts';
import { Passport } from '../passport.ts';
import type { Environment, Waiting } from '../types.ts';
import type { Io } from './io.ts';
import type { Outcome, Output } from './output.ts';
import { usage, type Options } from './parse.ts';
import { CommandPerson } from './person.ts';
import { safe } from './render/text.ts';
import { givenKits } from './secrets.ts';
import type { Terminal } from './terminal.ts';

export type Command = (context: Context) => Promise<Outcome>;

const DEFAULT_WAIT_MS = 10 * 60_000;

export class Context {
  readonly args: readonly string[];
  readonly options: Options;
  readonly io: Io;
  readonly output: Output;
  #person: CommandPerson | undefined;
  #environment: Environment | undefined;
  #passport: Passport | undefined;
  #terminal: Terminal | undefined;

  constructor(args: readonly string[], options: Options, io: Io, output: Output) {
    this.args = args;
    this.options = options;
    this.io = io;
    this.output = output;
  }

  get home(): string {
    const home = this.options.text('home') ?? this.io.env['PASSPORT_HOME'];
    if (home === undefined || home === '') return join(homedir(), '.passport-mesh');
    return isAbsolute(home) ? home : resolve(home);
  }

  /** Of an own session of the calling shell. */
  get sessionSecret(): string | undefined {
    return this.io.env['PASSPORT_SESSION'] || undefined;
  }

  get signal(): AbortSignal {
    return this.io.signal;
  }

  /** For calls that wait for other devices. */
  get waiting(): { signal: AbortSignal; timeoutMs: number } & Waiting {
    return { signal: this.signal, timeoutMs: this.options.time('wait') ?? DEFAULT_WAIT_MS };
  }

  get person(): CommandPerson {
    this.#person ??= new CommandPerson(this);
    return this.#person;
  }

  async environment(): Promise<Environment> {
    if (this.#environment === undefined) {
      const home = nodeHome({
        home: this.home,
        keystoreKind: keystoreKind(this.options.text('keystore')),
        tell: (text) => this.person.tell({ event: 'notice', text }),
        signal: this.signal,
      });
      this.#environment = { ...home, person: this.person };
    }
    return this.#environment;
  }

  /** The passport of the home. Throws `no-passport`. */
  async passport(): Promise<Passport> {
    if (this.#passport === undefined) {
      const { sessionSecret } = this;
      this.use(await Passport.open(await this.environment(), sessionSecret === undefined ? {} : { sessionSecret }));
    }
    return this.#passport as Passport;
  }

  /** A passport that the command has just made, to be closed at the end. */
  use(passport: Passport): Passport {
    this.#passport = passport;
    return passport;
  }

  /** For calls that read or fill a store: Ctrl-C and progress. */
  storeWork(what: string): { signal: AbortSignal; onProgress: (done: number, total: number) => void } {
    return { signal: this.signal, onProgress: (done, total) => this.output.progress(what, done, total) };
  }

  async kits(): Promise<{ kits: string[] }> {
    if (this.options.all('kit').length === 0) return { kits: [] };
    return { kits: await givenKits(this) };
  }

  /** The person's terminal; `usage` with the way around it when there is none. */
  async terminal(needed: string, hint: string): Promise<Terminal> {
    const terminal = await this.maybeTerminal();
    if (terminal === undefined) throw usage(`${needed}, and there is no terminal to ask at`, hint);
    this.output.pause();
    return terminal;
  }

  async maybeTerminal(): Promise<Terminal | undefined> {
    this.#terminal ??= await this.io.terminal();
    return this.#terminal;
  }

  /** An argument by its place; the parser has checked that it is there. */
  arg(index: number): string {
    return this.args[index] as string;
  }

  /** A file of the command line that cannot be used, in words. Errors of this package pass through. */
  fileError(error: unknown, file: string): unknown {
    const code = (error as NodeJS.ErrnoException | undefined)?.code;
    const why = typeof code === 'string' ? FILE_ERRORS[code] : undefined;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      return new PassportError('disk-full', `no room for ${safe(file)}`, {
        cause: error,
        hint: 'Make room, then repeat the command.',
      });
    }
    return why === undefined ? error : usage(`${safe(file)}: ${why}`);
  }

  async close(): Promise<void> {
    this.#terminal?.close();
    await this.#passport?.close();
  }
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is no directory',
  EISDIR: 'it is a directory',
  EACCES: 'no permission',
  EPERM: 'not permitted',
  EROFS: 'the disk is read-only',
  EEXIST: 'it is there already',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'it is a symbolic link, or too many of them',
};

function keystoreKind(text: string | undefined) {
  if (text === undefined || text === 'file' || text === 'keychain' || text === 'plain') return text;
  throw usage('--keystore is file, keychain or plain');
}
