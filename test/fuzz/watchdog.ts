/**
 * What the thread that runs the cases cannot see itself: a loop that never ends, and memory that grows while nothing yields. A
 * thread of its own looks twice a second; past a limit it says which case it was and ends the process.
 */
import { Worker } from 'node:worker_threads';

const STUCK_MS = 120_000;
const MOST_RESIDENT = 3 * 1024 ** 3;
const NAME_BYTES = 200;

const CODE = `
const { workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const { beat, name, stuckMs, most } = workerData;
const [count, text] = [new Int32Array(beat), new Uint8Array(name)];
let [last, since] = [-1, Date.now()];
setInterval(() => {
  const now = Atomics.load(count, 0);
  if (now !== last) [last, since] = [now, Date.now()];
  const resident = process.memoryUsage.rss();
  const why = Date.now() - since > stuckMs ? 'no end' : resident > most ? Math.round(resident / 2 ** 20) + ' MiB' : '';
  if (why === '') return;
  const end = text.indexOf(0);
  writeSync(2, 'FINDING ' + Buffer.from(text.slice(0, end < 0 ? text.length : end)).toString() + ': ' + why + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, 500);
`;

export class Watchdog {
  readonly #beat = new SharedArrayBuffer(4);
  readonly #name = new SharedArrayBuffer(NAME_BYTES);
  readonly #worker: Worker;

  /** Milliseconds without a new case; bytes of resident memory. */
  constructor({ stuckMs = STUCK_MS, most = MOST_RESIDENT } = {}) {
    const workerData = { beat: this.#beat, name: this.#name, stuckMs, most };
    this.#worker = new Worker(CODE, { eval: true, workerData });
    this.#worker.unref();
  }

  /** Before each case. */
  begins(what: string): void {
    const text = new Uint8Array(this.#name);
    text.fill(0);
    new TextEncoder().encodeInto(what, text);
    Atomics.add(new Int32Array(this.#beat), 0, 1);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
