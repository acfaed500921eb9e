/** `passport kit check`: does a kit still work? It proves its share without opening anything. */
import type { KitCheck } from '../../types.ts';
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { safe } from '../render/text.ts';
import { askKit } from '../secrets.ts';

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  const given = (await context.kits()).kits;
  const checked: KitCheck[] = [];
  for (const words of given.length > 0 ? given : [await askKit(context)]) checked.push(await passport.checkKit(words));
  return {
    json: checked,
    said: [
      ...checked.map(({ name, epoch }) => `"${safe(name)}" works: its share of epoch ${epoch} is good.`),
      'Put it back where it was.',
    ],
  };
}
