/**
 * Where this device keeps replicas: adding, removing, checking and moving stores. Each device has a list of its own, which
 * invitations and kits carry along. A new store is filled from this replica, never from another store: a store that lags must
 * not bring dead objects back.
 */
import { base32, equal } from '../bytes.ts';
import { sealedCredentials } from '../device/credentials.ts';
import type { MemberView } from '../device/device.ts';
import { isPassportError, PassportError, type PassportErrorCode } from '../errors.ts';
import { storeRoot } from '../format/names.ts';
import {
  dropStore,
  readLedger,
  replacePlace,
  setStorePlaces,
  setYoung,
  type StorePlace,
  storePlaces,
} from '../sync/ledger.ts';
import type { StoreReport, SyncOptions, VerifyReport } from '../types.ts';
import { joinRoot, leaveRoot, rootsIn } from './roots.ts';
import type { Runtime } from './runtime.ts';
import type { Synced } from './sync.ts';
import { verifyPlace, wantedOf } from './verify.ts';

const MOST_STORES = 16; // of an invitation
const STORE_ERRORS: readonly string[] = ['store-unreachable', 'store-refused', 'store-full'];

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

/** One sync of all stores, with nobody to ask. */
const syncNow = (run: Runtime, options: SyncOptions) => run.sync(run.hands(run.passphrases(undefined, false)), options);

/** Looks for a smaller root of this passport in a store of this device; with one, syncs into it. */
async function join(run: Runtime, place: StorePlace, { signal, ...rest }: SyncOptions): Promise<Synced | undefined> {
  const joined = await joinRoot(run.device, place, await run.stores.get(place), { signal });
  return joined && syncNow(run, signal === undefined ? rest : { ...rest, signal });
}

/** Opens a store, where somebody may sign in, and gives its address. What this process had open there has an older sign-in. */
async function signedIn({ device, stores }: Runtime, url: string): Promise<string> {
  await stores.forget(url);
  const store = await device.env.openStore(url, {
    ...{ create: true, signIn: true, credentials: sealedCredentials(device.replica) },
  });
  await stores.forget(store.url);
  await store.close();
  return store.url;
}

/**
 * Puts a store on the list and syncs: how every store stood then. One that took nothing at all is off the list again: the
 * next device to add it would find no root there, and the two would never meet. Where another device began there at the same
 * moment, both see it after their first puts.
 */
async function fill(run: Runtime, url: string, options: SyncOptions): Promise<{ url: string; synced: Synced }> {
  const { device } = run;
  await run.requireMember(); // with a frozen registry too: the records still need a place
  const fresh: StorePlace = { url: await signedIn(run, url), id: device.bytes(10) };
  const known = await device.transact(async ({ tx }) => {
    const places = await storePlaces(tx);
    const same = places.find((other) => other.url === fresh.url);
    if (same === undefined && places.length >= MOST_STORES)
      throw new PassportError('usage', `a device has at most ${MOST_STORES} stores`, {
        hint: 'Take one off the list first: passport store list, then passport store remove URL',
      });
    if (same === undefined) {
      setStorePlaces(tx, [...places, fresh]);
      await setYoung(tx, fresh, true);
    }
    return same;
  });
  let synced = await syncNow(run, options);
  if (known !== undefined && reportOf(synced, fresh.url).error?.code === 'store-refused') {
    // Only this sync has found out that the sign-in had ended.
    await signedIn(run, known.url);
    synced = await syncNow(run, options);
  }
  const { error } = reportOf(synced, fresh.url);
  if (known !== undefined) {
    const joined = error === undefined ? await join(run, known, options) : undefined;
    return { url: fresh.url, synced: joined ?? synced };
  }
  const begun = await knownPlace(run, fresh.url);
  if (error === undefined) {
    synced = (await join(run, begun, options)) ?? synced;
    const now = await knownPlace(run, fresh.url);
    if (equal(begun.id, fresh.id) && !equal(now.id, fresh.id) && reportOf(synced, now.url).error === undefined)
      await leaveRoot(await run.stores.get(now), fresh, options.signal);
    return { url: fresh.url, synced };
  }
  const empty = await device.transact(async ({ tx }) => {
    if ((await readLedger(tx, begun)).names.size > 0) return false;
    await replacePlace(tx, begun);
    return true;
  });
  if (empty) {
    const { code, message, hint } = error;
    throw new PassportError(code as PassportErrorCode, `${fresh.url} took nothing: ${message}`, hint ? { hint } : {});
  }
  return { url: fresh.url, synced };
}

const reportOf = ({ stores }: Synced, url: string) => stores.find((report) => report.url === url) as StoreReport;

/** Why a store may lack something, among them. */
function tellNotices(run: Runtime, { notices }: Synced): void {
  for (const text of notices) run.tell({ event: 'notice', text });
}

