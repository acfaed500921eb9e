/** The scenes: a fresh passport, a device that was away, a revocation, an open vote, a device that is being let in. */
import { encodeRequest } from '../../src/format/entry.ts';
import { Passport } from '../../src/index.ts';
import { Forger, threeOnTwoStores } from '../helpers/hostile.ts';
import {
  type Home,
  type Member,
  PASSPHRASE,
  stopsWaiting,
  threeDevices,
  twoDevices,
  words,
  wordsOf,
  World,
} from '../helpers/mesh.ts';
import { isPassportError } from '../../src/errors.ts';
import { finishScene, keksOf, Notebook, type Observer, type Scene } from './scene.ts';

const left = { passphrase: PASSPHRASE, timeoutMs: 0 } as const;

/** A device that is there, syncs, and looks at everything that it has and that the store has. */
function syncs(name: string, home: number, mayDecide: Observer['mayDecide'] = 'nothing'): Observer {
  return {
    ...{ name, home, mayDecide },
    look: async (world) => {
      const { passport } = await world.open(home);
      await passport.sync();
      await passport.verify().catch((error: unknown) => {
        if (!isPassportError(error, 'revoked')) throw error; // it may hear only now that it was
      });
      await passport.requests();
      await passport.log();
      await passport.status();
      return undefined;
    },
  };
}

async function fresh(): Promise<Scene> {
  const world = new World('fuzz fresh');
  const laptop = await world.create();
  const notebook = new Notebook();
  await notebook.put(laptop, 'wallet', 'the first seed of the wallet');
  await notebook.put(laptop, 'wallet', 'the second seed of the wallet');
  await notebook.put(laptop, 'bank', 'account 4711, password hunter2');
  await notebook.put(laptop, 'gone', 'nobody shall see this again');
  await notebook.delete(laptop, 'gone');
  await laptop.passport.sync();
  await notebook.put(laptop, 'letter', 'Dear Anna, all is well. '.repeat(100));
  await laptop.passport.sync();
  const kits = laptop.kits.map(words);
  const keks = await keksOf(laptop);
  world.home();
  const observers = [syncs('member', 0), recovers(1, kits)];
  return finishScene({ name: 'fresh', world, witness: laptop, keks, notebook, kits, observers, insiders: [] });
}

/** A new machine on which somebody recovers with kits; its empty home stands at `number`. */
function recovers(number: number, kits: readonly string[]): Observer {
  return {
    ...{ name: 'recover', home: number, mayDecide: 'any' },
    look: async (world) => {
      const home = world.homes[number] as Home;
      const usual = { stores: ['memory:one'], name: 'desktop', passphrase: PASSPHRASE };
      const waits = await home.journal.get('n/passport');
      if (waits !== undefined) {
        const open = await Passport.open(home.environment);
        const mine = (await open.devices()).some(({ me }) => me);
        if (mine) {
          await open.sync();
          await open.unlock({ passphrase: PASSPHRASE, kits, timeoutMs: 0 });
          return open;
        }
      }
      return Passport.recover(home.environment, { ...usual, kits });
    },
  };
}

/** All devices are lost, but somebody has the phone; the kits are there. 3 of 5. */
async function lost(): Promise<Scene> {
  const world = new World('fuzz lost');
  const laptop = await world.create('laptop', { threshold: 3, holders: 5 });
  const all = laptop.kits.map(words);
  const kits = all.slice(0, 3);
  const notebook = new Notebook();
  await notebook.put(laptop, 'wallet', 'the first seed of the wallet');
  await world.enroll('phone', laptop, { kits });
  await laptop.passport.sync();
  await notebook.put(laptop, 'wallet', 'the second seed of the wallet');
  await laptop.passport.sync();
  const keks = await keksOf(laptop);
  world.home();
  const observers = [recovers(2, kits)];
  const insiders = [{ home: 1, revoked: false }];
  return finishScene({ name: 'lost', world, witness: laptop, keks, notebook, kits: all, observers, insiders });
}

