/** What the SDK's calls need of the records, as one module: many small files take longer to load than to run. */
export { adopt, quarantined } from './adopt.ts';
export { applyReady } from './apply.ts';
export { conflicts, resolve } from './conflicts.ts';
export { indexReady } from './indexing.ts';
export { newIncarnation } from './own.ts';
export { findRecord, history, listRecords, readRecord } from './view.ts';
export { writeCommit } from './write.ts';
