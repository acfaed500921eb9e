/**
 * What this device keeps about one Drive between two runs, sealed through the credentials port: the OAuth client, the tokens,
 * and hints that save requests (ids of folders, ids reserved for new files, what was put a moment ago). Hints may be old or
 * lost: everything that uses them notices.
 */
import { type Bytes, utf8 } from '../../src/bytes.ts';
import { isPassportError, PassportError } from '../../src/errors.ts';
import type { Credentials } from '../../src/storage/credentials.ts';
import { bareCause } from '../../src/storage/http.ts';

export interface OAuthClientId {
  readonly id: string;
  /** Google gives one to desktop clients too, and says that it is not confidential. */
  readonly secret: string;
}

export interface Tokens {
  readonly refresh: string;
  readonly access?: string;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number;
}

/** One file as Drive describes it. */
export interface FileEntry {
  readonly id: string;
  readonly sizeBytes: number;
  /** Hex; files that this adapter puts have it. */
  readonly sha256?: string;
  /** RFC 3339. */
  readonly modified: string;
  /** When this device put it (ms since 1970); absent for what was listed. */
  readonly putAt?: number;
}

export interface FolderEntry {
  readonly id: string;
  /** When this device made it. */
  readonly madeAt?: number;
}

export interface DriveState {
  readonly v: 1;
  readonly client: OAuthClientId;
  tokens?: Tokens | undefined;
  /** Below the store's folder, which is ''. Several of one name are one folder to us. */
  folders: Record<string, FolderEntry[]>;
  /** Reserved by files.generateIds, not used yet. */
  spareIds: string[];
  recent: Record<string, FileEntry>;
}

export function newState(client: OAuthClientId, tokens: Tokens): DriveState {
  return { v: 1, client, tokens, folders: {}, spareIds: [], recent: {} };
}

/** Undefined when nothing is kept for this store, or nothing that this version understands. */
export async function readState(credentials: Credentials, url: string): Promise<DriveState | undefined> {
  const bytes = await credentials.read(url);
  if (bytes === undefined) return undefined;
  try {
    const state = JSON.parse(new TextDecoder().decode(bytes)) as DriveState;
    return state.v === 1 ? state : undefined;
  } catch {
    return undefined;
  }
}

export async function writeState(credentials: Credentials, url: string, state: DriveState): Promise<void> {
  const bytes: Bytes = utf8(JSON.stringify(state));
  await credentials.write(url, bytes);
  bytes.fill(0);
}

/** Nobody is signed in (any more); a retry does not help. */
export function signInAgain(url: string, why: string, cause?: unknown): PassportError {
  return new PassportError('store-refused', `Google Drive: ${why}`, {
    hint: `Sign in again: passport store add "${url}"`,
    details: { signIn: true, retry: false },
    ...(cause === undefined ? {} : { cause: bareCause(cause) }),
  });
}

export function isSignedOut(error: unknown): boolean {
  return isPassportError(error, 'store-refused') && error.details['signIn'] === true;
}
