/**
 * Whole devices against Ceph RGW with a fault proxy in between: what a bad network, a server in trouble and a store that went back
 * in time may do, and how many requests a sync makes when all is well.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseName } from '../../src/format/names.ts';
import { contents, type Member, PASSPHRASE, words } from '../helpers/mesh.ts';
import { type Bucket, newBucket, S3World } from '../helpers/s3-mesh.ts';
import type { Fault } from '../servers/fault-proxy.ts';
import { limitBucket, type Server, serverInstalled, startS3 } from '../servers/servers.ts';

/** What one request in five meets. */
const FAULTS: readonly Fault[] = [
  { kind: 'status', status: 500 },
  { kind: 'lost-answer' },
  { kind: 'status', status: 503, retryAfterSeconds: 1 },
  { kind: 'cut-request' },
  { kind: 'status', status: 429, retryAfterSeconds: 2 },
  { kind: 'cut-answer' },
  { kind: 'delay', ms: 100 },
];

describe.skipIf(!serverInstalled('s3'))('a passport in a bucket of Ceph RGW', () => {
  let server: Server;
  let bucket: Bucket;
  let world: S3World;
  let laptop: Member;
  let phone: Member;
  let kit: string;

  beforeAll(async () => {
    server = await startS3();
  });
  afterAll(() => server.stop());

  beforeEach(async ({ task }) => {
    bucket = await newBucket(server);
    world = new S3World(`s3 ${task.name}`);
    const created = await world.create('laptop', { stores: [bucket.url] });
    laptop = created;
    kit = words(created.kits[0]!);
    await laptop.passport.put('old', 'written before');
    phone = await world.enroll('phone', created, { kits: [kit] });
    await laptop.passport.sync();
    await phone.passport.sync();
    await phone.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
  });
  afterEach(async () => {
    await laptop.passport.close();
    await phone.passport.close();
    await bucket.close();
  });

  const record = (i: number) => ({ key: `import/${i}`, value: new TextEncoder().encode(`value ${i}`) });

  async function phoneHas(count: number): Promise<void> {
    const listed = (await phone.passport.list('import/')).map(({ key }) => key).sort();
    expect(listed).toEqual(Array.from({ length: count }, (_, i) => `import/${i}`).sort());
    for (const i of [0, Math.floor(count / 2), count - 1])
      expect((await phone.passport.get(`import/${i}`))?.value).toEqual(record(i).value);
    expect(await phone.passport.conflicts()).toEqual([]);
  }

  /** Each commit of each chain is in exactly one bundle. */
  async function bundlesAreWhole(): Promise<void> {
    const chains = new Map<string, [first: number, last: number][]>();
    for (const name of (await contents(bucket.direct)).keys()) {
      const parsed = parseName(name);
      if (parsed?.kind !== 'bundle') continue;
      chains.set(parsed.chain, [...(chains.get(parsed.chain) ?? []), [parsed.first, parsed.last]]);
    }
    expect(chains.size).toBeGreaterThan(0);
    for (const ranges of chains.values()) {
      let next = 1;
      for (const [first, last] of ranges.sort(([a], [b]) => a - b)) {
        expect(first).toBe(next);
        next = last + 1;
      }
    }
  }

  it('an import of 1,000 records while one request in five fails: nothing is lost, nothing is doubled', async () => {
    const { proxy } = bucket;
    const before = proxy.seen.length;
    proxy.rule = ({ index }) => (index % 5 === 3 ? FAULTS[Math.floor(index / 5) % FAULTS.length] : undefined);
    for (let from = 0; from < 1000; from += 20) {
      await laptop.passport.putMany(Array.from({ length: 20 }, (_, i) => record(from + i)));
      expect((await laptop.passport.sync()).stores[0]).toMatchObject({ state: 'ok', behind: 0 });
      if (from % 200 === 0) await phone.passport.sync();
    }
    expect((await phone.passport.sync()).stores[0]).toMatchObject({ state: 'ok' });
    const seen = proxy.seen.slice(before);
    const failed = seen.filter(({ fault }) => fault !== undefined);
    expect(new Set(failed.map(({ fault }) => fault)).size).toBe(5);
    expect(failed.length).toBeGreaterThan(seen.length / 6);
    proxy.rule = () => undefined;
    await phoneHas(1000);
    await bundlesAreWhole();
  });

  it('a storm of 503 outlasts every attempt: the changes wait, and all of them arrive after it', async () => {
    await laptop.passport.putMany(Array.from({ length: 100 }, (_, i) => record(i)));
    bucket.proxy.rule = () => ({ kind: 'status', status: 503 });
    const stormy = (await laptop.passport.sync()).stores[0];
    expect(stormy).toMatchObject({ state: 'unreachable', error: { code: 'store-unreachable' } });
    expect(stormy!.behind).toBeGreaterThan(0);
    bucket.proxy.rule = () => undefined;
    expect((await laptop.passport.sync()).stores[0]).toMatchObject({ state: 'ok', behind: 0 });
    await phone.passport.sync();
    await phoneHas(100);
  });

  it('a bucket that was put back to an older state is named, and made whole from the devices', async () => {
    const before = await contents(bucket.direct);
    await laptop.passport.putMany(Array.from({ length: 10 }, (_, i) => record(i)));
    const change = await laptop.passport.rename('phone', 'pocket', { passphrase: PASSPHRASE, timeoutMs: 0 });
    expect(await world.settle(laptop, change, [phone])).toMatchObject({ state: 'decided' });
    for (const name of (await contents(bucket.direct)).keys()) if (!before.has(name)) await bucket.direct.delete(name);
    for (const [name, bytes] of before) await bucket.direct.put(name, bytes);
    expect((await laptop.passport.sync()).stores[0]).toMatchObject({ state: 'rolled-back' });
    expect((await laptop.passport.sync()).stores[0]).toMatchObject({ state: 'ok', behind: 0 });
    await phone.passport.sync();
    await phoneHas(10);
    await bundlesAreWhole();
  });

  it('a quota that is exhausted in the middle of a revocation leaves the passport openable and says what to do', async () => {
    limitBucket(server, bucket.name, (await contents(bucket.direct)).size + 3);
    const kits: string[] = [];
    const revoked = laptop.passport.revoke('phone', {
      ...{ passphrase: PASSPHRASE, timeoutMs: 0, kits: [kit] },
      keepKits: async (made) => void kits.push(...made.map(words)),
    });
    await expect(revoked).rejects.toMatchObject({
      code: 'store-full',
      message: expect.stringContaining('QuotaExceeded'),
      hint: expect.stringMatching(/make room/i),
    });
    const again = await world.open(0);
    expect((await again.passport.status()).warnings).toContain(`${bucket.url}: full`);
    await again.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    expect((await again.passport.get('old'))?.value).toEqual(new TextEncoder().encode('written before'));

    limitBucket(server, bucket.name, undefined);
    await again.passport.sync();
    const open = (await again.passport.requests()).map(({ id }) => id);
    for (const id of open) await again.passport.finish(id, { passphrase: PASSPHRASE, kits: [kit] });
    const left = (await again.passport.devices()).find(({ name }) => name === 'phone');
    expect(left).toMatchObject({ state: 'revoked' });
    await again.passport.unlock({ passphrase: PASSPHRASE, kits });
    expect((await again.passport.get('old'))?.size).toBe(14);
    await again.passport.close();
  });

  describe('requests', () => {
    async function requestsOf(run: () => Promise<unknown>): Promise<string[]> {
      const from = bucket.proxy.seen.length;
      await run();
      return bucket.proxy.seen.slice(from).map(({ method, url }) => (url.includes('list-type=2') ? 'LIST' : method));
    }

    it.each([10, 10_000])(
      'of a sync with %i records: none for the SDK, one to see that nothing is new',
      async (count) => {
        await laptop.passport.putMany(Array.from({ length: count }, (_, i) => record(i)));
        for (const member of [laptop, phone, laptop, phone]) await member.passport.sync();
        expect(await requestsOf(() => laptop.passport.sync())).toEqual(['LIST']);
        await laptop.passport.put('own', 'change');
        expect(await requestsOf(() => laptop.passport.sync())).toEqual(['LIST', 'PUT']);
        expect(await requestsOf(() => phone.passport.sync())).toEqual(['LIST', 'GET']);
        expect(await requestsOf(() => phone.passport.sync())).toEqual(['LIST']);
      },
    );
  });
});
