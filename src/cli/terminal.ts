/**
 * The person at the terminal: lines with and without echo, and pages that leave nothing behind in the scrollback.
 * It is the controlling terminal, not stdin and stdout: those may be pipes.
 */
import { closeSync, openSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { ReadStream, WriteStream } from 'node:tty';
import { PassportError } from '../errors.ts';

export interface Ask {
  /** Not echoed. */
  readonly hidden?: boolean;
  /** Tab completes the last word from this list. */
  readonly words?: readonly string[];
}

export interface Terminal {
  readonly columns: number;
  /** One line without its end. Throws `aborted` on Ctrl-C and on end of input. */
  ask(question: string, options?: Ask): Promise<string>;
  write(text: string): void;
  /** Shows `text` on a screen of its own for as long as `during` takes. */
  page<T>(text: string, during: () => Promise<T>): Promise<T>;
  close(): void;
}

/** Undefined where there is no terminal. */
export function openTerminal(signal: AbortSignal): Terminal | undefined {
  try {
    return new Tty(signal);
  } catch {
    return undefined;
  }
}

class Tty implements Terminal {
  readonly #signal: AbortSignal;
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  /** What was typed or pasted beyond the line that was asked for. */
  #ahead: string[] = [];

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    const [input, output] =
      process.platform === 'win32' ? ['\\\\.\\CONIN$', '\\\\.\\CONOUT$'] : ['/dev/tty', '/dev/tty'];
    const inputFd = openSync(input, 'r+');
    try {
      this.#input = new ReadStream(inputFd);
    } catch (error) {
      closeSync(inputFd);
      throw error;
    }
    // A terminal that is not read must not keep the process alive.
    this.#input.pause();
    this.#output = new WriteStream(openSync(output, 'w'));
  }

  get columns(): number {
    return this.#output.columns || 80;
  }

  async ask(question: string, { hidden = false, words }: Ask = {}): Promise<string> {
    this.#signal.throwIfAborted();
    const ahead = this.#ahead.shift();
    if (ahead !== undefined) {
      this.#output.write(`${question}${hidden ? '' : ahead}\n`);
      return ahead;
    }
    // readline draws the prompt as well, so it is the echo of what is typed that must not get through.
    const output = hidden ? new Writable({ write: (_chunk, _encoding, done) => done() }) : this.#output;
    // Turns the terminal's own echo off, so it comes before the question.
    const lines = createInterface({
      input: this.#input,
      output,
      terminal: true,
      historySize: 0,
      ...(words === undefined ? {} : { completer: (line: string) => complete(line, words) }),
    });
    if (hidden) this.#output.write(question);
    let ended = false;
    try {
      const line = await this.#line(lines, hidden ? '' : question);
      ended = !hidden;
      return line;
    } finally {
      lines.close();
      this.#input.pause();
      // Enter was not echoed, or never came.
      if (!ended) this.#output.write('\n');
    }
  }

  #line(lines: Interface, prompt: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const typed: string[] = [];
      const stop = (message: string) => reject(new PassportError('aborted', message));
      const interrupted = () => stop('interrupted');
      this.#signal.addEventListener('abort', interrupted, { once: true });
      lines.on('line', (line) => {
        typed.push(line);
        // What was pasted in one go arrives before this turn ends.
        if (typed.length === 1) {
          setImmediate(() => {
            this.#ahead.push(...typed.slice(1), ...(lines.line === '' ? [] : [lines.line]));
            resolve(typed[0] as string);
          });
        }
      });
      lines.on('SIGINT', interrupted);
      lines.on('close', () => {
        this.#signal.removeEventListener('abort', interrupted);
        if (typed.length === 0) stop('the input ended');
      });
      lines.setPrompt(prompt);
      lines.prompt();
    });
  }

  write(text: string): void {
    this.#output.write(text);
  }

  async page<T>(text: string, during: () => Promise<T>): Promise<T> {
    const own = process.env['TERM'] !== 'dumb';
    if (own) this.#output.write('\x1b[?1049h\x1b[2J\x1b[H');
    this.#output.write(text);
    try {
      return await during();
    } finally {
      if (own) this.#output.write('\x1b[?1049l');
    }
  }

  close(): void {
    this.#input.destroy();
    this.#output.destroy();
  }
}

function complete(line: string, words: readonly string[]): [string[], string] {
  const last = /\S*$/.exec(line)?.[0] ?? '';
  const found = words.filter((word) => word.startsWith(last.toLowerCase()));
  return [found.map((word) => `${word} `), last];
}
