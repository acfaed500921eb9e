/** The adapters in memory, held to the contracts that all adapters keep. */
import { describe, expect, it } from 'vitest';
import { createMemoryAnchor, createMemoryKeystore, createMemorySession } from '../../src/storage/memory-home.ts';
import { createMemoryJournal } from '../../src/storage/memory-journal.ts';
import { createMemoryStore } from '../../src/storage/memory-store.ts';
import { describeJournal, describeStore } from '../../src/testing/index.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { seededRandom } from '../helpers/random.ts';

describeStore('the memory store', async () => ({ store: createMemoryStore() }), { describe, it });
describeJournal('the memory journal', async () => ({ journal: createMemoryJournal() }), { describe, it });

const bytes = (...values: number[]) => Uint8Array.from(values);
const never = () => Promise.reject(new Error('asked for a passphrase'));

describe('the memory anchor', () => {
  it('is empty at first, then has what was written last', async () => {
    const anchor = createMemoryAnchor();
    expect(await anchor.read()).toBeUndefined();
    await anchor.write(bytes(1));
    await anchor.write(bytes(2));
    expect(await anchor.read()).toEqual(bytes(2));
  });
});

describe('the memory keystore', () => {
  it('has no key before one is made, and the same one ever after', async () => {
    const keystore = createMemoryKeystore(seededRandom(1));
    expect(await rejectionOf(keystore.openKey(never))).toBe('keystore-unavailable');
    const key = await keystore.createKey(never);
    expect(key).toHaveLength(32);
    expect(await keystore.openKey(never)).toEqual(key);
    expect(await keystore.createKey(never)).toEqual(key);
  });

  it('prunes what the kept blob replaced, and nothing newer', async () => {
    const keystore = createMemoryKeystore(seededRandom(1));
    for (const name of ['00000001-a', '00000002-a', '00000002-b', '00000003-a']) await keystore.save(name, bytes(1));
    await keystore.prune('00000002-a');
    expect(await keystore.load('00000001-a')).toBeUndefined();
    expect(await keystore.load('00000002-a')).toEqual(bytes(1));
    expect(await keystore.load('00000002-b')).toBeUndefined();
    expect(await keystore.load('00000003-a')).toEqual(bytes(1));
  });

  it('refuses a blob name outside the grammar', async () => {
    expect(await rejectionOf(createMemoryKeystore(seededRandom(1)).save('../x', bytes(1)))).toBe('TypeError');
  });
});

describe('the memory session', () => {
  it('gives both halves back until it is cleared', async () => {
    const session = createMemorySession();
    expect(await session.load()).toBeUndefined();
    await session.save(bytes(1, 2), bytes(3));
    expect(await session.load()).toEqual({ sealed: bytes(1, 2), fileSecret: bytes(3) });
    await session.clear();
    await session.clear();
    expect(await session.load()).toBeUndefined();
  });
});
