/**
 * Content by somebody with the keys of a device: opened, changed in one place, sealed and signed again as that device would,
 * and put under a fitting name. What he could not sign keeps a signature that fits no more.
 */
import { decidedAt } from '../../src/ceremonies/chain.ts';
import { sendMail } from '../../src/ceremonies/mail.ts';
import { type Bytes, concat } from '../../src/bytes.ts';
import { encode } from '../../src/cbor.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { vaultLayerKey } from '../../src/crypto/keys.ts';
import { sealObject } from '../../src/crypto/object.ts';
import { signStatement } from '../../src/crypto/sign.ts';
import { isPassportError } from '../../src/errors.ts';
import { sealBundle, signCommit } from '../../src/format/bundle.ts';
import { encodeHeader, parseHeader, rootOfNothing } from '../../src/format/commit.ts';
import { encodeCore, encodeEntry, type Entry, parseEntry } from '../../src/format/entry.ts';
import { sealGrant } from '../../src/format/grant.ts';
import { formatName, nameHash } from '../../src/format/names.ts';
import { encodeBlock, encodeUpdate } from '../../src/format/update.ts';
import { encodeCertificate, encodeDecided, encodeRegistryObject } from '../../src/format/votes.ts';
import { merkleRoot } from '../../src/records/merkle.ts';
import { headsOfDevice } from '../../src/records/heads.ts';
import { signAccept } from '../../src/registry/messages.ts';
import { epochOf, head, headSlot, holdersOf } from '../../src/registry/state.ts';
import { storePlaces, type StorePlace } from '../../src/sync/ledger.ts';
import { StoreNames } from '../../src/sync/wanted.ts';
import { Forger } from '../helpers/hostile.ts';
import type { Member, World } from '../helpers/mesh.ts';
import { EDGES, mutateBytes } from './bytes.ts';
import { forgeMailBody } from './forge-mail.ts';
import { forgeVote } from './forge-vote.ts';
import type { Rng } from './rng.ts';
import type { Insider, Scene } from './scene.ts';
import { mutateTree } from './tree.ts';

export const FORGERIES = ['entry', 'core', 'cost', 'vote', 'commit', 'update', 'bundle', 'mail', 'grant'] as const;
export type ForgeryKind = (typeof FORGERIES)[number];

interface Place {
  readonly scene: Scene;
  readonly insider: Insider;
  readonly forger: Forger;
  readonly rng: Rng;
}

const mutate = (bytes: Bytes, rng: Rng): Bytes => mutateTree(bytes, rng) ?? mutateBytes(bytes, rng);

/** Makes one forgery and puts it into the store; nothing when what came out cannot even be sealed. */
export async function forge(scene: Scene, world: World, number: number, kind: ForgeryKind, rng: Rng): Promise<void> {
  const insider = scene.insiders[number] as Insider;
  const stolen = { home: world.homes[insider.home] } as Member;
  const forger = await Forger.of(world, stolen);
  const place = { scene, insider, forger, rng };
  try {
    if (kind === 'vote') await forgeVote(forger, rng);
    else await MAKERS[kind](place);
  } catch (error) {
    // Code that seals and signs refuses what it could not read again.
    if (!isPassportError(error) && !(error instanceof RangeError) && !(error instanceof TypeError)) throw error;
  }
}

