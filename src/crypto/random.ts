/**
 * Randomness that fails closed. A source that throws, gives too little, gives one byte over and over or repeats itself ends
 * the operation with `random-failed`; nothing is ever made from it. It cannot notice a source that is merely predictable.
 */
import { type Bytes, copy, equal } from '../bytes.ts';
import { PassportError } from '../errors.ts';
import type { Random } from '../platform.ts';
import { sha256 } from './hash.ts';

/** From this length on, output of one repeated byte or equal to the one before is a fault: chance is below 2^-120. */
const TELLING_LENGTH = 16;

/** `length` bytes of `random`; `random-failed`. */
export function randomBytes(random: Random, length: number): Bytes {
  let out: Bytes;
  try {
    out = random(length);
  } catch (cause) {
    throw failed('threw', cause); // V27
  }
  if (!(out instanceof Uint8Array) || out.length !== length) throw failed('gave another length than asked for'); // V28
  if (length >= TELLING_LENGTH && out.every((byte) => byte === out[0])) throw failed('gave one byte over and over'); // V29
  return out;
}

/**
 * `count` outputs of `randomBytes`, of 16 bytes or more, all different and none equal to one of `others`; `random-failed`. For
 * secrets of which two that are equal would give something away.
 */
export function distinctRandomBytes(random: Random, length: number, count: number, others: readonly Bytes[]): Bytes[] {
  if (length < TELLING_LENGTH) throw new RangeError(`short outputs may be equal by chance: ${length} bytes`);
  const all: Bytes[] = [];
  for (let i = 0; i < count; i++) {
    // A copy: a faulty source may write into the same buffer again.
    const out = copy(randomBytes(random, length));
    if ([...others, ...all].some((other) => equal(other, out))) throw failed('repeated itself');
    all.push(out);
  }
  return all;
}

/** `random` with the checks of `randomBytes`, and none of its outputs equal to the one before: for the outermost shell. */
export function guardRandom(random: Random): Random {
  let before: Bytes | undefined; // its hash: the output itself is somebody's key
  return (length) => {
    const out = randomBytes(random, length);
    if (length >= TELLING_LENGTH) {
      const now = sha256(out);
      if (before !== undefined && equal(before, now)) throw failed('repeated itself'); // V30
      before = now;
    }
    return out;
  };
}

function failed(what: string, cause?: unknown): PassportError {
  return new PassportError('random-failed', `the source of randomness ${what}`, {
    hint: 'Stop and do not use keys made on this machine until it is repaired.',
    ...(cause === undefined ? {} : { cause }),
  });
}
