/** The session port: where a sealed session lies between two commands of one person. The key that opens it is half here, half with the caller. */
import type { Bytes } from '../bytes.ts';

export interface SessionVault {
  /** Keeps both durably, in two places; replaces what was there. `fileSecret` is 32 bytes. */
  save(sealed: Bytes, fileSecret: Bytes): Promise<void>;
  load(): Promise<{ sealed: Bytes; fileSecret: Bytes } | undefined>;
  /** Overwrites and removes both. Idempotent. */
  clear(): Promise<void>;
}
