/**
 * A bundle: 1..64 consecutive commits of one chain as a store keeps them (docs/protocol.md 6). Sealing is not authorship: the
 * headers carry their author's signatures, the envelope that of whoever sealed. Reading goes in steps, each with its own type:
 * bytes → SplitBundle (bounds) → ClaimedBundle (the mesh layer opened, every relation between the parts holds) →
 * AuthenticBundle (all signatures hold). The vault part opens separately, because a locked device has no key for it.
 */
import * as z from 'zod/mini';

import { bytesUint, equal, lengthOf, uintBytes, type Bytes } from '../bytes.ts';
import { decode, encode } from '../cbor.ts';
import { sha256 } from '../crypto/hash.ts';
import { objectHeader, openObject, sealedLength, sealObjectInto } from '../crypto/object.ts';
import { signStatement, verifyStatement } from '../crypto/sign.ts';
import { PassportError } from '../errors.ts';
import type { Random } from '../platform.ts';
import { MAX_HEADER_BYTES, parseHeader, type ParsedHeader } from './commit.ts';
import { bytes16, bytes32, list, shaped, signature, someBytes, uint } from './schema.ts';
import { MAX_BLOCK_BYTES } from './update.ts';

export const MAX_BUNDLE_COMMITS = 64;
const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;
/** So much of blocks fits a bundle with its padding, tags and mesh part, whatever they are. */
export const MAX_BUNDLE_BLOCKS = 15 * 1024 * 1024;
const MAX_MESH_BYTES = 1024 * 1024;

/** A header as it was signed. */
export interface SignedHeader {
  readonly header: Bytes;
  /** 64 bytes. */
  readonly signature: Bytes;
}

export interface SplitBundle {
  readonly epoch: number;
  readonly mesh: Bytes;
  /** Empty when no commit has updates. */
  readonly vault: Bytes;
}

export interface ClaimedCommit extends SignedHeader {
  readonly parsed: ParsedHeader;
}

export interface ClaimedBundle extends SplitBundle {
  /** 16 bytes: the holder that sealed it. */
  readonly sealer: Bytes;
  readonly sealerSignature: Bytes;
  readonly vaultHash: Bytes;
  /** Of one chain, consecutive, at least one. */
  readonly commits: readonly ClaimedCommit[];
}

/** A place in a chain: 16 bytes and a number. */
export interface ChainPlace {
  readonly chain: Bytes;
  readonly seq: number;
}

declare const authentic: unique symbol;
export type AuthenticBundle = ClaimedBundle & { readonly [authentic]: true };

const meshShape = z.tuple([
  z.tuple([uint(), bytes32, bytes16]),
  signature,
  list(z.tuple([someBytes(MAX_HEADER_BYTES), signature]), MAX_BUNDLE_COMMITS, 1),
]);

export interface SealBundle {
  readonly pid: Bytes;
  readonly epoch: number;
  readonly meshLayerKey: Bytes;
  /** Needed when a block is not empty. */
  readonly vaultLayerKey: Bytes | undefined;
  readonly sealer: Bytes;
  readonly signSeed: Bytes;
  readonly commits: readonly ClaimedCommit[];
  /** One for each commit, in pieces; without any for a commit without updates. */
  readonly blocks: readonly (readonly Bytes[])[];
  readonly random: Random;
}

/** The author's signature of a commit: 64 bytes. */
export function signCommit(seed: Bytes, pid: Bytes, id: Bytes): Bytes {
  return signStatement(seed, pid, 'commit-id', id);
}

export function verifyCommit(publicKey: Bytes, signature: Bytes, pid: Bytes, id: Bytes): boolean {
  return verifyStatement(publicKey, signature, pid, 'commit-id', id);
}

/** Throws `locked` when there are updates and no vault layer key. */
export async function sealBundle(parts: SealBundle): Promise<Bytes> {
  const { pid, epoch, commits, blocks, random } = parts;
  const first = (commits[0] as ClaimedCommit).parsed;
  const content = (vaultHash: Bytes, sealed: Bytes) =>
    encode([[epoch, vaultHash, parts.sealer], sealed, commits.map((commit) => [commit.header, commit.signature])]);
  const pieces = blocks.flatMap((block) => [uintBytes(lengthOf(block), 4), ...block]);
  const hasUpdates = blocks.some((block) => lengthOf(block) > 0);
  // The mesh part comes first and holds the hash of the vault part. Its length is known before, so both are sealed in their places.
  const meshLength = sealedLength(content(new Uint8Array(32), new Uint8Array(64)).length);
  const length = 4 + meshLength + (hasUpdates ? sealedLength(lengthOf(pieces)) : 0);
  if (length > MAX_BUNDLE_BYTES) throw new RangeError('the bundle is too large');
  const bundle = new Uint8Array(length);
  const vault = bundle.subarray(4 + meshLength);
  if (hasUpdates) {
    if (parts.vaultLayerKey === undefined)
      throw new PassportError('locked', 'sealing records needs an unlocked passport');
    await sealObjectInto(vault, vaultContext(pid, epoch, parts.vaultLayerKey, first), pieces, random);
  }
  const vaultHash = sha256(vault);
  const ids = commits.map((commit) => commit.parsed.id);
  const sealed = signStatement(parts.signSeed, pid, 'envelope', epoch, vaultHash, parts.sealer, ids);
  bundle.set(uintBytes(meshLength, 4));
  const mesh = bundle.subarray(4, 4 + meshLength);
  await sealObjectInto(mesh, meshContext(pid, epoch, parts.meshLayerKey), [content(vaultHash, sealed)], random);
  return bundle;
}

