/** `passport store list`: where this device keeps the passport, and how each store stood when it was last asked. */
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { table } from '../render/table.ts';
import { relative } from '../render/time.ts';

export async function run(context: Context): Promise<Outcome> {
  const { stores, open } = await (await context.passport()).status();
  const rows = stores.map(({ url, state, behind, checkedAtMs }) => [
    url,
    state,
    String(behind),
    checkedAtMs === undefined ? 'never' : relative(checkedAtMs, context.io.now()),
  ]);
  return {
    json: stores,
    result: table([{ title: 'Store' }, { title: 'State' }, { title: 'Behind', right: true }, { title: 'Asked' }], rows),
    said: open ? [] : ['The home is sealed, so its stores are not known: passport unlock'],
  };
}
