/** `passport revoke`: a holder leaves, and unless --no-kit a new kit takes its place. */
import type { Change } from '../../types.ts';
import type { Context } from '../context.ts';
import type { KitKeeper } from '../kits.ts';
import type { Outcome } from '../output.ts';
import { changeOutcome } from '../render/change.ts';
import { and, safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const { options, output } = context;
  const name = context.arg(0);
  const threshold = options.number('threshold');
  const keeper = options.flag('no-kit') ? undefined : await (await import('../kits.ts')).kitKeeper(context);
  const passport = await context.passport();
  const revoked = passport.revoke(name, {
    ...(keeper === undefined ? { kit: false } : { keepKits: keeper.keepKits }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(await context.kits()),
    ...context.waiting,
  });
  const change = await revoked.catch((error: unknown) => {
    const files = keeper?.files ?? [];
    if (files.length > 0)
      output.warn(`The new kit in ${files.map(safe).join(', ')} counts only if the change is decided.`);
    throw error;
  });
  const { stores } = await passport.status();
  const outcome = changeOutcome(passport, change, `"${safe(name)}" is no holder any more.`, [
    'What it had read it may keep: change the passwords that matter.',
    `Take away its access to your stores, where it had its own: ${and(stores.map(({ url }) => safe(url)))}.`,
  ]);
  return {
    ...outcome,
    json: { ...(outcome.json as object), kits: keeper?.files ?? [] },
    said: [...(outcome.said ?? []), ...(keeper === undefined ? [] : await aboutKit(change, keeper))],
  };
}

async function aboutKit({ state }: Change, keeper: KitKeeper): Promise<string[]> {
  const where = keeper.files.length === 0 ? '' : ` in ${keeper.files.map(safe).join(', ')}`;
  if (state === 'decided') return [`The new kit${where} has its place. Keep it on paper only.`];
  if (state === 'waiting') return [`The new kit${where} counts as soon as the change is decided: keep it.`];
  await keeper.discard();
  return ['The new kit was never valid: destroy what you wrote down of it.'];
}
