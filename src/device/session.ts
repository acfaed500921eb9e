/**
 * A session: KEK_e for a limited time, and the keystore's key with it, so that a command in a session runs no Argon2id
 * (docs/protocol.md, 4, layer 8). Sealed under HKDF(the caller's secret ‖ a secret in the home): neither alone opens it.
 * It ends at its time, on `lock`, on another boot, and for writing at the next epoch. P is never in it.
 */
import { base64url, type Bytes, concat, fromBase64url } from '../bytes.ts';
import { decode, encode } from '../cbor.ts';
import { hkdf } from '../crypto/hash.ts';
import { openObject, sealObject } from '../crypto/object.ts';
import { randomBytes } from '../crypto/random.ts';
import { info0 } from '../crypto/statements.ts';
import { isPassportError, PassportError } from '../errors.ts';
import type { Clock, Random } from '../platform.ts';
import type { SessionVault } from '../storage/session.ts';

export interface OpenSession {
  readonly kek: Bytes;
  readonly epoch: number;
  /** Wall time at which it ends, for people. */
  readonly until: number;
  /** The same on the monotonic clock of this boot, which decides. */
  readonly deadline: number;
}

export interface StoredSession extends OpenSession {
  readonly keystoreKey: Bytes;
}

export const MAX_SESSION_MS = 30 * 24 * 60 * 60 * 1000;

function context(pid: Bytes, callerSecret: Bytes, fileSecret: Bytes) {
  const key = hkdf(concat(callerSecret, fileSecret), info0('session'), 32);
  return { layer: 'session', epoch: 0, key, pid, kind: 'session', owner: pid, sequence: 0 } as const;
}

/** `usage` unless a session may last so long: asked before anybody has to approve it. */
export function checkSessionTime(ttlMs: number): void {
  if (!(ttlMs > 0 && ttlMs <= MAX_SESSION_MS)) throw new PassportError('usage', 'a session lasts up to 30 days');
}

export function newSession(clock: Clock, kek: Bytes, epoch: number, ttlMs: number): OpenSession {
  checkSessionTime(ttlMs);
  const until = Math.max(0, Math.floor(clock.now() + ttlMs));
  return { kek, epoch, until, deadline: Math.floor(clock.monotonic() + ttlMs) };
}

/** Keeps a session for later processes; returns the caller's half (32 bytes, base64url). */
export async function saveSession(
  vault: SessionVault,
  pid: Bytes,
  session: StoredSession,
  clock: Clock,
  random: Random,
): Promise<string> {
  const callerSecret = randomBytes(random, 32);
  const fileSecret = randomBytes(random, 32);
  const content = encode([
    1,
    session.kek,
    session.epoch,
    session.until,
    session.deadline,
    clock.bootId(),
    session.keystoreKey,
  ]);
  await vault.save(await sealObject(context(pid, callerSecret, fileSecret), content, random), fileSecret);
  return base64url(callerSecret);
}

/** The session of this secret, or undefined when there is none, it has ended, or the secret is another's. */
export async function loadSession(
  vault: SessionVault,
  pid: Bytes,
  secret: string,
  clock: Clock,
): Promise<StoredSession | undefined> {
  const stored = await vault.load();
  if (stored === undefined) return undefined;
  try {
    const content = await openObject(context(pid, fromBase64url(secret), stored.fileSecret), stored.sealed);
    type Content = [number, Bytes, number, number, number, string, Bytes];
    const [, kek, epoch, until, deadline, bootId, keystoreKey] = decode(content) as Content;
    if (bootId !== clock.bootId() || clock.monotonic() > deadline) {
      // V212
      await vault.clear();
      return undefined;
    }
    return { kek, epoch, until, deadline, keystoreKey };
  } catch (error) {
    if (isPassportError(error)) return undefined;
    throw error;
  }
}
