/**
 * VALID(E) and certificates (docs/protocol.md, 5): whether an entry may stand after a state, and whether a quorum said so.
 * A function of bytes alone: no clock, no store's answer, no order of arrival. `entry-invalid` names the rule that failed.
 */
import { type Bytes, equal, hex } from '../bytes.ts';
import { decode, encode } from '../cbor.ts';
import { checkCost } from '../crypto/argon2.ts';
import { isReceiveKey } from '../crypto/hpke.ts';
import { holderId, passportId } from '../crypto/keys.ts';
import { isSigningKey, verifyStatement } from '../crypto/sign.ts';
import { sha256 } from '../crypto/hash.ts';
import { isPassportError, PassportError } from '../errors.ts';
import { commitId, parseHeader } from '../format/commit.ts';
import {
  type Ballot,
  type ChangeRequest,
  type Entry,
  type Holder,
  holderValue,
  parseRequest,
  requestHash,
  type VotePromise,
} from '../format/entry.ts';
import type { Certificate } from '../format/votes.ts';
import { checkAccept, checkApproval, checkPromise, checkRole, placeAfter, sameBallot } from './messages.ts';
import { epochOf, holderOf, holdersAfter, holdersOf, isSafePolicy, type RegistryState, startsEpoch } from './state.ts';
import { certified } from './vote.ts';

function refuse(rule: string): never {
  throw new PassportError('entry-invalid', `a registry entry breaks a rule: ${rule}`);
}

function require(condition: boolean, rule: string): asserts condition {
  if (!condition) refuse(rule);
}

function distinct(ids: readonly Bytes[]): boolean {
  return new Set(ids.map(hex)).size === ids.length;
}

/** Controls, what is invisible or turns the direction of text, line and paragraph ends, private use, half a pair. */
const UNSEEN =
  // oxlint-disable-next-line no-control-regex -- these are the characters that it is about
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\ue000-\uf8ff\u{e0000}-\u{e0fff}\u{f0000}-\u{10ffff}]/u;
const SPACE = '[\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]';
const EDGE = new RegExp(`^${SPACE}|${SPACE}$`, 'u');

/**
 * A name that can be shown: 1..64 code points, nothing invisible, no space at its ends. Lists of its own: what a platform's
 * Unicode tables say changes with its version, and two devices must not disagree about an entry.
 */
export function isHolderName(name: string): boolean {
  const points = Array.from(name).length;
  return points >= 1 && points <= 64 && !UNSEEN.test(name) && !EDGE.test(name);
}

async function checkNewHolders(pid: Bytes, enters: readonly Holder[], used: ReadonlySet<string>): Promise<void> {
  const keys = enters.flatMap((holder) => [holder.signKey, holder.receiveKey]);
  require(distinct(keys), 'two keys of new holders are equal'); // V66
  for (const holder of enters) {
    require(isHolderName(holder.name), 'a name cannot be shown'); // V67
    require(equal(holder.id, holderId(pid, holder.signKey)), 'a holder id does not belong to its key'); // V68
    require(!used.has(hex(holder.signKey)) && !used.has(hex(holder.receiveKey)), 'a key was a holder’s before'); // V69
    require(isSigningKey(holder.signKey), 'a signing key is not acceptable'); // V70
    require(await isReceiveKey(holder.receiveKey), 'a receive key is not acceptable'); // V71
  }
}

/** What the pid says of a founding holder: seat, kind (0 device, 1 kit), signing key, receive key. */
export function founder(holder: Omit<Holder, 'id' | 'name'>): readonly [number, number, Bytes, Bytes] {
  return [holder.seat, holder.kind === 'device' ? 0 : 1, holder.signKey, holder.receiveKey];
}

