/**
 * What the command says. The result goes to stdout; everything else (what was done, what to do next, progress, questions)
 * to stderr. With --json: one document on stdout, which is the result or the error, and events as JSON lines on stderr.
 */
import { styleText } from 'node:util';
import { isPassportError, type PassportErrorCode } from '../errors.ts';
import type { Card, PassportEvent } from '../types.ts';
import { EXIT, exitOf } from './exit-codes.ts';
import type { Io, Stream } from './io.ts';
import { Progress } from './render/progress.ts';
import { safe, safeJson, shortId } from './render/text.ts';

/** What a command hands back to be shown. */
export interface Outcome {
  /** The document for --json. */
  readonly json: unknown;
  /** The result on stdout, without its last line end; bytes are written as they are. */
  readonly result?: string | Uint8Array;
  /** On stderr: what was done, and what to do next. */
  readonly said?: readonly string[];
  /** Default 0. */
  readonly exit?: number;
}

/** Events of the command itself, beside those of the SDK. */
export type CommandEvent =
  | PassportEvent
  | { readonly event: 'link'; readonly id: string; readonly link: string; readonly expires: number }
  | ({ readonly event: 'card' } & Card)
  | { readonly event: 'synced'; readonly report: unknown };

/** Between two events of progress; the last one always comes. */
const EVENT_MS = 250;

type Format = Parameters<typeof styleText>[0];

export class Output {
  readonly json: boolean;
  readonly #io: Io;
  readonly #progress: Progress;
  #waitingFor = '';
  #progressAt = -Infinity;

  constructor(io: Io, json: boolean) {
    this.#io = io;
    this.json = json;
    const bar = !json && io.stderr.isTTY === true;
    this.#progress = new Progress((text) => void io.stderr.write(text), bar);
  }

  async outcome({ json, result, said = [] }: Outcome): Promise<void> {
    this.#progress.clear();
    if (this.json) {
      await written(this.#io.stdout, `${safeJson(json, 2)}\n`);
      return;
    }
    if (typeof result === 'string' && result !== '') await written(this.#io.stdout, `${result}\n`);
    if (result instanceof Uint8Array) await written(this.#io.stdout, result);
    for (const line of said) this.#line(line);
  }

  /** Returns the exit code. */
  async failure(error: unknown, hint: (code: PassportErrorCode) => string): Promise<number> {
    this.#progress.clear();
    const { code, message, way } = describe(error, hint);
    if (this.json) {
      await written(this.#io.stdout, `${safeJson({ error: { code, message, hint: way } }, 2)}\n`);
    } else {
      this.#line(`${this.#style(this.#io.stderr, ['red', 'bold'], 'passport:')} ${safe(message)}`);
      for (const line of way.split('\n')) if (line !== '') this.#line(safe(line));
    }
    if (this.#io.env['PASSPORT_DEBUG'] === '1' && error instanceof Error) {
      this.#line(this.json ? safeJson({ event: 'debug', stack: stackOf(error) }) : stackOf(error));
    }
    return isPassportError(error) ? exitOf(error.code) : EXIT.unexpected;
  }

  /** Something to know while the command runs. `text` may carry style; what came from outside is made safe by the caller. */
  note(text: string): void {
    if (this.json) this.event({ event: 'notice', text });
    else this.#line(text);
  }

  warn(text: string): void {
    if (this.json) this.event({ event: 'notice', text });
    else this.#line(`${this.#style(this.#io.stderr, 'yellow', 'Warning:')} ${text}`);
  }

  event(event: CommandEvent): void {
    if (this.json) this.#io.stderr.write(`${safeJson(event)}\n`);
    else this.#tell(event);
  }

  progress(what: string, done: number, total?: number): void {
    if (!this.json) return this.#progress.update(what, done, total);
    const now = performance.now();
    if (done !== total && now - this.#progressAt < EVENT_MS) return;
    this.#progressAt = now;
    this.event({ event: 'progress', what, done, ...(total === undefined ? {} : { total }) });
  }

  /** Takes a progress bar away before the person is asked. */
  pause(): void {
    this.#progress.clear();
  }

  /** A title in a result. */
  bold(text: string): string {
    return this.#style(this.#io.stdout, 'bold', text);
  }

  /** A warning in a result. */
  red(text: string): string {
    return this.#style(this.#io.stdout, 'red', text);
  }

  #tell(event: CommandEvent): void {
    switch (event.event) {
      case 'number':
        return this.#line(
          `Type ${this.#strong(String(event.number).padStart(2, '0'))} on the device that approves (request ${shortId(event.id)}).`,
        );
      case 'words':
        this.#line('Type these words on the inviting device:');
        this.#line(`\n    ${this.#strong(event.words.map(safe).join(' '))}\n`);
        return this.#line(`Fingerprint of this device: ${event.fingerprint.map(safe).join(' ')}`);
      case 'answered':
        return this.#line(`"${safe(event.name)}" (${safe(event.kind)}, ${safe(event.platform)}) answered.`);
      case 'progress':
        return this.progress(event.what, event.done, event.total);
      case 'waiting':
        if (event.what === this.#waitingFor) return;
        this.#waitingFor = event.what;
        return this.#line(`Waiting: ${safe(event.what)}`);
      case 'conflict':
        return this.#line(`Conflict: ${safe(event.key)} has more than one version. See: passport conflicts`);
      case 'notice':
        return this.#line(safe(event.text));
      case 'card':
        this.#line(safe(event.title));
        for (const line of event.lines) this.#line(`  ${safe(line)}`);
        for (const line of event.warnings) this.warn(safe(line));
        return;
      case 'link':
      case 'synced':
        return;
    }
  }

  #strong(text: string): string {
    return this.#style(this.#io.stderr, 'bold', text);
  }

  #line(text: string): void {
    this.#progress.clear();
    this.#io.stderr.write(`${text}\n`);
  }

  #style(stream: Stream, format: Format, text: string): string {
    const { NO_COLOR, TERM } = this.#io.env;
    const plain = stream.isTTY !== true || this.json || (NO_COLOR !== undefined && NO_COLOR !== '') || TERM === 'dumb';
    // Whether there is colour was decided above, for the stream that is written to; newer Nodes would look at stdout.
    return plain ? text : styleText(format, text, { validateStream: false });
  }
}

function describe(
  error: unknown,
  hint: (code: PassportErrorCode) => string,
): { code: string; message: string; way: string } {
  if (isPassportError(error)) {
    return { code: error.code, message: error.message, way: error.hint ?? hint(error.code) };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    code: 'unexpected',
    message: `something unexpected happened: ${message}`,
    way: 'Please report this line and what led to it. With PASSPORT_DEBUG=1 the same command shows the details.',
  };
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

/** Resolves when the stream has taken the data: the process may end afterwards. */
function written(stream: Stream, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => (error ? reject(error) : resolve()));
  });
}
