/**
 * Somebody with all that a stolen device knows, who does not run this program: he signs whatever the device's keys sign, seals
 * whatever the mesh key seals, and puts it into a store under any name. And what such tests need around it: a store that hides
 * objects for a while, a mesh with two stores, a passport that is a fake.
 */
import type { Bytes } from '../../src/bytes.ts';
import { decidedAt } from '../../src/ceremonies/chain.ts';
import { type Decided, sealDecided } from '../../src/ceremonies/decide.ts';
import { readSlot, type SlotRequest, type SlotView } from '../../src/ceremonies/slot.ts';
import { pull } from '../../src/ceremonies/visit.ts';
import { encode } from '../../src/cbor.ts';
import { receiveKey } from '../../src/crypto/hpke.ts';
import { holderId, meshLayerKey, passportId } from '../../src/crypto/keys.ts';
import { openObject, sealObject } from '../../src/crypto/object.ts';
import { signingKey } from '../../src/crypto/sign.ts';
import { Device, type MemberView } from '../../src/device/device.ts';
import { sealBundle, signCommit } from '../../src/format/bundle.ts';
import { encodeHeader, type Header, parseHeader, rootOfNothing } from '../../src/format/commit.ts';
import type { Holder } from '../../src/format/entry.ts';
import { formatName, nameHash, parseName } from '../../src/format/names.ts';
import {
  encodeCertificate,
  encodeDecided,
  encodeRegistryObject,
  encodeVote,
  parseVote,
  type VoteMessage,
} from '../../src/format/votes.ts';
import { dealEpoch, finishEntry } from '../../src/registry/deal.ts';
import { placeAfter, signAccept, type Voter } from '../../src/registry/messages.ts';
import { head, holderOf, type Member as Holding } from '../../src/registry/state.ts';
import { founder } from '../../src/registry/valid.ts';
import { storePlaces, type StorePlace } from '../../src/sync/ledger.ts';
import { StoreNames } from '../../src/sync/wanted.ts';
import type { TestStore } from './durable.ts';
import { type Home, type Member, type World, World as NewWorld, words } from './mesh.ts';

/** The device of a home, past every ceremony. */
export async function inside(home: Home): Promise<Device> {
  const pid = (await home.journal.get('n/passport')) as Bytes;
  return Device.open(home.environment, pid, await home.keystore.openKey());
}

export const NO_EVIDENCE = { entries: [], proposals: [] } as const;

export class Forger {
  readonly device: Device;
  readonly #world: World;
  readonly #place: StorePlace;
  /** Signs as the stolen device. */
  readonly voter: Voter;

  private constructor(world: World, device: Device, place: StorePlace, voter: Voter) {
    this.#world = world;
    this.device = device;
    this.#place = place;
    this.voter = voter;
  }

  /** From a copy of the home: what is forged leaves no trace in the stolen device itself. He works on one store. */
  static async of(world: World, stolen: Member, url = 'memory:one'): Promise<Forger> {
    const device = await inside(world.home({ copyOf: stolen.home }));
    const { place, voter } = await device.asMember(async ({ tx, secrets }) => ({
      place: (await storePlaces(tx)).find((each) => each.url === url) as StorePlace,
      voter: { id: secrets.deviceId, signSeed: secrets.signSeed },
    }));
    return new Forger(world, device, place, voter);
  }

  get store(): TestStore {
    return this.#world.store(this.#place.url);
  }

  view<T>(fn: (view: MemberView) => Promise<T>): Promise<T> {
    return this.device.asMember(fn);
  }

  /** Reads everything new in the store, says nothing, and shows the open slot. */
  async look(): Promise<SlotView> {
    await pull(this.device, this.#place, this.store, {});
    return this.view((view) => readSlot(this.device, view, new Set()));
  }

  /** The one open request. */
  async request(): Promise<SlotRequest> {
    const { requests } = await this.look();
    if (requests.length !== 1) throw new Error(`${requests.length} requests are open`);
    return requests[0] as SlotRequest;
  }

  async holder(name: string): Promise<Holding> {
    return this.view(async ({ state }) => {
      const found = state.members.find((member) => member.name === name);
      if (found === undefined) throw new Error(`no holder ${name}`);
      return holderOf(state, found.id) ?? found;
    });
  }

  async #names(): Promise<StoreNames> {
    return this.view(async ({ secrets }) => new StoreNames(this.device.pid, secrets.nameRoot as Bytes, this.#place));
  }

  /** Puts bytes below the root of the passport in the store. */
  async #put(path: string, bytes: Bytes): Promise<string> {
    const name = `p/${(await this.#names()).store}/${path}`;
    await this.store.put(name, bytes);
    return name;
  }

  #context(view: MemberView) {
    const slot = placeAfter(view.state).slot;
    const { epoch } = head(view.state);
    const key = this.device.meshLayerKey(view.secrets, epoch) as Bytes;
    const { pid } = this.device;
    return { slot, at: { layer: 'mesh', epoch, key, pid, kind: 'vote', owner: pid, sequence: slot } as const };
  }

