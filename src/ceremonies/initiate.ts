/**
 * A change that this device asks for: the request, its rounds, the entry built once from N promises, N approvals and N
 * shares, and the proposal (docs/protocol.md, 5). One change of its own at a time; it is a cell, so that it can be left and
 * taken up again. The secret half of its one-time key lies in the keystore and dies with this boot.
 */
import { type Bytes, equal, hex, wipe } from '../bytes.ts';
import { DEFAULT_COST } from '../crypto/argon2.ts';
import { hpkeOpen, receiveKey } from '../crypto/hpke.ts';
import { info } from '../crypto/statements.ts';
import type { Contribution } from '../crypto/share.ts';
import type { Device, MemberView } from '../device/device.ts';
import type { KitHand } from '../device/hands.ts';
import type { Passphrases } from '../device/passphrases.ts';
import { oneTime, withOneTime, withoutOneTime } from '../device/secrets.ts';
import { isPassportError, PassportError } from '../errors.ts';
import {
  type Ballot,
  type ChangeKind,
  type ChangeRequest,
  encodeRequest,
  type EntryCore,
  type Holder,
  matchNumber,
  requestHash,
  type Role,
} from '../format/entry.ts';
import type { Voucher } from '../format/votes.ts';
import { checkDealt, type DealTerms, dealEpoch, finishEntry, type OpenableGrant } from '../registry/deal.ts';
import { requiredEntry } from '../registry/evidence.ts';
import {
  placeAfter,
  signBallotRequest,
  signProposal,
  signRefusal,
  signVouch,
  type Voter,
} from '../registry/messages.ts';
import { contributionOf, fitsCommitment, kekOf, vekOf } from '../registry/open.ts';
import {
  epochOf,
  holderOf,
  holdersAfter,
  holdersOf,
  isSafePolicy,
  type RegistryState,
  startsEpoch,
} from '../registry/state.ts';
import { checkEntry, checkRequest, isBirthPromise } from '../registry/valid.ts';
import { compareBallots, lastKey, MAX_ROUND_STEP } from '../registry/vote.ts';
import { keepGrants } from './grants.ts';
import { type OwnChange, ownChange, setOwnChange } from './own-change.ts';
import {
  ballotOf,
  evidenceFor,
  promiseOf,
  proposalOf,
  say,
  type SlotApproval,
  type SlotRequest,
  type SlotView,
} from './slot.ts';

/** Twenty minutes: long enough to fetch the other device from the next room. */
export const REQUEST_TTL_MS = 20 * 60 * 1000;

export interface ChangePlan {
  readonly kind: Exclude<ChangeKind, 'found'>;
  readonly enters?: readonly Holder[];
  readonly leaves?: readonly Bytes[];
  readonly threshold?: number;
  readonly names?: ChangeRequest['names'];
  readonly unlockDevices?: readonly Bytes[];
  readonly roles?: readonly Role[];
  /** For a fresh device: the kit that vouches for it. */
  readonly voucher?: KitHand;
}

/** `policy-unsafe` unless `threshold` of `count` is a majority that can be had. */
export function requirePolicy(threshold: number, count: number): void {
  if (isSafePolicy(threshold, count)) return;
  throw new PassportError(
    'policy-unsafe',
    `${threshold} of ${count} is not possible: a majority of the holders must be needed, and no more than there are`,
    { hint: 'With M holders the threshold is more than M/2 and at most M; --threshold changes it in the same step.' },
  );
}

/** Refuses what the mesh would refuse, before anybody is asked, with a code that says what to do. */
async function checkPlan(state: RegistryState, request: ChangeRequest): Promise<void> {
  const after = holdersAfter(state, request);
  const names = after.map((holder) => holder.name.toLowerCase());
  if (new Set(names).size < names.length) {
    throw new PassportError('name-taken', 'another holder has this name', {
      hint: 'Choose a name that `passport devices` does not list.',
    });
  }
  requirePolicy(request.threshold, after.length);
  if (!after.some((holder) => holder.kind === 'device')) {
    throw new PassportError('policy-unsafe', 'the last device cannot leave', { hint: 'Enroll another device first.' });
  }
  try {
    await checkRequest(state, request);
  } catch (error) {
    if (isPassportError(error)) throw new PassportError('usage', error.message, { cause: error });
    throw error;
  }
}

