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

/** Opens `onedrive:`. With `signIn` and nobody signed in (any more), signs in first. */
export const open: OpenStore = (url, context) => openOneDrive(url, context);

/** As `open`, with the addresses of Microsoft: tests give those of doubles. */
export async function openOneDrive(url: string, context: OpenContext, endpoints?: OneDriveEndpoints): Promise<Store> {
  const address = parseOneDriveAddress(url);
  const { credentials, clock, env, tell, signal } = context;
  const kept = await readState(credentials, url);
  if (kept?.account === undefined && !context.signIn) throw signInAgain(url, 'nobody is signed in on this device');
  const [{ MicrosoftApp, networkOver }, { OneDriveStore }, { Graph, GRAPH }] = await Promise.all([
    import('./sign-in.ts'),
    import('./store.ts'),
    import('./graph.ts'),
  ]);
  const network = endpoints?.network ?? (context.fetch && networkOver(context.fetch));
  const appOf = (clientId: string, authority: string, account?: string) => {
    const app = new MicrosoftApp({ url, clientId, authority, credentials, clock, network }, account);
    const token = (refused?: string) => app.token(refused);
    return { app, graph: new Graph({ url, base: endpoints?.graph ?? GRAPH, clock, token, fetch: context.fetch }) };
  };
  let graph: InstanceType<typeof Graph> | undefined;
  if (kept?.account !== undefined) {
    ({ graph } = appOf(kept.clientId, kept.authority, kept.account));
    // Whoever adds the store again does so because a sign-in has ended.
    if (context.signIn && !(await graph.isSignedIn(signal))) graph = undefined;
  }
  if (graph === undefined) {
    const clientId = env['PASSPORT_ONEDRIVE_CLIENT_ID'] ?? kept?.clientId;
    if (clientId === undefined)
      throw new PassportError('usage', 'OneDrive needs an app registration of yours', {
        hint: 'Set PASSPORT_ONEDRIVE_CLIENT_ID (adapters/onedrive/README.md says how to get one).',
      });
    const signing = appOf(clientId, env['PASSPORT_ONEDRIVE_AUTHORITY'] ?? kept?.authority ?? AUTHORITY);
    if (env['PASSPORT_SIGN_IN'] === 'device') await signing.app.signInWithDeviceCode(tell, signal);
    else await signing.app.signInWithBrowser(tell, signal);
    ({ graph } = signing);
  }
  return new OneDriveStore(graph, address, clock);
}
