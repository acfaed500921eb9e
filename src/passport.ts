/**
 * The SDK's one class. A Passport is this device's opened (or still sealed) home: it asks for what it needs when it needs it,
 * through `environment.person`, and every call can be left and taken up again. Ceremonies and records are loaded when first used.
 */
import { type Bytes, copy, equal, hex, utf8 } from './bytes.ts';
import { anchorNote, Device, forkOf, memberView, type MemberView, requireHolder } from './device/device.ts';
import { loadSession, type StoredSession } from './device/session.ts';
import { isPassportError, PassportError } from './errors.ts';
import { turn } from './platform.ts';
import { status } from './ceremonies/status.ts';
import type { Runtime } from './ceremonies/runtime.ts';
import type { RecordInfo as FoundRecord } from './records/view.ts';
import { News } from './sync/news.ts';
import type {
  ApproveOptions,
  Change,
  ChangeOptions,
  Conflict,
  CreateOptions,
  DeviceInfo,
  DrillReport,
  EnrollOptions,
  Environment,
  HistoryEntry,
  Invitation,
  InviteOptions,
  JoinOptions,
  KeepKits,
  KitCheck,
  LogEntry,
  PassphraseOptions,
  PutManyOptions,
  PassportEvent,
  QuarantinedUpdate,
  RecordInfo,
  RecordValue,
  RecoverOptions,
  Request,
  ReshareOptions,
  RevokeOptions,
  Session,
  Status,
  StoreReport,
  SyncOptions,
  SyncReport,
  UnlockOptions,
  VerifyReport,
  Waiting,
} from './types.ts';

/** What one transaction of `putMany` holds at most: it rewrites the index once, whatever the number of its records. */
const BATCH_UPDATES = 16_384;
const BATCH_BYTES = 16 * 1024 * 1024;

const ceremonies = () => import('./ceremonies/all.ts');
const records = () => import('./records/all.ts');

/** The passport's id in the clear note of a home, if there is one. `damaged` for a note that is none. */
async function passportIn(env: Environment): Promise<Bytes | undefined> {
  const pid = await (await env.journal()).get('n/passport');
  if (pid !== undefined && pid.length !== 32) throw new PassportError('damaged', 'the home names no passport'); // V227
  return pid;
}

export class Passport {
  readonly #env: Environment;
  readonly #pid: Bytes;
  readonly #sessionSecret: string | undefined;
  readonly #listeners = new Set<(event: PassportEvent) => void>();
  #device: Promise<Device> | undefined;
  #runtime: Promise<Runtime> | undefined;
  /** What the anchor is known to say. */
  #anchored: Bytes | undefined;

  private constructor(env: Environment, pid: Bytes, sessionSecret?: string) {
    this.#env = env;
    this.#pid = pid;
    this.#sessionSecret = sessionSecret;
  }

