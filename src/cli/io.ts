/** The process as the command sees it: a parameter, so that a test can run a command without one. */
import type { Terminal } from './terminal.ts';

export interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(data: string | Uint8Array, done?: (error?: Error | null) => void): unknown;
}

export interface Io {
  readonly stdin: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean };
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** The person's terminal, when stdin or stderr is one: a program that pipes both talks through options. */
  terminal(): Promise<Terminal | undefined>;
}
