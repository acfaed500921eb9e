/** Commits written by hand: any header, any updates, any signature. */
import type { Bytes } from '../../../src/bytes.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import { publicKeyOf } from '../../../src/crypto/sign.ts';
import { chainId, holderId } from '../../../src/crypto/keys.ts';
import { type ClaimedCommit, signCommit } from '../../../src/format/bundle.ts';
import {
  commitId,
  compareRefs,
  type CommitRef,
  encodeHeader,
  type Header,
  parseHeader,
} from '../../../src/format/commit.ts';
import { type BlindedUpdate, encodeUpdate, type Update } from '../../../src/format/update.ts';
import type { Random } from '../../../src/platform.ts';
import { merkleRoot } from '../../../src/records/merkle.ts';

export interface Commit extends CommitRef {
  readonly header: Bytes;
  readonly updates: readonly BlindedUpdate[];
  readonly signature: Bytes;
}

export class Author {
  readonly pid: Bytes;
  readonly seed: Bytes;
  readonly signKey: Bytes;
  readonly device: Bytes;
  readonly #random: Random;

  constructor(pid: Bytes, random: Random, seed: Bytes = random(32)) {
    this.pid = pid;
    this.seed = seed;
    this.signKey = publicKeyOf(seed);
    this.device = holderId(pid, this.signKey);
    this.#random = random;
  }

  /** A commit that knows of `knows`; by default the first one of a new incarnation. */
  commit(
    change: Partial<Header> & { knows?: readonly CommitRef[]; after?: Commit; writes?: readonly Update[] } = {},
  ): Commit {
    const { knows = [], after, writes = [], ...fields } = change;
    const updates = writes.map((update) => ({ blind: this.#random(32), update: encodeUpdate(update) }));
    const before = after === undefined ? undefined : parseHeader(this.pid, after.header);
    const header = encodeHeader({
      device: this.device,
      incarnation: before?.incarnation ?? this.#random(16),
      seq: before === undefined ? 1 : before.seq + 1,
      prev: after?.id ?? null,
      ctx: [...knows, ...(after === undefined ? [] : [after])]
        .map(({ chain, seq, id }) => ({ chain, seq, id }))
        .sort(compareRefs),
      registry: new Uint8Array(32),
      time: 1_000,
      count: updates.length,
      root: merkleRoot(updates),
      acks: [],
      ...fields,
    });
    return this.signed(header, updates);
  }

  /** Any bytes as a header of this author. */
  signed(header: Bytes, updates: readonly BlindedUpdate[] = []): Commit {
    const id = commitId(this.pid, header);
    const place = placeOf(this.pid, header, this.device);
    return { ...place, id, header, updates, signature: signCommit(this.seed, this.pid, id) };
  }
}

function placeOf(pid: Bytes, header: Bytes, device: Bytes): { chain: Bytes; seq: number } {
  try {
    const { chain, seq } = parseHeader(pid, header);
    return { chain, seq };
  } catch {
    return { chain: chainId(pid, device, sha256(header).subarray(0, 16)), seq: 0 };
  }
}

export function claimed(pid: Bytes, { header, signature }: Commit): ClaimedCommit {
  return { header, signature, parsed: parseHeader(pid, header) };
}

export const put = (key: string, value: string): Update => ({
  ...{ key, op: 'put', type: 'text', reason: null },
  value: new TextEncoder().encode(value),
});