  static async #with(env: Environment, device: Device): Promise<Passport> {
    const passport = new Passport(env, device.pid);
    passport.#device = Promise.resolve(device);
    await passport.#ready();
    return passport;
  }

  /**
   * Founds a passport, sealed from its first byte: this device and `holders - 1` kits. `keepKits` gets the kits before
   * anything is stored. Leaves a session open. `passport-exists`, `policy-unsafe`, `passphrase-reused`, `store-unreachable`.
   */
  static async create(env: Environment, options: CreateOptions): Promise<Passport> {
    const { found } = await ceremonies();
    const { device, session } = await found(env, options, options.keepKits);
    const passport = await Passport.#with(env, device);
    const run = await passport.#ready();
    passport.#session = await run.openSession(session);
    await run.sync(run.hands(run.passphrases(undefined, false)));
    return passport;
  }

  /** The passport of a home; nothing is asked before a call needs it. `no-passport`. */
  static async open(
    env: Environment,
    options: { readonly sessionSecret?: string | undefined } = {},
  ): Promise<Passport> {
    const pid = await passportIn(env);
    if (pid === undefined) {
      throw new PassportError('no-passport', 'there is no passport in this home', {
        hint: 'Make one with `passport init`, or join one with `passport join LINK`.',
      });
    }
    return new Passport(env, pid, options.sessionSecret);
  }

  /** What a home tells without any key; undefined when it has no passport. */
  static async peek(env: Environment): Promise<{ readonly passport: string } | undefined> {
    const pid = await passportIn(env);
    return pid && { passport: hex(pid) };
  }

  /**
   * Joins a passport by an invitation: shows three words (event `words`), waits until the others let this device in, and takes
   * over all records, sealed. The same link takes a joining up again that was left.
   */
  static async join(env: Environment, link: string, options: JoinOptions): Promise<Passport> {
    const { join } = await ceremonies();
    const passport = await Passport.#with(env, await join(env, link, options));
    await passport.sync(options.signal === undefined ? {} : { signal: options.signal });
    return passport;
  }

  /**
   * On a fresh machine, from N kits and the passphrase: this machine comes in as a device, what is lost leaves. The person
   * confirms what was found. Leaves a session open.
   */
  static async recover(
    env: Environment,
    options: RecoverOptions & { readonly keepKits?: KeepKits },
  ): Promise<Passport> {
    const { finishRecover, kitHands, openRecover, startRecover } = await ceremonies();
    const { device, passphrases } = await openRecover(env, options);
    const passport = await Passport.#with(env, device);
    const run = await passport.#ready();
    const kits = kitHands(device.pid, options.kits ?? []);
    await run.sync(run.hands(run.passphrases(undefined, false)));
    const change = await startRecover(device, options, options.keepKits);
    const waiting = { timeoutMs: 60_000, ...(options.signal === undefined ? {} : { signal: options.signal }) };
    const done = await finishRecover(run, change, passphrases, kits, waiting);
    if (done.state !== 'decided')
      throw new PassportError('waiting', `the recovery is not finished: ${done.hint}`, {
        hint: 'Nothing is lost: run the same `passport recover` again.',
      });
    passport.#session = run.session;
    // Taken up after a crash, this process has not dealt the new keys: the kits open them, those that stayed.
    if (run.session === undefined) await passport.#unlockRecovered(options);
    await passport.sync(options.signal === undefined ? {} : { signal: options.signal });
    return passport;
  }

  async #unlockRecovered({ kits, passphrase, sessionMs }: RecoverOptions): Promise<void> {
    try {
      await this.unlock({
        ...(kits === undefined ? {} : { kits }),
        ...(passphrase === undefined ? {} : { passphrase }),
        ...(sessionMs === undefined ? {} : { ttlMs: sessionMs }),
      });
    } catch (error) {
      if (!isPassportError(error, 'kit-unknown')) throw error;
    }
  }

  /** Called with every event of this passport's calls; returns what ends that. */
  on(listener: (event: PassportEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(event: PassportEvent): void {
    this.#env.person.tell(event);
    for (const listener of this.#listeners) listener(event);
  }

  /** The session that this process opened, with the secret that lets later ones use it. */
  session(): Session | undefined {
    return this.#session;
  }

  #session: Session | undefined;

  async #run(device: Device): Promise<Runtime> {
    const { Runtime, Stores } = await ceremonies();
    return new Runtime(device, new Stores(device), (event) => this.#tell(event));
  }

  /** The session that the caller's secret opens, if it has not ended. */
  async #storedSession(): Promise<StoredSession | undefined> {
    const { sessions, clock } = this.#env;
    return this.#sessionSecret === undefined ? undefined : loadSession(sessions, this.#pid, this.#sessionSecret, clock);
  }

  async #open(stored: StoredSession | undefined): Promise<Device> {
    const env = this.#env;
    const key = stored?.keystoreKey ?? (await env.keystore.openKey(() => env.person.devicePassphrase('current')));
    const device = await Device.open(env, this.#pid, key);
    const state = await device.transact(async (view) => view.state);
    if (stored !== undefined && state !== undefined) await device.useSession(stored, state);
    await this.#checkAnchor(device);
    return device;
  }

  /** A home that is older than this machine remembers was restored from a backup or copied: it goes on as a new incarnation. */
  async #checkAnchor(device: Device): Promise<void> {
    const journal = await this.#env.journal();
    const instance = (await device.replica.read('instance')) as Bytes | undefined;
    if (instance === undefined) return;
    const note = await this.#env.anchor.read();
    const generation = await journal.generation();
    const known = note?.length === 22 && equal(note.slice(0, 16), instance);
    if (known && anchorGeneration(note) <= generation) {
      this.#anchored = note; // V213
      return;
    }
    // Where no anchor can be kept it says nothing; an own commit that others have and this journal lacks still does.
    // The note is ahead of the journal until all is done: whoever is killed in between does this again.
    const ahead = anchorNote(instance, generation + 2);
    await this.#env.anchor.write(ahead);
    const kept = await this.#env.anchor.read();
    if (kept === undefined || !equal(kept, ahead)) return;
    const { newIncarnation } = await records();
    await device.transact(async (view) => {
      newIncarnation(view.tx, device.records(memberView(view)));
      view.tx.set('amnesic', true); // it may have voted since: it reads its votes back before it votes again
    });
    await this.#env.anchor.write(anchorNote(instance, await journal.generation()));
  }

  #opened(stored?: StoredSession): Promise<Device> {
    const opening = stored === undefined ? () => this.#storedSession() : async () => stored;
    this.#device ??= opening()
      .then((session) => this.#open(session))
      .catch((error: unknown) => {
        this.#device = undefined;
        throw error;
      });
    return this.#device;
  }

  #ready(): Promise<Runtime> {
    this.#runtime ??= this.#opened()
      .then((device) => this.#run(device))
      .catch((error: unknown) => {
        this.#runtime = undefined;
        throw error;
      });
    return this.#runtime;
  }

  /** In a session: records are readable. `locked`. */
  async #unlocked(): Promise<Device> {
    const device = await this.#opened();
    if (device.session !== undefined) return device;
    throw new PassportError('locked', 'the passport is locked', {
      hint:
        this.#sessionSecret === undefined
          ? 'Open it with `passport unlock`.'
          : 'The session has ended: `passport unlock`.',
    });
  }

  /** One transaction on the records, with everything that came before it applied. */
  async #records<T>(
    fn: (view: MemberView, ctx: ReturnType<Device['records']>) => Promise<T>,
    write = false,
  ): Promise<T> {
    const device = await this.#unlocked();
    return device.asMember(async (view) => {
      if (write) {
        requireHolder(view);
        if (device.session !== undefined && device.session.epoch !== view.state.epoch) {
          throw new PassportError('session-ended', 'the mesh has new keys since this session began', {
            hint: 'Open a new session: passport unlock',
          });
        }
      }
      const ctx = device.records(view, await forkOf(view.tx));
      if (!write) {
        const { applyReady, indexReady } = await records();
        await applyReady(view.tx, ctx);
        await indexReady(view.tx, ctx);
      }
      return fn(view, ctx);
    });
  }

  // ── devices ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** An invitation for a new device: a link (and QR) that somebody may answer once within ten minutes. */
  async invite(options: InviteOptions = {}): Promise<Invitation> {
    const run = await this.#ready();
    const { invite } = await ceremonies();
    await run.requireActive();
    return run.device.asMember((view) => invite(run.device, view, options));
  }

  /** Waits until a device answered an invitation; `waiting` when nobody did in time. */
  async awaitAnswer(
    id: string,
    options: Waiting = {},
  ): Promise<{ readonly name: string; readonly kind: string; readonly platform: string }> {
    const run = await this.#ready();
    const { answerOf, requireInvitation } = await ceremonies();
    const { device } = run;
    const answer = await run.until(
      run.hands(run.passphrases(undefined, false)),
      { timeoutMs: 10 * 60 * 1000, ...options },
      () => device.asMember(async (view) => answerOf(await requireInvitation(device, view, id))),
    );
    if (answer === undefined) throw new PassportError('waiting', 'nobody has answered the invitation yet');
    this.#tell({ event: 'answered', id, ...answer });
    return this.#synced(answer);
  }

  /** Lets the device in that answered, if these are the words it shows. Wrong words void the invitation (`words-mismatch`). */
  async enroll(id: string, options: EnrollOptions): Promise<Change> {
    const { enroll } = await ceremonies();
    return this.#synced(await enroll(await this.#ready(), id, options));
  }

  /** Lets a holder go; by default a new kit takes its place. */
  async revoke(name: string, options: RevokeOptions): Promise<Change> {
    const { revoke } = await ceremonies();
    return this.#synced(await revoke(await this.#ready(), name, options));
  }

  /** New shares for the same holders, with another threshold. */
  async reshare(options: ReshareOptions): Promise<Change> {
    const { reshare } = await ceremonies();
    return this.#synced(await reshare(await this.#ready(), options));
  }

  async changePassphrase(options: PassphraseOptions = {}): Promise<Change> {
    const { changePassphrase } = await ceremonies();
    return this.#synced(await changePassphrase(await this.#ready(), options));
  }

  async rename(from: string, to: string, options: ChangeOptions = {}): Promise<Change> {
    const { rename } = await ceremonies();
    return this.#synced(await rename(await this.#ready(), from, to, options));
  }

  /** Lets a device keep the key of the vault and open it without anybody's approval and without the passphrase; or ends that. */
  async unattended(name: string, on: boolean, options: ChangeOptions = {}): Promise<Change> {
    const { unattended } = await ceremonies();
    return this.#synced(await unattended(await this.#ready(), name, on, options));
  }

  /** Takes up a change of this device that was left, and waits for it. A new passphrase is asked for again if it was one. */
  async finish(id: string, options: PassphraseOptions = {}): Promise<Change> {
    const { finish } = await ceremonies();
    return this.#synced(await finish(await this.#ready(), id, options));
  }

  /** After whatever may have decided a change: where this process has dealt the new epoch, its session is another one. */
  async #synced<T>(done: T): Promise<T> {
    this.#session = (await this.#ready()).session ?? this.#session;
    return done;
  }

  /** What waits for this person, and this device's own open requests. */
  async requests(): Promise<Request[]> {
    const { requests } = await ceremonies();
    return requests(await this.#ready());
  }

  /** The yes to a request of another device; `number-mismatch` unless these are the digits it shows. */
  async approve(id: string, options: ApproveOptions = {}): Promise<Change | { readonly state: 'answered' }> {
    const { approve } = await ceremonies();
    return this.#synced(await approve(await this.#ready(), id, options));
  }

  async refuse(id: string): Promise<void> {
    const { refuse } = await ceremonies();
    return refuse(await this.#ready(), id);
  }

  /** Takes back a request or an invitation of this device. */
  async cancel(id: string): Promise<void> {
    const { cancel } = await ceremonies();
    return cancel(await this.#ready(), id);
  }

  // ── session ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Opens the records for a limited time: N shares (this device, kits at hand, devices whose person says yes) and the passphrase. */
  async unlock(options: UnlockOptions = {}): Promise<Session> {
    const { unlock } = await ceremonies();
    this.#session = await unlock(await this.#ready(), options);
    return this.#session;
  }

  async lock(): Promise<void> {
    await this.#env.sessions.clear();
    this.#session = undefined;
    (await this.#device)?.endSession();
    const run = await this.#runtime;
    if (run !== undefined) run.session = undefined;
  }

  // ── records ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes a record. `locked`, `invalid-key`, `value-too-large`. */
  async put(
    key: string,
    value: Bytes | string | object,
    options: { readonly type?: string } = {},
  ): Promise<RecordInfo> {
    const bytes =
      value instanceof Uint8Array ? copy(value) : utf8(typeof value === 'string' ? value : JSON.stringify(value));
    const natural =
      value instanceof Uint8Array
        ? 'application/octet-stream'
        : typeof value === 'string'
          ? 'text/plain'
          : 'application/json';
    const type = options.type ?? natural;
    const normal = key.normalize('NFC');
    const { findRecord, writeCommit } = await records();
    return this.#records(async ({ tx, state }, ctx) => {
      await writeCommit(tx, ctx, [{ key: normal, op: 'put', type, value: bytes, reason: null }]);
      return recordInfo(state, (await findRecord(tx, ctx, normal)) as FoundRecord);
    }, true);
  }

  /**
   * Writes many records, in as few commits as they fit in. What was written before an abort stays. Values are not copied: they must
   * not change before this resolves. With `send` they go to the stores meanwhile, as far as these answer; `sync` does the rest.
   */
  async putMany(
    given:
      | Iterable<{ readonly key: string; readonly value: Bytes; readonly type?: string }>
      | AsyncIterable<{ readonly key: string; readonly value: Bytes; readonly type?: string }>,
    options: PutManyOptions = {},
  ): Promise<{ readonly records: number; readonly bytes: number }> {
    const { writeCommit } = await records();
    const news = new News();
    const sending = options.send === true ? this.#sendAlong(news, options.signal) : undefined;
    sending?.catch(() => {}); // it is waited for at the end
    let batch: { key: string; op: 'put'; type: string; value: Bytes; reason: null }[] = [];
    let size = 0;
    const total = { records: 0, bytes: 0 };
    const flush = async () => {
      if (batch.length === 0) return;
      const updates = batch;
      await this.#records((view, ctx) => writeCommit(view.tx, ctx, updates), true);
      total.records += updates.length;
      for (const { value } of updates) total.bytes += value.length;
      batch = [];
      size = 0;
      options.onProgress?.(total.records);
      if (sending === undefined) return;
      news.tell();
      await turn();
    };
    const keys = new Set<string>();
    try {
      for await (const { key, value, type } of given) {
        if (options.signal?.aborted === true) break;
        const normal = key.normalize('NFC');
        const cost = value.length + 256 + normal.length * 4;
        if (keys.has(normal) || batch.length >= BATCH_UPDATES || size + cost > BATCH_BYTES) {
          await flush();
          keys.clear();
        }
        keys.add(normal);
        batch.push({ key: normal, op: 'put', type: type ?? 'application/octet-stream', value, reason: null });
        size += cost;
      }
      await flush();
    } finally {
      news.end();
      await sending;
    }
    if (options.signal?.aborted === true) {
      throw new PassportError('aborted', `it was interrupted after ${total.records} records, which are kept`, {
        details: total,
      });
    }
    return total;
  }

  async #sendAlong(news: News, signal: AbortSignal | undefined): Promise<void> {
    const run = await this.#ready();
    const { sendAlong } = await ceremonies();
    await sendAlong(run.device, run.stores, news, { signal });
  }

  /** The record as it stands, or one version of it; undefined when it is not there. */
  async get(key: string, options: { readonly version?: string } = {}): Promise<RecordValue | undefined> {
    const { readRecord } = await records();
    return this.#records(async ({ tx, state }, ctx) => {
      const found = await readRecord(tx, ctx, key.normalize('NFC'), options.version);
      return found && { ...recordInfo(state, found), value: found.value };
    });
  }

  /** `no-such-record` when there is nothing to delete. */
  async delete(key: string): Promise<void> {
    const normal = key.normalize('NFC');
    const { findRecord, writeCommit } = await records();
    const found = await this.#records(({ tx }, ctx) => findRecord(tx, ctx, normal));
    if (found === undefined) throw new PassportError('no-such-record', `there is no record "${normal}"`);
    await this.#records(
      (view, ctx) =>
        writeCommit(view.tx, ctx, [{ key: normal, op: 'delete', type: '', value: new Uint8Array(0), reason: null }]),
      true,
    );
  }

  async list(prefix = ''): Promise<RecordInfo[]> {
    const { listRecords } = await records();
    return this.#records(async ({ tx, state }, ctx) =>
      (await listRecords(tx, ctx, prefix)).map((record) => recordInfo(state, record)),
    );
  }

  /** Every version that is still known, the newest first. */
  async history(key: string): Promise<HistoryEntry[]> {
    const { history } = await records();
    return this.#records(async ({ tx, state }, ctx) =>
      (await history(tx, ctx, key.normalize('NFC'))).map(({ sizeBytes, device, state: standing, ...rest }) => ({
        ...rest,
        size: sizeBytes,
        device: deviceName(state, device),
        replaced: standing === 'replaced',
      })),
    );
  }

  // ── conflicts ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async conflicts(): Promise<Conflict[]> {
    const { conflicts } = await records();
    return this.#records(async ({ tx, state }, ctx) =>
      (await conflicts(tx, ctx)).map(({ id, key, versions }) => ({
        ...{ id, key },
        versions: versions.map(({ sizeBytes, device, ...rest }) => ({
          ...rest,
          size: sizeBytes,
          device: deviceName(state, device),
        })),
      })),
    );
  }

  /** Settles a conflict: `newest` accepts the winner that is shown, `manual` takes `selectedVersion`. `conflict-changed`. */
  async resolveConflict(options: {
    readonly conflictId: string;
    readonly resolution: 'manual' | 'newest';
    readonly selectedVersion?: string;
  }): Promise<void> {
    const { resolve } = await records();
    await this.#records((view, ctx) => resolve(view.tx, ctx, options), true);
  }

  /** Updates by revoked devices beyond their cut: never merged. */
  async quarantine(): Promise<QuarantinedUpdate[]> {
    const { quarantined } = await records();
    return this.#records(async ({ tx, state }, ctx) =>
      (await quarantined(tx, ctx)).map(({ id, key, device, time }) => ({
        id,
        ...(key === undefined ? {} : { key }),
        ...{ device: deviceName(state, device), time },
      })),
    );
  }

  /** Takes a quarantined update over as this device's own statement. */
  async adopt(id: string): Promise<void> {
    const { adopt } = await records();
    await this.#records((view, ctx) => adopt(view.tx, ctx, id), true);
  }

  // ── sync and health ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Visits every store: takes what is new, applies it, brings what is lacking, moves on what was already approved. */
  async sync(options: SyncOptions = {}): Promise<SyncReport> {
    const run = await this.#ready();
    const { syncReport } = await ceremonies();
    return this.#synced(await syncReport(run, options));
  }

  async devices(): Promise<DeviceInfo[]> {
    const { devices } = await ceremonies();
    return devices(await this.#ready());
  }

  /**
   * Keeps this passport in one more store, filled from this device: its state afterwards. Other devices have lists of their own.
   * One that is on the list is signed in to again. The codes of stores when it cannot be opened.
   */
  async addStore(url: string, options: SyncOptions = {}): Promise<StoreReport> {
    const { addStore } = await ceremonies();
    return this.#synced(await addStore(await this.#ready(), url, options));
  }

  /** Forgets a store; what is there stays there. `store-unknown`; `usage` for the last one, and the only one that has everything. */
  async removeStore(url: string): Promise<{ readonly url: string }> {
    const { removeStore } = await ceremonies();
    return removeStore(await this.#ready(), url);
  }

  /** Reads everything in one store and names what is damaged or missing. `store-unknown`; the codes of stores. */
  async checkStore(url: string, options: SyncOptions = {}): Promise<VerifyReport> {
    const { checkStore } = await ceremonies();
    return checkStore(await this.#ready(), url, options);
  }

  /** Fills the new store from this device, reads it back, then forgets the old one, which must answer. Both stay when anything fails. */
  async moveStore(from: string, to: string, options: SyncOptions = {}): Promise<StoreReport> {
    const { moveStore } = await ceremonies();
    return this.#synced(await moveStore(await this.#ready(), from, to, options));
  }

  /** Asks for nothing: without a session a sealed keystore stays sealed, and this tells only what the home shows in clear. */
  async status(): Promise<Status> {
    const { keystore } = this.#env;
    const stored = this.#device === undefined ? await this.#storedSession() : undefined;
    if (this.#device === undefined && stored === undefined && keystore.kind === 'file') {
      const [session, stores, warnings] = [{ open: false }, [], []];
      return { passport: hex(this.#pid), open: false, session, stores, keystore: keystore.kind, warnings };
    }
    return status(await this.#opened(stored));
  }

  /** Checks everything, here and in every store; `repair` puts back what this device has. */
  async verify(
    options: {
      readonly repair?: boolean;
      readonly onProgress?: (done: number, total: number) => void;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<VerifyReport> {
    const { verify } = await ceremonies();
    return verify(await this.#ready(), options);
  }

  /** Shows that N holders could open the passport today, without opening it. */
  async drill(options: Waiting = {}): Promise<DrillReport> {
    const { drill } = await ceremonies();
    return this.#synced(await drill(await this.#ready(), options));
  }

  async checkKit(words: string): Promise<KitCheck> {
    const { checkKit } = await ceremonies();
    return checkKit(await this.#ready(), words);
  }

  /** The registry in words. */
  async log(): Promise<LogEntry[]> {
    const { log } = await ceremonies();
    return log(await this.#ready());
  }

  /** Writes the anchor, closes stores and journal. The session on disk stays until its time or `lock`. */
  async close(): Promise<void> {
    const journal = await this.#env.journal();
    const device = await this.#device?.catch(() => undefined);
    if (device === undefined) return journal.close();
    const instance = (await device.replica.read('instance')) as Bytes | undefined;
    const note = instance && anchorNote(instance, await journal.generation());
    if (note !== undefined && !(this.#anchored && equal(note, this.#anchored))) await this.#env.anchor.write(note);
    await (await this.#runtime?.catch(() => undefined))?.stores.close();
    await device.box.prune(device.replica);
    await device.close();
  }
}

function anchorGeneration(note: Bytes): number {
  let value = 0;
  for (const byte of note.subarray(16)) value = value * 256 + byte;
  return value;
}

function deviceName(state: MemberView['state'], id: string): string {
  return state.members.find((member) => hex(member.id) === id)?.name ?? id;
}

function recordInfo(state: MemberView['state'], record: FoundRecord): RecordInfo {
  const { key, type, sizeBytes, device, time, version, conflict } = record;
  return { key, type, size: sizeBytes, device: deviceName(state, device), time, version, conflict };
}
