/**
 * One visit to one store, in two halves: `pull` takes what is new there, `push` brings what it lacks (docs/protocol.md, 4 and
 * 5; order: registry, votes and mail, commits). A store is never believed: it is noticed when it lost, tore or rolled back.
 */
import { base32, type Bytes, equal } from '../bytes.ts';
import { type Device, type MemberView } from '../device/device.ts';
import { isPassportError } from '../errors.ts';
import { parseName, storeRoot } from '../format/names.ts';
import { bundleObjects, bundleSummary, markStored } from '../records/objects.ts';
import { pendingBundles } from '../records/pending.ts';
import { type Contradiction, receiveBundle } from '../records/receive.ts';
import { headSlot, holderOf, memberOf } from '../registry/state.ts';
import type { Store } from '../storage/store.ts';
import { contradicting, contradictingHashes } from '../sync/contradictions.ts';
import { type Ledger, readLedger, type StorePlace, writeLedger } from '../sync/ledger.ts';
import { abortable, type Fetched, fetchAll, type Listed, listFolder, putObject } from '../sync/transfer.ts';
import { type Catalog, HOT_ENTRIES, StoreNames, type Wanted } from '../sync/wanted.ts';
import type { StoreState } from '../types.ts';
import { type Candidate, catchUpFrom, followAll } from './chain.ts';
import { registryObjects } from './decide.ts';
import { lookAround } from './enter.ts';
import { grantsOf, keepGrants, missingGrants } from './grants.ts';
import { dropLater, keepMail, openMail, outgoing, toDrop, withdraw } from './mail.ts';
import { readSlot, votesOf } from './slot.ts';
import { takenBackBy } from './unlock.ts';
import { keepVotes } from './vote-authors.ts';

export interface VisitOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Tags of pairing messages that this device waits for. */
  readonly pairTags?: ReadonlySet<string>;
  readonly onPairing?: (tag: string, bytes: Bytes) => Promise<void>;
}

export interface Pulled {
  readonly ledger: Ledger;
  readonly listed: ReadonlyMap<string, Listed>;
  readonly received: number;
  readonly lost: readonly string[];
  readonly damaged: readonly string[];
  readonly rolledBack: boolean;
  /** What it shows and contradicts what this device has, in words. */
  readonly contradicts: readonly string[];
  readonly decided: readonly number[];
  /** An entry is here that this device cannot follow: its grant is not here, or is wrong. */
  readonly grantMissing: number | undefined;
  /** Bundles are there whose keys are not here: they were not kept. */
  readonly keyMissing: boolean;
}

/** Entries that a device may be behind; names beyond that are no entries. */
const MOST_SLOTS_AHEAD = 4096;

const newestSlot = (listed: Iterable<Listed>) =>
  Math.max(-1, ...[...listed].map(({ name }) => (name.kind === 'registry' ? name.slot : -1)));

