/**
 * Stores by the scheme of their address: the one place that knows the adapters. An adapter, and the library that it stands on, is
 * loaded when the first store of its kind is opened. What is behind a network is wrapped: bounded, timed, and tried again.
 */
import { PassportError } from '../errors.ts';
import type { OpenContext, OpenStore } from '../storage/adapter.ts';
import type { Store } from '../storage/store.ts';
import { withLimit } from '../storage/with-limit.ts';
import { withRetry } from '../storage/with-retry.ts';
import { withTimeout } from '../storage/with-timeout.ts';
import { createFolderStore } from './folder-store.ts';
import { proxyFetch } from './proxy.ts';

interface Adapter {
  readonly load: () => Promise<{ readonly open: OpenStore }>;
  /** The optional dependency that it stands on. */
  readonly library: string;
  /** Requests at once. */
  readonly parallel: number;
  /** It takes `fetch` from its context. */
  readonly fetches?: true;
}

const S3: Adapter = {
  load: async () => {
    // The SDK warns about the end of each Node on stderr; which Node this runs on is package.json's matter.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    return import('../../adapters/s3/index.ts');
  },
  library: '@aws-sdk/client-s3',
  parallel: 16,
};

const WEBDAV: Adapter = { load: () => import('../../adapters/webdav/index.ts'), library: 'webdav', parallel: 8 };

const DRIVE: Adapter = {
  load: () => import('../../adapters/drive/index.ts'),
  library: '@googleapis/drive',
  parallel: 4,
  fetches: true,
};

const ONEDRIVE: Adapter = {
  load: () => import('../../adapters/onedrive/index.ts'),
  library: '@azure/msal-node',
  parallel: 4,
  fetches: true,
};

const ADAPTERS: ReadonlyMap<string, Adapter> = new Map([
  ['s3:', S3],
  ['webdav+https:', WEBDAV],
  ['webdav+http:', WEBDAV],
  ['drive:', DRIVE],
  ['onedrive:', ONEDRIVE],
]);

/** A relative folder counts from the working directory. `store-unknown` for a scheme that nobody has, or an adapter whose library is not installed. */
export async function openStore(url: string, context: OpenContext): Promise<Store> {
  const path = /^folder:(.+)$/s.exec(url)?.[1];
  // Reading a file that a synced folder has not downloaded yet, or a share whose server is gone, may never end.
  if (path !== undefined) return withTimeout(createFolderStore(path, { create: context.create }));
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0].toLowerCase();
  const adapter = ADAPTERS.get(scheme ?? '');
  if (adapter === undefined) throw unknown(scheme);
  const through = adapter.fetches === true ? await proxyFetch(context.env) : undefined;
  // Some load their library with themselves, some when they open.
  const store = await adapter
    .load()
    .then(({ open }) => open(url, through === undefined ? context : { ...context, fetch: through }))
    .catch((error: unknown) => {
      throw missing(error, adapter.library);
    });
  return withRetry(withLimit(withTimeout(store), { parallel: adapter.parallel }), context);
}

/** The scheme is all that may be shown of an unknown address: the rest may hold a credential. */
function unknown(scheme = 'this'): PassportError {
  return new PassportError('store-unknown', `no kind of store has addresses like ${JSON.stringify(scheme)}`, {
    hint: `A folder is written folder:/path/to/it; the others begin with ${[...ADAPTERS.keys()].join(', ')}.`,
  });
}

function missing(error: unknown, library: string): unknown {
  const { code } = error as { code?: unknown };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return error;
  return new PassportError('store-unknown', `this kind of store needs ${library}, which is not installed`, {
    cause: error,
    hint: `Install it: npm install ${library}`,
  });
}
