/**
 * Everything of this replica that a store should have, by the name it has there, in the order in which it may be put:
 * what others depend on first.
 */
import { base32, type Bytes } from '../bytes.ts';
import { nameKey } from '../crypto/keys.ts';
import { tag } from '../format/names.ts';
import { type BundleObject, bundleObjects, bundleSummary } from '../records/objects.ts';
import type { Tx } from '../replica/replica.ts';
import type { Ledger, StorePlace } from './ledger.ts';
import { pathOf } from './transfer.ts';

export interface OutgoingMail {
  /** Receiver's holder id, or the tag of a pairing message. */
  readonly to: { readonly holder: Bytes } | { readonly tag: string };
  readonly hash: string;
}

export interface Catalog {
  readonly grants: readonly { readonly epoch: number; readonly holder: Bytes; readonly hash: string }[];
  readonly registry: readonly (readonly [slot: number, hash: string])[];
  readonly votes: readonly { readonly holder: Bytes; readonly slot: number; readonly hash: string }[];
  readonly mail: readonly OutgoingMail[];
}

export interface Wanted {
  readonly path: string;
  readonly hash: string;
}

/** How many of the newest entries stand in `hot/` besides `reg/`. */
export const HOT_ENTRIES = 4;

/** Tags and paths under one store's name key. */
export class StoreNames {
  readonly #key: Bytes;
  readonly store: string;

  constructor(pid: Bytes, nameRoot: Bytes, place: StorePlace) {
    this.#key = nameKey(pid, nameRoot, place.id);
    this.store = base32(place.id);
  }

  holder(id: Bytes): string {
    return tag(this.#key, 'holder', id);
  }

  chain(id: Bytes): string {
    return tag(this.#key, 'chain', id);
  }

  grant(epoch: number, holder: Bytes, hash: string): string {
    return pathOf({ kind: 'grant', store: this.store, epoch, holder: this.holder(holder), hash });
  }

  bundle({ chain, first, last, hash }: Pick<BundleObject, 'chain' | 'first' | 'last' | 'hash'>): string {
    return pathOf({ kind: 'bundle', store: this.store, chain: this.chain(chain), first, last, hash });
  }

  registry(slot: number, hash: string, hot: boolean): string {
    return pathOf({ kind: 'registry', store: this.store, slot, hash, hot });
  }

  /** All but bundles: grants, then entries, then votes, then mail. */
  all(catalog: Catalog): Wanted[] {
    const newest = Math.max(-1, ...catalog.registry.map(([slot]) => slot));
    const { store } = this;
    return [
      ...catalog.grants.map(({ epoch, holder, hash }) => ({ path: this.grant(epoch, holder, hash), hash })),
      ...catalog.registry.map(([slot, hash]) => ({ path: this.registry(slot, hash, false), hash })),
      ...catalog.registry
        .filter(([slot]) => slot > newest - HOT_ENTRIES)
        .map(([slot, hash]) => ({ path: this.registry(slot, hash, true), hash })),
      ...catalog.votes.map(({ holder, slot, hash }) => ({
        path: pathOf({ kind: 'vote', store, holder: this.holder(holder), slot, hash }),
        hash,
      })),
      ...catalog.mail.map(({ to, hash }) => ({
        path: pathOf({ kind: 'mail', store, holder: 'tag' in to ? to.tag : this.holder(to.holder), hash }),
        hash,
      })),
    ];
  }
}

/** How many bundles a store lacks, as far as its ledger says. */
export async function behind(tx: Tx, ledger: Ledger): Promise<number> {
  if ((await bundleSummary(tx)).version === ledger.version) return 0;
  const there = new Set([...ledger.names].map((name) => name.slice(name.lastIndexOf('-') + 1)));
  return (await bundleObjects(tx)).filter(({ hash }) => !there.has(hash)).length;
}
