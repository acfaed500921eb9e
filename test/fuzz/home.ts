/**
 * A home on which somebody laid hands: values of the journal, blobs of the keystore, the session and the anchor are changed,
 * exchanged or gone. Whoever has the disk can break a device; it must end in a PassportError or in the truth, and never show a
 * value that nobody wrote.
 */
import { type Bytes, equal, hex } from '../../src/bytes.ts';
import { isPassportError } from '../../src/errors.ts';
import { Passport } from '../../src/index.ts';
import type { Home } from '../helpers/mesh.ts';
import { mutateBytes } from './bytes.ts';
import { Rng } from './rng.ts';
import { outcomeOf, type Scene } from './scene.ts';
import { type SceneName, scene } from './scenes.ts';
import { saidBy, type Target, Wrong } from './target.ts';

type Place = 'journal' | 'keystore' | 'anchor' | 'note';

export interface HomePlan {
  readonly scene: SceneName;
  readonly home: number;
  readonly steps: readonly {
    readonly place: Place;
    readonly what: 'change' | 'swap' | 'drop';
    readonly seed: string;
  }[];
}

function lay(home: Home, { place, what, seed }: HomePlan['steps'][number]): void {
  const rng = new Rng(seed);
  if (place === 'anchor') {
    home.anchor.note = what === 'drop' ? undefined : mutateBytes(home.anchor.note ?? new Uint8Array(22), rng);
    return;
  }
  const map = place === 'keystore' ? home.keystore.blobs : home.journal.entries;
  const keys = [...map.keys()]
    .sort()
    .filter((key) => place === 'keystore' || key.startsWith('n/') === (place === 'note'));
  if (keys.length === 0) return;
  const [key, other] = [rng.pick(keys), rng.pick(keys)];
  const bytes = map.get(key) as Bytes;
  // A journal keeps all of a transaction or nothing: that one of its cells alone is gone is outside of its contract.
  if (what === 'drop' && !key.startsWith('c')) map.delete(key);
  if (what === 'change') map.set(key, mutateBytes(bytes, rng));
  if (what === 'swap') {
    map.set(key, map.get(other) as Bytes);
    map.set(other, bytes);
  }
}

/** Each call that a person would try; what one of them refuses, the next may still do. */
const CALLS: readonly ((passport: Passport) => Promise<unknown>)[] = [
  (passport) => passport.status(),
  (passport) => passport.sync(),
  (passport) => passport.devices(),
  (passport) => passport.requests(),
  (passport) => passport.log(),
  (passport) => passport.verify({ repair: true }),
  (passport) => passport.sync(),
];

async function run(plan: HomePlan): Promise<void> {
  const from = await scene(plan.scene);
  const world = from.world.clone('home');
  const home = world.homes[plan.home] as Home;
  for (const step of plan.steps) lay(home, step);
  const said: string[] = [];
  const attempt = async (call: () => Promise<unknown>) => {
    try {
      said.push(JSON.stringify((await call()) ?? ''));
    } catch (error) {
      if (!isPassportError(error)) throw error;
      said.push(saidBy(error));
    }
  };
  for (const call of CALLS) await attempt(async () => call(await Passport.open(home.environment)));
  await attempt(async () => checkRecords(from, home));
  from.secrets.check('what the device said', said.join('\n'));
}

async function checkRecords(from: Scene, home: Home): Promise<void> {
  const pid = await home.journal.get('n/passport');
  if (pid === undefined || !equal(pid, from.pid)) return;
  const { records } = await outcomeOf(home, undefined, from.keks);
  for (const [key, value] of Object.entries(records ?? {})) {
    if (from.values.get(key)?.has(value) !== true)
      throw new Wrong('state', `a value of "${key}" that nobody wrote: ${value}`);
  }
}

const PLACES: readonly Place[] = ['journal', 'journal', 'journal', 'journal', 'keystore', 'anchor', 'note'];

export async function homeTargets(): Promise<Target<HomePlan>[]> {
  const homes = [
    ['behind', 0],
    ['revoked', 2],
    ['voting', 0],
  ] as const;
  return homes.map(([name, home]) => ({
    name: `home/${name}/${home}`,
    group: 'store',
    generate: (rng) => ({
      ...{ scene: name, home },
      steps: Array.from({ length: rng.pick([1, 1, 2, 4]) }, () => ({
        place: rng.pick(PLACES),
        what: rng.pick(['change', 'change', 'swap', 'drop'] as const),
        seed: hex(rng.bytes(6)),
      })),
    }),
    run,
    write: (plan) => plan,
    read: (written) => written as HomePlan,
    *simpler(plan) {
      for (let i = 0; i < plan.steps.length; i++) yield { ...plan, steps: plan.steps.filter((_, at) => at !== i) };
    },
  }));
}
