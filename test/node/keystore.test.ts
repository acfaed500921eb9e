/** The keystore on disk. Argon2id is a quick stand-in here except where its answers matter; argon2.test.ts has the real one. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Bytes, concat, copy, hex, utf8 } from '../../src/bytes.ts';
import { encode } from '../../src/cbor.ts';
import { isPassportError } from '../../src/errors.ts';
import type { Keychain } from '../../src/node/keychain.ts';
import { createKeystore, type KeystoreOptions } from '../../src/node/keystore.ts';
import type { Argon2id } from '../../src/platform.ts';
import { runChild } from '../helpers/child.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';
import { temporaryDirectory } from '../helpers/temp.ts';

const quick: Argon2id = async (password, salt) => copy(createHash('sha256').update(concat(salt, password)).digest());

function keystoreIn(directory: string, options: Partial<KeystoreOptions> = {}) {
  return createKeystore({ directory, kind: 'file', argon2id: quick, random: seededRandom(directory), ...options });
}

const place = () => join(temporaryDirectory(), 'home', 'keystore');
const say = (passphrase: string) => async () => passphrase;
const never = () => Promise.reject(new Error('asked for a passphrase'));
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
const bytes = (...values: number[]) => Uint8Array.from(values);

function fakeKeychain(): Keychain & { entries: Map<string, Bytes> } {
  const entries = new Map<string, Bytes>();
  return {
    entries,
    set: async (account, secret) => void entries.set(account, copy(secret)),
    get: async (account) => entries.get(account),
  };
}

describe('a keystore of kind file', () => {
  it('gives its key for the device passphrase, to any process', async () => {
    const directory = place();
    const key = await keystoreIn(directory).createKey(say('swordfish'));
    expect(key).toHaveLength(32);
    expect(await keystoreIn(directory).openKey(say('swordfish'))).toEqual(key);
  });

  it('takes the passphrase in any Unicode form', async () => {
    const directory = place();
    const key = await keystoreIn(directory).createKey(say('Zu\u0308rich'));
    expect(await keystoreIn(directory).openKey(say('Z\u00fcrich'))).toEqual(key);
  });

  it('says wrong-device-passphrase for another one', async () => {
    const directory = place();
    await keystoreIn(directory).createKey(say('swordfish'));
    expect(await rejectionOf(keystoreIn(directory).openKey(say('Swordfish')))).toBe('wrong-device-passphrase');
    expect(await rejectionOf(keystoreIn(directory).openKey(say('')))).toBe('passphrase-invalid');
  });

  it('keeps the key nowhere in clear', async () => {
    const directory = place();
    const key = await keystoreIn(directory).createKey(say('swordfish'));
    const files = readdirSync(directory).map((name) => readFileSync(join(directory, name)));
    expect(files.some((file) => file.includes(Buffer.from(key)) || file.includes('swordfish'))).toBe(false);
  });

  it('uses the cost and the salt in its header, so a later default changes nothing', async () => {
    const directory = place();
    const seen: unknown[] = [];
    const argon2id: Argon2id = (password, salt, cost) => {
      seen.push([hex(salt), cost]);
      return quick(password, salt, cost);
    };
    const cost = { memoryKiB: 131_072, passes: 2, lanes: 1 };
    await keystoreIn(directory, { argon2id, cost }).createKey(say('swordfish'));
    await keystoreIn(directory, { argon2id }).openKey(say('swordfish'));
    expect(seen).toEqual([seen[0], seen[0]]);
    expect(seen[0]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), cost]);
  });
});

describe('a keystore of kind plain', () => {
  it('asks for nothing', async () => {
    const directory = place();
    const key = await keystoreIn(directory, { kind: 'plain' }).createKey(never);
    expect(await keystoreIn(directory).openKey(never)).toEqual(key);
  });
});

describe('a keystore of kind keychain', () => {
  it('keeps its key in the keychain and only the name of the entry in its header', async () => {
    const directory = place();
    const keychain = fakeKeychain();
    const key = await keystoreIn(directory, { kind: 'keychain', keychain }).createKey(never);
    expect([...keychain.entries.values()]).toEqual([key]);
    expect(readFileSync(join(directory, 'header.cbor')).includes(Buffer.from(key))).toBe(false);
    expect(await keystoreIn(directory, { keychain }).openKey(never)).toEqual(key);
  });

  it('is keystore-unavailable when the entry is gone', async () => {
    const directory = place();
    await keystoreIn(directory, { kind: 'keychain', keychain: fakeKeychain() }).createKey(never);
    const opened = keystoreIn(directory, { keychain: fakeKeychain() }).openKey(never);
    expect(await rejectionOf(opened)).toBe('keystore-unavailable');
  });

  it.runIf(process.env['DBUS_SESSION_BUS_ADDRESS'] === undefined && process.platform === 'linux')(
    'is keystore-unavailable with a hint, and makes nothing, where there is no keychain',
    async () => {
      const directory = place();
      const error: unknown = await keystoreIn(directory, { kind: 'keychain' })
        .createKey(never)
        .catch((failure: unknown) => failure);
      expect(isPassportError(error, 'keystore-unavailable')).toBe(true);
      expect(isPassportError(error) && error.hint).toContain('--keystore file');
      expect(existsSync(directory)).toBe(false);
    },
  );
});

describe('the kind', () => {
  it('is the one asked for until there is a keystore, then that of the keystore', async () => {
    const directory = place();
    expect(keystoreIn(directory).kind).toBe('file');
    const plain = keystoreIn(directory, { kind: 'plain' });
    await plain.createKey(never);
    expect(plain.kind).toBe('plain');
    expect(keystoreIn(directory).kind).toBe('plain');
  });
});

describe('a keystore that is already there', () => {
  it('is opened, never replaced: a passport may depend on it', async () => {
    const directory = place();
    const key = await keystoreIn(directory).createKey(say('swordfish'));
    expect(await keystoreIn(directory, { random: seededRandom(2) }).createKey(say('swordfish'))).toEqual(key);
    const wrong = keystoreIn(directory).createKey(say('other'));
    expect(await rejectionOf(wrong)).toBe('wrong-device-passphrase');
    expect(await keystoreIn(directory).openKey(say('swordfish'))).toEqual(key);
  });

  it('is not taken for one of another kind', async () => {
    const directory = place();
    await keystoreIn(directory, { kind: 'plain' }).createKey(never);
    expect(await rejectionOf(keystoreIn(directory).createKey(say('swordfish')))).toBe('keystore-unavailable');
  });

  it('is opened also when another process makes it while the person types', async () => {
    const directory = place();
    let other: Bytes | undefined;
    const key = await keystoreIn(directory).createKey(async () => {
      other ??= await keystoreIn(directory, { random: seededRandom(2) }).createKey(say('swordfish'));
      return 'swordfish';
    });
    expect(key).toEqual(other);
    expect(readdirSync(join(directory, '..'))).toEqual(['keystore']);
  });

  it('is one, however many processes create it at once', async () => {
    const directory = place();
    mkdirSync(directory, { recursive: true }); // an empty directory is not a keystore yet
    const attempts = Array.from({ length: 4 }, () => runChild('keystore-create.ts', [directory, 'plain', '']));
    const keys = new Set((await Promise.all(attempts)).flat());
    expect([...keys]).toEqual([hex(await keystoreIn(directory).openKey(never))]);
    expect(readdirSync(join(directory, '..'))).toEqual(['keystore']);
  });
});

describe('a header', () => {
  const header = (...value: Parameters<typeof encode>[0][] & unknown[]) => encode(value);
  const salt = new Uint8Array(16);
  const sealed = new Uint8Array(100);

  it.each([
    ['missing', undefined, 'keystore-unavailable'],
    ['empty', bytes(), 'damaged'],
    ['not CBOR', utf8('{"kind":"file"}'), 'damaged'],
    ['of something else', header('something else', 1, 'plain', new Uint8Array(32)), 'damaged'],
    ['of a later version', header('passport-mesh keystore', 2, 'plain', new Uint8Array(32)), 'unsupported'],
    ['of an unknown kind', header('passport-mesh keystore', 1, 'cloud', 'x'), 'damaged'],
    ['with a short key', header('passport-mesh keystore', 1, 'plain', new Uint8Array(31)), 'damaged'],
    ['without its key', header('passport-mesh keystore', 1, 'file', salt, 65_536, 3, 4), 'damaged'],
    [
      'that asks for too much memory',
      header('passport-mesh keystore', 1, 'file', salt, 600_000, 3, 4, sealed),
      'parameters-refused',
    ],
    [
      'that asks for too little work',
      header('passport-mesh keystore', 1, 'file', salt, 19_456, 1, 4, sealed),
      'parameters-refused',
    ],
    [
      'with a short salt',
      header('passport-mesh keystore', 1, 'file', bytes(1), 65_536, 3, 4, sealed),
      'parameters-refused',
    ],
  ])('%s is refused by name', async (_, content, code) => {
    const directory = place();
    mkdirSync(directory, { recursive: true });
    if (content !== undefined) writeFileSync(join(directory, 'header.cbor'), content);
    expect(await rejectionOf(keystoreIn(directory).openKey(say('swordfish')))).toBe(code);
  });
});

describe('the blobs', () => {
  it('come back under their name, whole, and replace each other', async () => {
    const directory = place();
    const keystore = keystoreIn(directory, { kind: 'plain' });
    await keystore.createKey(never);
    expect(await keystore.load('00000001-a')).toBeUndefined();
    await keystore.save('00000001-a', bytes(1, 2, 3));
    await keystore.save('00000001-a', bytes(4));
    expect(await keystoreIn(directory).load('00000001-a')).toEqual(bytes(4));
  });

  it('are for their owner only', async () => {
    const directory = place();
    const keystore = keystoreIn(directory, { kind: 'plain' });
    await keystore.createKey(never);
    await keystore.save('00000001-a', bytes(1));
    const modes = [directory, join(directory, '..'), join(directory, 'header.cbor'), join(directory, '00000001-a')].map(
      mode,
    );
    expect(modes).toEqual(['700', '700', '600', '600']);
  });

  it('are pruned up to the kept one, and the header and what is newer stay', async () => {
    const directory = place();
    const keystore = keystoreIn(directory, { kind: 'plain' });
    await keystore.createKey(never);
    for (const name of ['00000001-a', '00000002-a', '00000002-b', '00000003-a']) await keystore.save(name, bytes(1));
    await keystore.prune('00000002-a');
    await keystore.prune('00000002-a');
    expect(readdirSync(directory).sort()).toEqual(['00000002-a', '00000003-a', 'header.cbor']);
  });

  it('half saved by a killed process are pruned too, when they are old', async () => {
    const directory = place();
    const keystore = keystoreIn(directory, { kind: 'plain' });
    await keystore.createKey(never);
    await keystore.save('00000001-a', bytes(1));
    const [old, young] = [`.${'0'.repeat(16)}.tmp`, `.${'f'.repeat(16)}.tmp`];
    for (const name of [old, young]) writeFileSync(join(directory, name), 'keys that this device shall forget');
    const longAgo = new Date(Date.now() - 61 * 60 * 1000);
    for (const name of [old, '00000001-a']) utimesSync(join(directory, name), longAgo, longAgo);
    await keystore.prune('00000001-a');
    expect(readdirSync(directory).sort()).toEqual([young, '00000001-a', 'header.cbor']);
  });

  it('under a name outside the grammar are a TypeError', async () => {
    const keystore = keystoreIn(place());
    for (const name of ['', '..', '../a', 'a/b', 'A', 'header.cbor']) {
      expect(await rejectionOf(keystore.save(name, bytes(1)))).toBe('TypeError');
      expect(await rejectionOf(keystore.load(name))).toBe('TypeError');
      expect(await rejectionOf(keystore.prune(name))).toBe('TypeError');
    }
  });

  it('in a home that cannot be written are home-unusable', async () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    expect(await rejectionOf(keystoreIn(join(file, 'keystore')).save('1', bytes(1)))).toBe('home-unusable');
    expect(await rejectionOf(keystoreIn(join(file, 'keystore')).createKey(say('swordfish')))).toBe('home-unusable');
  });
});
