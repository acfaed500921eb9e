/**
 * Found a passport: this device and M-1 kits, sealed N-of-M from the first byte (docs/protocol.md, 3 and 5). The kits are
 * shown, or written and read back, before anything is stored; then the whole beginning is one transaction.
 */
import { base32, type Bytes, hex, wipe } from '../bytes.ts';
import { encode } from '../cbor.ts';
import { DEFAULT_COST } from '../crypto/argon2.ts';
import { receiveKey } from '../crypto/hpke.ts';
import { holderId, meshLayerKey, passportId } from '../crypto/keys.ts';
import { kitKeys } from '../crypto/kit.ts';
import { guardRandom, randomBytes } from '../crypto/random.ts';
import { signingKey } from '../crypto/sign.ts';
import { kitWords, pidWords } from '../crypto/words.ts';
import { anchorNote, Device } from '../device/device.ts';
import { Passphrases } from '../device/passphrases.ts';
import { type Secrets, SecretsBox } from '../device/secrets.ts';
import { checkSessionTime, newSession, type OpenSession } from '../device/session.ts';
import { PassportError } from '../errors.ts';
import { type EntryCore, type Holder } from '../format/entry.ts';
import { checkDealt, type DealTerms, dealEpoch, finishEntry } from '../registry/deal.ts';
import { signAccept } from '../registry/messages.ts';
import { applyEntry, isSafePolicy } from '../registry/state.ts';
import { checkFounding, checkFoundingCertificate, founder, isHolderName } from '../registry/valid.ts';
import { openReplica } from '../replica/replica.ts';
import type { Random } from '../platform.ts';
import { setStorePlaces, type StorePlace } from '../sync/ledger.ts';
import type { CreateOptions, Environment, KeepKits, Kit } from '../types.ts';
import { keepDecided, sealDecided } from './decide.ts';
import { keepGrants } from './grants.ts';

export const DEFAULT_SESSION_MS = 8 * 60 * 60 * 1000;

/** A kit that is being made: its words, and its keys as a holder. */
export interface NewKit {
  readonly words: readonly string[];
  readonly holder: Holder;
  readonly signSeed: Bytes;
  readonly receivePrivate: Bytes;
}

export function makeKit(pid: Bytes | undefined, seat: number, number: number, random: Random): NewKit {
  const entropy = randomBytes(random, 32);
  const { signSeed, signKey, receivePrivate, receiveKey: key } = kitKeys(entropy);
  const id = pid === undefined ? new Uint8Array(16) : holderId(pid, signKey);
  const words = kitWords(entropy);
  wipe(entropy);
  return {
    words,
    signSeed,
    receivePrivate,
    holder: { seat, id, kind: 'kit', name: `kit-${number}`, signKey, receiveKey: key },
  };
}

/** What is printed on a kit's sheet. */
export function kitSheet(
  kit: NewKit,
  number: number,
  pid: Bytes,
  epoch: number,
  now: number,
  stores: readonly { url: string; id: string }[],
): Kit {
  return {
    words: kit.words,
    name: kit.holder.name,
    number,
    passport: hex(pid),
    passportWords: pidWords(pid),
    epoch,
    createdAtMs: now,
    stores,
  };
}

export function checkName(name: string): string {
  const normal = name.normalize('NFC').trim();
  // Unassigned ones too: a later Unicode may compose them otherwise.
  if (isHolderName(normal) && !/[\p{C}\p{Zl}\p{Zp}]/u.test(normal)) return normal;
  throw new PassportError('invalid-name', 'a name has 1 to 64 visible characters', {
    hint: 'Choose a short name like "laptop".',
  });
}

export async function newPassphrase(env: Environment, given: string | undefined): Promise<string> {
  return given ?? env.person.passphrase('new');
}

/** Asks for the device passphrase and refuses the vault's. */
export function deviceAsker(
  env: Environment,
  vaultPassphrase: string | undefined,
  about: 'new' | 'current',
): () => Promise<string> {
  return async () => {
    const text = await env.person.devicePassphrase(about);
    if (vaultPassphrase !== undefined && Passphrases.same(text, vaultPassphrase)) {
      throw new PassportError('passphrase-reused', 'the device passphrase must not be the passport’s passphrase', {
        hint: 'Whoever steals this disk could otherwise try passphrases of the passport on it.',
      });
    }
    return text;
  };
}

export interface Founded {
  readonly device: Device;
  readonly session: OpenSession;
}