/** The tablet was away while the others wrote, changed the passphrase, wrote again, asked each other and drilled. */
async function behind(): Promise<Scene> {
  const { world, laptop, phone, oldKits } = await threeDevices('fuzz behind');
  const notebook = new Notebook();
  notebook.know('old', 'written before');
  await world.unlock(laptop, phone);
  await notebook.put(laptop, 'wallet', 'the first seed of the wallet');
  await laptop.passport.sync();
  await world.unlock(phone, laptop);
  await notebook.put(phone, 'wallet', 'the second seed of the wallet');
  await notebook.put(phone, 'bank', 'account 4711, password hunter2');
  await phone.passport.sync();
  await laptop.passport.sync();
  const change = await laptop.passport.changePassphrase({ ...left, newPassphrase: 'another correct horse' });
  const again = { passphrase: PASSPHRASE, newPassphrase: 'another correct horse' };
  await world.settle(laptop, change, [phone], again);
  await notebook.put(laptop, 'after', 'written after the change of the passphrase');
  await laptop.passport.sync();
  await phone.passport.sync();
  await stopsWaiting(phone.passport.unlock({ passphrase: 'another correct horse', timeoutMs: 0 }));
  await laptop.passport.drill({ timeoutMs: 0 });
  await laptop.passport.sync();
  const keks = await keksOf(laptop);
  const observers = [syncs('away', 2), syncs('member', 0)];
  const insiders = [{ home: 1, revoked: false }];
  return finishScene({ name: 'behind', world, witness: laptop, keks, notebook, kits: oldKits, observers, insiders });
}

/** As `behind`, with two stores, of which one is in hostile hands. */
async function twoStores(): Promise<Scene> {
  const { world, laptop, phone, tablet } = await threeOnTwoStores('fuzz two stores');
  const notebook = new Notebook();
  await world.unlock(laptop, phone);
  await notebook.put(laptop, 'wallet', 'the first seed of the wallet');
  for (const member of [laptop, phone, tablet]) await member.passport.sync();
  const change = await laptop.passport.rename('tablet', 'slate', left);
  await world.settle(laptop, change, [phone]);
  await notebook.put(laptop, 'wallet', 'the second seed of the wallet');
  const again = { passphrase: PASSPHRASE, newPassphrase: 'another correct horse' };
  await world.settle(laptop, await laptop.passport.changePassphrase({ ...left, ...again }), [phone], again);
  await notebook.put(laptop, 'after', 'written after the change of the passphrase');
  for (const member of [laptop, phone, laptop]) await member.passport.sync();
  const keks = await keksOf(laptop);
  const observers = [syncs('away', 2), syncs('member', 0)];
  const insiders = [{ home: 1, revoked: false }];
  const parts = { name: 'twoStores', world, witness: laptop, keks, notebook, kits: [], observers, insiders };
  return finishScene({ ...parts, spared: true });
}

/** Laptop and two kits revoked the phone while the tablet was away; somebody has the phone as it was. 3 of 5. */
async function revoked(): Promise<Scene> {
  const world = new World('fuzz revoked');
  const laptop = await world.create('laptop', { threshold: 3, holders: 5 });
  const all = laptop.kits.map(words);
  const kits = all.slice(0, 2);
  const notebook = new Notebook();
  await notebook.put(laptop, 'old', 'written before anybody came');
  const phone = await world.enroll('phone', laptop, { kits });
  const tablet = await world.enroll('tablet', laptop, { kits });
  for (const member of [laptop, phone]) await member.passport.sync();
  await phone.passport.unlock({ passphrase: PASSPHRASE, kits, timeoutMs: 0 });
  await notebook.put(phone, 'wallet', 'the first seed of the wallet');
  for (const member of [phone, laptop, tablet]) await member.passport.sync();
  world.home({ copyOf: phone.home });
  const change = await laptop.passport.revoke('phone', { ...left, kit: false, kits });
  if (change.state !== 'decided') throw new Error(`${change.state}: ${change.hint}`);
  await notebook.put(laptop, 'wallet', 'the second seed of the wallet');
  await laptop.passport.sync();
  const keks = await keksOf(laptop);
  const observers = [syncs('away', 2), syncs('member', 0), syncs('gone', 1)];
  const insiders = [{ home: 3, revoked: true }];
  return finishScene({ name: 'revoked', world, witness: laptop, keks, notebook, kits: all, observers, insiders });
}

