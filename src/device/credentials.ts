/**
 * The credentials of this device's stores, in cells of its journal: sealed under the local key, which the keystore seals. What a
 * thief of the disk sees of them is that there are some.
 */
import type { Bytes } from '../bytes.ts';
import type { Replica } from '../replica/replica.ts';
import type { Credentials } from '../storage/credentials.ts';

/** A write is a transaction of its own: not to be called inside of one. */
export function sealedCredentials(replica: Replica): Credentials {
  const cell = (url: string) => `credentials/${url}`;
  return {
    // The replica shares what it hands out and keeps what it is given; an adapter may wipe both.
    read: async (url) => ((await replica.read(cell(url))) as Bytes | undefined)?.slice(),
    write: (url, bytes) => {
      const kept = bytes?.slice() ?? null;
      return replica.transact(async (tx) => {
        if (kept === null) tx.delete(cell(url));
        else tx.set(cell(url), kept);
      });
    },
  };
}
