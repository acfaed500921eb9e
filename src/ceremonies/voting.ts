/**
 * What a holder on this machine says in the open slot: PROMISE by itself, APPROVE and REFUSE by its person, ACCEPT after
 * every check (docs/protocol.md, 5). A holder's memory is its own messages: each is in the journal before it leaves.
 */
import { type Bytes, equal, hex } from '../bytes.ts';
import { hpkeSeal } from '../crypto/hpke.ts';
import { receiveKey } from '../crypto/hpke.ts';
import { info } from '../crypto/statements.ts';
import type { Device, MemberView } from '../device/device.ts';
import type { KitHand } from '../device/hands.ts';
import { isPassportError, PassportError } from '../errors.ts';
import type { Ballot, ChangeRequest, DeviceHeads, SignedHeader } from '../format/entry.ts';
import { headsOfDevice } from '../records/heads.ts';
import { signAccept, signApproval, signPromise, signRefusal, signShare, type Voter } from '../registry/messages.ts';
import { applyEntry, epochOf, holderOf, holdersOf } from '../registry/state.ts';
import { checkAttachments, checkEntry, checkRequest } from '../registry/valid.ts';
import { checkProposal } from '../registry/evidence.ts';
import { accept, compareBallots, lastKey, prepare } from '../registry/vote.ts';
import { contribution, deviceOpener, kitOpener, openOwnGrant, type Opener } from './grants.ts';
import {
  acceptOf,
  ballotOf,
  evidenceFor,
  promiseOf,
  proposalOf,
  say,
  type SlotRequest,
  type SlotView,
  voterState,
} from './slot.ts';

