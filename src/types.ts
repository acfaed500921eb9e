/**
 * What goes in and out of the SDK's one class, `Passport` (passport.ts): the environment that a shell composes, the person,
 * and the answers. Times are milliseconds since 1970; ids, hashes and fingerprints are text.
 */
import type { Bytes } from './bytes.ts';
import type { Argon2Cost, Argon2id, Clock, Random } from './platform.ts';
import type { Credentials } from './storage/credentials.ts';
import type { Anchor, Journal } from './storage/journal.ts';
import type { Keystore } from './storage/keystore.ts';
import type { SessionVault } from './storage/session.ts';
import type { Store } from './storage/store.ts';

/** Everything outside the core, put together once by a shell (`nodeHome` of passport-mesh/node) or by a test. */
export interface Environment {
  /** Opened when first needed. */
  journal(): Promise<Journal>;
  readonly keystore: Keystore;
  readonly anchor: Anchor;
  readonly sessions: SessionVault;
  /**
   * `store-unknown` for a scheme that nobody offers. `create` is set when a passport is created or a store is added, `signIn` then
   * and when somebody joins or recovers. Without
   * `credentials` there is no device yet: what a sign-in gives is then handed to the first call that comes with them.
   */
  openStore(url: string, options?: { create?: boolean; signIn?: boolean; credentials?: Credentials }): Promise<Store>;
  readonly clock: Clock;
  readonly random: Random;
  readonly argon2id: Argon2id;
  /** For new passports and passphrases; the default is 64 MiB, 3 passes, 4 lanes. */
  readonly argon2Cost?: Argon2Cost;
  readonly person: Person;
}

/** Asked only when something is needed that no option gave. Any method may throw `aborted`. */
export interface Person {
  /** The vault's passphrase; `new` is asked twice by a shell. */
  passphrase(about: 'new' | 'current'): Promise<string>;
  devicePassphrase(about: 'new' | 'current'): Promise<string>;
  /** A decision with what it means; false ends the call with `refused`. */
  confirm(card: Card): Promise<boolean>;
  tell(event: PassportEvent): void;
}

/** What a person sees before a decision. `warnings` are consequences that must not be overlooked. */
export interface Card {
  readonly title: string;
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
}

export type PassportEvent =
  /** The two digits that an approver types. */
  | { readonly event: 'number'; readonly id: string; readonly number: number }
  /** On a joining device: type these words on the inviting one. */
  | {
      readonly event: 'words';
      readonly id: string;
      readonly words: readonly string[];
      readonly fingerprint: readonly string[];
    }
  /** On the inviting device: somebody answered the invitation; `enroll` wants the words it shows. */
  | {
      readonly event: 'answered';
      readonly id: string;
      readonly name: string;
      readonly kind: string;
      readonly platform: string;
    }
  | { readonly event: 'progress'; readonly what: string; readonly done: number; readonly total?: number }
  | { readonly event: 'waiting'; readonly what: string }
  | { readonly event: 'conflict'; readonly id: string; readonly key: string }
  | { readonly event: 'notice'; readonly text: string };

export interface Waiting {
  readonly signal?: AbortSignal;
  /** How long to wait for other devices, ms; 0 does what can be done now and returns. Default 120,000. */
  readonly timeoutMs?: number;
}

/** A recovery kit: the only time that its words exist outside paper. */
export interface Kit {
  /** 24 words. */
  readonly words: readonly string[];
  readonly name: string;
  readonly number: number;
  readonly passport: string;
  /** Eight words that name the passport. */
  readonly passportWords: readonly string[];
  readonly epoch: number;
  readonly createdAtMs: number;
  readonly stores: readonly { readonly url: string; readonly id: string }[];
}

/** Shows or writes the kits and makes sure that they can be read back; what it throws gives the whole call up. */
export type KeepKits = (kits: readonly Kit[]) => Promise<void>;

