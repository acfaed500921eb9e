/**
 * The header of a commit: what its author signs (docs/protocol.md 6), here without the signature. In: fields or bytes from
 * outside. Out: canonical CBOR, or a checked header with the ids that follow from it. No policy: whether the author was allowed
 * is decided in records/.
 */
import * as z from 'zod/mini';

import { compare, equal, type Bytes } from '../bytes.ts';
import { encode } from '../cbor.ts';
import { sha256 } from '../crypto/hash.ts';
import { chainId } from '../crypto/keys.ts';
import { hash } from '../crypto/statements.ts';
import { PassportError } from '../errors.ts';
import { bytes16, bytes32, decodeShaped, list, uint } from './schema.ts';

export const MAX_HEADS = 64;
export const MAX_UPDATES = 4096;
export const MAX_HEADER_BYTES = 8192;
const MAX_ACKS = 16;
/** Names of stored objects have five bytes for it. */
const MAX_SEQ = 2 ** 40 - 1;

/** One head of what an author had applied. `chain`: 16 bytes, `id`: 32 bytes. */
export interface CommitRef {
  readonly chain: Bytes;
  readonly seq: number;
  readonly id: Bytes;
}

export interface Header {
  /** 16 bytes. */
  readonly device: Bytes;
  /** 16 bytes. */
  readonly incarnation: Bytes;
  readonly seq: number;
  /** 32 bytes: the device's commit before, over incarnations; null for its very first. It is one of `ctx`. */
  readonly prev: Bytes | null;
  /** Sorted by chain, seq, id; at most 64. */
  readonly ctx: readonly CommitRef[];
  /** 32 bytes: id of the newest registry entry that the author knew. */
  readonly registry: Bytes;
  /** Milliseconds since 1970 on the author's clock. */
  readonly time: number;
  /** Number of updates. */
  readonly count: number;
  /** 32 bytes: Merkle root over the blinded updates. */
  readonly root: Bytes;
  /** Epochs that the author opened from N shares and the passphrase, and checked. */
  readonly acks: readonly number[];
}

/** A header whose form was checked and whose ids were computed; its signature was not looked at. */
export interface ParsedHeader extends Header {
  /** 32 bytes. */
  readonly id: Bytes;
  /** 16 bytes. */
  readonly chain: Bytes;
}

const seq = uint(MAX_SEQ, 1);
const shape = z.tuple([
  bytes16,
  bytes16,
  seq,
  z.nullable(bytes32),
  list(z.tuple([bytes16, seq, bytes32]), MAX_HEADS),
  bytes32,
  uint(),
  uint(MAX_UPDATES),
  bytes32,
  list(z.tuple([uint(0), uint()]), MAX_ACKS),
]);

let emptyRoot: Bytes | undefined;
/** The root of a commit without updates: SHA-256 of nothing (RFC 6962, 2.1). */
export function rootOfNothing(): Bytes {
  return (emptyRoot ??= sha256());
}

export function encodeHeader(header: Header): Bytes {
  return encode([
    header.device,
    header.incarnation,
    header.seq,
    header.prev,
    header.ctx.map(({ chain, seq, id }) => [chain, seq, id]),
    header.registry,
    header.time,
    header.count,
    header.root,
    header.acks.map((epoch) => [0, epoch]),
  ]);
}

export function commitId(pid: Bytes, header: Bytes): Bytes {
  return hash(pid, 'commit', sha256(header));
}

export function compareRefs(a: CommitRef, b: CommitRef): number {
  return compare(a.chain, b.chain) || a.seq - b.seq || compare(a.id, b.id);
}

/** Throws `malformed` unless the bytes are a canonical header that keeps every rule that one header alone can keep. */
export function parseHeader(pid: Bytes, header: Bytes): ParsedHeader {
  if (header.length > MAX_HEADER_BYTES) throw malformed('it is too long'); // V155
  const fields = decodeShaped(shape, header, 'commit header');
  const [device, incarnation, seq, prev, ctxFields, registry, time, count, root, acks] = fields;
  const ctx = ctxFields.map(([chain, at, id]): CommitRef => ({ chain, seq: at, id }));
  for (let i = 1; i < ctx.length; i++) {
    if (compareRefs(ctx[i - 1] as CommitRef, ctx[i] as CommitRef) >= 0) throw malformed('its heads are not sorted'); // V156
  }
  if (count === 0 && !equal(root, rootOfNothing())) throw malformed('it has a root and no updates'); // V157
  const chain = chainId(pid, device, incarnation);
  // The commit before was applied by its author, so it is one of the heads; that also says where it is.
  if (prev === null ? seq !== 1 : !ctx.some((head) => isPrev(head, chain, seq, prev))) {
    throw malformed('the commit before is not among its heads'); // V158
  }
  return {
    device,
    incarnation,
    seq,
    prev,
    ctx,
    registry,
    time,
    count,
    root,
    acks: acks.map(([, epoch]) => epoch),
    id: commitId(pid, header),
    chain,
  };
}

function isPrev(head: CommitRef, chain: Bytes, seq: number, prev: Bytes): boolean {
  if (!equal(head.id, prev)) return false;
  return seq === 1 ? !equal(head.chain, chain) : equal(head.chain, chain) && head.seq === seq - 1;
}

/** Where the commit before is: the head of `ctx` that `prev` names. */
export function prevRef(header: Header): CommitRef | undefined {
  const { prev } = header;
  return prev === null ? undefined : header.ctx.find((head) => equal(head.id, prev));
}

function malformed(what: string): PassportError {
  return new PassportError('malformed', `commit header: ${what}`);
}
