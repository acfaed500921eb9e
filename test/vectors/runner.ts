/**
 * Runs a vector of vectors/published through src/: the result, or the layer that refuses. What this project's code says with one
 * error for several layers is told apart in the operation. A vector with an operation that is not here is a mistake: TypeError.
 */
import { CODE_LAYERS, FORMS } from './runner-forms.ts';
import { PRIMITIVES } from './runner-primitives.ts';
import { isPassportError } from '../../src/errors.ts';
import { objects } from './ops/object.ts';
import { words } from './ops/words.ts';
import { Input, type Json, type Operation, Refused, toJson, type Vector } from './schema.ts';

export const PUBLISHED: Readonly<Record<string, Operation>> = {
  ...PRIMITIVES,
  ...FORMS,
  'kit-words': words['kit-words'] as Operation,
  'kit-entropy': words['kit-entropy'] as Operation,
  padme: objects.padme as Operation,
};

export type Outcome = { readonly result: Json } | { readonly refused: string };

/** Errors that are neither a refusal nor a PassportError with a layer go on: they are bugs. */
export async function runPublished({ op, in: fields }: Vector): Promise<Outcome> {
  const operation = PUBLISHED[op];
  if (operation === undefined) throw new TypeError(`no operation "${op}"`);
  try {
    return { result: toJson(await operation(new Input(fields))) };
  } catch (error) {
    if (error instanceof Refused) return { refused: error.layer };
    const layer = isPassportError(error) ? CODE_LAYERS[error.code] : undefined;
    if (layer === undefined) throw error;
    return { refused: layer };
  }
}
