/**
 * Moves the open slot on as far as this machine can, without asking anybody: promises, approvals already given, the
 * initiator's next step, accepts, the decision. Called by every sync and by every ceremony; it may be killed anywhere and
 * called again. Everything said is in the journal when it returns and goes out with the next push.
 */
import { type Bytes, equal, hex } from '../bytes.ts';
import { type Device, forkOf, type MemberView } from '../device/device.ts';
import type { KitHand } from '../device/hands.ts';
import { newSession, type OpenSession } from '../device/session.ts';
import { parseRequest } from '../format/entry.ts';
import { type Certificate, encodeCertificate } from '../format/votes.ts';
import type { OpenableGrant } from '../registry/deal.ts';
import type { Passphrases } from '../device/passphrases.ts';
import { isPassportError } from '../errors.ts';
import { applyEntry, epochOf, holderOf, holdersOf, type RegistryState } from '../registry/state.ts';
import { deviceOpener, openOwnGrant } from './grants.ts';
import { checkEntry } from '../registry/valid.ts';
import { certified, lastKey } from '../registry/vote.ts';
import { type Decided, follow } from './decide.ts';
import { counts, endChange, initiateDue, takeUp } from './initiate.ts';
import { type OwnChange, ownChange } from './own-change.ts';
import { acceptOf, evidenceFor, readSlot, type SlotView, voterState } from './slot.ts';
import { acceptDue, approve, deviceHand, INITIATOR_QUIET_MS, kitHand, promiseDue, type VotingHand } from './voting.ts';

/** What is at hand on this machine for the time of one call. */
export interface Hands {
  readonly passphrases: Passphrases;
  readonly kits: readonly KitHand[];
  /** The request on which the kits vote: what their person has in front of him. */
  readonly kitsFor?: Bytes;
  /** Receive keys of kits made here, for the dealer's check. */
  readonly openable?: readonly OpenableGrant[];
  /** Asks the person whether kits may vote although stores were not read: a sentence each. */
  readonly mayVoteWithout?: (unread: readonly string[]) => Promise<boolean>;
}

export interface Advanced {
  /** Something new lies in the journal for the stores. */
  readonly said: boolean;
  readonly needsPassphrase: boolean;
  /** Entries decided or followed now, by slot. */
  readonly decided: readonly number[];
}

const MAX_STEPS = 64;

/** Name hashes that at least one store has confirmed. */
export type StoredHashes = (tx: MemberView['tx']) => Promise<ReadonlySet<string>>;

/** What the sync before could see. */
export interface Sight {
  /** Every store was listed, and all that was new there was taken. */
  readonly complete: boolean;
  /** The person wants the kits to vote although a store could not be read. */
  readonly kitsAnyway: boolean;
}

export function advance(device: Device, hands: Hands, stored: StoredHashes, sight: Sight): Promise<Advanced> {
  return device.transact(async (first) => {
    const decided: number[] = [];
    let said = false;
    if (first.state === undefined || (await forkOf(first.tx)) !== undefined)
      return { said, needsPassphrase: false, decided };
    const confirmed = await stored(first.tx);
    const forgetful = (await first.tx.get('amnesic')) === true;
    if (forgetful && sight.complete) first.tx.delete('amnesic');
    const may: May = { device: !forgetful || sight.complete, kits: sight.complete || sight.kitsAnyway };
    for (let step = 0; step < MAX_STEPS; step++) {
      const view = (await device.view(first.tx)) as MemberView;
      const slot = await readSlot(device, view, confirmed);
      const certificate = decision(view.state, slot);
      if (certificate !== undefined && (await canFollow(device, view, certificate))) {
        const after = await follow(device, view, certificate);
        await settle(device, { ...view, state: after }, certificate);
        decided.push(certificate.entry.core.slot);
        said = true;
        continue;
      }
      const done = await oneStep(device, view, slot, hands, may);
      if (done === 'said') said = true;
      else return { said, needsPassphrase: done === 'needs-passphrase', decided };
    }
    return { said, needsPassphrase: false, decided };
  });
}

async function oneStep(
  device: Device,
  view: MemberView,
  slot: SlotView,
  hands: Hands,
  may: May,
): Promise<'said' | 'nothing' | 'needs-passphrase'> {
  const voters = votersAt(view, hands, may);
  const own = await ownChange(view, device.pid);
  const open = own?.state === 'open' && own.slot === slot.place.slot ? own : await takenOver(device, view, slot);
  for (const hand of voters) {
    if ((await promiseDue(device, view, slot, hand)).said) return 'said';
    if (await acceptDue(device, view, slot, hand)) return 'said';
    const mine = slot.requests.find(
      ({ hash, cancelled }) =>
        !cancelled && (hand.only ?? open?.hash) !== undefined && equal(hash, (hand.only ?? open?.hash) as Bytes),
    );
    const isMine = hand.kind === 'kit' || (mine !== undefined && equal(mine.request.initiator.id, hand.voter.id));
    if (mine !== undefined && isMine && (await approve(device, view, slot, hand, mine))) return 'said';
  }
  if (open === undefined) return 'nothing';
  return initiateDue(device, view, slot, open, {
    passphrases: hands.passphrases,
    kits: hands.kits.map(({ id }) => id),
    openable: [
      ...(hands.openable ?? []),
      ...hands.kits.map((kit) => ({ holder: kit.id, receivePrivate: kit.receivePrivate })),
    ],
  });
}

