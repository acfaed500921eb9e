/** Argon2id (RFC 9106): hash-wasm, noble and Node's own, bare with small costs, and ours with the smallest that it takes. */
import { argon2id as nobleArgon2id } from '@noble/hashes/argon2.js';
import { argon2id as hashWasm } from 'hash-wasm';
import { type Bytes, copy } from '../../src/bytes.ts';
import { argon2idWasm, passphraseBytes } from '../../src/crypto/argon2.ts';
import type { Argon2Cost, Argon2id } from '../../src/platform.ts';
import { seededRandom, upTo } from '../helpers/random.ts';
import { type Findings, REFUSED } from './findings.ts';
import type { Platform } from './platform.ts';

/** Two of the smallest work that is taken, with the least and with much memory. */
const COSTS: [text: string, saltLength: number, cost: Argon2Cost][] = [
  ['correct horse', 16, { memoryKiB: 19_456, passes: 7, lanes: 1 }],
  ['ﬁ пароль e\u0301', 64, { memoryKiB: 131_072, passes: 1, lanes: 8 }],
];

export async function askArgon2(findings: Findings, platform: Platform): Promise<void> {
  const random = seededRandom('differential argon2');
  for (let i = 0; i < 40; i++) {
    const lanes = 1 + upTo(random, 8);
    const cost = { memoryKiB: 8 * lanes + upTo(random, 200), passes: 1 + upTo(random, 4), lanes };
    const [password, salt] = [random(1 + upTo(random, i < 36 ? 80 : 1024)), random(8 + upTo(random, 57))];
    const named = `${cost.memoryKiB} KiB, ${cost.passes} passes, ${cost.lanes} lanes`;
    await findings.ask(`argon2id ${i}: ${named}`, bareArgon2(platform, password, salt, cost));
  }
  for (const [text, saltLength, cost] of COSTS) {
    const [password, salt] = [passphraseBytes(text), random(saltLength)];
    const id = `argon2id of a passphrase, ${cost.memoryKiB} KiB`;
    await findings.ask(id, {
      ...ourArgon2(platform, password, salt, cost),
      ...bareArgon2(platform, password, salt, cost),
    });
  }
  const [text, , cost] = COSTS[0] as (typeof COSTS)[number];
  const [password, salt] = [passphraseBytes(text), random(16)];
  const refuses = (id: string, changed: Partial<Argon2Cost>, input: { password?: Bytes; salt?: Bytes } = {}) =>
    findings.ask(
      `argon2id refuses ${id}`,
      ourArgon2(platform, input.password ?? password, input.salt ?? salt, { ...cost, ...changed }),
      REFUSED,
    );
  await refuses('no password', {}, { password: new Uint8Array(0) });
  for (const length of [0, 15, 65, 2 ** 20]) await refuses(`a salt of ${length}`, {}, { salt: new Uint8Array(length) });
  for (const memoryKiB of [0, -1, 8, 19_455, 524_289, 2 ** 32, 2 ** 53, 1e300, Number.NaN, Infinity, 65_536.5]) {
    await refuses(`memory ${memoryKiB}`, { memoryKiB });
  }
  for (const passes of [0, -1, 1, 6, 11, 2 ** 32, 2.5, Number.NaN]) await refuses(`passes ${passes}`, { passes });
  for (const lanes of [0, -1, 9, 2 ** 24, 1.5, Infinity]) await refuses(`lanes ${lanes}`, { lanes });
}

export function ourArgon2(platform: Platform, password: Bytes, salt: Bytes, cost: Argon2Cost) {
  const of = (argon2id: Argon2id | undefined) => argon2id && (() => argon2id(password, salt, cost));
  return { portable: of(argon2idWasm), shell: of(platform.argon2idOfShell) };
}

export function bareArgon2(platform: Platform, password: Bytes, salt: Bytes, cost: Argon2Cost) {
  const { memoryKiB, passes, lanes } = cost;
  return {
    'hash-wasm': async () => {
      const limits = { iterations: passes, parallelism: lanes, memorySize: memoryKiB, hashLength: 32 };
      return copy(await hashWasm({ password, salt, ...limits, outputType: 'binary' }));
    },
    noble: () => copy(nobleArgon2id(password, salt, { t: passes, m: memoryKiB, p: lanes, dkLen: 32, version: 0x13 })),
    Node: platform.argon2id && (() => platform.argon2id!(password, salt, cost)),
  };
}