export interface CreateOptions {
  readonly name: string;
  readonly stores: readonly string[];
  readonly keepKits: KeepKits;
  readonly passphrase?: string;
  /** Default 2. */
  readonly threshold?: number;
  /** This device and `holders - 1` kits. Default 3. */
  readonly holders?: number;
  /** Allows threshold = holders: one loss is then the loss of everything. */
  readonly noSpare?: boolean;
  /** How long the session stays open, ms. Default 8 hours. */
  readonly sessionMs?: number;
  readonly platform?: string;
}

export interface Invitation {
  readonly id: string;
  /** `passport:join#…`: whoever has it may answer, once, within ten minutes. */
  readonly link: string;
  readonly expires: number;
}

export interface InviteOptions {
  /** The holder whose place it takes, by name. Default: the newest kit; with `add` nobody's. */
  readonly replace?: string;
  readonly add?: boolean;
  readonly threshold?: number;
}

export interface JoinOptions extends Waiting {
  readonly name: string;
  readonly platform?: string;
}

export interface Kits {
  /** The 24 words of each kit that is at hand: its vote and its share count here. */
  readonly kits?: readonly string[];
}

export interface ChangeOptions extends Waiting, Kits {
  /** The vault's passphrase; asked from the person when it is needed and not given. */
  readonly passphrase?: string;
}

export interface EnrollOptions extends ChangeOptions {
  /** The three words that the new device shows. */
  readonly words: string;
}

export interface RevokeOptions extends ChangeOptions {
  /** Default true: a new kit takes the place of what leaves. */
  readonly kit?: boolean;
  /** Needed unless `kit` is false. */
  readonly keepKits?: KeepKits;
  /** Threshold after the change; default: as now. */
  readonly threshold?: number;
}

export interface ReshareOptions extends ChangeOptions {
  readonly threshold: number;
  /** Allows a threshold that needs every holder. */
  readonly noSpare?: boolean;
}

export interface PassphraseOptions extends ChangeOptions {
  readonly newPassphrase?: string;
  readonly argon2Cost?: Argon2Cost;
}

export interface RecoverOptions extends Kits {
  readonly stores: readonly string[];
  readonly name: string;
  /** Holders that are lost and leave, by name. Default: all devices. */
  readonly replace?: readonly string[];
  readonly passphrase?: string;
  readonly platform?: string;
  readonly sessionMs?: number;
  readonly signal?: AbortSignal;
}

export type ChangeState = 'decided' | 'waiting' | 'superseded' | 'refused' | 'expired' | 'cancelled';

/** Where a change of the registry stands. */
export interface Change {
  readonly id: string;
  readonly kind: string;
  readonly state: ChangeState;
  /** Shown here, typed by approvers. */
  readonly number: number;
  /** The slot it was decided in. */
  readonly slot?: number;
  readonly approvedBy: readonly string[];
  readonly needed: number;
  /** What it waits for, and what to do next. */
  readonly hint: string;
}

export interface Request {
  readonly id: string;
  readonly kind: 'change' | 'unlock' | 'pairing';
  readonly from: string;
  readonly expires: number;
  readonly card: Card;
  /** Made by this device. */
  readonly mine: boolean;
  /** This device has already approved it. */
  readonly approved: boolean;
  /** Only for own requests. */
  readonly number?: number;
}

export interface ApproveOptions extends ChangeOptions {
  /** The two digits that the asking device shows. Needed unless the request is this device's own. */
  readonly number?: number;
}

export interface UnlockOptions extends ChangeOptions {
  /** Default 8 hours. */
  readonly ttlMs?: number;
  readonly purpose?: string;
}

export interface Session {
  readonly until: number;
  /** For the environment of the caller's shell: `PASSPORT_SESSION`. Opens nothing without the file in the home. */
  readonly secret: string;
}

export interface RecordInfo {
  readonly key: string;
  readonly type: string;
  readonly size: number;
  readonly device: string;
  readonly time: number;
  readonly version: string;
  /** More than one version stands; see `conflicts`. */
  readonly conflict: boolean;
}

export interface RecordValue extends RecordInfo {
  readonly value: Bytes;
}

export interface Version {
  readonly version: string;
  readonly device: string;
  readonly time: number;
  readonly type: string;
  readonly size: number;
  readonly deleted: boolean;
}

