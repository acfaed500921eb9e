/**
 * Operations on the messages of a vote (docs/protocol.md, 5, Vote). Each message is given to the code that reads a slot, together
 * with those that it belongs to; what that passes over is looked at step by step for the layer.
 */
import { type Bytes, equal, hex } from '../../../src/bytes.ts';
import { keepVotes } from '../../../src/ceremonies/vote-authors.ts';
import { MAX_VOTE_BYTES, promiseOf, proposalOf, readSlot, type SlotView } from '../../../src/ceremonies/slot.ts';
import { hpkeOpen, isReceiveKey } from '../../../src/crypto/hpke.ts';
import { sealObject } from '../../../src/crypto/object.ts';
import { info } from '../../../src/crypto/statements.ts';
import type { Device, MemberView } from '../../../src/device/device.ts';
import { isPassportError } from '../../../src/errors.ts';
import {
  type ChangeRequest,
  parseEntry,
  parseRequest,
  requestHash,
  type VotePromise,
} from '../../../src/format/entry.ts';
import { type Evidence, parseVote, type Place, type VoteMessage } from '../../../src/format/votes.ts';
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
  sameBallot,
} from '../../../src/registry/messages.ts';
import { contributionOf, fitsCommitment } from '../../../src/registry/open.ts';
import { epochOf, holderOf, type RegistryState } from '../../../src/registry/state.ts';
import { checkAttachments, checkEntry, checkRequest, isBirthPromise } from '../../../src/registry/valid.ts';
import { lastKey } from '../../../src/registry/vote.ts';
import { seededRandom } from '../../helpers/random.ts';
import { type Input, type Operation, refuse } from '../schema.ts';
import { headerOf } from './records.ts';
import { ruled, stateBefore } from './registry.ts';

type Of<T extends VoteMessage['type']> = Extract<VoteMessage, { type: T }>;

interface Read<T extends VoteMessage['type']> {
  readonly pid: Bytes;
  readonly state: RegistryState;
  readonly place: Place;
  readonly message: Of<T>;
  readonly slot: SlotView;
}

/** Reads a slot of which `others` and then the message came. */
async function read<T extends VoteMessage['type']>(input: Input, type: T): Promise<Read<T>> {
  const pid = input.bytes('pid');
  const state = stateBefore(input);
  const bytes = input.long('message');
  const message = parseVote(bytes);
  if (message.type !== type) return refuse('parse');
  const place = placeAfter(state);
  if (message.slot !== place.slot || !equal(message.prev, place.prev)) {
    if ((await slotOf(pid, state, [bytes])).kept.length > 0) throw new TypeError('a vote of another slot was kept');
    return refuse('context');
  }
  const others = input.has('others') ? input.many('others') : [];
  const { slot } = await slotOf(pid, state, [...others, bytes]);
  return { pid, state, place, message: message as Of<T>, slot };
}

async function slotOf(
  pid: Bytes,
  state: RegistryState,
  messages: readonly Bytes[],
): Promise<{ slot: SlotView; kept: string[] }> {
  const random = seededRandom('operations on votes');
  const key = random(32);
  const { slot: number } = placeAfter(state);
  const epoch = state.entries[number - 1]!.epoch;
  const at = { layer: 'mesh', epoch, key, pid, kind: 'vote', owner: pid, sequence: number } as const;
  const objects = new Map<string, Bytes>();
  for (const [i, bytes] of messages.entries()) objects.set(String(i), await sealObject(at, bytes, random));
  const device = { pid, meshLayerKey: () => key } as unknown as Device;
  let votes: [Bytes, number, string][] = [];
  const cache = new Map<string, unknown>();
  const tx = {
    get: async (name: string) => (name === 'votes' ? votes : undefined),
    set: (_: string, value: typeof votes) => (votes = value),
    object: async (hash: string) => objects.get(hash),
    addObject: () => '',
    opened: async (name: string, open: () => Promise<{ value: unknown }>) => {
      if (!cache.has(name)) cache.set(name, (await open()).value);
      return cache.get(name);
    },
  };
  const view = { state, tx, secrets: {} } as unknown as MemberView;
  const found = [...objects].map(([hash, bytes]) => ({ hash, bytes }));
  if (found.some(({ bytes }) => bytes.length > MAX_VOTE_BYTES)) return refuse('bound');
  await keepVotes(device, view, found);
  const kept = votes.map(([, , hash]) => hash);
  // Only what is kept from a store is read again.
  return { slot: await readSlot(device, view, new Set(kept)), kept };
}