/** Adds a store, or signs in again to one that is on the list, and fills it. Where another device keeps this passport there, they meet. */
export async function addStore(run: Runtime, url: string, options: SyncOptions): Promise<StoreReport> {
  const added = await fill(run, url, options);
  tellNotices(run, added.synced);
  return reportOf(added.synced, added.url);
}

/** As far as this device knows, the store can be read and has everything. */
async function isWhole({ device }: Runtime, view: MemberView, place: StorePlace): Promise<boolean> {
  const { names, state } = await readLedger(view.tx, place);
  if (state !== 'ok' && state !== 'forked') return false;
  return (await wantedOf(device, view, place)).every(({ path }) => names.has(path));
}

/** Forgets a store, and gives its address. What is there stays there: other devices may use it. */
export async function removeStore(run: Runtime, url: string): Promise<{ readonly url: string }> {
  const gone = await knownPlace(run, url);
  // In one transaction: another process may be removing the other one that has everything.
  await run.device.asMember(async (view) => {
    const places = await storePlaces(view.tx);
    const others = places.filter((place) => place.url !== gone.url);
    if (others.length === places.length) return;
    if (others.length === 0) {
      throw new PassportError('usage', 'the last store of a device cannot be removed', {
        hint: 'Add another one first: passport store add URL. Or move everything: passport store move OLD NEW',
      });
    }
    const whole = await Promise.all(others.map((place) => isWhole(run, view, place)));
    if (!whole.includes(true) && (await isWhole(run, view, gone))) {
      throw new PassportError('usage', 'no other store has everything that this one has', {
        hint: 'passport sync fills the others; passport status shows why one is behind.',
      });
    }
    await dropStore(view.tx, gone);
  });
  await sealedCredentials(run.device.replica).write(gone.url, null);
  return { url: gone.url };
}

/** Reads everything in one store and compares it with this replica. */
export async function checkStore(run: Runtime, url: string, options: SyncOptions): Promise<VerifyReport> {
  await run.requireMember();
  return verifyPlace(run, await knownPlace(run, url), options);
}

function onePlace(): PassportError {
  return new PassportError('usage', 'the two stores are one', {
    hint: 'Both addresses lead to the same place, so there is nothing to move; `passport store list` shows the address in use.',
  });
}

/** What is put at one address is found at the other: a link, or two names of one server. */
async function isOnePlace(run: Runtime, a: StorePlace, b: StorePlace, signal?: AbortSignal): Promise<boolean> {
  if (!equal(a.id, b.id)) return false;
  const [one, other] = await Promise.all([run.stores.get(a), run.stores.get(b)]);
  const name = `${storeRoot(a.id)}/hot/probe-${base32(run.device.bytes(16))}`;
  const options = signal === undefined ? {} : { signal };
  await other.put(name, new Uint8Array(1), options);
  const found = await one.get(name, options);
  await other.delete(name, options).catch((error: unknown) => {
    if (!isPassportError(error)) throw error; // a store that refuses to delete keeps one byte
  });
  return found !== undefined;
}

/** Takes what the old store has, fills the new one, reads all of that back, and only then forgets the old one. */
export async function moveStore(run: Runtime, from: string, to: string, options: SyncOptions): Promise<StoreReport> {
  const old = await knownPlace(run, from);
  const known = await run.device.transact(({ tx }) => storePlaces(tx));
  const target = await addressOf(run, to);
  if (target === old.url) throw onePlace();
  const there = known.find(({ url }) => url === target);
  let synced = there === undefined ? (await fill(run, to, options)).synced : await syncNow(run, options);
  tellNotices(run, synced);
  const failed = (url: string, what: string, hint: string) => {
    const { error } = reportOf(synced, url);
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
  if (there !== undefined) synced = (await join(run, there, options)) ?? synced;
  failed(target, 'did not take everything', again);
  const filled = await knownPlace(run, target);
  if (await isOnePlace(run, await knownPlace(run, old.url), filled, options.signal)) {
    if (there === undefined) await run.device.transact(({ tx }) => replacePlace(tx, filled));
    throw onePlace();
  }
  if (synced.untaken.includes(old.url)) {
    throw new PassportError('waiting', `${old.url} has something that this device cannot take yet`, {
      hint: 'Both stores stay in use. A part of the newest keys is missing: sync another device, then repeat the command.',
    });
  }
  const { damaged, missing } = await checkStore(run, target, options);
  const names = [...damaged, ...missing];
  if (names.length > 0) {
    throw new PassportError('damaged', `${target} does not give back what was put: ${names.length} objects`, {
      hint: `Both stores stay in use. ${again}`,
      details: { names },
    });
  }
  const roots = await rootsIn(run.device, await run.stores.get(filled), options.signal);
  if (roots.length > 1) {
    throw new PassportError('waiting', `another device keeps this passport in ${target} for itself`, {
      hint: `Both stores stay in use. On the other devices: passport store add ${target}, which joins them; after that: passport store remove ${old.url}`,
    });
  }
  await removeStore(run, old.url);
  return reportOf(synced, target);
}
