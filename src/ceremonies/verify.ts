/**
 * Verify: every object, chain, signature, grant and hole, in this home and in every store, and what is damaged by name.
 * Repair puts into a store what this device has; what this home lost is taken from a store that has it whole. Never from
 * store to store.
 */
import { sha256 } from '../crypto/hash.ts';
import type { Device, MemberView } from '../device/device.ts';
import { equal, hex } from '../bytes.ts';
import { isPassportError } from '../errors.ts';
import { nameHash } from '../format/names.ts';
import { waitingCommits } from '../records/apply.ts';
import { damagedCommits } from '../records/indexing.ts';
import { bundleObjects } from '../records/objects.ts';
import { type Contradiction, contradictionsOf } from '../records/receive.ts';
import { repairObject, verifyReplica } from '../records/verify.ts';
import { applyEntry, epochOf, headSlot, type RegistryState } from '../registry/state.ts';
import {
  checkAttachments,
  checkCertificate,
  checkEntry,
  checkFounding,
  checkFoundingCertificate,
} from '../registry/valid.ts';
import { contradicting, contradictingHashes } from '../sync/contradictions.ts';
import { readLedger, type StorePlace, storePlaces, writeLedger } from '../sync/ledger.ts';
import { fetchAll, listFolder, putObject, throwIfAborted } from '../sync/transfer.ts';
import { StoreNames, type Wanted } from '../sync/wanted.ts';
import type { VerifyReport } from '../types.ts';
import { type Candidate, compareAll, decidedAt } from './chain.ts';
import { registryObjects } from './decide.ts';
import { deviceOpener, grantNameHash, grantsOf, openOwnGrant } from './grants.ts';
import { settle } from './sync.ts';
import { contradictedBy } from './visit.ts';
import type { Runtime } from './runtime.ts';

