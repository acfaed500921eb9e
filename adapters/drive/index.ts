/**
 * Google Drive as a store. This file is light: the client library is loaded when a Drive is opened. README.md has options,
 * permissions and limits.
 */
import { PassportError } from '../../src/errors.ts';
import type { OpenContext, OpenStore } from '../../src/storage/adapter.ts';
import type { Store } from '../../src/storage/store.ts';
import { parseDriveAddress, SCOPES } from './address.ts';
import type { DriveEndpoints } from './client.ts';
import { type DriveState, newState, type OAuthClientId, readState, signInAgain, writeState } from './state.ts';

/** Opens `drive:FOLDER`. With `signIn` and nobody signed in (any more), signs in first. */
export const open: OpenStore = (url, context) => openDrive(url, context);

/** As `open`, with the addresses of Google: tests give those of doubles. */
export async function openDrive(url: string, context: OpenContext, endpoints?: DriveEndpoints): Promise<Store> {
  const address = parseDriveAddress(url);
  const { credentials, clock } = context;
  let state = await readState(credentials, url);
  if (state?.tokens === undefined && !context.signIn) throw signInAgain(url, 'nobody is signed in on this device');
  const { DriveClient, GOOGLE } = await import('./client.ts');
  const at = endpoints ?? GOOGLE;
  const clientOf = (signedIn: DriveState) =>
    new DriveClient({ url, state: signedIn, credentials, clock, endpoints: at, fetch: context.fetch });
  // Whoever adds the store again does so because a sign-in has ended.
  if (
    state?.tokens !== undefined &&
    context.signIn &&
    !(await clientOf(state).isSignedIn(address.space, context.signal))
  )
    state = { ...state, tokens: undefined };
  if (state?.tokens === undefined) {
    const client = clientFrom(context, state?.client);
    const { signInWithBrowser, signInWithDeviceCode } = await import('./sign-in.ts');
    const signIn = context.env['PASSPORT_SIGN_IN'] === 'device' ? signInWithDeviceCode : signInWithBrowser;
    const tokens = await signIn({ ...context, client, scope: SCOPES[address.space], endpoints: at });
    // Another account may have signed in: hints about the one before are worth nothing.
    state = newState(client, tokens);
    await writeState(credentials, url, state);
  }
  if (address.space === 'appDataFolder' && context.create)
    context.tell(
      'Drive deletes this hidden folder when the app is disconnected from the account: use another store as well.',
    );
  const { DriveStore } = await import('./store.ts');
  return new DriveStore(clientOf(state), address, state, clock);
}

/** The operator's OAuth client: from the environment, else the one of the last sign-in. */
function clientFrom({ env }: OpenContext, known: OAuthClientId | undefined): OAuthClientId {
  const id = env['PASSPORT_DRIVE_CLIENT_ID'] ?? known?.id;
  const secret = env['PASSPORT_DRIVE_CLIENT_SECRET'] ?? known?.secret;
  if (id === undefined || secret === undefined)
    throw new PassportError('usage', 'Google Drive needs an OAuth client of yours', {
      hint: 'Set PASSPORT_DRIVE_CLIENT_ID and PASSPORT_DRIVE_CLIENT_SECRET (adapters/drive/README.md says how to get them).',
    });
  return { id, secret };
}
