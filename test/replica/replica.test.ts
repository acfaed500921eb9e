import { describe, expect, it } from 'vitest';
import { hex, utf8, type Bytes } from '../../src/bytes.ts';
import { nameHash } from '../../src/format/names.ts';
import { openReplica, type Replica } from '../../src/replica/replica.ts';
import type { Journal } from '../../src/storage/journal.ts';
import { PassportError } from '../../src/errors.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { Crash, createCopyableJournal, createMortalJournal } from '../helpers/journals.ts';
import { seededRandom } from '../helpers/random.ts';

const fixed = seededRandom('replica');
const pid = fixed(32);
const localKey = fixed(32);
const vaultKey = fixed(32);

function replicaOn(journal: Journal = createCopyableJournal(), key: Bytes = localKey): Replica {
  return openReplica({ journal, localKey: key, pid, random: seededRandom('salts') });
}

const vault = { epoch: 3, key: vaultKey, olderVault: () => undefined };

describe('a cell', () => {
  it('is what was set, also for another process and after a restart', async () => {
    const journal = createCopyableJournal();
    await replicaOn(journal).transact(async (tx) => tx.set('a', [1, 'two', utf8('three'), null]));
    expect(await replicaOn(journal).read('a')).toEqual([1, 'two', utf8('three'), null]);
    expect(await replicaOn(journal).read('b')).toBeUndefined();
  });

  it('shows neither its name nor its value in the journal', async () => {
    const journal = createCopyableJournal();
    await replicaOn(journal).transact(async (tx) => tx.set('frontier', 'a value to look for'));
    const [key] = journal.keys();
    expect(key).toMatch(/^c[0-9a-v]{26}$/);
    const bytes = (await journal.get(key as string)) as Bytes;
    expect(new TextDecoder('latin1').decode(bytes)).not.toContain('a value');
    expect(hex(bytes.subarray(0, 11))).toBe('504d534801010600000000');
  });

  it('has another key in the journal of another device', async () => {
    const [a, b] = [createCopyableJournal(), createCopyableJournal()];
    await replicaOn(a).transact(async (tx) => tx.set('a', 1));
    await replicaOn(b, fixed(32)).transact(async (tx) => tx.set('a', 1));
    expect(a.keys()).not.toEqual(b.keys());
  });

  it('does not open when it is damaged, or in the place of another one', async () => {
    const journal = createCopyableJournal();
    await replicaOn(journal).transact(async (tx) => tx.set('a', 'one'));
    const [a] = journal.keys() as [string];
    await replicaOn(journal).transact(async (tx) => tx.set('b', 'two'));
    const b = journal.keys().find((key) => key !== a) as string;
    const other = (await journal.get(b)) as Bytes;
    journal.damage(a, () => other);
    expect(await rejectionOf(replicaOn(journal).read('a'))).toBe('decryption-failed');
    journal.damage(b, (bytes) => {
      bytes[100] = (bytes[100] as number) ^ 1;
      return bytes;
    });
    expect(await rejectionOf(replicaOn(journal).read('b'))).toBe('decryption-failed');
  });
});

describe('a vault cell', () => {
  it('is locked without a vault key, for reading and for writing', async () => {
    const journal = createCopyableJournal();
    const replica = replicaOn(journal);
    replica.useVault(vault);
    await replica.transact(async (tx) => tx.set('vault/a', 'secret'));
    expect(await replica.read('vault/a')).toBe('secret');
    replica.useVault(undefined);
    expect(await rejectionOf(replica.read('vault/a'))).toBe('locked');
    expect(await rejectionOf(replica.transact(async (tx) => tx.set('vault/a', 'other')))).toBe('locked');
    expect(await rejectionOf(replicaOn(journal).read('vault/a'))).toBe('locked');
  });

  it('sealed for an older epoch opens with the key of that epoch, and is locked without it', async () => {
    const journal = createCopyableJournal();
    const replica = replicaOn(journal);
    replica.useVault(vault);
    await replica.transact(async (tx) => tx.set('vault/a', 'old'));
    const newest = { epoch: 4, key: seededRandom('next')(32) };
    replica.useVault({ ...newest, olderVault: () => undefined });
    expect(await rejectionOf(replica.read('vault/a'))).toBe('locked');
    replica.useVault({ ...newest, olderVault: (epoch) => (epoch === 3 ? vaultKey : undefined) });
    expect(await replica.read('vault/a')).toBe('old');
    await replica.transact(async (tx) => tx.set('vault/a', 'new'));
    replica.useVault({ ...newest, olderVault: () => undefined });
    expect(await replica.read('vault/a')).toBe('new');
  });

  it('can be deleted while locked', async () => {
    const replica = replicaOn();
    replica.useVault(vault);
    await replica.transact(async (tx) => tx.set('vault/a', 'secret'));
    replica.useVault(undefined);
    await replica.transact(async (tx) => tx.delete('vault/a'));
    replica.useVault(vault);
    expect(await replica.read('vault/a')).toBeUndefined();
  });
});