/** The next free seats, `count` of them. */
export function freshSeat(state: RegistryState): number {
  return Math.max(...state.members.map((member) => member.seat)) + 1;
}

/** Starts a change: journals the request with its one-time key and says it in the open slot. */
export async function startChange(
  device: Device,
  view: MemberView,
  slot: SlotView,
  plan: ChangePlan,
): Promise<OwnChange> {
  const { state } = view;
  const { clock } = device.env;
  const known = await ownChange(view, device.pid);
  if (known?.state === 'open' && isOver(device, view, slot, known)) await endChange(device, view, known, 'expired');
  else if (known?.state === 'open') {
    throw new PassportError('waiting', 'this device already asked for a change that is not decided', {
      hint: `Finish it (passport sync), or cancel it: passport cancel ${hex(known.request.rid).slice(0, 8)}`,
    });
  }
  const secrets = await device.box.read(view.tx);
  const oneTimeKey = receiveKey(device.random);
  const rid = device.bytes(16);
  const request: ChangeRequest = {
    rid,
    kind: plan.kind,
    initiator: { id: secrets.deviceId, signKey: secrets.signKey },
    oneTimeKey: oneTimeKey.publicKey,
    expiry: Math.max(0, clock.now()) + REQUEST_TTL_MS,
    enters: plan.enters ?? [],
    leaves: plan.leaves ?? [],
    threshold: plan.threshold ?? state.threshold,
    names: plan.names ?? [],
    unlockDevices: plan.unlockDevices ?? (plan.kind === 'policy' ? state.unlockDevices : []),
  };
  await checkPlan(state, request);
  const deadline = clock.monotonic() + REQUEST_TTL_MS;
  await device.box.write(
    view.tx,
    withOneTime(secrets, { id: rid, bootId: clock.bootId(), deadline, secret: oneTimeKey.privateKey }),
  );
  const bytes = encodeRequest(request);
  const place = placeAfter(state);
  const change: OwnChange = {
    cell: 'change',
    hash: requestHash(device.pid, bytes),
    bytes,
    request,
    slot: place.slot,
    prev: place.prev,
    round: nextRound(view.state, slot, view.secrets.deviceId),
    roundAt: clock.now(),
    roles: plan.roles ?? [],
    state: 'open',
    decidedSlot: null,
  };
  setOwnChange(view, change);
  const { voucher } = plan;
  const vouched = voucher && { holder: voucher.id, signature: signVouch(device.pid, voucher, place, change.hash) };
  await sayRequest(device, view, change, vouched ?? null);
  return change;
}

/** Begins a new round for a request of somebody else, whose entry this device accepted: to finish it, not to change it. */
export async function takeUp(device: Device, view: MemberView, slot: SlotView, asked: SlotRequest): Promise<OwnChange> {
  const change: OwnChange = {
    cell: 'takeover',
    ...{ hash: asked.hash, bytes: asked.bytes, request: asked.request, slot: slot.place.slot, prev: slot.place.prev },
    ...{
      round: nextRound(view.state, slot, view.secrets.deviceId),
      roundAt: device.env.clock.now(),
      roles: [],
      state: 'open',
      decidedSlot: null,
    },
  };
  setOwnChange(view, change);
  await sayRequest(device, view, change, asked.voucher);
  return change;
}

/**
 * Whether this device's own request can lead to nothing any more: too late, or the key to its approvals died with the boot.
 * Once it is proposed, the others can decide it at any time.
 */
export function isOver(device: Device, { secrets }: MemberView, slot: SlotView, change: OwnChange): boolean {
  const { clock } = device.env;
  if (slot.proposals.some(({ ballot }) => equal(ballot.initiator, secrets.deviceId))) return false;
  const key = oneTime(secrets, change.request.rid, { bootId: clock.bootId(), monotonic: clock.monotonic() });
  const mine = equal(change.request.initiator.id, secrets.deviceId);
  return change.request.expiry <= clock.now() || (mine && key === undefined);
}

/**
 * The round that a quorum can still promise: above what the N-th lowest holder has promised, and above this device's own. A
 * single ballot far up, by whoever, moves nobody.
 */
