/**
 * A stored passport of vectors/compat/v1 in a world of its own, and a home for one of its devices from nothing but the secrets of
 * its keystore and the store, as a device gets in that was let in (docs/protocol.md, 5, Getting in).
 */
import { readFile, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

import { fromHex } from '../../src/bytes.ts';
import { keepDecided } from '../../src/ceremonies/decide.ts';
import { enterAsDevice, lookAround, passportsIn } from '../../src/ceremonies/enter.ts';
import { keepGrants } from '../../src/ceremonies/grants.ts';
import { argon2idWasm } from '../../src/crypto/argon2.ts';
import { anchorNote, Device } from '../../src/device/device.ts';
import { type Secrets, SecretsBox } from '../../src/device/secrets.ts';
import { Passport } from '../../src/index.ts';
import { openReplica } from '../../src/replica/replica.ts';
import { setStorePlaces } from '../../src/sync/ledger.ts';
import { type Home, type Member, World } from '../helpers/mesh.ts';

export const STATES = join(import.meta.dirname, '..', '..', 'vectors', 'compat', 'v1');

export interface StoredDevice {
  readonly name: string;
  readonly id: string;
  readonly signSeed: string;
  readonly signKey: string;
  readonly receive: readonly { readonly publicKey: string; readonly privateKey: string }[];
}

export interface Description {
  readonly state: string;
  readonly pid?: string;
  readonly head?: {
    readonly slot: number;
    readonly entry: string;
    readonly epoch: number;
    readonly threshold: number;
  };
  readonly passphrase: string;
  readonly oldPassphrase?: string;
  readonly kits: readonly string[];
  readonly devices?: readonly StoredDevice[];
  readonly records: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
  readonly conflicts?: readonly { readonly id: string; readonly key: string; readonly versions: readonly object[] }[];
  readonly quarantine?: readonly { readonly key: string; readonly device: string }[];
  readonly requests?: readonly {
    readonly id: string;
    readonly kind: string;
    readonly from: string;
    readonly number: number;
  }[];
}

/** The objects of a state in the store `memory:one` of a new world, and what its passport.json says. */
export async function storedPassport(state: string): Promise<{ world: World; description: Description }> {
  const world = new World(`compat ${state}`);
  const base = join(STATES, state, 'store');
  for (const entry of await readdir(base, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await world.store().put(relative(base, path).split(sep).join('/'), new Uint8Array(await readFile(path)));
  }
  const description = JSON.parse(await readFile(join(STATES, state, 'passport.json'), 'utf8')) as Description;
  return { world, description };
}

export function realHome(world: World, passphrase: string): Home {
  const home = world.home();
  home.environment.argon2id = argon2idWasm;
  home.passphrase = passphrase;
  return home;
}

/** The device opened in an empty home. */
export async function restored(
  world: World,
  { passphrase, ...description }: Description,
  name: string,
): Promise<Member> {
  const home = realHome(world, passphrase);
  const env = home.environment;
  const stored = description.devices?.find((each) => each.name === name);
  if (stored === undefined || description.head === undefined) throw new TypeError(`no secrets of "${name}"`);
  const pid = fromHex(description.pid ?? '');
  const [place] = await passportsIn(world.store());
  if (place === undefined) throw new TypeError('the store has no passport');
  const receive = stored.receive.map(({ publicKey, privateKey }) => ({
    ...{ slot: 0, publicKey: fromHex(publicKey), privateKey: fromHex(privateKey) },
  }));
  const found = await lookAround(world.store(), place);
  const entered = await enterAsDevice(pid, { id: fromHex(stored.id), receive }, fromHex(description.head.entry), found);
  if (entered === undefined) throw new TypeError(`"${name}" does not get in`);

  const localKey = env.random(32);
  const box = new SecretsBox(
    env.keystore,
    await env.keystore.createKey(() => Promise.resolve('device passphrase')),
    pid,
    env.random,
  );
  const device = Device.with(env, pid, box, openReplica({ journal: home.journal, localKey, pid, random: env.random }));
  const instance = device.bytes(16);
  const secrets: Secrets = {
    ...{ deviceId: fromHex(stored.id), signSeed: fromHex(stored.signSeed), signKey: fromHex(stored.signKey) },
    ...{ localKey, receive, nameRoot: entered.nameRoot, mesh: entered.mesh, oneTime: [], kept: null },
  };
  await device.replica.transact(async (tx) => {
    await box.write(tx, secrets);
    tx.setNote('passport', pid);
    device.setState(tx, entered.state);
    tx.set('instance', instance);
    setStorePlaces(tx, [place]);
    for (const { slot, bytes } of entered.objects) await keepDecided(tx, slot, bytes);
    await keepGrants(tx, entered.grants);
  });
  await env.anchor.write(anchorNote(instance, await home.journal.generation()));
  return { passport: await Passport.open(env), home };
}
