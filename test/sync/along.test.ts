/** Writing and sending at once: what is written goes to the stores while more is written, and nothing else changes by that. */
import { beforeEach, describe, expect, it } from 'vitest';

import { PassportError } from '../../src/index.ts';
import { parseName } from '../../src/format/names.ts';
import { News } from '../../src/sync/news.ts';
import type { TestStore } from '../helpers/durable.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { type Member, text, twoDevices, type World } from '../helpers/mesh.ts';

const bundles = (store: TestStore) =>
  [...store.objects.keys()].filter((name) => parseName(name)?.kind === 'bundle').length;
/** A key that comes again ends what is written at once. */
const record = (i: number) => ({ key: 'again', value: new TextEncoder().encode(`value ${i}`) });

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('putMany with send', () => {
  let world: World;
  let laptop: Member;
  let phone: Member;
  let store: TestStore;

  beforeEach(async ({ task }) => {
    ({ world, laptop, phone } = await twoDevices(`along ${task.name}`));
    store = world.store();
    await world.unlock(laptop, phone);
    await laptop.passport.sync();
    store.resetCount();
  });

  it('has each part in the store while the next is made, with puts only', async () => {
    const before = bundles(store);
    async function* slowly() {
      for (let i = 0; i < 4; i++) {
        yield record(i);
        if (i > 0) await until(() => bundles(store) >= before + i);
      }
    }
    expect((await laptop.passport.putMany(slowly(), { send: true })).records).toBe(4);
    expect(store.count).toEqual({ list: 0, get: 0, put: 4, delete: 0 });
    const { stores } = await laptop.passport.sync();
    expect(stores[0]).toMatchObject({ state: 'ok', behind: 0, sent: 0 });
    await phone.passport.sync();
    await world.unlock(phone, laptop);
    expect(await text(phone, 'again')).toBe('value 3');
  });

  it('goes on when the store fails, asks it no more, and the next sync brings everything', async () => {
    store.fault = () => new PassportError('store-unreachable', 'the store does not');
    const stored = await laptop.passport.putMany([record(0), record(1), record(2)], { send: true });
    expect(stored.records).toBe(3);
    expect(store.count.put).toBe(1);
    store.fault = () => undefined;
    expect((await laptop.passport.sync()).stores[0]).toMatchObject({ state: 'ok', behind: 0 });
    expect((await laptop.passport.status()).pending).toBe(0);
  });

  it('ends with what was asked for when it is interrupted', async () => {
    const stop = new AbortController();
    function* three() {
      yield record(0);
      yield record(1);
      stop.abort();
      yield record(2);
    }
    const putting = laptop.passport.putMany(three(), { send: true, signal: stop.signal });
    await expect(putting).rejects.toMatchObject({ code: 'aborted', details: { records: 2 } });
    await laptop.passport.sync();
    expect(await text(laptop, 'again')).toBe('value 1');
  });

  it('ends when what is to be written fails', async () => {
    function* broken() {
      yield record(0);
      yield record(1);
      throw new RangeError('no more');
    }
    expect(await rejectionOf(laptop.passport.putMany(broken(), { send: true }))).toBe('RangeError');
  });

  it('sends nothing where it is not asked for', async () => {
    await laptop.passport.putMany([record(0), record(1)]);
    expect(store.count).toEqual({ list: 0, get: 0, put: 0, delete: 0 });
  });
});

describe('news', () => {
  it('are told once however many there were, also those of before the question, and the last ones before the end', async () => {
    const news = new News();
    const first = news.next();
    news.tell();
    news.tell();
    expect(await first).toBe(true);
    news.tell();
    news.tell();
    news.end();
    expect(await news.next()).toBe(true);
    expect(await news.next()).toBe(false);
    const waiting = new News();
    const end = waiting.next();
    waiting.end();
    expect(await end).toBe(false);
  });
});
