/** The public API: one class, its types, its errors. Node's side is `passport-mesh/node`, suites for adapters `passport-mesh/testing`. */
export { argon2idWasm } from './crypto/argon2.ts';
export { ERROR_CODES, isPassportError, PassportError, type PassportErrorCode } from './errors.ts';
export { Passport } from './passport.ts';
export type { Argon2Cost, Argon2id, Clock, Random } from './platform.ts';
export type { Anchor, Journal } from './storage/journal.ts';
export type { AskDevicePassphrase, Keystore, KeystoreKind } from './storage/keystore.ts';
export type { SessionVault } from './storage/session.ts';
export type { Credentials } from './storage/credentials.ts';
export type { GetOptions, PutOptions, Store, StoreOptions } from './storage/store.ts';
export { type LimitOptions, withLimit } from './storage/with-limit.ts';
export { type StoreCall, type StoreTotals, withProgress } from './storage/with-progress.ts';
export { type Retry, type RetryOptions, withRetry } from './storage/with-retry.ts';
export { type TimeoutOptions, withTimeout } from './storage/with-timeout.ts';
export { createMemoryAnchor, createMemoryKeystore, createMemorySession } from './storage/memory-home.ts';
export { createMemoryJournal } from './storage/memory-journal.ts';
export { createMemoryStore } from './storage/memory-store.ts';
export type * from './types.ts';
