/** The S3 adapter against a real server, Ceph RGW: the contract of a store, and what only S3 has. */
import { createHash, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createS3Store } from '../../adapters/s3/index.ts';
import type { Store } from '../../src/storage/store.ts';
import { describeStore, describeStoreFaults } from '../../src/testing/index.ts';
import { FaultProxy } from '../servers/fault-proxy.ts';
import { limitBucket, S3_KEYS, type Server, serverInstalled, startS3 } from '../servers/servers.ts';

describe.skipIf(!serverInstalled('s3'))('on Ceph RGW', () => {
  let server: Server;
  let admin: S3Client;
  beforeAll(async () => {
    server = await startS3();
    const { origin: endpoint } = server;
    admin = new S3Client({
      ...{ endpoint, forcePathStyle: true, region: 'us-east-1', credentials: S3_KEYS },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
  });
  afterAll(() => {
    admin.destroy();
    server.stop();
  });

  async function bucket(): Promise<string> {
    const name = `b-${randomBytes(8).toString('hex')}`;
    await admin.send(new CreateBucketCommand({ Bucket: name }));
    return name;
  }
  const storeIn = (name: string, prefix?: string): Store =>
    createS3Store({ endpoint: server.origin, bucket: name, prefix: prefix ?? '', credentials: S3_KEYS });

  describeStore(
    'the S3 store',
    async () => {
      const name = await bucket();
      return {
        store: storeIn(name, 'vaults/mine'),
        async putForeign(path) {
          await admin.send(new PutObjectCommand({ Bucket: name, Key: `vaults/mine/${path}`, Body: 'foreign' }));
        },
      };
    },
    { describe, it, names: 2001 },
  );

  describeStoreFaults(
    'the S3 store',
    async () => {
      const proxy = await FaultProxy.before(server.port);
      const name = await bucket();
      return {
        store: createS3Store({ endpoint: proxy.origin, bucket: name, credentials: S3_KEYS }),
        setFault: (fault) => void (proxy.rule = () => fault),
        cleanup: () => proxy.close(),
      };
    },
    { describe, it },
  );

  describe('a bucket', () => {
    const bytes = Uint8Array.of(1, 2, 3);

    it('that is not there is unreachable, for every call, and is not asked again', async () => {
      const store = storeIn('b-missing');
      for (const call of [() => store.get('p/one'), () => store.put('p/one', bytes), () => list(store, 'p')])
        expect(await errorOf(call())).toMatchObject({ code: 'store-unreachable', details: { retry: false } });
    });

    it('that has reached its quota is full; what is there can be read and deleted', async () => {
      const name = await bucket();
      const store = storeIn(name);
      await store.put('p/one', bytes);
      limitBucket(server, name, 1);
      expect(await errorOf(store.put('p/two', bytes))).toMatchObject({ code: 'store-full' });
      expect(await store.get('p/one')).toEqual(bytes);
      await store.delete('p/one');
      expect(await list(store, 'p')).toEqual([]);
    });

    it.each([
      ['a wrong secret', { ...S3_KEYS, secretAccessKey: 'wrong' }, 'SignatureDoesNotMatch'],
      ['an unknown key', { ...S3_KEYS, accessKeyId: 'nobody' }, 'InvalidAccessKeyId'],
    ])('refuses %s', async (_, credentials, reason) => {
      const store = createS3Store({ endpoint: server.origin, bucket: await bucket(), credentials });
      const calls = [
        () => store.get('p/one'),
        () => store.put('p/one', bytes),
        () => store.delete('p/one'),
        () => list(store, 'p'),
      ];
      for (const call of calls) {
        const error = await errorOf(call());
        expect(error).toMatchObject({ code: 'store-refused', message: expect.stringContaining(reason) });
        // Neither the key's name nor a signature: an error goes into logs.
        expect(inspect(error, { depth: 20 })).not.toMatch(/Signature=|Credential=/);
      }
    });

    it('shared with others keeps their prefixes apart, and keys that are no names of ours hide nothing', async () => {
      const name = await bucket();
      const [mine, other] = [storeIn(name, 'a/mine +%'), storeIn(name, 'a/mine')];
      for (const store of [mine, other]) await store.put('p/one', bytes);
      for (const Key of ['a/mine +%/p/ä', 'a/mine +%/p/\u0001', 'a/mine +%/p/x y', 'a/mine +%/p/%zz'])
        await admin.send(new PutObjectCommand({ Bucket: name, Key, Body: 'foreign' }));
      await mine.put('p/two', bytes);
      expect(await list(mine, 'p')).toEqual(['p/one', 'p/two']);
      expect(await list(other, 'p')).toEqual(['p/one']);
    });

    it('takes nothing whose bytes changed on the way: Content-MD5 is with every put', async () => {
      const name = await bucket();
      const damaging = { Bucket: name, Key: 'p/one', Body: bytes, ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' };
      await expect(admin.send(new PutObjectCommand(damaging))).rejects.toMatchObject({ name: 'BadDigest' });
      const proxy = await FaultProxy.before(server.port);
      const store = createS3Store({ endpoint: proxy.origin, bucket: name, credentials: S3_KEYS });
      await store.put('p/one', bytes);
      expect(proxy.seen[0]?.headers).toMatchObject({
        'content-md5': 'Uonfc331cyb83SJZevsfrA==',
        'content-length': '3',
      });
      expect(
        Object.keys(proxy.seen[0]?.headers ?? {}).filter((header) => /checksum|sdk-checksum|expect/.test(header)),
      ).toEqual([]);
      await store.close();
      await proxy.close();
    });

    it('is told the hash that a caller has, and takes nothing else under it', async () => {
      const store = storeIn(await bucket());
      const sha256 = createHash('sha256').update(bytes).digest();
      await store.put('p/one', bytes, { sha256: new Uint8Array(sha256) });
      expect(await store.get('p/one')).toEqual(bytes);
      const wrong = store.put('p/two', bytes, { sha256: new Uint8Array(32) });
      await expect(wrong).rejects.toMatchObject({ code: 'store-unreachable' });
      expect(await store.get('p/two')).toBeUndefined();
      await store.close();
    });
  });
});

async function list(store: Store, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.list(prefix)) names.push(name);
  return names.sort();
}

const errorOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'no error',
    (error: unknown) => error,
  );
