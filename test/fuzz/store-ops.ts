/**
 * What somebody does who controls a store: a plan is a list of steps that a file can hold, so that a case can be made small
 * and played again. Objects are named by their place in the sorted listing of the scene's store.
 */
import { type Bytes, base32, fromHex, hex } from '../../src/bytes.ts';
import { formatName, type Name, nameHash, parseName } from '../../src/format/names.ts';
import { listFirst } from '../helpers/hostile.ts';
import type { World } from '../helpers/mesh.ts';
import { EDGES, flip, mutateBytes, overwriteLength } from './bytes.ts';
import { FORGERIES, forge, type ForgeryKind } from './store-forge.ts';
import { Rng } from './rng.ts';
import type { Scene } from './scene.ts';

export type Edit =
  | { readonly edit: 'flip'; readonly bit: number }
  | { readonly edit: 'cut'; readonly length: number }
  | { readonly edit: 'extend'; readonly hex: string }
  | { readonly edit: 'length'; readonly at: number; readonly width: number; readonly value: number }
  | { readonly edit: 'any'; readonly seed: string };

export type Op =
  /** `fit`: under the name that fits the new bytes; `keep`: the old object stays. */
  | { readonly op: 'edit'; readonly object: number; readonly by: Edit; readonly fit: boolean; readonly keep: boolean }
  | { readonly op: 'swap'; readonly object: number; readonly other: number }
  | { readonly op: 'drop'; readonly object: number }
  | { readonly op: 'reorder'; readonly seed: string }
  /** Everything that was ever put and deleted since is there again. */
  | { readonly op: 'replay' }
  /** The same bytes once more under another valid name. */
  | { readonly op: 'rename'; readonly object: number; readonly seed: string }
  | { readonly op: 'name'; readonly name: string; readonly hex: string }
  /** An object of another passport, below this one's root. */
  | { readonly op: 'foreign'; readonly object: number }
  | { readonly op: 'forge'; readonly insider: number; readonly kind: ForgeryKind; readonly seed: string };

const seed = (rng: Rng) => hex(rng.bytes(6));

function anyEdit(rng: Rng): Edit {
  switch (rng.below(6)) {
    case 0:
    case 1:
      return { edit: 'flip', bit: rng.once(2) ? rng.below(120 * 8) : rng.below(4096 * 8) };
    case 2:
      return { edit: 'cut', length: rng.pick([0, 1, 4, 42, 43, 74, 75, 91, rng.below(4096)]) };
    case 3:
      return { edit: 'extend', hex: hex(rng.bytes(rng.pick([1, 16, 17, 80]))) };
    case 4:
      return {
        edit: 'length',
        at: rng.pick([0, 0, 4, rng.below(64)]),
        width: rng.pick([4, 8]),
        value: rng.pick(EDGES),
      };
    default:
      return { edit: 'any', seed: seed(rng) };
  }
}

const ODD_NAMES = [
  '',
  '..',
  '../../etc/passwd',
  'HOT',
  'hot',
  'hot/c-',
  '%2e%2e',
  'reg/00000000',
  'hot/x-1',
  `hot/${'v'.repeat(90)}`,
];

function anyOp(rng: Rng, insiders: number): Op {
  const object = rng.below(1024);
  if (insiders > 0 && rng.below(100) < 45) {
    return { op: 'forge', insider: rng.below(insiders), kind: rng.pick(FORGERIES), seed: seed(rng) };
  }
  switch (rng.below(12)) {
    case 0:
    case 1:
    case 2:
      return { op: 'edit', object, by: anyEdit(rng), fit: true, keep: true };
    case 3:
      return { op: 'edit', object, by: anyEdit(rng), fit: true, keep: false };
    case 4:
    case 5:
      return { op: 'edit', object, by: anyEdit(rng), fit: false, keep: false };
    case 6:
      return { op: 'swap', object, other: rng.below(1024) };
    case 7:
      return { op: 'drop', object };
    case 8:
      return rng.once(2) ? { op: 'reorder', seed: seed(rng) } : { op: 'replay' };
    case 9:
      return { op: 'rename', object, seed: seed(rng) };
    case 10:
      return { op: 'foreign', object };
    default:
      return { op: 'name', name: rng.pick(ODD_NAMES), hex: hex(rng.bytes(rng.below(100))) };
  }
}

export function anyOps(rng: Rng, insiders: number): Op[] {
  const count = rng.pick([1, 1, 1, 2, 3, 5, 8]);
  return Array.from({ length: count }, () => anyOp(rng, insiders));
}

