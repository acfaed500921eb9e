/**
 * Makes the stored passports of vectors/compat/v1 from fixed randomness and a fixed clock. They are kept for ever: this is
 * run once for a format, and a folder that exists is never written again.
 */
import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { type Bytes, hex, utf8 } from '../../../src/bytes.ts';
import { argon2idWasm } from '../../../src/crypto/argon2.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { parseName } from '../../../src/format/names.ts';
import type { Kit } from '../../../src/index.ts';
import { head, headSlot } from '../../../src/registry/state.ts';
import { inside } from '../../helpers/hostile.ts';
import { contents, type Home, type Member, MINUTE, PASSPHRASE, words, World } from '../../helpers/mesh.ts';

/** The least that the format allows: 19 MiB, 7 passes. */
const COST = { memoryKiB: 19_456, passes: 7, lanes: 1 };
const MADE = '2026-11-21, format 1';

const RECORDS: readonly (readonly [key: string, value: Bytes])[] = [
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

function realHome(world: World): Home {
  const home = world.home();
  home.environment.argon2id = argon2idWasm;
  home.environment.argon2Cost = COST;
  return home;
}

async function created(seed: string): Promise<{ world: World; laptop: Member; kits: Kit[] }> {
  const world = new World(seed);
  const laptop = await world.create('laptop', { home: realHome(world) });
  return { world, laptop, kits: laptop.kits };
}

interface Expected {
  readonly state: string;
  readonly passphrase?: string;
  readonly kits?: readonly string[];
  readonly records: readonly (readonly [key: string, value: Bytes])[];
  /** Whose secrets are written down, and what each of them says: name and member. */
  readonly devices?: Readonly<Record<string, Member>>;
  readonly more?: object;
}

/** Every object of the store, and what must come out of them. */
async function save(folder: string, world: World, laptop: Member, expected: Expected): Promise<void> {
  for (const [name, bytes] of await contents(world.store())) {
    const path = join(folder, 'store', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  const device = await inside(laptop.home);
  const at = await device.asMember(async ({ state }) => ({
    ...{ slot: headSlot(state), entry: hex(head(state).id), epoch: state.epoch, threshold: state.threshold },
  }));
  const devices = [];
  for (const [name, member] of Object.entries(expected.devices ?? {})) devices.push(await secretsOf(name, member));
  const description = {
    state: expected.state,
    made: MADE,
    pid: hex(device.pid),
    head: at,
    passphrase: expected.passphrase ?? PASSPHRASE,
    kits: expected.kits ?? [],
    devices,
    records: Object.fromEntries(
      expected.records.map(([key, value]) => [key, { bytes: value.length, sha256: hex(sha256(value)) }]),
    ),
    ...expected.more,
  };
  await writeFile(join(folder, 'passport.json'), `${JSON.stringify(description, undefined, 2)}\n`);
}

/** What a device keeps in its keystore, as far as it is needed to get in again with an empty home. */
async function secretsOf(name: string, { home }: Member) {
  const device = await inside(home);
  return device.asMember(async ({ secrets }) => ({
    ...{ name, id: hex(secrets.deviceId), signSeed: hex(secrets.signSeed), signKey: hex(secrets.signKey) },
    receive: secrets.receive.map(({ publicKey, privateKey }) => ({
      publicKey: hex(publicKey),
      privateKey: hex(privateKey),
    })),
  }));
}

/** A passport of one device and two kits, with a few records, one of them deleted and one written twice. */
async function fresh(folder: string): Promise<void> {
  const { world, laptop, kits } = await created('compat-v1-fresh');
  const { passport } = laptop;
  for (const [key, value] of RECORDS) await passport.put(key, value);
  await passport.put('gone', 'this was deleted');
  await passport.delete('gone');
  await passport.put('empty', 'not any more');
  await passport.put('empty', new Uint8Array(0));
  await passport.sync();
  const state = 'one device and two kits, 2 of 3, epoch 0';
  await save(folder, world, laptop, { state, kits: kits.map(words), records: RECORDS });
}

/** Laptop, phone and the first kit: the phone took the place of the second one. Records by both, all synced. */
async function twoDevices(seed: string): Promise<{ world: World; laptop: Member; phone: Member; kit: string }> {
  const { world, laptop, kits } = await created(seed);
  for (const [key, value] of RECORDS) await laptop.passport.put(key, value);
  const kit = words(kits[0]!);
  const phone = await world.enroll('phone', laptop, { kits: [kit], home: realHome(world) });
  await laptop.passport.sync();
  await world.unlock(laptop, phone);
  await world.unlock(phone, laptop);
  await phone.passport.put('phone/known', 'everybody has this');
  for (const member of [phone, laptop, phone]) await member.passport.sync();
  return { world, laptop, phone, kit };
}

const KNOWN = ['phone/known', utf8('everybody has this')] as const;

async function devices(folder: string): Promise<void> {
  const { world, laptop, phone } = await twoDevices('compat-v1-devices');
  const tablet = await world.enroll('tablet', laptop, { approvers: [phone], home: realHome(world) });
  for (const member of [laptop, phone, tablet]) await member.passport.sync();
  await world.unlock(tablet, phone);
  await tablet.passport.put('tablet/late', 'written in epoch 2');
  for (const member of [tablet, laptop, phone]) await member.passport.sync();
  await save(folder, world, laptop, {
    state:
      'three devices, 2 of 3, no kit, epoch 2: open with the keystore secrets of any two of them and the passphrase',
    devices: { laptop, phone, tablet },
    records: [...RECORDS, KNOWN, ['tablet/late', utf8('written in epoch 2')]],
  });
}

async function revoked(folder: string): Promise<void> {
  const { world, laptop, phone, kit } = await twoDevices('compat-v1-revoked');
  const kits: Kit[] = [];
  const keepKits = async (made: readonly Kit[]) => void kits.push(...made);
  await laptop.passport.revoke('phone', { passphrase: PASSPHRASE, timeoutMs: 0, kits: [kit], keepKits });
  await laptop.passport.put('after', 'the phone never sees this');
  await laptop.passport.sync();
  // The phone does not know yet: its store shows it nothing newer, and takes what it wrote.
  await phone.passport.put('phone/late', 'written after the cut');
  await phone.passport.put('wallet/seed', 'overwritten after the cut');
  const { objects } = world.store();
  const hidden = [...objects].filter(([name]) => parseName(name)?.kind === 'registry');
  for (const [name] of hidden) objects.delete(name);
  await phone.passport.sync();
  for (const [name, bytes] of hidden) objects.set(name, bytes);
  await laptop.passport.sync();
  await save(folder, world, laptop, {
    state:
      'a phone was revoked and a kit took its place, 2 of 3, epoch 2: open with the two kits and the passphrase; what the phone wrote later is in quarantine',
    kits: [kit, words(kits[0]!)],
    devices: { laptop },
    records: [...RECORDS, KNOWN, ['after', utf8('the phone never sees this')]],
    more: {
      quarantine: [
        { key: 'phone/late', device: 'phone' },
        { key: 'wallet/seed', device: 'phone' },
      ],
    },
  });
}

async function conflict(folder: string): Promise<void> {
  const { world, laptop, phone, kit } = await twoDevices('compat-v1-conflict');
  laptop.home.clock.pass(MINUTE);
  phone.home.clock.pass(MINUTE);
  await laptop.passport.put('wallet/seed', 'by the laptop');
  phone.home.clock.pass(1000);
  await phone.passport.put('wallet/seed', 'by the phone, a second later');
  await phone.passport.put('notes/plain', 'no conflict');
  await laptop.passport.delete('empty');
  await phone.passport.put('empty', 'not empty any more');
  for (const member of [laptop, phone, laptop, phone]) await member.passport.sync();
  const found = await laptop.passport.conflicts();
  const values = new Map(RECORDS);
  values.set('wallet/seed', utf8('by the phone, a second later'));
  values.set('empty', utf8('not empty any more'));
  await save(folder, world, laptop, {
    state:
      'two devices and a kit, 2 of 3, epoch 1, two records in conflict: open with the secrets of one device, the kit and the passphrase; "records" holds the winners',
    kits: [kit],
    devices: { laptop, phone },
    records: [...values, KNOWN, ['notes/plain', utf8('no conflict')]],
    more: { conflicts: found.map(({ id, key, versions }) => ({ id, key, versions: versions.map(versionOf) })) },
  });
}

function versionOf(version: { version: string; device: string; deleted: boolean; size: number; winner: boolean }) {
  const { device, deleted, size, winner } = version;
  return { version: version.version, device, deleted, bytes: size, winner };
}

async function voting(folder: string): Promise<void> {
  const { world, laptop, phone, kit } = await twoDevices('compat-v1-voting');
  const change = await laptop.passport.reshare({ threshold: 3, noSpare: true, passphrase: PASSPHRASE, timeoutMs: 0 });
  if (change.state !== 'waiting') throw new Error(`the change is ${change.state}`);
  await laptop.passport.sync();
  await save(folder, world, laptop, {
    state:
      'two devices and a kit, 2 of 3, epoch 1, in the middle of the vote on slot 2: the laptop asks for N = 3 and has promised and approved; open with the secrets of one device, the kit and the passphrase',
    kits: [kit],
    devices: { laptop, phone },
    records: [...RECORDS, KNOWN],
    more: {
      requests: [
        { id: change.id, kind: 'change', from: 'laptop', slot: 2, threshold: 3, number: world.number(change.id) },
      ],
    },
  });
}

async function passphrase(folder: string): Promise<void> {
  const { world, laptop, kits } = await created('compat-v1-passphrase');
  const typed = kits.map(words);
  for (const [key, value] of RECORDS) await laptop.passport.put(key, value);
  await laptop.passport.sync();
  const newPassphrase = ' ein neuer Satz mit Ümlauten und ﬁ-Ligatur ';
  const argon2Cost = { memoryKiB: 32_768, passes: 4, lanes: 2 };
  const options = { passphrase: PASSPHRASE, newPassphrase, argon2Cost, kits: [typed[0]!], timeoutMs: 0 };
  const change = await laptop.passport.changePassphrase(options);
  if (change.state !== 'decided') throw new Error(`the change is ${change.state}`);
  await laptop.passport.put('after', 'under the new passphrase');
  await laptop.passport.sync();
  await save(folder, world, laptop, {
    state:
      'one device and two kits, 2 of 3, epoch 1, after a new passphrase with another salt and cost: open with the two kits; the old passphrase opens nothing',
    passphrase: newPassphrase,
    kits: typed,
    devices: { laptop },
    records: [...RECORDS, ['after', utf8('under the new passphrase')]],
    more: { oldPassphrase: PASSPHRASE },
  });
}

const STATES: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  fresh,
  devices,
  revoked,
  conflict,
  voting,
  passphrase,
};

/** Makes what is not there; what is there is never touched. */
export async function makeCompat(root: string): Promise<void> {
  for (const [state, make] of Object.entries(STATES)) {
    const target = join(root, state);
    if (await exists(target)) {
      process.stdout.write(`${target} is there and stays as it is\n`);
      continue;
    }
    await make(target);
    process.stdout.write(`made ${target}\n`);
  }
}
