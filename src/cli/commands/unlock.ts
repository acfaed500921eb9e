/** `passport unlock`: opens a session with the shares of other holders. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { sessionFields, sessionLines } from '../session.ts';

export async function run(context: Context): Promise<Outcome> {
  const ttlMs = context.options.time('for');
  const passport = await context.passport();
  await passport.unlock({ ...(await context.kits()), ...context.waiting, ...(ttlMs === undefined ? {} : { ttlMs }) });
  return { json: sessionFields(passport), ...sessionLines(passport) };
}
