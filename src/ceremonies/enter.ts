/**
 * Getting in (docs/protocol.md, 5) for who has no registry yet: a fresh device with its grant, or N kits. From the newest
 * grant back through the links to slot 0, which must give the pid; then forward, verifying every entry and certificate.
 * Nothing that was opened on the way back is used before that.
 */
import { type Bytes, equal, fromBase32, hex, wipe } from '../bytes.ts';
import { meshLayerKey } from '../crypto/keys.ts';
import { openObject } from '../crypto/object.ts';
import { isPassportError, PassportError } from '../errors.ts';
import { parseEntry } from '../format/entry.ts';
import { type Grant, MAX_GRANT_BYTES, openGrant } from '../format/grant.ts';
import { parseName } from '../format/names.ts';
import { parseCertificate, parseDecided, parseRegistryObject } from '../format/votes.ts';
import { openGrantOf, openMeshLink, openWrap, vekOf } from '../registry/open.ts';
import { applyEntry, epochOf, type RegistryState } from '../registry/state.ts';
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
  const grants = (await listFolder(store, place, 'grant', signal))
    .filter(({ name }) => name.kind === 'grant')
    .sort((a, b) => epochOfName(b) - epochOfName(a))
    .slice(0, MOST_CANDIDATES);
  const entries = await listFolder(store, place, 'reg', signal);
  const hot = (await listFolder(store, place, 'hot', signal)).filter(({ name }) => name.kind === 'registry');
  const known = new Map([...entries, ...hot].map((item) => [item.name.hash, item]));
  const registry = new Map<number, Bytes[]>();
  for (const { item, bytes } of await fetchAll(store, place, [...known.values()], { signal })) {
    if (bytes === undefined || item.name.kind !== 'registry') continue;
    const those = registry.get(item.name.slot) ?? [];
    if (those.length < MOST_CANDIDATES) registry.set(item.name.slot, [...those, bytes]);
  }
  const opened = (await fetchAll(store, place, grants, { signal }))
    .filter(
      (fetched): fetched is typeof fetched & { bytes: Bytes } =>
        fetched.bytes !== undefined && fetched.bytes.length <= MAX_GRANT_BYTES,
    )
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
    for (const grant of one.grants) grants.set(hex(grant.bytes.subarray(0, 64)), grant);
  }
  return { registry, grants: [...grants.values()].sort((a, b) => b.epoch - a.epoch) };
}

interface Reached {
  readonly bytes: Bytes;
  readonly decided: Decided;
}

/** Opens the registry object of `slot` with the mesh key of the epoch before it; undefined when none of the candidates opens. */
async function openAt(
  pid: Bytes,
  slot: number,
  epochBefore: number,
  mesh: Bytes,
  found: Found,
): Promise<Reached | undefined> {
  const key = meshLayerKey(pid, epochBefore, mesh);
  for (const bytes of found.registry.get(slot) ?? []) {
    try {
      const { wrap, link, sealed } = parseRegistryObject(bytes);
      const context = {
        layer: 'mesh',
        epoch: epochBefore,
        key,
        pid,
        kind: 'entry',
        owner: pid,
        sequence: slot,
      } as const;
      const inner = parseDecided(await openObject(context, sealed));
      const decided = { entry: parseEntry(inner.entry), certificate: parseCertificate(inner.certificate), wrap, link };
      checkAttachments(decided.entry, decided.wrap, decided.link);
      return { bytes, decided };
    } catch (error) {
      if (!isPassportError(error)) throw error;
    }
  }
  return undefined;
}

/** Back from the entry that starts `epoch` (in `slot`) to slot 0, collecting mesh keys and entries. */
async function walkBack(
  pid: Bytes,
  slot: number,
  epoch: number,
  meshKey: Bytes,
  found: Found,
): Promise<{ chain: Reached[]; mesh: Map<number, Bytes> } | undefined> {
  const mesh = new Map([[epoch, meshKey]]);
  const chain: Reached[] = [];
  let at = slot;
  let now = epoch;
  for (;;) {
    // Is this entry the one that starts epoch `now`? Then it is sealed under the mesh key before, which its link gives.
    const reached =
      (await viaLink(pid, at, now, mesh, found)) ?? (await openAt(pid, at, now, mesh.get(now) as Bytes, found));
    if (reached === undefined) return undefined;
    chain.unshift(reached);
    if (at === 0) return now === 0 || reached.decided.entry.core.epoch === 0 ? { chain, mesh } : undefined;
    if (reached.decided.entry.core.epochPart !== null) now -= 1;
    at -= 1;
    if (now < 0) return undefined;
  }
}

