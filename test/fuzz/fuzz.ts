/**
 * The fuzzer: `npm run fuzz -- [--seconds N] [--seed S] [--only decoder|store|NAME]`. Every target gets its share of the time;
 * a case is made from seed, target and number alone. A finding is made small, printed and written to test/fuzz/found, where
 * found.test.ts plays it for ever. Exit code 1 on a finding.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Collector } from './found.ts';
import { fairest, run, type Tally } from './run.ts';
import type { Target } from './target.ts';
import { allTargets } from './targets.ts';
import { Watchdog } from './watchdog.ts';

const PROGRESS_MS = 5000;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
});
const { seed, only } = values;
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new TypeError('usage: npm run fuzz -- [--seconds N] [--seed S] [--only decoder|store|NAME]');

const say = (line: string) => process.stdout.write(`${line}\n`);
const chosen = ({ name, group }: Target) => only === '' || group === only || name.includes(only);

const targets = (await allTargets()).filter(chosen);
if (targets.length === 0) throw new TypeError(`no target is named "${only}"`);
say(`fuzz: ${targets.length} targets, ${seconds} s, seed ${seed}`);

const watchdog = new Watchdog();
const collector = new Collector(fileURLToPath(new URL('found', import.meta.url)), seed);
const start = performance.now();
let said = start;
const sum = (tallies: readonly Tally[], of: (tally: Tally) => number) =>
  tallies.reduce((all, each) => all + of(each), 0);
const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

const tallies = await run({
  seed,
  targets,
  next: fairest,
  begins: (what) => watchdog.begins(what),
  more: (all) => {
    const now = performance.now();
    if (now - said >= PROGRESS_MS) {
      said = now;
      const cases = sum(all, (each) => each.cases);
      const rate = (cases / ((now - start) / 1000)).toFixed(0);
      say(
        `${((now - start) / 1000).toFixed(0)} s: ${cases} cases, ${rate}/s, ${mib(process.memoryUsage.rss())}, findings ${sum(all, (each) => each.findings)}`,
      );
    }
    return now - start < seconds * 1000;
  },
  onFinding: async ({ target }, number, input, finding) => {
    const file = await collector.keep(target, number, input, finding);
    if (file === undefined) return;
    say(`FINDING ${target.name} seed ${seed} case ${number}: ${finding.rule}: ${finding.message.slice(0, 500)}`);
    say(`  reproduction: test/fuzz/found/${file}`);
  },
});
await watchdog.stop();

for (const { target, cases, spent, slowest, slowestCase } of tallies) {
  const rate = cases === 0 ? 0 : cases / (spent / 1000);
  say(
    `${target.name}: ${cases} cases, ${rate.toFixed(rate < 10 ? 1 : 0)}/s, slowest ${slowest.toFixed(0)} ms of CPU (case ${slowestCase})`,
  );
}
const findings = sum(tallies, (each) => each.findings);
say(`peak of resident memory: ${mib(process.resourceUsage().maxRSS * 1024)}`);
say(`cases ${sum(tallies, (each) => each.cases)}, findings ${findings}, seed ${seed}`);
process.exitCode = findings === 0 ? 0 : 1;