export async function found(env: Environment, options: CreateOptions, keepKits: KeepKits): Promise<Founded> {
  const random = guardRandom(env.random);
  const threshold = options.threshold ?? 2;
  const count = options.holders ?? 3;
  const name = checkName(options.name);
  const sessionMs = options.sessionMs ?? DEFAULT_SESSION_MS;
  checkSessionTime(sessionMs);
  if (!isSafePolicy(threshold, count) || (threshold === count && options.noSpare !== true)) {
    throw new PassportError('policy-unsafe', `${threshold} of ${count} is not a safe mesh`, {
      hint: 'More than half of the holders must be needed, and fewer than all: 2 of 3, 3 of 5, 4 of 7 … (all of them only with --no-spare).',
    });
  }
  const journal = await env.journal();
  if ((await journal.get('n/passport')) !== undefined)
    throw new PassportError('passport-exists', 'this home already has a passport', { hint: 'Choose another --home.' });
  const places: StorePlace[] = [];
  for (const url of options.stores) {
    const store = await env.openStore(url, { create: true, signIn: true });
    const id = randomBytes(random, 10);
    for await (const _ of store.list('p')) break; // it answers, before anything is made
    places.push({ url: store.url, id });
    await store.close();
  }
  const passphrase = await newPassphrase(env, options.passphrase);
  const passphrases = new Passphrases(env.argon2id, { current: async () => passphrase });
  const salt = randomBytes(random, 16);
  const cost = env.argon2Cost ?? DEFAULT_COST;
  const passphraseKey = (await passphrases.current(salt, cost)) as Bytes;

  const sign = signingKey(random);
  const receive = receiveKey(random);
  const kits = Array.from({ length: count - 1 }, (_, i) => makeKit(undefined, i + 2, i + 1, random));
  const device = { seat: 1, kind: 'device' as const, name, signKey: sign.publicKey, receiveKey: receive.publicKey };
  const random32 = randomBytes(random, 32);
  const founders = [device, ...kits.map(({ holder }) => holder)];
  const pid = passportId(founders.map(founder), random32, threshold, count);
  const holders = founders.map((each): Holder => ({ ...each, id: holderId(pid, each.signKey) }));
  const own = holders[0] as Holder;
  const nameRoot = randomBytes(random, 32);

  const terms: DealTerms = {
    ...{ pid, slot: 0, prev: pid, epoch: 0, threshold, holders, dealer: own.id, nameRoot, salt, cost, passphraseKey },
    before: null,
  };
  const dealt = await dealEpoch(terms, random);
  const core: EntryCore = {
    ...{ pid, slot: 0, prev: pid, birth: { round: 0, initiator: own.id }, request: encode([random32]) },
    ...{ promises: [], approvals: [], roles: [], time: Math.max(0, env.clock.now()), holders, threshold, epoch: 0 },
    ...{ epochPart: dealt.part, unlockDevices: [] },
  };
  const entry = finishEntry(core, sign.seed, { epoch: 0, kek: dealt.kek });
  const openable = [
    { holder: own.id, receivePrivate: receive.privateKey },
    ...kits.map((kit, i) => ({ holder: (holders[i + 1] as Holder).id, receivePrivate: kit.receivePrivate })),
  ];
  await checkDealt(entry, dealt, terms, openable);
  const seeds = [sign.seed, ...kits.map(({ signSeed }) => signSeed)];
  const accepts = holders.map((holder, i) =>
    signAccept(pid, { id: holder.id, signSeed: seeds[i] as Bytes }, core, core.birth, entry.id),
  );
  const certificate = { ballot: core.birth, accepts, proposals: [] };
  await checkFounding(entry, pid);
  checkFoundingCertificate(entry, certificate);

  const stores = places.map(({ url, id }) => ({ url, id: base32(id) }));
  await keepKits(kits.map((kit, i) => kitSheet(kit, i + 1, pid, 0, env.clock.now(), stores)));

  const key = await env.keystore.createKey(deviceAsker(env, passphrase, 'new'));
  const localKey = randomBytes(random, 32);
  const box = new SecretsBox(env.keystore, key, pid, random);
  const replica = openReplica({ journal, localKey, pid, random });
  const opened = Device.with(env, pid, box, replica);
  const secrets: Secrets = {
    ...{ deviceId: own.id, signSeed: sign.seed, signKey: sign.publicKey, localKey, nameRoot, oneTime: [], kept: null },
    receive: [{ slot: 0, ...receive }],
    mesh: new Map([[0, dealt.meshKey]]),
  };
  const state = applyEntry(undefined, entry);
  const bytes = await sealDecided(
    opened,
    { entry, certificate, wrap: dealt.wrap, link: dealt.link },
    0,
    meshLayerKey(pid, 0, dealt.meshKey),
  );
  const instance = randomBytes(random, 16);
  await replica.transact(async (tx) => {
    if ((await tx.note('passport')) !== undefined)
      throw new PassportError('passport-exists', 'this home already has a passport');
    await box.write(tx, secrets);
    tx.setNote('passport', pid);
    tx.set('instance', instance);
    setStorePlaces(tx, places);
    opened.setState(tx, state);
    await keepDecided(tx, 0, bytes);
    await keepGrants(tx, dealt.grants);
  });
  await env.anchor.write(anchorNote(instance, await journal.generation()));
  const session = newSession(env.clock, dealt.kek, 0, sessionMs);
  await opened.useSession(session, state);
  return { device: opened, session };
}
