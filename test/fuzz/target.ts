/**
 * What is fuzzed, and when a case is a finding. A target makes an input from chance and runs it; it may end in the right
 * answer or in a PassportError that its contract names. All else is a finding: another error, a wrong answer, a secret in a
 * message, too much time or memory, a promise that nobody waits for.
 */
import { isPassportError, type PassportError } from '../../src/errors.ts';
import { Rng } from './rng.ts';

export type Rule = 'error' | 'code' | 'accepted' | 'state' | 'secret' | 'slow' | 'hang' | 'memory' | 'rejection';

export interface Finding {
  readonly target: string;
  readonly rule: Rule;
  readonly message: string;
}

/** Thrown by a target that saw a wrong answer. */
export class Wrong extends Error {
  readonly rule: Rule;
  constructor(rule: Rule, message: string) {
    super(message);
    this.rule = rule;
  }
}

export interface Target<I = unknown> {
  readonly name: string;
  readonly group: 'decoder' | 'store';
  /** The same input for the same chance. */
  generate(rng: Rng): I;
  /** Rejects with `Wrong`, or with whatever the tested code threw and should not have. */
  run(input: I): Promise<void>;
  /** For a file; undefined when it is too large. */
  write(input: I): unknown;
  read(written: unknown): I;
  /** Inputs that are simpler, for a small reproduction. */
  simpler(input: I): Iterable<I>;
}

export interface Limits {
  /** CPU time of one case, all threads, ms. */
  readonly cpuMs: number;
  /** Growth of the heap and of array buffers within one case, bytes. */
  readonly allocated: number;
  /** Growth of the peak of resident memory within one case, bytes. */
  readonly resident: number;
}

const MIB = 1024 * 1024;
export const LIMITS: Record<Target['group'], Limits> = {
  decoder: { cpuMs: 2000, allocated: 64 * MIB, resident: 192 * MIB },
  store: { cpuMs: 5000, allocated: 512 * MIB, resident: 384 * MIB },
};

/** However busy the machine is: after so long a case hangs. */
const HANG_MS = 60_000;

export function rngOf(target: string, seed: string, number: number): Rng {
  return new Rng(`passport-mesh fuzz ${seed}/${target}/${number}`);
}

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

export interface Judged {
  readonly finding: Finding | undefined;
  readonly cpuMs: number;
}

/** Runs one input. */
export async function judge<I>(target: Target<I>, input: I, limits = LIMITS[target.group]): Promise<Judged> {
  const { name } = target;
  const found = (rule: Rule, message: string): Finding => ({ target: name, rule, message });
  unhandled.length = 0;
  const [cpu, memory, peak] = [process.cpuUsage(), process.memoryUsage(), process.resourceUsage().maxRSS];
  let finding: Finding | undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Wrong('hang', `no answer after ${HANG_MS} ms`)), HANG_MS);
  });
  try {
    await Promise.race([target.run(input), late]);
  } catch (error) {
    finding = found(error instanceof Wrong ? error.rule : 'error', describe(error));
  } finally {
    clearTimeout(timer);
  }
  // A rejection is known to be nobody's only when the event loop has turned.
  await new Promise((resolve) => setImmediate(resolve));
  const used = process.cpuUsage(cpu);
  const cpuMs = (used.user + used.system) / 1000;
  const after = process.memoryUsage();
  const allocated = after.heapUsed + after.arrayBuffers - memory.heapUsed - memory.arrayBuffers;
  const resident = (process.resourceUsage().maxRSS - peak) * 1024;
  if (unhandled.length > 0) finding ??= found('rejection', `nobody waited for: ${describe(unhandled[0])}`);
  if (cpuMs > limits.cpuMs) finding ??= found('slow', `${Math.round(cpuMs)} ms of CPU`);
  if (allocated > limits.allocated) finding ??= found('memory', `${Math.round(allocated / MIB)} MiB were allocated`);
  if (resident > limits.resident) finding ??= found('memory', `${Math.round(resident / MIB)} MiB more were resident`);
  return { finding, cpuMs };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Wrong) return error.message;
  const where = (error.stack ?? '')
    .split('\n')
    .filter((line) => line.includes('/src/'))
    .slice(0, 3);
  return [`${error.name}: ${error.message}`, ...where.map((line) => line.trim())].join(' ');
}

/** Everything that an error tells, its causes too. */
export function saidBy(error: PassportError): string {
  const parts: string[] = [];
  for (let each: unknown = error; each instanceof Error && parts.length < 20; each = each.cause) {
    parts.push(each.message);
    if (isPassportError(each)) parts.push(each.hint ?? '', JSON.stringify(each.details));
  }
  return parts.join('\n');
}

/** What two findings of one fault have in common: the rule, and the message without its particulars. */
export function kindOf({ target, rule, message }: Finding): string {
  return [target, rule, message.replaceAll(/"[^"]*"|[0-9a-f]{16,}|\d+/g, '#').slice(0, 120)].join(' ');
}

/** Smaller inputs that end in the same kind of finding, as long as there are any. */
export async function simplify<I>(target: Target<I>, input: I, finding: Finding, tries = 200): Promise<I> {
  let best = input;
  let left = tries;
  for (let progress = true; progress && left > 0;) {
    progress = false;
    for (const smaller of target.simpler(best)) {
      if (left-- <= 0) break;
      const now = (await judge(target, smaller)).finding;
      if (now === undefined || kindOf(now) !== kindOf(finding)) continue;
      best = smaller;
      progress = true;
      break;
    }
  }
  return best;
}
