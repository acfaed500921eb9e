/**
 * Registry entries and the requests they come from, as bytes and as values (docs/protocol.md, 5).
 * Encoding and shape only: whether an entry may stand is decided in registry/valid.ts.
 */
import * as z from 'zod/mini';

import type { Bytes } from '../bytes.ts';
import { encode, type Value } from '../cbor.ts';
import { sha256 } from '../crypto/hash.ts';
import { hash } from '../crypto/statements.ts';
import { bytes16, bytes32, decodeShaped, list, shaped, signature, someBytes, text, uint } from './schema.ts';

export const MAX_HOLDERS = 32;
export const MAX_ENTRY_BYTES = 256 * 1024;
/** Slots, rounds, seats and epochs are bounded, so that no counter can be driven to its end. */
const COUNTER = 0xffffffff;

export type HolderKind = 'device' | 'kit';
export type ChangeKind = 'found' | 'holders' | 'passphrase' | 'rotate' | 'policy';

/** id 16, signKey 32 (Ed25519), receiveKey 32 (X25519) bytes. */
export interface Holder {
  readonly seat: number;
  readonly id: Bytes;
  readonly kind: HolderKind;
  readonly name: string;
  readonly signKey: Bytes;
  readonly receiveKey: Bytes;
}

export interface Ballot {
  readonly round: number;
  readonly initiator: Bytes;
}

/** A header with its author's signature over the commit id. */
export interface SignedHeader {
  readonly header: Bytes;
  readonly signature: Bytes;
}

export interface DeviceHeads {
  readonly device: Bytes;
  readonly heads: readonly SignedHeader[];
}

export interface Last {
  readonly ballot: Ballot;
  readonly entry: Bytes;
}

export interface VotePromise {
  readonly holder: Bytes;
  readonly ballot: Ballot;
  readonly last: Last | null;
  readonly nextKey: Bytes | null;
  readonly heads: readonly DeviceHeads[];
  readonly signature: Bytes;
}

export interface ChangeRequest {
  readonly rid: Bytes;
  readonly kind: ChangeKind;
  readonly initiator: { readonly id: Bytes; readonly signKey: Bytes };
  readonly oneTimeKey: Bytes;
  readonly expiry: number;
  readonly enters: readonly Holder[];
  readonly leaves: readonly Bytes[];
  readonly threshold: number;
  readonly names: readonly { readonly id: Bytes; readonly name: string }[];
  readonly unlockDevices: readonly Bytes[];
}

export interface Approval {
  readonly holder: Bytes;
  readonly signature: Bytes;
}

export interface Role {
  readonly holder: Bytes;
  readonly transcript: Bytes;
  readonly signature: Bytes;
}

export interface EpochPart {
  readonly salt: Bytes;
  readonly cost: { readonly memoryKiB: number; readonly passes: number; readonly lanes: number };
  readonly vaultKey: Bytes;
  readonly kekCheck: Bytes;
  readonly vekCommitment: Bytes;
  /** One per holder after, in that order. */
  readonly shares: readonly { readonly commitment: Bytes; readonly grantHash: Bytes }[];
  readonly wrapHash: Bytes;
  readonly linkHash: Bytes | null;
  readonly kekLink: Bytes | null;
}

export interface EntryCore {
  readonly pid: Bytes;
  readonly slot: number;
  readonly prev: Bytes;
  readonly birth: Ballot;
  /** At slot 0: CBOR of [random32]. */
  readonly request: Bytes;
  readonly promises: readonly VotePromise[];
  readonly approvals: readonly Approval[];
  readonly roles: readonly Role[];
  readonly time: number;
  readonly holders: readonly Holder[];
  readonly threshold: number;
  readonly epoch: number;
  readonly epochPart: EpochPart | null;
  readonly unlockDevices: readonly Bytes[];
}

export interface Entry {
  readonly bytes: Bytes;
  /** 32 bytes. */
  readonly id: Bytes;
  readonly coreHash: Bytes;
  readonly core: EntryCore;
  readonly dealerSignature: Bytes;
  readonly vaultSignature: Bytes;
}