async function viaLink(
  pid: Bytes,
  slot: number,
  epoch: number,
  mesh: Map<number, Bytes>,
  found: Found,
): Promise<Reached | undefined> {
  if (epoch === 0 || slot === 0) return undefined;
  for (const bytes of found.registry.get(slot) ?? []) {
    try {
      const { link } = parseRegistryObject(bytes);
      if (link.length === 0) continue;
      const before = await openMeshLink(pid, { slot, epoch }, mesh.get(epoch) as Bytes, link);
      const reached = await openAt(pid, slot, epoch - 1, before, found);
      if (reached === undefined) continue;
      mesh.set(epoch - 1, before);
      return reached;
    } catch (error) {
      if (!isPassportError(error)) throw error;
    }
  }
  return undefined;
}

interface Verified {
  readonly state: RegistryState;
  readonly objects: readonly { readonly slot: number; readonly bytes: Bytes }[];
  /** After the next entry, if it starts an epoch to which the keys at hand do not lead. */
  readonly beyond: RegistryState | undefined;
}

/** Verifies a chain from slot 0 on; then on with entries after it that keep the epoch, as far as they are there. */
async function verifyForward(
  pid: Bytes,
  chain: readonly Reached[],
  mesh: ReadonlyMap<number, Bytes>,
  found: Found,
): Promise<Verified> {
  const objects: { slot: number; bytes: Bytes }[] = [];
  let state: RegistryState | undefined;
  const next = async ({ decided, bytes }: Reached) => {
    const { entry, certificate } = decided;
    if (state === undefined) {
      await checkFounding(entry, pid);
      checkFoundingCertificate(entry, certificate);
    } else {
      await checkEntry(state, entry);
      checkCertificate(state, entry, certificate);
    }
    state = applyEntry(state, entry);
    objects.push({ slot: entry.core.slot, bytes });
  };
  for (const reached of chain) await next(reached);
  let verified = state as unknown as RegistryState;
  for (;;) {
    const reached = await openAt(
      pid,
      verified.entries.length,
      verified.epoch,
      mesh.get(verified.epoch) as Bytes,
      found,
    );
    if (reached === undefined) return { state: verified, objects, beyond: undefined };
    if (reached.decided.entry.core.epochPart !== null) {
      return { state: verified, objects, beyond: await after(verified, reached.decided) };
    }
    await next(reached);
    verified = state as unknown as RegistryState;
  }
}

/** The state after an entry, or undefined when it is no valid certified one. */
async function after(state: RegistryState, { entry, certificate }: Decided): Promise<RegistryState | undefined> {
  try {
    await checkEntry(state, entry);
    checkCertificate(state, entry, certificate);
    return applyEntry(state, entry);
  } catch (error) {
    if (!isPassportError(error)) throw error;
    return undefined;
  }
}