function nextRound(state: RegistryState, slot: SlotView, me: Bytes): number {
  const promised = holdersOf(state)
    .map(({ id }) => Math.max(0, ...slot.promises.filter((p) => equal(p.holder, id)).map((p) => p.ballot.round)))
    .sort((a, b) => a - b);
  const own = slot.requests.flatMap(({ ballots }) => ballots).filter(({ initiator }) => equal(initiator, me));
  return Math.max(promised[state.threshold - 1] ?? 0, ...own.map(({ round }) => round)) + 1;
}

/**
 * Says the request in this round. Holders follow at most 16 rounds at a time, so a round far up is climbed to: whoever is
 * behind promises the lower ones first.
 */
async function sayRequest(device: Device, view: MemberView, change: OwnChange, voucher: Voucher | null): Promise<void> {
  const voter: Voter = { id: view.secrets.deviceId, signSeed: view.secrets.signSeed };
  const place = { slot: change.slot, prev: change.prev };
  const steps = Array.from(
    { length: Math.min(64, Math.floor((change.round - 1) / MAX_ROUND_STEP)) },
    (_, i) => (i + 1) * MAX_ROUND_STEP,
  );
  for (const round of [...steps, change.round]) {
    const ballot = { round, initiator: voter.id };
    const signature = signBallotRequest(device.pid, voter, place, ballot, change.bytes);
    await say(device, view, voter.id, {
      type: 'request',
      ...place,
      ballot,
      request: change.bytes,
      voucher,
      signature,
    });
  }
}

/** Tells the others that the request is withdrawn; nothing of it can be decided by this device any more. */
export async function cancelChange(device: Device, view: MemberView, change: OwnChange): Promise<void> {
  const voter: Voter = { id: view.secrets.deviceId, signSeed: view.secrets.signSeed };
  const place = { slot: change.slot, prev: change.prev };
  const signature = signRefusal(device.pid, voter, 'cancel', place, change.hash);
  await say(device, view, voter.id, { type: 'cancel', ...place, requestHash: change.hash, signature });
  await endChange(device, view, change, 'cancelled');
}

export async function endChange(
  device: Device,
  view: MemberView,
  change: OwnChange,
  state: OwnChange['state'],
  slot?: number,
): Promise<void> {
  setOwnChange(view, { ...change, state, decidedSlot: slot ?? null });
  await device.box.write(view.tx, withoutOneTime(await device.box.read(view.tx), change.request.rid));
}

export function changeNumber(pid: Bytes, change: Pick<OwnChange, 'hash'>): number {
  return matchNumber(pid, change.hash);
}

export interface InitiateOptions {
  readonly passphrases: Passphrases;
  /** Kits at hand whose new grants the dealer can open to check itself. */
  readonly openable: readonly OpenableGrant[];
  /** What a kit's vote needs before it counts: a store that has it. */
  readonly kits: readonly Bytes[];
}

export type InitiateStep = 'said' | 'nothing' | 'needs-passphrase';

/** A kit's message counts once a store has it; everybody else's at once. */
export function counts(state: RegistryState, slot: SlotView, holder: Bytes, signature: Bytes): boolean {
  return holderOf(state, holder)?.kind !== 'kit' || slot.stored.has(hex(signature));
}

