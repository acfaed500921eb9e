/** What a platform offers beside WebCrypto, which answers.ts finds by itself. Node fills it in; a browser has nothing of it. */
import type { Bytes } from '../../src/bytes.ts';
import { type Provider, provider, useProvider } from '../../src/crypto/provider.ts';
import type { Argon2Cost, Argon2id } from '../../src/platform.ts';

export interface Platform {
  /** The provider of its shell. */
  readonly provider?: Provider;
  hkdf?(ikm: Bytes, salt: Bytes, info: Bytes, length: number): Bytes;
  x25519?(privateKey: Bytes, publicKey: Bytes): Bytes;
  /** Receiver's side of HPKE: key pair, info, `enc ‖ ciphertext ‖ tag`. */
  hpkeOpen?(privateKey: Bytes, publicKey: Bytes, info: Bytes, sealed: Bytes, psk?: Bytes, pskId?: Bytes): Bytes;
  /** The bare function, without the bounds of ours. */
  argon2id?(password: Bytes, salt: Bytes, cost: Argon2Cost): Promise<Bytes>;
  /** The one of its shell, with the bounds of ours. */
  readonly argon2idOfShell?: Argon2id;
}

/** The provider that a program has which chooses none. */
export const portable: Provider = provider();

/** Runs one question while `chosen` is the provider of the process. */
export async function through<T>(chosen: Provider, run: () => T | Promise<T>): Promise<T> {
  useProvider(chosen);
  try {
    return await run();
  } finally {
    useProvider(portable);
  }
}

/** `through` as a question, or nothing where the platform has no such provider. */
export function question<T>(chosen: Provider | undefined, run: () => T | Promise<T>): (() => Promise<T>) | undefined {
  return chosen === undefined ? undefined : () => through(chosen, run);
}
