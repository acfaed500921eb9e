/**
 * The one error of this package. A code is stable API: one per decision that a caller can take (docs/errors.md).
 * Programming mistakes stay TypeError and RangeError. No message holds a key, share, plaintext or passphrase.
 */
export const ERROR_CODES = [
  // what came from outside is wrong
  'malformed',
  'unsupported',
  'decryption-failed',
  'damaged',
  'missing',
  'signature-invalid',
  // keys, shares, holders
  'wrong-passphrase',
  'wrong-device-passphrase',
  'passphrase-invalid',
  'passphrase-reused',
  'parameters-refused',
  'keystore-unavailable',
  'locked',
  'session-ended',
  'not-enough-holders',
  'share-invalid',
  'dealer-fault',
  'kit-invalid',
  'kit-unknown',
  'key-refused',
  'random-failed',
  // decisions
  'refused',
  'expired',
  'aborted',
  'waiting',
  'number-mismatch',
  'words-mismatch',
  'pairing-contested',
  'pairing-failed',
  'policy-unsafe',
  'entry-invalid',
  'registry-fork',
  'revoked',
  'name-taken',
  // what was asked for
  'usage',
  'invalid-key',
  'invalid-name',
  'value-too-large',
  'no-such-record',
  'no-such-device',
  'no-such-request',
  'no-such-conflict',
  'conflict-changed',
  'passport-exists',
  'no-passport',
  // the places where things are kept
  'store-unreachable',
  'store-refused',
  'store-full',
  'store-unknown',
  'home-unusable',
  'disk-full',
  'journal-changed',
] as const;

export type PassportErrorCode = (typeof ERROR_CODES)[number];

export interface PassportErrorOptions {
  readonly cause?: unknown;
  /** What the caller may do now, in one sentence. */
  readonly hint?: string;
  /** Facts for programs: names of objects, holders, limits. Never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class PassportError extends Error {
  override readonly name = 'PassportError';
  readonly code: PassportErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: PassportErrorCode, message: string, options: PassportErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** One message for every failed decryption, so that nobody learns which check failed. */
export function decryptionFailed(cause?: unknown): PassportError {
  return new PassportError(
    'decryption-failed',
    'the data cannot be opened with this key',
    cause === undefined ? {} : { cause },
  );
}

export function isPassportError(error: unknown, code?: PassportErrorCode): error is PassportError {
  return error instanceof PassportError && (code === undefined || error.code === code);
}
