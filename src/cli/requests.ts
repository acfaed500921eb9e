/** What is open now: the stores are asked first, for a request that nobody looks for is one that nobody answers. */
import type { Passport } from '../passport.ts';
import type { Request } from '../types.ts';
import type { Context } from './context.ts';
import { safe } from './render/text.ts';

export async function currentRequests(context: Context, passport: Passport): Promise<Request[]> {
  const { stores } = await passport.sync({ signal: context.signal });
  for (const { url, error } of stores) {
    if (error !== undefined) context.output.warn(`${safe(url)}: ${safe(error.message)}`);
  }
  return passport.requests();
}
