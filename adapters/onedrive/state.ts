/** What this device keeps about one OneDrive between two runs, sealed through the credentials port: msal's cache with its tokens. */
import { utf8 } from '../../src/bytes.ts';
import { isPassportError, PassportError } from '../../src/errors.ts';
import type { Credentials } from '../../src/storage/credentials.ts';
import { bareCause } from '../../src/storage/http.ts';

export interface OneDriveState {
  readonly v: 1;
  readonly clientId: string;
  readonly authority: string;
  /** msal's id of the account that signed in; absent when that sign-in ended. */
  readonly account?: string;
  /** As msal wrote it: plain JSON with the refresh token. */
  readonly cache: string;
}

/** Undefined when nothing is kept for this store, or nothing that this version understands. */
export async function readState(credentials: Credentials, url: string): Promise<OneDriveState | undefined> {
  const bytes = await credentials.read(url);
  if (bytes === undefined) return undefined;
  try {
    const state = JSON.parse(new TextDecoder().decode(bytes)) as OneDriveState;
    return state.v === 1 ? state : undefined;
  } catch {
    return undefined;
  }
}

export async function writeState(credentials: Credentials, url: string, state: OneDriveState): Promise<void> {
  const bytes = utf8(JSON.stringify(state));
  await credentials.write(url, bytes);
  bytes.fill(0);
}

/** Nobody is signed in (any more); a retry does not help. */
export function signInAgain(url: string, why: string, cause?: unknown): PassportError {
  return new PassportError('store-refused', `OneDrive: ${why}`, {
    hint: `Sign in again: passport store add "${url}"`,
    details: { signIn: true, retry: false },
    ...(cause === undefined ? {} : { cause: bareCause(cause) }),
  });
}

export function isSignedOut(error: unknown): boolean {
  return isPassportError(error, 'store-refused') && error.details['signIn'] === true;
}
