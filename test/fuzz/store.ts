/**
 * Whole devices that look at a store in which somebody else has his hands. The oracle, for every case:
 *
 * 1. A look ends, or ends in a PassportError; so does everything that the device is asked afterwards.
 * 2. What it believes is true: its entries are those of the scene, in order and from the first on; on top come only those that
 *    the scene allows (the change that was asked, an own one of a recovery). Nobody is a holder who is none. Every value of a
 *    record is one that somebody wrote who was allowed to, as far as the device can know: who has not heard of a revocation still
 *    takes the work of the revoked one, and 4 shows that it is gone when it hears.
 * 3. Steps that only add, an insider's forgeries too, change nothing: entries, holders and records are exactly those of a look
 *    at the untouched store. With an insider in an open vote, it may take longer.
 *    The same where another store has everything, whatever is done to this one.
 * 4. When what was taken away is back, another look ends exactly there as well: nothing stays broken.
 * 5. No secret in an error, an event, a card or a report; the Argon2id of the passphrase is never asked for a cost outside
 *    docs/protocol.md, 3.
 */
import { copy, equal, hex } from '../../src/bytes.ts';
import { checkCost } from '../../src/crypto/argon2.ts';
import { isPassportError } from '../../src/errors.ts';
import { registryObjects } from '../../src/ceremonies/decide.ts';
import { decidedAt } from '../../src/ceremonies/chain.ts';
import { inside } from '../helpers/hostile.ts';
import { type Home, type World, cheapArgon2id } from '../helpers/mesh.ts';
import { addsOnly, anyOps, type Op, play } from './store-ops.ts';
import type { Rng } from './rng.ts';
import { type Observer, type Outcome, outcomeOf, type Scene } from './scene.ts';
import { SCENES, type SceneName, scene } from './scenes.ts';
import { saidBy, type Target, Wrong } from './target.ts';

export interface Plan {
  readonly scene: SceneName;
  readonly observer: string;
  readonly ops: readonly Op[];
}

interface Look {
  readonly outcome: Outcome | undefined;
  /** The code of the error that it ended with. */
  readonly code: string | undefined;
}

/** A clone in which nobody is asked for the cost of an Argon2id that the protocol does not allow. */
function cloneOf(from: Scene): World {
  const world = from.world.clone('case');
  for (const home of world.homes) bound(home);
  return world;
}

function bound(home: Home): void {
  home.environment.argon2id = async (password, salt, cost) => {
    try {
      checkCost(cost, salt);
    } catch (cause) {
      throw new Wrong('memory', `Argon2id was asked for ${JSON.stringify(cost)}: ${String(cause)}`);
    }
    return cheapArgon2id(password, salt, cost);
  };
}

async function lookOnce(from: Scene, world: World, observer: Observer): Promise<Look> {
  const said: string[] = [];
  try {
    const open = await observer.look(world);
    const outcome = await outcomeOf(world.homes[observer.home] as Home, open, from.keks);
    return { outcome, code: undefined };
  } catch (error) {
    if (!isPassportError(error)) throw error;
    said.push(saidBy(error));
    return { outcome: await afterError(from, world, observer), code: error.code };
  } finally {
    for (const home of world.homes) said.push(JSON.stringify(home.events), JSON.stringify(home.cards));
    from.secrets.check(`what ${observer.name} said`, said.join('\n'));
  }
}

/** What a device believes after its call failed; undefined when it has no passport yet or waits to be let in. */
async function afterError(from: Scene, world: World, observer: Observer): Promise<Outcome | undefined> {
  const home = world.homes[observer.home];
  if (home === undefined || (await home.journal.get('n/passport')) === undefined) return undefined;
  try {
    return await outcomeOf(home, undefined, from.keks);
  } catch (error) {
    if (isPassportError(error)) return undefined;
    throw error;
  }
}

const clean = new Map<string, Promise<Outcome>>();

async function cleanOf(from: Scene, observer: Observer): Promise<Outcome> {
  const name = `${from.name}/${observer.name}`;
  const known =
    clean.get(name) ??
    lookOnce(from, cloneOf(from), observer).then(({ outcome, code }) => {
      if (outcome === undefined || code !== undefined) throw new Error(`${name} fails at an untouched store: ${code}`);
      return outcome;
    });
  clean.set(name, known);
  return known;
}

const no = (message: string) => new Wrong('state', message);

/** Rule 2. */
async function checkTrue(
  from: Scene,
  world: World,
  observer: Observer,
  { entries, devices, records }: Outcome,
): Promise<void> {
  const known = from.entries;
  for (let i = 0; i < Math.min(known.length, entries.length); i++) {
    if (entries[i] !== known[i]) {
      if (observer.mayDecide === 'any') break; // a recovery that saw less: its own entry stands there
      throw no(`entry ${i} is another one`);
    }
  }
  const more = entries.filter((id) => !known.includes(id));
  if (more.length > (observer.mayDecide === 'nothing' ? 0 : 1)) throw no(`${more.length} entries that nobody decided`);
  if (more.length > 0 && observer.mayDecide === 'asked') {
    const request = await requestOf(world.homes[observer.home] as Home, entries.length - 1);
    if (request !== from.asked) throw no('an entry was decided that nobody asked for');
  }
  const names = new Set(from.parsed.flatMap(({ core }) => core.holders.map(({ name }) => name)));
  for (const name of Object.keys(devices)) {
    if (!names.has(name) && !(observer.mayDecide === 'any' && name === 'desktop')) throw no(`"${name}" is a holder`);
  }
  // To a device from which the revocation is withheld the insider is a current one, until it hears (docs/threat-model.md).
  const notHeard = entries.length < known.length && from.insiders.some(({ revoked }) => revoked);
  for (const [key, value] of Object.entries(records ?? {})) {
    if (isInsiders(from, key) || notHeard) continue;
    if (from.values.get(key)?.has(value) !== true) throw no(`a value of "${key}" that nobody wrote who may: ${value}`);
  }
}