/**
 * Who may vote here now. A kit remembers what it voted only by what the stores have, and so does a device that was restored
 * from a backup: both wait until every store was read.
 */
interface May {
  readonly device: boolean;
  readonly kits: boolean;
}

function votersAt(view: MemberView, hands: Hands, may: May): VotingHand[] {
  const { state, secrets } = view;
  const voters = holderOf(state, secrets.deviceId) === undefined || !may.device ? [] : [deviceHand(view)];
  const { kitsFor } = hands;
  if (kitsFor === undefined || !may.kits) return voters;
  return [
    ...voters,
    ...hands.kits.filter(({ id }) => holderOf(state, id) !== undefined).map((kit) => kitHand(kit, kitsFor)),
  ];
}

/**
 * Whether an entry with N accepts can be followed here: valid (enough liars could accept what is not), and this device's grant of
 * it at hand. Otherwise the head stays, and the next sync tries again.
 */
async function canFollow(device: Device, view: MemberView, { entry }: Decided): Promise<boolean> {
  try {
    await checkEntry(view.state, entry);
    const after = applyEntry(view.state, entry);
    const me = holderOf(after, view.secrets.deviceId);
    if (entry.core.epochPart === null || me === undefined) return true;
    await openOwnGrant(device, view.tx, epochOf(after), me.receiveKey, deviceOpener(view));
    return true;
  } catch (error) {
    if (isPassportError(error)) return false;
    throw error;
  }
}

/** What a certificate may weigh beside its entry. */
const MAX_CERTIFICATE_BYTES = 96 * 1024;

/** The proposals decide nothing: as many of them as there is room for. */
function bounded(certificate: Certificate): Certificate {
  let kept = certificate;
  while (kept.proposals.length > 0 && encodeCertificate(kept).length > MAX_CERTIFICATE_BYTES) {
    kept = { ...kept, proposals: kept.proposals.slice(0, -1) };
  }
  return kept;
}

/** The certified entry of the open slot, if its quorum of accepts is here. */
function decision(state: RegistryState, slot: SlotView): Decided | undefined {
  const accepts = slot.accepts.filter((accept) => counts(state, slot, accept.holder, accept.signature));
  const found = certified(accepts.map(acceptOf), state.threshold, new Set(holdersOf(state).map(({ id }) => hex(id))));
  const entry = found && slot.entries.get(found.entry);
  if (found === undefined || entry === undefined) return undefined;
  const those = accepts.filter((accept) => lastKey(acceptOf(accept)) === lastKey(found));
  const { ballot } = those[0] as (typeof those)[number];
  const certificate: Certificate = { ballot, accepts: those, proposals: evidenceFor(slot, [found]).proposals };
  return {
    entry: entry.parsed,
    certificate: bounded(certificate),
    wrap: entry.wrap,
    link: entry.link,
  };
}

/** What this device asked for in the slot that was decided is now done, or superseded; a dealt epoch becomes its session. */
export async function settle(device: Device, view: MemberView, { entry }: Pick<Decided, 'entry'>): Promise<void> {
  const own = await ownChange(view, device.pid);
  if (own?.state === 'open' && own.slot === entry.core.slot) {
    const done = equal(own.bytes, entry.core.request);
    await endChange(device, view, own, done ? 'decided' : 'superseded', done ? entry.core.slot : undefined);
  }
}

/** In this process the dealer of the newest epoch goes on in a session of it; undefined when it dealt none. */
export function dealtSession(device: Device, state: RegistryState, ttlMs: number): OpenSession | undefined {
  const dealt = device.dealt(state.entries[state.epochs[state.epoch]?.slot ?? 0]?.id as Bytes);
  return dealt && newSession(device.env.clock, dealt.kek, dealt.epoch, ttlMs);
}

/** Somebody else's request that this device finishes: begun before, or due now. */
async function takenOver(device: Device, view: MemberView, slot: SlotView): Promise<OwnChange | undefined> {
  const known = await ownChange(view, device.pid, 'takeover');
  return known?.slot === slot.place.slot ? known : takeOver(device, view, slot);
}

/**
 * A holder that accepted an entry and hears nothing of a decision for a while finishes it with a higher round: the bytes are
 * here, nobody's share is needed again.
 */
async function takeOver(device: Device, view: MemberView, slot: SlotView): Promise<OwnChange | undefined> {
  const { deviceId } = view.secrets;
  if (holderOf(view.state, deviceId) === undefined) return undefined;
  const { accepted } = voterState(slot, deviceId);
  const entry = accepted && slot.entries.get(accepted.entry)?.parsed;
  if (!entry) return undefined;
  const now = device.env.clock.now();
  const since = (await view.tx.get('accepted-at')) as [Bytes, number] | undefined;
  if (since === undefined || !equal(since[0], entry.id)) {
    view.tx.set('accepted-at', [entry.id, Math.max(0, now)]);
    return undefined;
  }
  if (Math.abs(now - since[1]) < 2 * INITIATOR_QUIET_MS) return undefined;
  const request = parseRequest(entry.core.request);
  const asked = slot.requests.find((r) => equal(r.bytes, entry.core.request));
  if (asked === undefined || equal(request.initiator.id, deviceId)) return undefined;
  return takeUp(device, view, slot, asked);
}
