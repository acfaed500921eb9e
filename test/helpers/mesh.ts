/**
 * Whole devices in memory for tests of ceremonies: each has its own home, they share stores, each has a clock that the test
 * moves, seeded randomness, an Argon2id stand-in that costs nothing, and a person who is scripted. A world can be cloned, as
 * far as its processes are not concerned: what is durable is copied, and passports are opened again.
 */
import { type Bytes, copy } from '../../src/bytes.ts';
import { hmac } from '../../src/crypto/hash.ts';
import { useProvider } from '../../src/crypto/provider.ts';
import {
  type Card,
  type Change,
  type ChangeOptions,
  type Environment,
  type Kit,
  Passport,
  PassportError,
  type PassportEvent,
  type Store,
} from '../../src/index.ts';
import { nodeProvider } from '../../src/node/provider.ts';
import type { Argon2id } from '../../src/platform.ts';
import { behindPower, Power, TestAnchor, TestJournal, TestKeystore, TestSessions, TestStore } from './durable.ts';
import { seededRandom } from './random.ts';

useProvider(nodeProvider);

/** Not Argon2id: a keyed hash with the same shape, so that a sweep of hundreds of ceremonies takes seconds. */
export const cheapArgon2id: Argon2id = async (password, salt) => hmac(salt, password);

export const PASSPHRASE = 'correct horse battery staple';
export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

export class TestClock {
  time = Date.UTC(2026, 10, 20, 12, 0, 0);
  boot = 'boot-1';
  /** How long a sleep really takes, for devices that run at the same time: else one polls while another computes. */
  pauseMs = 0;
  #mono = 1_000_000;

  clone(): TestClock {
    const clock = new TestClock();
    clock.time = this.time;
    clock.boot = this.boot;
    clock.#mono = this.#mono;
    return clock;
  }

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.#mono;
  }

  bootId(): string {
    return this.boot;
  }

  /** Moves both clocks. */
  pass(ms: number): void {
    this.time += ms;
    this.#mono += ms;
  }

  /** The machine was off: another boot, whose monotonic clock begins again. */
  reboot(): void {
    this.boot = `${this.boot}+`;
    this.#mono = 1_000;
  }

  /** Sleeping moves the clocks and lets others run. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.pass(ms);
    await new Promise((resolve) => (this.pauseMs > 0 ? setTimeout(resolve, this.pauseMs) : setImmediate(resolve)));
  }
}

/** What is durable of one home. */
interface Parts {
  readonly clock: TestClock;
  readonly journal: TestJournal;
  readonly keystore: TestKeystore;
  readonly anchor: TestAnchor;
  readonly sessions: TestSessions;
}

export interface Home extends Parts {
  /** A test may replace parts of it. */
  readonly environment: { -readonly [K in keyof Environment]: Environment[K] };
  readonly events: PassportEvent[];
  readonly cards: Card[];
  /** Every call to what is outside of the home goes through it. */
  readonly power: Power;
  /** What the person answers to a card; default yes. */
  confirms: (card: Card) => boolean;
  passphrase: string;
}

/** Stores by URL, made on first use; a test may replace one by a wrapper. */
export class World {
  readonly stores = new Map<string, Store>();
  readonly homes: Home[] = [];
  readonly #seed: string;
  /** The numbers that any device shows, as a person who looks at its screen would know them. */
  readonly #numbers = new Map<string, number>();

  constructor(seed = 'world') {
    this.#seed = seed;
  }

  store(url = 'memory:one'): TestStore {
    const known = this.stores.get(url) ?? new TestStore(url);
    this.stores.set(url, known);
    return known as TestStore;
  }

