/** The passphrase of one call: asked once, stretched once for each salt and cost, refused before it costs anything. */
import { describe, expect, it } from 'vitest';

import { type PassphraseSource, Passphrases } from '../../src/device/passphrases.ts';
import type { Argon2id } from '../../src/platform.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { cheapArgon2id } from '../helpers/mesh.ts';

const COST = { memoryKiB: 65_536, passes: 3, lanes: 4 };
const salt = new Uint8Array(16).fill(1);
const other = new Uint8Array(16).fill(2);

function counted(source: Partial<PassphraseSource> = {}) {
  const counts = { asked: 0, stretched: 0 };
  const argon2id: Argon2id = async (...given) => {
    counts.stretched += 1;
    return cheapArgon2id(...given);
  };
  const current = async () => {
    counts.asked += 1;
    return 'typed';
  };
  return { counts, passphrases: new Passphrases(argon2id, { current, ...source }) };
}

describe('the present passphrase', () => {
  it('is asked once and stretched once for each salt and cost', async () => {
    const { counts, passphrases } = counted();
    const first = await passphrases.current(salt, COST);
    expect(await passphrases.current(salt, COST)).toEqual(first);
    expect(counts).toEqual({ asked: 1, stretched: 1 });
    expect(await passphrases.current(other, COST)).not.toEqual(first);
    await passphrases.current(salt, { ...COST, lanes: 1 });
    expect(counts).toEqual({ asked: 1, stretched: 3 });
  });

  it('is asked again after it was wrong', async () => {
    const { counts, passphrases } = counted();
    await passphrases.current(salt, COST);
    passphrases.forget();
    await passphrases.current(salt, COST);
    expect(counts).toEqual({ asked: 2, stretched: 2 });
  });

  it('is not to be had where nobody can be asked', async () => {
    const { counts, passphrases } = counted({ current: async () => undefined });
    expect(await passphrases.current(salt, COST)).toBeUndefined();
    expect(counts.stretched).toBe(0);
  });

  it('costs nothing when the parameters are refused, or when it is no passphrase', async () => {
    const { counts, passphrases } = counted();
    expect(await rejectionOf(passphrases.current(salt, { ...COST, memoryKiB: 2 ** 31 }))).toBe('parameters-refused');
    expect(await rejectionOf(passphrases.current(new Uint8Array(8), COST))).toBe('parameters-refused');
    const empty = counted({ current: async () => '' });
    expect(await rejectionOf(empty.passphrases.current(salt, COST))).toBe('passphrase-invalid');
    expect(counts.stretched + empty.counts.stretched).toBe(0);
  });
});

describe('the one to come', () => {
  it('gets one salt of its own, and the cost that was asked for', async () => {
    let drawn = 0;
    const draw = () => {
      drawn += 1;
      return other;
    };
    const usual = counted({ next: async () => 'new' }).passphrases;
    const first = await usual.next(draw, COST);
    expect(await usual.next(draw, COST)).toBe(first);
    expect(drawn).toBe(1);
    expect(first).toMatchObject({ salt: other, cost: COST });
    const nextCost = { memoryKiB: 131_072, passes: 1, lanes: 1 };
    expect(await counted({ next: async () => 'new', nextCost }).passphrases.next(draw, COST)).toMatchObject({
      cost: nextCost,
    });
    expect(await counted().passphrases.next(draw, COST)).toBeUndefined();
  });
});

describe('two passphrases', () => {
  it('are the same when they are the same text, however it is composed', () => {
    expect(Passphrases.same('Grüße', 'Gru\u0308ße')).toBe(true);
    expect(Passphrases.same('ﬁsh', 'fish')).toBe(true);
    expect(Passphrases.same('fish', 'Fish')).toBe(false);
    expect(Passphrases.same('fish', 'fish ')).toBe(false);
  });
});
