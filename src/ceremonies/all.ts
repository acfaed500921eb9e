/** What the SDK's calls start, as one module: many small files take longer to load than to run. */
export { enroll, changePassphrase, finish, finishRecover, rename, reshare, revoke, unattended } from './changes.ts';
export { drill } from './drill.ts';
export { found } from './found.ts';
export { checkKit, devices, log } from './health.ts';
export { answerOf, invite, requireInvitation } from './invite.ts';
export { join } from './join.ts';
export { openRecover, startRecover } from './recover.ts';
export { syncReport } from './report.ts';
export { approve, cancel, refuse, requests } from './requests.ts';
export { Runtime } from './runtime.ts';
export { addStore, checkStore, moveStore, removeStore } from './stores.ts';
export { sendAlong, Stores } from './sync.ts';
export { unlock } from './unlocking.ts';
export { verify } from './verify.ts';
export { kitHands } from '../device/hands.ts';
