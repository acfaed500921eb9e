/** `passport status`: how this device and its passport stand. Asks for nothing: what is sealed stays unknown. */
import type { Status } from '../../types.ts';
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { fields } from '../render/table.ts';
import { plural, safe, shortId } from '../render/text.ts';
import { relative } from '../render/time.ts';

export async function run(context: Context): Promise<Outcome> {
  const status = await (await context.passport()).status();
  const warnings = status.warnings.map((warning) => `${context.output.red('Warning:')} ${safe(warning)}`);
  return {
    json: status,
    result: [fields(rows(status, context.io.now())), ...warnings].join('\n'),
    said: next(status),
  };
}

function rows(status: Status, now: number): [string, string][] {
  const { device, epoch, slot, threshold, holders, canLose, session, pending, keystore } = status;
  const known = (name: string, value: string | undefined): [string, string][] =>
    value === undefined ? [] : [[name, value]];
  const open = session.until === undefined ? 'open' : `open, ends ${relative(session.until, now)}`;
  return [
    ['Passport', shortId(status.passport)],
    ...known('Device', device),
    ...known(
      'Opens with',
      threshold === undefined ? undefined : `any ${threshold} of ${plural(holders ?? 0, 'holder')}`,
    ),
    ...known('Can lose', canLose === undefined ? undefined : `${canLose} more, and still open and change it`),
    ...known('Registry', slot === undefined ? undefined : `slot ${slot}, epoch ${epoch ?? '?'}`),
    ['Session', session.open ? open : 'none'],
    ['Keystore', status.open ? keystore : `${keystore}, sealed`],
    ...known('To send', pending === undefined || pending === 0 ? undefined : plural(pending, 'change')),
    ...status.stores.map(({ url, state, behind, checkedAtMs }): [string, string] => [
      'Store',
      `${url}: ${state}${behind === 0 ? '' : `, ${behind} behind`}${checkedAtMs === undefined ? '' : `, asked ${relative(checkedAtMs, now)}`}`,
    ]),
  ];
}

function next({ session, pending }: Status): string[] {
  if (!session.open) return ['To read and write: eval "$(passport unlock)"'];
  return pending !== undefined && pending > 0 ? ['To send what waits: passport sync'] : [];
}