export interface VerifyOptions {
  readonly repair?: boolean;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Findings {
  checked: number;
  readonly damaged: string[];
  readonly missing: string[];
  readonly contradicts: string[];
  readonly repaired: string[];
  /** What this home lost and a store may have: names for the report, by the hash of the object. */
  readonly lost: Map<string, string>;
}

function nothing(): Findings {
  return { checked: 0, damaged: [], missing: [], contradicts: [], repaired: [], lost: new Map() };
}

/** The registry of this home, verified again from slot 0 on. */
async function verifyRegistry(device: Device, view: MemberView, found: Findings): Promise<void> {
  let state: RegistryState | undefined;
  for (const [slot, hash] of await registryObjects(view.tx)) {
    const bytes = await view.tx.object(hash);
    if (bytes === undefined || nameHash(bytes) !== hash) found.lost.set(hash, `registry entry ${slot}`);
  }
  for (let slot = 0; slot <= headSlot(view.state); slot++) {
    try {
      const decided = await decidedAt(device, view, slot);
      if (decided === undefined) {
        found.missing.push(`registry entry ${slot}`);
        return;
      }
      checkAttachments(decided.entry, decided.wrap, decided.link);
      if (state === undefined) {
        await checkFounding(decided.entry, device.pid);
        checkFoundingCertificate(decided.entry, decided.certificate);
      } else {
        await checkEntry(state, decided.entry);
        checkCertificate(state, decided.entry, decided.certificate);
      }
      state = applyEntry(state, decided.entry);
      found.checked += 1;
    } catch (error) {
      if (!isPassportError(error)) throw error;
      found.damaged.push(`registry entry ${slot}`);
      return;
    }
  }
  if (
    state !== undefined &&
    !equal(state.entries[headSlot(state)]?.id ?? device.pid, view.state.entries[headSlot(view.state)]?.id ?? device.pid)
  ) {
    found.damaged.push('registry head');
  }
}

async function verifyGrants(device: Device, view: MemberView, found: Findings): Promise<void> {
  const { state, secrets, tx } = view;
  const epoch = epochOf(state);
  for (const [i, holder] of epoch.holders.entries()) {
    const member = state.members.find(({ id }) => equal(id, holder.id));
    const expected = epoch.shares[i];
    const name = `grant of "${member?.name ?? '?'}"`;
    const bytes = expected && (await tx.object(grantNameHash(expected.grantHash)));
    const good = bytes !== undefined && expected !== undefined && equal(sha256(bytes), expected.grantHash);
    if (good) found.checked += 1;
    else (bytes === undefined ? found.missing : found.damaged).push(name);
    if (!good && expected !== undefined) found.lost.set(grantNameHash(expected.grantHash), name);
    if (bytes === undefined || member === undefined || !equal(holder.id, secrets.deviceId)) continue;
    try {
      await openOwnGrant(device, tx, epoch, member.receiveKey, deviceOpener(view));
    } catch (error) {
      if (!isPassportError(error)) throw error;
      found.damaged.push(`share of "${member.name}"`);
    }
  }
}

export async function verify(run: Runtime, options: VerifyOptions): Promise<VerifyReport> {
  const { device } = run;
  await run.requireMember();
  const { found, own } = await device.asMember(async (view) => {
    const found = nothing();
    await verifyRegistry(device, view, found);
    await verifyGrants(device, view, found);
    const ctx = device.records(view);
    for (const { chain, seq, waits } of await waitingCommits(view.tx, ctx)) {
      if (waits.for !== 'commit' || !waits.missing) continue;
      found.missing.push(
        `commit ${waits.seq} of chain ${waits.chain}, for which commit ${seq} of chain ${chain} waits`,
      );
    }
    for (const { bundle, device: author, seq } of await damagedCommits(view.tx, ctx)) {
      const name = view.state.members.find(({ id }) => hex(id) === author)?.name ?? author;
      found.damaged.push(`updates of commit ${seq} by "${name}" in ${bundle}: not those that were signed`);
    }
    return { found, own: await verifyReplica(view.tx, ctx, options.onProgress) };
  });
  found.checked += own.checked;
  for (const hash of [...own.damaged, ...own.missing]) found.lost.set(hash, `home/${hash}`);
  found.damaged.push(...own.damaged.map((hash) => `home/${hash}`));
  found.missing.push(...own.missing.map((hash) => `home/${hash}`));
  found.missing.push(...own.holes.map(({ chain, seq }) => `commit ${seq} of chain ${chain}`));
  await verifyEach(run, await device.transact(({ tx }) => storePlaces(tx)), found, options);
  if (options.repair === true && found.repaired.length > 0) await settle(device);
  return reportOf(found);
}

/** Everything in this store, and what it lacks; this home is not looked at. The codes of stores when it cannot be read. */
export async function verifyPlace(run: Runtime, place: StorePlace, options: VerifyOptions): Promise<VerifyReport> {
  const found = nothing();
  await verifyStore(run, place, found, options);
  return reportOf(found);
}

async function verifyEach(
  run: Runtime,
  places: readonly StorePlace[],
  found: Findings,
  options: VerifyOptions,
): Promise<void> {
  for (const place of places) {
    throwIfAborted(options.signal);
    try {
      await verifyStore(run, place, found, options);
    } catch (error) {
      if (!isPassportError(error) || !error.code.startsWith('store-')) throw error;
      found.missing.push(`${place.url} (${error.code})`);
    }
  }
}

function reportOf(found: Findings): VerifyReport {
  const open = (list: readonly string[]) => list.filter((name) => !found.repaired.includes(name));
  const { checked, damaged, missing, contradicts, repaired } = found;
  const ok = open(damaged).length + open(missing).length + contradicts.length === 0;
  return { ok, checked, damaged, missing, contradicts, repaired };
}

async function verifyStore(run: Runtime, place: StorePlace, found: Findings, options: VerifyOptions): Promise<void> {
  const { device } = run;
  const { signal, onProgress } = options;
  const store = await run.stores.get(place);
  const listed = (
    await Promise.all((['hot', 'reg', 'grant'] as const).map((folder) => listFolder(store, place, folder, signal)))
  ).flat();
  let done = 0;
  const onDone = onProgress && (() => onProgress(++done, listed.length));
  const good = new Set<string>();
  const torn: string[] = [];
  const entries: Candidate[] = [];
  const clones: (Contradiction & { readonly path: string })[] = [];
  for (const { item, bytes } of await fetchAll(store, place, listed, { signal, onDone })) {
    if (bytes === undefined) torn.push(item.path);
    else {
      good.add(item.path);
      found.checked += 1;
      const { hash } = item.name;
      if (item.name.kind === 'registry') entries.push({ slot: item.name.slot, bytes });
      if (item.name.kind === 'bundle' && (await device.replica.object(hash)) === undefined) {
        const of = await device.asMember((view) => contradictionsOf(view.tx, device.records(view), bytes));
        clones.push(...of.map((each) => ({ ...each, path: item.path })));
      }
      const lost = found.lost.get(hash);
      if (lost === undefined || options.repair !== true || found.repaired.includes(lost)) continue;
      if (await device.transact(async ({ tx }) => repairObject(tx, hash, bytes))) found.repaired.push(lost);
    }
  }
  await compareAll(device, entries);
  const contradicts = await device.asMember(async (view) => [
    ...(await contradicting(view.tx, good)),
    ...contradictedBy(view, clones, (hash) => [...good].some((path) => path.endsWith(`-${hash}`))),
  ]);
  found.contradicts.push(...contradicts.map((what) => `${place.url} shows ${what}`));
  const wanted = await device.asMember((view) => wantedOf(device, view, place));
  const missing = wanted.filter(({ path }) => !good.has(path) && !torn.includes(path));
  found.damaged.push(...torn.map((path) => `${place.url}/${path}`));
  found.missing.push(...missing.map(({ path }) => `${place.url}/${path}`));
  // Only what this device has dealt with: all else, whole as it is, stays new for its next sync.
  const before = await device.transact(({ tx }) => readLedger(tx, place));
  const own = new Set(wanted.map(({ path }) => path));
  const evidence = await device.transact(({ tx }) => contradictingHashes(tx));
  const names = new Set(
    [...good].filter(
      (path) => before.names.has(path) || own.has(path) || evidence.has(path.slice(path.lastIndexOf('-') + 1)),
    ),
  );
  // Own mail that is gone was taken by its receiver (see `pull`), while the store has all else: it is not put again.
  if (missing.length === 0)
    for (const path of before.names) if (path.startsWith('hot/m-') && !torn.includes(path)) names.add(path);
  if (options.repair === true) {
    for (const { path, hash } of wanted.filter((each) => !good.has(each.path))) {
      const bytes = await device.replica.object(hash);
      if (bytes === undefined || nameHash(bytes) !== hash) continue;
      await putObject(store, place, path, bytes, signal);
      names.add(path);
      found.repaired.push(`${place.url}/${path}`);
    }
  }
  await device.transact(async ({ tx }) => {
    const now = await readLedger(tx, place);
    const state = contradicts.length > 0 ? 'forked' : now.state === 'forked' ? 'ok' : now.state;
    await writeLedger(tx, place, { ...now, state, names, version: -1, checkedAt: device.env.clock.now() });
  });
}

/** What a store should have of this replica; what no store has yet is not missing there. */
export async function wantedOf(device: Device, view: MemberView, place: StorePlace): Promise<Wanted[]> {
  const at = new StoreNames(device.pid, view.secrets.nameRoot as never, place);
  const bundles = (await bundleObjects(view.tx)).filter(({ stored }) => stored);
  const registry = await registryObjects(view.tx);
  const grants = await grantsOf(view.tx);
  return [
    ...at.all({ grants, registry, votes: [], mail: [] }),
    ...bundles.map((bundle) => ({ path: at.bundle(bundle), hash: bundle.hash })),
  ];
}
