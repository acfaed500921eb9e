/**
 * The messages of one slot's vote and the registry object, as bytes (docs/protocol.md, 5).
 * Encoding and shape only: signatures are checked in registry/messages.ts before anything here counts.
 */
import * as z from 'zod/mini';

import { type Bytes, bytesUint, concat, uintBytes } from '../bytes.ts';
import { encode, type Value } from '../cbor.ts';
import { PassportError } from '../errors.ts';
import {
  type Ballot,
  ballotSchema,
  ballotValue,
  MAX_ENTRY_BYTES,
  MAX_HOLDERS,
  promiseSchema,
  promiseValue,
  toBallot,
  toPromise,
  type VotePromise,
} from './entry.ts';
import { bytes16, bytes32, decodeShaped, fixedBytes, list, signature, someBytes, uint } from './schema.ts';

/** Entries and proposals in one message: the 1 MiB of CBOR is what really bounds a proof. */
const MAX_PROOF = 1024;
/** enc (32) ‖ share (33) ‖ tag (16). */
export const SEALED_SHARE_BYTES = 81;

/** An entry with the two objects that its dealer made and that only their hashes are in it. */
export interface EntryBundle {
  readonly entry: Bytes;
  readonly wrap: Bytes;
  readonly link: Bytes;
}

export interface VoteProposal {
  readonly ballot: Ballot;
  readonly entry: Bytes;
  readonly promises: readonly VotePromise[];
  readonly signature: Bytes;
}

/** What makes a report of an accepted entry believable: the entries and the proposals, down to the birth ballot. */
export interface Evidence {
  readonly entries: readonly EntryBundle[];
  readonly proposals: readonly VoteProposal[];
}

export interface VoteAccept {
  readonly holder: Bytes;
  readonly ballot: Ballot;
  readonly entry: Bytes;
  readonly signature: Bytes;
}

/** A holder's word for a request by a device that is no holder yet. */
export interface Voucher {
  readonly holder: Bytes;
  readonly signature: Bytes;
}

export interface Place {
  readonly slot: number;
  readonly prev: Bytes;
}

export type VoteMessage =
  | (Place & {
      readonly type: 'request';
      readonly ballot: Ballot;
      readonly request: Bytes;
      readonly voucher: Voucher | null;
      readonly signature: Bytes;
    })
  | (Place & { readonly type: 'promise'; readonly promise: VotePromise; readonly evidence: Evidence })
  | (Place & {
      readonly type: 'approve';
      readonly holder: Bytes;
      readonly requestHash: Bytes;
      readonly signature: Bytes;
      readonly share: Bytes;
      readonly shareSignature: Bytes;
    })
  | (Place & {
      readonly type: 'propose';
      readonly ballot: Ballot;
      readonly entry: Bytes;
      readonly evidence: Evidence;
    })
  | (Place & { readonly type: 'accept'; readonly accept: VoteAccept })
  | (Place & {
      readonly type: 'refuse';
      readonly holder: Bytes;
      readonly requestHash: Bytes;
      readonly signature: Bytes;
    })
  | (Place & { readonly type: 'cancel'; readonly requestHash: Bytes; readonly signature: Bytes });

const place = [uint(), bytes32] as const;
const proposalSchema = z.tuple([ballotSchema, bytes32, list(promiseSchema, MAX_HOLDERS), signature]);
const evidenceSchema = z.tuple([
  list(z.tuple([someBytes(MAX_ENTRY_BYTES), someBytes(8192), someBytes(8192)]), MAX_PROOF),
  list(proposalSchema, MAX_PROOF),
]);
const acceptSchema = z.tuple([bytes16, ballotSchema, bytes32, signature]);
const messageSchema = z.union([
  z.tuple([
    z.literal('request'),
    ...place,
    ballotSchema,
    someBytes(16 * 1024),
    z.nullable(z.tuple([bytes16, signature])),
    signature,
  ]),
  z.tuple([z.literal('promise'), ...place, promiseSchema, evidenceSchema]),
  z.tuple([z.literal('approve'), ...place, bytes16, bytes32, signature, fixedBytes(SEALED_SHARE_BYTES), signature]),
  z.tuple([z.literal('propose'), ...place, ballotSchema, bytes32, evidenceSchema]),
  z.tuple([z.literal('accept'), ...place, acceptSchema]),
  z.tuple([z.literal('refuse'), ...place, bytes16, bytes32, signature]),
  z.tuple([z.literal('cancel'), ...place, bytes32, signature]),
]);
const certificateSchema = z.tuple([ballotSchema, list(acceptSchema, MAX_HOLDERS, 1), list(proposalSchema, MAX_PROOF)]);
const sealedSchema = z.tuple([someBytes(MAX_ENTRY_BYTES), someBytes(MAX_ENTRY_BYTES)]);

function evidenceValue(evidence: Evidence): Value {
  return [evidence.entries.map(({ entry, wrap, link }) => [entry, wrap, link]), evidence.proposals.map(proposalValue)];
}

const proposalValue = (p: VoteProposal): Value => [
  ballotValue(p.ballot),
  p.entry,
  p.promises.map(promiseValue),
  p.signature,
];

function toProposal([ballot, entry, promises, sig]: z.output<typeof proposalSchema>): VoteProposal {
  return { ballot: toBallot(ballot), entry, promises: promises.map(toPromise), signature: sig };
}

