/** `passport cancel`: takes back an own request. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { byPrefix } from '../pick.ts';
import { safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  const request = byPrefix(await passport.requests(), ({ id }) => id, context.arg(0), 'no-such-request', 'request');
  await passport.cancel(request.id);
  return {
    json: { id: request.id, state: 'cancelled' },
    said: [`Cancelled: ${safe(request.card.title)}. Nothing was changed.`],
  };
}