const MAKERS: Record<Exclude<ForgeryKind, 'vote'>, (place: Place) => Promise<void>> = {
  async entry({ forger, rng }) {
    const { slot, decided } = await someEntry(forger, rng);
    const data = encodeDecided(decided.entry.bytes, encodeCertificate(decided.certificate));
    await putEntry(forger, slot, mutate(data, rng), decided, rng);
  },

  async core({ forger, rng }) {
    const { slot, decided } = await someEntry(forger, rng);
    const { core } = parseEntry(decided.entry.bytes);
    await certify(forger, slot, mutate(encodeCore(core), rng), decided, rng);
  },

  async cost({ forger, rng }) {
    const { slot, decided } = await someEntry(forger, rng);
    const { core } = decided.entry;
    const part = core.epochPart ?? epochOf(await forger.view(async (view) => view.state));
    const worst = rng.pick([2 ** 32 - 1, 2 ** 32 - 1, 524_289, 1, 0]);
    const cost = { memoryKiB: worst, passes: rng.pick([1, 3, 2 ** 32 - 1]), lanes: rng.pick([1, 4, 255]) };
    await certify(forger, slot, encodeCore({ ...core, epochPart: { ...part, cost } }), decided, rng);
  },

  /** A header with odd fields, well signed. */
  async commit({ forger, rng }) {
    const { heads, entries } = await forger.view(async (view) => ({
      entries: view.state.entries.map(({ id }) => id),
      heads: (await headsOfDevice(view.tx, forger.device.records(view), forger.voter.id)).map(({ header }) =>
        parseHeader(forger.device.pid, header),
      ),
    }));
    const prev = heads.length > 0 && rng.once(2) ? rng.pick(heads) : undefined;
    const random = () => ({ chain: rng.bytes(16), seq: 1 + rng.below(9), id: rng.bytes(32) });
    const known = prev && { chain: prev.chain, seq: prev.seq, id: prev.id };
    await forger.commit({
      registry: rng.once(4) ? rng.bytes(32) : rng.pick(entries),
      time: rng.pick([...EDGES, forger.device.env.clock.now()]),
      ...(known === undefined ? {} : { prev: known.id, ctx: [known] }),
      ...(rng.once(3) && known !== undefined ? { incarnation: prev?.incarnation as Bytes, seq: known.seq + 1 } : {}),
      ...(rng.once(6) ? { ctx: [random()] } : {}),
      ...(rng.once(4) ? { acks: [rng.pick(EDGES)] } : {}),
      ...(rng.once(6) ? { count: 0, root: rng.bytes(32) } : {}),
    });
  },

  /** A record: a revoked device writes over what is there, a current one keeps to a corner of its own. */
  async update({ scene, insider, forger, rng }) {
    const key = insider.revoked ? rng.pick([...scene.values.keys()]) : `insider/${rng.below(3)}`;
    const value = new TextEncoder().encode('hostile');
    const good = encodeUpdate({ key, op: 'put', type: 'text/plain', value, reason: null });
    const updates = [good, ...(rng.once(2) ? [mutate(good, rng)] : [])].map((update) => ({
      blind: rng.bytes(32),
      update,
    }));
    const lies = rng.once(3);
    const block = encodeBlock(updates);
    await sealCommit(scene, forger, rng, {
      count: updates.length + (lies && rng.once(2) ? 1 : 0),
      root: lies ? rng.bytes(32) : merkleRoot(updates),
      block: rng.once(3) ? mutateBytes(block, rng) : block,
    });
  },

  /** The mesh part of a bundle, in which something is changed after it was signed; the envelope is signed again. */
  async bundle({ forger, rng }) {
    const { pid, random } = forger.device;
    const { epoch, key, headers } = await forger.view(async (view) => ({
      epoch: view.state.epoch,
      key: forger.device.meshLayerKey(view.secrets, view.state.epoch) as Bytes,
      headers: await headsOfDevice(view.tx, forger.device.records(view), forger.voter.id),
    }));
    const none = sha256(new Uint8Array(0));
    const list = headers.slice(0, 1 + rng.below(3)).map(({ header, signature }) => [header, signature] as const);
    const signed = signStatement(forger.voter.signSeed, pid, 'envelope', epoch, none, forger.voter.id, []);
    const content = mutate(encode([[epoch, none, forger.voter.id], signed, list]), rng);
    const context = { layer: 'mesh', epoch, key, pid, kind: 'commits', owner: pid, sequence: 0 } as const;
    const mesh = await sealObject(context, content, random);
    const bytes = concat(Uint8Array.of(0, 0, mesh.length >> 8, mesh.length & 255), mesh);
    await putBundle(forger, rng.bytes(16), bytes);
  },

  async mail({ forger, rng }) {
    const made = await forger.view(async (view) => {
      const others = holdersOf(view.state).filter(({ kind }) => kind === 'device');
      const to = rng.pick(others);
      const mail = await forgeMailBody(forger, view, rng);
      const hash = await sendMail(forger.device, view, to, mail);
      return { to: to.id, bytes: (await view.tx.object(hash)) as Bytes };
    });
    const names = await namesOf(forger);
    const hash = nameHash(made.bytes);
    forger.store.objects.set(
      formatName({ kind: 'mail', store: names.store, holder: names.holder(made.to), hash }),
      made.bytes,
    );
  },

  async grant({ forger, rng }) {
    const { state, secrets } = await forger.view(async (view) => view);
    const to = rng.pick(holdersOf(state));
    const epoch = epochOf(state);
    const perfect = rng.once(2); // but for its share
    const meshKey = secrets.mesh.get(state.epoch) ?? rng.bytes(32);
    const odd = <T>(good: T, bad: T): T => (!perfect && rng.once(5) ? bad : good);
    const number = rng.pick([state.epoch, state.epoch, state.epoch, state.epoch + 1, 0, 2 ** 32 - 1]);
    const bytes = await sealGrant(
      to.receiveKey,
      {
        ...{ pid: odd(forger.device.pid, rng.bytes(32)), slot: odd(epoch.slot, rng.pick(EDGES)) },
        ...{ prev: odd(epoch.prev, rng.bytes(32)), epoch: odd(number, rng.pick(EDGES)) },
        ...{ threshold: odd(epoch.threshold, rng.pick(EDGES)), count: odd(epoch.holders.length, 0) },
        ...{ holder: odd(to.id, rng.bytes(16)), seat: odd(to.seat, 99), dealer: odd(epoch.dealer, rng.bytes(16)) },
        ...{
          share: rng.bytes(33),
          device: to.kind === 'kit' || rng.once(5) ? null : { meshKey, nameRoot: rng.bytes(32) },
        },
      },
      forger.device.random,
    );
    await forger.grant(number, to.id, rng.once(4) ? mutateBytes(bytes, rng) : bytes);
  },
};

