/** What an idle sync asks of a store: one listing, and nothing else. Counted, not timed, on a passport of the real command. */
import { nodeHome } from '../../src/node/index.ts';
import { type Environment, Passport, type Store } from '../../src/index.ts';
import { type Row, timed } from './measure.ts';
import { type Stage, writeFiles } from './stage.ts';

export async function idle(stage: Stage): Promise<Row[]> {
  const at = stage.found();
  const files = stage.fresh('files');
  writeFiles(files, 200, 1024);
  timed(stage.passport(at, 'import', files));
  timed(stage.passport(at, 'sync'));

  const calls: string[] = [];
  const home = nodeHome({ home: at.home, anchorDirectory: stage.fresh('state') });
  const env: Environment = {
    ...home,
    openStore: async (...args) => counted(await home.openStore(...args), calls),
    person: { passphrase: ask, devicePassphrase: ask, confirm: async () => false, tell: () => {} },
  };
  const passport = await Passport.open(env, { sessionSecret: at.session });
  await passport.sync(); // under another anchor directory the home counts as restored: that is settled here
  calls.length = 0;
  await passport.sync();
  await passport.close();
  const made = calls.length === 0 ? 'none' : calls.join(', ');
  return [{ what: 'store calls of an idle sync', ours: made, peer: '', target: 'list', met: made === 'list' }];
}

async function ask(): Promise<string> {
  throw new Error('an idle sync in a session asks for nothing');
}

function counted(store: Store, calls: string[]): Store {
  return {
    url: store.url,
    get: (...args) => {
      calls.push('get');
      return store.get(...args);
    },
    put: (...args) => {
      calls.push('put');
      return store.put(...args);
    },
    delete: (...args) => {
      calls.push('delete');
      return store.delete(...args);
    },
    list: (...args) => {
      calls.push('list');
      return store.list(...args);
    },
    close: () => store.close(),
  };
}
