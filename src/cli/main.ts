#!/usr/bin/env node
/** The command `passport`: this file only connects the process; run.ts does the work. */
import { PassportError } from '../errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Io } from './io.ts';
import { run } from './run.ts';

const interrupt = new AbortController();

/** The first Ctrl-C asks the command to stop; the second ends the process, which is safe at any instruction. */
function interrupted(): void {
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
  interrupt.abort(new PassportError('aborted', 'interrupted'));
}

process.on('SIGINT', interrupted);
process.on('SIGTERM', interrupted);
process.on('SIGHUP', interrupted);

// `passport ls | head`: who reads no further is done.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.unexpected);
});

const io: Io = {
  // Node makes these streams when they are first read; most commands need no stdin.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  get stderr() {
    return process.stderr;
  },
  env: process.env,
  signal: interrupt.signal,
  now: () => Date.now(),
  terminal: async () => {
    if (process.stdin.isTTY !== true && process.stderr.isTTY !== true) return undefined;
    const { openTerminal } = await import('./terminal.ts');
    return openTerminal(interrupt.signal);
  },
};

process.exit(await run(process.argv.slice(2), io));
