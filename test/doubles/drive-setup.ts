/** A Drive for one test: the doubles, somebody who is signed in, and stores of several devices through the real client library. */
import { SCOPES, type Space } from '../../adapters/drive/address.ts';
import { openDrive } from '../../adapters/drive/index.ts';
import { newState, writeState } from '../../adapters/drive/state.ts';
import type { OpenContext } from '../../src/storage/adapter.ts';
import { createMemoryCredentials, type Credentials } from '../../src/storage/credentials.ts';
import type { Store } from '../../src/storage/store.ts';
import { TestClock } from '../helpers/mesh.ts';
import { seededRandom } from '../helpers/random.ts';
import { DriveDouble } from './drive.ts';
import { GOOGLE_CLIENT, GoogleAuthDouble } from './google-auth.ts';

export interface DriveWorld {
  readonly auth: GoogleAuthDouble;
  readonly drive: DriveDouble;
  /** Opens the store as one process of a device does; a device keeps its credentials. */
  readonly open: (device?: Device) => Promise<Store>;
  readonly device: () => Promise<Device>;
  readonly stop: () => Promise<void>;
}

export interface Device {
  readonly credentials: Credentials;
  readonly clock: TestClock;
}

export const DRIVE_URL = 'drive:Passports';

export async function driveWorld({ space = 'drive' }: { space?: Space } = {}): Promise<DriveWorld> {
  const auth = await new GoogleAuthDouble().start();
  const drive = await new DriveDouble(auth).start();
  const url = space === 'drive' ? DRIVE_URL : `${DRIVE_URL}?space=${space}`;
  const device = async (): Promise<Device> => {
    const credentials = createMemoryCredentials();
    await writeState(credentials, url, newState(GOOGLE_CLIENT, auth.signedIn(SCOPES[space])));
    return { credentials, clock: nowClock() };
  };
  return {
    auth,
    drive,
    device,
    open: async (by) => openDrive(url, contextOf(by ?? (await device())), auth.endpoints(`${drive.url}/`)),
    stop: async () => {
      await drive.stop();
      await auth.stop();
    },
  };
}

/** A clock that the test moves; it begins at the real time, because the client library reads the real one. */
export function nowClock(): TestClock {
  const clock = new TestClock();
  clock.time = Date.now();
  return clock;
}

export function contextOf({ credentials, clock }: Device, more: Partial<OpenContext> = {}): OpenContext {
  const tell = () => undefined;
  return {
    ...{ credentials, clock, create: false, signIn: false, env: {}, tell },
    random: seededRandom('context'),
    ...more,
  };
}

export async function namesIn(store: Store, prefix = 'p'): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.list(prefix)) names.push(name);
  return names.sort();
}
