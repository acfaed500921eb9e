/**
 * The credentials of this device's stores, in cells of its journal: sealed under the local key, which the keystore seals. What a
 * thief of the disk sees of them is that there are some. What goes in and out are copies: an adapter wipes its own.
 */
import { type Bytes, copy } from '../bytes.ts';
import type { Replica } from '../replica/replica.ts';
import type { Credentials } from '../storage/credentials.ts';

/** A write is a transaction of its own: not to be called inside of one. */
export function sealedCredentials(replica: Replica): Credentials {
  const cell = (url: string) => `credentials/${url}`;
  return {
    async read(url) {
      const bytes = (await replica.read(cell(url))) as Bytes | undefined;
      return bytes && copy(bytes);
    },
    write: (url, bytes) =>
      replica.transact(async (tx) => {
        if (bytes === null) tx.delete(cell(url));
        else tx.set(cell(url), copy(bytes));
      }),
  };
}
