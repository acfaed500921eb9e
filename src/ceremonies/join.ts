/**
 * The joining side of a pairing (docs/protocol.md, 7). Everything is in the home before it leaves it, so joining can be
 * killed and taken up again with the same link. The new keys count only when the registry, verified from slot 0 on, has them.
 */
import { base32, type Bytes, equal, hex } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { receiveKey } from '../crypto/hpke.ts';
import { holderId } from '../crypto/keys.ts';
import { signingKey } from '../crypto/sign.ts';
import { deviceWords, pidWords } from '../crypto/words.ts';
import { sealedCredentials } from '../device/credentials.ts';
import { anchorNote, Device } from '../device/device.ts';
import { type Secrets, SecretsBox } from '../device/secrets.ts';
import { isPassportError, PassportError } from '../errors.ts';
import { parseRequest } from '../format/entry.ts';
import { nameHash, pairTag, parseName, storeRoot } from '../format/names.ts';
import {
  encodeHello,
  encodePairRole,
  type InvitationData,
  type PairReveal,
  parseHello,
  parseInvitation,
  parseLink,
  parsePairPlace,
  parseReveal,
} from '../format/pairing.ts';
import { signRole } from '../registry/messages.ts';
import { openReplica, type Tx } from '../replica/replica.ts';
import type { Store } from '../storage/store.ts';
import { setStorePlaces } from '../sync/ledger.ts';
import { fetchAll, listFolder, pathOf, putObject, throwIfAborted } from '../sync/transfer.ts';
import type { Environment, JoinOptions } from '../types.ts';
import { forgetHome } from './forget.ts';
import { enterAsDevice, lookAround, together } from './enter.ts';
import { checkName, deviceAsker } from './found.ts';
import { readPairPlace } from './invite.ts';
import { keepDecided } from './decide.ts';
import { keepGrants } from './grants.ts';
import { checkReveal, openPair, pairCommitment, pairResult, sealPair, signPossession } from './pairing.ts';

/** A home in the middle of joining, as the cell `joining` keeps it. */
interface Joining {
  readonly bytes: Bytes;
  readonly data: InvitationData;
  readonly hello: Bytes;
  readonly sealedHello: Bytes;
  readonly reveal: Bytes | null;
  readonly confirmed: boolean;
}

async function readJoining(tx: Tx): Promise<Joining | undefined> {
  const value = (await tx.get('joining')) as [Bytes, Bytes, Bytes, Bytes | null, boolean] | null | undefined;
  if (!value) return undefined;
  const [bytes, hello, sealedHello, reveal, confirmed] = value;
  return { bytes, data: parseInvitation(bytes), hello, sealedHello, reveal, confirmed };
}

function setJoining(tx: Tx, j: Joining): void {
  tx.set('joining', [j.bytes, j.hello, j.sealedHello, j.reveal, j.confirmed]);
}

const POLL_MS = 400;
const DEFAULT_TIMEOUT_MS = 10 * 60 * 1000;

/** Joins a passport with an invitation; waits until the inviting device and the others have let this one in. */
export async function join(env: Environment, link: string, options: JoinOptions): Promise<Device> {
  const { data, bytes } = parseLink(link);
  const name = checkName(options.name);
  const { device, joining } = await begin(env, data, bytes, name, options.platform ?? '');
  if (joining === undefined) return device;
  const stores = await openStores(device, data);
  const secrets = await device.transact(async (view) => view.secrets);
  const deadline = env.clock.monotonic() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  await everywhere(stores, (store, place) => putPair(store, place.id, data, 1, joining.sealedHello));
  env.person.tell({
    event: 'waiting',
    what: `Joining passport ${pidWords(data.pid).join(' ')}. Waiting for the other device …`,
  });

  let reveal = joining.reveal === null ? undefined : parseReveal(joining.reveal);
  const answered = new Set<string>();
  let compared = false;
  for (;;) {
    throwIfAborted(options.signal);
    const entered = reveal && (await tryEnter(device, data, stores, secrets, reveal));
    if (entered === true) {
      for (const { store } of stores) await store.close();
      return device;
    }
    reveal ??= await findReveal(device, joining, data, stores, secrets);
    if (reveal !== undefined && compared) await answerPlaces(device, data, stores, secrets, answered);
    if (reveal !== undefined && !compared) {
      await compareWords(device, await current(device));
      compared = true;
    }
    if (env.clock.monotonic() > deadline) {
      throw new PassportError('waiting', 'the other device has not let this one in yet', {
        hint: 'Nothing is lost: run `passport join` again with the same link to go on waiting.',
      });
    }
    await env.clock.sleep(POLL_MS, options.signal);
  }
}

