/**
 * From the command line to a command with its arguments and options, by `parseArgs` of Node. One pass: an option means the
 * same everywhere (options.ts), and only afterwards is it checked that the command knows it.
 */
import { parseArgs } from 'node:util';
import { PassportError } from '../errors.ts';
import { COMMANDS, findCommand, usageOf, type CommandSpec } from './commands.ts';
import { GLOBAL_OPTIONS, OPTIONS, type OptionName } from './options.ts';

export interface Line {
  /** Absent for `passport`, `passport --help`, `passport --version` and `passport help …`. */
  readonly command?: CommandSpec;
  readonly args: readonly string[];
  readonly options: Options;
  /** Words after `help`. */
  readonly help?: readonly string[];
}

/** The given options, each read once with its type. */
export class Options {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  flag(name: OptionName): boolean {
    return this.#values[name] === true;
  }

  all(name: OptionName): readonly string[] {
    return (this.#values[name] as string[] | undefined) ?? [];
  }

  text(name: OptionName): string | undefined {
    const value = this.#values[name];
    if (!Array.isArray(value)) return value as string | undefined;
    if (value.length > 1) throw usage(`--${name} may be given once here`);
    return value[0] as string | undefined;
  }

  /** One that the command needs: the parser has checked that it is there. */
  needed(name: OptionName): string {
    return this.text(name) as string;
  }

  /** A whole number >= 0. */
  number(name: OptionName): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^\d{1,6}$/.test(value)) throw usage(`--${name} wants a whole number`);
    return Number(value);
  }

  /** Milliseconds. */
  time(name: OptionName): number | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : duration(value, name);
  }

  given(): OptionName[] {
    return Object.keys(this.#values) as OptionName[];
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function duration(text: string, option: string): number {
  const [, digits, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) {
    if (text === '0') return 0;
    throw usage(`--${option} wants a time such as 30m, 8h or 2d`);
  }
  return Number(digits) * (UNITS[unit] as number);
}

/** Throws `usage`. */
export function parse(argv: readonly string[]): Line {
  const { values, positionals } = tokens(argv);
  const options = new Options(values);
  if (options.flag('version')) return { args: [], options };
  if (positionals[0] === undefined) return { args: [], options };
  if (positionals[0] === 'help') return { args: [], options, help: positionals.slice(1) };

  const command = named(positionals);
  const args = positionals.slice(command.name.split(' ').length);
  const allowed = new Set<string>([
    ...Object.keys(GLOBAL_OPTIONS),
    ...(command.needs ?? []),
    ...(command.options ?? []),
  ]);
  for (const name of options.given()) {
    if (!allowed.has(name)) throw usage(`"${command.name}" has no option --${name}`, seeHelp(command));
  }
  if (options.flag('help')) return { command, args, options };
  checkCount(command, args);
  const missing = (command.needs ?? []).find((name) => options.all(name).length === 0);
  if (missing !== undefined) throw usage(`--${missing} is missing`, `Usage: ${usageOf(command)}`);
  return { command, args, options };
}

function tokens(argv: readonly string[]) {
  const options: Record<string, { type: 'string' | 'boolean'; multiple?: boolean; short?: string }> = {};
  for (const [name, spec] of Object.entries(OPTIONS)) {
    options[name] = {
      type: spec.value === undefined ? 'boolean' : 'string',
      ...(spec.value === undefined ? {} : { multiple: true }),
      ...(spec.short === undefined ? {} : { short: spec.short }),
    };
  }
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw badOption(error);
  }
}

/** Node's own words about a bad option are kept up to their first sentence; a near miss is offered. */
function badOption(error: unknown): PassportError {
  const message = error instanceof Error ? error.message : String(error);
  const unknown = /^Unknown option '(-{1,2}[^']*)'/.exec(message)?.[1];
  if (unknown === undefined) return usage((message.split(/\.\s|\n/)[0] as string).replace(/^Option/, 'option'));
  const near = nearest(unknown.replace(/^-+/, ''), Object.keys(OPTIONS));
  return usage(`unknown option ${unknown}`, near === undefined ? undefined : `Did you mean --${near}?`);
}

function named(positionals: readonly string[]): CommandSpec {
  const [first, second] = positionals as readonly [string, ...string[]];
  const command = findCommand(first) ?? (second === undefined ? undefined : findCommand(`${first} ${second}`));
  if (command !== undefined) return command;
  const longer = COMMANDS.find(({ name }) => name.startsWith(`${first} `));
  if (longer !== undefined) throw usage(`"${first}" needs a second word`, `Try: passport ${longer.name}`);
  const near = nearest(
    first,
    COMMANDS.map(({ name }) => name),
  );
  throw usage(`there is no command "${first}"`, near === undefined ? 'See: passport help' : `Did you mean "${near}"?`);
}

function checkCount(command: CommandSpec, args: readonly string[]): void {
  const known = command.args ?? [];
  const missing = known[args.length];
  if (missing !== undefined && missing.optional !== true) {
    throw usage(`${missing.name} is missing`, `Usage: ${usageOf(command)}`);
  }
  if (args.length > known.length) {
    // Not repeated in the message: it may be a secret in the wrong place.
    throw usage(
      `"${command.name}" takes no more than ${known.length} ${known.length === 1 ? 'argument' : 'arguments'}`,
      `Usage: ${usageOf(command)}`,
    );
  }
}

function seeHelp(command: CommandSpec): string {
  return `See: passport help ${command.name}`;
}

export function usage(message: string, hint?: string): PassportError {
  return new PassportError('usage', message, hint === undefined ? {} : { hint });
}

/** The candidate at most two edits away, or one that begins with the text. */
function nearest(text: string, candidates: readonly string[]): string | undefined {
  const begins = candidates.filter((candidate) => text.length > 1 && candidate.startsWith(text));
  if (begins.length === 1) return begins[0];
  const scored = candidates.map((candidate) => ({ candidate, edits: distance(text, candidate) }));
  scored.sort((a, b) => a.edits - b.edits);
  const best = scored[0];
  return best !== undefined && best.edits <= Math.min(2, text.length - 1) ? best.candidate : undefined;
}

/** Levenshtein. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
