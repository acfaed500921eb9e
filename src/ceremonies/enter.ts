/**
 * Getting in (docs/protocol.md, 5) for who has no registry yet: a fresh device with its grant, or N kits. From the newest
 * grant back through the links to slot 0, which must give the pid; then forward, verifying every entry and certificate.
 * Nothing that was opened on the way back is used before that.
 */
import { type Bytes, equal, fromBase32, hex, wipe } from '../bytes.ts';
import { holderId, meshLayerKey } from '../crypto/keys.ts';
import { openObject } from '../crypto/object.ts';
import { isPassportError, PassportError } from '../errors.ts';
import { MAX_ENTRY_BYTES, parseEntry } from '../format/entry.ts';
import { type Grant, MAX_GRANT_BYTES, openGrant } from '../format/grant.ts';
import { nameHash, parseName } from '../format/names.ts';
import { parseCertificate, parseDecided, parseRegistryObject } from '../format/votes.ts';
import { contributionOf, openGrantOf, openWrap, vekOf } from '../registry/open.ts';
import { openMeshLink } from '../registry/links.ts';
import { applyEntry, epochOf, headSlot, holderOf, type RegistryState } from '../registry/state.ts';
import {
  checkAttachments,
  checkCertificate,
  checkEntry,
  checkFounding,
  checkFoundingCertificate,
} from '../registry/valid.ts';
import type { Store } from '../storage/store.ts';
import type { StorePlace } from '../sync/ledger.ts';
import { fetchAll, type Listed, listFolder } from '../sync/transfer.ts';
import type { Decided } from './decide.ts';

const MOST_CANDIDATES = 64;
const MOST_GRANTS_READ = 512;

/** What getting in gives: the verified registry, its objects, and the keys of the newest epoch that the grant opened. */
export interface Entered {
  readonly state: RegistryState;
  /** Registry objects by slot. */
  readonly objects: readonly { readonly slot: number; readonly bytes: Bytes }[];
  readonly grants: readonly { readonly epoch: number; readonly holder: Bytes; readonly bytes: Bytes }[];
  readonly mesh: ReadonlyMap<number, Bytes>;
  readonly nameRoot: Bytes;
}

/** All passports in a store, by listing it: for who has only its address. */
export async function passportsIn(store: Store): Promise<StorePlace[]> {
  const ids = new Set<string>();
  for await (const name of store.list('p')) {
    const parsed = parseName(name);
    if (parsed !== undefined) ids.add(parsed.store);
  }
  return [...ids].map((id) => ({ url: store.url, id: fromBase32(id) }));
}

/** Registry objects and grants of one passport in one store, as far as they are whole. */
export interface Found {
  readonly registry: ReadonlyMap<number, readonly Bytes[]>;
  /** From the highest epoch down, 64 at most. */
  readonly grants: readonly { readonly epoch: number; readonly bytes: Bytes }[];
}

export async function lookAround(store: Store, place: StorePlace, signal?: AbortSignal): Promise<Found> {
  const registry = new Map<number, Bytes[]>();
  const whole = new Set<string>();
  for (const folder of ['reg', 'hot'] as const) {
    // An entry stands in both, and one copy may be torn. The same bytes under the name of another slot say nothing.
    const items = (await listFolder(store, place, folder, signal)).filter(
      ({ name }) => name.kind === 'registry' && !whole.has(`${name.slot}-${name.hash}`),
    );
    for (const { item, bytes } of await fetchAll(store, place, items, { signal, maxBytes: MAX_ENTRY_BYTES })) {
      if (bytes === undefined || item.name.kind !== 'registry') continue;
      whole.add(`${item.name.slot}-${item.name.hash}`);
      const those = registry.get(item.name.slot) ?? [];
      if (those.length < MOST_CANDIDATES) registry.set(item.name.slot, [...those, bytes]); // V182
    }
  }
  // An epoch starts in a slot of its own, so none is above the highest slot: names that claim more are passed over.
  const highest = Math.max(-1, ...registry.keys());
  const named = (await listFolder(store, place, 'grant', signal))
    .filter(({ name }) => name.kind === 'grant' && name.epoch <= highest)
    .sort((a, b) => epochOfName(b) - epochOfName(a))
    .slice(0, MOST_GRANTS_READ);
  const opened = (await fetchAll(store, place, named, { signal, maxBytes: MAX_GRANT_BYTES }))
    .filter((fetched): fetched is typeof fetched & { bytes: Bytes } => fetched.bytes !== undefined)
    .slice(0, MOST_CANDIDATES)
    .map(({ item, bytes }) => ({ epoch: epochOfName(item), bytes }));
  return { registry, grants: opened };
}

