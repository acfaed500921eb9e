/**
 * Where this device keeps replicas: adding, removing, checking and moving stores. Each device has a list of its own, which
 * invitations and kits carry along. A new store is filled from this replica, never from another store: a store that lags must
 * not bring dead objects back.
 */
import type { Bytes } from '../bytes.ts';
import { sealedCredentials } from '../device/credentials.ts';
import { isPassportError, PassportError, type PassportErrorCode } from '../errors.ts';
import { holdersOf } from '../registry/state.ts';
import type { Store } from '../storage/store.ts';
import { dropStore, readLedger, setStorePlaces, type StorePlace, storePlaces } from '../sync/ledger.ts';
import { listFolder } from '../sync/transfer.ts';
import { StoreNames } from '../sync/wanted.ts';
import type { StoreReport, SyncOptions, VerifyReport } from '../types.ts';
import { passportsIn } from './enter.ts';
import type { Runtime } from './runtime.ts';
import { verifyPlace, wantedOf } from './verify.ts';

const MOST_STORES = 16; // of an invitation
const STORE_ERRORS: readonly string[] = ['store-unreachable', 'store-refused', 'store-full'];

/** The root that this passport already has in a store, put there by another device: it has a grant for one of the holders. */
async function rootIn(run: Runtime, store: Store, signal: AbortSignal | undefined): Promise<Bytes | undefined> {
  const { device } = run;
  const holders = await device.asMember(async ({ state, secrets }) => ({
    ids: holdersOf(state).map(({ id }) => id),
    nameRoot: secrets.nameRoot as Bytes,
  }));
  for (const place of await passportsIn(store)) {
    const names = new StoreNames(device.pid, holders.nameRoot, place);
    const tags = new Set(holders.ids.map((id) => names.holder(id)));
    const grants = await listFolder(store, place, 'grant', signal);
    if (grants.some(({ name }) => name.kind === 'grant' && tags.has(name.holder))) return place.id;
  }
  return undefined;
}

/** The address in the one form that its store gives it. */
async function addressOf(run: Runtime, url: string): Promise<string> {
  const known = await run.device.transact(({ tx }) => storePlaces(tx));
  if (known.some((place) => place.url === url)) return url;
  try {
    const store = await run.device.env.openStore(url, { credentials: sealedCredentials(run.device.replica) });
    const address = store.url;
    await store.close();
    return address;
  } catch (error) {
    // One that does not answer, or where nobody is signed in yet, has the address that was typed.
    if (isPassportError(error) && STORE_ERRORS.includes(error.code)) return url;
    throw error;
  }
}

async function knownPlace(run: Runtime, url: string): Promise<StorePlace> {
  const address = await addressOf(run, url);
  const place = (await run.device.transact(({ tx }) => storePlaces(tx))).find((each) => each.url === address);
  if (place !== undefined) return place;
  throw new PassportError('store-unknown', `${address} is no store of this device`, {
    hint: '`passport store list` shows them.',
  });
}

/**
 * Puts a store on the list and syncs: how every store stood then. One that took nothing at all is off the list again: the
 * next device to add it would find no root there, and the two would never meet.
 */
async function fill(
  run: Runtime,
  url: string,
  options: SyncOptions,
): Promise<{ readonly url: string; readonly stores: readonly StoreReport[] }> {
  const { device } = run;
  await run.requireMember(); // with a frozen registry too: the records still need a place
  const credentials = sealedCredentials(device.replica);
  const store = await device.env.openStore(url, { create: true, signIn: true, credentials });
  let opened: StorePlace;
  try {
    opened = { url: store.url, id: (await rootIn(run, store, options.signal)) ?? device.bytes(10) };
  } finally {
    await store.close();
  }
  const place = await device.transact(async ({ tx }) => {
    const places = await storePlaces(tx);
    const known = places.find(({ url: other }) => other === opened.url);
    if (known !== undefined) return known; // somebody has signed in again
    if (places.length >= MOST_STORES) throw new PassportError('usage', `a device has at most ${MOST_STORES} stores`);
    setStorePlaces(tx, [...places, opened]);
    return opened;
  });
  const { stores } = await run.sync(run.hands(run.passphrases(undefined, false)), options);
  const { error } = reportOf(stores, place.url);
  if (error === undefined) return { url: place.url, stores };
  const empty = await device.transact(async ({ tx }) => {
    if ((await readLedger(tx, place)).names.size > 0) return false;
    setStorePlaces(
      tx,
      (await storePlaces(tx)).filter(({ url }) => url !== place.url),
    );
    return true;
  });
  if (empty) throw new PassportError(error.code as PassportErrorCode, `${place.url} took nothing: ${error.message}`);
  return { url: place.url, stores };
}

