/** Runs one vector through this implementation: the result, or the layer that refuses. */
import { type PassportErrorCode, isPassportError } from '../../src/errors.ts';
import { OPERATIONS } from './ops/all.ts';
import { Input, type Json, Refused, toJson } from './schema.ts';

/** The layer of a code, where the code says it. What has one code for several layers is told apart by the operation. */
const LAYER_OF: Partial<Record<PassportErrorCode, string>> = {
  malformed: 'parse',
  unsupported: 'unsupported',
  'signature-invalid': 'signature',
  'parameters-refused': 'bound',
  'passphrase-invalid': 'bound',
  'value-too-large': 'bound',
  'wrong-passphrase': 'commitment',
  'not-enough-holders': 'approval',
  'key-refused': 'key',
  expired: 'expired',
  revoked: 'revoked',
};

export type Outcome = { readonly result: Json } | { readonly refused: string };

/** Throws for an operation that is not known, for a vector with a mistake, and for any other error than a PassportError. */
export async function runVector(
  op: string,
  input: Json,
  given: { readonly [name: string]: Json } = {},
): Promise<Outcome> {
  const operation = OPERATIONS[op];
  if (operation === undefined) throw new TypeError(`no operation "${op}"`);
  try {
    return { result: toJson(await operation(new Input(input, given))) };
  } catch (error) {
    if (error instanceof Refused) return { refused: error.layer };
    if (!isPassportError(error)) throw error;
    const layer = LAYER_OF[error.code];
    if (layer === undefined) throw new Error(`the code ${error.code} has no layer: ${error.message}`, { cause: error });
    return { refused: layer };
  }
}