/** Whether the steps only add: then a device that looks must end exactly where it would have without them. */
export function addsOnly(ops: readonly Op[]): boolean {
  return ops.every((each) => each.op !== 'swap' && each.op !== 'drop' && (each.op !== 'edit' || each.keep));
}

function edited(bytes: Bytes, by: Edit): Bytes {
  switch (by.edit) {
    case 'flip':
      return flip(bytes, by.bit);
    case 'cut':
      return bytes.slice(0, Math.min(by.length, bytes.length - 1));
    case 'extend':
      return Uint8Array.from([...bytes, ...fromHex(by.hex)]);
    case 'length':
      return overwriteLength(bytes, by.at, by.width, by.value);
    case 'any':
      return mutateBytes(bytes, new Rng(by.seed));
  }
}

/** A name like this one with something else in it, that `parseName` still reads; `hash` at its end. */
function renamed(name: Name, hash: string, rng: Rng): string {
  const tag = base32(rng.bytes(10));
  const number = rng.pick([0, 1, 2, 3, 4, 5, 63, 64, 4096, 2 ** 32 - 1, 2 ** 32, 2 ** 40 - 1]);
  switch (name.kind) {
    case 'bundle': {
      const first = rng.once(2) ? name.first : Math.max(1, number);
      const last = Math.min(2 ** 40 - 1, first + rng.pick([0, 1, 2, 63]));
      return formatName({ ...name, hash, first, last, chain: rng.once(2) ? name.chain : tag });
    }
    case 'registry':
      return formatName({ ...name, hash, slot: number, hot: rng.once(2) });
    case 'vote':
      return formatName({ ...name, hash, ...(rng.once(2) ? { slot: number } : { holder: tag }) });
    case 'mail':
      return formatName({ ...name, hash, holder: tag });
    case 'grant':
      return formatName({ ...name, hash, ...(rng.once(2) ? { epoch: number } : { holder: tag }) });
  }
}

function underFit(name: string, bytes: Bytes): string {
  return `${name.slice(0, name.lastIndexOf('-') + 1)}${nameHash(bytes)}`;
}

/** Plays the steps on the store of a clone of the scene. */
export async function play(scene: Scene, world: World, ops: readonly Op[], foreign: Scene): Promise<void> {
  const store = world.store();
  const { objects } = store;
  const names = [...objects.keys()].sort();
  const nameOf = (object: number) => names[object % names.length] as string;
  const root = nameOf(0).split('/').slice(0, 2).join('/');
  for (const each of ops) {
    const name = 'object' in each ? nameOf(each.object) : '';
    const bytes = objects.get(name) ?? new Uint8Array(1);
    switch (each.op) {
      case 'edit': {
        const now = edited(bytes, each.by);
        if (!each.keep) objects.delete(name);
        objects.set(each.fit ? underFit(name, now) : name, now);
        break;
      }
      case 'swap': {
        const other = nameOf(each.other);
        objects.set(name, objects.get(other) ?? new Uint8Array(0));
        objects.set(other, bytes);
        break;
      }
      case 'drop':
        objects.delete(name);
        break;
      case 'reorder': {
        const all = new Rng(each.seed).shuffled([...objects]);
        objects.clear();
        for (const [key, value] of all) objects.set(key, value);
        break;
      }
      case 'replay':
        for (const [key, value] of store.ever) if (!objects.has(key)) objects.set(key, value);
        break;
      case 'rename': {
        const parsed = parseName(name);
        if (parsed !== undefined) objects.set(renamed(parsed, nameHash(bytes), new Rng(each.seed)), bytes);
        break;
      }
      case 'name':
        objects.set(`${root}/${each.name}`, fromHex(each.hex));
        break;
      case 'foreign': {
        const theirs = [...foreign.world.store().objects].sort(([a], [b]) => (a < b ? -1 : 1));
        const [key, value] = theirs[each.object % theirs.length] as [string, Bytes];
        objects.set(`${root}/${key.split('/').slice(2).join('/')}`, value);
        break;
      }
      case 'forge': {
        const before = new Set(objects.keys());
        await forge(scene, world, each.insider, each.kind, new Rng(each.seed));
        // Half of them are listed before everything else.
        if (new Rng(`${each.seed} place`).once(2))
          listFirst(
            store,
            [...objects.keys()].filter((key) => !before.has(key)),
          );
        break;
      }
    }
  }
}
