/** The command `passport`: this file only connects the process; run.ts does the work. */
import { PassportError } from '../errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Io } from './io.ts';
import { run } from './run.ts';

export { run };

/** Runs what the command line says and ends the process. */
export function main(): void {
  const interrupt = new AbortController();
  // The first Ctrl-C asks the command to stop; the second ends the process, which is safe at any instruction.
  const interrupted = () => {
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort(new PassportError('aborted', 'interrupted'));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupted);

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
  run(process.argv.slice(2), io).then(
    (code) => process.exit(code),
    (error: unknown) => {
      throw error; // not even the error could be shown: Node shows it
    },
  );
}