  /** All that is durable once more, with fresh randomness; homes stand at the same places in `homes`. */
  clone(label: string | number): World {
    const world = new World(`${this.#seed}/${label}`);
    for (const [url, store] of this.stores) world.stores.set(url, (store as TestStore).clone());
    for (const [id, number] of this.#numbers) world.#numbers.set(id, number);
    for (const home of this.homes) world.home({ copyOf: home });
    return world;
  }

  home(options: { clock?: TestClock; copyOf?: Home } = {}): Home {
    const { copyOf } = options;
    const random = seededRandom(`${this.#seed}/${this.homes.length}`);
    const parts: Parts = {
      clock: options.clock ?? copyOf?.clock.clone() ?? new TestClock(),
      journal: copyOf?.journal.clone() ?? new TestJournal(),
      keystore: copyOf?.keystore.clone(random) ?? new TestKeystore(random),
      anchor: copyOf?.anchor.clone() ?? new TestAnchor(),
      sessions: copyOf?.sessions.clone() ?? new TestSessions(),
    };
    const power = new Power();
    for (const part of [parts.journal, parts.keystore, parts.anchor, parts.sessions]) part.power = power;
    const events: PassportEvent[] = [];
    const cards: Card[] = [];
    const home: Home = {
      ...parts,
      ...{ power, events, cards, confirms: () => true, passphrase: copyOf?.passphrase ?? PASSPHRASE },
      environment: {
        journal: async () => parts.journal,
        keystore: parts.keystore,
        anchor: parts.anchor,
        sessions: parts.sessions,
        openStore: async (url) => {
          if (!url.startsWith('memory:')) throw new PassportError('store-unknown', 'no such store');
          return behindPower(this.stores.get(url) ?? this.store(url), power);
        },
        clock: parts.clock,
        random,
        argon2id: cheapArgon2id,
        person: {
          passphrase: async () => home.passphrase,
          devicePassphrase: async () => 'device passphrase',
          confirm: async (card) => {
            cards.push(card);
            return home.confirms(card);
          },
          tell: (event) => {
            events.push(event);
            if (event.event === 'number') this.#numbers.set(event.id, event.number);
          },
        },
      },
    };
    this.homes.push(home);
    return home;
  }

  #processes: Map<number, Passport> | undefined;

  /** From now on `open` gives the process that it opened before, as if the person stayed at the machine. */
  keepProcesses(): void {
    this.#processes = new Map();
  }

  /** The member whose home stands at `index`, opened again. */
  async open(index: number): Promise<Member> {
    const home = this.homes[index] as Home;
    const passport = this.#processes?.get(index) ?? (await Passport.open(home.environment));
    this.#processes?.set(index, passport);
    return { passport, home };
  }

  /** The number that the asking device shows for a request. */
  number(id: string): number {
    const number = this.#numbers.get(id);
    if (number === undefined) throw new Error('no device shows a number for this request');
    return number;
  }

  /** A passport on a new home: 2 of 3 unless said otherwise. */
  async create(
    name = 'laptop',
    options: { threshold?: number; holders?: number; stores?: string[]; home?: Home; noSpare?: boolean } = {},
  ): Promise<Member & { kits: Kit[] }> {
    const home = options.home ?? this.home();
    const kits: Kit[] = [];
    const passport = await Passport.create(home.environment, {
      name,
      stores: options.stores ?? ['memory:one'],
      passphrase: PASSPHRASE,
      threshold: options.threshold ?? 2,
      holders: options.holders ?? 3,
      noSpare: options.noSpare ?? false,
      keepKits: async (made) => {
        kits.push(...made);
      },
    });
    return { passport, home, kits };
  }

  /**
   * Enrolls a device by an invitation of `by`, one step of one device after the other; `approvers` approve by number. Throws
   * when it is not decided.
   */
  async enroll(name: string, by: Member, options: EnrollSetup = {}): Promise<Member> {
    const home = options.home ?? this.home();
    const { replace, add, threshold, kits } = options;
    const { id, link } = await by.passport.invite({
      ...(replace === undefined ? {} : { replace }),
      ...(add === undefined ? {} : { add }),
      ...(threshold === undefined ? {} : { threshold }),
    });
    const join = () => Passport.join(home.environment, link, { name, timeoutMs: 0 });
    await stopsWaiting(join());
    await by.passport.awaitAnswer(id, { timeoutMs: 0 });
    await stopsWaiting(join());
    const extra = { passphrase: PASSPHRASE, timeoutMs: 0, ...(kits === undefined ? {} : { kits }) };
    let change = await by.passport.enroll(id, { words: wordsOf(home).join(' '), ...extra });
    await stopsWaiting(join());
    change = await this.settle(by, change, options.approvers ?? [], extra);
    if (change.state !== 'decided') throw new Error(`${change.state}: ${change.hint}`);
    return { passport: await join(), home };
  }

  /** Moves a change on, device after device, until it waits no more: `approvers` approve what they are asked. */
  async settle(by: Member, change: Change, approvers: readonly Member[], options: ChangeOptions = {}): Promise<Change> {
    let now = change;
    for (let round = 0; round < 6 && now.state === 'waiting'; round++) {
      // Nobody gives promises to two initiators within 30 s.
      if (round > 0) for (const { clock } of this.homes) clock.pass(35_000);
      for (const approver of approvers) await this.approveAll(approver);
      now = await by.passport.finish(change.id, { passphrase: PASSPHRASE, ...options, timeoutMs: 0 });
    }
    for (const approver of approvers) await approver.passport.sync();
    return now;
  }

  /** Syncs and says yes to everything that others ask, with the numbers that they show. Returns how many that was. */
  async approveAll(member: Member): Promise<number> {
    await member.passport.sync();
    const open = (await member.passport.requests()).filter(({ mine, approved }) => !mine && !approved);
    for (const { id } of open) await member.passport.approve(id, { number: this.number(id), timeoutMs: 0 });
    await member.passport.sync();
    return open.length;
  }

  /** Opens a session on a device with the approval of another one. */
  async unlock(member: Member, approver: Member): Promise<void> {
    await stopsWaiting(member.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 0 }));
    await this.approveAll(approver);
    await member.passport.unlock({ passphrase: PASSPHRASE, timeoutMs: 0 });
  }
}

