/**
 * The open slot as this device sees it: every vote object opened, parsed and authenticated, and nothing else. What is here
 * was said by the holder that it names, about this slot after this head (docs/protocol.md, 5).
 */
import { type Bytes, equal, hex } from '../bytes.ts';
import { openObject, sealObject } from '../crypto/object.ts';
import type { Device, MemberView } from '../device/device.ts';
import { isPassportError } from '../errors.ts';
import {
  type Ballot,
  type ChangeRequest,
  type Entry,
  parseEntry,
  parseRequest,
  requestHash,
  type VotePromise,
} from '../format/entry.ts';
import {
  encodeVote,
  type EntryBundle,
  type Evidence,
  parseVote,
  type Place,
  type VoteAccept,
  type VoteMessage,
  type VoteProposal,
  type Voucher,
} from '../format/votes.ts';
import {
  checkAccept,
  checkApproval,
  checkBallotRequest,
  checkPromise,
  checkProposalSignature,
  checkRefusal,
  checkShare,
  checkVouch,
  placeAfter,
} from '../registry/messages.ts';
import { provenProposals } from '../registry/evidence.ts';
import { holderOf, holdersOf, type RegistryState } from '../registry/state.ts';
import { checkAttachments } from '../registry/valid.ts';
import {
  type AcceptOf,
  compareBallots,
  type HolderState,
  type Id,
  lastKey,
  type PromiseOf,
  type Proposal,
} from '../registry/vote.ts';
import * as vote from '../registry/vote.ts';

/** The limit of CBOR with the object around it. */
export const MAX_VOTE_BYTES = 1024 * 1024 + 128 * 1024;

/** A vote object in the replica: who put it (for its name in stores), its slot and its hash. */
export interface VoteObject {
  readonly holder: Bytes;
  readonly slot: number;
  readonly hash: string;
}

export interface SlotApproval {
  readonly holder: Bytes;
  readonly signature: Bytes;
  /** HPKE to the request's one-time key; whoever gave several meant one of them. */
  readonly shares: readonly Bytes[];
}

export interface SlotRequest {
  readonly hash: Bytes;
  readonly bytes: Bytes;
  readonly request: ChangeRequest;
  readonly ballots: readonly Ballot[];
  /** Who vouches for it, when its initiator is no holder. */
  readonly voucher: Voucher | null;
  readonly approvals: readonly SlotApproval[];
  readonly refusedBy: readonly Bytes[];
  readonly cancelled: boolean;
}

export interface SlotEntry extends EntryBundle {
  readonly parsed: Entry;
}

export interface SlotView {
  readonly place: Place;
  readonly requests: readonly SlotRequest[];
  readonly promises: readonly VotePromise[];
  /** Those that hold, with each other as evidence; one copy of each. */
  readonly proposals: readonly VoteProposal[];
  readonly accepts: readonly VoteAccept[];
  /** By entry id as hex. */
  readonly entries: ReadonlyMap<Id, SlotEntry>;
  /** Whether the message that carries this was confirmed by a store; by signature as hex. A kit's vote counts only then. */
  readonly stored: ReadonlySet<Id>;
}

const ids = (ballot: Ballot): vote.Ballot => ({ round: ballot.round, initiator: hex(ballot.initiator) });
export const promiseOf = (promise: VotePromise): PromiseOf => ({
  holder: hex(promise.holder),
  ballot: ids(promise.ballot),
  last: promise.last && { ballot: ids(promise.last.ballot), entry: hex(promise.last.entry) },
});
export const acceptOf = (accept: VoteAccept): AcceptOf => ({
  holder: hex(accept.holder),
  ballot: ids(accept.ballot),
  entry: hex(accept.entry),
});
export const proposalOf = (proposal: VoteProposal): Proposal => ({
  ballot: ids(proposal.ballot),
  entry: hex(proposal.entry),
  promises: proposal.promises.map(promiseOf),
});
export const ballotOf = ids;

function context(device: Device, view: MemberView, slot: number) {
  const epoch = view.state.entries[slot - 1]?.epoch ?? 0;
  const key = device.meshLayerKey(view.secrets, epoch);
  return (
    key && ({ layer: 'mesh', epoch, key, pid: device.pid, kind: 'vote', owner: device.pid, sequence: slot } as const)
  );
}

