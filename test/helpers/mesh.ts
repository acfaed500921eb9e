/**
 * Whole devices in memory for tests of ceremonies: each has its own home, they share stores, one clock that the test moves,
 * seeded randomness, an Argon2id stand-in that costs nothing, and a person who is scripted.
 */
import { type Bytes, copy } from '../../src/bytes.ts';
import { hmac } from '../../src/crypto/hash.ts';
import { useProvider } from '../../src/crypto/provider.ts';
import {
  type Card,
  createMemoryAnchor,
  createMemoryJournal,
  createMemoryKeystore,
  createMemorySession,
  createMemoryStore,
  type Environment,
  type Journal,
  type Kit,
  Passport,
  PassportError,
  type PassportEvent,
  type Store,
} from '../../src/index.ts';
import { nodeProvider } from '../../src/node/provider.ts';
import type { Argon2id } from '../../src/platform.ts';
import { seededRandom } from './random.ts';

useProvider(nodeProvider);

/** Not Argon2id: a keyed hash with the same shape, so that a sweep of hundreds of ceremonies takes seconds. */
export const cheapArgon2id: Argon2id = async (password, salt) => hmac(salt, password);

export const PASSPHRASE = 'correct horse battery staple';

export class TestClock {
  time = Date.UTC(2026, 10, 20, 12, 0, 0);
  boot = 'boot-1';
  #mono = 1_000_000;

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

  /** Sleeping moves the clocks and lets others run. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.pass(ms);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface Home {
  readonly environment: Environment;
  readonly events: PassportEvent[];
  readonly cards: Card[];
  readonly clock: TestClock;
  readonly journal: Journal;
  /** What the person answers to a card; default yes. */
  confirms: (card: Card) => boolean;
  passphrase: string;
}

/** Stores by URL, made on first use; a test may replace one by a wrapper. */
export class World {
  readonly stores = new Map<string, Store>();
  readonly #seed: string;
  #homes = 0;

  constructor(seed = 'world') {
    this.#seed = seed;
  }

  store(url = 'memory:one'): Store {
    const known = this.stores.get(url) ?? createMemoryStore(url);
    this.stores.set(url, known);
    return known;
  }

  home(options: { clock?: TestClock; journal?: Journal } = {}): Home {
    const clock = options.clock ?? new TestClock();
    const random = seededRandom(`${this.#seed}/${this.#homes++}`);
    const journal = options.journal ?? createMemoryJournal();
    const events: PassportEvent[] = [];
    const cards: Card[] = [];
    const shared: Journal = { ...bound(journal), close: async () => undefined };
    const home: Home = {
      events,
      cards,
      clock,
      journal,
      confirms: () => true,
      passphrase: PASSPHRASE,
      environment: {
        journal: async () => shared,
        keystore: createMemoryKeystore(random),
        anchor: createMemoryAnchor(),
        sessions: createMemorySession(),
        openStore: async (url) => {
          if (!url.startsWith('memory:')) throw new PassportError('store-unknown', 'no such store');
          return this.store(url);
        },
        clock,
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
          },
        },
      },
    };
    return home;
  }

  /** A passport on a new home: 2 of 3 unless said otherwise. */
  async create(
    name = 'laptop',
    options: { threshold?: number; holders?: number; stores?: string[]; home?: Home } = {},
  ): Promise<Member & { kits: Kit[] }> {
    const home = options.home ?? this.home();
    const kits: Kit[] = [];
    const passport = await Passport.create(home.environment, {
      name,
      stores: options.stores ?? ['memory:one'],
      passphrase: PASSPHRASE,
      threshold: options.threshold ?? 2,
      holders: options.holders ?? 3,
      keepKits: async (made) => {
        kits.push(...made);
      },
    });
    return { passport, home, kits };
  }

  /** Enrolls a device by an invitation of `by`; whoever of `approvers` is needed approves by number. */
  async enroll(
    name: string,
    by: Member,
    options: {
      kits?: string[];
      replace?: string;
      add?: boolean;
      threshold?: number;
      approvers?: Member[];
      home?: Home;
    } = {},
  ): Promise<Member> {
    const home = options.home ?? this.home();
    const { replace, add, threshold } = options;
    const invitation = await by.passport.invite({
      ...(replace === undefined ? {} : { replace }),
      ...(add === undefined ? {} : { add }),
      ...(threshold === undefined ? {} : { threshold }),
    });
    const joining = Passport.join(home.environment, invitation.link, { name, timeoutMs: 10 * 60 * 1000 });
    joining.catch(() => undefined);
    await by.passport.awaitAnswer(invitation.id);
    const words = await wordsOf(home);
    const enrolling = by.passport.enroll(invitation.id, {
      words: words.join(' '),
      passphrase: PASSPHRASE,
      ...(options.kits === undefined ? {} : { kits: options.kits }),
      timeoutMs: 60_000,
    });
    enrolling.catch(() => undefined);
    await Promise.all((options.approvers ?? []).map((approver) => approveNext(approver)));
    const change = await enrolling;
    if (change.state !== 'decided') throw new Error(`not decided: ${change.hint}`);
    return { passport: await joining, home };
  }
}

export interface Member {
  readonly passport: Passport;
  readonly home: Home;
}

export const words = (kit: Kit): string => kit.words.join(' ');

/** The words that a joining device shows, once it does. */
export async function wordsOf(home: Home): Promise<readonly string[]> {
  for (let i = 0; i < 10_000; i++) {
    const event = home.events.findLast((each) => each.event === 'words');
    if (event?.event === 'words') return event.words;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('the joining device shows no words');
}

/** Syncs until a request by another device is there, and approves it with the number that its card would need. */
export async function approveNext(member: Member, options: { timeoutMs?: number } = {}): Promise<void> {
  for (let i = 0; i < 2_000; i++) {
    await member.passport.sync();
    const request = (await member.passport.requests()).find(({ mine, approved }) => !mine && !approved);
    if (request !== undefined) {
      await member.passport.approve(request.id, {
        number: numberOf(request.id),
        timeoutMs: options.timeoutMs ?? 60_000,
      });
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error('no request came');
}

const numbers = new Map<string, number>();

/** Remembers the numbers that any device shows, as a person who looks at its screen would. */
export function watch(member: Member): Member {
  for (const event of member.home.events) if (event.event === 'number') numbers.set(event.id, event.number);
  member.passport.on((event) => {
    if (event.event === 'number') numbers.set(event.id, event.number);
  });
  return member;
}

function numberOf(id: string): number {
  const number = numbers.get(id);
  if (number === undefined) throw new Error('no device shows a number for this request');
  return number;
}

function bound(journal: Journal): Journal {
  return {
    generation: () => journal.generation(),
    get: (key) => journal.get(key),
    commit: (expected, changes) => journal.commit(expected, changes),
    close: () => journal.close(),
  };
}

/** Every object of a store, for snapshots and searches. */
export async function contents(store: Store): Promise<Map<string, Bytes>> {
  const all = new Map<string, Bytes>();
  for await (const name of store.list('p')) all.set(name, copy((await store.get(name)) as Bytes));
  return all;
}
