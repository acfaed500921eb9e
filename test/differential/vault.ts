/** The core as a program in a browser uses it: the public index only, everything in memory, Argon2id in earnest. */
import {
  type Argon2Cost,
  argon2idWasm,
  createMemoryAnchor,
  createMemoryJournal,
  createMemoryKeystore,
  createMemorySession,
  createMemoryStore,
  type Environment,
  Passport,
} from '../../src/index.ts';
import { seededRandom } from '../helpers/random.ts';

/** The least work that is accepted. */
const COST: Argon2Cost = { memoryKiB: 19_456, passes: 7, lanes: 1 };

export interface Vault {
  /** What was read. */
  readonly value: string;
  /** In the store. */
  readonly objects: number;
  readonly kits: number;
}

/** Makes a passport, writes, syncs, opens it again with the session's secret and reads. */
export async function keepOneSecret(): Promise<Vault> {
  const random = seededRandom('differential vault');
  const journal = createMemoryJournal();
  const store = createMemoryStore();
  const started = 1_800_000_000_000;
  let passed = 0;
  const environment: Environment = {
    journal: async () => journal,
    keystore: createMemoryKeystore(random),
    anchor: createMemoryAnchor(),
    sessions: createMemorySession(),
    openStore: async () => store,
    clock: {
      now: () => started + passed,
      monotonic: () => passed,
      bootId: () => 'one boot',
      async sleep(ms) {
        passed += ms;
      },
    },
    random,
    argon2id: argon2idWasm,
    argon2Cost: COST,
    person: {
      passphrase: async () => 'correct horse battery staple',
      devicePassphrase: async () => 'of the device',
      confirm: async () => true,
      tell: () => undefined,
    },
  };
  let kits = 0;
  const options = {
    name: 'page',
    stores: ['memory:one'],
    keepKits: async (made: readonly unknown[]) => {
      kits = made.length;
    },
  };
  const passport = await Passport.create(environment, options);
  await passport.put('bank/pin', '1234');
  await passport.sync();
  await passport.close();
  const again = await Passport.open(environment, { sessionSecret: passport.session()?.secret });
  const record = await again.get('bank/pin');
  let objects = 0;
  for await (const name of store.list('p')) if (name !== '') objects += 1;
  return { value: new TextDecoder().decode(record?.value), objects, kits };
}
