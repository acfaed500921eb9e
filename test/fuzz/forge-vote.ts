/** Vote messages by an insider: any field may be odd, his own signatures hold. */
import type { Bytes } from '../../src/bytes.ts';
import { receiveKey } from '../../src/crypto/hpke.ts';
import { isPassportError } from '../../src/errors.ts';
import { type Ballot, encodeRequest, parseRequest, requestHash, type VotePromise } from '../../src/format/entry.ts';
import { nameHash } from '../../src/format/names.ts';
import { type Evidence, encodeVote, type VoteMessage } from '../../src/format/votes.ts';
import { headsOfDevice } from '../../src/records/heads.ts';
import {
  placeAfter,
  signAccept,
  signApproval,
  signBallotRequest,
  signPromise,
  signProposal,
  signRefusal,
  signShare,
} from '../../src/registry/messages.ts';
import { head, holdersOf, type RegistryState } from '../../src/registry/state.ts';
import { sealObject } from '../../src/crypto/object.ts';
import type { Forger } from '../helpers/hostile.ts';
import { mutateBytes } from './bytes.ts';
import type { Rng } from './rng.ts';
import { mutateTree } from './tree.ts';

const ROUNDS = [0, 1, 1, 2, 3, 16, 17, 32, 2 ** 32 - 1];

interface Scenery {
  readonly state: RegistryState;
  readonly requests: readonly Bytes[];
  readonly ballots: readonly Ballot[];
  readonly messages: readonly VoteMessage[];
  readonly heads: readonly { readonly header: Bytes; readonly signature: Bytes }[];
}

export async function forgeVote(forger: Forger, rng: Rng): Promise<void> {
  const messages = (await forger.votes()).map(({ message }) => message);
  const scenery = await forger.view(async (view): Promise<Scenery> => {
    const own = {
      ...{ rid: rng.bytes(16), kind: 'holders' as const, oneTimeKey: receiveKey((n) => rng.bytes(n)).publicKey },
      initiator: { id: forger.voter.id, signKey: view.secrets.signKey },
      ...{ expiry: forger.device.env.clock.now() + 600_000, enters: [], names: [], unlockDevices: [] },
      ...{ leaves: [rng.pick(holdersOf(view.state)).id], threshold: view.state.threshold },
    };
    const asked = messages.flatMap((message) => (message.type === 'request' ? [message] : []));
    return {
      ...{ state: view.state, messages },
      requests: [encodeRequest(own), ...asked.map(({ request }) => request)],
      ballots: asked.map(({ ballot }) => ballot),
      heads: await headsOfDevice(view.tx, forger.device.records(view), forger.voter.id),
    };
  });
  const message = anyVote(forger, scenery, rng);
  if (rng.once(3)) {
    const bytes = encodeVote(message);
    await putVote(forger, mutateTree(bytes, rng) ?? bytes, message.slot, rng);
  } else await forger.say(message, rng.once(6) ? rng.bytes(16) : forger.voter.id);
}

async function putVote(forger: Forger, data: Bytes, slot: number, rng: Rng): Promise<void> {
  const bytes = await forger.view(async (view) => {
    const { epoch } = head(view.state);
    const key = forger.device.meshLayerKey(view.secrets, epoch) as Bytes;
    const { pid, random } = forger.device;
    return sealObject({ layer: 'mesh', epoch, key, pid, kind: 'vote', owner: pid, sequence: slot }, data, random);
  });
  await forger.vote(rng.once(5) ? mutateBytes(bytes, rng) : bytes, nameHash(bytes).slice(0, 16), slot);
}

