/** `passport init`: founds a passport on this machine. */
import { Passport } from '../../passport.ts';
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { plural, safe } from '../render/text.ts';
import { sessionFields, sessionLines, storeUrl } from '../session.ts';

export async function run(context: Context): Promise<Outcome> {
  const { options } = context;
  const name = options.needed('name');
  const stores = options.all('store').map(storeUrl);
  const threshold = options.number('threshold') ?? 2;
  const holders = options.number('holders') ?? 3;
  const sessionMs = options.time('for');
  const { discardUnused, kitKeeper } = await import('../kits.ts');
  const keeper = await kitKeeper(context);

  let words = '';
  const environment = await context.environment();
  const created = Passport.create(environment, {
    name,
    stores,
    threshold,
    holders,
    noSpare: options.flag('no-spare'),
    keepKits: async (kits) => {
      words = kits[0]?.passportWords.join(' ') ?? '';
      await keeper.keepKits(kits);
    },
    platform: process.platform,
    ...(sessionMs === undefined ? {} : { sessionMs }),
  });
  const passport = context.use(
    await created.catch(async (error: unknown) => {
      await discardUnused(keeper, environment);
      throw error;
    }),
  );

  const status = await passport.status();
  const spare = holders - threshold;
  return {
    json: {
      passport: status.passport,
      device: name,
      threshold,
      holders,
      canLose: spare,
      kits: keeper.files,
      stores: status.stores,
      ...sessionFields(passport),
    },
    result: sessionLines(passport).result,
    said: [
      `Created the passport "${words}". Holders: "${safe(name)}" and ${plural(holders - 1, 'recovery kit')}; any ${threshold} of the ${holders} open it.`,
      ...(keeper.files.length === 0
        ? []
        : [
            `The kits are in:`,
            ...keeper.files.map((file) => `  ${safe(file)}`),
            'Print them, put them in different places, then delete the files.',
          ]),
      spare === 0
        ? 'You can lose none of them: one loss is the loss of everything.'
        : `You can lose ${spare} more and still open and change it.`,
      ...sessionLines(passport).said,
      'While this is the only device, each unlock and each change needs a kit. Enroll the second device now: passport invite',
    ],
  };
}
