/**
 * Makes the stored passports of vectors/compat/v1 from fixed randomness and a fixed clock. They are kept for ever: this is
 * run once for a format, and a folder that exists is never written again.
 */
import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { hex, utf8 } from '../../src/bytes.ts';
import { argon2idWasm } from '../../src/crypto/argon2.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { contents, type Member, PASSPHRASE, words, World } from '../helpers/mesh.ts';

/** The least that the format allows: 19 MiB, 7 passes. */
const COST = { memoryKiB: 19_456, passes: 7, lanes: 1 };

export const RECORDS: readonly (readonly [key: string, value: Uint8Array<ArrayBuffer>])[] = [
  ['ssh/id_ed25519', utf8('-----BEGIN OPENSSH PRIVATE KEY-----\nnot a real one\n-----END OPENSSH PRIVATE KEY-----\n')],
  ['wallet/seed', utf8('legal winner thank year wave sausage worth useful legal winner thank yellow')],
  ['accounts/bank.json', utf8('{"user":"anna","password":"correct horse"}')],
  ['empty', new Uint8Array(0)],
  ['notes/Grüße 🛂', utf8('Ein Schlüssel für alle Fälle')],
  ['binary', Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7) & 255)],
];

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function realWorld(seed: string): Promise<{ world: World; laptop: Member & { kits: Awaited<ReturnType<World['create']>>['kits'] } }> {
  const world = new World(seed);
  const home = world.home();
  const environment = { ...home.environment, argon2id: argon2idWasm, argon2Cost: COST };
  const laptop = await world.create('laptop', { home: { ...home, environment } });
  return { world, laptop };
}

/** A passport of one device and two kits, with a few records, one of them deleted and one written twice. */
async function fresh(folder: string): Promise<void> {
  const { world, laptop } = await realWorld('compat-v1-fresh');
  const { passport, kits } = laptop;
  for (const [key, value] of RECORDS) await passport.put(key, value);
  await passport.put('gone', 'this was deleted');
  await passport.delete('gone');
  await passport.put('empty', 'not any more');
  await passport.put('empty', new Uint8Array(0));
  await passport.sync();
  for (const [name, bytes] of await contents(world.store())) {
    const path = join(folder, 'store', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  const description = {
    state: 'one device and two kits, 2 of 3, epoch 0',
    made: '2026-11-21, format 1',
    passphrase: PASSPHRASE,
    kits: kits.map(words),
    records: Object.fromEntries(RECORDS.map(([key, value]) => [key, { bytes: value.length, sha256: hex(sha256(value)) }])),
  };
  await writeFile(join(folder, 'passport.json'), `${JSON.stringify(description, undefined, 2)}\n`);
}

const root = join(process.cwd(), 'vectors', 'compat', 'v1');
const target = join(root, 'fresh');
if (await exists(target)) {
  process.stdout.write(`${target} is there and stays as it is\n`);
} else {
  await fresh(target);
  process.stdout.write(`made ${target}\n`);
}