export const ballotSchema = z.tuple([uint(COUNTER), bytes16]);
const KINDS: readonly HolderKind[] = ['device', 'kit'];
const holderSchema = z.tuple([uint(COUNTER, 1), bytes16, uint(1), text(256, 1), bytes32, bytes32]);
const headsSchema = list(z.tuple([bytes16, list(z.tuple([someBytes(16 * 1024), signature]), 64)]), MAX_HOLDERS);
export const promiseSchema = z.tuple([
  bytes16,
  ballotSchema,
  z.nullable(z.tuple([ballotSchema, bytes32])),
  z.nullable(bytes32),
  headsSchema,
  signature,
]);
const idsSchema = list(bytes16, MAX_HOLDERS);
const requestSchema = z.tuple([
  bytes16,
  z.enum(['holders', 'passphrase', 'rotate', 'policy']),
  z.tuple([bytes16, bytes32]),
  bytes32,
  uint(),
  list(holderSchema, MAX_HOLDERS),
  idsSchema,
  uint(MAX_HOLDERS, 2),
  list(z.tuple([bytes16, text(256, 1)]), MAX_HOLDERS),
  idsSchema,
]);
const epochSchema = z.tuple([
  z.tuple([someBytes(64, 16), uint(COUNTER), uint(COUNTER), uint(COUNTER)]),
  bytes32,
  bytes32,
  bytes32,
  list(z.tuple([bytes32, bytes32]), MAX_HOLDERS, 2),
  z.tuple([bytes32, z.nullable(bytes32)]),
  z.nullable(someBytes(4096, 1)),
]);
const coreSchema = z.tuple([
  bytes32,
  uint(COUNTER),
  bytes32,
  ballotSchema,
  someBytes(16 * 1024),
  list(promiseSchema, MAX_HOLDERS),
  list(z.tuple([bytes16, signature]), MAX_HOLDERS),
  list(z.tuple([bytes16, bytes32, signature]), MAX_HOLDERS),
  uint(),
  list(holderSchema, MAX_HOLDERS, 2),
  uint(MAX_HOLDERS, 2),
  uint(COUNTER),
  z.nullable(epochSchema),
  idsSchema,
]);
const entrySchema = z.tuple([someBytes(MAX_ENTRY_BYTES), signature, signature]);

export const ballotValue = (ballot: Ballot): Value => [ballot.round, ballot.initiator];
export const toBallot = ([round, initiator]: z.output<typeof ballotSchema>): Ballot => ({ round, initiator });

export const holderValue = (holder: Holder): Value => [
  holder.seat,
  holder.id,
  KINDS.indexOf(holder.kind),
  holder.name,
  holder.signKey,
  holder.receiveKey,
];

function toHolder([seat, id, kind, name, signKey, receiveKey]: z.output<typeof holderSchema>): Holder {
  return { seat, id, kind: kind === 0 ? 'device' : 'kit', name, signKey, receiveKey };
}

/** For cells of the own journal, which hold holders in the same form. */
export function holderFromValue(value: Value): Holder {
  return toHolder(shaped(holderSchema, value, 'a holder'));
}

export const headsValue = (heads: readonly DeviceHeads[]): Value =>
  heads.map((of) => [of.device, of.heads.map((head) => [head.header, head.signature])]);

export const lastValue = (last: Last | null): Value => last && [ballotValue(last.ballot), last.entry];

export const promiseValue = (promise: VotePromise): Value => [
  promise.holder,
  ballotValue(promise.ballot),
  lastValue(promise.last),
  promise.nextKey,
  headsValue(promise.heads),
  promise.signature,
];

export function toPromise(value: z.output<typeof promiseSchema>): VotePromise {
  const [holder, ballot, last, nextKey, heads, sig] = value;
  return {
    holder,
    ballot: toBallot(ballot),
    last: last && { ballot: toBallot(last[0]), entry: last[1] },
    nextKey,
    heads: heads.map(([device, of]) => ({
      device,
      heads: of.map(([header, signed]) => ({ header, signature: signed })),
    })),
    signature: sig,
  };
}

