/** What lies in a home, changed by somebody who has the disk and not the keys. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Bytes, utf8 } from '../../src/bytes.ts';
import { DEFAULT_COST } from '../../src/crypto/argon2.ts';
import { sealObject } from '../../src/crypto/object.ts';
import { SecretsBox } from '../../src/device/secrets.ts';
import { loadSession, newSession, saveSession } from '../../src/device/session.ts';
import type { PassportErrorCode } from '../../src/errors.ts';
import { createKeystore } from '../../src/node/keystore.ts';
import { encodeHeader } from '../../src/node/keystore-header.ts';
import { createMemoryKeystore } from '../../src/storage/memory-home.ts';
import type { SessionVault } from '../../src/storage/session.ts';
import { cheapArgon2id } from '../helpers/mesh.ts';
import { seededRandom } from '../helpers/random.ts';
import { type Decoder, textOf } from './decoder.ts';
import { decoder } from './decoders-format.ts';
import type { Harvest } from './harvest.ts';
import { Rng } from './rng.ts';
import { Wrong } from './target.ts';

const SHAPED = ['decryption-failed', 'unsupported', 'malformed'] as const;

/** The same salts for every input. */
const chance = () => seededRandom('sealed again');

export async function homeDecoders({ scene, home: machine }: Harvest): Promise<Decoder[]> {
  const { pid } = scene;
  const { clock, sessions } = machine;
  const rng = new Rng('home');
  const session = { ...newSession(clock, rng.bytes(32), 1, 60_000), keystoreKey: rng.bytes(32) };
  const secret = await saveSession(sessions, pid, session, clock, chance());
  const kept = sessions.kept as { sealed: Bytes; fileSecret: Bytes };
  const stored = (sealed: Bytes, fileSecret: Bytes): SessionVault => ({
    save: async () => undefined,
    load: async () => ({ sealed, fileSecret }),
    clear: async () => undefined,
  });
  const [[blobName, blob] = []] = [...machine.keystore.blobs].slice(-1);
  const key = await machine.keystore.openKey();
  return [
    decoder({
      ...{ name: 'device/session.loadSession', samples: [kept.sealed], genuine: true, codes: [] },
      decode: (input) => loadSession(stored(input, kept.fileSecret), pid, secret, clock),
    }),
    decoder({
      ...{ name: 'device/session.loadSession, its file', samples: [kept.fileSecret], genuine: true, codes: [] },
      decode: (input) => loadSession(stored(kept.sealed, input), pid, secret, clock),
    }),
    decoder({
      ...{
        name: 'device/session.loadSession, its secret',
        text: true,
        samples: [utf8(secret)],
        genuine: true,
        codes: [],
      },
      decode: (input) => loadSession(stored(kept.sealed, kept.fileSecret), pid, textOf(input), clock),
    }),
    decoder({
      ...{ name: 'device/secrets.SecretsBox.load', samples: [blob as Bytes], genuine: true, codes: SHAPED },
      decode: (input) => {
        const keystore = { ...createMemoryKeystore(chance()), load: async () => input };
        return new SecretsBox(keystore, key, pid, chance()).load(blobName as string);
      },
    }),
    decoder({
      ...{ name: 'node/keystore.createKeystore, openKey', samples: await headers(), codes: HEADER_CODES },
      decode: openKey,
    }),
  ];
}

const HEADER_CODES = [
  ...['damaged', 'unsupported', 'parameters-refused', 'decryption-failed'],
  ...['wrong-device-passphrase', 'keystore-unavailable'],
] as const satisfies readonly PassportErrorCode[];

/** One of each kind. */
async function headers(): Promise<Bytes[]> {
  const rng = new Rng('headers');
  const salt = rng.bytes(16);
  const wrapping = await cheapArgon2id(utf8('x'), salt, DEFAULT_COST);
  const at = { layer: 'keystore', epoch: 0, key: wrapping, kind: 'keystore-key', sequence: 0 } as const;
  const context = { ...at, pid: new Uint8Array(32), owner: new Uint8Array(0) };
  const sealed = await sealObject(context, rng.bytes(32), chance());
  return [
    encodeHeader({ kind: 'file', salt, cost: DEFAULT_COST, sealed }),
    encodeHeader({ kind: 'keychain', account: 'abc' }),
    encodeHeader({ kind: 'plain', key: rng.bytes(32) }),
  ];
}

/** The header as a file that a keystore opens; Argon2id is asked for no cost outside docs/protocol.md, 3. */
async function openKey(header: Bytes): Promise<Bytes> {
  const directory = await mkdtemp(join(tmpdir(), 'passport-fuzz-'));
  try {
    await writeFile(join(directory, 'header.cbor'), header);
    const keystore = createKeystore({
      ...{ directory, kind: 'file', random: chance() },
      argon2id: async (password, salt, cost) => {
        if (cost.memoryKiB > 524_288 || cost.passes > 10) throw new Wrong('memory', JSON.stringify(cost));
        return cheapArgon2id(password, salt, cost);
      },
      keychain: { get: async () => undefined, set: async () => undefined },
    });
    return await keystore.openKey(async () => 'x');
  } finally {
    await rm(directory, { recursive: true });
  }
}