const holderKey = (state: RegistryState, id: Bytes): Bytes => holderOf(state, id)?.signKey ?? refuse('approval');

async function request(input: Input) {
  const { pid, state, place, message, slot } = await read(input, 'request');
  const asked = parseRequest(message.request);
  const hash = requestHash(pid, message.request);
  const found = slot.requests.find(
    (each) => equal(each.hash, hash) && each.ballots.some((b) => sameBallot(b, message.ballot)),
  );
  if (found === undefined) {
    const { initiator } = asked;
    const member = holderOf(state, initiator.id);
    const { voucher, ballot, signature } = message;
    if (member !== undefined && !equal(member.signKey, initiator.signKey)) return refuse('context');
    if (member === undefined) {
      if (voucher === null) return refuse('approval');
      if (!checkVouch(pid, holderKey(state, voucher.holder), voucher.signature, place, hash))
        return refuse('signature');
    }
    const key = equal(ballot.initiator, initiator.id) ? initiator.signKey : holderKey(state, ballot.initiator);
    if (!checkBallotRequest(pid, key, signature, place, ballot, message.request)) return refuse('signature');
    throw new TypeError('nothing is wrong with it');
  }
  await ruled(() => checkRequest(state, asked));
  return { hash, round: message.ballot.round, initiator: message.ballot.initiator, kind: asked.kind };
}

/** A promise that could stand in an entry of the request, or that reports what was accepted. */
async function promise(input: Input) {
  const { pid, state, place, message, slot } = await read(input, 'promise');
  const said: VotePromise = message.promise;
  const isRead = slot.promises.some((each) => equal(each.signature, said.signature));
  if (!isRead) {
    if (!checkPromise(pid, holderKey(state, said.holder), place, said)) return refuse('signature');
    await checkEntries(message.evidence);
    throw new TypeError('nothing is wrong with it');
  }
  const shown = {
    holder: said.holder,
    round: said.ballot.round,
    initiator: said.ballot.initiator,
    nextKey: said.nextKey,
  };
  if (said.last !== null) {
    const { last } = promiseOf(said);
    const proven = slot.proposals.some((proposal) => lastKey(proposalOf(proposal)) === lastKey(last!));
    return proven ? { ...shown, reports: said.last.entry } : refuse('approval');
  }
  const asked = parseRequest(input.bytes('request'));
  if (!(await isBirthPromise(state, asked, said.ballot, said))) return refuse(await whyNoBirth(state, asked, said));
  return { ...shown, reports: null };
}

/** The rule of VALID that an entry with this promise would break. */
async function whyNoBirth(state: RegistryState, { leaves }: ChangeRequest, said: VotePromise): Promise<string> {
  const { holder: id, nextKey } = said;
  if ((nextKey === null) !== (holderOf(state, id)!.kind === 'kit')) return 'approval';
  const stays = !leaves.some((leave) => equal(leave, id));
  if (nextKey !== null && stays && (state.usedKeys.has(hex(nextKey)) || !(await isReceiveKey(nextKey)))) return 'key';
  const leaving = leaves.filter((leave) => holderOf(state, leave)?.kind === 'device');
  const once = (leave: Bytes) => said.heads.filter((of) => equal(of.device, leave)).length === 1;
  if (said.heads.length !== leaving.length || !leaving.every(once)) return 'approval';
  for (const { device, heads } of said.heads) {
    for (const { header } of heads) {
      if (!equal(headerOf(state.pid, header).device, device)) return 'context';
    }
  }
  return 'signature';
}