const reportOf = (stores: readonly StoreReport[], url: string) =>
  stores.find((report) => report.url === url) as StoreReport;

/** Adds a store, or signs in again to one that is on the list, and fills it. Where another device keeps this passport there, they meet. */
export async function addStore(run: Runtime, url: string, options: SyncOptions): Promise<StoreReport> {
  const added = await fill(run, url, options);
  return reportOf(added.stores, added.url);
}

/** As far as this device knows, the store can be read and has everything. */
async function isWhole({ device }: Runtime, place: StorePlace): Promise<boolean> {
  const { names, state } = await device.transact(({ tx }) => readLedger(tx, place));
  return state === 'ok' && (await wantedOf(device, place)).every(({ path }) => names.has(path));
}

/** Forgets a store. What is there stays there: other devices may use it. */
export async function removeStore(run: Runtime, url: string): Promise<void> {
  const gone = await knownPlace(run, url);
  const places = await run.device.transact(({ tx }) => storePlaces(tx));
  let others = false;
  for (const place of places) others ||= place.url !== gone.url && (await isWhole(run, place));
  if (places.length > 1 && !others && (await isWhole(run, gone))) {
    throw new PassportError('usage', 'no other store has everything that this one has', {
      hint: 'passport sync fills the others; passport status shows why one is behind.',
    });
  }
  await run.device.transact(async ({ tx }) => {
    if ((await storePlaces(tx)).length === 1) {
      throw new PassportError('usage', 'the last store of a device cannot be removed', {
        hint: 'Add another one first: passport store add URL. Or move everything: passport store move OLD NEW',
      });
    }
    await dropStore(tx, gone);
  });
  await sealedCredentials(run.device.replica).write(gone.url, null);
}

/** Reads everything in one store and compares it with this replica. */
export async function checkStore(run: Runtime, url: string, options: SyncOptions): Promise<VerifyReport> {
  await run.requireMember();
  return verifyPlace(run, await knownPlace(run, url), options);
}

/** Takes what the old store has, fills the new one, reads all of that back, and only then forgets the old one. */
export async function moveStore(run: Runtime, from: string, to: string, options: SyncOptions): Promise<StoreReport> {
  const old = await knownPlace(run, from);
  const known = await run.device.transact(({ tx }) => storePlaces(tx));
  const target = await addressOf(run, to);
  if (target === old.url) throw new PassportError('usage', 'the two stores are one');
  const there = known.some(({ url }) => url === target);
  const { stores } = there
    ? await run.sync(run.hands(run.passphrases(undefined, false)), options)
    : await fill(run, to, options);
  const failed = (url: string, what: string, hint: string) => {
    const { error } = reportOf(stores, url);
    if (error === undefined) return;
    throw new PassportError(error.code as PassportErrorCode, `${url} ${what}: ${error.message}`, {
      hint: `Both stores stay in use. ${hint}`,
    });
  };
  const again = `When ${target} is well again, repeat the command.`;
  failed(target, 'did not take everything', again);
  failed(
    old.url,
    'could not be read, and may have what is not here yet',
    `Repeat the command when it answers; if it never will: passport store remove ${old.url}`,
  );
  const { ok, damaged, missing } = await checkStore(run, target, options);
  if (!ok) {
    const names = [...damaged, ...missing];
    throw new PassportError('damaged', `${target} does not give back what was put: ${names.length} objects`, {
      hint: `Both stores stay in use. ${again}`,
      details: { names },
    });
  }
  await removeStore(run, old.url);
  return reportOf(stores, target);
}