function anyVote(forger: Forger, scenery: Scenery, rng: Rng): VoteMessage {
  const { voter, device } = forger;
  const { pid } = device;
  const { state, messages, requests } = scenery;
  const good = placeAfter(state);
  const place = rng.once(8) ? { slot: rng.pick([0, 1, good.slot + 1, 2 ** 32 - 1]), prev: rng.bytes(32) } : good;
  const own: Ballot = { round: rng.pick(ROUNDS), initiator: voter.id };
  const ballot = scenery.ballots.length > 0 && rng.once(2) ? rng.pick(scenery.ballots) : own;
  const entry = anyEntry(messages, rng);
  const request = anyRequest(requests, rng);
  const hash = requestHash(pid, request);
  const evidence = anyEvidence(messages, rng);
  const ways: (() => VoteMessage)[] = [
    () => {
      const signature = signBallotRequest(pid, voter, place, own, request);
      const voucher = rng.once(4) ? { holder: rng.bytes(16), signature: rng.bytes(64) } : null;
      return { type: 'request', ...place, ballot: own, request, voucher, signature };
    },
    () => {
      const terms = anyPromise(scenery, ballot, entry, rng);
      const leaving = parseOr(request)?.leaves ?? [];
      const heads = rng.once(2) ? terms.heads : leaving.map((device) => ({ device, heads: scenery.heads.slice(0, 3) }));
      return { type: 'promise', ...place, promise: signPromise(pid, voter, place, { ...terms, heads }), evidence };
    },
    () => {
      const parsed = parseOr(request) ?? parseRequest(requests[0] as Bytes);
      const share = rng.bytes(81);
      const shareSignature = signShare(pid, voter, place, hash, share);
      const signature = signApproval(state, voter, parsed, hash);
      return { type: 'approve', ...place, holder: voter.id, requestHash: hash, signature, share, shareSignature };
    },
    () => ({ type: 'accept', ...place, accept: signAccept(pid, voter, place, ballot, entry) }),
    () => {
      const promises = messages.flatMap((message) => (message.type === 'promise' ? [message.promise] : []));
      const proposal = { ballot, entry, promises, signature: signProposal(pid, voter, place, ballot, entry) };
      const proof = { entries: evidence.entries, proposals: [...evidence.proposals, proposal].slice(0, 17) };
      return { type: 'propose', ...place, ballot, entry, evidence: proof };
    },
    () => {
      const signature = signRefusal(pid, voter, 'refuse', place, hash);
      return { type: 'refuse', ...place, holder: voter.id, requestHash: hash, signature };
    },
    () => ({ type: 'cancel', ...place, requestHash: hash, signature: signRefusal(pid, voter, 'cancel', place, hash) }),
  ];
  return rng.pick(ways)();
}

function anyEntry(messages: readonly VoteMessage[], rng: Rng): Bytes {
  const known = messages.flatMap((message) =>
    message.type === 'propose' ? [message.entry] : message.type === 'accept' ? [message.accept.entry] : [],
  );
  return known.length > 0 && rng.once(2) ? rng.pick(known) : rng.bytes(32);
}

function anyRequest(requests: readonly Bytes[], rng: Rng): Bytes {
  const request = rng.pick(requests);
  if (!rng.once(3)) return request;
  return (mutateTree(request, rng) ?? request).slice(0, 16 * 1024);
}

function parseOr(request: Bytes) {
  try {
    return parseRequest(request);
  } catch (error) {
    if (!isPassportError(error)) throw error;
    return undefined;
  }
}

function anyEvidence(messages: readonly VoteMessage[], rng: Rng): Evidence {
  const known = messages.flatMap((message) =>
    message.type === 'propose' || message.type === 'promise' ? [message.evidence] : [],
  );
  const base = known.length > 0 ? rng.pick(known) : { entries: [], proposals: [] };
  const none = new Uint8Array(0);
  const entries = base.entries.map((each) => (rng.once(2) ? { ...each, entry: mutateBytes(each.entry, rng) } : each));
  return rng.once(2) ? base : { ...base, entries: [...entries, { entry: rng.bytes(9), wrap: none, link: none }] };
}

function anyPromise(
  { messages, heads }: Scenery,
  ballot: Ballot,
  entry: Bytes,
  rng: Rng,
): Omit<VotePromise, 'holder' | 'signature'> {
  const others = messages.flatMap((message) => (message.type === 'promise' ? [message.promise] : []));
  const like = others.length > 0 ? rng.pick(others) : undefined;
  const lie = heads.map(({ header, signature }) => ({ header: mutateBytes(header, rng).slice(0, 8192), signature }));
  const freshKey = receiveKey((length) => rng.bytes(length)).publicKey;
  return {
    ballot,
    last: rng.once(3) ? { ballot: { round: rng.pick(ROUNDS), initiator: rng.bytes(16) }, entry } : null,
    nextKey: rng.pick([freshKey, freshKey, like?.nextKey ?? null, new Uint8Array(32), null]),
    heads: rng.pick([[], like?.heads ?? [], [{ device: rng.bytes(16), heads: lie }]]),
  };
}