const epochOfName = (item: Listed) => (item.name.kind === 'grant' ? item.name.epoch : 0);

/** Everything that several stores hold of one passport, together. */
export function together(found: readonly Found[]): Found {
  const registry = new Map<number, Bytes[]>();
  const grants = new Map<string, { epoch: number; bytes: Bytes }>();
  for (const one of found) {
    for (const [slot, bytes] of one.registry) registry.set(slot, [...(registry.get(slot) ?? []), ...bytes]);
    for (const grant of one.grants) grants.set(`${grant.epoch}-${nameHash(grant.bytes)}`, grant);
  }
  return { registry, grants: [...grants.values()].sort((a, b) => b.epoch - a.epoch) };
}

/** Mesh keys that may be an epoch's: links can be forged by whoever knows the newer key, entries cannot. */
type MeshOptions = ReadonlyMap<number, readonly Bytes[]>;

const MOST_MESH_KEYS = 4;

/** From one epoch's mesh key back through the links to every older one, down to `oldest`. */
async function meshKeysBefore(
  pid: Bytes,
  epoch: number,
  meshKey: Bytes,
  oldest: number,
  found: Found,
): Promise<MeshOptions> {
  const options = new Map<number, Bytes[]>([[epoch, [meshKey]]]);
  const slots = [...found.registry.keys()].sort((a, b) => b - a);
  for (let now = epoch; now > oldest; now--) {
    const before: Bytes[] = [];
    for (const slot of slots) {
      for (const bytes of found.registry.get(slot) ?? []) {
        for (const key of options.get(now) ?? []) {
          const opened = await linkOf(pid, slot, now, key, bytes);
          if (opened === undefined || before.some((known) => equal(known, opened))) continue;
          if (before.length < MOST_MESH_KEYS) before.push(opened);
        }
      }
    }
    options.set(now - 1, before);
  }
  return options;
}

async function linkOf(
  pid: Bytes,
  slot: number,
  epoch: number,
  meshKey: Bytes,
  bytes: Bytes,
): Promise<Bytes | undefined> {
  try {
    const { link } = parseRegistryObject(bytes);
    return link.length === 0 ? undefined : await openMeshLink(pid, { slot, epoch }, meshKey, link);
  } catch (error) {
    if (isPassportError(error)) return undefined;
    throw error;
  }
}

interface Verified {
  readonly state: RegistryState;
  readonly objects: readonly { readonly slot: number; readonly bytes: Bytes }[];
  readonly decided: readonly Decided[];
  /** The mesh keys that opened verified entries. */
  readonly mesh: ReadonlyMap<number, Bytes>;
}

/**
 * Forward, entry by entry, as far as valid and certified ones are found: from slot 0 (which must give the pid), or from a
 * state that is trusted already. All candidates of a slot are tried; what does not verify says nothing.
 */
async function verifyForward(
  pid: Bytes,
  options: MeshOptions,
  found: Found,
  from?: RegistryState,
): Promise<Verified | undefined> {
  const objects: { slot: number; bytes: Bytes }[] = [];
  const decided: Decided[] = [];
  const mesh = new Map<number, Bytes>();
  let state = from;
  for (;;) {
    const slot: number = state === undefined ? 0 : headSlot(state) + 1;
    const next: Step | undefined = await nextEntry(pid, slot, state, options, found);
    if (next === undefined) break;
    mesh.set(state?.epoch ?? 0, next.meshKey);
    objects.push({ slot, bytes: next.bytes });
    decided.push(next.decided);
    state = applyEntry(state, next.decided.entry);
  }
  return state && { state, objects, decided, mesh };
}

interface Step {
  readonly bytes: Bytes;
  readonly decided: Decided;
  readonly meshKey: Bytes;
}

async function nextEntry(
  pid: Bytes,
  slot: number,
  state: RegistryState | undefined,
  options: MeshOptions,
  found: Found,
): Promise<Step | undefined> {
  const epoch = state?.epoch ?? 0;
  for (const bytes of found.registry.get(slot) ?? []) {
    for (const meshKey of options.get(epoch) ?? []) {
      try {
        const decided = await openEntry(pid, slot, epoch, meshKey, bytes);
        const { entry, certificate } = decided;
        if (state === undefined) {
          await checkFounding(entry, pid);
          checkFoundingCertificate(entry, certificate);
        } else {
          await checkEntry(state, entry);
          checkCertificate(state, entry, certificate);
        }
        return { bytes, decided, meshKey };
      } catch (error) {
        if (!isPassportError(error)) throw error;
      }
    }
  }
  return undefined;
}

