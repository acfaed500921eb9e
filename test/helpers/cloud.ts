/**
 * Google and Microsoft for the built command: doubles behind a proxy that the environment names (servers/leading-proxy.ts), and the
 * person who signs in. What they gave out in secret is searched for afterwards.
 */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DriveDouble } from '../doubles/drive.ts';
import { EntraDouble, ENTRA_CLIENT } from '../doubles/entra.ts';
import { GOOGLE_CLIENT, GoogleAuthDouble } from '../doubles/google-auth.ts';
import { GraphDouble } from '../doubles/graph.ts';
import type { HttpDouble } from '../doubles/http-double.ts';
import { startLeadingProxy } from '../servers/leading-proxy.ts';
import type { Done } from './machine.ts';

export interface Cloud {
  /** Of the store. */
  readonly url: string;
  /** What a device needs to sign in, beside `net`. */
  readonly client: Readonly<Record<string, string>>;
  /** The way to the doubles. */
  readonly net: Readonly<Record<string, string>>;
  /** Objects, and the sign-in. */
  readonly files: HttpDouble & { quotaBytes: number };
  readonly auth: HttpDouble & {
    denies: boolean;
    devicePolls: string[];
    accessSeconds: number;
    readonly issued: readonly string[];
    expireAccess(): void;
  };
  /** Hosts that the proxy was asked for. */
  readonly asked: readonly string[];
  /** What the sign-in says when the code for another device ended. */
  readonly shown: { readonly page: RegExp; readonly code: RegExp };
  /** The person opens the page that the command shows, and says what `auth.denies` says. */
  browse(page: string): Promise<Response>;
  /** Ends every sign-in, as when the person takes it back. */
  revoke(): void;
  /** What a provider says when a limit of requests is reached. */
  readonly throttled: { readonly status: number; readonly body: object };
  /** Names of all objects that are there. */
  objects(): string[];
  /** The person deletes the folder on the provider's pages, for good. */
  wipe(): void;
  stop(): Promise<void>;
}

const HOSTS = {
  files: 'www.googleapis.com',
  token: 'oauth2.googleapis.com',
  graph: 'graph.microsoft.com',
  login: 'login.microsoftonline.com',
};

const netOf = ({ url, ca }: { readonly url: string; readonly ca: string }) => ({
  HTTPS_PROXY: url,
  NODE_EXTRA_CA_CERTS: ca,
});

export interface DriveCloud extends Cloud {
  readonly drive: DriveDouble;
}

export async function driveCloud(): Promise<DriveCloud> {
  const auth = await new GoogleAuthDouble().start();
  const drive = await new DriveDouble(auth).start();
  auth.intervalSeconds = 0.05;
  const proxy = await startLeadingProxy({ [HOSTS.files]: drive.url, [HOSTS.token]: auth.url });
  drive.url = `https://${HOSTS.files}`; // in the addresses that it gives out
  const { items } = drive;
  return {
    ...{ url: 'drive:Passports', drive, files: drive, auth, net: netOf(proxy), asked: proxy.asked },
    client: { PASSPORT_DRIVE_CLIENT_ID: GOOGLE_CLIENT.id, PASSPORT_DRIVE_CLIENT_SECRET: GOOGLE_CLIENT.secret },
    shown: {
      page: /https:\/\/accounts\.google\.com\/\S+/,
      code: /open https:\/\/www\.google\.com\/device and type (\S+)/,
    },
    browse: (page) => fetch(page.replace('https://accounts.google.com', auth.url)),
    revoke: () => auth.revoke(),
    throttled: { status: 403, body: { error: { code: 403, errors: [{ reason: 'userRateLimitExceeded' }] } } },
    objects: () =>
      items
        .paths()
        .filter(([, item]) => item.content !== undefined && !items.isTrashed(item))
        .map(([path]) => path),
    wipe() {
      for (const [path, { id }] of items.paths()) if (path === 'Passports') items.remove(id);
    },
    async stop() {
      await proxy.stop();
      for (const double of [drive, auth]) await double.stop();
    },
  };
}

export async function oneDriveCloud(): Promise<Cloud> {
  const entra = await new EntraDouble().start();
  const graph = await new GraphDouble(entra).start();
  const proxy = await startLeadingProxy({ [HOSTS.graph]: graph.url, [HOSTS.login]: entra.url });
  graph.url = `https://${HOSTS.graph}`;
  const below = (path: readonly string[]): string[] =>
    [...(graph.items.at(path)?.children.values() ?? [])].flatMap((item) =>
      item.content === undefined ? below([...path, item.name]) : [[...path, item.name].join('/')],
    );
  return {
    ...{ url: 'onedrive:passports', files: graph, auth: entra, net: netOf(proxy), asked: proxy.asked },
    client: { PASSPORT_ONEDRIVE_CLIENT_ID: ENTRA_CLIENT },
    shown: {
      page: /https:\/\/login\.microsoftonline\.com\/\S+/,
      code: /open https:\/\/microsoft\.com\/devicelogin and type (\S+)/,
    },
    browse: (page) => entra.browse(page),
    revoke: () => entra.revoke(),
    throttled: { status: 429, body: { error: { code: 'activityLimitReached' } } },
    objects: () => below([]),
    wipe: () => graph.items.root.children.clear(),
    async stop() {
      await proxy.stop();
      for (const double of [graph, entra]) await double.stop();
    },
  };
}

/**
 * Where something secret stands in clear: in what commands printed, or in a file below `directory`. `file: secret` for each, so that
 * a test expects none.
 */
export function leaks(secrets: readonly string[], directory: string, printed: readonly Done[]): string[] {
  const texts = printed.map(({ out, err }, i): [string, Buffer] => [
    `command ${i}`,
    Buffer.from(`${out.toString()}\n${err}`),
  ]);
  const files = filesBelow(directory).map((file): [string, Buffer] => [file, readFileSync(file)]);
  return [...texts, ...files].flatMap(([where, bytes]) =>
    secrets.filter((secret) => formsOf(secret).some((form) => bytes.includes(form))).map((s) => `${where}: ${s}`),
  );
}

/** As it is, in an address, in hex, and in base64 wherever it begins. */
function formsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((at) =>
    Buffer.from(' '.repeat(at) + secret)
      .toString('base64')
      .slice(at === 0 ? 0 : 4, -4),
  );
  return [secret, encodeURIComponent(secret), Buffer.from(secret).toString('hex'), ...base64];
}

export function filesBelow(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    const info = lstatSync(path);
    return info.isDirectory() ? filesBelow(path) : info.isFile() ? [path] : [];
  });
}
