/**
 * Devices of a test world that keep their passport at a provider: each signs in by itself and opens its store as the command does
 * (node/stores.ts, node/home.ts); only the address of the provider and the length of pauses are the test's.
 */
import { inspect } from 'node:util';
import type { Bytes } from '../../src/bytes.ts';
import { openDrive } from '../../adapters/drive/index.ts';
import { openOneDrive } from '../../adapters/onedrive/index.ts';
import { PassportError, type Store } from '../../src/index.ts';
import { nodeClock } from '../../src/node/clock.ts';
import { openStore } from '../../src/node/stores.ts';
import type { OpenContext } from '../../src/storage/adapter.ts';
import { createMemoryCredentials } from '../../src/storage/credentials.ts';
import { withLimit } from '../../src/storage/with-limit.ts';
import { withRetry } from '../../src/storage/with-retry.ts';
import { withTimeout } from '../../src/storage/with-timeout.ts';
import type { Home, World } from '../helpers/mesh.ts';
import { S3_KEYS } from '../servers/servers.ts';
import { DRIVE_URL, driveWorld } from './drive-setup.ts';
import { ENTRA_CLIENT } from './entra.ts';
import { GOOGLE_CLIENT } from './google-auth.ts';
import { ONEDRIVE_URL, oneDriveWorld } from './graph-setup.ts';
import type { HttpDouble, Reply } from './http-double.ts';

export interface Provider {
  readonly name: string;
  readonly url: string;
  readonly files: HttpDouble & { quotaBytes: number };
  readonly auth: HttpDouble & { revoke(): void; expireAccess(): void };
  readonly env: Readonly<Record<string, string>>;
  readonly open: (url: string, context: OpenContext) => Promise<Store>;
  /** The person opens the address that the sign-in in the browser told. */
  readonly visit: (page: string) => Promise<unknown>;
  /** Deletes what lies in the store's folder, by hand; with `folder`, that folder too. */
  readonly wipe: (options?: { folder?: boolean }) => void;
  /** Names of the objects there, below the store's folder. */
  readonly names: () => string[];
  readonly usedBytes: () => number;
  /** What it answers when it is asked too often. */
  readonly tooOften: Reply;
  /** Everything that nobody may read: tokens, codes, and the client's secret. */
  readonly secrets: RegExp;
  readonly stop: () => Promise<void>;
}

export async function googleDrive(): Promise<Provider> {
  const { auth, drive, stop } = await driveWorld();
  const below = () => drive.items.paths().filter(([path]) => path.startsWith('Passports/'));
  return {
    ...{ name: 'Google Drive', url: DRIVE_URL, files: drive, auth, stop },
    env: { PASSPORT_DRIVE_CLIENT_ID: GOOGLE_CLIENT.id, PASSPORT_DRIVE_CLIENT_SECRET: GOOGLE_CLIENT.secret },
    open: (url, context) => openDrive(url, context, auth.endpoints(`${drive.url}/`)),
    visit: (page) => fetch(page),
    wipe({ folder = false } = {}) {
      for (const [path, { id }] of drive.items.paths())
        if (path.startsWith('Passports/') || folder) drive.items.remove(id);
    },
    names: () =>
      below().flatMap(([path, { content }]) => (content === undefined ? [] : [path.slice('Passports/'.length)])),
    usedBytes: () => drive.items.used(),
    tooOften: {
      status: 403,
      body: { error: { code: 403, errors: [{ reason: 'rateLimitExceeded' }], message: 'Rate Limit' } },
    },
    secrets: /1\/\/refresh-|1%2F%2Frefresh-|ya29\.access-|4\/code-|4%2Fcode-|GOCSPX|device-\d/,
  };
}

export async function microsoftOneDrive(): Promise<Provider> {
  const { entra, graph, endpoints, stop } = await oneDriveWorld();
  const { items } = graph;
  const filesIn = (item: typeof items.root): string[] =>
    [...item.children.values()].flatMap((child) =>
      child.content === undefined ? filesIn(child).map((path) => `${child.name}/${path}`) : [child.name],
    );
  return {
    ...{ name: 'OneDrive', url: ONEDRIVE_URL, files: graph, auth: entra, stop },
    env: { PASSPORT_ONEDRIVE_CLIENT_ID: ENTRA_CLIENT },
    open: (url, context) => openOneDrive(url, context, endpoints),
    visit: (page) => entra.browse(page),
    wipe: ({ folder = false } = {}) => (folder ? items.root : items.folders(['passports'])).children.clear(),
    names: () => filesIn(items.folders(['passports'])),
    usedBytes: () => items.used(),
    tooOften: { status: 429, body: { error: { code: 'activityLimitReached', message: 'Too many requests' } } },
    secrets: /EwB-access-|M\.R-refresh-|M\.C-code-|device-\d/,
  };
}

