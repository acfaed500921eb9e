/** A command's surroundings without a process: what it wrote, and a person who types prepared answers. */
import { type Ask, type Terminal } from '../../src/cli/terminal.ts';
import { Context } from '../../src/cli/context.ts';
import type { Io } from '../../src/cli/io.ts';
import { Output } from '../../src/cli/output.ts';
import { parse } from '../../src/cli/parse.ts';
import { PassportError } from '../../src/errors.ts';

export interface FakeIo extends Io {
  readonly out: string[];
  readonly err: string[];
}

export interface FakePerson extends Terminal {
  /** Questions, those without echo marked with a `*`. */
  readonly asked: string[];
  /** Everything that stood on the terminal. */
  readonly seen: string[];
}

/** `answers` are typed in their order; a function sees all that was on the terminal. After the last, Ctrl-C. */
export function fakePerson(answers: readonly (string | ((seen: string) => string))[]): FakePerson {
  const rest = [...answers];
  const asked: string[] = [];
  const seen: string[] = [];
  return {
    ...{ asked, seen, columns: 100 },
    ask(question: string, { hidden = false }: Ask = {}) {
      asked.push(`${hidden ? '*' : ''}${question}`);
      seen.push(question);
      const answer = rest.shift();
      if (answer === undefined) return Promise.reject(new PassportError('aborted', 'interrupted'));
      return Promise.resolve(typeof answer === 'string' ? answer : answer(seen.join('\n')));
    },
    write: (text) => void seen.push(text),
    page(text, during) {
      seen.push(text);
      return during();
    },
    close() {},
  };
}

export function fakeIo(
  options: { env?: Record<string, string>; stdin?: Uint8Array; person?: Terminal; tty?: boolean } = {},
): FakeIo {
  const [out, err]: [string[], string[]] = [[], []];
  const stream = (into: string[]) => ({
    isTTY: options.tty ?? false,
    write(data: string | Uint8Array, done?: (error?: Error | null) => void) {
      into.push(typeof data === 'string' ? data : Buffer.from(data).toString('latin1'));
      done?.();
    },
  });
  async function* input() {
    if (options.stdin !== undefined) yield options.stdin;
  }
  return {
    ...{ out, err, stdin: input(), stdout: stream(out), stderr: stream(err), env: options.env ?? {} },
    signal: new AbortController().signal,
    now: () => Date.UTC(2026, 10, 21, 12),
    terminal: () => Promise.resolve(options.person),
  };
}

/** The context in which the command of this line would run. */
export function contextOf(argv: readonly string[], io: FakeIo): Context {
  const { args, options } = parse(argv);
  return new Context(args, options, io, new Output(io, options.flag('json')));
}