async function approve(input: Input) {
  const { pid, state, place, message, slot } = await read(input, 'approve');
  const bytes = input.bytes('request');
  const asked = parseRequest(bytes);
  const { holder, requestHash: of, signature, share, shareSignature } = message;
  const found = slot.requests
    .find((each) => equal(each.hash, of))
    ?.approvals.find((each) => equal(each.holder, holder) && each.shares.some((one) => equal(one, share)));
  if (found === undefined) {
    if (!equal(of, requestHash(pid, bytes))) return refuse('context');
    const key = holderKey(state, holder);
    if (!checkApproval(state, key, signature, asked, of)) return refuse('signature');
    if (!checkShare(pid, key, shareSignature, place, of, share)) return refuse('signature');
    throw new TypeError('nothing is wrong with it');
  }
  const mode = { info: info(pid, 'change-share', state.epoch, of, holder) };
  let opened: Bytes;
  try {
    opened = await hpkeOpen(input.bytes('oneTimePrivate'), mode, share);
  } catch (error) {
    if (!isPassportError(error, 'decryption-failed')) throw error;
    return refuse('tag');
  }
  const epoch = epochOf(state);
  const given = contributionOf(epoch, holder, opened);
  if (given === undefined || opened.length !== 33 || opened[32] === 0) return refuse('parse');
  return fitsCommitment(pid, epoch, given) ? { holder, share: opened } : refuse('commitment');
}

/** The entries of an evidence count all or none. */
async function checkEntries({ entries }: Evidence): Promise<void> {
  for (const { entry, wrap, link } of entries) await ruled(() => checkAttachments(parseEntry(entry), wrap, link));
}

/** A proposal that holds, with the entry that it is of. */
async function propose(input: Input) {
  const { pid, state, place, message, slot } = await read(input, 'propose');
  const { ballot, entry, evidence } = message;
  const found = slot.proposals.find((each) => sameBallot(each.ballot, ballot) && equal(each.entry, entry));
  if (found !== undefined) {
    const bundle = slot.entries.get(hex(entry))!;
    await ruled(() => checkEntry(state, bundle.parsed));
    return { round: ballot.round, initiator: ballot.initiator, entry, birth: bundle.parsed.core.birth.round };
  }
  await checkEntries(evidence);
  const named = evidence.proposals.filter((each) => sameBallot(each.ballot, ballot) && equal(each.entry, entry));
  if (named.length === 0) return refuse('approval');
  const key = holderKey(state, ballot.initiator);
  const signed = named.filter((each) => checkProposalSignature(pid, key, place, each));
  if (signed.length === 0) return refuse('signature');
  const honest = signed.every(({ promises }) =>
    promises.every((each) => {
      const by = holderOf(state, each.holder);
      return by === undefined || checkPromise(pid, by.signKey, place, each);
    }),
  );
  return refuse(honest ? 'approval' : 'signature');
}

async function accept(input: Input) {
  const { pid, state, place, message, slot } = await read(input, 'accept');
  const said = message.accept;
  const found = slot.accepts.some((each) => equal(each.signature, said.signature) && equal(each.holder, said.holder));
  if (!found) return refuse(checkAccept(pid, holderKey(state, said.holder), place, said) ? 'context' : 'signature');
  const { initiator, round } = said.ballot;
  return { holder: said.holder, round, initiator, entry: said.entry };
}

async function refusal(input: Input) {
  const { pid, state, place, message, slot } = await read(input, 'refuse');
  const { holder, requestHash: of, signature } = message;
  if (!equal(of, requestHash(pid, input.bytes('request')))) return refuse('context');
  const found = slot.requests.find((each) => equal(each.hash, of));
  if (found?.refusedBy.some((id) => equal(id, holder)) === true) return { holder };
  return refuse(checkRefusal(pid, holderKey(state, holder), signature, 'refuse', place, of) ? 'context' : 'signature');
}

async function cancel(input: Input) {
  const { pid, message, slot } = await read(input, 'cancel');
  const { requestHash: of } = message;
  if (!equal(of, requestHash(pid, input.bytes('request')))) return refuse('context');
  const found = slot.requests.find((each) => equal(each.hash, of));
  return found?.cancelled === true ? { hash: of } : refuse('signature');
}

export const votes: Record<string, Operation> = {
  'vote-request': request,
  'vote-promise': promise,
  'vote-approve': approve,
  'vote-propose': propose,
  'vote-accept': accept,
  'vote-refuse': refusal,
  'vote-cancel': cancel,
};
