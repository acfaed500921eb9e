/**
 * The vault's passphrase for the time of one call: typed at most once, turned into P by Argon2id at most once per salt, and
 * forgotten with the call. Without a way to ask, the answer is undefined and the ceremony says what it waits for.
 */
import { type Bytes, equal, hex, wipe } from '../bytes.ts';
import { checkCost, passphraseBytes } from '../crypto/argon2.ts';
import type { Argon2Cost, Argon2id } from '../platform.ts';

export interface PassphraseSource {
  /** The present passphrase; undefined when it cannot be asked for now. */
  readonly current: () => Promise<string | undefined>;
  /** The one to come, for a change of passphrase. */
  readonly next?: () => Promise<string | undefined>;
  /** What the one to come costs; the default is the caller's. */
  readonly nextCost?: Argon2Cost | undefined;
}

export class Passphrases {
  readonly #argon2id: Argon2id;
  readonly #source: PassphraseSource;
  readonly #keys = new Map<string, Promise<Bytes>>();
  #current: Promise<string | undefined> | undefined;
  #next: Promise<{ salt: Bytes; cost: Argon2Cost; key: Bytes } | undefined> | undefined;

  constructor(argon2id: Argon2id, source: PassphraseSource) {
    this.#argon2id = argon2id;
    this.#source = source;
  }

  async #derive(text: string, salt: Bytes, cost: Argon2Cost): Promise<Bytes> {
    checkCost(cost, salt);
    const password = passphraseBytes(text);
    try {
      return await this.#argon2id(password, salt, cost);
    } finally {
      wipe(password);
    }
  }

  /** P for this salt and cost, 32 bytes; undefined when nobody can be asked. */
  async current(salt: Bytes, cost: Argon2Cost): Promise<Bytes | undefined> {
    this.#current ??= this.#source.current();
    const text = await this.#current;
    if (text === undefined) return undefined;
    const name = `${hex(salt)}/${cost.memoryKiB}/${cost.passes}/${cost.lanes}`;
    const known = this.#keys.get(name) ?? this.#derive(text, salt, cost);
    this.#keys.set(name, known);
    return known;
  }

  /** After a wrong one: the next `current` asks again. */
  forget(): void {
    this.#current = undefined;
    this.#keys.clear();
  }

  /** P of the new passphrase under a salt that is drawn once. */
  next(salt: () => Bytes, usual: Argon2Cost): Promise<{ salt: Bytes; cost: Argon2Cost; key: Bytes } | undefined> {
    this.#next ??= (async () => {
      const text = await this.#source.next?.();
      if (text === undefined) return undefined;
      const drawn = salt();
      const cost = this.#source.nextCost ?? usual;
      return { salt: drawn, cost, key: await this.#derive(text, drawn, cost) };
    })();
    return this.#next;
  }

  /** Whether another passphrase is the same text after normalisation: one stolen disk must not be an oracle for the vault. */
  static same(a: string, b: string): boolean {
    return equal(passphraseBytes(a), passphraseBytes(b));
  }
}