async function openEntry(
  pid: Bytes,
  slot: number,
  epochBefore: number,
  meshKey: Bytes,
  bytes: Bytes,
): Promise<Decided> {
  const { wrap, link, sealed } = parseRegistryObject(bytes);
  const key = meshLayerKey(pid, epochBefore, meshKey);
  const context = { layer: 'mesh', epoch: epochBefore, key, pid, kind: 'entry', owner: pid, sequence: slot } as const;
  const inner = parseDecided(await openObject(context, sealed));
  const decided = { entry: parseEntry(inner.entry), certificate: parseCertificate(inner.certificate), wrap, link };
  checkAttachments(decided.entry, wrap, link);
  return decided;
}

/** With the mesh key of `epoch`: back to what is trusted, then forward. undefined unless that leads at least to this epoch. */
async function reach(
  pid: Bytes,
  epoch: number,
  meshKey: Bytes,
  found: Found,
  from?: RegistryState,
): Promise<Verified | undefined> {
  const options = await meshKeysBefore(pid, epoch, meshKey, from?.epoch ?? 0, found);
  const verified = await verifyForward(pid, options, found, from);
  if (verified === undefined || verified.state.epoch < epoch) return undefined;
  return { ...verified, mesh: new Map([...verified.mesh, [epoch, meshKey]]) };
}

interface DeviceKeys {
  readonly id: Bytes;
  /** The private half of a receive key that this device made, or undefined. */
  readonly receive: readonly { readonly publicKey: Bytes; readonly privateKey: Bytes }[];
}

/** The newest grant for a device that leads to a verified registry in which it is a holder. */
async function viaGrant(
  pid: Bytes,
  keys: DeviceKeys,
  found: Found,
  from?: RegistryState,
): Promise<(Entered & Verified) | undefined> {
  for (const { epoch, bytes } of found.grants) {
    for (const { publicKey, privateKey } of keys.receive) {
      try {
        const grant = await openGrant(privateKey, epoch, bytes);
        if (!equal(grant.pid, pid) || !equal(grant.holder, keys.id) || grant.device === null || grant.epoch !== epoch)
          continue;
        const reached = await reach(pid, epoch, grant.device.meshKey, found, from);
        if (reached?.state.epoch !== epoch) continue; // V183: not decided yet, an entry that lost, or not the newest
        const me = holderOf(reached.state, keys.id);
        if (me === undefined || !equal(me.receiveKey, publicKey)) continue;
        const mine = await openGrantOf(pid, epochOf(reached.state, epoch), keys.id, privateKey, bytes);
        if (mine.device === null) continue;
        return { ...reached, nameRoot: mine.device.nameRoot, grants: [{ epoch, holder: keys.id, bytes }] };
      } catch (error) {
        if (!isPassportError(error)) throw error;
      }
    }
  }
  return undefined;
}

/** A fresh device that was let in: its grant, and the registry from slot 0 on, with the head that the invitation showed. */
export async function enterAsDevice(
  pid: Bytes,
  keys: DeviceKeys,
  pinned: Bytes,
  found: Found,
): Promise<Entered | undefined> {
  const entered = await viaGrant(pid, keys, found);
  return entered?.state.entries.some(({ id }) => equal(id, pinned)) === true ? entered : undefined; // V184
}

/** A device that was away: from its newest grant back to its own head, then forward. */
export function catchUp(
  pid: Bytes,
  keys: DeviceKeys,
  trusted: RegistryState,
  found: Found,
): Promise<(Entered & Verified) | undefined> {
  return viaGrant(pid, keys, found, trusted);
}

/** A passport that kits open: whose it is, and what getting in with them gives. */
export interface EnteredByKits extends Entered {
  readonly pid: Bytes;
}

/**
 * N kits and nothing else: their grants say of which passport and epoch they are; N of their shares open the wrap.
 * undefined when no grant here is for these kits; `not-enough-holders` when there are too few of one epoch, `kit-unknown`
 * when they open an earlier epoch and one of them was replaced since.
 */
