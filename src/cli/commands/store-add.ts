/** `passport store add`: keeps the passport in one more place, filled from this device. */
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { Outcome } from '../output.ts';
import { storeLines } from '../render/sync.ts';
import { safe } from '../render/text.ts';
import { storeUrl } from '../session.ts';

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  const report = await passport.addStore(storeUrl(context.arg(0)), context.storeWork('store add'));
  return {
    json: report,
    said: [
      ...storeLines(report),
      `Every sync of this device now goes to ${safe(report.url)} too. On the other devices: passport store add ${safe(report.url)}`,
      'Kits name the stores of the day they were made: write the new address on them.',
    ],
    exit: report.error === undefined ? EXIT.ok : EXIT.store,
  };
}
