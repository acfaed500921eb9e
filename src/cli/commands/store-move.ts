/** `passport store move`: fills a new store, reads it back, then lets the old one go. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { storeLines } from '../render/sync.ts';
import { safe } from '../render/text.ts';
import { storeUrl } from '../session.ts';

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  const from = storeUrl(context.arg(0));
  const report = await passport.moveStore(from, storeUrl(context.arg(1)), context.storeWork('store move'));
  return {
    json: report,
    said: [
      ...storeLines(report),
      `Everything in ${safe(report.url)} was read back and is whole. This device does not use ${safe(from)} any more; what is there stays there.`,
      `On the other devices: passport store move ${safe(from)} ${safe(report.url)}. Write the new address on the kits.`,
    ],
  };
}
