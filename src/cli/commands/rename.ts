/** `passport rename`: another name for a holder. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { changeOutcome } from '../render/change.ts';
import { safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const [from, to] = [context.arg(0), context.arg(1)];
  const passport = await context.passport();
  const change = await passport.rename(from, to, { ...(await context.kits()), ...context.waiting });
  return changeOutcome(passport, change, `"${safe(from)}" is called "${safe(to)}" now.`);
}
