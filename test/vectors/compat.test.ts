import { readFile, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

import { hex } from '../../src/bytes.ts';
import { argon2idWasm } from '../../src/crypto/argon2.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { Passport } from '../../src/index.ts';
import { World } from '../helpers/mesh.ts';

const root = join(import.meta.dirname, '..', '..', 'vectors', 'compat', 'v1');

interface Description {
  readonly passphrase: string;
  readonly kits: readonly string[];
  readonly records: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

async function stored(folder: string): Promise<{ world: World; description: Description }> {
  const world = new World(`compat ${folder}`);
  const base = join(root, folder, 'store');
  for (const entry of await readdir(base, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await world.store().put(relative(base, path).split(sep).join('/'), new Uint8Array(await readFile(path)));
  }
  const description = JSON.parse(await readFile(join(root, folder, 'passport.json'), 'utf8')) as Description;
  return { world, description };
}

describe('stored passports of format 1 open for ever', () => {
  it('fresh: two kits and the passphrase give every record, byte for byte', async () => {
    const { world, description } = await stored('fresh');
    const home = world.home();
    const passport = await Passport.recover(
      { ...home.environment, argon2id: argon2idWasm },
      { stores: ['memory:one'], name: 'desktop', kits: description.kits, passphrase: description.passphrase },
    );
    const found: Record<string, { bytes: number; sha256: string }> = {};
    for (const { key } of await passport.list()) {
      const value = (await passport.get(key))?.value ?? new Uint8Array(0);
      found[key] = { bytes: value.length, sha256: hex(sha256(value)) };
    }
    expect(found).toEqual(description.records);
  });
});