function toEvidence([entries, proposals]: z.output<typeof evidenceSchema>): Evidence {
  return {
    entries: entries.map(([entry, wrap, link]) => ({ entry, wrap, link })),
    proposals: proposals.map(toProposal),
  };
}

const acceptValue = (accept: VoteAccept): Value => [
  accept.holder,
  ballotValue(accept.ballot),
  accept.entry,
  accept.signature,
];

function toAccept([holder, ballot, entry, sig]: z.output<typeof acceptSchema>): VoteAccept {
  return { holder, ballot: toBallot(ballot), entry, signature: sig };
}

function fields(message: VoteMessage): Value[] {
  switch (message.type) {
    case 'request':
      return [
        ballotValue(message.ballot),
        message.request,
        message.voucher && [message.voucher.holder, message.voucher.signature],
        message.signature,
      ];
    case 'promise':
      return [promiseValue(message.promise), evidenceValue(message.evidence)];
    case 'approve':
      return [message.holder, message.requestHash, message.signature, message.share, message.shareSignature];
    case 'propose':
      return [ballotValue(message.ballot), message.entry, evidenceValue(message.evidence)];
    case 'accept':
      return [acceptValue(message.accept)];
    case 'refuse':
      return [message.holder, message.requestHash, message.signature];
    case 'cancel':
      return [message.requestHash, message.signature];
  }
}

export function encodeVote(message: VoteMessage): Bytes {
  return encode([message.type, message.slot, message.prev, ...fields(message)]);
}

/** `malformed` for anything but a vote message in its one encoding. */
export function parseVote(bytes: Bytes): VoteMessage {
  const m = decodeShaped(messageSchema, bytes, 'a vote message');
  const at = { slot: m[1], prev: m[2] };
  switch (m[0]) {
    case 'request':
      return {
        type: 'request',
        ...at,
        ballot: toBallot(m[3]),
        request: m[4],
        voucher: m[5] && { holder: m[5][0], signature: m[5][1] },
        signature: m[6],
      };
    case 'promise':
      return { type: 'promise', ...at, promise: toPromise(m[3]), evidence: toEvidence(m[4]) };
    case 'approve':
      return {
        type: 'approve',
        ...at,
        holder: m[3],
        requestHash: m[4],
        signature: m[5],
        share: m[6],
        shareSignature: m[7],
      };
    case 'propose':
      return { type: 'propose', ...at, ballot: toBallot(m[3]), entry: m[4], evidence: toEvidence(m[5]) };
    case 'accept':
      return { type: 'accept', ...at, accept: toAccept(m[3]) };
    case 'refuse':
      return { type: 'refuse', ...at, holder: m[3], requestHash: m[4], signature: m[5] };
    case 'cancel':
      return { type: 'cancel', ...at, requestHash: m[3], signature: m[4] };
  }
}

/** `proposals` decide nothing: they are what names a liar if another certificate of this slot ever turns up. */
export interface Certificate {
  readonly ballot: Ballot;
  readonly accepts: readonly VoteAccept[];
  readonly proposals: readonly VoteProposal[];
}

export function encodeCertificate(certificate: Certificate): Bytes {
  return encode([
    ballotValue(certificate.ballot),
    certificate.accepts.map(acceptValue),
    certificate.proposals.map(proposalValue),
  ]);
}

export function parseCertificate(bytes: Bytes): Certificate {
  const [ballot, accepts, proposals] = decodeShaped(certificateSchema, bytes, 'a certificate');
  return { ballot: toBallot(ballot), accepts: accepts.map(toAccept), proposals: proposals.map(toProposal) };
}

/** The plaintext of a registry object's sealed part. */
export function encodeDecided(entry: Bytes, certificate: Bytes): Bytes {
  return encode([entry, certificate]);
}

export function parseDecided(bytes: Bytes): { entry: Bytes; certificate: Bytes } {
  const [entry, certificate] = decodeShaped(sealedSchema, bytes, 'a registry entry');
  return { entry, certificate };
}

export interface RegistryObject {
  readonly wrap: Bytes;
  readonly link: Bytes;
  readonly sealed: Bytes;
}

/** u32 length ‖ wrap ‖ u32 length ‖ link ‖ sealed. */
export function encodeRegistryObject({ wrap, link, sealed }: RegistryObject): Bytes {
  return concat(uintBytes(wrap.length, 4), wrap, uintBytes(link.length, 4), link, sealed);
}

/** `malformed`; at most 256 KiB are looked at. */
export function parseRegistryObject(bytes: Bytes): RegistryObject {
  if (bytes.length > MAX_ENTRY_BYTES) throw new PassportError('malformed', 'a registry object is too large'); // V63
  const part = (at: number): { part: Bytes; end: number } => {
    if (at + 4 > bytes.length) throw new PassportError('malformed', 'a registry object is too short'); // V64
    const end = at + 4 + bytesUint(bytes.subarray(at, at + 4));
    if (end > bytes.length) throw new PassportError('malformed', 'a registry object is too short'); // V65
    return { part: bytes.slice(at + 4, end), end };
  };
  const wrap = part(0);
  const link = part(wrap.end);
  return { wrap: wrap.part, link: link.part, sealed: bytes.slice(link.end) };
}
