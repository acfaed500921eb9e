/**
 * The rest of a home in the memory of this process: anchor, keystore and session. For tests, and for browsers without
 * persistence. Its keystore asks for no passphrase and seals under a key that nothing outside this object holds.
 */
import { type Bytes, copy, wipe } from '../bytes.ts';
import { PassportError } from '../errors.ts';
import type { Random } from '../platform.ts';
import { checkBlobName, isReplaced } from './blob-name.ts';
import type { Anchor } from './journal.ts';
import type { Keystore } from './keystore.ts';
import type { SessionVault } from './session.ts';

export function createMemoryAnchor(): Anchor {
  let note: Bytes | undefined;
  return {
    async read() {
      return note && copy(note);
    },
    async write(bytes) {
      note = copy(bytes);
    },
  };
}

export function createMemoryKeystore(random: Random): Keystore {
  const blobs = new Map<string, Bytes>();
  let key: Bytes | undefined;
  return {
    kind: 'plain',
    async createKey() {
      key ??= copy(random(32));
      return copy(key);
    },
    async openKey() {
      if (key === undefined) throw new PassportError('keystore-unavailable', 'there is no keystore yet');
      return copy(key);
    },
    async save(name, sealed) {
      checkBlobName(name);
      blobs.set(name, copy(sealed));
    },
    async load(name) {
      checkBlobName(name);
      const sealed = blobs.get(name);
      return sealed && copy(sealed);
    },
    async prune(keep) {
      checkBlobName(keep);
      for (const [name, sealed] of blobs) {
        if (!isReplaced(name, keep)) continue;
        wipe(sealed);
        blobs.delete(name);
      }
    },
  };
}

export function createMemorySession(): SessionVault {
  let kept: { sealed: Bytes; fileSecret: Bytes } | undefined;
  return {
    async save(sealed, fileSecret) {
      kept = { sealed: copy(sealed), fileSecret: copy(fileSecret) };
    },
    async load() {
      return kept && { sealed: copy(kept.sealed), fileSecret: copy(kept.fileSecret) };
    },
    async clear() {
      wipe(kept?.sealed, kept?.fileSecret);
      kept = undefined;
    },
  };
}
