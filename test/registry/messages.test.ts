/** Every statement of a slot is bound to its place, its ballot and its words: nothing signed here counts anywhere else. */
import { beforeAll, describe, expect, it } from 'vitest';

import type { Bytes } from '../../src/bytes.ts';
import { receiveKey } from '../../src/crypto/hpke.ts';
import { hash } from '../../src/crypto/statements.ts';
import { encodeRequest, matchNumber, requestHash, type VotePromise } from '../../src/format/entry.ts';
import type { Place } from '../../src/format/votes.ts';
import {
  bodyHash,
  checkAccept,
  checkApproval,
  checkBallotRequest,
  checkPromise,
  checkProposalSignature,
  checkRefusal,
  checkRole,
  checkShare,
  checkVouch,
  placeAfter,
  sameBallot,
  signAccept,
  signApproval,
  signBallotRequest,
  signPromise,
  signProposal,
  signRefusal,
  signRole,
  signShare,
  signVouch,
} from '../../src/registry/messages.ts';
import { Registry, voter } from '../helpers/registry.ts';

let registry: Registry;
let pid: Bytes;
let place: Place;
let key: Bytes;
let me: ReturnType<typeof voter>;

beforeAll(async () => {
  registry = await Registry.found('messages');
  ({ pid } = registry);
  place = placeAfter(registry.state);
  key = registry.actor(1).holder.signKey;
  me = voter(registry.actor(1));
});

const otherPlaces = (): Place[] => [
  { ...place, slot: place.slot + 1 },
  { ...place, prev: pid },
];
const ballot = () => ({ round: 1, initiator: registry.actor(0).holder.id });
const otherBallots = () => [
  { ...ballot(), round: 2 },
  { ...ballot(), initiator: registry.actor(2).holder.id },
];

describe('a request', () => {
  it('is signed for one ballot in one place', () => {
    const bytes = encodeRequest(registry.request());
    const signature = signBallotRequest(pid, me, place, ballot(), bytes);
    expect(checkBallotRequest(pid, key, signature, place, ballot(), bytes)).toBe(true);
    for (const at of otherPlaces()) expect(checkBallotRequest(pid, key, signature, at, ballot(), bytes)).toBe(false);
    for (const other of otherBallots())
      expect(checkBallotRequest(pid, key, signature, place, other, bytes)).toBe(false);
    expect(checkBallotRequest(pid, key, signature, place, ballot(), encodeRequest(registry.request()))).toBe(false);
    expect(checkBallotRequest(new Uint8Array(32), key, signature, place, ballot(), bytes)).toBe(false);
  });

  it('has a number of two digits that follows from all of it, and a body that follows from what it changes', () => {
    const request = registry.request({ kind: 'policy', names: [{ id: me.id, name: 'x' }] });
    const number = matchNumber(pid, requestHash(pid, encodeRequest(request)));
    expect(number).toBeGreaterThanOrEqual(10);
    expect(number).toBeLessThanOrEqual(99);
    const fields = ['policy', [], [], 2, [[me.id, 'x']], []];
    expect(bodyHash(pid, request)).toEqual(hash(pid, 'body', ...fields));
    expect(bodyHash(pid, { ...request, rid: new Uint8Array(16), expiry: 1 })).toEqual(bodyHash(pid, request));
    for (const other of [
      { kind: 'rotate' as const },
      { threshold: 3 },
      { leaves: [me.id] },
      { enters: [registry.fresh().holder] },
      { names: [{ id: me.id, name: 'y' }] },
      { unlockDevices: [me.id] },
    ]) {
      expect(bodyHash(pid, { ...request, ...other })).not.toEqual(bodyHash(pid, request));
    }
  });

  it('is vouched for, refused and cancelled in one place each, by statements that are not each other', () => {
    const of = requestHash(pid, encodeRequest(registry.request()));
    const vouch = signVouch(pid, me, place, of);
    const refuse = signRefusal(pid, me, 'refuse', place, of);
    const cancel = signRefusal(pid, me, 'cancel', place, of);
    expect(checkVouch(pid, key, vouch, place, of)).toBe(true);
    expect(checkRefusal(pid, key, refuse, 'refuse', place, of)).toBe(true);
    expect(checkRefusal(pid, key, cancel, 'cancel', place, of)).toBe(true);
    expect(checkRefusal(pid, key, refuse, 'cancel', place, of)).toBe(false);
    expect(checkVouch(pid, key, refuse, place, of)).toBe(false);
    for (const at of otherPlaces()) {
      expect(checkVouch(pid, key, vouch, at, of)).toBe(false);
      expect(checkRefusal(pid, key, refuse, 'refuse', at, of)).toBe(false);
    }
    expect(checkVouch(pid, key, vouch, place, new Uint8Array(32))).toBe(false);
  });
});