/** Throws `malformed` and `unsupported`; nothing is authenticated yet. */
export function splitBundle(bundle: Bytes): SplitBundle {
  if (bundle.length > MAX_BUNDLE_BYTES) throw malformed('it is too large'); // V141
  if (bundle.length < 4) throw malformed('it is cut off'); // V142
  const length = bytesUint(bundle.subarray(0, 4));
  if (length > MAX_MESH_BYTES || length > bundle.length - 4) throw malformed('its mesh part is too long'); // V143
  const mesh = bundle.subarray(4, 4 + length);
  const vault = bundle.subarray(4 + length);
  const header = objectHeader(mesh);
  if (header.layer !== 'mesh') throw malformed('its first part is not of the mesh layer'); // V144
  if (vault.length > 0) {
    const inner = objectHeader(vault);
    if (inner.layer !== 'vault' || inner.epoch !== header.epoch) throw malformed('its parts do not belong together'); // V145
  }
  return { epoch: header.epoch, mesh, vault };
}

/** Throws `decryption-failed` and `malformed`. Who says so is not known yet. */
export async function openBundle(split: SplitBundle, pid: Bytes, meshLayerKey: Bytes): Promise<ClaimedBundle> {
  const content = await openObject(meshContext(pid, split.epoch, meshLayerKey), split.mesh);
  const parsed = shaped(meshShape, decode(content), 'bundle');
  const [[epoch, vaultHash, sealer], sealerSignature, fields] = parsed;
  if (epoch !== split.epoch) throw malformed('its epoch is not that of its objects'); // V146
  if (!equal(vaultHash, sha256(split.vault))) throw malformed('its vault part is another one'); // V147
  const commits = fields.map(([header, signed]): ClaimedCommit => ({
    header,
    signature: signed,
    parsed: parseHeader(pid, header),
  }));
  for (let i = 1; i < commits.length; i++) {
    const { parsed: before } = commits[i - 1] as ClaimedCommit;
    const { parsed: after } = commits[i] as ClaimedCommit;
    const follows = equal(before.chain, after.chain) && after.seq === before.seq + 1;
    if (!follows || after.prev === null || !equal(after.prev, before.id))
      throw malformed('its commits are not consecutive'); // V148
  }
  if (commits.some((commit) => commit.parsed.count > 0) !== split.vault.length > 0) {
    throw malformed('its vault part and its headers disagree'); // V149
  }
  return { ...split, sealer, sealerSignature, vaultHash, commits };
}

/** Throws `signature-invalid` unless sealer and author signed. Both keys are those of the holders that the bundle names. */
export function authenticateBundle(
  claimed: ClaimedBundle,
  pid: Bytes,
  sealerKey: Bytes,
  authorKey: Bytes,
): AuthenticBundle {
  const ids = claimed.commits.map((commit) => commit.parsed.id);
  const { epoch, vaultHash, sealer, sealerSignature } = claimed;
  if (!verifyStatement(sealerKey, sealerSignature, pid, 'envelope', epoch, vaultHash, sealer, ids))
    throw invalid('sealed'); // V150
  for (const { signature: signed, parsed } of claimed.commits) {
    if (!verifyCommit(authorKey, signed, pid, parsed.id)) throw invalid('wrote'); // V151
  }
  return claimed as AuthenticBundle;
}

/**
 * The blocks of a bundle's commits in their order, as views of one buffer; none for an empty vault part. `first`: the bundle's
 * first commit. Throws `decryption-failed`, or `malformed` for a vault part that is not a list of blocks.
 */
export async function openBlocks(
  split: SplitBundle,
  pid: Bytes,
  vaultLayerKey: Bytes,
  first: ChainPlace,
): Promise<Bytes[]> {
  if (split.vault.length === 0) return [];
  const data = await openObject(vaultContext(pid, split.epoch, vaultLayerKey, first), split.vault);
  const blocks: Bytes[] = [];
  for (let at = 0; at < data.length;) {
    if (blocks.length === MAX_BUNDLE_COMMITS) throw malformed('its vault part has too many blocks'); // V152
    if (data.length - at < 4) throw malformed('its vault part is cut off'); // V153
    const length = bytesUint(data.subarray(at, at + 4));
    at += 4;
    if (length > MAX_BLOCK_BYTES || length > data.length - at) throw malformed('its vault part is cut off'); // V154
    blocks.push(data.subarray(at, at + length));
    at += length;
  }
  return blocks;
}

/**
 * The mesh part is bound to the passport only: a reader cannot know the chain before it has opened it. The headers inside,
 * signed by their author, say the chain and the numbers; the reader compares them with the object's name.
 */
function meshContext(pid: Bytes, epoch: number, key: Bytes) {
  return { layer: 'mesh', epoch, key, pid, kind: 'commits', owner: pid, sequence: 0 } as const;
}

function vaultContext(pid: Bytes, epoch: number, key: Bytes, first: ChainPlace) {
  return { layer: 'vault', epoch, key, pid, kind: 'updates', owner: first.chain, sequence: first.seq } as const;
}

function malformed(what: string): PassportError {
  return new PassportError('malformed', `bundle: ${what}`);
}

function invalid(verb: string): PassportError {
  return new PassportError('signature-invalid', `bundle: the signature of the device that ${verb} it is not valid`);
}
