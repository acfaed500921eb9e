/** passport-mesh/node: what a Node process composes an Environment from. */
export { createAnchor } from './anchor.ts';
export { argon2idNode } from './argon2.ts';
export { nodeClock } from './clock.ts';
export { createFolderStore, type FolderStoreOptions } from './folder-store.ts';
export { type NodeHome, nodeHome, type NodeHomeOptions } from './home.ts';
export type { Keychain } from './keychain.ts';
export { createKeystore, type KeystoreOptions } from './keystore.ts';
export { openJournal } from './lmdb-journal.ts';
export { nodeProvider } from './provider.ts';
export { createSessionVault } from './session-vault.ts';
