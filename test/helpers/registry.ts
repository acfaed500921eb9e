/**
 * Registry entries made by hand, with a hook at every place where somebody may lie: the parts are changed before they are
 * signed, so that exactly the rule under test is broken and every signature around it holds.
 */
import type { Bytes } from '../../src/bytes.ts';
import { encode } from '../../src/cbor.ts';
import { holderId, passportId, vaultSigningSeed } from '../../src/crypto/keys.ts';
import { receiveKey } from '../../src/crypto/hpke.ts';
import { useProvider } from '../../src/crypto/provider.ts';
import { signingKey, signStatement } from '../../src/crypto/sign.ts';
import { commitId, encodeHeader, rootOfNothing } from '../../src/format/commit.ts';
import {
  type Approval,
  type ChangeRequest,
  type DeviceHeads,
  encodeCore,
  encodeEntry,
  encodeRequest,
  type Entry,
  type EntryCore,
  type Holder,
  type HolderKind,
  parseEntry,
  requestHash,
  type Role,
  type VotePromise,
} from '../../src/format/entry.ts';
import type { Certificate } from '../../src/format/votes.ts';
import { nodeProvider } from '../../src/node/provider.ts';
import type { Random } from '../../src/platform.ts';
import { dealEpoch, type DealTerms, type DealtEpoch } from '../../src/registry/deal.ts';
import { placeAfter, signAccept, signApproval, signPromise, signRole } from '../../src/registry/messages.ts';
import { applyEntry, holdersAfter, holdersOf, type RegistryState, startsEpoch } from '../../src/registry/state.ts';
import { founder } from '../../src/registry/valid.ts';
import { sha256 } from '../../src/crypto/hash.ts';
import { seededRandom } from './random.ts';

useProvider(nodeProvider);

export const COST = { memoryKiB: 65_536, passes: 3, lanes: 4 };

/** A holder with all its secrets. */
export interface Actor {
  readonly holder: Holder;
  readonly seed: Bytes;
  readonly receivePrivate: Bytes;
}

/** What may be changed on the way to an entry; each gets what honest holders would have made. */
export interface Lies {
  request?: (request: ChangeRequest) => ChangeRequest;
  /** Before it is signed. */
  promise?: (
    promise: Omit<VotePromise, 'holder' | 'signature'>,
    actor: Actor,
  ) => Omit<VotePromise, 'holder' | 'signature'>;
  /** Signed. */
  promises?: (promises: VotePromise[]) => VotePromise[];
  approvals?: (approvals: Approval[]) => Approval[];
  roles?: (roles: Role[]) => Role[];
  terms?: (terms: DealTerms) => DealTerms;
  /** Before dealer and vault sign. */
  core?: (core: EntryCore) => EntryCore;
  dealerSeed?: Bytes;
  vaultSeed?: Bytes;
}

export interface Made {
  readonly entry: Entry;
  readonly certificate: Certificate;
  readonly dealt: DealtEpoch | undefined;
  readonly terms: DealTerms | undefined;
}

export class Registry {
  readonly pid: Bytes;
  readonly random: Random;
  readonly actors: Actor[];
  readonly nameRoot: Bytes;
  readonly passphraseKey: Bytes;
  readonly founding: Made;
  state: RegistryState;
  /** Of the head's epoch. */
  kek: Bytes;
  meshKey: Bytes;

  private constructor(
    parts: Pick<
      Registry,
      'pid' | 'random' | 'actors' | 'nameRoot' | 'passphraseKey' | 'founding' | 'state' | 'kek' | 'meshKey'
    >,
  ) {
    this.pid = parts.pid;
    this.random = parts.random;
    this.actors = parts.actors;
    this.nameRoot = parts.nameRoot;
    this.passphraseKey = parts.passphraseKey;
    this.founding = parts.founding;
    this.state = parts.state;
    this.kek = parts.kek;
    this.meshKey = parts.meshKey;
  }

