/** `passport refuse`: says no to a request of another device. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { byPrefix } from '../pick.ts';
import { safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  const request = byPrefix(await passport.requests(), ({ id }) => id, context.arg(0), 'no-such-request', 'request');
  await passport.refuse(request.id);
  return {
    json: { id: request.id, state: 'refused' },
    said: [
      `Refused: ${safe(request.card.title)}. If you did not expect it, look at \`passport devices\`; a device that is not yours leaves with \`passport revoke NAME\`.`,
    ],
  };
}