/** A fresh device that was let in: its grant, opened with the receive key that it made for the pairing. */
export async function enterAsDevice(
  pid: Bytes,
  keys: { readonly id: Bytes; readonly receiveKey: Bytes; readonly receivePrivate: Bytes },
  pinned: Bytes,
  found: Found,
): Promise<Entered | undefined> {
  for (const { epoch, bytes } of found.grants) {
    let grant: Grant;
    try {
      grant = await openGrant(keys.receivePrivate, epoch, bytes);
    } catch (error) {
      if (!isPassportError(error)) throw error;
      continue;
    }
    if (!equal(grant.pid, pid) || !equal(grant.holder, keys.id) || grant.device === null || grant.epoch !== epoch)
      continue;
    const back = await walkBack(pid, grant.slot, epoch, grant.device.meshKey, found);
    if (back === undefined) continue; // not decided yet, or an entry that lost
    const { state, objects } = await verifyForward(pid, back.chain, back.mesh, found);
    const mine = await openGrantOf(pid, epochOf(state, epoch), keys.id, keys.receivePrivate, bytes);
    const me = state.members.find((member) => equal(member.id, keys.id));
    if (me?.left !== null || !equal(me.receiveKey, keys.receiveKey) || mine.device === null) {
      throw new PassportError('revoked', 'this device is no holder of the passport');
    }
    if (!state.entries.some(({ id }) => equal(id, pinned))) {
      throw new PassportError('rolled-back', 'the stores do not have the registry that the invitation showed', {
        hint: 'The store may be old or a copy. Sync the inviting device and try again.',
      });
    }
    return {
      state,
      objects,
      mesh: back.mesh,
      nameRoot: mine.device.nameRoot,
      grants: [{ epoch, holder: keys.id, bytes }],
    };
  }
  return undefined;
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
  const byEpoch = new Map<string, { grant: Grant; bytes: Bytes }[]>();
  for (const kit of kits) {
    for (const { epoch, bytes } of found.grants) {
      try {
        const grant = await openGrant(kit.receivePrivate, epoch, bytes);
        const name = `${hex(grant.pid)}/${String(grant.epoch).padStart(10, '0')}/${grant.slot}/${hex(grant.dealer)}/${hex(grant.prev)}`;
        byEpoch.set(name, [...(byEpoch.get(name) ?? []), { grant, bytes }]);
      } catch (error) {
        if (!isPassportError(error)) throw error;
      }
    }
  }
  let short: { have: number; need: number } | undefined;
  for (const group of [...byEpoch.entries()].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, value]) => value)) {
    const { grant } = group[0] as { grant: Grant };
    const distinct = new Map(group.map((each) => [hex(each.grant.holder), each]));
    if (distinct.size < grant.threshold) {
      short ??= { have: distinct.size, need: grant.threshold };
      continue;
    }
    const opened = await openGroup([...distinct.values()], found);
    if (opened === undefined) continue;
    const { entered, beyond } = opened;
    const gone = beyond?.members.filter(({ id, left }) => left !== null && distinct.has(hex(id))) ?? [];
    if (gone.length === 0) return entered;
    throw new PassportError('kit-unknown', `${gone.map(({ name }) => `"${name}"`).join(', ')} is no holder any more`, {
      hint: 'Its place was taken since. Use the kit that was made then, or let a remaining device invite this one.',
    });
  }
  if (short !== undefined) {
    throw new PassportError(
      'not-enough-holders',
      `${short.have} of the ${short.need} holders that are needed are here`,
      {
        hint: 'Add another kit with --kit, or let a remaining device invite this one.',
        details: short,
      },
    );
  }
  return undefined;
}

async function openGroup(
  group: readonly { grant: Grant; bytes: Bytes }[],
  found: Found,
): Promise<{ entered: EnteredByKits; beyond: RegistryState | undefined } | undefined> {
  const { grant } = group[0] as { grant: Grant };
  const { pid, slot, epoch } = grant;
  for (const bytes of found.registry.get(slot) ?? []) {
    try {
      const { wrap } = parseRegistryObject(bytes);
      if (wrap.length === 0) continue;
      // The commitments are not known yet: the wrap's own tag says whether the shares were right; verified below.
      const vek = await bareCombine(
        group.map(({ grant: g }) => g.share),
        grant.threshold,
      );
      const given = await openWrap(pid, { slot, epoch }, vek, wrap).finally(() => wipe(vek));
      const back = await walkBack(pid, slot, epoch, given.meshKey, found);
      if (back === undefined) continue;
      const { state, objects, beyond } = await verifyForward(pid, back.chain, back.mesh, found);
      const info = epochOf(state, epoch);
      const contributions = group.flatMap(({ grant: g }) => {
        const i = info.holders.findIndex(({ id }) => equal(id, g.holder));
        const share = info.shares[i];
        return share === undefined
          ? []
          : [{ holder: g.holder, seat: g.seat, commitment: share.commitment, share: g.share }];
      });
      wipe((await vekOf(pid, info, contributions)).vek);
      const grants = group.map(({ grant: g, bytes: sealed }) => ({ epoch, holder: g.holder, bytes: sealed }));
      return { entered: { pid, state, objects, grants, mesh: back.mesh, nameRoot: given.nameRoot }, beyond };
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
