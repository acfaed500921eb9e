/** `passport devices`: the holders. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { table } from '../render/table.ts';
import { relative } from '../render/time.ts';

export async function run(context: Context): Promise<Outcome> {
  const devices = await (await context.passport()).devices();
  const now = context.io.now();
  const rows = devices.map(({ name, seat, kind, state, me, fingerprint, lastSeen }) => [
    me ? `${name} (this)` : name,
    String(seat),
    kind,
    state,
    lastSeen === undefined ? '-' : relative(lastSeen, now),
    fingerprint,
  ]);
  const columns = [
    { title: 'NAME' },
    { title: 'SEAT', right: true as const },
    { title: 'KIND' },
    { title: 'STATE' },
    { title: 'LAST SEEN' },
    { title: 'FINGERPRINT' },
  ];
  return { json: devices, result: table(columns, rows, (title) => context.output.bold(title)) };
}
