/** `passport unattended`: lets a device open the passport without anybody's approval, or ends that. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { changeOutcome } from '../render/change.ts';
import { safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const name = context.arg(0);
  const on = !context.options.flag('off');
  const passport = await context.passport();
  const change = await passport.unattended(name, on, { ...(await context.kits()), ...context.waiting });
  const done = on
    ? `"${safe(name)}" may open the passport alone, as soon as it has had a session there: until then it has no key to keep.`
    : `"${safe(name)}" may not open the passport alone any more. It forgets the key with its next sync.`;
  return changeOutcome(passport, change, done);
}
