/** What the makers of vote messages share: a registry after slot 0, its people, and the ways to be no message of this slot. */
import type { Bytes } from '../../../src/bytes.ts';
import { decode, encode, type Value } from '../../../src/cbor.ts';
import { type Ballot, type ChangeRequest, encodeRequest } from '../../../src/format/entry.ts';
import { encodeVote, type Evidence, type VoteMessage } from '../../../src/format/votes.ts';
import { placeAfter, signBallotRequest, signProposal } from '../../../src/registry/messages.ts';
import { type Actor, type Made, Registry, voter } from '../../helpers/registry.ts';
import { brokenForms, brokenValues } from '../forms.ts';
import { type Fields, flip, Maker } from '../maker.ts';

export type Refusal = 'parse' | 'context' | 'approval' | 'signature' | 'key' | 'tag' | 'commitment' | 'policy';

/** A registry after slot 0, its people, and the place of the vote. */
export class Scene {
  readonly m: Maker;
  readonly r: Registry;
  readonly pid: Bytes;
  readonly place: { readonly slot: number; readonly prev: Bytes };
  readonly before: { given: string };
  readonly laptop: Actor;
  readonly phone: Actor;
  readonly kit: Actor;
  readonly stranger: Actor;
  readonly ballot: Ballot;

  private constructor(m: Maker, r: Registry) {
    this.m = m;
    this.r = r;
    this.pid = r.pid;
    this.place = placeAfter(r.state);
    this.before = m.give('before', [r.founding.entry.bytes]);
    [this.laptop, this.phone, this.kit] = [r.actor(0), r.actor(1), r.actor(2)];
    this.stranger = r.fresh('stranger');
    this.ballot = { round: 1, initiator: this.laptop.holder.id };
  }

  static async open(subject: string, about: string): Promise<Scene> {
    return new Scene(new Maker(subject, 'docs/protocol.md 5, Vote', about), await Registry.found(`vector ${subject}`));
  }

  input(message: VoteMessage | Bytes, also: Fields = {}): Fields {
    const bytes = message instanceof Uint8Array ? message : encodeVote(message);
    return { pid: this.pid, before: this.before, message: bytes, ...also };
  }

  /** The places in which nobody votes now. */
  async otherPlaces(
    op: string,
    at: (place: { slot: number; prev: Bytes }) => VoteMessage,
    also: Fields = {},
  ): Promise<void> {
    const { slot, prev } = this.place;
    for (const [name, place, why] of [
      ['slot-0', { slot: 0, prev }, 'slot 0'],
      ['slot-next', { slot: slot + 1, prev }, 'the next slot'],
      ['slot-far', { slot: slot + 2 ** 32, prev }, 'a slot that is the same modulo 2^32'],
      ['prev', { slot, prev: flip(prev) }, 'another entry before'],
      ['prev-pid', { slot, prev: this.pid }, 'prev is the pid'],
    ] as const)
      await this.m.fail(name, op, this.input(at(place), also), 'context', `${why}, signed for it`);
  }

  /** What is no message: the whole, and a part of it where there is one. */
  async forms(
    op: string,
    message: VoteMessage,
    names: readonly string[],
    fixed: readonly string[],
    also: Fields,
    part?: { at: number; names: readonly string[]; fixed: readonly string[] },
  ): Promise<void> {
    const fields = decode(encodeVote(message)) as Value[];
    for (const [name, bytes, why] of brokenForms(fields, ['label', 'slot', 'prev', ...names], ['prev', ...fixed]))
      await this.m.fail(`form-${name}`, op, this.input(bytes, also), 'parse', why);
    const label = encode(['vote', ...fields.slice(1)]);
    await this.m.fail('form-label', op, this.input(label, also), 'parse', 'an unknown label');
    if (part === undefined) return;
    for (const [name, value, why] of brokenValues(fields[part.at] as Value[], part.names, part.fixed))
      await this.m.fail(
        `form-part-${name}`,
        op,
        this.input(encode(fields.map((each, i) => (i === part.at ? value : each))), also),
        'parse',
        why,
      );
  }

  requestMessage(request: ChangeRequest, by: Actor = this.laptop, ballot = this.ballot): VoteMessage {
    const bytes = encodeRequest(request);
    const signature = signBallotRequest(this.pid, voter(by), this.place, ballot, bytes);
    return { type: 'request', ...this.place, ballot, request: bytes, voucher: null, signature };
  }
}

/** The evidence for an entry that was born in its ballot. */
export function evidenceOf({ pid, place, laptop, ballot }: Scene, { entry, dealt }: Made): Evidence {
  const { wrap, link } = dealt!;
  const signature = signProposal(pid, voter(laptop), place, ballot, entry.id);
  return {
    entries: [{ entry: entry.bytes, wrap, link }],
    proposals: [{ ballot, entry: entry.id, promises: entry.core.promises, signature }],
  };
}