/** Shows the words, in every process that waits; the person confirms them once. */
async function compareWords(device: Device, joining: Joining): Promise<void> {
  const { person } = device.env;
  const { bytes, data, hello, reveal, confirmed } = joining;
  const own = parseHello(hello);
  const { words } = resultOf(device.pid, bytes, hello, reveal as Bytes);
  const fingerprint = deviceWords(device.pid, own.signKey, own.receiveKey);
  person.tell({ event: 'words', id: hex(data.iid), words, fingerprint });
  if (confirmed) return;
  const yes = await person.confirm({
    title: 'Did your other device accept these three words?',
    lines: [words.join(' '), `This device: ${fingerprint.join(' ')}`],
    warnings: [],
  });
  if (!yes) {
    await forgetHome(device);
    throw new PassportError('refused', 'the words were not confirmed; nothing was joined');
  }
  await device.transact(async ({ tx }) => setJoining(tx, { ...(await must(tx)), confirmed: true }));
}

async function must(tx: Tx): Promise<Joining> {
  return (await readJoining(tx)) as Joining;
}

function current(device: Device): Promise<Joining> {
  return device.transact(({ tx }) => must(tx));
}

function resultOf(pid: Bytes, invitation: Bytes, hello: Bytes, reveal: Bytes): { transcript: Bytes; words: string[] } {
  return pairResult(pid, invitation, hello, reveal, parseReveal(reveal).nonce, parseHello(hello).nonce);
}

/** Makes the home, or finds it in the middle of joining with this invitation; without `joining` it is already in. */
async function begin(
  env: Environment,
  data: InvitationData,
  bytes: Bytes,
  name: string,
  platform: string,
): Promise<{ device: Device; joining: Joining | undefined }> {
  const journal = await env.journal();
  const known = await journal.get('n/passport');
  if (known !== undefined) {
    const device = await Device.open(
      env,
      known,
      await env.keystore.openKey(() => env.person.devicePassphrase('current')),
    );
    const joining = await device.transact(({ tx }) => readJoining(tx));
    if (joining !== undefined && equal(joining.bytes, bytes)) return { device, joining };
    const joined = (await device.replica.read('joined')) as Bytes | undefined;
    if (joined !== undefined && equal(joined, sha256(bytes))) return { device, joining: undefined };
    if (joining === undefined || (await wasLetIn(device, joining))) {
      throw new PassportError('passport-exists', 'this home already has a passport', {
        hint: 'Choose another --home.',
      });
    }
    await forgetHome(device); // the invitation before came to nothing
  }
  const { pid } = data;
  const key = await env.keystore.createKey(deviceAsker(env, undefined, 'new'));
  const box = new SecretsBox(env.keystore, key, pid, env.random);
  const draft = Device.with(
    env,
    pid,
    box,
    openReplica({ journal, localKey: new Uint8Array(32), pid, random: env.random }),
  );
  const sign = signingKey(draft.random);
  const receive = receiveKey(draft.random);
  const nonce = draft.bytes(32);
  const localKey = draft.bytes(32);
  const device = Device.with(env, pid, box, openReplica({ journal, localKey, pid, random: env.random }));
  const hI = sha256(bytes);
  const keys = { signKey: sign.publicKey, receiveKey: receive.publicKey, nonce };
  const possession = signPossession(sign.seed, pid, data.iid, hI, keys);
  const hello = encodeHello({ ...keys, kind: 'device', name, platform: platform.slice(0, 64), possession });
  const sealedHello = await sealPair(data.ephemeralKey, data, 1, [hI], hello, device.random);
  const secrets: Secrets = {
    deviceId: holderId(pid, sign.publicKey),
    ...{
      signSeed: sign.seed,
      signKey: sign.publicKey,
      localKey,
      nameRoot: null,
      mesh: new Map(),
      oneTime: [],
      kept: null,
    },
    receive: [{ slot: 0, ...receive }],
  };
  const joining: Joining = { bytes, data, hello, sealedHello, reveal: null, confirmed: false };
  await device.replica.transact(async (tx) => {
    await box.write(tx, secrets);
    tx.setNote('passport', pid);
    setJoining(tx, joining);
  });
  return { device, joining };
}

