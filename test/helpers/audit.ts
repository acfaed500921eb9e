/**
 * Looks through everything that ever reached a store, deleted or not, for somebody who said two different things in one
 * place: the promise that a crash at any instruction must not break.
 */
import { type Bytes, hex } from '../../src/bytes.ts';
import { meshLayerKey } from '../../src/crypto/keys.ts';
import { openObject } from '../../src/crypto/object.ts';
import { Device, memberView } from '../../src/device/device.ts';
import { encode } from '../../src/cbor.ts';
import { parseEntry, promiseValue, type VotePromise } from '../../src/format/entry.ts';
import { openBundle, splitBundle } from '../../src/format/bundle.ts';
import { parseName } from '../../src/format/names.ts';
import {
  parseCertificate,
  parseDecided,
  parseRegistryObject,
  parseVote,
  type VoteAccept,
  type VoteMessage,
  type VoteProposal,
} from '../../src/format/votes.ts';
import { type Ballot, compareBallots } from '../../src/registry/vote.ts';
import type { TestStore } from './durable.ts';
import type { Home, World } from './mesh.ts';

/** What the home of a member knows: enough to open every vote and header of its passport. */
async function keysOf(home: Home) {
  const pid = (await home.journal.get('n/passport')) as Bytes;
  const device = await Device.open(home.environment, pid, await home.keystore.openKey());
  return device.transact(async (view) => {
    const { state, secrets } = memberView(view);
    const meshAt = (epoch: number) => {
      const mesh = secrets.mesh.get(epoch);
      return mesh && meshLayerKey(pid, epoch, mesh);
    };
    return { pid, state, meshAt };
  });
}

const ballotOf = (ballot: { round: number; initiator: Bytes }): Ballot => ({
  round: ballot.round,
  initiator: hex(ballot.initiator),
});
const nameOf = (ballot: Ballot) => `${ballot.round}/${ballot.initiator}`;

export interface Audit {
  readonly votes: number;
  readonly commits: number;
  /** One line for each place in which two things were said. */
  readonly faults: readonly string[];
}

/** `reader`: the home of a member that knows the newest entry. */
export async function audit(world: World, reader: Home): Promise<Audit> {
  const { pid, state, meshAt } = await keysOf(reader);
  const faults: string[] = [];
  const said = new Map<string, string>();
  const say = (place: string, what: string) => {
    if ((said.get(place) ?? what) !== what) faults.push(`two things in ${place}`);
    said.set(place, what);
  };
  const accepts: { slot: number; holder: string; ballot: Ballot }[] = [];
  const promises: { slot: number; holder: string; ballot: Ballot; last: Ballot | null }[] = [];
  let votes = 0;
  let commits = 0;
  const accept = (slot: number, { holder, ballot, entry }: VoteAccept) => {
    accepts.push({ slot, holder: hex(holder), ballot: ballotOf(ballot) });
    say(`accept ${slot} ${hex(holder)} ${nameOf(ballotOf(ballot))}`, hex(entry));
  };
  const promise = (slot: number, it: VotePromise) => {
    const ballot = ballotOf(it.ballot);
    promises.push({ slot, holder: hex(it.holder), ballot, last: it.last && ballotOf(it.last.ballot) });
    say(`promise ${slot} ${hex(it.holder)} ${nameOf(ballot)}`, hex(encode(promiseValue(it))));
  };
  const propose = (slot: number, proposals: readonly VoteProposal[]) => {
    for (const { ballot, entry } of proposals) say(`proposal ${slot} ${nameOf(ballotOf(ballot))}`, hex(entry));
  };
  const vote = (message: VoteMessage) => {
    if (message.type === 'accept') accept(message.slot, message.accept);
    if (message.type === 'promise') promise(message.slot, message.promise);
    if (message.type === 'propose') propose(message.slot, message.evidence.proposals);
  };
  for (const store of world.stores.values()) {
    for (const [path, bytes] of (store as TestStore).ever) {
      const name = parseName(path);
      if (name?.kind === 'vote') {
        const epoch = state.entries[name.slot - 1]?.epoch;
        const key = epoch === undefined ? undefined : meshAt(epoch);
        if (epoch === undefined || key === undefined) continue;
        const context = { layer: 'mesh', epoch, key, pid, kind: 'vote', owner: pid, sequence: name.slot } as const;
        vote(parseVote(await openObject(context, bytes)));
        votes += 1;
      }
      if (name?.kind === 'registry') {
        const { slot } = name;
        const epoch = state.entries[Math.max(0, slot - 1)]?.epoch;
        const key = epoch === undefined ? undefined : meshAt(epoch);
        if (epoch === undefined || key === undefined) continue;
        const context = { layer: 'mesh', epoch, key, pid, kind: 'entry', owner: pid, sequence: slot } as const;
        const decided = parseDecided(await openObject(context, parseRegistryObject(bytes).sealed));
        for (const each of parseEntry(decided.entry).core.promises) promise(slot, each);
        const certificate = parseCertificate(decided.certificate);
        for (const each of certificate.accepts) accept(slot, each);
        propose(slot, certificate.proposals);
      }
      if (name?.kind === 'bundle') {
        const split = splitBundle(bytes);
        const key = meshAt(split.epoch);
        if (key === undefined) continue;
        for (const { parsed } of (await openBundle(split, pid, key)).commits) {
          say(`commit ${hex(parsed.chain)} ${parsed.seq}`, hex(parsed.id));
          commits += 1;
        }
      }
    }
  }
  for (const { slot, holder, ballot } of accepts) {
    for (const promise of promises) {
      if (promise.slot !== slot || promise.holder !== holder || compareBallots(promise.ballot, ballot) <= 0) continue;
      if (promise.last === null || compareBallots(promise.last, ballot) < 0) {
        faults.push(
          `${holder} accepted ${nameOf(ballot)} in slot ${slot} and reported less in ${nameOf(promise.ballot)}`,
        );
      }
    }
  }
  return { votes, commits, faults };
}
