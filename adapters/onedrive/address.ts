/**
 * Addresses of OneDrive: `onedrive:` is the app's own folder (Apps/<name of the app>), `onedrive:FOLDER` a folder in it. Whose
 * OneDrive it is, is in the sealed sign-in, not in the address.
 */
import { PassportError } from '../../src/errors.ts';
import { addressOptions, parseAddress } from '../../src/storage/address.ts';

export interface OneDriveAddress {
  readonly url: string;
  /** Below the app's folder; '' is that folder itself. */
  readonly folder: string;
}

const EXAMPLE = 'For example onedrive: or onedrive:passports.';

/** `usage` for anything else. A folder is 1 to 40 of [a-zA-Z0-9-], because OneDrive forbids many names. */
export function parseOneDriveAddress(url: string): OneDriveAddress {
  const parsed = parseAddress(url, EXAMPLE);
  addressOptions(parsed, []);
  if (parsed.host !== '' || parsed.hash !== '' || !/^[a-zA-Z0-9-]{0,40}$/.test(parsed.pathname))
    throw new PassportError('usage', 'this is no address of a OneDrive', { hint: EXAMPLE });
  return { url, folder: parsed.pathname };
}
