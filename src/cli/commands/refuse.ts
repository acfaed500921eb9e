/** `passport refuse`: says no to a request of another device. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';

export async function run(context: Context): Promise<Outcome> {
  const id = context.arg(0);
  const passport = await context.passport();
  await passport.refuse(id);
  return {
    json: { id, state: 'refused' },
    said: [
      'Refused.',
      'You did not expect it? See `passport devices`; a device that is not yours leaves with: passport revoke NAME',
    ],
  };
}
