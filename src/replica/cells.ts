/**
 * Cells: the named CBOR values of one device, sealed before the journal sees them. A name says nothing outside (its journal
 * key is a keyed hash), a value under another name does not open. Names below `vault/` are sealed under a vault layer key, so
 * that what they hold can be read in a session only; all others are sealed under a key from the device's local key.
 * In: a cell's name and value. Out: journal keys and sealed objects (docs/protocol.md 4, layers 6 and 2, kind "cell").
 */
import { base32, utf8, type Bytes } from '../bytes.ts';
import { decode, encode, type Value } from '../cbor.ts';
import { hkdf, hmac } from '../crypto/hash.ts';
import { objectHeader, openObject, sealObject } from '../crypto/object.ts';
import { info } from '../crypto/statements.ts';
import { PassportError } from '../errors.ts';
import type { Random } from '../platform.ts';

/** What a session adds to a replica: the newest vault layer key, and those of earlier epochs by their number. */
export interface VaultKeys {
  readonly epoch: number;
  /** 32 bytes: the vault layer key of `epoch`. */
  readonly key: Bytes;
  olderVault(epoch: number): Bytes | undefined;
}

const MAX_CELL_BYTES = 64 * 1024 * 1024;

export class CellSealer {
  readonly #pid: Bytes;
  readonly #random: Random;
  readonly #localKey: Bytes;
  readonly #nameKey: Bytes;
  readonly #sealKey: Bytes;

  /** `localKey`: 32 bytes, kept by the caller's keystore. `pid`: 32 bytes. */
  constructor(localKey: Bytes, pid: Bytes, random: Random) {
    if (localKey.length !== 32) throw new TypeError(`a local key has 32 bytes, got ${localKey.length}`);
    this.#pid = pid;
    this.#random = random;
    this.#localKey = localKey;
    this.#nameKey = hkdf(localKey, info(pid, 'cell-names'), 32);
    this.#sealKey = hkdf(localKey, info(pid, 'cells'), 32);
  }

  /** A further 32-byte secret of this device, one per use. */
  localSecret(use: string): Bytes {
    return hkdf(this.#localKey, info(this.#pid, 'local-secret', use), 32);
  }

  journalKey(cell: string): string {
    return `c${base32(hmac(this.#nameKey, utf8(cell)).slice(0, 16))}`;
  }

  /** Throws `locked` for a vault cell without `vault`. */
  async seal(cell: string, value: Value, vault: VaultKeys | undefined): Promise<Bytes> {
    const owner = utf8(cell);
    const common = { pid: this.#pid, kind: 'cell', owner, sequence: 0 };
    if (!isVaultCell(cell)) {
      return sealObject({ ...common, layer: 'local', epoch: 0, key: this.#sealKey }, encode(value), this.#random);
    }
    if (vault === undefined) throw locked();
    return sealObject({ ...common, layer: 'vault', epoch: vault.epoch, key: vault.key }, encode(value), this.#random);
  }

  /** Throws `locked` for a vault cell whose epoch's key is not at hand, `decryption-failed` for foreign or damaged bytes. */
  async open(cell: string, sealed: Bytes, vault: VaultKeys | undefined): Promise<Value> {
    const common = { pid: this.#pid, kind: 'cell', owner: utf8(cell), sequence: 0 };
    if (!isVaultCell(cell)) {
      const data = await openObject({ ...common, layer: 'local', epoch: 0, key: this.#sealKey }, sealed);
      return decode(data, { maxBytes: MAX_CELL_BYTES });
    }
    if (vault === undefined) throw locked();
    const { epoch } = objectHeader(sealed);
    const key = epoch === vault.epoch ? vault.key : vault.olderVault(epoch);
    if (key === undefined) throw locked();
    return decode(await openObject({ ...common, layer: 'vault', epoch, key }, sealed), { maxBytes: MAX_CELL_BYTES });
  }
}

export function isVaultCell(cell: string): boolean {
  return cell.startsWith('vault/');
}

export function locked(): PassportError {
  return new PassportError('locked', 'the records are locked', { hint: 'unlock the passport first' });
}
