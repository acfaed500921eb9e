/**
 * Sync: visits every store, applies what came, moves what waits and was already approved, and brings every store what it lacks
 * (docs/architecture.md). Each store is served independently: a change is safe when one has it. With nothing new this is one
 * listing per store and no write.
 */
import { base32, equal } from '../bytes.ts';
import { sealedCredentials } from '../device/credentials.ts';
import { type Device, forkOf, type MemberView } from '../device/device.ts';
import { isPassportError, PassportError } from '../errors.ts';
import { acknowledgements, applyReady } from '../records/apply.ts';
import { indexReady } from '../records/indexing.ts';
import { continuity } from '../records/own.ts';
import { witness, writeCommit } from '../records/write.ts';
import { epochOf, holderOf, holdersOf } from '../registry/state.ts';
import type { Store } from '../storage/store.ts';
import {
  type Ledger,
  NEW_LEDGER,
  isYoung,
  readLedger,
  setYoung,
  storedVotes,
  type StorePlace,
  storePlaces,
  storesLeft,
  writeLedger,
} from '../sync/ledger.ts';
import type { StoreReport, StoreState } from '../types.ts';
import { drillDue } from './drill-answers.ts';
import { advance, type Hands, type Sight } from './engine.ts';
import { throwIfAborted } from '../sync/transfer.ts';
import type { News } from '../sync/news.ts';
import { behind } from '../sync/wanted.ts';
import { joinRoot, leaveRoot } from './roots.ts';
import { keepKek } from './unattended.ts';
import { pull, type Pulled, push, type VisitOptions } from './visit.ts';

/** Opens each store at most once per process. */
export class Stores {
  readonly #device: Device;
  readonly #open = new Map<string, Promise<Store>>();

  constructor(device: Device) {
    this.#device = device;
  }