/** Whether the device of an earlier invitation is in by now. */
async function wasLetIn(device: Device, { data, reveal }: Joining): Promise<boolean> {
  if (reveal === null) return false;
  const secrets = await device.transact(async (view) => view.secrets);
  return tryEnter(device, data, await openStores(device, data), secrets, parseReveal(reveal));
}

interface Opened {
  readonly store: Store;
  readonly place: { readonly url: string; readonly id: Bytes };
}

/** A sign-in is kept at once: joining that is taken up again does not ask for another. */
async function openStores({ env, replica }: Device, data: InvitationData): Promise<Opened[]> {
  const credentials = sealedCredentials(replica);
  const opened: Opened[] = [];
  let failure: unknown;
  for (const place of data.stores) {
    try {
      opened.push({ store: await env.openStore(place.url, { signIn: true, credentials }), place });
    } catch (error) {
      if (!isPassportError(error)) throw error;
      failure = error;
    }
  }
  if (opened.length === 0) throw failure;
  return opened;
}

/** Does something at each store; one that works is enough. */
async function everywhere(
  stores: readonly Opened[],
  what: (store: Store, place: Opened['place']) => Promise<void>,
): Promise<void> {
  let failure: unknown;
  let good = 0;
  for (const { store, place } of stores) {
    try {
      await what(store, place);
      good += 1;
    } catch (error) {
      if (!isPassportError(error)) throw error;
      failure = error;
    }
  }
  if (good === 0) throw failure;
}

async function putPair(store: Store, id: Bytes, data: InvitationData, step: 1 | 4, bytes: Bytes): Promise<void> {
  const place = { url: store.url, id };
  const holder = pairTag(data.secret, step);
  const path = pathOf({ kind: 'mail', store: base32(id), holder, hash: nameHash(bytes) });
  await putObject(store, place, path, bytes);
}

/** The whole objects of one step, from every store. */
async function messages(stores: readonly Opened[], data: InvitationData, step: 2 | 3): Promise<Bytes[]> {
  const tag = pairTag(data.secret, step);
  const found = new Map<string, Bytes>();
  await everywhere(stores, async (store, place) => {
    const items = (await listFolder(store, place, 'hot')).filter(
      ({ name }) => name.kind === 'mail' && name.holder === tag,
    );
    for (const { item, bytes } of await fetchAll(store, place, items.slice(0, 16))) {
      if (bytes !== undefined) found.set(item.name.hash, bytes);
    }
  });
  return [...found.values()];
}

async function findReveal(
  device: Device,
  joining: Joining,
  data: InvitationData,
  stores: readonly Opened[],
  secrets: Secrets,
): Promise<PairReveal | undefined> {
  const hI = sha256(joining.bytes);
  const hM1 = sha256(joining.hello);
  const key = (secrets.receive[0] as { privateKey: Bytes }).privateKey;
  for (const sealed of await messages(stores, data, 2)) {
    try {
      const plaintext = await openPair(key, data, 2, [hI, hM1], sealed);
      const reveal = parseReveal(plaintext);
      const committed = pairCommitment(device.pid, data.iid, reveal, reveal.nonce);
      if (!equal(committed, data.commitment) || !checkReveal(device.pid, data.iid, hI, hM1, reveal)) {
        throw new PassportError('pairing-failed', 'the answer is not from the device that made this invitation', {
          hint: 'Somebody is between the two devices. Make a new invitation.',
        }); // V206
      }
      await device.transact(async ({ tx }) => setJoining(tx, { ...(await must(tx)), reveal: plaintext }));
      return reveal;
    } catch (error) {
      if (!isPassportError(error) || error.code === 'pairing-failed') throw error;
    }
  }
  return undefined;
}

