/** `passport verify`: checks everything in every store; --repair puts back what this device has. */
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { Outcome } from '../output.ts';
import { forkAdvice } from '../render/fork.ts';
import { plural, safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const repair = context.options.flag('repair');
  const passport = await context.passport();
  const report = await passport.verify({
    repair,
    signal: context.signal,
    onProgress: (done: number, total: number) => context.output.progress('verify', done, total),
  });
  const { ok, checked, damaged, missing, contradicts, repaired } = report;
  const list = (title: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${title}:`, ...names.map((name) => `  ${safe(name)}`)];
  const problems = damaged.length + missing.length + contradicts.length;
  const toRepair = [...damaged, ...missing].some((name) => !repaired.includes(name));
  return {
    json: report,
    result: [
      ...list('Damaged', damaged),
      ...list('Missing', missing),
      ...list('Contradicts', contradicts),
      ...list('Repaired', repaired),
    ].join('\n'),
    said: [
      `Checked ${plural(checked, 'object')}: ${ok ? 'all is well.' : `${plural(problems, 'problem')}.`}`,
      ...forkAdvice(contradicts),
      ...(!toRepair
        ? []
        : [
            repair
              ? 'The rest is on another device: run `passport verify --repair` there, then `passport sync` here. Or it is in a store that was not reached.'
              : 'To put back what this device has: passport verify --repair',
          ]),
    ],
    exit: ok ? EXIT.ok : EXIT.damaged,
  };
}
