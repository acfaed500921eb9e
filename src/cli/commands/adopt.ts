/** `passport adopt`: a quarantined change becomes a change of this device. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { byPrefix } from '../pick.ts';
import { safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  const update = byPrefix(await passport.quarantine(), context.arg(0), {
    idOf: ({ id }) => id,
    noun: 'change in quarantine',
    code: 'no-such-record',
    list: 'passport quarantine',
  });
  await passport.adopt(update.id);
  return {
    json: { id: update.id, key: update.key ?? null },
    said: [
      `Took over the change by ${safe(update.device)}${update.key === undefined ? '' : ` of ${safe(update.key)}`}. To the other devices: passport sync`,
    ],
  };
}
