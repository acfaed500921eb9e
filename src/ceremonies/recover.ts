/**
 * Recover on a fresh machine from N kits (docs/protocol.md, 5 and 7): the kits open the mesh, the machine becomes a device that
 * a kit vouches for, and one change lets it in and what is lost out. From its first step it is an ordinary change: it can
 * be left and taken up again.
 */
import { base32, type Bytes, equal, hex } from '../bytes.ts';
import { receiveKey } from '../crypto/hpke.ts';
import { holderId } from '../crypto/keys.ts';
import { kitKeys } from '../crypto/kit.ts';
import { guardRandom, randomBytes } from '../crypto/random.ts';
import { signingKey } from '../crypto/sign.ts';
import type { Contribution } from '../crypto/share.ts';
import { kitEntropy, pidWords } from '../crypto/words.ts';
import { anchorNote, Device, type MemberView } from '../device/device.ts';
import { type KitHand, kitHands, requireHolders } from '../device/hands.ts';
import { Passphrases } from '../device/passphrases.ts';
import { oneTime, type Secrets, SecretsBox } from '../device/secrets.ts';
import { checkSessionTime, newSession } from '../device/session.ts';
import { isPassportError, PassportError } from '../errors.ts';
import type { Holder, Role } from '../format/entry.ts';
import { placeAfter, signRole } from '../registry/messages.ts';
import { contributionOf, openGrantOf } from '../registry/open.ts';
import { epochOf, head, headSlot, holdersOf, isSafePolicy, memberOf, type RegistryState } from '../registry/state.ts';
import { openReplica } from '../replica/replica.ts';
import { setStorePlaces, storedVotes, type StorePlace, storePlaces } from '../sync/ledger.ts';
import type { Environment, KeepKits, RecoverOptions } from '../types.ts';
import { keepDecided } from './decide.ts';
import { enterByKits, type EnteredByKits, lookAround, passportsIn, together } from './enter.ts';
import { checkName, DEFAULT_SESSION_MS, deviceAsker, kitSheet, makeKit } from './found.ts';
import { forgetHome } from './forget.ts';
import { contribution, keepGrants, kitOpener } from './grants.ts';
import { endChange, freshSeat, startChange } from './initiate.ts';
import { type OwnChange, ownChange } from './own-change.ts';
import { readSlot } from './slot.ts';
import { openEpoch } from './unlock.ts';

export interface Recovering {
  readonly device: Device;
  readonly change: OwnChange;
  readonly passphrases: Passphrases;
}

interface Located {
  readonly entered: EnteredByKits;
  readonly places: readonly StorePlace[];
  readonly failed: readonly string[];
}

/** Looks for the passport of these kits in every store; of several copies the one that is furthest on. */
async function locate(env: Environment, urls: readonly string[], kits: readonly string[]): Promise<Located> {
  const keys = kits.map((words) => kitKeys(kitEntropy(words)));
  const failed: string[] = [];
  const seen = new Map<string, { entered: EnteredByKits; places: StorePlace[] }>();
  let reason: unknown;
  for (const url of urls) {
    try {
      const store = await env.openStore(url, { signIn: true });
      for (const place of await passportsIn(store)) {
        const entered = await enterByKits(keys, together([await lookAround(store, place)])).catch((error: unknown) => {
          if (!isPassportError(error)) throw error;
          reason = error;
          return undefined;
        });
        if (entered === undefined) continue;
        const name = hex(entered.pid);
        const known = seen.get(name);
        const newer = known === undefined || headSlot(entered.state) > headSlot(known.entered.state);
        seen.set(name, { entered: newer ? entered : known.entered, places: [...(known?.places ?? []), place] });
      }
      await store.close();
    } catch (error) {
      if (!isPassportError(error)) throw error;
      failed.push(url);
      reason ??= error;
    }
  }
  const found = [...seen.values()];
  const [only] = found;
  if (only === undefined) {
    if (isPassportError(reason)) throw reason;
    throw new PassportError('kit-unknown', 'no passport in these stores opens with these kits', {
      hint: 'Check the address of the store, and that the kits are of one passport and were not replaced since.',
    });
  }
  if (found.length > 1)
    throw new PassportError('usage', 'these kits open more than one passport', { hint: 'Use the kits of one.' });
  return { ...only, failed };
}