/** The laptop asks for the phone to leave, and the tablet has approved. */
async function voting(): Promise<Scene> {
  const { world, laptop, phone, tablet, oldKits } = await threeDevices('fuzz voting');
  const notebook = new Notebook();
  notebook.know('old', 'written before');
  await world.unlock(laptop, phone);
  await notebook.put(laptop, 'wallet', 'the first seed of the wallet');
  for (const member of [laptop, phone, tablet]) await member.passport.sync();
  const keks = await keksOf(laptop);
  const change = await laptop.passport.revoke('phone', { ...left, kit: false });
  await tablet.passport.sync();
  await tablet.passport.approve(change.id, { number: change.number, timeoutMs: 0 });
  await tablet.passport.sync();
  const forger = await Forger.of(world.clone('asked'), phone);
  const asked = encodeRequest((await forger.request()).request);
  const finishes: Observer = {
    ...{ name: 'finish', home: 2, mayDecide: 'asked' },
    look: async (world) => {
      const [first, third] = [await world.open(0), await world.open(2)];
      for (let round = 0; round < 3; round++) {
        const now = await first.passport.finish(change.id, left);
        await third.passport.sync();
        if (now.state === 'decided') break;
        for (const { clock } of world.homes) clock.pass(35_000);
      }
      await third.passport.sync();
      await third.passport.verify();
      return undefined;
    },
  };
  const observers = [finishes, syncs('leaves', 1, 'asked')];
  const insiders = [{ home: 1, revoked: false }];
  const parts = { name: 'voting', world, witness: laptop, keks, notebook, kits: oldKits, observers, insiders, asked };
  return finishScene(parts);
}

/** A desktop was let in for the kit, and does not know it yet. */
async function joining(): Promise<Scene> {
  const { world, laptop, phone, kit, oldKit } = await twoDevices('fuzz joining');
  const notebook = new Notebook();
  notebook.know('old', 'written before');
  await world.unlock(laptop, phone);
  await notebook.put(laptop, 'wallet', 'the first seed of the wallet');
  await laptop.passport.sync();
  const home = world.home();
  const { id, link } = await laptop.passport.invite();
  const join = () => Passport.join(home.environment, link, { name: 'desktop', timeoutMs: 0 });
  await stopsWaiting(join());
  await laptop.passport.awaitAnswer(id, { timeoutMs: 0 });
  await stopsWaiting(join());
  let change = await laptop.passport.enroll(id, { words: wordsOf(home).join(' '), ...left });
  await stopsWaiting(join());
  change = await world.settle(laptop, change, [phone]);
  if (change.state !== 'decided') throw new Error(`${change.state}: ${change.hint}`);
  await notebook.put(laptop, 'bank', 'account 4711, password hunter2');
  await laptop.passport.sync();
  const keks = await keksOf(laptop);
  const joins: Observer = {
    ...{ name: 'join', home: 2, mayDecide: 'nothing' },
    look: async (world) => {
      const { environment } = world.homes[2] as Member['home'];
      const passport = await Passport.join(environment, link, { name: 'desktop', timeoutMs: 0 });
      await passport.verify();
      return undefined;
    },
  };
  const observers = [joins];
  const insiders = [{ home: 1, revoked: false }];
  const kits = [kit, oldKit];
  return finishScene({ name: 'joining', world, witness: laptop, keks, notebook, kits, observers, insiders });
}

const MAKERS = { fresh, lost, behind, twoStores, revoked, voting, joining };
export type SceneName = keyof typeof MAKERS;
export const SCENES = Object.keys(MAKERS) as readonly SceneName[];

const made = new Map<SceneName, Promise<Scene>>();

/** The same object for every call in a process. */
export function scene(name: SceneName): Promise<Scene> {
  const known = made.get(name) ?? MAKERS[name]();
  made.set(name, known);
  return known;
}
