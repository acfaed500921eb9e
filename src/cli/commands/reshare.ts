/** `passport reshare`: another threshold for the same holders. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { changeOutcome } from '../render/change.ts';

export async function run(context: Context): Promise<Outcome> {
  const threshold = context.options.number('threshold') as number;
  const passport = await context.passport();
  const noSpare = context.options.flag('no-spare');
  const change = await passport.reshare({ threshold, noSpare, ...(await context.kits()), ...context.waiting });
  return changeOutcome(passport, change, `Any ${threshold} holders open the passport now.`, ['See: passport status']);
}
