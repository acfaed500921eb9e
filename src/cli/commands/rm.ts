/** `passport rm`: deletes a record. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const key = context.arg(0).normalize('NFC');
  const passport = await context.passport();
  await passport.delete(key);
  return {
    json: { key, deleted: true },
    said: [
      `Deleted ${safe(key)} on this device; older versions stay in \`passport history\`. To the stores: passport sync`,
    ],
  };
}
