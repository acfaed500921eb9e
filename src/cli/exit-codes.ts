/**
 * The one table from error codes to exit codes (docs/command.md repeats it; a test compares them).
 * A script decides on the exit code; the finer `code` stands in the JSON error.
 */
import { isPassportError, type PassportErrorCode } from '../errors.ts';

export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  refused: 3,
  locked: 4,
  waiting: 5,
  secret: 6,
  conflict: 7,
  damaged: 8,
  revoked: 9,
  store: 10,
  unknown: 11,
  home: 12,
  interrupted: 130,
} as const;

export type ExitName = keyof typeof EXIT;

export const EXIT_MEANINGS: Readonly<Record<ExitName, string>> = {
  ok: 'done',
  unexpected: 'something that should not happen',
  usage: 'the command line or a given value is wrong; nothing was done',
  refused: 'a person or the protocol said no, or it was cancelled, expired or superseded',
  locked: 'no session is open, or it has ended',
  waiting: 'not enough holders yet: it waits and can be taken up again',
  secret: 'a passphrase or the words of a kit are wrong',
  conflict: 'the versions of a record have changed meanwhile',
  damaged: 'something stored is damaged, missing or refused; `verify` found problems',
  revoked: 'this device was revoked, or the registry is frozen by a fork',
  store: 'no store was reached, or it is full, refuses or has an unknown kind of address',
  unknown: 'no such record, device, request or conflict',
  home: 'the home of this device: none, one already, not usable, disk full, keystore not available',
  interrupted: 'interrupted; the state is good',
};

const BY_ERROR: Readonly<Record<PassportErrorCode, ExitName>> = {
  malformed: 'damaged',
  unsupported: 'damaged',
  'decryption-failed': 'damaged',
  damaged: 'damaged',
  missing: 'damaged',
  'signature-invalid': 'damaged',
  'wrong-passphrase': 'secret',
  'wrong-device-passphrase': 'secret',
  'passphrase-invalid': 'usage',
  'passphrase-reused': 'usage',
  'parameters-refused': 'damaged',
  'keystore-unavailable': 'home',
  locked: 'locked',
  'session-ended': 'locked',
  'not-enough-holders': 'waiting',
  'share-invalid': 'damaged',
  'dealer-fault': 'damaged',
  'kit-invalid': 'secret',
  'kit-unknown': 'secret',
  'key-refused': 'damaged',
  'random-failed': 'unexpected',
  refused: 'refused',
  expired: 'refused',
  aborted: 'interrupted',
  waiting: 'waiting',
  'number-mismatch': 'refused',
  'words-mismatch': 'refused',
  'pairing-contested': 'refused',
  'pairing-failed': 'refused',
  'policy-unsafe': 'usage',
  'entry-invalid': 'damaged',
  'registry-fork': 'revoked',
  revoked: 'revoked',
  'name-taken': 'usage',
  usage: 'usage',
  'invalid-key': 'usage',
  'invalid-name': 'usage',
  'value-too-large': 'usage',
  'no-such-record': 'unknown',
  'no-such-device': 'unknown',
  'no-such-request': 'unknown',
  'no-such-conflict': 'unknown',
  'conflict-changed': 'conflict',
  'passport-exists': 'home',
  'no-passport': 'home',
  'store-unreachable': 'store',
  'store-refused': 'store',
  'store-full': 'store',
  'store-unknown': 'store',
  'home-unusable': 'home',
  'disk-full': 'home',
  'journal-changed': 'home',
};

export function exitOf(code: PassportErrorCode): number {
  return EXIT[BY_ERROR[code]];
}

/** The error codes that end with this exit code, in their order: for the table in the documentation. */
export function errorsOf(name: ExitName): PassportErrorCode[] {
  return (Object.keys(BY_ERROR) as PassportErrorCode[]).filter((code) => BY_ERROR[code] === name);
}

export function exitCodeOf(error: unknown): number {
  return isPassportError(error) ? exitOf(error.code) : EXIT.unexpected;
}
