/** `passport resolve`: settles a conflict by hand, or by the newest version. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { usage } from '../parse.ts';
import { byPrefix } from '../pick.ts';
import { safe } from '../render/text.ts';

export async function run(context: Context): Promise<Outcome> {
  const take = context.options.text('take');
  const newest = context.options.flag('newest');
  if ((take === undefined) === !newest) throw usage('say which version stays', 'Add --take VERSION or --newest.');
  const passport = await context.passport();
  const conflict = byPrefix(await passport.conflicts(), context.arg(0), {
    idOf: ({ id }) => id,
    noun: 'conflict',
    code: 'no-such-conflict',
    list: 'passport conflicts',
  });
  const version =
    take === undefined
      ? conflict.versions.find(({ winner }) => winner)
      : byPrefix(conflict.versions, take, {
          idOf: ({ version }) => version,
          noun: 'version in this conflict',
          code: 'no-such-record',
          list: 'passport conflicts',
        });
  await passport.resolveConflict({
    conflictId: conflict.id,
    ...(take === undefined || version === undefined
      ? { resolution: 'newest' as const }
      : { resolution: 'manual' as const, selectedVersion: version.version }),
  });
  return {
    json: { id: conflict.id, key: conflict.key, version: version?.version ?? null },
    said: [
      `Settled: ${safe(conflict.key)} is the version by ${safe(version?.device ?? 'the newest writer')}. To the other devices: passport sync`,
    ],
  };
}
