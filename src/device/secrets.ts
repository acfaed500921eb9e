/**
 * What a device keeps in its keystore: one blob, sealed under the keystore's key (docs/protocol.md, 4, layer 7), replaced as
 * a whole. Changing it is part of a replica transaction: the new blob is saved first, the transaction names it.
 */
import { base32, type Bytes, equal, fromUtf8, hex, utf8 } from '../bytes.ts';
import { decode, encode, type Value } from '../cbor.ts';
import { openObject, sealObject } from '../crypto/object.ts';
import { randomBytes } from '../crypto/random.ts';
import { PassportError } from '../errors.ts';
import type { Random } from '../platform.ts';
import type { Replica, Tx } from '../replica/replica.ts';
import type { Keystore } from '../storage/keystore.ts';

/** A one-epoch receive key, by the slot in which it was promised. 32 bytes each. */
export interface ReceiveSecret {
  readonly slot: number;
  readonly publicKey: Bytes;
  readonly privateKey: Bytes;
}

/** A key for one request or invitation: gone when it is used, refused or past its deadline, or after a reboot. */
export interface OneTimeSecret {
  readonly id: Bytes;
  readonly bootId: string;
  /** On the monotonic clock, ms. */
  readonly deadline: number;
  readonly secret: Bytes;
}

export interface Secrets {
  readonly deviceId: Bytes;
  readonly signSeed: Bytes;
  readonly signKey: Bytes;
  readonly localKey: Bytes;
  /** Null while a device is joining. */
  readonly nameRoot: Bytes | null;
  readonly receive: readonly ReceiveSecret[];
  /** Mesh keys by epoch. */
  readonly mesh: ReadonlyMap<number, Bytes>;
  readonly oneTime: readonly OneTimeSecret[];
  /** KEK of an epoch, 32 bytes, on a device that may open the passport alone. */
  readonly kept: { readonly epoch: number; readonly kek: Bytes } | null;
}

type Encoded = [
  number,
  [Bytes, Bytes, Bytes, Bytes, Bytes | null],
  [number, Bytes, Bytes][],
  [number, Bytes][],
  [Bytes, string, number, Bytes][],
  [number, Bytes] | null,
];

function secretsValue(secrets: Secrets): Value {
  const { deviceId, signSeed, signKey, localKey, nameRoot } = secrets;
  return [
    1,
    [deviceId, signSeed, signKey, localKey, nameRoot],
    secrets.receive.map((key) => [key.slot, key.publicKey, key.privateKey]),
    [...secrets.mesh],
    secrets.oneTime.map((key) => [key.id, key.bootId, Math.ceil(key.deadline), key.secret]),
    secrets.kept && [secrets.kept.epoch, secrets.kept.kek],
  ];
}

function toSecrets(value: Value): Secrets {
  const [, [deviceId, signSeed, signKey, localKey, nameRoot], receive, mesh, oneTime, kept] = value as Encoded;
  return {
    ...{ deviceId, signSeed, signKey, localKey, nameRoot },
    receive: receive.map(([slot, publicKey, privateKey]) => ({ slot, publicKey, privateKey })),
    mesh: new Map(mesh),
    oneTime: oneTime.map(([id, bootId, deadline, secret]) => ({ id, bootId, deadline, secret })),
    kept: kept && { epoch: kept[0], kek: kept[1] },
  };
}

/** Loads and replaces the secrets of one home. */
export class SecretsBox {
  readonly #keystore: Keystore;
  readonly #key: Bytes;
  readonly #pid: Bytes;
  readonly #random: Random;
  #known: { name: string; secrets: Secrets } | undefined;
  /** A blob was replaced by this process and may still lie in the keystore. */
  #stale = false;

  constructor(keystore: Keystore, key: Bytes, pid: Bytes, random: Random) {
    this.#keystore = keystore;
    this.#key = key;
    this.#pid = pid;
    this.#random = random;
  }

  /** The 32-byte key of the keystore, for a session. */
  get key(): Bytes {
    return this.#key;
  }

  #context() {
    const owner = new Uint8Array(0);
    return {
      layer: 'keystore',
      epoch: 0,
      key: this.#key,
      pid: this.#pid,
      kind: 'keystore',
      owner,
      sequence: 0,
    } as const;
  }

  /** The blob under a name; `keystore-unavailable` when it is gone. */
  async load(name: string): Promise<Secrets> {
    if (this.#known?.name === name) return this.#known.secrets;
    const sealed = await this.#keystore.load(name);
    if (sealed === undefined) {
      throw new PassportError('keystore-unavailable', 'the keystore of this device is gone', {
        hint: 'Recover on this machine as a new device, with the approval of the other holders.',
      });
    }
    const secrets = toSecrets(decode(await openObject(this.#context(), sealed)));
    this.#known = { name, secrets };
    return secrets;
  }

  /** The secrets that the transaction sees. */
  async read(tx: Tx): Promise<Secrets> {
    const name = await tx.note('keystore');
    if (name === undefined) throw new PassportError('no-passport', 'there is no passport in this home');
    return this.load(fromUtf8(name));
  }

  /** Saves a new blob and has the transaction name it. If the transaction fails, the blob is rubbish and is pruned later. */
  async write(tx: Tx, secrets: Secrets): Promise<void> {
    const before = await tx.note('keystore');
    const number = before === undefined ? 1 : Number.parseInt(fromUtf8(before), 10) + 1;
    const name = `${String(number).padStart(8, '0')}-${base32(randomBytes(this.#random, 10))}`;
    await this.#keystore.save(name, await sealObject(this.#context(), encode(secretsValue(secrets)), this.#random));
    tx.setNote('keystore', utf8(name));
    tx.set(REPLACED, true);
    this.#stale = true;
    this.#known = { name, secrets };
  }

  /**
   * Overwrites and removes the blobs that no transaction names any more: if this process replaced one, or with `any`, when
   * another one did that was killed before it came to this.
   */
  async prune(replica: Pick<Replica, 'transact'>, any = false): Promise<void> {
    if (!this.#stale && !any) return;
    this.#stale = false;
    const name = await replica.transact(async (tx) =>
      (await tx.get(REPLACED)) === true ? tx.note('keystore') : undefined,
    );
    if (name === undefined) return;
    await this.#keystore.prune(fromUtf8(name));
    await replica.transact(async (tx) => {
      const now = await tx.note('keystore');
      if (now !== undefined && equal(now, name)) tx.delete(REPLACED);
    });
  }
}

/** The cell that says that a blob was replaced and may still lie in the keystore. */
const REPLACED = 'keystore-replaced';

/** The secret half of a receive key that an entry lists for this device. */
export function receivePrivate(secrets: Secrets, publicKey: Bytes): Bytes | undefined {
  return secrets.receive.find((key) => equal(key.publicKey, publicKey))?.privateKey;
}

export function withOneTime(secrets: Secrets, added: OneTimeSecret): Secrets {
  return { ...withoutOneTime(secrets, added.id), oneTime: [...withoutOneTime(secrets, added.id).oneTime, added] };
}

export function withoutOneTime(secrets: Secrets, id: Bytes): Secrets {
  return { ...secrets, oneTime: secrets.oneTime.filter((key) => !equal(key.id, id)) };
}

/** The one-time secret of a request of this boot before its deadline. */
export function oneTime(secrets: Secrets, id: Bytes, now: { bootId: string; monotonic: number }): Bytes | undefined {
  const found = secrets.oneTime.find((key) => hex(key.id) === hex(id));
  if (found === undefined || found.bootId !== now.bootId || found.deadline < now.monotonic) return undefined;
  return found.secret;
}
