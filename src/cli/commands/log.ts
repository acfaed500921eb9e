/** `passport log`: the registry in words. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { and, safe } from '../render/text.ts';
import { date } from '../render/time.ts';

export async function run(context: Context): Promise<Outcome> {
  const log = await (await context.passport()).log();
  const lines = log.map(({ slot, time, by, approvedBy, summary }) => {
    const approved = approvedBy.length === 0 ? '' : `, approved by ${and(approvedBy.map(safe))}`;
    return `${context.output.bold(String(slot).padStart(4))}  ${date(time)}  ${safe(summary)} (by ${safe(by)}${approved})`;
  });
  return { json: log, result: lines.join('\n') };
}