/** Does the next thing that the initiator of this change can do. */
export async function initiateDue(
  device: Device,
  view: MemberView,
  slot: SlotView,
  change: OwnChange,
  options: InitiateOptions,
): Promise<InitiateStep> {
  const { state, secrets } = view;
  const ballot: Ballot = { round: change.round, initiator: secrets.deviceId };
  const here = ballotOf(ballot);
  if (slot.proposals.some((proposal) => compareBallots(ballotOf(proposal.ballot), here) === 0)) {
    return bumpRound(device, view, slot, change);
  }
  const promises: SlotView['promises'][number][] = [];
  for (const p of slot.promises) {
    if (compareBallots(ballotOf(p.ballot), here) !== 0 || !counts(state, slot, p.holder, p.signature)) continue;
    // A promise that could not stand in an entry does not count: else who is let go could spoil every entry with it.
    if (p.last !== null || (await isBirthPromise(state, change.request, ballot, p))) promises.push(p);
  }
  if (promises.length < state.threshold) return bumpRound(device, view, slot, change);
  const holders = new Set(holdersOf(state).map(({ id }) => hex(id)));
  const proposals = new Map(slot.proposals.map((p) => [lastKey(proposalOf(p)), proposalOf(p)]));
  const births = (id: string) => {
    const birth = slot.entries.get(id)?.parsed.core.birth;
    return birth && ballotOf(birth);
  };
  const required = requiredEntry(promises.map(promiseOf), state.threshold, holders, births, (last) =>
    proposals.get(lastKey(last)),
  );
  if (required !== 'free') {
    if ('invalid' in required) return bumpRound(device, view, slot, change);
    const entry = slot.entries.get(required.entry);
    if (entry === undefined) return 'nothing';
    await propose(
      device,
      view,
      slot,
      ballot,
      promises,
      { entry: entry.entry, wrap: entry.wrap, link: entry.link },
      entry.parsed.id,
    );
    return 'said';
  }
  const asked = slot.requests.find((request) => equal(request.hash, change.hash));
  if (asked === undefined || change.state !== 'open' || isOver(device, view, slot, change)) return 'nothing';
  const counted = asked.approvals.filter((a) => counts(state, slot, a.holder, a.signature));
  const { approvals, shares } = await goodApprovals(device, view, change, { ...asked, approvals: counted });
  if (approvals.length < state.threshold || change.roles.length < change.request.enters.length) return 'nothing';
  const free = promises.filter((promise) => promise.last === null);
  const built = await build(device, view, change, { ballot, promises: free, approvals, shares }, options);
  if (built === 'needs-passphrase') return built;
  await keepGrants(view.tx, built.grants);
  await propose(device, view, slot, ballot, free, built, built.id);
  return 'said';
}

/** A ballot that nobody can finish is followed by a higher one, not before 30 s (more each time). */
async function bumpRound(device: Device, view: MemberView, slot: SlotView, change: OwnChange): Promise<InitiateStep> {
  const { clock } = device.env;
  const here = ballotOf({ round: change.round, initiator: view.secrets.deviceId });
  const overtaken = slot.promises.some((promise) => compareBallots(ballotOf(promise.ballot), here) > 0);
  const patience = 30_000 * 2 ** Math.min(change.round - 1, 6);
  if (!overtaken || Math.abs(clock.now() - change.roundAt) < patience) return 'nothing';
  const next = { ...change, round: nextRound(view.state, slot, view.secrets.deviceId), roundAt: clock.now() };
  setOwnChange(view, next);
  const asked = slot.requests.find((request) => equal(request.hash, change.hash));
  await sayRequest(device, view, next, asked?.voucher ?? null);
  return 'said';
}

async function propose(
  device: Device,
  view: MemberView,
  slot: SlotView,
  ballot: Ballot,
  promises: SlotView['promises'],
  bundle: { entry: Bytes; wrap: Bytes; link: Bytes },
  id: Bytes,
): Promise<void> {
  const voter: Voter = { id: view.secrets.deviceId, signSeed: view.secrets.signSeed };
  const behind = evidenceFor(
    slot,
    promises.map((promise) => promiseOf(promise).last),
  );
  const signature = signProposal(device.pid, voter, slot.place, ballot, id);
  const entries = [
    { entry: bundle.entry, wrap: bundle.wrap, link: bundle.link },
    ...behind.entries.filter((other) => !equal(other.entry, bundle.entry)),
  ];
  const evidence = { entries, proposals: [{ ballot, entry: id, promises, signature }, ...behind.proposals] };
  await say(device, view, voter.id, { type: 'propose', ...slot.place, ballot, entry: id, evidence });
}

interface Ready {
  readonly ballot: Ballot;
  readonly promises: SlotView['promises'];
  readonly approvals: readonly SlotApproval[];
  readonly shares: readonly Contribution[];
}

