/** Ids on the command line: the whole id, or a beginning that only one has. */
import { PassportError, type PassportErrorCode } from '../errors.ts';

export function byPrefix<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  typed: string,
  code: PassportErrorCode,
  noun: string,
): T {
  const exact = items.find((item) => idOf(item) === typed);
  if (exact !== undefined) return exact;
  const found = typed === '' ? [] : items.filter((item) => idOf(item).startsWith(typed));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1)
    throw new PassportError('usage', `more than one ${noun} begins with that`, { hint: 'Type more of its id.' });
  throw new PassportError(code, `there is no such ${noun}`);
}
