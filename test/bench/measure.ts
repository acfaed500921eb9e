/**
 * What every part of the bench shares: whole processes timed from outside, medians of paired runs, and the table. A figure is
 * only ever compared with its peer of the same round: on a shared machine the absolute times of two minutes differ twofold.
 */
import { spawnSync } from 'node:child_process';

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Wall time of one whole process in ms, and what it wrote to stdout. Throws when it fails. */
export function timed({ file, args, env }: Program): { ms: number; stdout: string } {
  const begin = process.hrtime.bigint();
  const done = spawnSync(file, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 });
  const ms = Number(process.hrtime.bigint() - begin) / 1e6;
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${done.status}: ${done.stderr}`);
  return { ms, stdout: done.stdout };
}

export function installed(file: string): boolean {
  return spawnSync(file, ['version'], { stdio: 'ignore' }).status === 0;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The median over rounds of what `pair` makes of a round. */
export function paired(
  ours: readonly number[],
  peer: readonly number[],
  pair: (ours: number, peer: number) => number,
): number {
  return median(ours.map((value, round) => pair(value, peer[round] as number)));
}

export interface Row {
  readonly what: string;
  /** Ours and the peer's, as they are printed. */
  readonly ours: string;
  readonly peer: string;
  /** What the target is about. Without a peer there is neither. */
  readonly figure?: string;
  readonly target?: string;
  readonly met?: boolean;
}

export const ms = (value: number) => `${value.toFixed(0)} ms`;
export const ratio = (value: number) => `${value.toFixed(2)}x`;

/** A ratio of ours to the peer's, round by round. */
export function ratioRow(
  what: string,
  peerName: string,
  ours: readonly number[],
  peer: readonly number[],
  most: number,
): Row {
  const figure = paired(ours, peer, (a, b) => a / b);
  const target = `<= ${ratio(most)}`;
  return {
    ...{ what, target },
    ours: ms(median(ours)),
    peer: `${peerName} ${ms(median(peer))}`,
    figure: ratio(figure),
    met: figure <= most,
  };
}

export function table(rows: readonly Row[]): string {
  const cells = [
    ['', 'ours', 'peer', 'figure', 'target', ''],
    ...rows.map(({ what, ours, peer, figure = '', target = '', met }) => [
      ...[what, ours, peer, figure, target],
      met === undefined ? '' : met ? 'met' : 'MISSED',
    ]),
  ];
  const widths = (cells[0] as string[]).map((_, column) =>
    Math.max(...cells.map((row) => (row[column] as string).length)),
  );
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
