/**
 * Addresses of Google Drive: `drive:FOLDER` is a folder of that name at the top of My Drive, which this program makes and
 * which the person can see; `drive:FOLDER?space=appDataFolder` is hidden, and gone when the person disconnects the app.
 */
import { PassportError } from '../../src/errors.ts';
import { addressOptions, parseAddress } from '../../src/storage/address.ts';

/** Where files lie; `appDataFolder` is also what Drive calls the top folder of that space. */
export type Space = 'drive' | 'appDataFolder';

export interface DriveAddress {
  readonly url: string;
  /** 1 to 100 characters, no `/`. */
  readonly folder: string;
  readonly space: Space;
}

export const SCOPES: Readonly<Record<Space, string>> = {
  drive: 'https://www.googleapis.com/auth/drive.file',
  appDataFolder: 'https://www.googleapis.com/auth/drive.appdata',
};

/** What queries and new folders call the top folder of a space. */
export const TOPS: Readonly<Record<Space, string>> = { drive: 'root', appDataFolder: 'appDataFolder' };

const EXAMPLE = 'For example drive:Passports or drive:Passports?space=appDataFolder.';
const DEFAULT_FOLDER = 'Passport Mesh';

/** `usage` for anything else. `drive:` alone is the folder "Passport Mesh". */
export function parseDriveAddress(url: string): DriveAddress {
  const parsed = parseAddress(url, EXAMPLE);
  const folder = decoded(parsed.pathname) || DEFAULT_FOLDER;
  if (parsed.host !== '' || parsed.hash !== '' || folder.length > 100 || /[/\p{Cc}]/u.test(folder))
    throw wrong('a folder is 1 to 100 characters without "/"');
  const { space = 'drive' } = addressOptions(parsed, ['space']);
  if (space !== 'drive' && space !== 'appDataFolder') throw wrong('space is drive or appDataFolder');
  return { url, folder, space };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw wrong('a % is not followed by two digits');
  }
}

function wrong(why: string): PassportError {
  return new PassportError('usage', `this is no address of a Google Drive: ${why}`, { hint: EXAMPLE });
}
