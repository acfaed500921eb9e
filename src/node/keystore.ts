/**
 * The keystore in a directory (0700): `header.cbor` says how to get the key, every other file (0600) is one sealed blob.
 * The header is made once and never replaced, so two processes that both create a keystore end up with one key. A header
 * that an earlier attempt left behind is used again: nobody can know from here that no passport depends on it.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { base32, type Bytes, copy, wipe } from '../bytes.ts';
import { checkCost, DEFAULT_COST, passphraseBytes } from '../crypto/argon2.ts';
import { openObject, sealObject } from '../crypto/object.ts';
import { randomBytes } from '../crypto/random.ts';
import { isPassportError, PassportError } from '../errors.ts';
import type { Argon2Cost, Argon2id, Random } from '../platform.ts';
import { checkBlobName, isReplaced } from '../storage/blob-name.ts';
import type { AskDevicePassphrase, Keystore, KeystoreKind } from '../storage/keystore.ts';
import {
  hasCode,
  isTemporary,
  makePrivateDirectory,
  shredFile,
  shredOldTemporary,
  syncDirectory,
  writeFileDurably,
} from './durable.ts';
import { inHome } from './home-error.ts';
import { type Keychain, systemKeychain } from './keychain.ts';
import { decodeHeader, encodeHeader, type KeystoreHeader } from './keystore-header.ts';

export interface KeystoreOptions {
  readonly directory: string;
  /** What a new keystore becomes. One that is there keeps its own. */
  readonly kind: KeystoreKind;
  readonly argon2id: Argon2id;
  readonly random: Random;
  /** Of the device passphrase; default 64 MiB, 3 passes, 4 lanes. */
  readonly cost?: Argon2Cost | undefined;
  /** Default: the operating system's. */
  readonly keychain?: Keychain | undefined;
}

const HEADER = 'header.cbor';
const SALT_BYTES = 16;

/**
 * Reads nothing yet, except `kind`. Besides the errors of the port: `damaged`, `unsupported` and `parameters-refused` for a
 * header that is not ours, `disk-full`, `home-unusable`.
 */
export function createKeystore(options: KeystoreOptions): Keystore {
  const { directory, kind, argon2id, random, cost = DEFAULT_COST, keychain = systemKeychain } = options;

  async function newHeader(key: Bytes, ask: AskDevicePassphrase): Promise<KeystoreHeader> {
    if (kind === 'plain') return { kind, key };
    if (kind === 'keychain') {
      const account = base32(randomBytes(random, 16));
      await keychain.set(account, key);
      return { kind, account };
    }
    const salt = randomBytes(random, SALT_BYTES);
    const wrapping = await stretch(await ask(), salt, cost, argon2id);
    try {
      return { kind, salt, cost, sealed: await sealObject(keyContext(wrapping), key, random) };
    } finally {
      wipe(wrapping);
    }
  }

  async function keyOf(header: KeystoreHeader, ask: AskDevicePassphrase): Promise<Bytes> {
    if (header.kind === 'plain') return header.key;
    if (header.kind === 'keychain') {
      const key = await keychain.get(header.account);
      if (key?.length !== 32) throw unavailable("the key of this keystore is not in the operating system's keychain");
      return key;
    }
    checkCost(header.cost, header.salt);
    const wrapping = await stretch(await ask(), header.salt, header.cost, argon2id);
    try {
      return await openObject(keyContext(wrapping), header.sealed);
    } catch (error) {
      if (!isPassportError(error, 'decryption-failed')) throw error;
      throw new PassportError('wrong-device-passphrase', 'this is not the device passphrase of this keystore');
    } finally {
      wipe(wrapping);
    }
  }

  async function keyLeftBehind(header: KeystoreHeader, ask: AskDevicePassphrase): Promise<Bytes> {
    const hint = `An earlier attempt left a keystore in ${directory}: use it as it is, or remove it if no passport was made with it.`;
    if (header.kind !== kind) throw unavailable(`there already is a keystore of kind "${header.kind}"`, hint);
    try {
      return await keyOf(header, ask);
    } catch (error) {
      if (isPassportError(error, 'wrong-device-passphrase'))
        throw new PassportError(error.code, error.message, { hint });
      throw error;
    }
  }

  return {
    get kind() {
      try {
        return decodeHeader(copy(readFileSync(join(directory, HEADER)))).kind;
      } catch {
        return kind;
      }
    },

    createKey(ask) {
      return inHome(directory, async () => {
        const before = readHeader(directory);
        if (before !== undefined) return keyLeftBehind(before, ask);
        const key = randomBytes(random, 32);
        if (await writeHeader(directory, await newHeader(key, ask))) return key;
        return keyLeftBehind(readHeader(directory) as KeystoreHeader, ask);
      });
    },

    openKey(ask) {
      return inHome(directory, async () => {
        const header = readHeader(directory);
        if (header === undefined) throw unavailable(`there is no keystore in ${directory}`);
        return keyOf(header, ask);
      });
    },

    async save(name, sealed) {
      checkBlobName(name);
      await inHome(directory, () => writeFileDurably(join(directory, name), sealed, { mode: 0o600 }));
    },

    async load(name) {
      checkBlobName(name);
      return inHome(directory, async () => readIfThere(join(directory, name)));
    },

    async prune(keep) {
      checkBlobName(keep);
      const names = await readdir(directory).catch(() => []);
      for (const name of names) {
        if (isReplaced(name, keep)) await shredFile(join(directory, name)).catch(() => {});
        else if (isTemporary(name)) await shredOldTemporary(join(directory, name)).catch(() => {});
      }
    },
  };
}

/** The key is bound to nothing else: there is no passport yet when it is made. */
function keyContext(key: Bytes) {
  const [pid, owner] = [new Uint8Array(32), new Uint8Array(0)];
  return { layer: 'keystore', epoch: 0, key, pid, kind: 'keystore-key', owner, sequence: 0 } as const;
}

async function stretch(passphrase: string, salt: Bytes, cost: Argon2Cost, argon2id: Argon2id): Promise<Bytes> {
  const password = passphraseBytes(passphrase);
  try {
    return await argon2id(password, salt, cost);
  } finally {
    wipe(password);
  }
}

function readHeader(directory: string): KeystoreHeader | undefined {
  const bytes = readIfThere(join(directory, HEADER));
  return bytes && decodeHeader(bytes);
}

/**
 * False when there is a keystore already. The directory comes into being with its header by one rename, which fails onto a
 * directory with something in it: so of two processes only one makes it, and a crash leaves no half of it.
 */
async function writeHeader(directory: string, header: KeystoreHeader): Promise<boolean> {
  const home = dirname(directory);
  await makePrivateDirectory(home);
  const temporary = await mkdtemp(join(home, '.keystore-')); // 0700
  try {
    await writeFileDurably(join(temporary, HEADER), encodeHeader(header), { mode: 0o600 });
    await rename(temporary, directory);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'EPERM') && readIfThere(join(directory, HEADER)) !== undefined)
      return false;
    throw error;
  }
  await syncDirectory(home);
  return true;
}

/** Synchronous: for one small file that is several times faster, and every command waits for it. */
function readIfThere(path: string): Bytes | undefined {
  try {
    return copy(readFileSync(path));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function unavailable(message: string, hint?: string): PassportError {
  return new PassportError('keystore-unavailable', message, hint === undefined ? {} : { hint });
}