/** Seals one message and keeps it in the replica, where the next push takes it from. */
export async function say(device: Device, view: MemberView, holder: Bytes, message: VoteMessage): Promise<void> {
  const at = context(device, view, message.slot);
  if (at === undefined) throw new TypeError('no mesh key of the slot’s epoch');
  const bytes = encodeVote(message);
  parseVote(bytes); // what would not be read is not said: it could not be remembered either
  const hash = view.tx.addObject(await sealObject(at, bytes, device.random));
  await keepVote(view, { holder, slot: message.slot, hash });
}

export async function votesOf(tx: MemberView['tx']): Promise<readonly VoteObject[]> {
  const value = ((await tx.get('votes')) ?? []) as [Bytes, number, string][];
  return value.map(([holder, slot, hash]) => ({ holder, slot, hash }));
}

async function keepVote({ tx }: MemberView, vote: VoteObject): Promise<void> {
  const known = await votesOf(tx);
  if (known.some((other) => other.hash === vote.hash)) return;
  tx.set(
    'votes',
    [...known, vote].map(({ holder, slot, hash }) => [holder, slot, hash]),
  );
}

/** A vote object of the open slot, opened; undefined when nobody with the mesh key made it, or it is no message of this slot. */
export async function openVote(
  device: Device,
  view: MemberView,
  hash: string,
  bytes: Bytes,
): Promise<VoteMessage | undefined> {
  const { slot } = placeAfter(view.state);
  const at = context(device, view, slot);
  if (at === undefined || bytes.length > MAX_VOTE_BYTES) return undefined; // V128
  try {
    const message = await view.tx.opened(`vote/${hash}`, async () => ({
      value: parseVote(await openObject(at, bytes)),
      sizeBytes: bytes.length * 4,
    }));
    return message.slot === slot ? message : undefined; // V129
  } catch (error) {
    if (isPassportError(error)) return undefined;
    throw error;
  }
}

/** Takes a vote object that a store had; who put it is known once it is open, so the name says only the tag. */
export async function receiveVote(view: MemberView, bytes: Bytes, vote: VoteObject): Promise<void> {
  view.tx.addObject(bytes);
  await keepVote(view, vote);
}

/** Reads every message of the open slot. Objects that do not open, parse or verify are passed over: they say nothing. */
export async function readSlot(device: Device, view: MemberView, storedHashes: ReadonlySet<string>): Promise<SlotView> {
  const { state, tx } = view;
  const place = placeAfter(state);
  const reader = new SlotReader(state, place);
  for (const { slot, hash } of await votesOf(tx)) {
    const bytes = slot === place.slot ? await tx.object(hash) : undefined;
    const message = bytes && (await openVote(device, view, hash, bytes));
    if (message === undefined || !equal(message.prev, place.prev)) continue;
    try {
      reader.add(message, storedHashes.has(hash));
    } catch (error) {
      if (!isPassportError(error)) throw error;
    }
  }
  return reader.view();
}

/**
 * Whether a promise or a proposal of an opened message is signed by this key. Opened messages are kept between reads, so a
 * flood of them costs its signatures once; none may be left out for that, because any copy may be the one that holds.
 */
const signedBy = new WeakMap<VotePromise | VoteProposal, { readonly key: Bytes; readonly good: boolean }>();

function isSigned(part: VotePromise | VoteProposal, key: Bytes, check: () => boolean): boolean {
  const known = signedBy.get(part);
  if (known !== undefined && equal(known.key, key)) return known.good;
  const good = check();
  signedBy.set(part, { key, good });
  return good;
}

/** Shares by one holder for one request that are tried. */
const MAX_SHARES = 8;

interface RequestNotes {
  readonly hash: Bytes;
  readonly bytes: Bytes;
  readonly request: ChangeRequest;
  readonly voucher: Voucher | null;
  readonly ballots: Map<string, Ballot>;
}

class SlotReader {
  readonly #state: RegistryState;
  readonly #place: Place;
  readonly #requests = new Map<Id, RequestNotes>();
  readonly #approvals = new Map<Id, Map<Id, SlotApproval>>();
  readonly #refusals = new Map<Id, Map<Id, Bytes>>();
  readonly #cancels: { ofRequest: Bytes; signature: Bytes }[] = [];
  readonly #heldApprovals: Extract<VoteMessage, { type: 'approve' }>[] = [];
  readonly #promises = new Map<string, VotePromise>();
  readonly #heldProposals: VoteProposal[] = [];
  readonly #accepts = new Map<string, VoteAccept>();
  readonly #entries = new Map<Id, SlotEntry>();
  readonly #stored = new Set<Id>();