/** Keys that only a current device wrote that turned hostile: it may write what it likes there. */
function isInsiders(from: Scene, key: string): boolean {
  return !from.values.has(key) && from.insiders.some(({ revoked }) => !revoked);
}

async function requestOf(home: Home, slot: number): Promise<string | undefined> {
  const device = await inside(home);
  return device.asMember(async (view) => {
    const known = (await registryObjects(view.tx)).some(([each]) => each === slot);
    const decided = known ? await decidedAt(device, view, slot) : undefined;
    return decided && hex(decided.entry.core.request);
  });
}

const standing = (state: string) => (state === 'revoked' ? state : 'active');

/** Rules 3 and 4: what differs from a look at the untouched store, in words. */
function difference(from: Scene, found: Outcome, expected: Outcome, observer: Observer): string | undefined {
  const own = observer.mayDecide !== 'nothing';
  const ids = (outcome: Outcome) => (own ? outcome.entries.length : outcome.entries.join());
  if (ids(found) !== ids(expected)) return `${found.entries.length} entries instead of ${expected.entries.length}`;
  const holders = (outcome: Outcome) =>
    JSON.stringify(Object.entries(outcome.devices).map(([name, state]) => [name, standing(state)]));
  if (holders(found) !== holders(expected)) return `holders ${holders(found)} instead of ${holders(expected)}`;
  const sorted = (outcome: Outcome) =>
    JSON.stringify(
      Object.entries(outcome.records ?? {})
        .filter(([key]) => !isInsiders(from, key))
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  if (sorted(found) !== sorted(expected)) return `records ${sorted(found)} instead of ${sorted(expected)}`;
  return undefined;
}

function putBack(from: Scene, world: World): void {
  for (const [name, bytes] of from.world.store().objects) {
    const there = world.store().objects.get(name);
    if (there === undefined || !equal(there, bytes)) world.store().objects.set(name, copy(bytes));
  }
}

const HEALING_LOOKS = 3;

async function run({ scene: name, observer: by, ops }: Plan): Promise<void> {
  const from = await scene(name);
  const observer = from.observers.find((each) => each.name === by) as Observer;
  const expected = await cleanOf(from, observer);
  const world = cloneOf(from);
  await play(from, world, ops, await scene(name === 'fresh' ? 'joining' : 'fresh'));
  let { outcome, code } = await lookOnce(from, world, observer);
  if (outcome !== undefined) await checkTrue(from, world, observer, outcome);
  const slow = observer.mayDecide === 'asked' && ops.some(({ op }) => op === 'forge');
  const wrong = () =>
    outcome === undefined || code !== undefined
      ? `it ended with ${code}`
      : difference(from, outcome, expected, observer);
  if (addsOnly(ops) || from.spared) {
    if (wrong() !== undefined && !slow) throw no(`with nothing taken away: ${wrong()}`);
    return;
  }
  if (hasRecovered(from, observer, outcome)) return;
  for (let looks = 0; looks < HEALING_LOOKS && wrong() !== undefined; looks++) {
    putBack(from, world);
    for (const { clock } of world.homes) clock.pass(looks * 35_000);
    ({ outcome, code } = await lookOnce(from, world, observer));
    if (outcome !== undefined) await checkTrue(from, world, observer, outcome);
  }
  if (wrong() !== undefined && !slow) throw no(`after everything was put back: ${wrong()}`);
}

/**
 * A recovery decides with what it sees: of what no store showed it cannot know (docs/threat-model.md), and commits that come
 * to light later are beyond the cut of the device that left.
 */
function hasRecovered(from: Scene, observer: Observer, outcome: Outcome | undefined): boolean {
  return observer.mayDecide === 'any' && outcome?.entries.some((id) => !from.entries.includes(id)) === true;
}

function* simpler(plan: Plan): Iterable<Plan> {
  for (let i = 0; i < plan.ops.length; i++) yield { ...plan, ops: plan.ops.filter((_, at) => at !== i) };
}

/** One target per scene and observer. */
export async function storeTargets(names: readonly SceneName[] = SCENES): Promise<Target<Plan>[]> {
  const targets: Target<Plan>[] = [];
  for (const name of names) {
    const from = await scene(name);
    for (const observer of from.observers) {
      targets.push({
        name: `store/${name}/${observer.name}`,
        group: 'store',
        generate: (rng: Rng) => ({ scene: name, observer: observer.name, ops: anyOps(rng, from.insiders.length) }),
        run,
        simpler,
        write: (plan) => plan,
        read: (written) => written as Plan,
      });
    }
  }
  return targets;
}