  get(place: StorePlace): Promise<Store> {
    const { env, replica } = this.#device;
    const open = () => env.openStore(place.url, { credentials: sealedCredentials(replica) });
    const known = this.#open.get(place.url) ?? open();
    this.#open.set(place.url, known);
    known.catch(() => this.#open.delete(place.url));
    return known;
  }

  /** Closes the store that was opened for this address, if any: the next `get` opens it with what is kept by then. */
  async forget(url: string): Promise<void> {
    const known = this.#open.get(url);
    this.#open.delete(url);
    await (await known?.catch(() => undefined))?.close();
  }

  async close(): Promise<void> {
    for (const store of this.#open.values()) await (await store.catch(() => undefined))?.close();
    this.#open.clear();
  }
}

export interface Synced {
  readonly stores: readonly StoreReport[];
  readonly applied: number;
  readonly keys: readonly string[];
  readonly decided: readonly number[];
  readonly needsPassphrase: boolean;
  readonly waitingForUnlock: number;
  readonly notices: readonly string[];
  /** Addresses of stores with something that this device cannot take yet. */
  readonly untaken: readonly string[];
}

const STATES: Partial<Record<string, StoreState>> = {
  'store-unreachable': 'unreachable',
  'store-refused': 'refused',
  'store-full': 'full',
  'store-unknown': 'unknown',
};

interface Visit {
  place: StorePlace;
  store?: Store;
  pulled?: Pulled;
  error?: PassportError;
  sent: number;
  /** A root of this device that it gave up for the one of another. */
  left?: StorePlace;
}

async function attempt(visit: Visit, what: () => Promise<void>): Promise<void> {
  if (visit.error !== undefined) return;
  try {
    await what();
  } catch (error) {
    if (!isPassportError(error) || STATES[error.code] === undefined) throw error;
    visit.error = error;
  }
}

const MAX_ROUNDS = 16;

/** Of a store that answered, as its ledger keeps it. */
const stateOf = ({ contradicts }: Pulled): StoreState => (contradicts.length > 0 ? 'forked' : 'ok');

export async function syncAll(
  device: Device,
  stores: Stores,
  hands: Hands,
  options: VisitOptions = {},
): Promise<Synced> {
  const places = await device.transact(({ tx }) => storePlaces(tx));
  const visits: Visit[] = places.map((place) => ({ place, sent: 0 }));
  const decided: number[] = [];
  for (const visit of visits) {
    throwIfAborted(options.signal);
    await attempt(visit, async () => {
      visit.store = await stores.get(visit.place);
      await begin(device, visit, visit.store, options);
      visit.pulled = await pull(device, visit.place, visit.store, options);
      decided.push(...visit.pulled.decided);
      await noteConfirmed(device, visit.place, visit.pulled);
    });
  }
  const settled = await settle(device);
  let waitingForUnlock = 0;
  let needsPassphrase = false;
  const unsent = new Set<string>();
  const sight = await sightOf(device, visits, hands);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const moved = await advance(device, hands, storedVotes, sight);
    decided.push(...moved.decided);
    needsPassphrase = moved.needsPassphrase;
    if (moved.decided.length > 0) await settle(device);
    if (round > 0 && !moved.said) break;
    for (const visit of visits) {
      const { place, store, pulled } = visit;
      if (store === undefined || pulled === undefined) continue;
      await attempt(visit, async () => {
        const now =
          round === 0 ? pulled : { ...pulled, ledger: await device.transact(({ tx }) => readLedger(tx, place)) };
        const pushed = await push(device, place, store, now, stateOf(pulled), options);
        visit.sent += pushed.sent;
        waitingForUnlock = Math.max(waitingForUnlock, pushed.waitingForUnlock);
        for (const hash of pushed.damaged) unsent.add(hash);
      });
    }
  }
  for (const visit of visits) {
    const { left, store } = visit;
    if (left !== undefined && store !== undefined && visit.error === undefined)
      await leaveRoot(store, left, options.signal);
  }
  await device.box.prune(device.replica, true);
  return {
    stores: await Promise.all(visits.map((visit) => report(device, visit))),
    applied: settled.applied,
    keys: settled.keys,
    decided,
    needsPassphrase,
    waitingForUnlock,
    untaken: visits
      .filter(({ pulled }) => pulled !== undefined && (pulled.grantMissing !== undefined || pulled.keyMissing))
      .map(({ place }) => place.url),
    notices: [
      ...settled.notices,
      ...[...unsent].map(
        (hash) =>
          `home/${hash} is lost or damaged on this device and was not sent: other devices wait for it. passport verify --repair puts it back if a store has it; else export what you have, and let this device leave and come back as a new one.`,
      ),
      ...visits.flatMap(({ pulled }) =>
        pulled?.grantMissing === undefined
          ? []
          : [
              `Entry ${pulled.grantMissing} is decided, but this device’s part of it is not in the store or is wrong: sync another device, or ask for new keys (passport reshare).`,
            ],
      ),
      ...(await forkNotice(device)),
    ],
  };
}

/**
 * While something is being written: brings each store that is in use what is there already. It takes nothing, and a store that
 * fails is left alone; the sync that follows does the rest and tells.
 */
export async function sendAlong(device: Device, stores: Stores, news: News, options: VisitOptions): Promise<void> {
  const places = await device.transact(async ({ tx }) => {
    const begun: StorePlace[] = [];
    for (const place of await storePlaces(tx)) if ((await readLedger(tx, place)).names.size > 0) begun.push(place);
    return begun;
  });
  const visits: Visit[] = places.map((place) => ({ place, sent: 0 }));
  while ((await news.next()) && options.signal?.aborted !== true) {
    for (const visit of visits) {
      await attempt(visit, async () => {
        const ledger = await device.transact(({ tx }) => readLedger(tx, visit.place));
        const store = await stores.get(visit.place);
        await push(device, visit.place, store, { ledger, listed: new Map() }, ledger.state, options);
      });
    }
  }
}

/**
 * Before the first visit: where another device has a root of this passport there, and this one has nothing, it is joined. Of two
 * that began at the same moment one may have looked before the other came: so the sync after it looks once more.
 */
async function begin(device: Device, visit: Visit, store: Store, { signal }: VisitOptions): Promise<void> {
  const { place } = visit;
  const { begun, young } = await device.transact(async ({ tx }) => ({
    begun: (await readLedger(tx, place)).names.size > 0,
    young: await isYoung(tx, place),
  }));
  if (begun && !young) return;
  const joined = await joinRoot(device, place, store, { unlessBegun: !begun, signal });
  if (joined !== undefined) {
    visit.place = joined;
    if (begun) visit.left = place;
  } else if (begun) {
    await device.transact(({ tx }) => setYoung(tx, place, false));
  }
}

/**
 * A kit that voted elsewhere may have left its vote in a store that does not answer, or that only other devices still use: then its
 * person decides.
 */
async function sightOf(device: Device, visits: readonly Visit[], hands: Hands): Promise<Sight> {
  const failed = visits.filter(({ pulled, error }) => pulled === undefined || error !== undefined);
  const complete = failed.length === 0;
  const left = await device.transact(({ tx }) => storesLeft(tx));
  const unread = [
    ...failed.map(({ place }) => `${place.url} does not answer`),
    ...left.map((url) => `${url} is no store of this device any more`),
  ];
  if (unread.length === 0 || hands.kitsFor === undefined || hands.kits.length === 0)
    return { complete, kitsAnyway: false };
  const yes = (await hands.mayVoteWithout?.(unread)) === true;
  if (!yes)
    throw new PassportError('refused', 'a store could not be read, so the kit did not vote', {
      hint: 'Try again when every store answers.',
    });
  return { complete, kitsAnyway: true };
}

/** Votes that the listing showed are confirmed: a kit's counts from then on. */
async function noteConfirmed(device: Device, place: StorePlace, pulled: Pulled): Promise<void> {
  await device.transact(async ({ tx }) => {
    const before = await readLedger(tx, place);
    const votes = [...pulled.ledger.names].some((name) => name.startsWith('hot/v-') && !before.names.has(name));
    if (votes || before === NEW_LEDGER)
      await writeLedger(tx, place, { ...pulled.ledger, version: -1, slot: before.slot });
  });
}

interface Settled {
  readonly applied: number;
  readonly keys: readonly string[];
  readonly notices: readonly string[];
}

/** Applies and indexes what can be, writes what is due by itself (a witness), forgets keys that nobody needs any more. */
export function settle(device: Device): Promise<Settled> {
  return device.asMember(async (view) => {
    const { tx, state, secrets } = view;
    const ctx = device.records(view, await forkOf(tx));
    const notices: string[] = [];
    const { applied, rebuilt } = await applyReady(tx, ctx);
    if (rebuilt) notices.push('Changes by a revoked device were set aside; see `passport quarantine`.');
    const me = holderOf(state, secrets.deviceId);
    if (me !== undefined && (await continuity(tx, ctx)) === 'restored') {
      notices.push('This home was restored from an older copy: it goes on as a new incarnation, nothing is lost.');
      tx.set('amnesic', true);
    }
    const indexed = device.session === undefined ? undefined : await indexReady(tx, ctx);
    for (const { bundle } of indexed?.damaged ?? [])
      notices.push(`Updates in ${bundle} do not fit their author’s signature.`);
    if (me !== undefined) {
      for (const author of await witness(tx, ctx)) {
        const name = state.members.find(({ id }) => equal(id, author))?.name ?? 'a device';
        notices.push(`The clock of "${name}" is far ahead; its changes do not win by that.`);
      }
      await drillDue(device, { ...view, secrets: await device.box.read(tx) });
      await dropOldKeys(device, { ...view, secrets: await device.box.read(tx) });
    }
    await keepKek(device, { ...view, secrets: await device.box.read(tx) });
    return { applied, keys: indexed?.keys ?? [], notices };
  });
}

/**
 * Receive keys of older epochs are destroyed once this device's grant of the present one is stored and another device than the
 * dealer has opened it from N shares (with one device: this one).
 */
async function dropOldKeys(device: Device, view: MemberView): Promise<void> {
  const { tx, state, secrets } = view;
  const me = holderOf(state, secrets.deviceId);
  const slot = epochOf(state).slot;
  const stale = secrets.receive.filter(
    (key) => key.slot <= slot && me !== undefined && !equal(key.publicKey, me.receiveKey),
  );
  if (stale.length === 0) return;
  const devices = holdersOf(state).filter(({ kind }) => kind === 'device');
  const opened = (await acknowledgements(tx)).filter(({ epoch }) => epoch === state.epoch);
  const { dealer } = epochOf(state);
  const good =
    devices.length === 1
      ? opened.length > 0
      : opened.some(({ device: by }) => !equal(by, dealer) && devices.some(({ id }) => equal(id, by)));
  if (!good) return;
  await device.box.write(tx, { ...secrets, receive: secrets.receive.filter((key) => !stale.includes(key)) });
}

/** After an epoch was opened from N shares and the passphrase: the commit that says so, once. */
export async function acknowledge(device: Device, view: MemberView): Promise<boolean> {
  const { tx, state, secrets } = view;
  const known = await acknowledgements(tx);
  if (known.some(({ device: by, epoch }) => epoch === state.epoch && equal(by, secrets.deviceId))) return false;
  await writeCommit(tx, device.records(view), [], [state.epoch]);
  return true;
}

async function report(device: Device, visit: Visit): Promise<StoreReport> {
  const { place, pulled, error, sent } = visit;
  const now = device.env.clock.now();
  const failed = error && (STATES[error.code] as StoreState);
  if (failed !== undefined) {
    await device.transact(async ({ tx }) => {
      const before = await readLedger(tx, place);
      if (before.state !== failed) await writeLedger(tx, place, { ...before, state: failed });
    });
  }
  const ledger: Ledger = await device.transact(({ tx }) => readLedger(tx, place));
  const forked = pulled !== undefined && stateOf(pulled) === 'forked';
  const answered = forked ? 'forked' : pulled?.rolledBack === true ? 'rolled-back' : 'ok';
  return {
    url: place.url,
    id: base32(place.id),
    state: failed ?? answered,
    behind: await device.transact(({ tx }) => behind(tx, ledger)),
    checkedAtMs: failed === undefined ? now : ledger.checkedAt,
    received: pulled?.received ?? 0,
    sent,
    lost: pulled?.lost ?? [],
    damaged: pulled?.damaged ?? [],
    contradicts: pulled?.contradicts ?? [],
    ...(error === undefined
      ? {}
      : {
          error: {
            code: error.code,
            message: error.message,
            ...(error.hint === undefined ? {} : { hint: error.hint }),
          },
        }),
  };
}

async function forkNotice(device: Device): Promise<string[]> {
  const fork = await device.transact(({ tx }) => forkOf(tx));
  if (fork === undefined) return [];
  const named = fork.culprits.length === 0 ? '' : ` Provably voted twice: ${fork.culprits.join(', ')}.`;
  return [
    `Two different changes were decided in slot ${fork.slot}: the registry is frozen.${named} Export what you need: passport export`,
  ];
}

/** For ceremonies: the slot after the head, and whether this device may act in it. */
export async function requireOpenRegistry(view: MemberView): Promise<void> {
  const fork = await forkOf(view.tx);
  if (fork !== undefined) {
    throw new PassportError('registry-fork', `the registry is frozen: two changes were decided in slot ${fork.slot}`, {
      hint: 'Reading and writing go on here. Export the records, found a new passport and import them.',
      details: { slot: fork.slot, culprits: fork.culprits },
    });
  }
}