/** Slot 0: its holders give the pid, its own vault key signs it. */
export async function checkFounding(entry: Entry, pid: Bytes): Promise<void> {
  const { core } = entry;
  require(equal(core.pid, pid) && equal(core.prev, pid) && core.slot === 0, 'slot 0 does not belong to this passport'); // V72
  require(core.epoch === 0 && core.epochPart !== null, 'slot 0 starts epoch 0'); // V73
  require(core.birth.round === 0 && core.unlockDevices.length === 0, 'slot 0 is born in round 0, with no policy'); // V74
  require(core.promises.length + core.approvals.length + core.roles.length === 0, 'slot 0 has no votes before it'); // V75
  const body = decode(core.request);
  require(Array.isArray(body) && body.length === 1, 'slot 0 has a random number'); // V76
  const random = (body as Bytes[])[0];
  require(random instanceof Uint8Array && random.length === 32, 'slot 0 has a random number of 32 bytes'); // V77
  const founders = core.holders.map(founder);
  require(equal(
    pid,
    passportId(founders, random, core.threshold, core.holders.length),
  ), 'the founding holders do not give this passport’s id'); // V78
  require(isSafePolicy(core.threshold, core.holders.length), 'the policy is not 2 <= N <= M <= 32 and 2N > M'); // V79
  require(core.holders.every((holder, i) => holder.seat === i + 1), 'founding seats are 1..M'); // V80
  await checkNewHolders(pid, core.holders, new Set());
  checkEpochPart(entry, null);
  const dealer = core.holders.find((holder) => equal(holder.id, core.birth.initiator));
  require(dealer?.kind === 'device', 'the dealer is a founding device'); // V81
  require(verifyStatement(
    dealer.signKey,
    entry.dealerSignature,
    pid,
    'entry-core',
    entry.coreHash,
  ), 'the dealer’s signature'); // V82
  require(verifyStatement(
    core.epochPart.vaultKey,
    entry.vaultSignature,
    pid,
    'entry-core',
    entry.coreHash,
  ), 'the vault signature'); // V83
}

function checkEpochPart(entry: Entry, before: RegistryState | null): void {
  const part = entry.core.epochPart;
  if (part === null) return;
  checkCost(part.cost, part.salt); // V84
  require(part.shares.length === entry.core.holders.length, 'one share for each holder'); // V85
  require((part.linkHash === null) === (before === null), 'a mesh link in every epoch but the first'); // V86
  require((part.kekLink === null) === (before === null), 'a KEK link in every epoch but the first'); // V87
  require(isSigningKey(part.vaultKey), 'the vault key is not acceptable'); // V88
}

function checkHeads(state: RegistryState, request: ChangeRequest, promises: readonly VotePromise[]): void {
  const leaving = request.leaves
    .map((id) => holderOf(state, id))
    .filter((holder) => holder?.kind === 'device')
    .map((holder) => holder as Holder);
  for (const promise of promises) {
    require(promise.heads.length === leaving.length &&
      leaving.every(
        (d) => promise.heads.filter((stated) => equal(stated.device, d.id)).length === 1,
      ), 'a promise states the heads of exactly the leaving devices'); // V89
    for (const { device, heads } of promise.heads) {
      const author = leaving.find((d) => equal(d.id, device)) as Holder;
      for (const { header, signature } of heads) {
        require(equal(parseHeader(state.pid, header).device, device), 'a stated head is by another device'); // V90
        require(verifyStatement(
          author.signKey,
          signature,
          state.pid,
          'commit-id',
          commitId(state.pid, header),
        ), 'a stated head is not signed by its author'); // V91
      }
    }
  }
}

/** What a request must be to be worth a vote: a possible change of this state. The same rules stand in VALID(E). */
export async function checkRequest(state: RegistryState, request: ChangeRequest): Promise<void> {
  const holders = holdersOf(state);
  const isHolder = (id: Bytes) => holders.some((holder) => equal(holder.id, id));
  require(distinct(request.leaves) && request.leaves.every(isHolder), 'who leaves is a holder, once'); // V92
  const after = holdersAfter(state, request);
  const highest = Math.max(...state.members.map((member) => member.seat));
  require(request.enters.every((holder) => holder.seat > highest) &&
    distinct(request.enters.map((h) => h.id)), 'a seat is never used again'); // V93
  require(new Set(request.enters.map((h) => h.seat)).size === request.enters.length, 'two new holders share a seat'); // V94
  require(isSafePolicy(request.threshold, after.length), 'the policy is not 2 <= N <= M <= 32 and 2N > M'); // V95
  const only = (...allowed: ChangeRequest['kind'][]) => allowed.includes(request.kind);
  const membership = request.enters.length + request.leaves.length > 0 || request.threshold !== state.threshold;
  require(only('holders') || !membership, 'only a change of holders changes holders or the threshold'); // V96
  require(only('policy') ||
    (request.names.length === 0 && request.unlockDevices.length === 0), 'only a policy changes names'); // V97
  require(distinct(request.names.map(({ id }) => id)) &&
    request.names.every(({ id, name }) => isHolder(id) && isHolderName(name)), 'a name cannot be given'); // V98
  require(distinct(request.unlockDevices) &&
    request.unlockDevices.every((id) => holderOf(state, id)?.kind === 'device'), 'only devices may keep a session'); // V99
  const dealer = after.find((holder) => equal(holder.id, request.initiator.id));
  require(dealer?.kind === 'device' &&
    equal(dealer.signKey, request.initiator.signKey), 'the initiator is a device after the change'); // V100
  await checkNewHolders(state.pid, request.enters, state.usedKeys);
}

