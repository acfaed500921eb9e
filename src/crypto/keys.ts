/**
 * The key hierarchy: every row of the table in docs/protocol.md, 3, but for kits (kit.ts), shares (share.ts) and P (argon2.ts).
 * All keys are 32 bytes, ids 16. One label per key, no key has two uses. KEK needs both the VEK and P: the VEK alone opens
 * nothing, and a passphrase can be guessed at only by who has the VEK.
 */
import { type Bytes, copy, wipe } from '../bytes.ts';
import type { Value } from '../cbor.ts';
import { hkdf, hkdfExpand, hkdfExtract, hmac } from './hash.ts';
import { hash, hash0, info } from './statements.ts';

const KEY_LENGTH = 32;
const ID_LENGTH = 16;

/** 16 bytes. */
export function holderId(pid: Bytes, signKey: Bytes): Bytes {
  return copy(hash(pid, 'holder', signKey).subarray(0, ID_LENGTH));
}

/** 16 bytes; `device` and `incarnation` are 16 each. */
export function chainId(pid: Bytes, device: Bytes, incarnation: Bytes): Bytes {
  return copy(hash(pid, 'chain', device, incarnation).subarray(0, ID_LENGTH));
}

/** 32 bytes; a founder is [seat, kind, sign key, receive key], in the order of seats. */
export function passportId(
  founders: readonly (readonly [seat: number, kind: number, signKey: Bytes, receiveKey: Bytes])[],
  random32: Bytes,
  threshold: number,
  count: number,
): Bytes {
  return hash0('passport-id', founders, random32, threshold, count);
}

/** KEK_e from VEK_e and P. */
export function kekFrom(pid: Bytes, epoch: number, vek: Bytes, p: Bytes): Bytes {
  const v = derive(vek, pid, 'vek-to-kek', epoch);
  const prk = hkdfExtract(v, secret(p));
  const kek = hkdfExpand(prk, info(pid, 'kek', epoch), KEY_LENGTH);
  wipe(v, prk);
  return kek;
}

export function vaultLayerKey(pid: Bytes, epoch: number, kek: Bytes): Bytes {
  return derive(kek, pid, 'vault-layer', epoch);
}

export function kekLinkKey(pid: Bytes, epoch: number, kek: Bytes): Bytes {
  return derive(kek, pid, 'kek-link', epoch);
}

/** Ed25519 seed: its signature proves N shares and the passphrase. */
export function vaultSigningSeed(pid: Bytes, epoch: number, kek: Bytes): Bytes {
  return derive(kek, pid, 'vault-sign', epoch);
}

/** Public: compared to tell a wrong passphrase from damage. */
export function kekCheck(pid: Bytes, epoch: number, kek: Bytes): Bytes {
  const key = derive(kek, pid, 'kek-check', epoch);
  const check = hmac(key, pid);
  wipe(key);
  return check;
}

export function wrapKey(pid: Bytes, epoch: number, vek: Bytes): Bytes {
  return derive(vek, pid, 'wrap', epoch);
}

export function meshLayerKey(pid: Bytes, epoch: number, mesh: Bytes): Bytes {
  return derive(mesh, pid, 'mesh-layer', epoch);
}

export function meshLinkKey(pid: Bytes, epoch: number, mesh: Bytes): Bytes {
  return derive(mesh, pid, 'mesh-link', epoch);
}

export function mailPsk(pid: Bytes, epoch: number, mesh: Bytes): Bytes {
  return derive(mesh, pid, 'mail-psk', epoch);
}

/** Hides holders and chains in a store's listing; another key per store, so that two stores cannot join theirs. */
export function nameKey(pid: Bytes, nameRoot: Bytes, storeId: Bytes): Bytes {
  return derive(nameRoot, pid, 'names', storeId);
}

function derive(ikm: Bytes, pid: Bytes, use: string, field: Value): Bytes {
  return hkdf(secret(ikm), info(pid, use, field), KEY_LENGTH);
}

/** A missing or cut key would still derive something. */
function secret(key: Bytes): Bytes {
  if (key.length !== KEY_LENGTH) throw new TypeError(`key: expected 32 bytes, got ${key.length}`);
  return key;
}
