/** passport-mesh/testing: the contracts of the storage ports, for those who write an adapter. */
export type { Runner } from './check.ts';
export { describeStoreFaults, type FaultyStoreFixture, type StoreFault } from './contract-faults.ts';
export { describeJournal, type JournalFixture } from './contract-journal.ts';
export { describeStore, type StoreFixture, type StoreSuiteOptions } from './contract-store.ts';
