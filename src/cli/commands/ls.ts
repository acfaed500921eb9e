/** `passport ls`: the records. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { table } from '../render/table.ts';
import { bytes, plural } from '../render/text.ts';
import { relative } from '../render/time.ts';

export async function run(context: Context): Promise<Outcome> {
  const records = await (await context.passport()).list(context.args[0]?.normalize('NFC') ?? '');
  const now = context.io.now();
  const rows = records.map(({ key, type, size, device, time, conflict }) => [
    key,
    bytes(size),
    type,
    device,
    relative(time, now),
    conflict ? 'conflict' : '',
  ]);
  const columns = [
    { title: 'KEY' },
    { title: 'SIZE', right: true as const },
    { title: 'TYPE' },
    { title: 'BY' },
    { title: 'WHEN' },
    { title: '' },
  ];
  const conflicts = records.filter(({ conflict }) => conflict).length;
  return {
    json: records,
    result: records.length === 0 ? '' : table(columns, rows, (title) => context.output.bold(title)),
    said: [
      records.length === 0
        ? 'No records. Write one with: passport put KEY FILE'
        : `${plural(records.length, 'record')}.`,
      ...(conflicts === 0 ? [] : [`${plural(conflicts, 'conflict')}. See: passport conflicts`]),
    ],
  };
}