type Found = NonNullable<Awaited<ReturnType<typeof decidedAt>>>;

async function someEntry(forger: Forger, rng: Rng): Promise<{ slot: number; decided: Found }> {
  return forger.view(async (view) => {
    const slot = rng.below(headSlot(view.state) + 1);
    return { slot, decided: (await decidedAt(forger.device, view, slot)) as Found };
  });
}

/** A changed core as if it had been decided: dealt by the insider, accepted by him; the others' accepts are of another entry. */
async function certify(forger: Forger, slot: number, core: Bytes, decided: Found, rng: Rng): Promise<void> {
  const { pid } = forger.device;
  const { voter } = forger;
  const dealer = signStatement(voter.signSeed, pid, 'entry-core', sha256(core));
  const bytes = encodeEntry(core, dealer, decided.entry.vaultSignature);
  let entry: Entry | undefined;
  try {
    entry = parseEntry(bytes);
  } catch (error) {
    if (!isPassportError(error)) throw error;
  }
  const id = entry?.id ?? sha256(bytes);
  const prev = entry?.core.prev ?? pid;
  const { ballot } = decided.certificate;
  const own = signAccept(pid, voter, { slot: entry?.core.slot ?? slot, prev }, ballot, id);
  const accepts = [...decided.certificate.accepts.map((accept) => ({ ...accept, entry: id })), own];
  const certificate = encodeCertificate({ ...decided.certificate, accepts });
  await putEntry(forger, slot, encodeDecided(bytes, certificate), decided, rng);
}

async function putEntry(forger: Forger, slot: number, data: Bytes, decided: Found, rng: Rng): Promise<void> {
  const at = rng.once(3) ? slot + 1 : slot;
  const { epoch, key, pid, random } = await forger.view(async (view) => {
    const epoch = view.state.entries[Math.max(0, at - 1)]?.epoch ?? 0;
    const { device } = forger;
    return { epoch, key: device.meshLayerKey(view.secrets, epoch), pid: device.pid, random: device.random };
  });
  if (key === undefined) return;
  const context = { layer: 'mesh', epoch, key, pid, kind: 'entry', owner: pid, sequence: at } as const;
  const sealed = await sealObject(context, data, random);
  const wrap = rng.once(6) ? mutateBytes(decided.wrap, rng) : decided.wrap;
  const bytes = encodeRegistryObject({ wrap, link: decided.link, sealed });
  await forger.registry(at, bytes, rng.once(2));
}

async function namesOf(forger: Forger): Promise<StoreNames> {
  return forger.view(async ({ tx, secrets }) => {
    const [place] = await storePlaces(tx);
    return new StoreNames(forger.device.pid, secrets.nameRoot as Bytes, place as StorePlace);
  });
}

async function putBundle(forger: Forger, chain: Bytes, bytes: Bytes): Promise<void> {
  const names = await namesOf(forger);
  const path = names.bundle({ chain, first: 1, last: 1, hash: nameHash(bytes) });
  forger.store.objects.set(`p/${names.store}/${path}`, bytes);
}

interface Content {
  readonly count: number;
  readonly root: Bytes;
  readonly block: Bytes;
}

/** One signed commit of a new chain in a bundle, with the vault part under the KEK of the insider's epoch. */
async function sealCommit(scene: Scene, forger: Forger, rng: Rng, { count, root, block }: Content): Promise<void> {
  const { pid, random, env } = forger.device;
  const { voter } = forger;
  const made = await forger.view(async (view) => {
    const { epoch } = view.state;
    const key = vaultLayerKey(pid, epoch, scene.keks.get(epoch) as Bytes);
    const header = encodeHeader({
      ...{ device: voter.id, incarnation: rng.bytes(16), seq: 1, prev: null, ctx: [] },
      ...{ registry: head(view.state).id, time: env.clock.now() + rng.pick([0, 1, 10_000_000]) },
      ...{ count, root: count === 0 ? rootOfNothing() : root, acks: [] },
    });
    const parsed = parseHeader(pid, header);
    const bytes = await sealBundle({
      ...{ pid, epoch, vaultLayerKey: key, sealer: voter.id, signSeed: voter.signSeed, random, blocks: [[block]] },
      meshLayerKey: forger.device.meshLayerKey(view.secrets, epoch) as Bytes,
      commits: [{ header, signature: signCommit(voter.signSeed, pid, parsed.id), parsed }],
    });
    return { bytes, chain: parsed.chain };
  });
  await putBundle(forger, made.chain, made.bytes);
}
