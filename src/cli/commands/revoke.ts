/** `passport revoke`: a holder leaves, and unless --no-kit a new kit takes its place. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { changeOutcome } from '../render/change.ts';
import { safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const { options } = context;
  const name = context.arg(0);
  const threshold = options.number('threshold');
  const keeper = options.flag('no-kit') ? undefined : await (await import('../kits.ts')).kitKeeper(context);
  const passport = await context.passport();
  const change = await passport.revoke(name, {
    ...(keeper === undefined ? { kit: false } : { keepKits: keeper.keepKits }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(await context.kits()),
    ...context.waiting,
  });
  const files = keeper?.files ?? [];
  const outcome = changeOutcome(passport, change, `"${safe(name)}" is no holder any more.`, [
    ...(files.length === 0
      ? []
      : [`Its place has the kit in ${files.map(safe).join(', ')}: print it, then delete the files.`]),
    'What it had read it may keep: change the passwords that matter, and its access to your stores.',
  ]);
  const lost = change.state !== 'decided' && change.state !== 'waiting' && keeper !== undefined;
  if (!lost) return outcome;
  await keeper.discard();
  return {
    ...outcome,
    said: [...(outcome.said ?? []), 'The new kit was never valid: destroy what you wrote down of it.'],
  };
}
