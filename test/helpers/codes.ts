/** The code of the PassportError that a call ends with; the name of any other error; 'no error' if there is none. */
import { isPassportError } from '../../src/errors.ts';

export function codeOf(run: () => unknown): string {
  try {
    run();
    return 'no error';
  } catch (error) {
    return nameOf(error);
  }
}

export async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'no error', nameOf);
}

function nameOf(error: unknown): string {
  if (isPassportError(error)) return error.code;
  return error instanceof Error ? error.name : String(error);
}
