/**
 * The sweep of crashes: a ceremony is run again and again, each time with the power cut at the next changing call of one
 * device, before and after the call has happened. Then everything is opened again from what is durable, the persons go on as
 * they would, and what must hold is checked.
 */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';

import { PassportError } from '../../src/index.ts';
import { audit } from './audit.ts';
import type { TestStore } from './durable.ts';
import type { Member, World } from './mesh.ts';

/** `cut-…`: the process ends at the call. `fail-…`: the call fails once and the process goes on. */
export type Mode = 'cut-before' | 'cut-after' | 'fail-before' | 'fail-after';
export const CUTS: readonly Mode[] = ['cut-before', 'cut-after'];
export const FAILURES: readonly Mode[] = ['fail-before', 'fail-after'];

export interface Ceremony<T> {
  /** A world of its own in the state before. */
  readonly before: (label: string) => Promise<T & { world: World }>;
  /** Where the home stands whose calls are cut. */
  readonly home: number;
  /** What the persons do. It may end with any error when the power is cut. */
  readonly run: (setup: T & { world: World }) => Promise<void>;
  /** They go on until it is done. */
  readonly goOn: (setup: T & { world: World }) => Promise<void>;
  /** What must hold then; returns the member whose home can read every vote. */
  readonly check: (setup: T & { world: World }) => Promise<Member>;
}

function failure(call: string): PassportError {
  if (call.startsWith('store')) return new PassportError('store-unreachable', 'the store is down');
  return new PassportError(call.startsWith('journal') ? 'disk-full' : 'home-unusable', 'the disk is full');
}

/** All that is durable, and the papers of the persons: two crashes that leave the same are one case. */
function digest(setup: { world: World }): string {
  const { world, ...papers } = setup;
  const hash = createHash('sha256').update(JSON.stringify(papers));
  const add = (what: string, map: ReadonlyMap<string, Uint8Array>) => {
    hash.update(what);
    for (const [name, bytes] of [...map].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(name).update(bytes);
  };
  for (const { journal, keystore, anchor, sessions } of world.homes) {
    add('journal', journal.entries);
    add('keystore', keystore.blobs);
    hash.update(anchor.note ?? 'none').update(sessions.kept?.sealed ?? 'none');
  }
  for (const [url, store] of world.stores) add(url, (store as TestStore).objects);
  return hash.digest('hex');
}

/** Runs the sweep for every call; returns the names of the calls. */
export async function sweep<T>(
  name: string,
  ceremony: Ceremony<T>,
  modes: readonly Mode[],
  /** Only the first or the second half of the calls: for a sweep that is too long for one test. */
  half?: 'first' | 'second',
): Promise<readonly string[]> {
  const { before, home, run, goOn, check } = ceremony;
  const whole = await before(name);
  const { power } = whole.world.homes[home]!;
  const start = power.calls.length;
  await run(whole);
  const calls = power.calls.slice(start);
  await check(whole);
  const seen = new Set<string>();
  for (const [k, call] of calls.entries()) {
    if (half !== undefined && k < calls.length / 2 !== (half === 'first')) continue;
    for (const mode of modes) {
      // The same label, so the same randomness: every run is the beginning of the whole one.
      const setup = await before(name);
      const { power: cut } = setup.world.homes[home]!;
      const fails = mode.startsWith('fail');
      if (fails) setup.world.keepProcesses();
      cut.cutAt(cut.calls.length + k, mode.endsWith('after'), fails ? failure(call) : undefined);
      await run(setup).catch(() => undefined);
      expect(cut.reached, `${name} ${k}`).toBe(true);
      cut.restore();
      const state = digest(setup);
      if (!fails && seen.has(state)) continue;
      seen.add(state);
      try {
        const next = fails ? setup : { ...setup, world: setup.world.clone('again') };
        await goOn(next);
        const reader = await check(next);
        expect((await audit(next.world, reader.home)).faults).toEqual([]);
      } catch (cause) {
        const what = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`${name}, ${mode} call ${k} (${call}): ${what}`, { cause });
      }
    }
  }
  return calls;
}
