/** Parses, runs one command, shows what it hands back, and says with which exit code the process ends. */
import { isPassportError, PassportError } from '../errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Command } from './context.ts';
import { commandHelp, helpFor } from './help.ts';
import type { Io } from './io.ts';
import { Output, type Outcome } from './output.ts';
import { parse, type Line } from './parse.ts';
import { VERSION } from './version.ts';

export async function run(argv: readonly string[], io: Io): Promise<number> {
  // Looked at before the line is parsed: a program wants its error as JSON also when the line is wrong.
  const output = new Output(io, argv.includes('--json'));
  try {
    const outcome = await perform(parse(argv), io, output);
    await output.outcome(outcome);
    return outcome.exit ?? EXIT.ok;
  } catch (error) {
    const { hintFor } = await import('./hints.ts');
    return output.failure(interruption(error, io.signal), hintFor);
  }
}

async function perform(line: Line, io: Io, output: Output): Promise<Outcome> {
  if (line.options.flag('version')) return { json: { version: VERSION }, result: VERSION };
  if (line.command === undefined || line.options.flag('help')) return help(line);
  const { Context, RUN } = await import('./commands/all.ts');
  const context = new Context(line.args, line.options, io, output);
  try {
    return await (RUN[line.command.name] as Command)(context);
  } finally {
    await context.close();
  }
}

function help({ command, help: words, options }: Line): Outcome {
  const text = command === undefined ? helpFor(words ?? []) : commandHelp(command);
  const asked = words !== undefined || options.flag('help');
  return asked ? { json: { help: text }, result: text } : { json: { help: text }, said: [text], exit: EXIT.usage };
}

/** Whatever an interrupted call threw, the person knows why. */
function interruption(error: unknown, signal: AbortSignal): unknown {
  if (isPassportError(error, 'aborted')) return error;
  const aborted = signal.aborted || (error instanceof Error && error.name === 'AbortError');
  return aborted ? new PassportError('aborted', 'interrupted', { cause: error }) : error;
}
