/** `passport cancel`: takes back an own request or invitation. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';

export async function run(context: Context): Promise<Outcome> {
  const id = context.arg(0);
  const passport = await context.passport();
  await passport.cancel(id);
  return { json: { id, state: 'cancelled' }, said: ['Cancelled; nothing was changed.'] };
}
