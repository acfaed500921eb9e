/** A OneDrive for one test: the doubles, somebody who signed in with the real msal, and stores of several devices. */
import { openOneDrive, type OneDriveEndpoints } from '../../adapters/onedrive/index.ts';
import type { OpenContext } from '../../src/storage/adapter.ts';
import { createMemoryCredentials } from '../../src/storage/credentials.ts';
import type { Store } from '../../src/storage/store.ts';
import { contextOf, type Device, nowClock } from './drive-setup.ts';
import { ENTRA_CLIENT, EntraDouble } from './entra.ts';
import { GraphDouble } from './graph.ts';

export const ONEDRIVE_URL = 'onedrive:passports';

export interface OneDriveWorld {
  readonly entra: EntraDouble;
  readonly graph: GraphDouble;
  readonly endpoints: OneDriveEndpoints;
  /** Signed in by device code. */
  readonly device: () => Promise<Device>;
  /** Opens the store as one process of a device does. */
  readonly open: (device?: Device) => Promise<Store>;
  readonly stop: () => Promise<void>;
}

export async function oneDriveWorld(): Promise<OneDriveWorld> {
  const entra = await new EntraDouble().start();
  const graph = await new GraphDouble(entra).start();
  const endpoints = { graph: graph.base, network: entra.network() };
  const device = async (): Promise<Device> => {
    const made = { credentials: createMemoryCredentials(), clock: nowClock() };
    await openOneDrive(ONEDRIVE_URL, contextOf(made, SIGN_IN), endpoints);
    return made;
  };
  return {
    ...{ entra, graph, endpoints, device },
    open: async (by) => openOneDrive(ONEDRIVE_URL, contextOf(by ?? (await device())), endpoints),
    stop: async () => {
      await graph.stop();
      await entra.stop();
    },
  };
}

export const SIGN_IN: Partial<OpenContext> = {
  create: true,
  signIn: true,
  env: { PASSPORT_ONEDRIVE_CLIENT_ID: ENTRA_CLIENT, PASSPORT_SIGN_IN: 'device' },
};