describe('a promise', () => {
  it('is signed with its ballot, its report, its next key and its heads', () => {
    const { publicKey } = receiveKey(registry.random);
    const promise = signPromise(pid, me, place, { ballot: ballot(), last: null, nextKey: publicKey, heads: [] });
    expect(checkPromise(pid, key, place, promise)).toBe(true);
    for (const at of otherPlaces()) expect(checkPromise(pid, key, at, promise)).toBe(false);
    const changes: Partial<VotePromise>[] = [
      ...otherBallots().map((other) => ({ ballot: other })),
      { last: { ballot: ballot(), entry: new Uint8Array(32) } },
      { nextKey: null },
      { nextKey: key },
      { heads: [{ device: me.id, heads: [] }] },
    ];
    for (const change of changes) expect(checkPromise(pid, key, place, { ...promise, ...change })).toBe(false);
    expect(checkPromise(pid, registry.actor(0).holder.signKey, place, promise)).toBe(false);
  });
});

describe('an approval', () => {
  it('is of this change from this state by this initiator, and of nothing else', () => {
    const request = registry.request({ kind: 'policy', names: [{ id: me.id, name: 'x' }] });
    const of = requestHash(pid, encodeRequest(request));
    const signature = signApproval(registry.state, me, request, of);
    expect(checkApproval(registry.state, key, signature, request, of)).toBe(true);
    expect(checkApproval(registry.state, key, signature, request, new Uint8Array(32))).toBe(false);
    expect(checkApproval({ ...registry.state, epoch: 1 }, key, signature, request, of)).toBe(false);
    const changes = [
      { kind: 'rotate' as const, names: [] },
      { threshold: 3 },
      { initiator: { id: me.id, signKey: key } },
      { names: [] },
    ];
    for (const change of changes) {
      expect(checkApproval(registry.state, key, signature, { ...request, ...change }, of)).toBe(false);
    }
  });
});

describe('a sealed share', () => {
  it('is bound to who gives it, to the request and to the place', () => {
    const of = registry.random(32);
    const sealed = registry.random(81);
    const signature = signShare(pid, me, place, of, sealed);
    expect(checkShare(pid, key, signature, place, of, sealed)).toBe(true);
    for (const at of otherPlaces()) expect(checkShare(pid, key, signature, at, of, sealed)).toBe(false);
    expect(checkShare(pid, registry.actor(0).holder.signKey, signature, place, of, sealed)).toBe(false);
    expect(checkShare(pid, key, signature, place, pid, sealed)).toBe(false);
    expect(checkShare(pid, key, signature, place, of, registry.random(81))).toBe(false);
  });
});

describe('a proposal and an accept', () => {
  it('are of one entry in one ballot in one place, and neither stands for the other', () => {
    const entry = registry.random(32);
    const proposal = {
      ballot: ballot(),
      entry,
      promises: [],
      signature: signProposal(pid, me, place, ballot(), entry),
    };
    const accept = signAccept(pid, me, place, ballot(), entry);
    expect(checkProposalSignature(pid, key, place, proposal)).toBe(true);
    expect(checkAccept(pid, key, place, accept)).toBe(true);
    expect(checkAccept(pid, key, place, { ...accept, signature: proposal.signature })).toBe(false);
    expect(checkProposalSignature(pid, key, place, { ...proposal, signature: accept.signature })).toBe(false);
    for (const at of otherPlaces()) {
      expect(checkProposalSignature(pid, key, at, proposal)).toBe(false);
      expect(checkAccept(pid, key, at, accept)).toBe(false);
    }
    for (const change of [{ entry: pid }, ...otherBallots().map((other) => ({ ballot: other }))]) {
      expect(checkProposalSignature(pid, key, place, { ...proposal, ...change })).toBe(false);
      expect(checkAccept(pid, key, place, { ...accept, ...change })).toBe(false);
    }
  });
});

describe('a role', () => {
  it('is accepted by the new keys themselves, here, after this pairing', () => {
    const fresh = registry.fresh();
    const transcript = registry.random(32);
    const signature = signRole(pid, fresh.seed, place, fresh.holder, transcript);
    expect(checkRole(pid, signature, place, fresh.holder, transcript)).toBe(true);
    for (const at of otherPlaces()) expect(checkRole(pid, signature, at, fresh.holder, transcript)).toBe(false);
    expect(checkRole(pid, signature, place, fresh.holder, new Uint8Array(32))).toBe(false);
    expect(checkRole(pid, signature, place, { ...fresh.holder, receiveKey: key }, transcript)).toBe(false);
    expect(checkRole(pid, signature, place, { ...fresh.holder, signKey: key }, transcript)).toBe(false);
  });
});

describe('ballots', () => {
  it('are the same by round and initiator', () => {
    expect(sameBallot(ballot(), ballot())).toBe(true);
    for (const other of otherBallots()) expect(sameBallot(ballot(), other)).toBe(false);
  });
});
