/**
 * What an unlock computes, beside the Argon2id that it cannot do without: two evaluations, one opens the keystore, one is
 * the vault's. In one process, with journal and store in memory: what is measured is neither the disk nor the start.
 */
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { DEFAULT_COST } from '../../src/crypto/argon2.ts';
import { useProvider } from '../../src/crypto/provider.ts';
import {
  createMemoryAnchor,
  createMemoryJournal,
  createMemorySession,
  createMemoryStore,
  type Environment,
  Passport,
} from '../../src/index.ts';
import { argon2idNode, createKeystore, nodeClock, nodeProvider } from '../../src/node/index.ts';
import { median, ms, ratioRow, type Row } from './measure.ts';
import { DEVICE_PASSPHRASE, PASSPHRASE, type Stage } from './stage.ts';

const ROUNDS = 9;

export async function unlock(stage: Stage): Promise<Row[]> {
  useProvider(nodeProvider);
  const random = (length: number) => randomFillSync(new Uint8Array(length));
  const journal = { ...createMemoryJournal(), close: async () => {} };
  const store = createMemoryStore();
  const directory = join(stage.fresh('unlock'), 'keystore');
  const env: Environment = {
    journal: async () => journal,
    keystore: createKeystore({ directory, kind: 'file', argon2id: argon2idNode, random }),
    anchor: createMemoryAnchor(),
    sessions: createMemorySession(),
    openStore: async () => store,
    clock: nodeClock,
    random,
    argon2id: argon2idNode,
    person: {
      passphrase: async () => PASSPHRASE,
      devicePassphrase: async () => DEVICE_PASSPHRASE,
      confirm: async () => true,
      tell: () => {},
    },
  };
  const kits: string[] = [];
  const founded = await Passport.create(env, {
    name: 'laptop',
    stores: ['memory:bench'],
    keepKits: async (made) => void kits.push(...made.map(({ words }) => words.join(' '))),
  });
  await founded.lock();
  await founded.close();

  const salt = random(16);
  const password = new TextEncoder().encode(PASSPHRASE);
  const needed: number[] = [];
  const ours: number[] = [];
  // The first round loads modules and compiles; it does not count.
  for (let round = -1; round < ROUNDS; round++) {
    const begin = performance.now();
    for (let i = 0; i < 2; i++) await argon2idNode(password, salt, DEFAULT_COST);
    const middle = performance.now();
    const passport = await Passport.open(env);
    await passport.unlock({ kits: kits.slice(0, 1) });
    const end = performance.now();
    await passport.lock();
    await passport.close();
    if (round < 0) continue;
    needed.push(middle - begin);
    ours.push(end - middle);
  }
  return [
    ratioRow('unlock, compute only', '2 Argon2id', ours, needed, 1.25),
    {
      what: '  of it beside Argon2id',
      ours: ms(median(ours.map((value, i) => value - (needed[i] as number)))),
      peer: '',
    },
  ];
}
