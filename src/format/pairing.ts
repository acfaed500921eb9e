/**
 * The messages of a pairing, as bytes (docs/protocol.md, 7): the invitation and its link, M1 to M4.
 * Encoding and shape only; what they prove is decided in ceremonies/invite.ts and ceremonies/join.ts.
 */
import * as z from 'zod/mini';

import { base64url, type Bytes, fromBase64url } from '../bytes.ts';
import { encode } from '../cbor.ts';
import { PassportError } from '../errors.ts';
import { bytes16, bytes32, decodeShaped, fixedBytes, list, signature, someBytes, text, uint } from './schema.ts';

export interface InvitationData {
  readonly pid: Bytes;
  readonly iid: Bytes;
  /** A's ephemeral HPKE key, 32 bytes. */
  readonly ephemeralKey: Bytes;
  /** cA: commits A to its nonce, key and head. */
  readonly commitment: Bytes;
  /** k: names and keys the messages, 32 bytes. */
  readonly secret: Bytes;
  readonly stores: readonly { readonly url: string; readonly id: Bytes }[];
}

const LINK = 'passport:join#';
const invitationSchema = z.tuple([
  z.literal(1),
  z.literal(1),
  bytes32,
  bytes16,
  bytes32,
  bytes32,
  bytes32,
  list(z.tuple([text(1024, 1), fixedBytes(10)]), 16, 1),
]);

export function encodeInvitation(data: InvitationData): Bytes {
  const { pid, iid, ephemeralKey, commitment, secret, stores } = data;
  return encode([1, 1, pid, iid, ephemeralKey, commitment, secret, stores.map(({ url, id }) => [url, id])]);
}

export function invitationLink(bytes: Bytes): string {
  return `${LINK}${base64url(bytes)}`;
}

export function parseInvitation(bytes: Bytes): InvitationData {
  const [, , pid, iid, ephemeralKey, commitment, secret, stores] = decodeShaped(
    invitationSchema,
    bytes,
    'an invitation',
  );
  return { pid, iid, ephemeralKey, commitment, secret, stores: stores.map(([url, id]) => ({ url, id })) };
}

/** The invitation in a link, and its bytes; `usage` for anything else. */
export function parseLink(link: string): { data: InvitationData; bytes: Bytes } {
  const trimmed = link.trim();
  if (!trimmed.startsWith(LINK)) {
    throw new PassportError('usage', 'this is not an invitation', { hint: `An invitation begins with ${LINK}` }); // V198
  }
  try {
    const bytes = fromBase64url(trimmed.slice(LINK.length));
    return { bytes, data: parseInvitation(bytes) };
  } catch (cause) {
    throw new PassportError('usage', 'this invitation is damaged', {
      cause,
      hint: 'Copy the whole link, or ask for a new one.',
    }); // V199
  }
}

export interface PairHello {
  readonly signKey: Bytes;
  readonly receiveKey: Bytes;
  readonly kind: 'device';
  readonly name: string;
  readonly platform: string;
  readonly nonce: Bytes;
  readonly possession: Bytes;
}

const helloSchema = z.tuple([bytes32, bytes32, z.literal('device'), text(256, 1), text(64), bytes32, signature]);

export function encodeHello(hello: PairHello): Bytes {
  const { signKey, receiveKey, kind, name, platform, nonce, possession } = hello;
  return encode([signKey, receiveKey, kind, name, platform, nonce, possession]);
}

export function parseHello(bytes: Bytes): PairHello {
  const [signKey, receiveKey, kind, name, platform, nonce, possession] = decodeShaped(
    helloSchema,
    bytes,
    'a pairing answer',
  );
  return { signKey, receiveKey, kind, name, platform, nonce, possession };
}

export interface PairReveal {
  readonly nonce: Bytes;
  readonly holder: Bytes;
  readonly signKey: Bytes;
  readonly slot: number;
  readonly head: Bytes;
  readonly signature: Bytes;
}

const revealSchema = z.tuple([bytes32, bytes16, bytes32, uint(), bytes32, signature]);

export function encodeReveal(reveal: PairReveal): Bytes {
  return encode([reveal.nonce, reveal.holder, reveal.signKey, reveal.slot, reveal.head, reveal.signature]);
}

export function parseReveal(bytes: Bytes): PairReveal {
  const [nonce, holder, signKey, slot, head, signed] = decodeShaped(revealSchema, bytes, 'a pairing answer');
  return { nonce, holder, signKey, slot, head, signature: signed };
}

export interface PairPlace {
  readonly slot: number;
  readonly prev: Bytes;
  readonly request: Bytes;
}

const placeSchema = z.tuple([uint(), bytes32, someBytes(16 * 1024)]);

export function encodePairPlace({ slot, prev, request }: PairPlace): Bytes {
  return encode([slot, prev, request]);
}

export function parsePairPlace(bytes: Bytes): PairPlace {
  const [slot, prev, request] = decodeShaped(placeSchema, bytes, 'a pairing message');
  return { slot, prev, request };
}

export interface PairRole {
  readonly slot: number;
  readonly prev: Bytes;
  readonly signature: Bytes;
}

const roleSchema = z.tuple([uint(), bytes32, signature]);

export function encodePairRole({ slot, prev, signature: signed }: PairRole): Bytes {
  return encode([slot, prev, signed]);
}

export function parsePairRole(bytes: Bytes): PairRole {
  const [slot, prev, signed] = decodeShaped(roleSchema, bytes, 'a pairing message');
  return { slot, prev, signature: signed };
}
