/** `passport store check`: reads everything in one store, or in each, and compares it with this device. */
import type { VerifyReport } from '../../types.ts';
import { isPassportError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import type { Outcome } from '../output.ts';
import { forkAdvice } from '../render/fork.ts';
import { plural, safe } from '../render/text.ts';
import { storeUrl } from '../session.ts';

export async function run(context: Context): Promise<Outcome> {
  const passport = await context.passport();
  const given = context.args[0];
  const urls = given === undefined ? (await passport.status()).stores.map(({ url }) => url) : [storeUrl(given)];
  const checked: (VerifyReport & { url: string })[] = [];
  const unread: { url: string; error: { code: string; message: string } }[] = [];
  for (const url of urls) {
    try {
      checked.push({ url, ...(await passport.checkStore(url, context.storeWork('store check'))) });
    } catch (error) {
      // Of several stores, the others are checked all the same.
      if (given !== undefined || !isPassportError(error) || !error.code.startsWith('store-')) throw error;
      unread.push({ url, error: { code: error.code, message: error.message } });
    }
  }
  const bad = checked.filter(({ ok }) => !ok);
  return {
    json: [...checked, ...unread],
    result: bad
      .flatMap(({ damaged, missing, contradicts }) => [...damaged, ...missing, ...contradicts].map(safe))
      .join('\n'),
    said: [
      ...checked.map(({ url, ok, checked: count, damaged, missing, contradicts }) =>
        ok
          ? `${safe(url)}: ${plural(count, 'object')}, all whole.`
          : `${safe(url)}: ${plural(damaged.length, 'object is', 'objects are')} damaged, ${missing.length} missing${contradicts.length === 0 ? '' : ', forked: it shows another history than this device has'}.`,
      ),
      ...unread.map(({ url, error }) => `${safe(url)}: not checked, ${safe(error.message)}`),
      ...forkAdvice(bad.flatMap(({ contradicts }) => contradicts)),
      ...(bad.every(({ damaged, missing }) => damaged.length + missing.length === 0)
        ? []
        : ['To put back what this device has: passport verify --repair']),
    ],
    exit: bad.length > 0 ? EXIT.damaged : unread.length > 0 ? EXIT.store : EXIT.ok,
  };
}