describe('an object', () => {
  it('is kept as it is, under the hash of its bytes', async () => {
    const journal = createCopyableJournal();
    const bytes = fixed(2000);
    const hash = await replicaOn(journal).transact(async (tx) => tx.addObject(bytes));
    expect(hash).toBe(nameHash(bytes));
    expect(journal.keys()).toEqual([`o/${hash}`]);
    expect(await replicaOn(journal).object(hash)).toEqual(bytes);
    await replicaOn(journal).transact(async (tx) => tx.dropObject(hash));
    expect(await replicaOn(journal).object(hash)).toBeUndefined();
  });
});

describe('the journal', () => {
  it('hears of each object before its commit, and of each again when its attempt is over', async () => {
    const told: string[] = [];
    const journal = createCopyableJournal();
    const replica = replicaOn({
      ...journal,
      begin: (bytes) => void told.push(`begin ${bytes[0]}`),
      forget: async (values) => void told.push(...[...values].map((bytes) => `forget ${bytes[0]}`)),
      async commit(expected, changes) {
        told.push(`commit of ${changes.size}`);
        if (told.length < 4) await journal.commit(expected, new Map([['other', new Uint8Array(1)]]));
        return journal.commit(expected, changes);
      },
    });
    const object = (number: number) => new Uint8Array(10).fill(number);
    let attempts = 0;
    await replica.transact(async (tx) => {
      attempts += 1;
      for (const number of [10 * attempts + 1, 10 * attempts + 2]) tx.addObject(object(number));
    });
    const failing = replica.transact(async (tx) => {
      tx.addObject(object(3));
      throw new PassportError('refused', 'no');
    });
    expect(await rejectionOf(failing)).toBe('refused');
    expect(told).toEqual([
      ...['begin 11', 'begin 12', 'commit of 2', 'forget 11', 'forget 12'],
      ...['begin 21', 'begin 22', 'commit of 2', 'forget 21', 'forget 22'],
      ...['begin 3', 'forget 3'],
    ]);
  });
});

describe('a lock', () => {
  it('while a commit is on its way leaves nothing of it in memory', async () => {
    const whole = createCopyableJournal();
    const reads: string[] = [];
    let locks = true;
    const replica = replicaOn({
      ...whole,
      async get(key) {
        reads.push(key);
        return whole.get(key);
      },
      async commit(expected, changes) {
        const after = await whole.commit(expected, changes);
        if (locks) replica.useVault(undefined);
        return after;
      },
    });
    replica.useVault(vault);
    await replica.transact(async (tx) => {
      tx.set('a', 1);
      tx.set('vault/b', 'secret');
    });
    expect(await replica.read('a')).toBe(1);
    expect(reads).toHaveLength(1); // from the journal: what the commit had is forgotten
    locks = false;
    await replica.transact(async (tx) => tx.set('a', 2));
    expect(await replica.read('a')).toBe(2);
    expect(reads).toHaveLength(1);
  });
});

