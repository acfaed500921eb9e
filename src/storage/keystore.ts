/**
 * The keystore port: where a device keeps its secrets (one sealed blob), and where the key of that blob comes from.
 * The journal names the blob in force, so a blob that was saved but never named is rubbish, and saving is atomic with
 * the transaction that names it.
 */
import type { Bytes } from '../bytes.ts';

export type KeystoreKind = 'file' | 'keychain' | 'plain';

/** Asked only when the key needs a passphrase; `again` after a wrong one. */
export type AskDevicePassphrase = () => Promise<string>;

export interface Keystore {
  readonly kind: KeystoreKind;
  /** Makes the 32-byte key of a new keystore and keeps what is needed to get it back. `confirmed` is false for `plain`. */
  createKey(ask: AskDevicePassphrase): Promise<Bytes>;
  /** The key again. `wrong-device-passphrase` when its check fails, `keystore-unavailable` when the keychain is gone. */
  openKey(ask: AskDevicePassphrase): Promise<Bytes>;
  /** Durable under `name` ([a-z0-9-]) when it resolves. */
  save(name: string, sealed: Bytes): Promise<void>;
  load(name: string): Promise<Bytes | undefined>;
  /** Overwrites and removes every blob but `keep` whose number (the leading digits) is not above that of `keep`. Best effort. */
  prune(keep: string): Promise<void>;
}
