/**
 * The signed statements of a slot (docs/protocol.md, 5): made here, and checked here before a message counts.
 * A check answers true or false; it never looks at a clock.
 */
import { type Bytes, equal } from '../bytes.ts';
import { encode } from '../cbor.ts';
import { sha256 } from '../crypto/hash.ts';
import { signStatement, verifyStatement } from '../crypto/sign.ts';
import { hash } from '../crypto/statements.ts';
import {
  type Ballot,
  ballotValue,
  type ChangeRequest,
  headsValue,
  holderValue,
  lastValue,
  requestHash,
  type VotePromise,
} from '../format/entry.ts';
import type { Place, VoteAccept, VoteProposal } from '../format/votes.ts';
import { head, headSlot, holdersAfter, holdersHash, type RegistryState, startsEpoch } from './state.ts';

/** Who signs: an id of 16 and a seed of 32 bytes. */
export interface Voter {
  readonly id: Bytes;
  readonly signSeed: Bytes;
}

/** The open slot after a state. */
export function placeAfter(state: RegistryState): Place {
  return { slot: headSlot(state) + 1, prev: head(state).id };
}

export function signBallotRequest(
  pid: Bytes,
  voter: Voter,
  { slot, prev }: Place,
  ballot: Ballot,
  request: Bytes,
): Bytes {
  return signStatement(voter.signSeed, pid, 'request', slot, prev, ballotValue(ballot), requestHash(pid, request));
}

export function checkBallotRequest(
  pid: Bytes,
  signKey: Bytes,
  signature: Bytes,
  { slot, prev }: Place,
  ballot: Ballot,
  request: Bytes,
): boolean {
  return verifyStatement(
    signKey,
    signature,
    pid,
    'request',
    slot,
    prev,
    ballotValue(ballot),
    requestHash(pid, request),
  );
}

export function signVouch(pid: Bytes, voter: Voter, { slot, prev }: Place, ofRequest: Bytes): Bytes {
  return signStatement(voter.signSeed, pid, 'vouch', slot, prev, ofRequest);
}

export function checkVouch(
  pid: Bytes,
  signKey: Bytes,
  signature: Bytes,
  { slot, prev }: Place,
  ofRequest: Bytes,
): boolean {
  return verifyStatement(signKey, signature, pid, 'vouch', slot, prev, ofRequest);
}

function promiseFields({ slot, prev }: Place, promise: Omit<VotePromise, 'signature' | 'holder'>) {
  return [
    slot,
    prev,
    ballotValue(promise.ballot),
    lastValue(promise.last),
    promise.nextKey,
    sha256(encode(headsValue(promise.heads))),
  ] as const;
}

export function signPromise(
  pid: Bytes,
  voter: Voter,
  place: Place,
  promise: Omit<VotePromise, 'signature' | 'holder'>,
): VotePromise {
  const signature = signStatement(voter.signSeed, pid, 'promise', ...promiseFields(place, promise));
  return { ...promise, holder: voter.id, signature };
}

export function checkPromise(pid: Bytes, signKey: Bytes, place: Place, promise: VotePromise): boolean {
  return verifyStatement(signKey, promise.signature, pid, 'promise', ...promiseFields(place, promise));
}

/** H("body", …): what the request changes, 32 bytes. */
export function bodyHash(pid: Bytes, request: ChangeRequest): Bytes {
  return hash(
    pid,
    'body',
    request.kind,
    request.enters.map(holderValue),
    request.leaves,
    request.threshold,
    request.names.map(({ id, name }) => [id, name]),
    request.unlockDevices,
  );
}

/** The fields that an approval signs, all recomputed from the state before and the request. */
function approvalFields(state: RegistryState, request: ChangeRequest, ofRequest: Bytes) {
  const { slot, prev } = placeAfter(state);
  const after = holdersAfter(state, request);
  return [
    slot,
    prev,
    request.kind,
    state.epoch,
    state.epoch + (startsEpoch(request.kind) ? 1 : 0),
    holdersHash(state.pid, after, request.enters),
    request.threshold,
    after.length,
    bodyHash(state.pid, request),
    request.initiator.id,
    ofRequest,
  ] as const;
}

