/** `passport conflicts`: records with more than one version. */
import type { Conflict } from '../../types.ts';
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { bytes, plural, safe, shortId } from '../render/text.ts';
import { relative } from '../render/time.ts';

export async function run(context: Context): Promise<Outcome> {
  const conflicts = await (await context.passport()).conflicts();
  const now = context.io.now();
  return {
    json: conflicts,
    result: conflicts.map((conflict) => show(conflict, now, (text) => context.output.bold(text))).join('\n\n'),
    said:
      conflicts.length === 0
        ? ['No conflicts.']
        : [
            `${plural(conflicts.length, 'conflict')}. The newest version is shown everywhere until you decide.`,
            'Look at one: passport get KEY --at VERSION. Decide: passport resolve ID --newest, or --take VERSION',
          ],
  };
}

function show({ id, key, versions }: Conflict, now: number, bold: (text: string) => string): string {
  const lines = versions.map(({ version, device, time, size, deleted, winner }) => {
    const what = deleted ? 'deleted' : bytes(size);
    return `  ${shortId(version)}  ${what}, by ${safe(device)}, ${relative(time, now)}${winner ? ' (newest)' : ''}`;
  });
  return [`${bold(shortId(id))}  ${safe(key)}`, ...lines].join('\n');
}
