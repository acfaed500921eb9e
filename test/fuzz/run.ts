/** Runs cases of many targets, fairly by the time that they take, and counts. */
import { type Finding, judge, rngOf, type Target } from './target.ts';

export interface Tally {
  readonly target: Target;
  cases: number;
  /** Wall time, ms. */
  spent: number;
  /** Of one case, CPU ms. */
  slowest: number;
  slowestCase: number;
  findings: number;
}

export interface RunOptions {
  readonly seed: string;
  readonly targets: readonly Target[];
  /** Asked before each case; false ends the run. `tallies` in the order of the targets. */
  readonly more: (tallies: readonly Tally[]) => boolean;
  /** The target of the next case. */
  readonly next: (tallies: readonly Tally[]) => Tally;
  readonly begins?: (what: string) => void;
  readonly onFinding: (tally: Tally, number: number, input: unknown, finding: Finding) => Promise<void>;
}

export async function run({ seed, targets, more, next, begins, onFinding }: RunOptions): Promise<Tally[]> {
  const tallies = targets.map((target): Tally => ({
    target,
    cases: 0,
    spent: 0,
    slowest: 0,
    slowestCase: 0,
    findings: 0,
  }));
  while (more(tallies)) {
    const tally = next(tallies);
    const { target } = tally;
    const number = tally.cases++;
    begins?.(`${target.name} seed ${seed} case ${number}`);
    const start = performance.now();
    const input = target.generate(rngOf(target.name, seed, number));
    const { finding, cpuMs } = await judge(target, input);
    tally.spent += performance.now() - start;
    if (cpuMs > tally.slowest) {
      tally.slowest = cpuMs;
      tally.slowestCase = number;
    }
    if (finding === undefined) continue;
    tally.findings += 1;
    await onFinding(tally, number, input, finding);
  }
  return tallies;
}

/** The target that had the least time so far; decoders have 4 parts in 10 together, stores 6. */
export function fairest(tallies: readonly Tally[]): Tally {
  const spent = (group: Target['group']) =>
    tallies.filter(({ target }) => target.group === group).reduce((sum, each) => sum + each.spent, 0);
  const wanted = spent('decoder') / 4 <= spent('store') / 6 ? 'decoder' : 'store';
  const ofGroup = tallies.filter(({ target }) => target.group === wanted);
  const from = ofGroup.length > 0 ? ofGroup : tallies;
  return from.reduce((least, each) => (each.spent < least.spent ? each : least));
}

/** So many cases of each target, one target after the other. */
export function fixed(cases: (target: Target) => number): Pick<RunOptions, 'more' | 'next'> {
  const open = (tally: Tally) => tally.cases < cases(tally.target);
  return { more: (tallies) => tallies.some(open), next: (tallies) => tallies.find(open) as Tally };
}
