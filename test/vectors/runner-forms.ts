/** Operations on CBOR, and on sharing without commitments. */
import { combine } from 'shamir-secret-sharing';
import { type Bytes, copy, equal, fromHex, hex, uintBytes } from '../../src/bytes.ts';
import { decode, encode, type Value } from '../../src/cbor.ts';
import { combineShares, commitShare, commitVek, isCommitted } from '../../src/crypto/share.ts';
import { isPassportError, type PassportErrorCode } from '../../src/errors.ts';
import { shares } from './ops/share.ts';
import { type Input, type Json, type Operation, refuse } from './schema.ts';

/** What a code says where it says one layer. */
export const CODE_LAYERS: Partial<Record<PassportErrorCode, string>> = { 'parameters-refused': 'bound' };

/** One code covers both in src/; its message says whether it is a bound. */
const BOUNDS = /^CBOR: (?:longer than allowed|too many items|nested too deep)$/;

/** Byte strings stand as {bytes: hex}. */
function shown(value: Value): Json {
  if (value instanceof Uint8Array) return { bytes: hex(value) };
  return typeof value === 'object' && value !== null ? value.map(shown) : value;
}

function read(json: Json): Value {
  if (Array.isArray(json)) return json.map((each: Json) => read(each));
  if (typeof json === 'object' && json !== null) return fromHex((json as { bytes: string }).bytes);
  return json;
}

function count(value: Value): number {
  return Array.isArray(value) ? value.reduce((sum: number, each: Value) => sum + count(each), 1) : 1;
}

/** Decodes, and encodes again, what is short from its JSON. What is long is counted. */
function decoded(input: Input) {
  const bytes = input.long('bytes');
  let value: Value;
  try {
    value = decode(bytes, input.has('maxBytes') ? { maxBytes: input.number('maxBytes') } : {});
  } catch (error) {
    if (!isPassportError(error, 'malformed')) throw error;
    return refuse(BOUNDS.test(error.message) ? 'bound' : 'parse');
  }
  const short = typeof input.json('bytes') === 'string';
  if (!equal(encode(short ? read(shown(value)) : value), bytes))
    throw new TypeError('its value is encoded differently');
  return short ? { value: shown(value) } : { items: count(value) };
}

/** Sharing alone: the commitments that src/ wants are made here from what comes in, so that only form and number can be wrong. */
async function combined(input: Input) {
  const threshold = input.number('threshold');
  const terms = { pid: new Uint8Array(32), slot: 0, epoch: 0, threshold, count: 32 };
  const contributions = input.many('shares').map((share, i) => {
    const [holder, seat] = [uintBytes(i, 16), i + 1];
    return { holder, seat, share, commitment: commitShare(share, { ...terms, holder, seat }) };
  });
  if (!contributions.every((each) => isCommitted(each, terms))) return refuse('parse');
  const xs = new Set(contributions.map(({ share }) => share[32]));
  const secret = xs.size < threshold ? new Uint8Array(32) : await interpolated(contributions.map(({ share }) => share));
  try {
    const { vek, bad } = await combineShares(contributions, { ...terms, vekCommitment: commitVek(secret, terms) });
    if (bad.length > 0 || !equal(vek, secret)) throw new TypeError('another secret than that of the library');
    return { secret: vek };
  } catch (error) {
    if (!isPassportError(error) || xs.size >= threshold) throw error;
    return refuse('approval');
  }
}

/** The library that src/ uses; `combineShares` gives a secret only to who knows its commitment. */
async function interpolated(points: readonly Bytes[]): Promise<Bytes> {
  return copy(await combine(points.map(copy)));
}

/** RangeError is what src/ answers to numbers that are no sharing. */
async function dealt(input: Input) {
  try {
    return await (shares['shares-deal'] as Operation)(input);
  } catch (error) {
    if (error instanceof RangeError) return refuse('policy');
    throw error;
  }
}

export const FORMS: Readonly<Record<string, Operation>> = {
  'cbor-decode': decoded,
  'shamir-combine': combined,
  'shares-deal': dealt,
};