  constructor(state: RegistryState, place: Place) {
    this.#state = state;
    this.#place = place;
  }

  #keyOf(holder: Bytes): Bytes | undefined {
    return holderOf(this.#state, holder)?.signKey;
  }

  add(message: VoteMessage, stored: boolean): void {
    switch (message.type) {
      case 'request':
        this.#request(message);
        return;
      case 'promise':
        this.#evidence(message.evidence);
        this.#promise(message.promise, stored);
        return;
      case 'approve':
        this.#heldApprovals.push(message);
        if (stored) this.#stored.add(hex(message.signature));
        return;
      case 'propose':
        this.#evidence(message.evidence);
        return;
      case 'accept': {
        const { accept } = message;
        const key = this.#keyOf(accept.holder);
        if (key === undefined || !checkAccept(this.#state.pid, key, this.#place, accept)) return;
        const { holder, ballot, entry } = acceptOf(accept);
        this.#accepts.set(`${holder}/${lastKey({ ballot, entry })}`, accept);
        if (stored) this.#stored.add(hex(accept.signature));
        return;
      }
      case 'refuse': {
        const key = this.#keyOf(message.holder);
        const { pid } = this.#state;
        if (key === undefined || !checkRefusal(pid, key, message.signature, 'refuse', this.#place, message.requestHash))
          return;
        const known = this.#refusals.get(hex(message.requestHash)) ?? new Map<Id, Bytes>();
        this.#refusals.set(hex(message.requestHash), known.set(hex(message.holder), message.holder));
        return;
      }
      case 'cancel':
        this.#cancels.push({ ofRequest: message.requestHash, signature: message.signature });
    }
  }

  #request(message: Extract<VoteMessage, { type: 'request' }>): void {
    const { pid } = this.#state;
    const request = parseRequest(message.request);
    const hash = requestHash(pid, message.request);
    const { initiator } = request;
    const member = this.#keyOf(initiator.id);
    if (member === undefined) {
      const voucher = message.voucher && this.#keyOf(message.voucher.holder);
      if (!voucher || !message.voucher || !checkVouch(pid, voucher, message.voucher.signature, this.#place, hash))
        return;
    } else if (!equal(member, initiator.signKey)) return;
    // A ballot belongs to its initiator: the request's own, or a holder that takes over to finish what was accepted.
    const signKey = equal(message.ballot.initiator, initiator.id)
      ? initiator.signKey
      : this.#keyOf(message.ballot.initiator);
    if (!signKey || !checkBallotRequest(pid, signKey, message.signature, this.#place, message.ballot, message.request))
      return;
    const known = this.#requests.get(hex(hash)) ?? {
      hash,
      bytes: message.request,
      request,
      voucher: message.voucher,
      ballots: new Map<string, Ballot>(),
    };
    const { round, initiator: by } = ids(message.ballot);
    known.ballots.set(`${round}/${by}`, message.ballot);
    this.#requests.set(hex(hash), known);
  }

  #promise(promise: VotePromise, stored: boolean): boolean {
    const key = this.#keyOf(promise.holder);
    if (key === undefined) return false;
    if (!isSigned(promise, key, () => checkPromise(this.#state.pid, key, this.#place, promise))) return false;
    const { holder, ballot } = promiseOf(promise);
    this.#promises.set(`${holder}/${ballot.round}/${ballot.initiator}`, promise);
    if (stored) this.#stored.add(hex(promise.signature));
    return true;
  }

  /** Takes the entries of one message, all or, if one of them is not what it should be, none; the first of equals stays. */
  #evidence({ entries, proposals }: Evidence): void {
    const parsed = entries.map((bundle): SlotEntry => {
      const entry = parseEntry(bundle.entry);
      checkAttachments(entry, bundle.wrap, bundle.link);
      return { ...bundle, parsed: entry };
    });
    for (const bundle of parsed) {
      const id = hex(bundle.parsed.id);
      if (!this.#entries.has(id)) this.#entries.set(id, bundle);
    }
    this.#heldProposals.push(...proposals);
  }

  /** The signed proposals of all evidence; read last, when every request and its initiator is known. */
  #signedProposals(): (Proposal & { readonly signed: VoteProposal })[] {
    const { pid } = this.#state;
    return this.#heldProposals.flatMap((signed) => {
      // The initiator's key: a holder's, or that of a fresh device that a holder vouched for.
      const { initiator } = signed.ballot;
      const fresh = [...this.#requests.values()].find(({ request }) => equal(request.initiator.id, initiator));
      const key = this.#keyOf(initiator) ?? fresh?.request.initiator.signKey;
      if (!key || !isSigned(signed, key, () => checkProposalSignature(pid, key, this.#place, signed))) return [];
      if (!signed.promises.every((promise) => this.#promise(promise, true))) return [];
      return [{ ...proposalOf(signed), signed }];
    });
  }

  view(): SlotView {
    const { pid, threshold } = this.#state;
    const births = (id: Id) => {
      const birth = this.#entries.get(id)?.parsed.core.birth;
      return birth && ids(birth);
    };
    const holders = new Set(holdersOf(this.#state).map(({ id }) => hex(id)));
    const proven = provenProposals(this.#signedProposals(), threshold, holders, births);
    for (const { holder, requestHash: of, signature, share, shareSignature } of this.#heldApprovals) {
      const known = this.#requests.get(hex(of));
      const key = this.#keyOf(holder);
      if (known === undefined || key === undefined || !checkApproval(this.#state, key, signature, known.request, of))
        continue;
      if (!checkShare(pid, key, shareSignature, this.#place, of, share)) continue;
      const list = this.#approvals.get(hex(of)) ?? new Map<Id, SlotApproval>();
      const shares = list.get(hex(holder))?.shares ?? [];
      if (shares.length >= MAX_SHARES || shares.some((known) => equal(known, share))) continue;
      this.#approvals.set(hex(of), list.set(hex(holder), { holder, signature, shares: [...shares, share] }));
    }
    const requests = [...this.#requests.values()].map((known): SlotRequest => {
      const key = hex(known.hash);
      return {
        hash: known.hash,
        bytes: known.bytes,
        request: known.request,
        voucher: known.voucher,
        ballots: [...known.ballots.values()],
        approvals: [...(this.#approvals.get(key)?.values() ?? [])],
        refusedBy: [...(this.#refusals.get(key)?.values() ?? [])],
        cancelled: this.#cancels.some(
          ({ ofRequest, signature }) =>
            equal(ofRequest, known.hash) &&
            checkRefusal(pid, known.request.initiator.signKey, signature, 'cancel', this.#place, ofRequest),
        ),
      };
    });
    return {
      place: this.#place,
      requests,
      promises: [...this.#promises.values()],
      proposals: [...proven.values()].map(({ signed }) => signed),
      accepts: [...this.#accepts.values()],
      entries: this.#entries,
      stored: this.#stored,
    };
  }
}

/** What a holder has promised and accepted in this slot, from its own signed messages: its only memory of a vote. */
export function voterState(slot: SlotView, holder: Bytes): HolderState {
  let state: HolderState = vote.EMPTY_HOLDER;
  const later = (a: vote.Ballot, b: vote.Ballot | null) => b === null || compareBallots(a, b) > 0;
  for (const promise of slot.promises) {
    if (!equal(promise.holder, holder)) continue;
    const { ballot, last } = promiseOf(promise);
    if (later(ballot, state.promised)) state = { ...state, promised: ballot };
    if (last !== null && later(last.ballot, state.accepted?.ballot ?? null)) state = { ...state, accepted: last };
  }
  for (const accept of slot.accepts) {
    if (!equal(accept.holder, holder)) continue;
    const { ballot, entry } = acceptOf(accept);
    if (later(ballot, state.promised)) state = { ...state, promised: ballot };
    if (later(ballot, state.accepted?.ballot ?? null)) state = { ...state, accepted: { ballot, entry } };
  }
  return state;
}

/** The evidence behind a report: its entries and proposals, down to the birth of each. */
export function evidenceFor(slot: SlotView, lasts: readonly (vote.Last | null)[]): Evidence {
  const proposals = new Map<string, VoteProposal>();
  const entries = new Map<Id, EntryBundle>();
  const open = lasts.filter((last) => last !== null);
  for (const last of open) {
    const proposal = slot.proposals.find((p) => lastKey(proposalOf(p)) === lastKey(last));
    const entry = slot.entries.get(last.entry);
    if (proposal === undefined || entry === undefined || proposals.has(lastKey(last))) continue;
    proposals.set(lastKey(last), proposal);
    entries.set(last.entry, { entry: entry.entry, wrap: entry.wrap, link: entry.link });
    for (const promise of proposal.promises) {
      const { last: behind } = promiseOf(promise);
      if (behind !== null) open.push(behind);
    }
  }
  return { entries: [...entries.values()], proposals: [...proposals.values()] };
}