interface EnrollSetup {
  kits?: string[];
  replace?: string;
  add?: boolean;
  threshold?: number;
  approvers?: Member[];
  home?: Home;
}

export interface Member {
  readonly passport: Passport;
  readonly home: Home;
}

export const words = (kit: Kit): string => kit.words.join(' ');

/** For a step that does what it can and then says that it waits for another device. */
export async function stopsWaiting(step: Promise<unknown>): Promise<void> {
  try {
    await step;
  } catch (error) {
    if (error instanceof PassportError && error.code === 'waiting') return;
    throw error;
  }
  throw new Error('it should wait for another device');
}

/** The three words that a joining device shows. */
export function wordsOf(home: Home): readonly string[] {
  const event = home.events.findLast((each) => each.event === 'words');
  if (event?.event !== 'words') throw new Error('the joining device shows no words');
  return event.words;
}

export function noticesOf(home: Home): string[] {
  return home.events.flatMap((each) => (each.event === 'notice' ? [each.text] : []));
}

export async function text(member: Member, key: string): Promise<string | undefined> {
  const record = await member.passport.get(key);
  return record && new TextDecoder().decode(record.value);
}

/** Every object of a store, for snapshots and searches. */
export async function contents(store: Store): Promise<Map<string, Bytes>> {
  const all = new Map<string, Bytes>();
  for await (const name of store.list('p')) all.set(name, copy((await store.get(name)) as Bytes));
  return all;
}

/** A world whose homes are laptop (0), phone (1) and, if wanted, tablet (2); 2 of 3, what is no device is a kit. */
export interface Mesh {
  readonly world: World;
  readonly laptop: Member;
  readonly phone: Member;
}

const made = new Map<string, Promise<{ world: World; kits: Kit[] }>>();

function once(
  name: string,
  make: () => Promise<{ world: World; kits: Kit[] }>,
): Promise<{ world: World; kits: Kit[] }> {
  const known = made.get(name) ?? make();
  made.set(name, known);
  return known;
}

async function opened(world: World): Promise<Mesh> {
  return { world, laptop: await world.open(0), phone: await world.open(1) };
}

async function makeTwoDevices(): Promise<{ world: World; kits: Kit[] }> {
  const world = new World('two devices');
  const laptop = await world.create();
  await laptop.passport.put('old', 'written before');
  const phone = await world.enroll('phone', laptop, { kits: [words(laptop.kits[0]!)] });
  await laptop.passport.sync();
  await phone.passport.sync();
  return { world, kits: laptop.kits };
}

/**
 * Laptop, phone and kit-1 (the phone took the place of kit-2), 2 of 3, one record "old". All are locked and have synced. Each
 * call gives a world of its own; `label` makes its randomness its own too.
 */
export async function twoDevices(label: string | number): Promise<Mesh & { kit: string; oldKit: string }> {
  const { world, kits } = await once('two', makeTwoDevices);
  return { ...(await opened(world.clone(label))), kit: words(kits[0]!), oldKit: words(kits[1]!) };
}

/** Laptop, phone and tablet, 2 of 3, no kit. Everything else as in `twoDevices`. */
export async function threeDevices(label: string | number): Promise<Mesh & { tablet: Member; oldKits: string[] }> {
  const { world, kits } = await once('three', async () => {
    const two = await once('two', makeTwoDevices);
    const grown = two.world.clone('three');
    const { laptop, phone } = await opened(grown);
    const tablet = await grown.enroll('tablet', laptop, { approvers: [phone] });
    for (const member of [laptop, phone, tablet]) await member.passport.sync();
    return { world: grown, kits: two.kits };
  });
  const mesh = await opened(world.clone(label));
  return { ...mesh, tablet: await mesh.world.open(2), oldKits: kits.map(words) };
}
