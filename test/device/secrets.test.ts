/** The keystore's blob: sealed, replaced as a whole, atomic with the transaction that names it. */
import { describe, expect, it } from 'vitest';

import { utf8 } from '../../src/bytes.ts';
import {
  oneTime,
  receivePrivate,
  type Secrets,
  SecretsBox,
  withOneTime,
  withoutOneTime,
} from '../../src/device/secrets.ts';
import { openReplica } from '../../src/replica/replica.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { TestJournal, TestKeystore } from '../helpers/durable.ts';
import { seededRandom } from '../helpers/random.ts';

const random = seededRandom('secrets');
const pid = random(32);
const key = random(32);

function secrets(): Secrets {
  return {
    ...{ deviceId: random(16), signSeed: random(32), signKey: random(32), localKey: random(32), nameRoot: random(32) },
    receive: [{ slot: 3, publicKey: random(32), privateKey: random(32) }],
    mesh: new Map([
      [0, random(32)],
      [1, random(32)],
    ]),
    oneTime: [{ id: random(16), bootId: 'boot', deadline: 500, secret: random(64) }],
    kept: { epoch: 1, kek: random(32) },
  };
}

function home() {
  const journal = new TestJournal();
  const keystore = new TestKeystore(random);
  const replica = openReplica({ journal, localKey: random(32), pid, random });
  return { journal, keystore, replica, box: () => new SecretsBox(keystore, key, pid, random) };
}

describe('secrets', () => {
  it('come back as they were kept, in another process too', async () => {
    const { replica, box } = home();
    for (const value of [
      secrets(),
      {
        ...secrets(),
        nameRoot: null,
        receive: [],
        mesh: new Map<number, never>(),
        oneTime: [],
        kept: { epoch: 3, kek: new Uint8Array(32).fill(9) },
      },
    ]) {
      await replica.transact((tx) => box().write(tx, value));
      expect(await replica.transact((tx) => box().read(tx))).toEqual(value);
    }
  });

  it('are sealed: no byte of them is in the blob, and another key opens nothing', async () => {
    const { replica, box, keystore } = home();
    const value = secrets();
    await replica.transact((tx) => box().write(tx, value));
    const [blob] = [...keystore.blobs.values()];
    for (const secret of [value.signSeed, value.localKey, value.receive[0]!.privateKey]) {
      expect(Buffer.from(blob!).includes(Buffer.from(secret))).toBe(false);
    }
    const other = new SecretsBox(keystore, random(32), pid, random);
    expect(await rejectionOf(replica.transact((tx) => other.read(tx)))).toBe('decryption-failed');
    const elsewhere = new SecretsBox(keystore, key, random(32), random);
    expect(await rejectionOf(replica.transact((tx) => elsewhere.read(tx)))).toBe('decryption-failed');
  });

  it('are what the transaction names: one that failed changes nothing', async () => {
    const { replica, box } = home();
    const before = secrets();
    const mine = box();
    await replica.transact((tx) => mine.write(tx, before));
    const failed = replica.transact(async (tx) => {
      await mine.write(tx, secrets());
      throw new Error('it failed');
    });
    await expect(failed).rejects.toThrow('it failed');
    expect(await replica.transact((tx) => mine.read(tx))).toEqual(before);
    expect(await replica.transact((tx) => box().read(tx))).toEqual(before);
  });

  it('that were replaced are removed, and nobody’s who is just writing newer ones', async () => {
    const { replica, box, keystore } = home();
    const mine = box();
    for (let i = 0; i < 3; i++) await replica.transact((tx) => mine.write(tx, secrets()));
    await keystore.save('00000009-somebody-newer', utf8('x'));
    await mine.prune(replica);
    expect(keystore.blobs.size).toBe(2);
    await replica.transact((tx) => box().read(tx));
  });

  it('that are gone are said to be gone', async () => {
    const { replica, box, keystore } = home();
    expect(await rejectionOf(replica.transact((tx) => box().read(tx)))).toBe('no-passport');
    await replica.transact((tx) => box().write(tx, secrets()));
    keystore.blobs.clear();
    expect(await rejectionOf(replica.transact((tx) => box().read(tx)))).toBe('keystore-unavailable');
  });
});

describe('keys in them', () => {
  it('are found by what an entry lists', () => {
    const value = secrets();
    const { publicKey, privateKey } = value.receive[0]!;
    expect(receivePrivate(value, publicKey)).toEqual(privateKey);
    expect(receivePrivate(value, random(32))).toBeUndefined();
  });

  it('for one time live in one boot until their deadline', () => {
    const value = secrets();
    const [{ id, secret }] = value.oneTime as [Secrets['oneTime'][number]];
    expect(oneTime(value, id, { bootId: 'boot', monotonic: 500 })).toEqual(secret);
    expect(oneTime(value, id, { bootId: 'boot', monotonic: 501 })).toBeUndefined();
    expect(oneTime(value, id, { bootId: 'other', monotonic: 1 })).toBeUndefined();
    expect(oneTime(value, random(16), { bootId: 'boot', monotonic: 1 })).toBeUndefined();
    expect(withoutOneTime(value, id).oneTime).toEqual([]);
    const again = { id, bootId: 'boot', deadline: 900, secret: random(32) };
    expect(withOneTime(value, again).oneTime).toEqual([again]);
  });
});