export function encodeRequest(request: ChangeRequest): Bytes {
  return encode([
    request.rid,
    request.kind,
    [request.initiator.id, request.initiator.signKey],
    request.oneTimeKey,
    request.expiry,
    request.enters.map(holderValue),
    request.leaves,
    request.threshold,
    request.names.map(({ id, name }) => [id, name]),
    request.unlockDevices,
  ]);
}

/** `malformed` for anything but a request in its one encoding. */
export function parseRequest(bytes: Bytes): ChangeRequest {
  const [rid, kind, [id, signKey], oneTimeKey, expiry, enters, leaves, threshold, names, unlockDevices] = decodeShaped(
    requestSchema,
    bytes,
    'a request',
  );
  return {
    rid,
    kind,
    initiator: { id, signKey },
    oneTimeKey,
    expiry,
    enters: enters.map(toHolder),
    leaves,
    threshold,
    names: names.map(([holder, name]) => ({ id: holder, name })),
    unlockDevices,
  };
}

/** H("request", SHA-256(request)): 32 bytes. It names no ballot. */
export function requestHash(pid: Bytes, request: Bytes): Bytes {
  return hash(pid, 'request', sha256(request));
}

/** The two digits that an approver types, 10..99. */
export function matchNumber(pid: Bytes, ofRequest: Bytes): number {
  const bits = hash(pid, 'match', ofRequest);
  return ((((bits[0] as number) << 8) | (bits[1] as number)) % 90) + 10;
}

function epochValue(part: EpochPart): Value {
  return [
    [part.salt, part.cost.memoryKiB, part.cost.passes, part.cost.lanes],
    part.vaultKey,
    part.kekCheck,
    part.vekCommitment,
    part.shares.map(({ commitment, grantHash }) => [commitment, grantHash]),
    [part.wrapHash, part.linkHash],
    part.kekLink,
  ];
}

function toEpoch([argon2, vaultKey, kekCheck, vekCommitment, shares, hashes, kekLink]: z.output<
  typeof epochSchema
>): EpochPart {
  return {
    salt: argon2[0],
    cost: { memoryKiB: argon2[1], passes: argon2[2], lanes: argon2[3] },
    vaultKey,
    kekCheck,
    vekCommitment,
    shares: shares.map(([commitment, grantHash]) => ({ commitment, grantHash })),
    wrapHash: hashes[0],
    linkHash: hashes[1],
    kekLink,
  };
}

export function encodeCore(core: EntryCore): Bytes {
  return encode([
    core.pid,
    core.slot,
    core.prev,
    ballotValue(core.birth),
    core.request,
    core.promises.map(promiseValue),
    core.approvals.map(({ holder, signature: sig }) => [holder, sig]),
    core.roles.map(({ holder, transcript, signature: sig }) => [holder, transcript, sig]),
    core.time,
    core.holders.map(holderValue),
    core.threshold,
    core.epoch,
    core.epochPart && epochValue(core.epochPart),
    core.unlockDevices,
  ]);
}

/** Entry bytes from a core and its two signatures. */
export function encodeEntry(core: Bytes, dealerSignature: Bytes, vaultSignature: Bytes): Bytes {
  return encode([core, dealerSignature, vaultSignature]);
}

/** `malformed`; signatures are not checked here. */
export function parseEntry(bytes: Bytes): Entry {
  const [coreBytes, dealerSignature, vaultSignature] = decodeShaped(entrySchema, bytes, 'an entry');
  const c = decodeShaped(coreSchema, coreBytes, 'an entry');
  const core: EntryCore = {
    pid: c[0],
    slot: c[1],
    prev: c[2],
    birth: toBallot(c[3]),
    request: c[4],
    promises: c[5].map(toPromise),
    approvals: c[6].map(([holder, sig]) => ({ holder, signature: sig })),
    roles: c[7].map(([holder, transcript, sig]) => ({ holder, transcript, signature: sig })),
    time: c[8],
    holders: c[9].map(toHolder),
    threshold: c[10],
    epoch: c[11],
    epochPart: c[12] && toEpoch(c[12]),
    unlockDevices: c[13],
  };
  const id = hash(core.pid, 'entry', sha256(bytes));
  return { bytes, id, coreHash: sha256(coreBytes), core, dealerSignature, vaultSignature };
}