/** Which holders leave: the named ones, else every device. */
function leaving(state: RegistryState, names: readonly string[] | undefined): Holder[] {
  const holders = holdersOf(state);
  if (names === undefined) return holders.filter(({ kind }) => kind === 'device');
  return names.map((name) => {
    const found = holders.find((holder) => holder.name === name);
    if (found === undefined) throw new PassportError('no-such-device', `there is no holder named "${name}"`);
    return found;
  });
}

/** Shows what was found, and what the recovery does; `refused` unless the person says yes. */
async function confirmed(
  env: Environment,
  state: RegistryState,
  name: string,
  lost: readonly Holder[],
  failed: readonly string[],
): Promise<void> {
  const yes = await env.person.confirm({
    title: `Recover passport ${pidWords(state.pid).join(' ')}?`,
    lines: [
      `Newest entry here: number ${headSlot(state)}, of ${date(head(state).time)}, epoch ${state.epoch}`,
      `Holders: ${namesOf(holdersOf(state))}; ${state.threshold} are needed`,
      `Comes in: ${name}. Leaves: ${namesOf(lost) || 'nobody'}`,
    ],
    warnings: failed.map((url) => `${url} could not be read: it may know a newer state`),
  });
  if (!yes) throw new PassportError('refused', 'nothing was changed');
}

const date = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

/**
 * Opens the mesh with the kits, asks the person, makes the device. The home is then one that waits to be let in; the device
 * `before`, which can be let in no more, goes only now.
 */
async function makeDevice(
  env: Environment,
  options: RecoverOptions,
  passphrases: Passphrases,
  located: Located,
  before: Device | undefined,
): Promise<Made> {
  const name = checkName(options.name);
  const kits = options.kits ?? [];
  const { entered, places, failed } = located;
  const { pid, state } = entered;
  const hands = kitHands(pid, kits);
  requireHolders(state, hands);
  await confirmed(env, state, name, leaving(state, options.replace), failed);
  // The passphrase is proven before anything is made: a mistyped one leaves no half-made home.
  const shares = await sharesOf(pid, state, hands, entered.grants);
  const kek = await openWith(env, options, pid, state, shares, passphrases);
  if (before !== undefined) await forgetHome(before);

  const random = guardRandom(env.random);
  const sign = signingKey(random);
  const receive = receiveKey(random);
  const key = await env.keystore.createKey(deviceAsker(env, options.passphrase, 'new'));
  const localKey = randomBytes(random, 32);
  const box = new SecretsBox(env.keystore, key, pid, random);
  const journal = await env.journal();
  const device = Device.with(env, pid, box, openReplica({ journal, localKey, pid, random }));
  const secrets: Secrets = {
    deviceId: holderId(pid, sign.publicKey),
    ...{ signSeed: sign.seed, signKey: sign.publicKey, localKey },
    ...{ nameRoot: entered.nameRoot, mesh: entered.mesh, oneTime: [], kept: null },
    receive: [{ slot: headSlot(state) + 1, ...receive }],
  };
  const instance = randomBytes(random, 16);
  await device.replica.transact(async (tx) => {
    await box.write(tx, secrets);
    tx.setNote('passport', pid);
    tx.set('instance', instance);
    setStorePlaces(tx, places);
    device.setState(tx, state);
    for (const { slot, bytes } of entered.objects) await keepDecided(tx, slot, bytes);
    await keepGrants(tx, entered.grants);
  });
  await env.anchor.write(anchorNote(instance, await journal.generation()));
  return { device, kek };
}

interface Made {
  readonly device: Device;
  /** KEK of the present epoch: the passphrase was right. */
  readonly kek: Bytes;
}

async function sharesOf(
  pid: Bytes,
  state: RegistryState,
  hands: readonly KitHand[],
  grants: EnteredByKits['grants'],
): Promise<Contribution[]> {
  const epoch = epochOf(state);
  const shares: Contribution[] = [];
  for (const kit of hands) {
    const sealed = grants.find(({ holder }) => equal(holder, kit.id))?.bytes;
    if (sealed === undefined) continue;
    const { share } = await openGrantOf(pid, epoch, kit.id, kit.receivePrivate, sealed);
    const given = contributionOf(epoch, kit.id, share);
    if (given !== undefined) shares.push(given);
  }
  return shares;
}