  /** Founded in slot 0 with these kinds of holders; `core` changes it before it is signed. */
  static async found(
    seed: string,
    options: { kinds?: HolderKind[]; seats?: number[]; threshold?: number; core?: (core: EntryCore) => EntryCore } = {},
  ): Promise<Registry> {
    const random = seededRandom(`registry ${seed}`);
    const kinds = options.kinds ?? ['device', 'device', 'kit'];
    const threshold = options.threshold ?? 2;
    const drafts = kinds.map((kind, i) =>
      newActor(undefined, random, { kind, seat: options.seats?.[i] ?? i + 1, name: `${kind}-${i + 1}` }),
    );
    const random32 = random(32);
    const pid = passportId(
      drafts.map(({ holder }) => founder(holder)),
      random32,
      threshold,
      kinds.length,
    );
    const actors = drafts.map((actor) => ({
      ...actor,
      holder: { ...actor.holder, id: holderId(pid, actor.holder.signKey) },
    }));
    const holders = actors.map(({ holder }) => holder);
    const [nameRoot, passphraseKey, salt] = [random(32), random(32), random(16)];
    const [first] = actors as [Actor];
    const terms: DealTerms = {
      ...{ pid, slot: 0, prev: pid, epoch: 0, threshold, holders, dealer: first.holder.id, nameRoot, salt, cost: COST },
      ...{ passphraseKey, before: null },
    };
    const dealt = await dealEpoch(terms, random);
    const honest: EntryCore = {
      ...{ pid, slot: 0, prev: pid, birth: { round: 0, initiator: first.holder.id }, request: encode([random32]) },
      ...{ promises: [], approvals: [], roles: [], time: 1_000, holders, threshold, epoch: 0, epochPart: dealt.part },
      unlockDevices: [],
    };
    const core = options.core?.(honest) ?? honest;
    const entry = signed(core, first.seed, vaultSigningSeed(pid, 0, dealt.kek));
    const accepts = actors.map((actor) => signAccept(pid, voter(actor), core, core.birth, entry.id));
    const founding: Made = { entry, certificate: { ballot: core.birth, accepts, proposals: [] }, dealt, terms };
    const state = applyEntry(undefined, entry);
    return new Registry({
      ...{ pid, random, actors, nameRoot, passphraseKey, founding, state },
      ...{ kek: dealt.kek, meshKey: dealt.meshKey },
    });
  }

  actor(index: number): Actor {
    return this.actors[index] as Actor;
  }

  /** A fresh holder for the next free seat. */
  fresh(name = 'fresh', kind: HolderKind = 'device', seat = this.#nextSeat()): Actor {
    return newActor(this.pid, this.random, { kind, seat, name });
  }

