/** `passport quarantine`: what revoked devices wrote and nobody knew of when they left. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { table } from '../render/table.ts';
import { shortId } from '../render/text.ts';
import { date } from '../render/time.ts';

export async function run(context: Context): Promise<Outcome> {
  const updates = await (await context.passport()).quarantine();
  const rows = updates.map(({ id, key, device, time }) => [shortId(id), key ?? '(locked)', device, date(time)]);
  const columns = [{ title: 'ID' }, { title: 'KEY' }, { title: 'BY' }, { title: 'WHEN' }];
  return {
    json: updates,
    result: updates.length === 0 ? '' : table(columns, rows, (title) => context.output.bold(title)),
    said: [
      updates.length === 0 ? 'Nothing is in quarantine.' : 'None of it is merged. To take one over: passport adopt ID',
    ],
  };
}