/** Three tries where a person is asked. */
async function openWith(
  env: Environment,
  options: RecoverOptions,
  pid: Bytes,
  state: RegistryState,
  shares: readonly Contribution[],
  passphrases: Passphrases,
): Promise<Bytes> {
  for (let tries = 1; ; tries++) {
    try {
      return (await openEpoch(pid, state, shares, passphrases)).kek;
    } catch (error) {
      if (!isPassportError(error, 'wrong-passphrase') || options.passphrase !== undefined || tries >= 3) throw error;
      env.person.tell({ event: 'notice', text: 'That is not the passphrase of the passport. Try again.' });
      passphrases.forget();
    }
  }
}

const namesOf = (holders: readonly Holder[]) => holders.map((holder) => holder.name).join(', ');

/** The device of a recovery that was left before it was let in; `passport-exists` for any other home. */
async function waitingDevice(env: Environment, pid: Bytes): Promise<Device> {
  const device = await Device.open(env, pid, await env.keystore.openKey(() => env.person.devicePassphrase('current')));
  const waits = await device.transact(
    async ({ state, secrets }) => state !== undefined && memberOf(state, secrets.deviceId) === undefined,
  );
  if (waits) return device;
  throw new PassportError('passport-exists', 'this home already has a passport', { hint: 'Choose another --home.' });
}

/**
 * Whether what this device asked for can still let it in; not when the mesh went on without it, here or in a store, or when it
 * is of another one.
 */
function isCurrent(device: Device, now: RegistryState): Promise<boolean> {
  return device.asMember(async ({ state, secrets }) => {
    if (!equal(now.pid, device.pid) || !secrets.mesh.has(state.epoch)) return false;
    return headSlot(now) <= headSlot(state) || memberOf(now, secrets.deviceId) !== undefined;
  });
}

/** Takes it up where it was left. Until the device is in, the person is asked as the first time: stores and names may be others. */
async function goOn(
  device: Device,
  options: RecoverOptions,
  passphrases: Passphrases,
  failed: readonly string[],
): Promise<Made> {
  const { pid, env } = device;
  const hands = kitHands(pid, options.kits ?? []);
  const { state, secrets, shares, asked } = await device.asMember(async (view) => {
    requireHolders(view.state, hands);
    const list = [];
    for (const kit of hands) list.push(await contribution(device, view, kitOpener(kit)));
    const change = await ownChange(view, pid);
    return { ...view, shares: list, asked: change?.state === 'open' ? change.request : undefined };
  });
  if (memberOf(state, secrets.deviceId) === undefined) {
    const lost = holdersOf(state).filter(({ id }) => asked?.leaves.some((gone) => equal(gone, id)));
    const leaves = asked === undefined ? leaving(state, options.replace) : lost;
    await confirmed(env, state, checkName(options.name), leaves, failed);
  }
  return { device, kek: await openWith(env, options, pid, state, shares, passphrases) };
}

/** Starts a recovery, or takes one up that was left: the machine is a device with a session that waits to be let in. */
export async function openRecover(env: Environment, options: RecoverOptions): Promise<Omit<Recovering, 'change'>> {
  const sessionMs = options.sessionMs ?? DEFAULT_SESSION_MS;
  checkSessionTime(sessionMs);
  const passphrases = new Passphrases(env.argon2id, {
    current: async () => options.passphrase ?? env.person.passphrase('current'),
  });
  const known = await (await env.journal()).get('n/passport');
  const waiting = known && (await waitingDevice(env, known));
  const located = await locate(env, options.stores, options.kits ?? []);
  const current = waiting !== undefined && (await isCurrent(waiting, located.entered.state));
  const { device, kek } = current
    ? await goOn(waiting, options, passphrases, located.failed)
    : await makeDevice(env, options, passphrases, located, waiting);
  const state = await device.asMember(async (view) => view.state);
  await device.useSession(newSession(env.clock, kek, state.epoch, sessionMs), state);
  return { device, passphrases };
}

