/**
 * What every call of the SDK works with: the opened device, its stores, the person, and the loop that syncs until something
 * is decided or time is up. Whatever it waits for is in the journal: it can be left and taken up again.
 */
import type { Bytes } from '../bytes.ts';
import { type Device, type MemberView, requireHolder } from '../device/device.ts';
import { type KitHand, kitHands, requireHolders } from '../device/hands.ts';
import { Passphrases, type PassphraseSource } from '../device/passphrases.ts';
import { newSession, type OpenSession, saveSession } from '../device/session.ts';
import { isPassportError, PassportError } from '../errors.ts';
import type { ChangeOptions, PassportEvent, Session, Waiting } from '../types.ts';
import { DEFAULT_SESSION_MS } from './found.ts';
import { dealtSession, type Hands } from './engine.ts';
import { awaitedTags, openInvitation, receivePairing } from './invite.ts';
import { requireOpenRegistry, type Stores, syncAll, type Synced } from './sync.ts';
import type { VisitOptions } from './visit.ts';

const POLL_MS = 500;
const DEFAULT_WAIT_MS = 120_000;

export class Runtime {
  readonly device: Device;
  readonly stores: Stores;
  readonly #tell: (event: PassportEvent) => void;
  /** The session of this process with the caller's half of its secret. */
  session: Session | undefined;

  constructor(device: Device, stores: Stores, tell: (event: PassportEvent) => void) {
    this.device = device;
    this.stores = stores;
    this.#tell = tell;
  }

  tell(event: PassportEvent): void {
    this.#tell(event);
  }

  /** The passphrases of one call: given, or asked from the person when `ask`, or not to be had. */
  passphrases(given: string | undefined, ask: boolean, coming: Omit<PassphraseSource, 'current'> = {}): Passphrases {
    const { person, argon2id } = this.device.env;
    return new Passphrases(argon2id, {
      current: async () => given ?? (ask ? person.passphrase('current') : undefined),
      ...coming,
    });
  }

  /** Kits typed for this call; each is a holder now. */
  async kits(words: readonly string[] | undefined): Promise<KitHand[]> {
    const hands = kitHands(this.device.pid, words ?? []);
    await this.device.asMember(async ({ state }) => requireHolders(state, hands));
    return hands;
  }

  /** One sync with these hands; pairing messages for an open invitation are taken with it. */
  async sync(hands: Hands, options: Omit<VisitOptions, 'pairTags' | 'onPairing'> = {}): Promise<Synced> {
    const { device } = this;
    const invitation = await device.transact((view) => openInvitation(view));
    const synced = await syncAll(device, this.stores, hands, {
      ...options,
      ...(invitation === undefined ? {} : { pairTags: awaitedTags(invitation) }),
      onPairing: (tag, bytes) => device.asMember((view) => receivePairing(device, view, tag, bytes)),
    });
    if (synced.decided.length > 0) await this.adoptDealt();
    return synced;
  }

  /** If this process dealt the epoch that is now in force, its session goes on in it. */
  async adoptDealt(ttlMs?: number): Promise<void> {
    const { device } = this;
    const { state, open } = await device.asMember(async (view) => ({ state: view.state, open: device.session }));
    if (open?.epoch === state.epoch) return;
    const left = open === undefined ? DEFAULT_SESSION_MS : open.deadline - device.env.clock.monotonic();
    const session = dealtSession(device, state, ttlMs ?? left);
    if (session !== undefined) await this.openSession(session, state);
  }

  /** Opens a session in this process and keeps it, sealed, for later ones. */
  async openSession(session: OpenSession, known?: MemberView['state']): Promise<Session> {
    const { device } = this;
    const state = known ?? (await device.asMember(async (view) => view.state));
    await device.useSession(session, state);
    const { sessions, clock } = device.env;
    const secret = await saveSession(
      sessions,
      device.pid,
      { ...session, keystoreKey: device.box.key },
      clock,
      device.random,
    );
    this.session = { until: session.until, secret };
    return this.session;
  }

  async sessionFor(kek: Bytes, epoch: number, ttlMs: number): Promise<Session> {
    return this.openSession(newSession(this.device.env.clock, kek, epoch, ttlMs));
  }

  /**
   * Syncs until `done` answers, the time is up (then undefined) or the signal fires. Errors of a wrong passphrase ask the
   * person again, twice, when nothing was given.
   */
  async until<T>(
    hands: Hands,
    waiting: Waiting & { readonly given?: boolean },
    done: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { clock } = this.device.env;
    const deadline = clock.monotonic() + (waiting.timeoutMs ?? DEFAULT_WAIT_MS);
    const signal = waiting.signal;
    let wrong = 0;
    for (;;) {
      try {
        const synced = await this.sync(hands, { signal });
        failIfNoStore(synced);
      } catch (error) {
        if (!isPassportError(error, 'wrong-passphrase') || waiting.given === true || ++wrong > 2) throw error;
        this.tell({ event: 'notice', text: 'That is not the passphrase of the passport. Try again.' });
        hands.passphrases.forget();
        continue;
      }
      const result = await done();
      if (result !== undefined) return result;
      if (clock.monotonic() >= deadline) return undefined;
      await clock.sleep(POLL_MS, signal).catch(() => {
        throw new PassportError('aborted', 'it was interrupted; what was done so far is kept');
      });
    }
  }

  /** Before this device opens or answers something: it is a holder. A frozen registry still opens. */
  async requireMember(): Promise<void> {
    await this.device.asMember(async (view) => requireHolder(view));
  }

  /** Before something is asked of the mesh: this device is a holder, the registry is not frozen. */
  async requireActive(): Promise<void> {
    await this.device.asMember(async (view) => {
      requireHolder(view);
      await requireOpenRegistry(view);
    });
  }

  hands(passphrases: Passphrases, kits: readonly KitHand[] = [], kitsFor?: Bytes, openable?: Hands['openable']): Hands {
    let asked: Promise<boolean> | undefined;
    const mayVoteWithout = (unread: readonly string[]) =>
      (asked ??= this.device.env.person.confirm({
        title: 'Let the kit vote although a store cannot be read?',
        lines: unread,
        warnings: ['If this kit voted before and only that store knows, two changes can be decided at once'],
      }));
    return {
      ...{ passphrases, kits, mayVoteWithout },
      ...(kitsFor === undefined ? {} : { kitsFor }),
      ...(openable === undefined ? {} : { openable }),
    };
  }
}

/** A call that needs the mesh fails when no store answers. */
export function failIfNoStore({ stores }: Synced): void {
  const [first] = stores;
  if (first === undefined || stores.some(({ error }) => error === undefined)) return;
  const code =
    first.error?.code === 'store-full' || first.error?.code === 'store-refused'
      ? first.error.code
      : 'store-unreachable';
  throw new PassportError(code, first.error?.message ?? 'no store answers', {
    hint: first.error?.hint ?? STORE_HINTS[code],
  });
}

const STORE_HINTS = {
  'store-full': 'What was done is kept on this device and waits. Make room in the store, then: passport sync',
  'store-refused': 'Check the rights and credentials for the store; what waits is kept.',
  'store-unreachable': 'Check that the store is there; what waits is kept.',
} as const;

export function given(options: Pick<ChangeOptions, 'passphrase'>): { readonly given: boolean } {
  return { given: options.passphrase !== undefined };
}