/** A home at the provider, and what its stores told and kept. */
export interface SignedHome {
  readonly home: Home;
  readonly told: string[];
  /** How it signs in: `browser` needs somebody who opens the page, which the test does. */
  signIn: 'browser' | 'device';
  /** What its journal keeps for its store at the provider, once there is a passport. */
  sealed: () => Promise<Bytes | undefined>;
  /** Everything that a call of its stores ended with, retried or not. */
  readonly thrown: unknown[];
  /** Passes for the adapters only. */
  laterMs: number;
}

const S3_ENV = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
Object.assign(process.env, S3_ENV); // read by the SDK itself

/** Credentials of stores that are opened before there is a device wait in memory, as in node/home.ts. */
export function homeAt(world: World, provider: Provider, signIn: 'browser' | 'device'): SignedHome {
  const home = world.home();
  const early = createMemoryCredentials();
  const made: SignedHome = { home, told: [], signIn, sealed: async () => undefined, thrown: [], laterMs: 0 };
  const clock = {
    ...nodeClock,
    now: () => nodeClock.now() + made.laterMs,
    sleep: (ms: number, signal?: AbortSignal) => nodeClock.sleep(ms / 50, signal),
  };
  const tell = (text: string) => {
    made.told.push(text);
    const page = /http\S+/.exec(text)?.[0];
    if (made.signIn === 'browser' && page !== undefined)
      provider.visit(page).catch((error: unknown) => made.thrown.push(error));
  };
  home.environment.openStore = async (url, { create = false, signIn = false, credentials } = {}) => {
    const kept = await early.read(url);
    if (credentials !== undefined && kept !== undefined) {
      await credentials.write(url, kept);
      await early.write(url, null);
    }
    if (credentials !== undefined && url === provider.url) made.sealed = () => credentials.read(url);
    const env = { ...provider.env, ...S3_ENV, ...(made.signIn === 'device' ? { PASSPORT_SIGN_IN: 'device' } : {}) };
    const { random } = home.environment;
    const context = { ...{ create, signIn, env, clock, random, tell }, credentials: credentials ?? early };
    if (url.startsWith('s3:')) return openStore(url, context);
    if (!url.startsWith(new URL(provider.url).protocol)) throw new PassportError('store-unknown', 'no such store');
    const store = await noting(made.thrown, provider.open(url, context));
    return withRetry(withLimit(withTimeout(notingStore(made.thrown, store)), { parallel: 4 }), context);
  };
  return made;
}

async function noting<T>(thrown: unknown[], promise: Promise<T>): Promise<T> {
  return promise.catch((error: unknown) => {
    thrown.push(error);
    throw error;
  });
}

const notingStore = (thrown: unknown[], store: Store): Store => ({
  url: store.url,
  get: (name, options) => noting(thrown, store.get(name, options)),
  put: (name, bytes, options) => noting(thrown, store.put(name, bytes, options)),
  delete: (name, options) => noting(thrown, store.delete(name, options)),
  async *list(prefix, options) {
    try {
      yield* store.list(prefix, options);
    } catch (error) {
      thrown.push(error);
      throw error;
    }
  },
  close: () => store.close(),
});

/** Every place outside of the sealed credentials where a secret of the provider stands in clear; `reports` are what calls gave back. */
export function inClear(
  { home, told, thrown }: SignedHome,
  { secrets }: Provider,
  reports: readonly unknown[],
): string[] {
  const { journal, keystore, sessions, anchor, events, cards } = home;
  const { sealed, fileSecret } = sessions.kept ?? {};
  const bytes: (readonly [string, Uint8Array | undefined])[] = [
    ...[...journal.entries].map(([name, value]) => [`journal ${name}`, value] as const),
    ...[...keystore.blobs].map(([name, value]) => [`keystore ${name}`, value] as const),
    ...([['session', sealed], ['session file', fileSecret], ['anchor', anchor.note]] as const), // prettier-ignore
  ];
  const texts: [string, string][] = [
    ...bytes.map(([name, value]): [string, string] => [name, Buffer.from(value ?? []).toString('latin1')]),
    ...bytes.map(([name]): [string, string] => [`the name of ${name}`, name]),
    ...told.map((text): [string, string] => ['told', text]),
    ['events', inspect(events, { depth: null })],
    ['cards', inspect(cards, { depth: null })],
    ...[...thrown, ...reports].map((error): [string, string] => [
      'an error',
      inspect(error, { depth: null, showHidden: true }),
    ]),
  ];
  return texts.flatMap(([where, text]) => {
    const found = secrets.exec(text);
    return found === null ? [] : [`${where}: ${text.slice(Math.max(0, found.index - 40), found.index + 40)}`];
  });
}