/**
 * Whether a promise of the open slot may stand in an entry of this request: of this ballot, nothing accepted before, a fresh
 * receive key by a device, and the heads of exactly the devices that leave, each signed by its author.
 */
export async function isBirthPromise(
  state: RegistryState,
  request: ChangeRequest,
  ballot: Ballot,
  promise: VotePromise,
): Promise<boolean> {
  try {
    await checkBirthPromise(state, request, ballot, promise);
    checkHeads(state, request, [promise]);
    return true;
  } catch (error) {
    if (isPassportError(error)) return false;
    throw error;
  }
}

async function checkBirthPromise(
  state: RegistryState,
  request: ChangeRequest,
  ballot: Ballot,
  promise: VotePromise,
): Promise<void> {
  const holder = holderOf(state, promise.holder);
  require(holder !== undefined, 'a promise by somebody who is no holder'); // V101
  require(sameBallot(promise.ballot, ballot) && promise.last === null, 'a promise of another ballot than birth'); // V102
  require((promise.nextKey === null) === (holder.kind === 'kit'), 'devices give a next receive key, kits do not'); // V103
  require(checkPromise(state.pid, holder.signKey, placeAfter(state), promise), 'a promise is not signed by its holder'); // V104
  if (promise.nextKey === null || !stays(request, promise.holder)) return;
  require(!state.usedKeys.has(hex(promise.nextKey)), 'a receive key comes back'); // V105
  require(await isReceiveKey(promise.nextKey), 'a receive key is not acceptable'); // V106
}

/** `entry-invalid` unless wrap and link are those that the entry names. */
export function checkAttachments(entry: Entry, wrap: Bytes, link: Bytes): void {
  const part = entry.core.epochPart;
  const good =
    part === null
      ? wrap.length + link.length === 0
      : equal(sha256(wrap), part.wrapHash) &&
        (part.linkHash === null ? link.length === 0 : equal(sha256(link), part.linkHash));
  require(good, 'wrap or link are not those of the entry'); // V107
}