/** Lists `hot/` once and takes everything new. Store failures are thrown; whatever came before them is kept. */
export async function pull(device: Device, place: StorePlace, store: Store, options: VisitOptions): Promise<Pulled> {
  const { signal } = options;
  const ledger = await device.transact(({ tx }) => readLedger(tx, place));
  const listed = new Map((await listFolder(store, place, 'hot', signal)).map((item) => [item.path, item]));
  // Votes, mail and old entries are deleted by whoever sees first that they are done; commits never are.
  const lost = [...ledger.names].filter((path) => path.startsWith('hot/c-') && !listed.has(path)); // V180
  const head = await device.asMember(async ({ state }) => headSlot(state));
  const slot = newestSlot(
    [...listed.values()].filter(({ name }) => name.kind !== 'registry' || name.slot <= head + MOST_SLOTS_AHEAD),
  );
  // Of the newest entry that the store was known to have, nothing is left there. With newer ones followed now, that is tidiness.
  const newest = [...ledger.names].filter((path) => {
    const name = parseName(`${storeRoot(place.id)}/${path}`);
    return name?.kind === 'registry' && name.hot && name.slot === ledger.slot;
  });
  const gone = newest.length > 0 && !newest.some((path) => listed.has(path));
  // Own mail that is gone was taken by its receiver: it is not put again, while the store is not an older one.
  const mails = await device.transact(async ({ tx }) => new Set((await outgoing(tx)).map(({ hash }) => hash)));
  const taken = (path: string) => !gone && path.startsWith('hot/m-') && mails.has(hashOfPath(path));
  const stays = (path: string) => !path.startsWith('hot/') || listed.has(path) || taken(path);
  const names = new Set([...ledger.names].filter(stays));
  const suspects = new Map<string, number>();
  const fresh = [...listed.values()].filter(({ path }) => !names.has(path));
  const intake = new Intake(device, place, store, options, names, suspects, ledger.suspects);

  const decided = await intake.registry(fresh, slot);
  const rolledBack = gone && decided.length === 0; // V179
  if (rolledBack) for (const path of names) if (!path.startsWith('hot/')) names.delete(path);
  const rest = fresh.filter(({ name }) => name.kind !== 'registry');
  await intake.votes(rest);
  await intake.mail(rest);
  await intake.bundles(rest);
  await intake.grants();
  const contradicts = await device.asMember(async (view) => [
    ...(await contradicting(view.tx, names)),
    ...contradictedBy(view, intake.contradictions, (hash) => has(names, listed, hash)),
  ]);
  const version = lost.length > 0 || rolledBack ? -1 : ledger.version;
  const damaged = [...intake.damaged, ...[...suspects].filter(([, polls]) => polls >= 2).map(([path]) => path)];
  return {
    ledger: { ...ledger, names, suspects, version, slot: rolledBack ? -1 : ledger.slot },
    ...{ listed, lost, damaged, rolledBack, contradicts, decided },
    ...{ grantMissing: intake.grantMissing, keyMissing: intake.keyMissing },
    received: intake.received,
  };
}

/** Whether a store shows this bundle. */
const has = (names: ReadonlySet<string>, listed: ReadonlyMap<string, Listed>, hash: string) =>
  [...names, ...listed.keys()].some((path) => path.startsWith('hot/c-') && hashOfPath(path) === hash);

/** In words. A store that shows both commits of a number tells the same as this device: its device is cloned, it is not forked. */
export function contradictedBy(
  { state }: MemberView,
  found: readonly (Contradiction & { readonly path: string })[],
  shows: (hash: string) => boolean,
): string[] {
  return found
    .filter(({ against }) => !against.some(shows)) // V230
    .map(({ device, seq, path }) => `another commit ${seq} of "${memberOf(state, device)?.name ?? '?'}": ${path}`);
}

const hashOfPath = (path: string) => path.slice(path.lastIndexOf('-') + 1);

class Intake {
  readonly #device: Device;
  readonly #place: StorePlace;
  readonly #store: Store;
  readonly #options: VisitOptions;
  /** Grows with every name that is dealt with. */
  readonly #names: Set<string>;
  readonly #suspects: Map<string, number>;
  readonly #before: ReadonlyMap<string, number>;
  received = 0;
  /** The slot of an entry that is here while this device's grant of it is not, or is wrong. */
  grantMissing: number | undefined;
  keyMissing = false;
  readonly contradictions: (Contradiction & { readonly path: string })[] = [];
  readonly damaged: string[] = [];

  constructor(
    device: Device,
    place: StorePlace,
    store: Store,
    options: VisitOptions,
    names: Set<string>,
    suspects: Map<string, number>,
    before: ReadonlyMap<string, number>,
  ) {
    this.#device = device;
    this.#place = place;
    this.#store = store;
    this.#options = options;
    this.#names = names;
    this.#suspects = suspects;
    this.#before = before;
  }

  /** Fetches and keeps what is whole; torn content is "not yet" until it was seen twice. */
  async #fetch(items: readonly Listed[]): Promise<(Fetched & { bytes: Bytes })[]> {
    const { signal, onProgress } = this.#options;
    let done = 0;
    const onDone = onProgress && (() => onProgress(++done, items.length));
    const whole: (Fetched & { bytes: Bytes })[] = [];
    for (const fetched of await fetchAll(this.#store, this.#place, items, { signal, onDone })) {
      if (fetched.bytes !== undefined) whole.push(fetched);
      else if (fetched.fault === 'torn') {
        this.#suspects.set(fetched.item.path, (this.#before.get(fetched.item.path) ?? 0) + 1);
      }
    }
    return whole;
  }

