/** `passport history`: the versions of a record. */
import { PassportError } from '../../errors.ts';
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { table } from '../render/table.ts';
import { bytes, safe, shortId } from '../render/text.ts';
import { date } from '../render/time.ts';

export async function run(context: Context): Promise<Outcome> {
  const key = context.arg(0).normalize('NFC');
  const versions = await (await context.passport()).history(key);
  if (versions.length === 0) throw new PassportError('no-such-record', `there was never a record ${safe(key)}`);
  const rows = versions.map(({ version, time, device, size, deleted, replaced }) => [
    shortId(version),
    date(time),
    device,
    deleted ? 'deleted' : bytes(size),
    replaced ? 'replaced' : 'stands',
  ]);
  const columns = [{ title: 'VERSION' }, { title: 'WHEN' }, { title: 'BY' }, { title: 'SIZE' }, { title: '' }];
  return {
    json: versions,
    result: table(columns, rows, (title) => context.output.bold(title)),
    said: [`An older one: passport get ${safe(key)} --at VERSION`],
  };
}
