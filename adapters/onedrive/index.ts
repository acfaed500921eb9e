/**
 * OneDrive as a store. This file is light: msal is loaded when a OneDrive is opened. README.md has options, permissions and limits.
 */
import { PassportError } from '../../src/errors.ts';
import type { OpenContext, OpenStore } from '../../src/storage/adapter.ts';
import type { Store } from '../../src/storage/store.ts';
import { parseOneDriveAddress } from './address.ts';
import type { Network } from './sign-in.ts';
import { readState, signInAgain } from './state.ts';

/** Where Microsoft is. Tests name doubles here. */
export interface OneDriveEndpoints {
  /** Without a slash at the end. */
  readonly graph: string;
  readonly network: Network;
}

const AUTHORITY = 'https://login.microsoftonline.com/common';

/** Opens `onedrive:`. With `signIn` and nobody signed in, signs in first. */
export const open: OpenStore = (url, context) => openOneDrive(url, context);

/** As `open`, with the addresses of Microsoft: tests give those of doubles. */
export async function openOneDrive(url: string, context: OpenContext, endpoints?: OneDriveEndpoints): Promise<Store> {
  const address = parseOneDriveAddress(url);
  const { credentials, clock, env, tell, signal } = context;
  const state = await readState(credentials, url);
  if (state?.account === undefined && !context.signIn) throw signInAgain(url, 'nobody is signed in on this device');
  const clientId =
    state?.account === undefined ? (env['PASSPORT_ONEDRIVE_CLIENT_ID'] ?? state?.clientId) : state.clientId;
  const authority =
    state?.account === undefined
      ? (env['PASSPORT_ONEDRIVE_AUTHORITY'] ?? state?.authority ?? AUTHORITY)
      : state.authority;
  if (clientId === undefined)
    throw new PassportError('usage', 'OneDrive needs an app registration of yours', {
      hint: 'Set PASSPORT_ONEDRIVE_CLIENT_ID (adapters/onedrive/README.md says how to get one).',
    });
  const { MicrosoftApp } = await import('./sign-in.ts');
  const options = { url, clientId, authority, credentials, clock, network: endpoints?.network };
  const app = new MicrosoftApp(options, state?.account);
  if (state?.account === undefined) {
    if (env['PASSPORT_SIGN_IN'] === 'device') await app.signInWithDeviceCode(tell, signal);
    else await app.signInWithBrowser(tell, signal);
  }
  const [{ OneDriveStore }, { Graph, GRAPH }] = await Promise.all([import('./store.ts'), import('./graph.ts')]);
  const token = (refused?: string) => app.token(refused);
  return new OneDriveStore(new Graph({ url, base: endpoints?.graph ?? GRAPH, clock, token }), address, clock);
}
