/**
 * The operating system's keychain, by @napi-rs/keyring (an optional dependency, loaded when it is asked for).
 * On Linux only the Secret Service will do: the library's own fallback, the kernel's keyring, forgets at the next boot, and a
 * keystore without its key is a lost device.
 */
import { type Bytes, equal } from '../bytes.ts';
import { PassportError } from '../errors.ts';

export interface Keychain {
  /** Keeps `secret` under `account`; it can be read back when this resolves. */
  set(account: string, secret: Bytes): Promise<void>;
  get(account: string): Promise<Bytes | undefined>;
}

const SERVICE = 'passport-mesh';

/** Every failure is `keystore-unavailable`. */
export const systemKeychain: Keychain = {
  set(account, secret) {
    return available(async () => {
      const entry = await openEntry(account);
      await entry.setSecret(secret);
      const kept = await entry.getSecret();
      if (kept === null || !equal(Uint8Array.from(kept), secret))
        throw new Error('the keychain gave back something else');
    });
  },
  get(account) {
    return available(async () => {
      const secret = await (await openEntry(account)).getSecret();
      return secret === null ? undefined : Uint8Array.from(secret);
    });
  },
};

async function openEntry(account: string) {
  const { AsyncEntry } = await import('@napi-rs/keyring');
  return new AsyncEntry(SERVICE, account, { linux: { store: 'secret-service' } });
}

async function available<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new PassportError('keystore-unavailable', "the operating system's keychain does not work here", {
      cause,
      hint: 'Use --keystore file, which asks for a device passphrase. On Linux a keychain needs a desktop session with a Secret Service.',
    });
  }
}