/** A voter at this machine with what opens its grants. */
export interface VotingHand {
  readonly voter: Voter;
  readonly opener: Opener;
  readonly kind: 'device' | 'kit';
  /** Kits vote only on the request that their person has in hand. */
  readonly only?: Bytes;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** How long a holder keeps its promise for one initiator before it gives one to another. */
export const INITIATOR_QUIET_MS = 30_000;

export function deviceHand(view: MemberView): VotingHand {
  const { deviceId, signSeed } = view.secrets;
  return { voter: { id: deviceId, signSeed }, opener: deviceOpener(view), kind: 'device' };
}

export function kitHand(kit: KitHand, only: Bytes): VotingHand {
  return { voter: kit, opener: kitOpener(kit), kind: 'kit', only };
}

/** A view with one more receive key in its keystore, for the slot in vote; the same key if it made one before. */
async function nextReceiveKey(
  device: Device,
  view: MemberView,
  slot: number,
): Promise<{ view: MemberView; key: Bytes }> {
  const known = view.secrets.receive.find((key) => key.slot === slot);
  if (known !== undefined) return { view, key: known.publicKey };
  const fresh = receiveKey(device.random);
  const secrets = { ...view.secrets, receive: [...view.secrets.receive, { slot, ...fresh }] };
  await device.box.write(view.tx, secrets);
  return { view: { ...view, secrets }, key: fresh.publicKey };
}

/** Once an entry of a request was proposed it may have to be finished, however late. */
function isProposed(slot: SlotView, asked: SlotRequest): boolean {
  return slot.proposals.some(({ entry }) => {
    const request = slot.entries.get(hex(entry))?.parsed.core.request;
    return request !== undefined && equal(request, asked.bytes);
  });
}

/** What a promise states of one device at most: a device with more heads than this is no honest one. */
const MAX_STATED_HEADS = 16;
const MAX_STATED_BYTES = 24 * 1024;

/** The newest heads, as many as a promise may state; the rest will be set aside. */
function bounded(heads: readonly SignedHeader[]): SignedHeader[] {
  const stated: SignedHeader[] = [];
  let size = 0;
  for (const head of [...heads].reverse().slice(0, MAX_STATED_HEADS)) {
    size += head.header.length + 80;
    if (size > MAX_STATED_BYTES) break;
    stated.unshift({ header: head.header, signature: head.signature });
  }
  return stated;
}

/** The newest commits known here of each device that a request would let go, as its promise states them. */
async function statedHeads(device: Device, view: MemberView, request: ChangeRequest): Promise<DeviceHeads[]> {
  const leaving = holdersOf(view.state).filter(
    (holder) => holder.kind === 'device' && request.leaves.some((id) => equal(id, holder.id)),
  );
  const stated: DeviceHeads[] = [];
  for (const { id } of leaving)
    stated.push({ device: id, heads: bounded(await headsOfDevice(view.tx, device.records(view), id)) });
  return stated;
}

interface PromiseNote {
  readonly slot: number;
  readonly initiator: Bytes;
  readonly at: number;
}

async function lastPromise(view: MemberView, voter: Bytes): Promise<PromiseNote | undefined> {
  const value = (await view.tx.get(`promised/${hex(voter)}`)) as [number, Bytes, number] | undefined;
  return value && { slot: value[0], initiator: value[1], at: value[2] };
}

/** Requests that this machine's person refused, by hash as hex. */
export async function refusedHere(tx: MemberView['tx']): Promise<ReadonlySet<string>> {
  return new Set((((await tx.get('refused')) ?? []) as Bytes[]).map(hex));
}

/**
 * Gives a promise where one is due. Withheld: from requests that were refused, cancelled or have expired here; from an
 * initiator whose removal this voter approved in this slot; from another initiator within 30 s. Returns the view to go on with.
 */
export async function promiseDue(
  device: Device,
  view: MemberView,
  slot: SlotView,
  hand: VotingHand,
): Promise<{ view: MemberView; said: boolean }> {
  const { clock } = device.env;
  const { voter } = hand;
  const state = voterState(slot, voter.id);
  const refused = await refusedHere(view.tx);
  const removing = slot.requests
    .filter(({ approvals }) => approvals.some((approval) => equal(approval.holder, voter.id)))
    .flatMap(({ request }) => request.leaves);
  const note = await lastPromise(view, voter.id);
  const quiet =
    note !== undefined && note.slot === slot.place.slot && Math.abs(clock.now() - note.at) < INITIATOR_QUIET_MS;

  const offers: { ballot: Ballot; request: SlotRequest }[] = slot.requests
    .filter(({ hash }) => hand.only === undefined || equal(hash, hand.only))
    .filter(({ cancelled, hash }) => !cancelled && !refused.has(hex(hash)))
    .filter((asked) => asked.request.expiry > clock.now() || isProposed(slot, asked))
    .flatMap((request) => request.ballots.map((ballot) => ({ ballot, request })))
    .filter(({ ballot }) => !removing.some((id) => equal(id, ballot.initiator)))
    .filter(({ ballot }) => !quiet || equal(ballot.initiator, note.initiator))
    .sort((a, b) => compareBallots(ballotOf(b.ballot), ballotOf(a.ballot)));
  for (const { ballot, request } of offers) {
    const answer = prepare(state, ballotOf(ballot));
    if ('refused' in answer) continue;
    try {
      await checkRequest(view.state, request.request);
    } catch (error) {
      if (isPassportError(error)) continue; // not a possible change: it gets no promise
      throw error;
    }
    const last =
      answer.last &&
      slot.accepts.find((a) => equal(a.holder, voter.id) && lastKey(acceptOf(a)) === lastKey(answer.last as never));
    const reported = last ? { ballot: last.ballot, entry: last.entry } : null;
    const withKey = hand.kind === 'device' ? await nextReceiveKey(device, view, slot.place.slot) : { view, key: null };
    const heads = await statedHeads(device, withKey.view, request.request);
    const promise = signPromise(device.pid, voter, slot.place, { ballot, last: reported, nextKey: withKey.key, heads });
    const evidence = evidenceFor(slot, [promiseOf(promise).last]);
    await say(device, withKey.view, voter.id, { type: 'promise', ...slot.place, promise, evidence });
    const at = Math.max(0, Math.floor(clock.now()));
    view.tx.set(`promised/${hex(voter.id)}`, [slot.place.slot, ballot.initiator, at]);
    return { view: withKey.view, said: true };
  }
  return { view, said: false };
}

/** The person's yes: the approval, and this voter's share sealed to the request's one-time key. */
export async function approve(
  device: Device,
  view: MemberView,
  slot: SlotView,
  hand: VotingHand,
  request: SlotRequest,
): Promise<boolean> {
  const { voter } = hand;
  if (request.approvals.some((approval) => equal(approval.holder, voter.id))) return false;
  if (request.request.expiry <= device.env.clock.now()) throw new PassportError('expired', 'this request has expired');
  await checkRequest(view.state, request.request);
  const { share } = await contribution(device, view, hand.opener);
  const sealed = await hpkeSeal(
    request.request.oneTimeKey,
    { info: info(device.pid, 'change-share', view.state.epoch, request.hash, voter.id) },
    share,
    device.random,
  );
  await say(device, view, voter.id, {
    type: 'approve',
    ...slot.place,
    holder: voter.id,
    requestHash: request.hash,
    signature: signApproval(view.state, voter, request.request, request.hash),
    share: sealed,
    shareSignature: signShare(device.pid, voter, slot.place, request.hash, sealed),
  });
  return true;
}

/** The person's no: signed, so that the asking device can stop waiting. */
export async function refuse(
  device: Device,
  view: MemberView,
  slot: SlotView,
  hand: VotingHand,
  request: SlotRequest,
): Promise<void> {
  const signature = signRefusal(device.pid, hand.voter, 'refuse', slot.place, request.hash);
  const holder = hand.voter.id;
  await say(device, view, holder, { type: 'refuse', ...slot.place, holder, requestHash: request.hash, signature });
  const known = ((await view.tx.get('refused')) ?? []) as Bytes[];
  view.tx.set('refused', [...known.slice(-255), request.hash]);
}

/** Accepts the highest proposal that passes every check; says nothing otherwise. */
export async function acceptDue(device: Device, view: MemberView, slot: SlotView, hand: VotingHand): Promise<boolean> {
  const { state, tx } = view;
  const { voter } = hand;
  const memory = voterState(slot, voter.id);
  const holders = new Set(holdersOf(state).map(({ id }) => hex(id)));
  const births = (id: string) => {
    const birth = slot.entries.get(id)?.parsed.core.birth;
    return birth && ballotOf(birth);
  };
  const proposals = slot.proposals.map((signed) => ({ signed, proposal: proposalOf(signed) }));
  const byKey = new Map(proposals.map(({ proposal }) => [lastKey(proposal), proposal]));
  for (const { signed, proposal } of proposals.sort((a, b) => compareBallots(b.proposal.ballot, a.proposal.ballot))) {
    if (memory.accepted !== null && lastKey(memory.accepted) === lastKey(proposal)) return false;
    const answer = accept(memory, proposal);
    const found = slot.entries.get(proposal.entry);
    if ('refused' in answer || found === undefined) continue;
    if (checkProposal(proposal, state.threshold, holders, births, (last) => byKey.get(lastKey(last))) !== true)
      continue;
    const { parsed } = found;
    if (parsed.core.time > device.env.clock.now() + DAY_MS) continue; // V140
    try {
      await checkEntry(state, parsed);
      checkAttachments(parsed, found.wrap, found.link);
      const after = applyEntry(state, parsed);
      const me = holderOf(after, voter.id);
      if (parsed.core.epochPart !== null && me !== undefined) {
        await openOwnGrant(device, tx, epochOf(after), me.receiveKey, hand.opener);
      }
    } catch (error) {
      if (isPassportError(error)) continue; // an entry that is not valid, or a grant that is wrong or not here yet
      throw error;
    }
    const signedAccept = signAccept(device.pid, voter, slot.place, signed.ballot, signed.entry);
    await say(device, view, voter.id, { type: 'accept', ...slot.place, accept: signedAccept });
    return true;
  }
  return false;
}
