/**
 * The journal port: the durable memory of one device, shared by all its processes. It holds sealed bytes under opaque keys.
 * One transaction at a time changes it, and only if nobody else changed it since the caller began to read: so several
 * processes can never fork a chain or a vote, and no lock can be left behind by a process that died.
 */
import type { Bytes } from '../bytes.ts';

export interface Journal {
  /** Grows by one with every commit; 0 for an empty journal. */
  generation(): Promise<number>;
  get(key: string): Promise<Bytes | undefined>;
  /**
   * All of `changes` (null deletes) or nothing, durable when it resolves. Returns the new generation.
   * `journal-changed` when the generation is no longer `expected`: read again and decide again.
   * `disk-full` and `home-unusable` leave the journal as it was.
   */
  commit(expected: number, changes: ReadonlyMap<string, Bytes | null>): Promise<number>;
  /**
   * Says that a commit will soon have these very bytes among its changes: they can be on their way to the disk while it is
   * put together, and must not change any more. `forget` says of all that is in no commit that none will come.
   */
  begin?(bytes: Bytes): void;
  forget?(values: Iterable<Bytes>): Promise<void>;
  close(): Promise<void>;
}

/** A small note kept outside the home and outside backups, to notice that a home was restored or copied. */
export interface Anchor {
  read(): Promise<Bytes | undefined>;
  write(bytes: Bytes): Promise<void>;
}
