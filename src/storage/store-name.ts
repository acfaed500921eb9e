/**
 * The grammar of names in a store, for adapters: 1 to 4 segments of [a-z0-9-], 1..80 characters each, joined by `/`.
 * A name outside it never reaches a store's own paths: no `..`, no empty segment, no upper case that a disk may fold.
 */
import { PassportError } from '../errors.ts';
const SEGMENT = '[a-z0-9-]{1,80}';
const NAME = new RegExp(`^${SEGMENT}(?:/${SEGMENT}){0,3}$`);

/** For names read back from a place that others write to as well. */
export function isName(name: string): boolean {
  return NAME.test(name);
}

/** TypeError: a name outside the grammar is a mistake of the program that calls. */
export function checkName(name: string): void {
  if (typeof name !== 'string' || !NAME.test(name))
    throw new TypeError('a store name is 1 to 4 segments of [a-z0-9-] joined by "/"');
}

/** Whole segments: `a` covers `a/b`, but neither `ab` nor `a` itself. */
export function covers(prefix: string, name: string): boolean {
  return name.startsWith(`${prefix}/`);
}

/** For adapters: what `get` rejects with when an object is larger than the caller is ready to read. */
export function tooLarge(name: string): PassportError {
  return new PassportError('damaged', 'an object in the store is larger than any object of a passport', {
    details: { name },
  });
}
