/** `passport lock`: ends the session. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  await passport.lock();
  return { json: { locked: true }, said: ['Locked. PASSPORT_SESSION is worth nothing now: unset PASSPORT_SESSION'] };
}
