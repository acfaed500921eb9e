/** Ids on the command line: the whole id, or a beginning that only one has. */
import { PassportError, type PassportErrorCode } from '../errors.ts';

export interface Picked<T> {
  readonly idOf: (item: T) => string;
  /** As in "there is no such version". */
  readonly noun: string;
  readonly code: PassportErrorCode;
  /** The command that lists them. */
  readonly list: string;
}

export function byPrefix<T>(items: readonly T[], typed: string, { idOf, noun, code, list }: Picked<T>): T {
  const found = typed === '' ? [] : items.filter((item) => idOf(item).startsWith(typed));
  const picked = found.length === 1 ? found[0] : found.find((item) => idOf(item) === typed);
  if (picked !== undefined) return picked;
  if (found.length === 0) throw new PassportError(code, `there is no such ${noun}`, { hint: `See: ${list}` });
  throw new PassportError('usage', `more than one ${noun} begins with that`, { hint: 'Type more of its id.' });
}