/** Approvals that came with a share that fits its holder's commitment; one without is no help and would stop the rest. */
async function goodApprovals(
  device: Device,
  view: MemberView,
  change: OwnChange,
  asked: SlotRequest,
): Promise<{ approvals: SlotApproval[]; shares: Contribution[] }> {
  const { clock } = device.env;
  const key = oneTime(view.secrets, change.request.rid, { bootId: clock.bootId(), monotonic: clock.monotonic() });
  const epoch = epochOf(view.state);
  const approvals: SlotApproval[] = [];
  const shares: Contribution[] = [];
  for (const approval of key === undefined ? [] : asked.approvals) {
    const context = { info: info(device.pid, 'change-share', view.state.epoch, asked.hash, approval.holder) };
    for (const sealed of approval.shares) {
      try {
        const given = contributionOf(epoch, approval.holder, await hpkeOpen(key as Bytes, context, sealed));
        if (given === undefined || !fitsCommitment(device.pid, epoch, given)) continue;
        approvals.push(approval);
        shares.push(given);
        break;
      } catch (error) {
        if (!isPassportError(error)) throw error;
      }
    }
  }
  return { approvals, shares };
}

async function build(device: Device, view: MemberView, change: OwnChange, ready: Ready, options: InitiateOptions) {
  const { state, secrets } = view;
  const { pid, random } = device;
  const { request } = change;
  const epochStarts = startsEpoch(request.kind);
  const before = epochOf(state);
  const sessionKek = device.session?.epoch === state.epoch ? device.kek(state.epoch) : undefined;
  let kek = sessionKek;
  let passphraseKey: Bytes | undefined;
  if (epochStarts || kek === undefined) {
    passphraseKey = await options.passphrases.current(before.salt, before.cost);
    if (passphraseKey === undefined) return 'needs-passphrase' as const;
    const { vek } = await vekOf(pid, before, ready.shares);
    kek = kekOf(pid, before, vek, passphraseKey);
    wipe(vek);
  }
  const after = holdersAfter(state, request, ready.promises);
  const place = placeAfter(state);
  const core: EntryCore = {
    pid,
    slot: place.slot,
    prev: place.prev,
    birth: ready.ballot,
    request: change.bytes,
    promises: ready.promises,
    approvals: ready.approvals.map(({ holder, signature }) => ({ holder, signature })),
    roles: change.roles,
    time: Math.max(0, device.env.clock.now()),
    holders: after,
    threshold: request.threshold,
    epoch: state.epoch + (epochStarts ? 1 : 0),
    epochPart: null,
    unlockDevices:
      request.kind === 'policy'
        ? request.unlockDevices
        : state.unlockDevices.filter((id) => !request.leaves.some((leave) => equal(leave, id))),
  };
  const vault = { epoch: state.epoch, kek };
  if (!epochStarts) {
    const entry = finishEntry(core, secrets.signSeed, vault);
    await checkEntry(state, entry);
    const none = new Uint8Array(0);
    return { entry: entry.bytes, id: entry.id, wrap: none, link: none, grants: [] };
  }
  const fresh =
    request.kind === 'passphrase'
      ? await options.passphrases.next(() => device.bytes(16), device.env.argon2Cost ?? DEFAULT_COST)
      : { salt: before.salt, cost: before.cost, key: passphraseKey as Bytes };
  if (fresh === undefined) return 'needs-passphrase' as const;
  const terms: DealTerms = {
    pid,
    slot: core.slot,
    prev: core.prev,
    epoch: core.epoch,
    threshold: core.threshold,
    holders: after,
    dealer: secrets.deviceId,
    nameRoot: secrets.nameRoot as Bytes,
    salt: fresh.salt,
    cost: fresh.cost,
    passphraseKey: fresh.key,
    before: { kek, meshKey: secrets.mesh.get(state.epoch) as Bytes },
  };
  const dealt = await dealEpoch(terms, random);
  const entry = finishEntry({ ...core, epochPart: dealt.part }, secrets.signSeed, vault);
  await checkEntry(state, entry);
  const own = after.find((holder) => equal(holder.id, secrets.deviceId)) as Holder;
  const ownPrivate = secrets.receive.find((key) => equal(key.publicKey, own.receiveKey))?.privateKey;
  const openable =
    ownPrivate === undefined ? options.openable : [...options.openable, { holder: own.id, receivePrivate: ownPrivate }];
  await checkDealt(entry, dealt, terms, openable);
  device.noteDealt(entry.id, { epoch: core.epoch, kek: dealt.kek });
  return { entry: entry.bytes, id: entry.id, wrap: dealt.wrap, link: dealt.link, grants: dealt.grants };
}
