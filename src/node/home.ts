/**
 * A home on Node: the environment of a passport except the person. One directory holds the journal, the keystore and the
 * session; the anchor lies elsewhere on purpose. Nothing is made on the disk before something is to be kept.
 */
import { randomFillSync } from 'node:crypto';
import { join, resolve } from 'node:path';
import { useProvider } from '../crypto/provider.ts';
import { guardRandom } from '../crypto/random.ts';
import type { Argon2Cost } from '../platform.ts';
import type { Journal } from '../storage/journal.ts';
import { createMemoryCredentials, type Credentials } from '../storage/credentials.ts';
import type { KeystoreKind } from '../storage/keystore.ts';
import type { Environment } from '../types.ts';
import { createAnchor } from './anchor.ts';
import { argon2idNode } from './argon2.ts';
import { nodeClock } from './clock.ts';
import { createKeystore } from './keystore.ts';
import { openJournal } from './lmdb-journal.ts';
import { nodeProvider } from './provider.ts';
import { createSessionVault } from './session-vault.ts';
import { openStore } from './stores.ts';

export interface NodeHomeOptions {
  /** The directory; it need not exist yet. */
  readonly home: string;
  /** What a new keystore becomes. Default "file". */
  readonly keystoreKind?: KeystoreKind | undefined;
  /** Argon2id of a new keystore's device passphrase. */
  readonly deviceArgon2?: Argon2Cost | undefined;
  /** Argon2id of new vault passphrases. */
  readonly argon2Cost?: Argon2Cost | undefined;
  /** Where anchors lie. Default: passport-mesh in the user's state directory. */
  readonly anchorDirectory?: string | undefined;
  /** What a store has to say while it is opened, such as where to sign in. Default: nobody hears it. */
  readonly tell?: ((text: string) => void) | undefined;
  /** Ends a sign-in that waits for a person. */
  readonly signal?: AbortSignal | undefined;
}

export type NodeHome = Omit<Environment, 'person'>;

/** Also makes node:crypto the process's provider of primitives. */
export function nodeHome(options: NodeHomeOptions): NodeHome {
  useProvider(nodeProvider);
  const home = resolve(options.home);
  const random = guardRandom((length) => randomFillSync(new Uint8Array(length)));
  const argon2id = argon2idNode;
  const tell = options.tell ?? (() => {});
  /** Of stores that were opened before there was a device to keep them. */
  const early = createMemoryCredentials();
  return {
    journal: onceOpen(() => openJournal(join(home, 'journal'))),
    keystore: createKeystore({
      directory: join(home, 'keystore'),
      kind: options.keystoreKind ?? 'file',
      cost: options.deviceArgon2,
      argon2id,
      random,
    }),
    anchor: createAnchor(home, options.anchorDirectory),
    sessions: createSessionVault(join(home, 'session')),
    openStore: async (url, { create = false, signIn = false, credentials } = {}) => {
      if (credentials !== undefined) await handOver(early, credentials, url);
      const context = { create, signIn, env: process.env, clock: nodeClock, random, tell };
      const stop = options.signal === undefined ? {} : { signal: options.signal };
      return openStore(url, { ...context, ...stop, credentials: credentials ?? early });
    },
    clock: nodeClock,
    random,
    argon2id,
    ...(options.argon2Cost === undefined ? {} : { argon2Cost: options.argon2Cost }),
  };
}

async function handOver(early: Credentials, kept: Credentials, url: string): Promise<void> {
  const bytes = await early.read(url);
  if (bytes === undefined) return;
  await kept.write(url, bytes);
  await early.write(url, null);
}

/** One journal for all who ask, until it is closed. */
function onceOpen(open: () => Journal): () => Promise<Journal> {
  let shared: Journal | undefined;
  return async () => {
    if (shared === undefined) {
      const journal = open();
      const close = () => {
        shared = undefined;
        return journal.close();
      };
      shared = { ...journal, close };
    }
    return shared;
  };
}
