/**
 * The one form of everything that is signed, hashed or bound into a key (docs/protocol.md, 2):
 * `L(use, …fields)` = CBOR(["passport-mesh/v1/" + use, suite, pid, …fields]). The label keeps two uses apart, the suite and the
 * pid keep two versions and two passports apart. `L0` leaves the pid out, for who has only paper and does not know it yet.
 */
import type { Bytes } from '../bytes.ts';
import { encode, type Value } from '../cbor.ts';
import { sha256 } from './hash.ts';

/** Ed25519, X25519, HPKE, AES-256-GCM, SHA-256 as in docs/protocol.md. */
export const SUITE = 1;

const LABEL = 'passport-mesh/v1/';

/** L(use, …): the statement's bytes, for HKDF info, HPKE info and signatures. `pid`: 32 bytes. */
export function info(pid: Bytes, use: string, ...fields: Value[]): Bytes {
  if (pid.length !== 32) throw new TypeError(`pid: expected 32 bytes, got ${pid.length}`);
  return encode([LABEL + use, SUITE, pid, ...fields]);
}

/** H(use, …) = SHA-256(L(use, …)), 32 bytes. */
export function hash(pid: Bytes, use: string, ...fields: Value[]): Bytes {
  return sha256(info(pid, use, ...fields));
}

/** L0(use, …): the statement's bytes without a pid. */
export function info0(use: string, ...fields: Value[]): Bytes {
  return encode([LABEL + use, SUITE, ...fields]);
}

/** SHA-256(L0(use, …)), 32 bytes. */
export function hash0(use: string, ...fields: Value[]): Bytes {
  return sha256(info0(use, ...fields));
}
