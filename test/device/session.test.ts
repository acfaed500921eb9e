/** A session on disk: half of its key is the caller's, half the home's; it ends at its time and with the boot. */
import { describe, expect, it } from 'vitest';

import { loadSession, MAX_SESSION_MS, newSession, saveSession } from '../../src/device/session.ts';
import { codeOf } from '../helpers/codes.ts';
import { TestSessions } from '../helpers/durable.ts';
import { TestClock } from '../helpers/mesh.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('session');
const pid = random(32);

async function saved(ttlMs = 1_000) {
  const clock = new TestClock();
  const vault = new TestSessions();
  const session = { ...newSession(clock, random(32), 4, ttlMs), keystoreKey: random(32) };
  const secret = await saveSession(vault, pid, session, clock, random);
  return { clock, vault, session, secret, load: (with_ = secret, of = pid) => loadSession(vault, of, with_, clock) };
}

describe('a session', () => {
  it('lasts more than nothing and at most thirty days', () => {
    const clock = new TestClock();
    const of = (ttlMs: number) => codeOf(() => newSession(clock, random(32), 0, ttlMs));
    expect([of(1), of(MAX_SESSION_MS)]).toEqual(['no error', 'no error']);
    for (const bad of [0, -1, Number.NaN, Infinity, MAX_SESSION_MS + 1]) expect(of(bad)).toBe('usage');
  });

  it('comes back with the caller’s secret, and with no other', async () => {
    const { session, secret, load } = await saved();
    expect(await load()).toEqual(session);
    for (const bad of ['', 'AAAA', '!', secret.slice(1), `${secret}=`]) expect(await load(bad)).toBeUndefined();
    expect(await load(secret, random(32))).toBeUndefined();
  });

  it('is nothing without the half that lies in the home', async () => {
    const { vault, load, session } = await saved();
    const kept = vault.kept!;
    vault.kept = { ...kept, fileSecret: random(32) };
    expect(await load()).toBeUndefined();
    vault.kept = { ...kept, sealed: kept.sealed.map((byte, i) => (i === 99 ? byte ^ 1 : byte)) };
    expect(await load()).toBeUndefined();
    vault.kept = kept;
    expect(await load()).toEqual(session);
    expect(Buffer.from(kept.sealed).includes(Buffer.from(session.kek))).toBe(false);
  });

  it('ends at its deadline on the monotonic clock, whatever the other clock says, and is overwritten', async () => {
    const { clock, vault, load } = await saved();
    clock.time += 365 * MAX_SESSION_MS;
    expect(await load()).toBeDefined();
    clock.pass(1_001);
    expect(await load()).toBeUndefined();
    expect(vault.kept).toBeUndefined();
  });

  it('ends with the boot', async () => {
    const { clock, vault, load } = await saved();
    clock.reboot();
    expect(await load()).toBeUndefined();
    expect(vault.kept).toBeUndefined();
  });

  it('of a new one replaces the old one: its secret opens nothing any more', async () => {
    const { clock, vault, load } = await saved();
    await saveSession(vault, pid, { ...newSession(clock, random(32), 5, 1), keystoreKey: random(32) }, clock, random);
    expect(await load()).toBeUndefined();
  });
});
