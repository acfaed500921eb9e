/**
 * Who said a vote message that a store had, before it is kept: names of objects and whoever sealed them prove nothing, because
 * every device has the mesh key. Each holder has a quota of statements that it signed; nobody can use up another one's.
 * In: vote objects of the open slot. Out: those worth keeping. docs/protocol.md, 5, "Vote".
 */
import { type Bytes, equal, hex } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Device, MemberView } from '../device/device.ts';
import { encodeVote, type Place, type VoteMessage } from '../format/votes.ts';
import {
  checkAccept,
  checkBallotRequest,
  checkPromise,
  checkProposalSignature,
  checkRefusal,
  checkShare,
  placeAfter,
  sameBallot,
} from '../registry/messages.ts';
import { holderOf, holdersOf, type RegistryState } from '../registry/state.ts';
import { openVote, receiveVote, votesOf } from './slot.ts';

/** Statements by one holder in one slot that are kept: more than any honest one makes. */
const MAX_STATEMENTS = 128;

interface Statement {
  /** Null for who is no holder: a device that a request would let in. */
  readonly author: Bytes | null;
  /** Its signature, as hex: what comes with it may differ, and any copy may be the good one. */
  readonly id: string;
}

/** A statement with all that comes with it: SHA-256 of the message, as hex. Sealed again it is the same. */
interface Said extends Statement {
  readonly message: string;
}

/** Kept while the opened message is. */
const known = new WeakMap<VoteMessage, { readonly statement: Said | undefined; readonly state: RegistryState }>();

/** The signed statement of a message about this slot; undefined when a holder is named who did not sign it. */
function statementOf(state: RegistryState, message: VoteMessage): Said | undefined {
  const before = known.get(message);
  if (before?.state === state) return before.statement;
  const found = findStatement(state, message);
  const statement = found && { ...found, message: hex(sha256(encodeVote(message))) };
  known.set(message, { statement, state });
  return statement;
}

function findStatement(state: RegistryState, message: VoteMessage): Statement | undefined {
  const { pid } = state;
  const place: Place = placeAfter(state);
  if (!equal(message.prev, place.prev)) return undefined; // V130
  const by = (author: Bytes, signature: Bytes, check: (key: Bytes) => boolean): Statement | undefined => {
    const holder = holderOf(state, author);
    if (holder === undefined) return { author: null, id: hex(signature) };
    return check(holder.signKey) ? { author, id: hex(signature) } : undefined; // V131
  };
  switch (message.type) {
    case 'request': {
      const { ballot, request, signature } = message;
      return by(ballot.initiator, signature, (key) => checkBallotRequest(pid, key, signature, place, ballot, request));
    }
    case 'promise': {
      const { promise } = message;
      return by(promise.holder, promise.signature, (key) => checkPromise(pid, key, place, promise));
    }
    case 'approve': {
      const { holder, requestHash, share, shareSignature } = message;
      return by(holder, shareSignature, (key) => checkShare(pid, key, shareSignature, place, requestHash, share));
    }
    case 'propose': {
      const { ballot, entry, evidence } = message;
      for (const proposal of evidence.proposals) {
        if (!sameBallot(proposal.ballot, ballot) || !equal(proposal.entry, entry)) continue; // V133
        const check = (key: Bytes) => checkProposalSignature(pid, key, place, proposal);
        const found = by(ballot.initiator, proposal.signature, check);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    case 'accept': {
      const { accept } = message;
      return by(accept.holder, accept.signature, (key) => checkAccept(pid, key, place, accept));
    }
    case 'refuse': {
      const { holder, requestHash, signature } = message;
      return by(holder, signature, (key) => checkRefusal(pid, key, signature, 'refuse', place, requestHash));
    }
    case 'cancel': {
      const { requestHash, signature } = message;
      const signs = (key: Bytes) => checkRefusal(pid, key, signature, 'cancel', place, requestHash);
      return { author: holdersOf(state).find(({ signKey }) => signs(signKey))?.id ?? null, id: hex(signature) };
    }
  }
}

/** Keeps the vote objects among `found` that somebody said about the open slot: each message once, each author up to its quota. */
export async function keepVotes(
  device: Device,
  view: MemberView,
  found: readonly { readonly hash: string; readonly bytes: Bytes }[],
): Promise<void> {
  const { state, tx } = view;
  const { slot } = placeAfter(state);
  const authors = new Map<string, Set<string>>();
  const messages = new Set<string>();
  const isNew = ({ author, id, message }: Said): boolean => {
    if (messages.has(message)) return false; // V229
    const name = author === null ? '' : hex(author);
    const statements = authors.get(name) ?? new Set();
    authors.set(name, statements);
    if (!statements.has(id) && statements.size >= MAX_STATEMENTS) return false; // V132
    statements.add(id);
    messages.add(message);
    return true;
  };
  for (const vote of await votesOf(tx)) {
    const bytes = vote.slot === slot ? await tx.object(vote.hash) : undefined;
    const message = bytes && (await openVote(device, view, vote.hash, bytes));
    const statement = message && statementOf(state, message);
    if (statement !== undefined) isNew(statement);
  }
  for (const { hash, bytes } of found) {
    const message = await openVote(device, view, hash, bytes);
    const statement = message && statementOf(state, message);
    if (statement === undefined || !isNew(statement)) continue;
    await receiveVote(view, bytes, { holder: statement.author ?? new Uint8Array(16), slot, hash });
  }
}
