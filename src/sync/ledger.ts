/**
 * What this device knows of one store: the names that it listed or put there, and how the last visit went. A cell per address:
 * a folder that was copied elsewhere has the same root, and not the same objects.
 * A name in the ledger that a listing lacks was lost by the store; a name in a listing that the ledger lacks is new.
 */
import { type Bytes, base32, equal } from '../bytes.ts';
import type { Value } from '../cbor.ts';
import type { Tx } from '../replica/replica.ts';
import type { StoreState } from '../types.ts';

/** A store of this passport: `id` is its 10 random bytes (docs/protocol.md, 4). */
export interface StorePlace {
  readonly url: string;
  readonly id: Bytes;
}

export interface Ledger {
  /** Names below the store's root, as confirmed: `hot/…` by the last listing or a put since, the others by a put or a get. */
  readonly names: ReadonlySet<string>;
  /** Names whose bytes were torn or wrong, and at how many visits in a row. */
  readonly suspects: ReadonlyMap<string, number>;
  readonly state: StoreState;
  readonly checkedAt: number;
  /** The replica's bundle version of which the store has everything; -1 when it lacks something. */
  readonly version: number;
  /** The highest slot of a registry entry that was seen there. */
  readonly slot: number;
}

export const NEW_LEDGER: Ledger = {
  names: new Set(),
  suspects: new Map(),
  state: 'ok',
  checkedAt: 0,
  version: -1,
  slot: -1,
};

type Encoded = [string[], [string, number][], StoreState, number, number | null, number];

const cell = (place: StorePlace) => `store/${base32(place.id)}/${place.url}`;

export async function readLedger(tx: Tx, place: StorePlace): Promise<Ledger> {
  const value = (await tx.get(cell(place))) as Encoded | undefined;
  if (value === undefined) return NEW_LEDGER;
  const [names, suspects, state, checkedAt, version, slot] = value;
  return {
    names: new Set(names),
    suspects: new Map(suspects),
    state,
    checkedAt,
    version: version ?? -1,
    slot: slot - 1,
  };
}

/** Nothing is noted of a place that is on the list no more: another process removed it meanwhile. */
export async function writeLedger(tx: Tx, place: StorePlace, ledger: Ledger): Promise<void> {
  const listed = (await storePlaces(tx)).some(({ url, id }) => url === place.url && equal(id, place.id));
  if (!listed) return;
  const value: Value = [
    [...ledger.names],
    [...ledger.suspects],
    ledger.state,
    Math.max(0, Math.floor(ledger.checkedAt)),
    ledger.version < 0 ? null : ledger.version,
    ledger.slot + 1,
  ];
  tx.set(cell(place), value);
}

/** Another root of the same store, or none, where one was on the list; what was known of it is forgotten. */
export async function replacePlace(tx: Tx, gone: StorePlace, by?: StorePlace): Promise<void> {
  const places = await storePlaces(tx);
  const is = (a: StorePlace) => (b: StorePlace) => a.url === b.url && equal(a.id, b.id);
  const fresh = by === undefined || places.some(is(by)) ? [] : [by];
  setStorePlaces(
    tx,
    places.flatMap((place) => (is(gone)(place) ? fresh : [place])),
  );
  tx.delete(cell(gone));
  await setYoung(tx, gone, false);
}

/** Takes a store off the list. Its address is kept: another device may still use it, and kits' votes may lie there. */
export async function dropStore(tx: Tx, gone: StorePlace): Promise<void> {
  for (const place of await storePlaces(tx)) if (place.url === gone.url) await replacePlace(tx, place);
  tx.set('stores-left', [...(await storesLeft(tx)).filter((url) => url !== gone.url), gone.url].slice(-MOST_LEFT));
}

const MOST_LEFT = 16;

/** Addresses that were taken off the list and are not on it again. */
export async function storesLeft(tx: Tx): Promise<readonly string[]> {
  const places = await storePlaces(tx);
  const left = ((await tx.get('stores-left')) ?? []) as string[];
  return left.filter((url) => places.every((place) => place.url !== url));
}

export async function storePlaces(tx: Tx): Promise<readonly StorePlace[]> {
  const value = ((await tx.get('stores')) ?? []) as [string, Bytes][];
  return value.map(([url, id]) => ({ url, id }));
}

export function setStorePlaces(tx: Tx, places: readonly StorePlace[]): void {
  tx.set(
    'stores',
    places.map(({ url, id }) => [url, id]),
  );
}

/** Whether this device began a root here and has not looked since for one that another began at the same moment. */
export async function isYoung(tx: Tx, place: StorePlace): Promise<boolean> {
  return (await youngRoots(tx)).has(cell(place));
}

export async function setYoung(tx: Tx, place: StorePlace, young: boolean): Promise<void> {
  const all = await youngRoots(tx);
  if (young === all.has(cell(place))) return;
  if (young) all.add(cell(place));
  else all.delete(cell(place));
  tx.set('stores-young', [...all]);
}

async function youngRoots(tx: Tx): Promise<Set<string>> {
  return new Set(((await tx.get('stores-young')) ?? []) as string[]);
}

/** Name hashes of votes that at least one store has confirmed. */
export async function storedVotes(tx: Tx): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>();
  for (const place of await storePlaces(tx)) {
    for (const name of (await readLedger(tx, place)).names) {
      if (name.startsWith('hot/v-')) hashes.add(name.slice(name.lastIndexOf('-') + 1));
    }
  }
  return hashes;
}
