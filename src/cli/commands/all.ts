/** The code of the commands, as one module: many small files take longer to load than to run. What is large, they load themselves. */
import type { Command } from '../context.ts';
import { run as adopt } from './adopt.ts';
import { run as approve } from './approve.ts';
import { run as cancel } from './cancel.ts';
import { run as conflicts } from './conflicts.ts';
import { run as devices } from './devices.ts';
import { run as drill } from './drill.ts';
import { run as exportRecords } from './export.ts';
import { run as get } from './get.ts';
import { run as history } from './history.ts';
import { run as importDirectory } from './import.ts';
import { run as init } from './init.ts';
import { run as invite } from './invite.ts';
import { run as join } from './join.ts';
import { run as kitCheck } from './kit-check.ts';
import { run as lock } from './lock.ts';
import { run as log } from './log.ts';
import { run as ls } from './ls.ts';
import { run as passphrase } from './passphrase.ts';
import { run as put } from './put.ts';
import { run as quarantine } from './quarantine.ts';
import { run as recover } from './recover.ts';
import { run as refuse } from './refuse.ts';
import { run as rename } from './rename.ts';
import { run as requests } from './requests.ts';
import { run as reshare } from './reshare.ts';
import { run as resolve } from './resolve.ts';
import { run as revoke } from './revoke.ts';
import { run as rm } from './rm.ts';
import { run as status } from './status.ts';
import { run as storeAdd } from './store-add.ts';
import { run as storeCheck } from './store-check.ts';
import { run as storeList } from './store-list.ts';
import { run as storeMove } from './store-move.ts';
import { run as storeRemove } from './store-remove.ts';
import { run as sync } from './sync.ts';
import { run as unattended } from './unattended.ts';
import { run as unlock } from './unlock.ts';
import { run as verify } from './verify.ts';

export { Context } from '../context.ts';

/** By the name that the table of commands gives them. */
export const RUN: Readonly<Record<string, Command>> = {
  adopt,
  approve,
  cancel,
  conflicts,
  devices,
  drill,
  export: exportRecords,
  get,
  history,
  import: importDirectory,
  init,
  invite,
  join,
  'kit check': kitCheck,
  lock,
  log,
  ls,
  passphrase,
  put,
  quarantine,
  recover,
  refuse,
  rename,
  requests,
  reshare,
  resolve,
  revoke,
  rm,
  status,
  'store add': storeAdd,
  'store check': storeCheck,
  'store list': storeList,
  'store move': storeMove,
  'store remove': storeRemove,
  sync,
  unattended,
  unlock,
  verify,
};
