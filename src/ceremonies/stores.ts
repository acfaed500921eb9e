/**
 * Where this device keeps replicas: adding, removing, checking and moving stores. Each device has a list of its own, which
 * invitations and kits carry along. A new store is filled from this replica, never from another store: a store that lags must
 * not bring dead objects back.
 */
import type { Bytes } from '../bytes.ts';
import type { MemberView } from '../device/device.ts';
import { PassportError, type PassportErrorCode } from '../errors.ts';
import { holdersOf } from '../registry/state.ts';
import type { Store } from '../storage/store.ts';
import { forgetLedger, setStorePlaces, type StorePlace, storePlaces } from '../sync/ledger.ts';
import { listFolder } from '../sync/transfer.ts';
import { StoreNames } from '../sync/wanted.ts';
import type { StoreReport, SyncOptions, VerifyReport } from '../types.ts';
import { passportsIn } from './enter.ts';
import type { Runtime } from './runtime.ts';
import { verifyStores } from './verify.ts';

const MOST_STORES = 16; // of an invitation

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
  const store = await run.device.env.openStore(url);
  const address = store.url;
  await store.close();
  return address;
}

async function knownPlace(run: Runtime, url: string): Promise<StorePlace> {
  const address = await addressOf(run, url);
  const place = (await run.device.transact(({ tx }) => storePlaces(tx))).find((each) => each.url === address);
  if (place !== undefined) return place;
  throw new PassportError('store-unknown', `${address} is no store of this device`, {
    hint: '`passport store list` shows them.',
  });
}

/** Adds a store and fills it. Where another device keeps this passport there already, it is joined. */
export async function addStore(run: Runtime, url: string, options: SyncOptions): Promise<StoreReport> {
  const { device } = run;
  await run.requireActive();
  const store = await device.env.openStore(url, { create: true });
  const places = await device.transact(({ tx }) => storePlaces(tx));
  try {
    if (places.some((place) => place.url === store.url))
      throw new PassportError('usage', `${store.url} is a store of this device already`);
    if (places.length >= MOST_STORES) throw new PassportError('usage', `a device has at most ${MOST_STORES} stores`);
    const id = (await rootIn(run, store, options.signal)) ?? device.bytes(10);
    await device.transact(async ({ tx }) => setStorePlaces(tx, [...(await storePlaces(tx)), { url: store.url, id }]));
  } finally {
    await store.close();
  }
  const { stores } = await run.sync(run.hands(run.passphrases(undefined, false)), options);
  return stores.find((report) => report.url === store.url) as StoreReport;
}

/** Forgets a store. What is there stays there: other devices may use it. */
export async function removeStore(run: Runtime, url: string): Promise<void> {
  const gone = await knownPlace(run, url);
  await run.device.asMember(async ({ tx }: MemberView) => {
    const left = (await storePlaces(tx)).filter((place) => place.url !== gone.url);
    if (left.length === 0) {
      throw new PassportError('usage', 'the last store of a device cannot be removed', {
        hint: 'Add another one first: passport store add URL. Or move everything: passport store move OLD NEW',
      });
    }
    setStorePlaces(tx, left);
    forgetLedger(tx, gone);
  });
}

/** Reads everything in one store and compares it with this replica. */
export async function checkStore(run: Runtime, url: string, options: SyncOptions): Promise<VerifyReport> {
  await run.requireMember();
  return verifyStores(run, [await knownPlace(run, url)], options);
}

/** Fills the new store, reads all of it back, and only then forgets the old one. */
export async function moveStore(run: Runtime, from: string, to: string, options: SyncOptions): Promise<StoreReport> {
  const old = await knownPlace(run, from);
  const known = await run.device.transact(({ tx }) => storePlaces(tx));
  const target = await addressOf(run, to);
  if (target === old.url) throw new PassportError('usage', 'the two stores are one');
  const there = known.some(({ url }) => url === target);
  const synced = there ? await run.sync(run.hands(run.passphrases(undefined, false)), options) : undefined;
  const report = synced?.stores.find(({ url }) => url === target) ?? (await addStore(run, to, options));
  const stays = { hint: `Both stores stay in use. When ${target} is well again, repeat the command.` };
  if (report.error !== undefined) {
    const code = report.error.code as PassportErrorCode;
    throw new PassportError(code, `${target} did not take everything: ${report.error.message}`, stays);
  }
  const { ok, damaged, missing } = await checkStore(run, target, options);
  if (!ok) {
    const names = [...damaged, ...missing];
    throw new PassportError('damaged', `${target} does not give back what was put: ${names.length} objects`, {
      ...stays,
      details: { names },
    });
  }
  await removeStore(run, old.url);
  return report;
}
