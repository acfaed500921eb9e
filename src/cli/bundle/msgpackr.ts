/**
 * In the place of msgpackr in the bundle of the command (package.json, build:command): lmdb loads it for values that are not
 * bytes, and the journal's values are bytes.
 */
export function Encoder(): never {
  throw new Error('the journal keeps bytes only');
}
