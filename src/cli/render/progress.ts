/**
 * Progress on stderr: a bar that rewrites its line on a terminal, plain lines at most once a second elsewhere.
 * Something that is quick shows nothing: the first line comes after half a second.
 */
import { safe } from './text.ts';

const FIRST_MS = 500;
const BAR_MS = 80;
const LINE_MS = 1000;
const BAR_CELLS = 24;

export class Progress {
  readonly #write: (text: string) => void;
  readonly #bar: boolean;
  readonly #now: () => number;
  readonly #started = new Map<string, number>();
  #shownAt = -Infinity;
  #open = false;

  constructor(write: (text: string) => void, bar: boolean, now: () => number = () => performance.now()) {
    this.#write = write;
    this.#bar = bar;
    this.#now = now;
  }

  update(what: string, done: number, total: number | undefined): void {
    const now = this.#now();
    const started = this.#started.get(what) ?? now;
    this.#started.set(what, started);
    if (now - started < FIRST_MS || now - this.#shownAt < (this.#bar ? BAR_MS : LINE_MS)) return;
    this.#shownAt = now;
    if (this.#bar) {
      this.#open = true;
      this.#write(`\r\x1b[K${line(what, done, total, true)}`);
    } else {
      this.#write(`${line(what, done, total, false)}\n`);
    }
  }

  /** Takes the bar away, so that something else can be written. */
  clear(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#write('\r\x1b[K');
  }
}

function line(what: string, done: number, total: number | undefined, bar: boolean): string {
  const name = safe(what);
  if (total === undefined || total <= 0) return `${name}: ${done}`;
  const part = Math.min(1, done / total);
  const numbers = `${done}/${total} (${Math.floor(part * 100)} %)`;
  if (!bar) return `${name}: ${numbers}`;
  const cells = Math.round(part * BAR_CELLS);
  return `${name} [${'#'.repeat(cells)}${'.'.repeat(BAR_CELLS - cells)}] ${numbers}`;
}