  /** A vote message of the open slot, sealed as it should be; under the tag of `tagOf`. Returns its full name. */
  async say(message: VoteMessage, tagOf: Bytes = this.voter.id): Promise<string> {
    const { slot, bytes } = await this.view(async (view) => {
      const { slot, at } = this.#context(view);
      return { slot, bytes: await sealObject(at, encodeVote(message), this.device.random) };
    });
    return this.vote(bytes, (await this.#names()).holder(tagOf), slot);
  }

  /** Any bytes as a vote object. */
  async vote(bytes: Bytes, tag: string, slot: number): Promise<string> {
    const { store } = await this.#names();
    const name = formatName({ kind: 'vote', store, holder: tag, slot, hash: nameHash(bytes) });
    await this.store.put(name, bytes);
    return name;
  }

  /** Every vote message of the open slot in the store, with its name there. */
  async votes(): Promise<{ name: string; message: VoteMessage }[]> {
    return this.view(async (view) => {
      const { slot, at } = this.#context(view);
      const found: { name: string; message: VoteMessage }[] = [];
      for (const [name, bytes] of this.store.objects) {
        const parsed = parseName(name);
        if (parsed?.kind !== 'vote' || parsed.slot !== slot) continue;
        const opened = await openObject(at, bytes).catch(() => undefined);
        if (opened !== undefined) found.push({ name, message: parseVote(opened) });
      }
      return found;
    });
  }

  async registry(slot: number, bytes: Bytes, hot = false): Promise<string> {
    const { store } = await this.#names();
    const name = formatName({ kind: 'registry', store, slot, hash: nameHash(bytes), hot });
    await this.store.put(name, bytes);
    return name;
  }

  async grant(epoch: number, holder: Bytes, bytes: Bytes): Promise<string> {
    return this.#put((await this.#names()).grant(epoch, holder, nameHash(bytes)), bytes);
  }

  /** The decided entry of a slot, sealed once more with something else in it. */
  async resealed(slot: number, change: (decided: Decided) => Decided): Promise<Bytes> {
    return this.view(async (view) => {
      const decided = change((await decidedAt(this.device, view, slot)) as Decided);
      const epoch = view.state.entries[Math.max(0, slot - 1)]?.epoch ?? 0;
      return sealDecided(this.device, decided, epoch, this.device.meshLayerKey(view.secrets, epoch) as Bytes);
    });
  }

  /** A commit without updates, in a chain of its own. */
  async commit(change: Partial<Header> = {}): Promise<string> {
    const made = await this.view(async (view) => {
      const { pid, random, env } = this.device;
      const header = encodeHeader({
        ...{ device: this.voter.id, incarnation: this.device.bytes(16), seq: 1, prev: null, ctx: [] },
        ...{ registry: head(view.state).id, time: env.clock.now(), count: 0, root: rootOfNothing(), acks: [] },
        ...change,
      });
      const parsed = parseHeader(pid, header);
      const bytes = await sealBundle({
        ...{ pid, epoch: view.state.epoch, vaultLayerKey: undefined, sealer: this.voter.id, random },
        meshLayerKey: this.device.meshLayerKey(view.secrets, view.state.epoch) as Bytes,
        signSeed: this.voter.signSeed,
        commits: [{ header, signature: signCommit(this.voter.signSeed, pid, parsed.id), parsed }],
        blocks: [[]],
      });
      return { chain: parsed.chain, bytes };
    });
    const { chain, bytes } = made;
    return this.#put((await this.#names()).bundle({ chain, first: 1, last: 1, hash: nameHash(bytes) }), bytes);
  }
}

/** Takes objects out of a store; the answer puts them back, at the end of its listing. */
export function hide(store: TestStore, which: (name: string) => boolean): () => void {
  const hidden = [...store.objects].filter(([name]) => which(name));
  for (const [name] of hidden) store.objects.delete(name);
  return () => {
    for (const [name, bytes] of hidden) store.objects.set(name, bytes);
  };
}

/** A home that does not see some objects of its stores until `which` says otherwise. Before its passport opens them. */
export function blind(home: Home, which: (name: string) => boolean): void {
  const open = home.environment.openStore;
  home.environment.openStore = async (url, options) => {
    const store = await open(url, options);
    return {
      url: store.url,
      get: (name, limits) => (which(name) ? Promise.resolve(undefined) : store.get(name, limits)),
      put: (name, bytes, limits) => store.put(name, bytes, limits),
      delete: (name, limits) => store.delete(name, limits),
      async *list(prefix, limits) {
        for await (const name of store.list(prefix, limits)) if (!which(name)) yield name;
      },
      close: () => store.close(),
    };
  };
}

/** A store lists `names` before everything else. */
export function listFirst(store: TestStore, names: readonly string[]): void {
  const rest = [...store.objects].filter(([name]) => !names.includes(name));
  for (const [name] of rest) store.objects.delete(name);
  for (const [name, bytes] of rest) store.objects.set(name, bytes);
}

/**
 * A whole passport by somebody else, 2 of 3, in a store: its holders 2 and 3 have the keys of `kits`, as far as they are given.
 * A holder whose signing key he does not have cannot have accepted.
 */
export async function fakePassport(
  store: TestStore,
  random: (length: number) => Bytes,
  kits: readonly { receiveKey: Bytes; signKey?: Bytes }[],
): Promise<void> {
  const own = signingKey(random);
  const receive = receiveKey(random);
  const others = kits.map((kit) => ({ kit, sign: signingKey(random) }));
  const founders = [
    { seat: 1, kind: 'device' as const, name: 'laptop', signKey: own.publicKey, receiveKey: receive.publicKey },
    ...others.map(({ kit, sign }, i) => ({
      ...{ seat: i + 2, kind: 'kit' as const, name: `kit-${i + 1}` },
      ...{ signKey: kit.signKey ?? sign.publicKey, receiveKey: kit.receiveKey },
    })),
  ];
  const random32 = random(32);
  const pid = passportId(founders.map(founder), random32, 2, founders.length);
  const holders = founders.map((each): Holder => ({ ...each, id: holderId(pid, each.signKey) }));
  const dealer = (holders[0] as Holder).id;
  const terms = {
    ...{ pid, slot: 0, prev: pid, epoch: 0, threshold: 2, holders, dealer, nameRoot: random(32) },
    ...{ salt: random(16), cost: { memoryKiB: 65536, passes: 3, lanes: 1 }, passphraseKey: random(32), before: null },
  };
  const dealt = await dealEpoch(terms, random);
  const birth = { round: 0, initiator: dealer };
  const entry = finishEntry(
    {
      ...{ pid, slot: 0, prev: pid, birth, request: encode([random32]), promises: [], approvals: [], roles: [] },
      ...{ time: 1, holders, threshold: 2, epoch: 0, epochPart: dealt.part, unlockDevices: [] },
    },
    own.seed,
    { epoch: 0, kek: dealt.kek },
  );
  const seeds = [own.seed, ...others.map(({ sign }) => sign.seed)];
  const accepts = holders.map(({ id }, i) =>
    signAccept(pid, { id, signSeed: seeds[i] as Bytes }, entry.core, birth, entry.id),
  );
  const data = encodeDecided(entry.bytes, encodeCertificate({ ballot: birth, accepts, proposals: [] }));
  const key = meshLayerKey(pid, 0, dealt.meshKey);
  const context = { layer: 'mesh', epoch: 0, key, pid, kind: 'entry', owner: pid, sequence: 0 } as const;
  const sealed = await sealObject(context, data, random);
  const bytes = encodeRegistryObject({ wrap: dealt.wrap, link: dealt.link, sealed });
  const names = new StoreNames(pid, terms.nameRoot, { url: store.url, id: random(10) });
  await store.put(`p/${names.store}/${names.registry(0, nameHash(bytes), false)}`, bytes);
  for (const grant of dealt.grants) {
    await store.put(`p/${names.store}/${names.grant(0, grant.holder, nameHash(grant.bytes))}`, grant.bytes);
  }
}

let onTwoStores: Promise<World> | undefined;

async function makeOnTwoStores(): Promise<World> {
  const world = new NewWorld('two stores');
  const laptop = await world.create('laptop', { stores: ['memory:one', 'memory:two'] });
  const phone = await world.enroll('phone', laptop, { kits: [words(laptop.kits[0]!)] });
  const tablet = await world.enroll('tablet', laptop, { approvers: [phone] });
  for (const member of [laptop, phone, tablet]) await member.passport.sync();
  return world;
}

/** Laptop, phone and tablet, 2 of 3, no kit, with the stores `memory:one` and `memory:two`. */
export async function threeOnTwoStores(
  label: string,
): Promise<{ world: World; laptop: Member; phone: Member; tablet: Member }> {
  const world = (await (onTwoStores ??= makeOnTwoStores())).clone(label);
  return { world, laptop: await world.open(0), phone: await world.open(1), tablet: await world.open(2) };
}

export const isOf = (kind: NonNullable<ReturnType<typeof parseName>>['kind']) => (name: string) =>
  parseName(name)?.kind === kind;
