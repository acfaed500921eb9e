/**
 * What the demo prints: a story in chapters, with the commands that are run and what was checked. Plain lines of at most 80
 * columns; on a terminal also colours, and a line that shows that something is going on.
 */
import { styleText } from 'node:util';

const terminal = process.stdout.isTTY === true;
const colours = terminal && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
const columns = Math.max(40, Math.min(80, terminal ? process.stdout.columns : 80));

type Format = Parameters<typeof styleText>[0];
const style = (format: Format, text: string) => (colours ? styleText(format, text) : text);

/** A check that did not hold. The message is what should have been so. */
export class CheckFailed extends Error {}

interface Chapter {
  readonly title: string;
  readonly checks: number;
  readonly ms: number;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export class Screen {
  readonly #chapters: Chapter[] = [];
  #checks = 0;
  #title = '';
  #began = 0;
  #ticker: NodeJS.Timeout | undefined;
  #frame = 0;
  #gap = false;
  #muted = false;

  title(text: string): void {
    this.#line(style('bold', text));
    this.#line('='.repeat(text.length));
  }

  /** A paragraph. */
  say(text: string): void {
    this.#line('');
    for (const line of wrap(text, columns - 4)) this.#line(`    ${line}`);
    this.#gap = true;
  }

  /** A command as the person would type it. Of an invitation only the beginning is shown: it is good for one use. */
  command(name: string, args: readonly string[], input?: string): void {
    this.#separate();
    const words = args.map((arg) => quoted(arg.startsWith('passport:join#') ? `${arg.slice(0, 20)}…` : arg));
    const line = ['passport', ...words, ...(input === undefined ? [] : ['<', input])];
    const prompt = `${name}$ `;
    const [first = '', ...more] = wrap(line.join(' '), columns - 10 - prompt.length);
    this.#line(`      ${style('dim', prompt)}${style('cyan', first + (more.length > 0 ? ' \\' : ''))}`);
    more.forEach((part, i) => this.#line(`          ${style('cyan', part + (i < more.length - 1 ? ' \\' : ''))}`));
  }

  /** What a device shows its person. */
  shows(text: string): void {
    for (const line of wrap(text, columns - 10)) this.#line(`        ${style('dim', line)}`);
  }

  /** Something that must be so. Throws CheckFailed. `why` is called only when it is not. */
  check(holds: boolean, text: string, why?: () => string): void {
    const [first = '', ...more] = wrap(text, columns - 8);
    const mark = holds ? style('green', '✓') : style('red', '✗');
    this.#line(`    ${mark} ${holds ? first : style('red', first)}`);
    for (const line of more) this.#line(`      ${holds ? line : style('red', line)}`);
    this.#gap = true;
    if (!holds) throw new CheckFailed(why === undefined ? text : `${text}\n${why()}`);
    this.#checks++;
  }

  /** Runs one chapter of the story and notes its time. */
  async chapter(title: string, tell: () => Promise<void>): Promise<void> {
    const number = this.#chapters.length + 1;
    const before = this.#checks;
    this.#title = title;
    this.#began = performance.now();
    this.#line('');
    this.#line(style('bold', `${String(number).padStart(2)}  ${title}`));
    this.#startTicker();
    try {
      await tell();
    } finally {
      this.#stopTicker();
    }
    const ms = performance.now() - this.#began;
    this.#chapters.push({ title, checks: this.#checks - before, ms });
  }

  /** The chapters with their times. */
  table(): void {
    const ms = this.#chapters.reduce((sum, chapter) => sum + chapter.ms, 0);
    const rows = this.#chapters.map((chapter, i) => row(String(i + 1), chapter.title, chapter.checks, chapter.ms));
    const line = '-'.repeat(columns - 4);
    this.#line('');
    this.#line(style('bold', `    ${['    Step'.padEnd(columns - 24), 'Checks', '    Time'].join('  ')}`));
    this.#line(`    ${line}`);
    for (const text of rows) this.#line(`    ${text}`);
    this.#line(`    ${line}`);
    this.#line(`    ${style('bold', row('', 'All of it', this.#checks, ms))}`);
    this.#line('');
  }

  /** The end of a run that failed. */
  failed(what: string): void {
    const at = this.#title === '' ? '' : ` in step ${this.#chapters.length + 1}, "${this.#title}"`;
    this.#line('');
    this.#line(style(['red', 'bold'], `The demo failed${at}:`));
    for (const line of what.split('\n')) this.#line(`  ${line}`);
  }

  /** A line outside of the story. */
  plain(text: string): void {
    this.#line(text);
  }

  /** After Ctrl-C: what still comes is not said any more. */
  mute(): void {
    this.#stopTicker();
    this.#muted = true;
  }

  #separate(): void {
    if (this.#gap) this.#line('');
    this.#gap = false;
  }

  #line(text: string): void {
    if (this.#muted) return;
    this.#clear();
    process.stdout.write(`${text}\n`);
  }

  #startTicker(): void {
    if (!terminal) return;
    this.#ticker = setInterval(() => {
      const frame = FRAMES[this.#frame++ % FRAMES.length] as string;
      const seconds = Math.floor((performance.now() - this.#began) / 1000);
      this.#clear();
      process.stdout.write(style('dim', `      ${frame} ${seconds} s`));
    }, 100);
  }

  #stopTicker(): void {
    clearInterval(this.#ticker);
    this.#clear();
  }

  #clear(): void {
    if (terminal) process.stdout.write('\r\x1b[K');
  }
}

function row(number: string, title: string, checks: number, ms: number): string {
  const room = columns - 28;
  const name = title.length > room ? `${title.slice(0, room - 1)}…` : title.padEnd(room);
  return `${number.padStart(2)}  ${name}  ${String(checks).padStart(6)}  ${seconds(ms).padStart(8)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function quoted(arg: string): string {
  return arg === '' || /[\s#"'$&;<>|*?]/.test(arg) ? `"${arg}"` : arg;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