  async registry(fresh: readonly Listed[], newest: number): Promise<readonly number[]> {
    const device = this.#device;
    const head0 = await device.asMember(async ({ state }) => headSlot(state));
    const items = fresh.filter(({ name }) => name.kind === 'registry' && name.slot <= head0 + MOST_SLOTS_AHEAD); // V181
    if (items.length === 0) return [];
    const candidates = new Map<string, Candidate & { path: string }>();
    const take = async (those: readonly Listed[]) => {
      for (const { item, bytes } of await this.#fetch(those)) {
        if (item.name.kind === 'registry')
          candidates.set(`${item.name.slot}-${item.name.hash}`, { slot: item.name.slot, bytes, path: item.path });
      }
    };
    await take(items);
    const headNow = () => device.asMember(async ({ state }) => headSlot(state));
    const decided: number[] = [];
    for (let round = 0; round < 2 + newest; round++) {
      const before = await headNow();
      const gap = newest > before && ![...candidates.values()].some(({ slot }) => slot === before + 1);
      if (gap) {
        const all = await listFolder(this.#store, this.#place, 'reg', this.#options.signal);
        await take(
          all.filter(
            ({ name }) =>
              name.kind === 'registry' && name.slot > before && !candidates.has(`${name.slot}-${name.hash}`),
          ),
        );
      }
      const list = [...candidates.values()];
      const followed = await followAll(device, list);
      decided.push(...followed.decided);
      this.received += followed.decided.length;
      for (const i of followed.bad) {
        const path = (list[i] as { path: string }).path;
        if (!this.damaged.includes(path)) this.damaged.push(path);
      }
      if (followed.grantMissing !== undefined && (await this.#grantFor(followed.grantMissing.entry.core))) continue;
      if (followed.grantMissing !== undefined) {
        const caught = await catchUpFrom(device, await lookAround(this.#store, this.#place, this.#options.signal));
        decided.push(...caught);
        if (caught.length === 0) this.grantMissing = followed.grantMissing.entry.core.slot;
      }
      if (followed.decided.length === 0 || (await headNow()) >= newest || followed.forked) break;
    }
    const head = await headNow();
    for (const { slot, path } of candidates.values())
      if (slot <= head || this.damaged.includes(path)) this.#names.add(path);
    return decided;
  }

  /** Fetches this device's grant of an entry; false when the store does not have it, or when it is here already and wrong. */
  async #grantFor(core: {
    epoch: number;
    holders: readonly { id: Bytes }[];
    epochPart: { shares: readonly { grantHash: Bytes }[] } | null;
  }): Promise<boolean> {
    const device = this.#device;
    const { secrets } = await device.transact(async (view) => view);
    const i = core.holders.findIndex(({ id }) => equal(id, secrets.deviceId));
    const share = core.epochPart?.shares[i];
    if (share === undefined) return false;
    const hash = base32(share.grantHash.subarray(0, 16));
    if ((await device.transact(({ tx }) => tx.object(hash))) !== undefined) return false;
    return (await this.#grantsNamed([{ epoch: core.epoch, holder: secrets.deviceId, hash }])) > 0;
  }

  async #grantsNamed(grants: readonly { epoch: number; holder: Bytes; hash: string }[]): Promise<number> {
    const device = this.#device;
    const names = await this.#storeNames();
    const items = grants.map(({ epoch, holder, hash }): Listed & { holder: Bytes } => ({
      path: names.grant(epoch, holder, hash),
      name: { kind: 'grant', store: names.store, epoch, holder: names.holder(holder), hash },
      holder,
    }));
    const whole = await this.#fetch(items);
    if (whole.length === 0) return 0;
    await device.transact(async ({ tx }) => {
      await keepGrants(
        tx,
        whole.map(({ item, bytes }) => ({
          epoch: (item.name as { epoch: number }).epoch,
          holder: (item as Listed & { holder: Bytes }).holder,
          bytes,
        })),
      );
    });
    for (const { item } of whole) this.#names.add(item.path);
    return whole.length;
  }

  async #storeNames(): Promise<StoreNames> {
    const { secrets } = await this.#device.transact(async (view) => view);
    return new StoreNames(this.#device.pid, secrets.nameRoot as Bytes, this.#place);
  }

  /** Grants that this replica should have and has not: of the head's epoch, and of entries in vote. */
  async grants(): Promise<void> {
    const device = this.#device;
    const missing = await device.asMember(async (view) => {
      if (holderOf(view.state, view.secrets.deviceId) === undefined) return [];
      const inVote =
        (await votesOf(view.tx)).length === 0 ? [] : [...(await readSlot(device, view, new Set())).entries.values()];
      return missingGrants(
        view.tx,
        view.state,
        inVote.map(({ parsed }) => parsed),
      );
    });
    if (missing.length > 0) await this.#grantsNamed(missing);
  }

  async votes(fresh: readonly Listed[]): Promise<void> {
    const device = this.#device;
    const next = (await device.asMember(async ({ state }) => headSlot(state))) + 1;
    const items = fresh.filter(({ name }) => name.kind === 'vote' && name.slot === next);
    if (items.length === 0) return;
    const known = new Set(await device.transact(async ({ tx }) => (await votesOf(tx)).map(({ hash }) => hash)));
    for (const { path, name } of items) if (known.has(name.hash)) this.#names.add(path);
    const whole = await this.#fetch(items.filter(({ name }) => !known.has(name.hash)));
    await device.asMember(async (view) => {
      if (headSlot(view.state) + 1 !== next) return;
      await keepVotes(
        device,
        view,
        whole.map(({ item, bytes }) => ({ hash: item.name.hash, bytes })),
      );
    });
    for (const { item } of whole) this.#names.add(item.path);
    this.received += whole.length;
  }

  async mail(fresh: readonly Listed[]): Promise<void> {
    const device = this.#device;
    const names = await this.#storeNames();
    const { secrets } = await device.transact(async (view) => view);
    const me = names.holder(secrets.deviceId);
    const own = new Set(await device.transact(async ({ tx }) => (await outgoing(tx)).map(({ hash }) => hash)));
    const tagOf = (item: Listed) => (item.name.kind === 'mail' ? item.name.holder : '');
    const isPairing = (item: Listed) => this.#options.pairTags?.has(tagOf(item)) === true;
    const items = fresh.filter((item) => item.name.kind === 'mail' && !own.has(item.name.hash));
    for (const { item, bytes } of await this.#fetch(items.filter((item) => tagOf(item) === me || isPairing(item)))) {
      const forPairing = isPairing(item);
      if (forPairing) await this.#options.onPairing?.(tagOf(item), bytes);
      await device.asMember(async (view) => {
        const mail = forPairing ? undefined : await openMail(device, view, bytes);
        if (mail !== undefined) await keepMail(view.tx, mail, device.env.clock.now(), takenBackBy(device, view, mail));
        await dropLater(view.tx, [item.name.hash]);
      });
      this.#names.add(item.path);
      this.received += 1;
    }
  }

  async bundles(fresh: readonly Listed[]): Promise<void> {
    const device = this.#device;
    const items = fresh.filter(({ name }) => name.kind === 'bundle');
    if (items.length === 0) return;
    const names = await this.#storeNames();
    const have = await device.transact(async ({ tx }) => {
      const found = new Set<string>();
      for (const { name } of items) if ((await tx.object(name.hash)) !== undefined) found.add(name.hash);
      for (const hash of found) await markStored(tx, hash);
      return found;
    });
    for (const { path, name } of items) if (have.has(name.hash)) this.#names.add(path);
    const absent = items.filter(({ name }) => !have.has(name.hash));
    // By sequence, in groups: what was taken before a failure is kept.
    for (let at = 0; at < absent.length; at += 32) {
      for (const { item, bytes } of await this.#fetch(absent.slice(at, at + 32))) {
        const { chain: tag, first, last } = item.name as { chain: string; first: number; last: number };
        try {
          const chainTagOk = (chain: Bytes, f: number, l: number) =>
            names.chain(chain) === tag && f === first && l === last;
          const received = await device.asMember((view) =>
            receiveBundle(view.tx, device.records(view), bytes, { chainTagOk }),
          );
          if (received.state !== 'waiting-key')
            for (const each of received.contradictions ?? []) this.contradictions.push({ ...each, path: item.path });
          if (received.state === 'waiting-key') this.keyMissing = true;
          else this.#names.add(item.path);
          if (received.state === 'stored') this.received += 1;
        } catch (error) {
          if (!isPassportError(error) || ['journal-changed', 'disk-full', 'home-unusable'].includes(error.code))
            throw error;
          this.damaged.push(item.path);
          this.#names.add(item.path); // the bytes are what the name says: it will not get better
        }
      }
    }
  }
}

/** All of this replica but its bundles. */
export async function catalogOf(view: MemberView, now: number): Promise<Catalog> {
  const { tx, state } = view;
  await withdraw(tx, ({ expires }) => expires < now);
  return {
    grants: await grantsOf(tx),
    registry: await registryObjects(tx),
    votes: (await votesOf(tx)).filter(({ slot }) => slot === headSlot(state) + 1),
    mail: await outgoing(tx),
  };
}

export interface Pushed {
  readonly sent: number;
  readonly waitingForUnlock: number;
  /** Name hashes of bundles that this home has lost or damaged: the store still lacks them. */
  readonly damaged: readonly string[];
}

/** Bundles under way at once, and their bytes: one may have 16 MiB. */
const PARALLEL_PUTS = 16;
const PARALLEL_BYTES = 16 * 1024 * 1024;

/** Rejects with the first failure, when nothing is under way any more. */
async function severalAtOnce<T extends { readonly sizeBytes: number }>(
  items: readonly T[],
  action: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let bytes = 0;
  let failure: { readonly error: unknown } | undefined;
  for (const item of items) {
    while (running.size === PARALLEL_PUTS || (running.size > 0 && bytes + item.sizeBytes > PARALLEL_BYTES))
      await Promise.race(running);
    if (failure !== undefined) break;
    bytes += item.sizeBytes;
    const run: Promise<void> = action(item)
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => {
        running.delete(run);
        bytes -= item.sizeBytes;
      });
    running.add(run);
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure.error;
}

/** Puts everything that the store lacks, notes what it has now, and tidies what nobody needs any more. */
export async function push(
  device: Device,
  place: StorePlace,
  store: Store,
  pulled: Pick<Pulled, 'ledger' | 'listed'>,
  state: StoreState,
  options: VisitOptions,
): Promise<Pushed> {
  const { clock } = device.env;
  const names = new Set(pulled.ledger.names);
  let sent = 0;
  const prepared = await device.asMember(async (view) => {
    const catalog = await catalogOf(view, clock.now());
    const mayWrite = holderOf(view.state, view.secrets.deviceId) !== undefined; // what a revoked device wrote stays here
    const pending = mayWrite && (await bundleSummary(view.tx)).pending > 0;
    const own = pending ? await pendingBundles(view.tx, device.records(view), view.state.epoch) : undefined;
    const { version } = await bundleSummary(view.tx);
    const every =
      version === pulled.ledger.version ? [] : (await bundleObjects(view.tx)).filter(({ stored }) => stored);
    return {
      catalog,
      own,
      every,
      secrets: view.secrets,
      version,
      drop: await toDrop(view.tx),
      evidence: await contradictingHashes(view.tx),
      head: headSlot(view.state),
    };
  });
  const { catalog, own, every, secrets, drop, evidence, head } = prepared;
  const at = new StoreNames(device.pid, secrets.nameRoot as Bytes, place);
  const isLacking = ({ path }: Wanted) => !names.has(path);
  const others = at.all(catalog).filter(isLacking);
  const bundles = [...every, ...(own?.bundles ?? [])]
    .map((bundle) => ({ path: at.bundle(bundle), hash: bundle.hash, sizeBytes: bundle.sizeBytes }))
    .filter(isLacking);
  const confirmed: string[] = [];
  const damaged = [...(own?.damaged ?? [])];
  let failure: { readonly error: unknown } | undefined;
  try {
    const send = async ({ path, hash }: Wanted) => {
      const bytes = await device.replica.object(hash);
      if (bytes === undefined) return;
      await putObject(store, place, path, bytes, options.signal);
      names.add(path);
      confirmed.push(hash);
      sent += 1;
      options.onProgress?.(sent, others.length + bundles.length);
    };
    for (const each of others) await send(each);
    // Of bundles each waits where it is read for those that it depends on. One that is damaged here holds up no other.
    await severalAtOnce(bundles, (bundle) =>
      send(bundle).catch((error: unknown) => {
        if (!isPassportError(error, 'damaged')) throw error;
        damaged.push(bundle.hash);
      }),
    );
    await tidy(store, { listed: pulled.listed, names, catalog, drop, evidence, head, at }, options.signal);
  } catch (error) {
    failure = { error };
  }
  await device.asMember(async ({ tx }) => {
    for (const hash of confirmed) await markStored(tx, hash);
    const { version } = await bundleSummary(tx);
    const whole =
      failure === undefined &&
      damaged.length === 0 &&
      (own?.waiting ?? 0) === 0 &&
      (await bundleSummary(tx)).pending === 0;
    const after: Ledger = {
      ...pulled.ledger,
      names,
      state,
      checkedAt: clock.now(),
      version: whole ? version : -1,
      slot: Math.max(pulled.ledger.slot, failure === undefined ? head : -1),
    };
    const before = await readLedger(tx, place);
    const same = { ...after, checkedAt: before.checkedAt };
    // When nothing is new it is noted once a day that the store was there.
    const noted = Math.abs(after.checkedAt - before.checkedAt) < DAY_MS;
    if (!noted || !sameLedger(before, same)) await writeLedger(tx, place, after);
  });
  if (failure !== undefined) throw failure.error;
  return { sent, waitingForUnlock: own?.waiting ?? 0, damaged };
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** An idle sync writes nothing. */
function sameLedger(a: Ledger, b: Ledger): boolean {
  const sameNames = a.names.size === b.names.size && [...b.names].every((name) => a.names.has(name));
  const sameSuspects =
    a.suspects.size === b.suspects.size && [...b.suspects].every(([n, p]) => a.suspects.get(n) === p);
  return sameNames && sameSuspects && a.state === b.state && a.version === b.version && a.slot === b.slot;
}

interface Tidying {
  readonly listed: ReadonlyMap<string, Listed>;
  readonly names: Set<string>;
  readonly catalog: Catalog;
  readonly drop: ReadonlySet<string>;
  /** Hashes of entries that contradict: they prove who voted twice. */
  readonly evidence: ReadonlySet<string>;
  readonly head: number;
  readonly at: StoreNames;
}

/**
 * Deletes votes of decided slots and entries that `hot/` need not have any more, both only where the store has the entry
 * under `reg/`, and mail that was dealt with.
 */
async function tidy(
  store: Store,
  { listed, names, catalog, drop, evidence, head, at }: Tidying,
  signal?: AbortSignal,
): Promise<void> {
  const kept = new Set(
    catalog.registry.filter(([slot, hash]) => names.has(at.registry(slot, hash, false))).map(([slot]) => slot),
  );
  for (const { path, name } of listed.values()) {
    const done =
      (name.kind === 'vote' && name.slot <= head && kept.has(name.slot)) ||
      (name.kind === 'registry' &&
        name.slot <= head - HOT_ENTRIES &&
        kept.has(name.slot) &&
        !evidence.has(name.hash)) ||
      (name.kind === 'mail' && drop.has(name.hash));
    if (!done) continue;
    try {
      await abortable(signal, () => store.delete(`p/${at.store}/${path}`, signal ? { signal } : {}));
    } catch (error) {
      if (isPassportError(error, 'store-refused')) return; // a store that keeps everything lacks nothing
      throw error;
    }
    names.delete(path);
  }
}