/** After a first sync, which brings the votes of the open slot and the commits that a cut needs: the change. */
export async function startRecover(device: Device, options: RecoverOptions, keepKits?: KeepKits): Promise<OwnChange> {
  const open = await device.asMember((view) => {
    // The sync brought entries that the look before had missed: only the kits lead to the keys of their epoch.
    if (!view.secrets.mesh.has(view.state.epoch))
      throw new PassportError('waiting', 'the mesh is further on than it looked', {
        hint: 'Nothing is lost: run the same `passport recover` again.',
      });
    return reusable(device, view);
  });
  return open ?? askChange(device, options, kitHands(device.pid, options.kits ?? []), keepKits);
}

/** The change of a recovery that was left, if it is decided or still can be; one that cannot is ended. */
async function reusable(device: Device, view: MemberView): Promise<OwnChange | undefined> {
  const change = await ownChange(view, device.pid);
  if (change?.state === 'decided') return change;
  if (change?.state !== 'open') return undefined;
  const { clock } = device.env;
  const key = oneTime(view.secrets, change.request.rid, { bootId: clock.bootId(), monotonic: clock.monotonic() });
  if (change.slot === placeAfter(view.state).slot && key !== undefined && change.request.expiry > clock.now())
    return change;
  await endChange(device, view, change, 'expired');
  return undefined;
}

async function askChange(
  device: Device,
  options: RecoverOptions,
  hands: readonly KitHand[],
  keepKits: KeepKits | undefined,
): Promise<OwnChange> {
  const { pid, random, env } = device;
  const { state, secrets, places } = await device.asMember(async (view) => ({
    ...view,
    places: await storePlaces(view.tx),
  }));
  const lost = leaving(state, options.replace);
  const seat = freshSeat(state);
  const me: Holder = {
    ...{ seat, id: secrets.deviceId, kind: 'device', name: checkName(options.name), signKey: secrets.signKey },
    receiveKey: (secrets.receive[0] as Secrets['receive'][number]).publicKey,
  };
  const fresh = newKits(pid, state, lost, keepKits !== undefined, random, seat + 1);
  if (keepKits !== undefined && fresh.length > 0) {
    const stores = places.map(({ url, id }) => ({ url, id: base32(id) }));
    await keepKits(fresh.map((kit, i) => kitSheet(kit, i + 1, pid, state.epoch + 1, env.clock.now(), stores)));
  }
  return device.asMember(async (view) => {
    const place = placeAfter(view.state);
    const none = new Uint8Array(32);
    const accept = (holder: Holder, signSeed: Bytes): Role => ({
      holder: holder.id,
      transcript: none,
      signature: signRole(pid, signSeed, place, holder, none),
    });
    const slot = await readSlot(device, view, await storedVotes(view.tx));
    const [voucher] = hands;
    return startChange(device, view, slot, {
      kind: 'holders',
      enters: [me, ...fresh.map(({ holder }) => holder)],
      leaves: lost.map(({ id }) => id),
      roles: [accept(me, secrets.signSeed), ...fresh.map((kit) => accept(kit.holder, kit.signSeed))],
      ...(voucher === undefined ? {} : { voucher }),
    });
  });
}

/** Kits for the places that one new device does not fill, where somebody can keep them. */
function newKits(
  pid: Bytes,
  state: RegistryState,
  lost: readonly Holder[],
  wanted: boolean,
  random: (n: number) => Bytes,
  seat: number,
) {
  const staying = holdersOf(state).filter((holder) => !lost.some((gone) => equal(gone.id, holder.id))).length;
  const fill = Math.max(0, lost.length - 1);
  if (!wanted) {
    if (isSafePolicy(state.threshold, staying + 1)) return [];
    throw new PassportError(
      'policy-unsafe',
      `${staying + 1} holders would be too few for a threshold of ${state.threshold}`,
      {
        hint: 'Let new kits take the empty places: --kit-out DIR.',
      },
    );
  }
  const known = new Set(state.members.map((member) => member.name));
  const kits = [];
  for (let number = 1; kits.length < fill; number++) {
    if (known.has(`kit-${number}`)) continue;
    kits.push(makeKit(pid, seat + kits.length, number, random));
  }
  return kits;
}
