/** `passport join`: this machine answers an invitation and becomes a device. */
import { Passport } from '../../passport.ts';
import type { Context } from '../context.ts';
import type { Outcome } from '../output.ts';
import { usage } from '../parse.ts';
import { safe, shortId } from '../render/text.ts';
import { readInput } from '../input.ts';

const MAX_LINK_BYTES = 16 * 1024;

export async function run(context: Context): Promise<Outcome> {
  const name = context.options.needed('name');
  const link = context.arg(0) === '-' ? await linkFromInput(context) : context.arg(0);
  const passport = context.use(
    await Passport.join(await context.environment(), link.trim(), {
      name,
      platform: process.platform,
      ...context.waiting,
    }),
  );
  const status = await passport.status();
  return {
    json: { passport: status.passport, device: name, threshold: status.threshold, holders: status.holders },
    said: [
      `"${safe(name)}" is a device of passport ${shortId(status.passport)} now.`,
      'To read and write here: eval "$(passport unlock)", and approve it on another device.',
    ],
  };
}

async function linkFromInput(context: Context): Promise<string> {
  const bytes = await readInput(context.io.stdin, MAX_LINK_BYTES);
  if (bytes === undefined) throw usage('stdin holds more than a link');
  return new TextDecoder().decode(bytes);
}