export interface HistoryEntry extends Version {
  /** Replaced by a later version that knew of it. */
  readonly replaced: boolean;
}

export interface ConflictVersion extends Version {
  readonly winner: boolean;
}

export interface Conflict {
  readonly id: string;
  readonly key: string;
  readonly versions: readonly ConflictVersion[];
}

export interface QuarantinedUpdate {
  readonly id: string;
  /** Absent while no session is open. */
  readonly key?: string;
  readonly device: string;
  readonly time: number;
}

/** `forked`: it shows a decided entry or a signed commit that contradicts what this device has. */
export type StoreState = 'ok' | 'unreachable' | 'full' | 'refused' | 'rolled-back' | 'forked' | 'unknown';

export interface StoreStatus {
  readonly url: string;
  readonly id: string;
  readonly state: StoreState;
  /** Objects that this device has and the store had not confirmed when it was last asked. */
  readonly behind: number;
  readonly checkedAtMs?: number;
}

export interface StoreReport extends StoreStatus {
  readonly received: number;
  readonly sent: number;
  /** Objects that were there and are gone; they were put again. */
  readonly lost: readonly string[];
  /** Names of objects that are torn or wrong there. */
  readonly damaged: readonly string[];
  /** What it shows, authentic, and contradicts what this device has: then its state is `forked`. */
  readonly contradicts: readonly string[];
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

export interface SyncReport {
  readonly stores: readonly StoreReport[];
  /** Commits of others applied now. */
  readonly applied: number;
  readonly changedKeys: number;
  readonly conflicts: readonly string[];
  /** Changes by this device that wait for a session before they can be sent. */
  readonly waitingForUnlock: number;
  /** Requests by others that wait for this person. */
  readonly requests: number;
  /** What happened in the registry, in words. */
  readonly notices: readonly string[];
}

export interface SyncOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
  /** Lets a change of this device that waits for it go on. */
  readonly passphrase?: string;
}

export interface PutManyOptions {
  readonly signal?: AbortSignal;
  /** Records that are in the journal. */
  readonly onProgress?: (done: number) => void;
  /** Sends while it writes. Default: nothing is sent before the next sync. */
  readonly send?: boolean;
}

export interface DeviceInfo {
  readonly name: string;
  readonly seat: number;
  readonly kind: 'device' | 'kit';
  /** `cloned`: two copies of it write at once. */
  readonly state: 'active' | 'revoked' | 'suspended' | 'cloned';
  readonly me: boolean;
  /** Eight words of its keys. */
  readonly fingerprint: string;
  /** Time of its newest commit known here. */
  readonly lastSeen?: number;
}

export interface Status {
  readonly passport: string;
  /** Absent while the keystore is sealed: `open: false`, and only `passport`, `session` and `warnings` are known. */
  readonly open: boolean;
  readonly device?: string;
  readonly epoch?: number;
  readonly slot?: number;
  readonly threshold?: number;
  readonly holders?: number;
  /** How many holders may be lost while the rest can still open and change. */
  readonly canLose?: number;
  readonly session: { readonly open: boolean; readonly until?: number };
  /** Changes not yet confirmed by any store. */
  readonly pending?: number;
  readonly stores: readonly StoreStatus[];
  readonly keystore: string;
  readonly warnings: readonly string[];
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly checked: number;
  readonly damaged: readonly string[];
  readonly missing: readonly string[];
  /** What stores show, authentic, and contradicts what this device has; no repair changes it. */
  readonly contradicts: readonly string[];
  readonly repaired: readonly string[];
}

export interface DrillReport {
  readonly ok: boolean;
  readonly threshold: number;
  readonly holders: readonly {
    readonly name: string;
    readonly kind: 'device' | 'kit';
    readonly state: 'answered' | 'old' | 'missing';
    /** When it last proved that its share is good. */
    readonly time?: number;
  }[];
}

export interface KitCheck {
  readonly name: string;
  readonly epoch: number;
  readonly ok: true;
}

export interface LogEntry {
  readonly slot: number;
  readonly kind: string;
  readonly time: number;
  readonly by: string;
  readonly approvedBy: readonly string[];
  readonly summary: string;
}