export async function enterByKits(
  kits: readonly { readonly receivePrivate: Bytes; readonly signKey: Bytes }[],
  found: Found,
): Promise<EnteredByKits | undefined> {
  const groups = new Map<string, Map<string, KitGrant[]>>();
  for (const kit of kits) {
    for (const { epoch, bytes } of found.grants) {
      try {
        const grant = await openGrant(kit.receivePrivate, epoch, bytes);
        if (grant.epoch !== epoch || !equal(grant.holder, holderId(grant.pid, kit.signKey))) continue;
        const name = [hex(grant.pid), epoch, grant.slot, hex(grant.dealer), hex(grant.prev)].join('/');
        const group = groups.get(name) ?? new Map<string, KitGrant[]>();
        groups.set(name, group);
        const holder = hex(grant.holder);
        group.set(holder, [...(group.get(holder) ?? []), { grant, bytes }]);
      } catch (error) {
        if (!isPassportError(error)) throw error;
      }
    }
  }
  let short: { have: number; need: number } | undefined;
  const replaced = new Set<string>();
  const byHolder = [...groups.values()].map((group) => [...group.values()]);
  for (const lists of byHolder.sort((a, b) => epochOfGroup(b) - epochOfGroup(a))) {
    for (const group of choices(lists)) {
      const { threshold } = (group[0] as KitGrant).grant;
      if (group.length < threshold) {
        short ??= { have: group.length, need: threshold };
        break;
      }
      const entered = await openGroup(group, found);
      if (entered === undefined) continue;
      if (!('replaced' in entered)) return entered;
      for (const name of entered.replaced) replaced.add(name);
    }
  }
  if (replaced.size > 0) {
    throw new PassportError(
      'kit-unknown',
      `${[...replaced].map((name) => `"${name}"`).join(', ')} is no holder any more; its place was taken`,
      {
        hint: 'Use a kit that is a holder today: its sheet has the newest date.',
      },
    );
  }
  if (short !== undefined) {
    throw new PassportError(
      'not-enough-holders',
      `${short.have} of the ${short.need} holders that are needed are here`,
      { hint: 'Add another kit with --kit, or let a remaining device invite this one.', details: short },
    );
  }
  return undefined;
}

interface KitGrant {
  readonly grant: Grant;
  readonly bytes: Bytes;
}

const epochOfGroup = (lists: readonly (readonly KitGrant[])[]) => lists[0]?.[0]?.grant.epoch ?? 0;

const MOST_CHOICES = 512;

/** One grant per kit in every way: whoever knows a mesh key can seal a grant to a kit, and only the wrap tells which is good. */
function* choices(lists: readonly (readonly KitGrant[])[]): Generator<KitGrant[]> {
  const all = lists.reduce((product, list) => product * list.length, 1);
  for (let number = 0; number < Math.min(all, MOST_CHOICES); number++) {
    let rest = number;
    yield lists.map((list) => {
      const chosen = list[rest % list.length] as KitGrant;
      rest = Math.floor(rest / list.length);
      return chosen;
    });
  }
}

async function openGroup(
  group: readonly KitGrant[],
  found: Found,
): Promise<EnteredByKits | { readonly replaced: readonly string[] } | undefined> {
  const { grant } = group[0] as KitGrant;
  const { pid, slot, epoch } = grant;
  for (const bytes of found.registry.get(slot) ?? []) {
    try {
      const { wrap } = parseRegistryObject(bytes);
      if (wrap.length === 0) continue;
      // The commitments are not known yet: the wrap's own tag says whether the shares were right; verified below.
      const shares = group.map(({ grant: g }) => g.share);
      const vek = await bareCombine(shares, grant.threshold);
      const given = await openWrap(pid, { slot, epoch }, vek, wrap).finally(() => wipe(vek));
      const reached = await reach(pid, epoch, given.meshKey, found);
      if (reached === undefined) continue;
      const { state, objects, mesh } = reached;
      const left = group.flatMap(({ grant: g }) =>
        state.members.filter(({ id, left: at }) => at !== null && equal(id, g.holder)),
      );
      if (left.length > 0) return { replaced: left.map(({ name }) => name) };
      if (state.epoch !== epoch) continue; // these kits have newer grants, and they are not here
      const info = epochOf(state, epoch);
      const contributions = group.flatMap(({ grant: g }) => contributionOf(info, g.holder, g.share) ?? []);
      wipe((await vekOf(pid, info, contributions)).vek);
      const grants = group.map(({ grant: g, bytes: sealed }) => ({ epoch, holder: g.holder, bytes: sealed }));
      return { pid, state, objects, grants, mesh, nameRoot: given.nameRoot };
    } catch (error) {
      if (!isPassportError(error)) throw error;
    }
  }
  return undefined;
}

/** Combines N shares of which nothing is known yet; the result means nothing until the wrap opens with it. */
async function bareCombine(shares: readonly Bytes[], threshold: number): Promise<Bytes> {
  const { combine } = await import('shamir-secret-sharing');
  const distinct = new Map(
    shares.filter((share) => share.length === 33 && share[32] !== 0).map((share) => [share[32], share]),
  );
  if (distinct.size < threshold) throw new PassportError('not-enough-holders', 'too few distinct shares');
  return new Uint8Array(await combine([...distinct.values()].slice(0, threshold)));
}
