/**
 * One passport, one root in each store. Two devices that begin in one store at the same moment do not see each other: so who
 * begins looks before the first put and after it, and where there are several roots the one with the smallest id is joined.
 */
import { type Bytes, equal, hex } from '../bytes.ts';
import type { Device } from '../device/device.ts';
import { isPassportError } from '../errors.ts';
import { storeRoot } from '../format/names.ts';
import { holdersOf } from '../registry/state.ts';
import type { Store } from '../storage/store.ts';
import { replacePlace, type StorePlace } from '../sync/ledger.ts';
import { abortable, listFolder } from '../sync/transfer.ts';
import { StoreNames } from '../sync/wanted.ts';
import { passportsIn } from './enter.ts';

/** The roots of this passport in a store, smallest id first: those with a grant for one of the holders. */
export async function rootsIn(device: Device, store: Store, signal?: AbortSignal): Promise<StorePlace[]> {
  const { ids, nameRoot } = await device.asMember(async ({ state, secrets }) => ({
    ids: holdersOf(state).map(({ id }) => id),
    nameRoot: secrets.nameRoot as Bytes,
  }));
  const own: StorePlace[] = [];
  for (const place of await passportsIn(store)) {
    const names = new StoreNames(device.pid, nameRoot, place);
    const tags = new Set(ids.map((id) => names.holder(id)));
    const grants = await listFolder(store, place, 'grant', signal);
    if (grants.some(({ name }) => name.kind === 'grant' && tags.has(name.holder))) own.push(place);
  }
  return own.sort((a, b) => (hex(a.id) < hex(b.id) ? -1 : 1));
}

/**
 * Puts the smallest root of this passport in the store in the place of a larger one, or of one that has nothing there yet;
 * returns it, or undefined where nothing changed. `unlessBegun`: a place that has something there already stays.
 */
export async function joinRoot(
  device: Device,
  place: StorePlace,
  store: Store,
  { unlessBegun = false, signal }: { unlessBegun?: boolean; signal?: AbortSignal | undefined },
): Promise<StorePlace | undefined> {
  const roots = await rootsIn(device, store, signal);
  const [first] = roots;
  if (first === undefined || equal(first.id, place.id)) return undefined;
  if (unlessBegun && roots.some(({ id }) => equal(id, place.id))) return undefined;
  await device.transact(({ tx }) => replacePlace(tx, place, first));
  return first;
}

/** A root that this device made and left counts no more: without grants nobody finds it. A store may refuse to delete: then it stays. */
export async function leaveRoot(store: Store, place: StorePlace, signal?: AbortSignal): Promise<void> {
  try {
    for (const { path } of await listFolder(store, place, 'grant', signal))
      await abortable(signal, () => store.delete(`${storeRoot(place.id)}/${path}`, signal ? { signal } : {}));
  } catch (error) {
    if (!isPassportError(error) || !error.code.startsWith('store-')) throw error;
  }
}