  #nextSeat(): number {
    return Math.max(...this.state.members.map((member) => member.seat)) + 1;
  }

  request(change: Partial<ChangeRequest> = {}): ChangeRequest {
    const { id, signKey } = this.actor(0).holder;
    return {
      ...{ rid: this.random(16), kind: 'holders' as const, initiator: { id, signKey }, expiry: 2_000_000 },
      ...{ oneTimeKey: receiveKey(this.random).publicKey, enters: [], leaves: [], names: [], unlockDevices: [] },
      threshold: this.state.threshold,
      ...change,
    };
  }

  /** A head of a device, signed by it: its first commit, at `time`. */
  headOf(actor: Actor, time = 5): { header: Bytes; signature: Bytes; id: Bytes } {
    const header = encodeHeader({
      ...{ device: actor.holder.id, incarnation: new Uint8Array(16).fill(time), seq: 1, prev: null, ctx: [] },
      ...{ registry: this.state.entries[0]!.id, time, count: 0, root: rootOfNothing(), acks: [] },
    });
    const id = commitId(this.pid, header);
    return { header, signature: signStatement(actor.seed, this.pid, 'commit-id', id), id };
  }

  /**
   * The next entry as `voters` and `dealer` (actor 0) make it: one ballot, all approve. `entering` are the actors of
   * `request.enters`.
   */
  async next(
    change: Partial<ChangeRequest>,
    options: Lies & {
      voters?: readonly Actor[];
      entering?: readonly Actor[];
      heads?: (device: Holder) => DeviceHeads;
    } = {},
  ): Promise<Made> {
    const { state, pid, random } = this;
    const voters = options.voters ?? this.actors.slice(0, state.threshold);
    const honest = this.request(change);
    const request = options.request?.(honest) ?? honest;
    const bytes = encodeRequest(request);
    const ofRequest = requestHash(pid, bytes);
    const place = placeAfter(state);
    const ballot = { round: 1, initiator: request.initiator.id };
    const leaving = holdersOf(state).filter(
      ({ id, kind }) => kind === 'device' && request.leaves.some((leave) => same(leave, id)),
    );
    const heads = leaving.map((holder) => options.heads?.(holder) ?? { device: holder.id, heads: [] });
    const made = voters.map((actor) => {
      const nextKey = actor.holder.kind === 'kit' ? null : receiveKey(random).publicKey;
      const promise = { ballot, last: null, nextKey, heads };
      return signPromise(pid, voter(actor), place, options.promise?.(promise, actor) ?? promise);
    });
    const promises = options.promises?.(made) ?? made;
    const yes = voters.map((actor) => ({
      holder: actor.holder.id,
      signature: approvalOf(state, actor, request, ofRequest),
    }));
    const transcript = new Uint8Array(32).fill(9);
    const consents = (options.entering ?? []).map((actor) => ({
      ...{ holder: actor.holder.id, transcript },
      signature: signRole(pid, actor.seed, place, actor.holder, transcript),
    }));
    const epochStarts = startsEpoch(request.kind);
    const holders = holdersAfter(state, request, promises);
    const before = state.epochs[state.epoch]!;
    const epoch = state.epoch + (epochStarts ? 1 : 0);
    const terms: DealTerms = {
      ...{ pid, slot: place.slot, prev: place.prev, epoch, threshold: request.threshold, holders },
      ...{ dealer: this.actor(0).holder.id, nameRoot: this.nameRoot, salt: before.salt, cost: before.cost },
      ...{ passphraseKey: this.passphraseKey, before: { kek: this.kek, meshKey: this.meshKey } },
    };
    const used = options.terms?.(terms) ?? terms;
    const dealt = epochStarts ? await dealEpoch(used, random) : undefined;
    const core: EntryCore = {
      ...{ pid, slot: place.slot, prev: place.prev, birth: ballot, request: bytes, promises, time: 2_000, holders },
      approvals: options.approvals?.(yes) ?? yes,
      roles: options.roles?.(consents) ?? consents,
      ...{ threshold: request.threshold, epoch, epochPart: dealt?.part ?? null },
      unlockDevices:
        request.kind === 'policy'
          ? request.unlockDevices
          : state.unlockDevices.filter((id) => !request.leaves.some((leave) => same(leave, id))),
    };
    const vault = options.vaultSeed ?? vaultSigningSeed(pid, state.epoch, this.kek);
    const entry = signed(options.core?.(core) ?? core, options.dealerSeed ?? this.actor(0).seed, vault);
    const accepts = voters.map((actor) => signAccept(pid, voter(actor), place, ballot, entry.id));
    return { entry, certificate: { ballot, accepts, proposals: [] }, dealt, terms: epochStarts ? used : undefined };
  }

  /** Moves on to an entry. */
  decide(made: Made, entering: readonly Actor[] = []): void {
    this.state = applyEntry(this.state, made.entry);
    if (made.dealt !== undefined) {
      this.kek = made.dealt.kek;
      this.meshKey = made.dealt.meshKey;
    }
    this.actors.push(...entering);
  }
}

export const voter = (actor: Actor) => ({ id: actor.holder.id, signSeed: actor.seed });

const same = (a: Bytes, b: Bytes) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** An approval, also of a request that is no possible change: then it is of nothing. */
function approvalOf(state: RegistryState, actor: Actor, request: ChangeRequest, ofRequest: Bytes): Bytes {
  return signApproval(state, voter(actor), request, ofRequest);
}

export function newActor(
  pid: Bytes | undefined,
  random: Random,
  given: { kind: HolderKind; seat: number; name: string },
): Actor {
  const sign = signingKey(random);
  const receive = receiveKey(random);
  const id = pid === undefined ? new Uint8Array(16) : holderId(pid, sign.publicKey);
  return {
    holder: { ...given, id, signKey: sign.publicKey, receiveKey: receive.publicKey },
    seed: sign.seed,
    receivePrivate: receive.privateKey,
  };
}

/** Both signatures over a core, whatever is in it. */
export function signed(core: EntryCore, dealerSeed: Bytes, vaultSeed: Bytes): Entry {
  const bytes = encodeCore(core);
  const statement = [core.pid, 'entry-core', sha256(bytes)] as const;
  return parseEntry(
    encodeEntry(bytes, signStatement(dealerSeed, ...statement), signStatement(vaultSeed, ...statement)),
  );
}
