/**
 * A grant: what one holder is given in an epoch, sealed to its receive key by HPKE in base mode (docs/protocol.md, 3).
 * The info leaves the pid out, because who has only a kit does not know it yet; the plaintext has it.
 */
import * as z from 'zod/mini';

import type { Bytes } from '../bytes.ts';
import { encode } from '../cbor.ts';
import { hpkeOpen, hpkeSeal } from '../crypto/hpke.ts';
import { info0 } from '../crypto/statements.ts';
import { PassportError } from '../errors.ts';
import type { Random } from '../platform.ts';
import { bytes16, bytes32, decodeShaped, fixedBytes, uint } from './schema.ts';

/** Sealed grants are smaller than this; larger ones are not looked at. */
export const MAX_GRANT_BYTES = 1024;

export interface Grant {
  readonly pid: Bytes;
  readonly slot: number;
  readonly prev: Bytes;
  readonly epoch: number;
  readonly threshold: number;
  readonly count: number;
  readonly holder: Bytes;
  readonly seat: number;
  readonly dealer: Bytes;
  /** 33 bytes: y ‖ x. */
  readonly share: Bytes;
  /** For devices: the epoch's mesh key and the name root, 32 bytes each. */
  readonly device: { readonly meshKey: Bytes; readonly nameRoot: Bytes } | null;
}

const grantSchema = z.tuple([
  bytes32,
  uint(),
  bytes32,
  uint(),
  uint(),
  uint(),
  bytes16,
  uint(),
  bytes16,
  fixedBytes(33),
  z.nullable(bytes32),
  z.nullable(bytes32),
]);

/** enc (32) ‖ ciphertext. */
export function sealGrant(receiveKey: Bytes, grant: Grant, random: Random): Promise<Bytes> {
  const plaintext = encode([
    grant.pid,
    grant.slot,
    grant.prev,
    grant.epoch,
    grant.threshold,
    grant.count,
    grant.holder,
    grant.seat,
    grant.dealer,
    grant.share,
    grant.device && grant.device.meshKey,
    grant.device && grant.device.nameRoot,
  ]);
  return hpkeSeal(receiveKey, { info: info0('grant', grant.epoch) }, plaintext, random);
}

/**
 * `decryption-failed` when it is not for this key and epoch, `malformed` when it is not a grant.
 * HPKE's base mode proves nothing about the sender: nothing in a grant is used before it was compared with a decided entry.
 */
export async function openGrant(receivePrivate: Bytes, epoch: number, sealed: Bytes): Promise<Grant> {
  const plaintext = await hpkeOpen(receivePrivate, { info: info0('grant', epoch) }, sealed);
  const g = decodeShaped(grantSchema, plaintext, 'a grant');
  if ((g[10] === null) !== (g[11] === null)) throw new PassportError('malformed', 'a grant has one of two keys'); // V226
  return {
    pid: g[0],
    slot: g[1],
    prev: g[2],
    epoch: g[3],
    threshold: g[4],
    count: g[5],
    holder: g[6],
    seat: g[7],
    dealer: g[8],
    share: g[9],
    device: g[10] && g[11] && { meshKey: g[10], nameRoot: g[11] },
  };
}