describe('a transaction', () => {
  it('sees its own writes', async () => {
    const replica = replicaOn();
    await replica.transact(async (tx) => {
      tx.set('a', 1);
      expect(await tx.get('a')).toBe(1);
      tx.delete('a');
      expect(await tx.get('a')).toBeUndefined();
      const hash = tx.addObject(utf8('bytes'));
      expect(await tx.object(hash)).toEqual(utf8('bytes'));
      tx.dropObject(hash);
      expect(await tx.object(hash)).toBeUndefined();
    });
  });

  it('writes nothing when it throws', async () => {
    const replica = replicaOn();
    await replica.transact(async (tx) => tx.set('a', 1));
    const failing = replica.transact(async (tx) => {
      tx.set('a', 2);
      throw new PassportError('refused', 'no');
    });
    expect(await rejectionOf(failing)).toBe('refused');
    expect(await replica.read('a')).toBe(1);
  });

  it('commits nothing when it has nothing to write', async () => {
    const journal = createCopyableJournal();
    await replicaOn(journal).transact(async (tx) => tx.get('a'));
    expect(await journal.generation()).toBe(0);
  });

  it('decides again when another process committed in between', async () => {
    const journal = createCopyableJournal();
    const [one, two] = [replicaOn(journal), replicaOn(journal)];
    let attempts = 0;
    await one.transact(async (tx) => {
      const before = ((await tx.get('count')) ?? 0) as number;
      attempts += 1;
      if (attempts === 1) await two.transact(async (other) => other.set('count', 10));
      tx.set('count', before + 1);
    });
    expect(attempts).toBe(2);
    expect(await two.read('count')).toBe(11);
  });

  it('decides again when it failed on what it read from two generations', async () => {
    const journal = createCopyableJournal();
    const [one, two] = [replicaOn(journal), replicaOn(journal)];
    await one.transact(async (tx) => {
      tx.set('a', 1);
      tx.set('b', 1);
    });
    let attempts = 0;
    await one.transact(async (tx) => {
      attempts += 1;
      const a = await tx.get('a');
      if (attempts === 1) {
        await two.transact(async (other) => {
          other.set('a', 2);
          other.set('b', 2);
        });
        await openReplica({ journal, localKey, pid, random: seededRandom('x') }).read('b');
      }
      if (a !== (await tx.get('b'))) throw new PassportError('malformed', 'a and b differ');
      tx.set('c', a as number);
    });
    expect(await one.read('c')).toBe(2);
  });

  it('gives up when others commit before each of its attempts', async () => {
    const journal = createCopyableJournal();
    const [one, two] = [replicaOn(journal), replicaOn(journal)];
    let attempts = 0;
    const starved = one.transact(async (tx) => {
      attempts += 1;
      await two.transact(async (other) => other.set('n', attempts));
      tx.set('mine', attempts);
    });
    expect(await rejectionOf(starved)).toBe('journal-changed');
    expect(attempts).toBe(50);
    expect(await two.read('mine')).toBeUndefined();
  });

  it('of the same process waits for the one before', async () => {
    const replica = replicaOn();
    let attempts = 0;
    const add = () =>
      replica.transact(async (tx) => {
        attempts += 1;
        tx.set('count', (((await tx.get('count')) ?? 0) as number) + 1);
      });
    await Promise.all(Array.from({ length: 20 }, add));
    expect(await replica.read('count')).toBe(20);
    expect(attempts).toBe(20);
  });

  it('of two processes counts every addition once', async () => {
    const journal = createCopyableJournal();
    const processes = [replicaOn(journal), replicaOn(journal)];
    const add = (n: number) =>
      (processes[n % 2] as Replica).transact(async (tx) =>
        tx.set('count', (((await tx.get('count')) ?? 0) as number) + 1),
      );
    await Promise.all(Array.from({ length: 40 }, (_, n) => add(n)));
    expect(await replicaOn(journal).read('count')).toBe(40);
  });

  it('reads from memory what nobody changed, and never what another process changed', async () => {
    const journal = createMortalJournal(createCopyableJournal());
    const [one, two] = [
      openReplica({ journal, localKey, pid, random: fixed }),
      openReplica({ journal, localKey, pid, random: fixed }),
    ];
    await one.transact(async (tx) => tx.set('a', 1));
    journal.dieAt(Number.POSITIVE_INFINITY, 'before');
    expect(await one.read('a')).toBe(1);
    expect(journal.calls()).toBe(2); // the generation, before and after
    await two.transact(async (tx) => tx.set('a', 2));
    expect(await one.read('a')).toBe(2);
  });

  it('that dies at any call of the journal leaves all of it or nothing', async () => {
    for (const when of ['before', 'after'] as const) {
      for (let call = 1; ; call++) {
        const store = createCopyableJournal();
        await replicaOn(store).transact(async (tx) => {
          tx.set('a', 'old');
          tx.set('b', 'old');
        });
        const journal = createMortalJournal(store);
        journal.dieAt(call, when);
        const replica = openReplica({ journal, localKey, pid, random: seededRandom('salts') });
        const outcome = await rejectionOf(
          replica.transact(async (tx) => {
            await tx.get('a');
            tx.set('a', 'new');
            tx.set('b', 'new');
          }),
        );
        journal.dieAt(Number.POSITIVE_INFINITY, when);
        const [a, b] = [await replicaOn(store).read('a'), await replicaOn(store).read('b')];
        expect([a, b]).toEqual([a, a]);
        expect(await replica.read('a')).toBe(a); // the survivor sees what the journal holds
        if (outcome === 'no error') {
          expect(a).toBe('new');
          break;
        }
        expect(outcome).toBe(new Crash().name);
      }
    }
  });
});