/** Throws `entry-invalid` unless E may follow this state. The certificate is another question. */
export async function checkEntry(state: RegistryState, entry: Entry): Promise<void> {
  const { core } = entry;
  const { pid } = state;
  const place = placeAfter(state);
  require(equal(core.pid, pid) && core.slot === place.slot && equal(core.prev, place.prev), 'it follows another entry'); // V108
  const request = parseRequest(core.request);
  await checkRequest(state, request);
  require(equal(core.birth.initiator, request.initiator.id), 'the birth ballot is another initiator’s'); // V109

  const quorum = state.threshold;
  require(distinct(core.promises.map((p) => p.holder)) && core.promises.length >= quorum, 'too few promises of birth'); // V110
  for (const promise of core.promises) await checkBirthPromise(state, request, core.birth, promise);
  checkHeads(state, request, core.promises);
  require(request.leaves.length === 0 ||
    core.promises.some((promise) => stays(request, promise.holder)), 'no staying holder stated a cut'); // V111

  const ofRequest = requestHash(pid, core.request);
  require(distinct(core.approvals.map((a) => a.holder)) && core.approvals.length >= quorum, 'too few approvals'); // V112
  for (const approval of core.approvals) {
    const holder = holderOf(state, approval.holder);
    require(holder !== undefined, 'an approval by somebody who is no holder'); // V113
    require(checkApproval(
      state,
      holder.signKey,
      approval.signature,
      request,
      ofRequest,
    ), 'an approval is of something else'); // V114
  }

  require(core.roles.length === request.enters.length, 'each new holder accepts its role once'); // V115
  for (const holder of request.enters) {
    const role = core.roles.find((r) => equal(r.holder, holder.id));
    require(role !== undefined &&
      checkRole(pid, role.signature, place, holder, role.transcript), 'a new holder has not accepted its role here'); // V116
  }

  checkHoldersAfter(state, entry, request);
  checkEpochPart(entry, state);
  const epochStarts = startsEpoch(request.kind);
  require(core.epoch === state.epoch + (epochStarts ? 1 : 0), 'the epoch'); // V117
  require((core.epochPart !== null) === epochStarts, 'an epoch part where an epoch starts, and only there'); // V118
  if (core.epochPart !== null && request.kind !== 'passphrase') {
    const before = epochOf(state);
    const same = encode([core.epochPart.salt, ...costOf(core.epochPart)]);
    require(equal(same, encode([before.salt, ...costOf(before)])), 'only a new passphrase changes salt and cost'); // V119
  }
  const unlock =
    request.kind === 'policy' ? request.unlockDevices : state.unlockDevices.filter((id) => stays(request, id));
  require(equal(encode([...core.unlockDevices]), encode([...unlock])), 'the devices that may keep a session'); // V120
  const { signKey } = request.initiator;
  require(verifyStatement(signKey, entry.dealerSignature, pid, 'entry-core', entry.coreHash), 'the dealer’s signature'); // V121
  const { vaultKey } = epochOf(state);
  require(verifyStatement(vaultKey, entry.vaultSignature, pid, 'entry-core', entry.coreHash), 'the vault signature'); // V122
}

const stays = (request: ChangeRequest, id: Bytes) => !request.leaves.some((leave) => equal(leave, id));
const costOf = ({ cost }: { cost: { memoryKiB: number; passes: number; lanes: number } }) => [
  cost.memoryKiB,
  cost.passes,
  cost.lanes,
];

function checkHoldersAfter(state: RegistryState, entry: Entry, request: ChangeRequest): void {
  const { core } = entry;
  const expected = holdersAfter(state, request, core.promises);
  require(equal(
    encode(core.holders.map(holderValue)),
    encode(expected.map(holderValue)),
  ), 'the holders after are not those before with this change'); // V123
  require(core.threshold === request.threshold, 'the threshold'); // V124
  if (!startsEpoch(request.kind)) return;
  require(distinct(core.holders.flatMap((h) => [h.signKey, h.receiveKey])), 'two holders share a key'); // V125
}

/** Throws `entry-invalid` unless a quorum of the holders before accepted this entry in one ballot. */
export function checkCertificate(state: RegistryState, entry: Entry, certificate: Certificate): void {
  const holders = holdersOf(state);
  const place = placeAfter(state);
  const accepts = certificate.accepts.filter((accept) => {
    const holder = holders.find((h) => equal(h.id, accept.holder));
    return holder !== undefined && checkAccept(state.pid, holder.signKey, place, accept);
  });
  const found = certified(accepts.map(acceptIds), state.threshold, new Set(holders.map((h) => hex(h.id))));
  require(found?.entry === hex(entry.id), 'no quorum accepted it'); // V126
}

/** Slot 0 is accepted by all its holders, in the ballot of its birth. */
export function checkFoundingCertificate(entry: Entry, certificate: Certificate): void {
  const { core } = entry;
  const good = core.holders.every((holder) =>
    certificate.accepts.some(
      (accept) =>
        equal(accept.holder, holder.id) &&
        equal(accept.entry, entry.id) &&
        sameBallot(accept.ballot, core.birth) &&
        checkAccept(core.pid, holder.signKey, core, accept),
    ),
  );
  require(good, 'not every founding holder accepted it'); // V127
}

function acceptIds(accept: Certificate['accepts'][number]) {
  return {
    holder: hex(accept.holder),
    ballot: { round: accept.ballot.round, initiator: hex(accept.ballot.initiator) },
    entry: hex(accept.entry),
  };
}