/** Accepts this device's role in each place where the inviting device asks for it. */
async function answerPlaces(
  device: Device,
  data: InvitationData,
  stores: readonly Opened[],
  secrets: Secrets,
  answered: Set<string>,
): Promise<void> {
  const joining = await current(device);
  const { transcript } = resultOf(device.pid, joining.bytes, joining.hello, joining.reveal as Bytes);
  const receive = secrets.receive[0] as Secrets['receive'][number];
  for (const sealed of await messages(stores, data, 3)) {
    let plaintext: Bytes;
    try {
      plaintext = await openPair(receive.privateKey, data, 3, [transcript], sealed);
    } catch (error) {
      if (!isPassportError(error)) throw error;
      continue;
    }
    const read = readPairPlace(plaintext);
    if ('refused' in read) {
      await forgetHome(device);
      const contested = read.refused === 'pairing-contested';
      const code = contested ? 'pairing-contested' : read.refused === 'words-mismatch' ? 'words-mismatch' : 'refused';
      throw new PassportError(
        code,
        contested ? 'two devices answered this invitation' : 'the other device refused: the words did not match',
        {
          hint: 'Nothing was joined. Ask for a new invitation.',
        },
      );
    }
    const place = parsePairPlace(read.place);
    const name = `${place.slot}/${hex(place.prev)}`;
    const asked = parseRequest(place.request).enters.some(
      (holder) =>
        equal(holder.id, secrets.deviceId) &&
        equal(holder.signKey, secrets.signKey) &&
        equal(holder.receiveKey, receive.publicKey),
    );
    if (!asked || answered.has(name)) continue; // V207
    const keys = { signKey: secrets.signKey, receiveKey: receive.publicKey };
    const signature = signRole(device.pid, secrets.signSeed, place, keys, transcript);
    const role = encodePairRole({ slot: place.slot, prev: place.prev, signature });
    const box = await sealPair(data.ephemeralKey, data, 4, [transcript], role, device.random);
    await everywhere(stores, (store, { id }) => putPair(store, id, data, 4, box));
    answered.add(name);
  }
}

async function tryEnter(
  device: Device,
  data: InvitationData,
  stores: readonly Opened[],
  secrets: Secrets,
  reveal: PairReveal,
): Promise<boolean> {
  const found = [];
  for (const { store, place } of stores) {
    try {
      if (await anyGrant(store, place)) found.push(await lookAround(store, place));
    } catch (error) {
      if (!isPassportError(error)) throw error;
    }
  }
  if (found.length === 0) return false;
  const keys = { id: secrets.deviceId, receive: secrets.receive };
  const entered = await enterAsDevice(device.pid, keys, reveal.head, together(found));
  if (entered === undefined) return false;
  const pinned = entered.state.entries.findIndex(({ id }) => equal(id, reveal.head));
  const inviter = entered.state.members.find(
    ({ id, entered: since, left }) => equal(id, reveal.holder) && since <= pinned && (left === null || left > pinned),
  );
  if (inviter?.kind !== 'device' || !equal(inviter.signKey, reveal.signKey)) {
    throw new PassportError('pairing-failed', 'the device that invited was not one of this passport'); // V208
  }
  const instance = device.bytes(16);
  await device.replica.transact(async (tx) => {
    await device.box.write(tx, { ...secrets, nameRoot: entered.nameRoot, mesh: entered.mesh });
    device.setState(tx, entered.state);
    tx.set('instance', instance);
    tx.set('joined', sha256((await must(tx)).bytes));
    tx.delete('joining');
    setStorePlaces(tx, data.stores);
    for (const { slot, bytes } of entered.objects) await keepDecided(tx, slot, bytes);
    await keepGrants(tx, entered.grants);
  });
  await device.env.anchor.write(anchorNote(instance, await (await device.env.journal()).generation()));
  return true;
}

async function anyGrant(store: Store, place: Opened['place']): Promise<boolean> {
  for await (const name of store.list(`${storeRoot(place.id)}/grant`)) if (parseName(name) !== undefined) return true;
  return false;
}
