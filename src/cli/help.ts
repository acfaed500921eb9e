/** Help, from the tables of commands and options. */
import { COMMANDS, findCommand, usageOf, type CommandSpec } from './commands.ts';
import { GLOBAL_OPTIONS, OPTIONS, type OptionName } from './options.ts';
import { usage } from './parse.ts';
import { wrap } from './render/text.ts';

const COLUMNS = 100;

export function overview(): string {
  const groups = [...new Set(COMMANDS.map(({ group }) => group))];
  const commands = groups.map((group) => {
    const own = COMMANDS.filter((command) => command.group === group);
    return [group, ...own.map((command) => pair(command.name, command.summary))].join('\n');
  });
  return [
    'Keeps your secrets so that any N of your M holders open them together, and no single device or store can.',
    'Usage: passport COMMAND [ARGUMENTS] [OPTIONS]',
    ...commands,
    ['Options for every command', ...globals().map(optionLine)].join('\n'),
    'More about a command: passport help COMMAND',
  ].join('\n\n');
}

export function commandHelp(command: CommandSpec): string {
  const own = [...(command.needs ?? []), ...(command.options ?? [])];
  return [
    `${command.name}: ${command.summary}`,
    `Usage: ${usageOf(command)} [OPTIONS]`,
    ...(command.about ?? []).map((text) => wrap(text, COLUMNS)),
    ...(own.length === 0 ? [] : [['Options', ...own.map(optionLine)].join('\n')]),
    wrap(
      `Every command also takes ${globals()
        .map((name) => `--${name}`)
        .join(', ')}: see passport help.`,
      COLUMNS,
    ),
    ...(command.examples === undefined
      ? []
      : [['Examples', ...command.examples.map((line) => `  ${line}`)].join('\n')]),
  ].join('\n\n');
}

/** For `passport help …`. Throws `usage` for an unknown command. */
export function helpFor(words: readonly string[]): string {
  if (words.length === 0) return overview();
  const name = words.join(' ');
  const command = findCommand(name) ?? COMMANDS.find((candidate) => candidate.name.startsWith(`${name} `));
  if (command === undefined) throw usage('there is no such command', 'See: passport help');
  return commandHelp(command);
}

export function optionName(name: OptionName): string {
  const { short, value } = OPTIONS[name];
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

function optionLine(name: OptionName): string {
  return pair(optionName(name), OPTIONS[name].help);
}

function globals(): OptionName[] {
  return Object.keys(GLOBAL_OPTIONS) as OptionName[];
}

/** A name to the left; what does not fit beside it stands below. */
function pair(name: string, text: string): string {
  const indent = ' '.repeat(32);
  const lines = wrap(text, COLUMNS, indent).split('\n');
  const left = `  ${name}`;
  if (left.length + 2 > indent.length) return [left, ...lines].join('\n');
  return [left.padEnd(indent.length) + (lines[0] as string).trimStart(), ...lines.slice(1)].join('\n');
}
