/** `passport drill`: could enough holders open the passport today? Nothing is opened. */
import type { DrillReport } from '../../types.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { Outcome } from '../output.ts';
import { table } from '../render/table.ts';
import { relative } from '../render/time.ts';

const STATES: Readonly<Record<DrillReport['holders'][number]['state'], string>> = {
  answered: 'has a good share',
  old: 'answer is old',
  missing: 'no answer',
};

export async function run(context: Context): Promise<Outcome> {
  const report = await (await context.passport()).drill(context.waiting);
  const now = context.io.now();
  const { ok, threshold, holders } = report;
  const good = holders.filter(({ state }) => state === 'answered').length;
  const rows = holders.map(({ name, kind, state, time }) => [
    name,
    kind,
    STATES[state],
    time === undefined ? 'never' : relative(time, now),
  ]);
  const columns = [{ title: 'NAME' }, { title: 'KIND' }, { title: 'SHARE' }, { title: 'WHEN' }];
  return {
    json: report,
    result: table(columns, rows, (title) => context.output.bold(title)),
    said: [
      ok
        ? `Yes: ${good} holders showed good shares, ${threshold} are needed.`
        : `Not shown: ${good} of the ${threshold} needed holders showed a good share. Run \`passport sync\` on the others, \`passport kit check\` for kits.`,
    ],
    exit: ok ? EXIT.ok : EXIT.waiting,
  };
}
