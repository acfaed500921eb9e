/**
 * A home on Node: the environment of a passport except the person. One directory holds the journal, the keystore and the
 * session; the anchor lies elsewhere on purpose. Nothing is made on the disk before something is to be kept.
 */
import { randomFillSync } from 'node:crypto';
import { join, resolve } from 'node:path';
import { useProvider } from '../crypto/provider.ts';
import { guardRandom } from '../crypto/random.ts';
import { PassportError } from '../errors.ts';
import type { Argon2Cost } from '../platform.ts';
import type { Journal } from '../storage/journal.ts';
import type { KeystoreKind } from '../storage/keystore.ts';
import type { Store } from '../storage/store.ts';
import type { Environment } from '../types.ts';
import { createAnchor } from './anchor.ts';
import { argon2idNode } from './argon2.ts';
import { nodeClock } from './clock.ts';
import { createFolderStore } from './folder-store.ts';
import { createKeystore } from './keystore.ts';
import { openJournal } from './lmdb-journal.ts';
import { nodeProvider } from './provider.ts';
import { createSessionVault } from './session-vault.ts';

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
}

export type NodeHome = Omit<Environment, 'person'>;

/** Also makes node:crypto the process's provider of primitives. */
export function nodeHome(options: NodeHomeOptions): NodeHome {
  useProvider(nodeProvider);
  const home = resolve(options.home);
  const random = guardRandom((length) => randomFillSync(new Uint8Array(length)));
  const argon2id = argon2idNode;
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
    openStore,
    clock: nodeClock,
    random,
    argon2id,
    ...(options.argon2Cost === undefined ? {} : { argon2Cost: options.argon2Cost }),
  };
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

/** `folder:PATH`; a relative path counts from the working directory. `store-unknown` for any other scheme. */
async function openStore(url: string, { create }: { create?: boolean } = {}): Promise<Store> {
  const path = /^folder:(.+)$/s.exec(url)?.[1];
  if (path !== undefined) return createFolderStore(path, { create });
  throw new PassportError('store-unknown', `no kind of store has addresses like ${JSON.stringify(scheme(url))}`, {
    hint: 'A folder is written folder:/path/to/it.',
  });
}

/** All that may be shown of an unknown address: the rest may hold a credential. */
function scheme(url: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0] ?? 'this';
}
