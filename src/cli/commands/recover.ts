/** `passport recover`: opens a passport on a fresh machine from kits. */
import { Passport } from '../../passport.ts';
import type { Context } from '../context.ts';
import type { KitKeeper } from '../kits.ts';
import type { Outcome } from '../output.ts';
import { usage } from '../parse.ts';
import { safe, shortId } from '../render/text.ts';
import { sessionFields, sessionLines, storeUrl } from '../session.ts';

export async function run(context: Context): Promise<Outcome> {
  const { options } = context;
  const name = options.needed('name');
  const stores = options.all('store').map(storeUrl);
  const { kits } = await context.kits();
  if (kits.length === 0) throw usage('--kit is missing', 'Add --kit FILE for each kit, or --kit - to type its words.');
  const replace = options.all('replace');
  const sessionMs = options.time('for');
  const environment = await context.environment();
  const { discardUnused, kitKeeper } = await import('../kits.ts');

  let keeper: KitKeeper | undefined;
  const recovered = Passport.recover(environment, {
    name,
    stores,
    kits,
    // Only where more leaves than comes in is there a new kit.
    keepKits: async (made) => {
      keeper = await kitKeeper(context);
      await keeper.keepKits(made);
    },
    platform: process.platform,
    signal: context.signal,
    ...(replace.length === 0 ? {} : { replace }),
    ...(sessionMs === undefined ? {} : { sessionMs }),
  });
  const passport = context.use(
    await recovered.catch(async (error: unknown) => {
      await discardUnused(keeper, environment);
      throw error;
    }),
  );

  const status = await passport.status();
  const files = keeper?.files ?? [];
  const { result, said } = sessionLines(passport);
  return {
    json: {
      passport: status.passport,
      device: name,
      epoch: status.epoch,
      threshold: status.threshold,
      holders: status.holders,
      canLose: status.canLose,
      kits: files,
      ...sessionFields(passport),
    },
    result,
    said: [
      `Recovered passport ${shortId(status.passport)} on "${safe(name)}".`,
      ...(files.length === 0 ? [] : [`New kits: ${files.map(safe).join(', ')}`]),
      `You can lose ${status.canLose ?? 0} more and still open and change it.`,
      ...said,
      'See who is left with `passport devices`, and enroll the next device: passport invite',
    ],
  };
}