export function signApproval(state: RegistryState, voter: Voter, request: ChangeRequest, ofRequest: Bytes): Bytes {
  return signStatement(voter.signSeed, state.pid, 'approve', ...approvalFields(state, request, ofRequest));
}

export function checkApproval(
  state: RegistryState,
  signKey: Bytes,
  signature: Bytes,
  request: ChangeRequest,
  ofRequest: Bytes,
): boolean {
  return verifyStatement(signKey, signature, state.pid, 'approve', ...approvalFields(state, request, ofRequest));
}

/** Binds a sealed share to who gives it: nobody else can answer in a holder's name with junk. */
export function signShare(
  pid: Bytes,
  voter: Voter,
  { slot, prev }: Place,
  ofRequest: Bytes,
  sealedShare: Bytes,
): Bytes {
  return signStatement(voter.signSeed, pid, 'approve-share', slot, prev, ofRequest, sha256(sealedShare));
}

export function checkShare(
  pid: Bytes,
  signKey: Bytes,
  signature: Bytes,
  { slot, prev }: Place,
  ofRequest: Bytes,
  sealedShare: Bytes,
): boolean {
  return verifyStatement(signKey, signature, pid, 'approve-share', slot, prev, ofRequest, sha256(sealedShare));
}

export function signProposal(pid: Bytes, voter: Voter, { slot, prev }: Place, ballot: Ballot, entry: Bytes): Bytes {
  return signStatement(voter.signSeed, pid, 'propose', slot, prev, ballotValue(ballot), entry);
}

export function checkProposalSignature(
  pid: Bytes,
  signKey: Bytes,
  { slot, prev }: Place,
  proposal: VoteProposal,
): boolean {
  const { signature, ballot, entry } = proposal;
  return verifyStatement(signKey, signature, pid, 'propose', slot, prev, ballotValue(ballot), entry);
}

export function signAccept(pid: Bytes, voter: Voter, { slot, prev }: Place, ballot: Ballot, entry: Bytes): VoteAccept {
  const signature = signStatement(voter.signSeed, pid, 'accept', slot, prev, ballotValue(ballot), entry);
  return { holder: voter.id, ballot, entry, signature };
}

export function checkAccept(pid: Bytes, signKey: Bytes, { slot, prev }: Place, accept: VoteAccept): boolean {
  const { signature, ballot, entry } = accept;
  return verifyStatement(signKey, signature, pid, 'accept', slot, prev, ballotValue(ballot), entry);
}

export function signRefusal(
  pid: Bytes,
  voter: Voter,
  use: 'refuse' | 'cancel',
  { slot, prev }: Place,
  ofRequest: Bytes,
): Bytes {
  return signStatement(voter.signSeed, pid, use, slot, prev, ofRequest);
}

export function checkRefusal(
  pid: Bytes,
  signKey: Bytes,
  signature: Bytes,
  use: 'refuse' | 'cancel',
  { slot, prev }: Place,
  ofRequest: Bytes,
): boolean {
  return verifyStatement(signKey, signature, pid, use, slot, prev, ofRequest);
}

export interface RoleKeys {
  readonly signKey: Bytes;
  readonly receiveKey: Bytes;
}

/** A new holder's consent to stand in this slot with these keys; transcript = the pairing's, or 32 zero bytes for kits. */
export function signRole(pid: Bytes, signSeed: Bytes, { slot, prev }: Place, keys: RoleKeys, transcript: Bytes): Bytes {
  return signStatement(signSeed, pid, 'accept-role', slot, prev, keys.signKey, keys.receiveKey, transcript);
}

export function checkRole(
  pid: Bytes,
  signature: Bytes,
  { slot, prev }: Place,
  keys: RoleKeys,
  transcript: Bytes,
): boolean {
  return verifyStatement(
    keys.signKey,
    signature,
    pid,
    'accept-role',
    slot,
    prev,
    keys.signKey,
    keys.receiveKey,
    transcript,
  );
}

export function sameBallot(a: Ballot, b: Ballot): boolean {
  return a.round === b.round && equal(a.initiator, b.initiator);
}
