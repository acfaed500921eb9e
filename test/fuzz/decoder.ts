/**
 * A decoder of bytes from outside as a target. The oracle: it refuses with one of the codes that its contract names, or it
 * accepts; and what it accepts is either the one encoding of its value (`again` writes it back, byte for byte) or, where a key
 * authenticates it, one of the samples and nothing else (`genuine`). No message holds a secret.
 */
import { type Bytes, equal, fromHex, hex, utf8 } from '../../src/bytes.ts';
import { isPassportError, type PassportErrorCode } from '../../src/errors.ts';
import { mutateBytes, splice } from './bytes.ts';
import type { Rng } from './rng.ts';
import type { Secrets } from './secrets.ts';
import { saidBy, type Target, Wrong } from './target.ts';
import { anyValue, mutateTree } from './tree.ts';

export interface Decoder<T = unknown> {
  /** The place of the function in src, and what is special about this use of it. */
  readonly name: string;
  /** Exported functions that bytes of this target go through, beside the one in the name. */
  readonly covers?: readonly string[];
  /** Inputs that it accepts. */
  readonly samples: readonly Bytes[];
  readonly decode: (input: Bytes) => T | Promise<T>;
  readonly codes: readonly PassportErrorCode[];
  /** The bytes that this value has; undefined when it has none of its own (an answer like "no"). */
  readonly again?: ((value: T, input: Bytes) => Bytes | undefined) | undefined;
  /** Accepted is nothing but a sample; `undefined` and `false` are refusals. */
  readonly genuine?: boolean;
  /** The input is text: changed by characters too. */
  readonly text?: boolean;
}

/** Text of any input: UTF-8 as far as it is that; behind a byte ff it is UTF-16, so that lone surrogates come too. */
export function textOf(input: Bytes): string {
  if (input[0] !== 0xff) return new TextDecoder('utf-8', { ignoreBOM: true }).decode(input);
  return String.fromCharCode(...Array.from(input.subarray(1, 4097), (byte, i) => (byte << 8) | (input[i + 2] ?? 0)));
}

/** Larger inputs are played again from seed and number. */
const MOST_WRITTEN = 64 * 1024;

function generate<T>(decoder: Decoder<T>, foreign: readonly Bytes[], rng: Rng): Bytes {
  const sample = rng.pick(decoder.samples);
  const way = rng.below(100);
  if (way < 3) return sample;
  if (way < 45) return mutateTree(sample, rng) ?? mutateBytes(sample, rng);
  if (way < 85) return decoder.text === true ? mutateText(sample, rng) : mutateBytes(sample, rng);
  if (way < 92) return splice(sample, rng.pick(foreign), rng);
  if (way < 95) return rng.pick(foreign);
  return rng.once(2) ? anyValue(rng) : rng.bytes(rng.pick([0, 1, 2, 32, 100, 1000]));
}

const CHARACTERS = [
  ' ',
  '\n',
  '\t',
  '.',
  '1',
  '0',
  'A',
  'z',
  'é',
  'e\u0301',
  '\u00a0',
  '\u200b',
  '\ufeff',
  '\u0000',
  '🛂',
  '=',
  '-',
  '/',
];

function mutateText(sample: Bytes, rng: Rng): Bytes {
  const characters = Array.from(textOf(sample));
  for (let left = 1 + rng.below(4); left > 0; left--) {
    const at = rng.below(characters.length + 1);
    const way = rng.below(24);
    if (way < 8) characters.splice(at, 1 + rng.below(3));
    else if (way < 13) characters.splice(at, 0, rng.pick(CHARACTERS));
    else if (way < 17) characters.splice(at, 1, (characters[at] ?? 'x').toUpperCase());
    else if (way < 19) characters.push(...characters.slice(0, rng.below(4000)));
    else characters.splice(at, 1, rng.pick(characters.length > 0 ? characters : ['x']));
  }
  const out = new TextEncoder().encode(characters.join(''));
  return rng.once(30) ? Uint8Array.from([0xff, ...out]) : out;
}

async function run<T>(decoder: Decoder<T>, secrets: Secrets, input: Bytes): Promise<void> {
  const before = input.slice();
  let value: T;
  try {
    value = await decoder.decode(input);
  } catch (error) {
    if (!isPassportError(error)) throw error;
    if (!decoder.codes.includes(error.code))
      throw new Wrong('code', `${error.code} is not among its codes: ${error.message}`);
    secrets.check('the error', saidBy(error));
    return;
  }
  if (!equal(before, input)) throw new Wrong('accepted', 'the input was changed');
  const again = decoder.again?.(value, input);
  const said = decoder.text === true ? utf8(textOf(input)) : input;
  if (again !== undefined && !equal(again, said)) {
    throw new Wrong('accepted', `accepted, but its value is written as ${hex(again).slice(0, 400)}`);
  }
  if (decoder.genuine !== true || value === undefined || value === false) return;
  if (!decoder.samples.some((sample) => equal(sample, input)))
    throw new Wrong('accepted', 'accepted, and nobody made it');
}

/** Halves, ends and single bytes left out. */
function* simpler(input: Bytes): Iterable<Bytes> {
  for (let part = input.length >> 1; part > 0; part = part >> 1) {
    yield input.slice(0, input.length - part);
    yield input.slice(part);
  }
}

export function decoderTarget<T>(decoder: Decoder<T>, secrets: Secrets, foreign: readonly Bytes[]): Target<Bytes> {
  return {
    name: decoder.name,
    group: 'decoder',
    generate: (rng) => generate(decoder, foreign, rng),
    run: (input) => run(decoder, secrets, input),
    write: (input) => (input.length > MOST_WRITTEN ? undefined : hex(input)),
    read: (written) => fromHex(written as string),
    simpler,
  };
}
