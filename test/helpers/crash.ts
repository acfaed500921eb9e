/**
 * The sweep of crashes: a ceremony is run again and again, each time with the power cut at the next changing call of one
 * device, before and after the call has happened. Then everything is opened again from what is durable, the persons go on as
 * they would, and what must hold is checked.
 */
import { expect } from 'vitest';

import { PassportError } from '../../src/index.ts';
import { audit } from './audit.ts';
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

/** Runs the sweep for every call; returns the names of the calls. */
export async function sweep<T>(
  name: string,
  ceremony: Ceremony<T>,
  modes: readonly Mode[],
): Promise<readonly string[]> {
  const { before, home, run, goOn, check } = ceremony;
  const whole = await before(`${name} whole`);
  const { power } = whole.world.homes[home]!;
  const start = power.calls.length;
  await run(whole);
  const calls = power.calls.slice(start);
  await check(whole);
  for (const mode of modes) {
    for (const [k, call] of calls.entries()) {
      const label = `${name} ${mode} ${k}`;
      const setup = await before(label);
      const { power: cut } = setup.world.homes[home]!;
      cut.cutAt(cut.calls.length + k, mode.endsWith('after'), mode.startsWith('fail') ? failure(call) : undefined);
      await run(setup).catch(() => undefined);
      expect(cut.reached, label).toBe(true);
      cut.restore();
      try {
        const next = mode.startsWith('cut') ? { ...setup, world: setup.world.clone('again') } : setup;
        await goOn(next);
        const reader = await check(next);
        expect((await audit(next.world, reader.home)).faults).toEqual([]);
      } catch (cause) {
        throw new Error(`after ${label} (${call}): ${cause instanceof Error ? cause.message : String(cause)}`, {
          cause,
        });
      }
    }
  }
  return calls;
}
