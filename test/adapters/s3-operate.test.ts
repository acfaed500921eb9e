/** What docs/operate.md tells operators about a bucket, on a real server: the policy it prints, versioning, Object Lock. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createS3Store } from '../../adapters/s3/index.ts';
import type { Store } from '../../src/index.ts';
import { rejectionOf } from '../helpers/codes.ts';
import { contents, type Home, type Member, PASSPHRASE, text, words, World } from '../helpers/mesh.ts';
import { addUser, S3_KEYS, type Server, serverInstalled, startS3 } from '../servers/servers.ts';

const URL = 's3://bucket/PERSON';

/** The policy of the page, for this bucket and this user; `denied` is taken out of it, also where the owner of an object may. */
function policyOf(bucket: string, user: string, denied?: string): string {
  const page = readFileSync('docs/operate.md', 'utf8');
  const printed = /```json\n(\{[^`]*"Statement"[^`]*)```/.exec(page)?.[1] as string;
  const policy = JSON.parse(printed.replaceAll('BUCKET', bucket)) as { Statement: object[] };
  const Principal = { AWS: [`arn:aws:iam:::user/${user}`] };
  const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  const deny = denied === undefined ? [] : [{ Effect: 'Deny', Principal, Action: denied, Resource }];
  const Statement = [...policy.Statement.map((each) => ({ ...each, Principal })), ...deny];
  return JSON.stringify({ ...policy, Statement });
}

/** Devices whose only store is this one. */
class BucketWorld extends World {
  readonly bucketStore: () => Store;

  constructor(seed: string, bucketStore: () => Store) {
    super(seed);
    this.bucketStore = bucketStore;
  }

  override home(options: Parameters<World['home']>[0] = {}): Home {
    const home = super.home(options);
    home.environment.openStore = async () => ({ ...this.bucketStore(), url: URL });
    return home;
  }
}

describe.skipIf(!serverInstalled('s3'))('a bucket of Ceph RGW', () => {
  let server: Server;
  let admin: S3Client;
  let person: { accessKeyId: string; secretAccessKey: string };

  beforeAll(async () => {
    server = await startS3();
    const { origin: endpoint } = server;
    admin = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1', credentials: S3_KEYS });
    person = addUser(server, 'person');
  });
  afterAll(() => {
    admin.destroy();
    server.stop();
  });

  async function newBucket(ObjectLockEnabledForBucket = false): Promise<string> {
    const Bucket = `b-${randomBytes(8).toString('hex')}`;
    await admin.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket }));
    return Bucket;
  }

  const storeIn = (bucket: string, prefix = 'PERSON', credentials = S3_KEYS): Store =>
    createS3Store({ endpoint: server.origin, bucket, prefix, credentials });

  /** Founds a passport, enrolls a phone, changes the keys: so there are votes and entries to tidy. */
  async function wholeWay(store: () => Store, label: string): Promise<{ laptop: Member; phone: Member; kit: string }> {
    const world = new BucketWorld(label, store);
    const created = await world.create('laptop', { stores: [URL] });
    const kit = words(created.kits[0]!);
    await created.passport.put('old', 'written before');
    const phone = await world.enroll('phone', created, { kits: [kit] });
    for (const { passport } of [created, phone, created, phone]) await passport.sync();
    await phone.passport.unlock({ passphrase: PASSPHRASE, kits: [kit] });
    expect(await text(phone, 'old')).toBe('written before');
    return { laptop: created, phone, kit };
  }

  const stateOf = async ({ passport }: Member) => {
    const { stores } = await passport.sync();
    return stores.map(({ state, behind }) => [state, behind]);
  };
  const votesIn = async (store: Store) =>
    [...(await contents(store)).keys()].filter((name) => name.includes('/hot/v-')).length;

  it('with the printed policy takes a passport, and nothing of it is left out for tidying', async () => {
    const bucket = await newBucket();
    await admin.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: policyOf(bucket, 'person') }));
    const store = () => storeIn(bucket, 'PERSON', person);
    const { laptop, phone } = await wholeWay(store, 'policy');
    for (const member of [laptop, phone]) {
      expect(await stateOf(member)).toEqual([['ok', 0]]);
      expect(await member.passport.verify()).toMatchObject({ ok: true });
    }
    expect(await votesIn(store())).toBe(0);
  });

  it('with the printed policy keeps the neighbour out, for every call', async () => {
    const bucket = await newBucket();
    await admin.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: policyOf(bucket, 'person') }));
    await storeIn(bucket, 'NEIGHBOUR').put('p/one', new Uint8Array(3));
    for (const prefix of ['NEIGHBOUR', 'PERSON2', '']) {
      const store = storeIn(bucket, prefix, person);
      expect(await rejectionOf(store.get('p/one'))).toBe('store-refused');
      expect(await rejectionOf(store.put('p/two', new Uint8Array(3)))).toBe('store-refused');
      expect(await rejectionOf(store.delete('p/one'))).toBe('store-refused');
      expect(await rejectionOf(contents(store))).toBe('store-refused');
    }
  });

  it.each([
    ['s3:ListBucket', 'refused'],
    ['s3:PutObject', 'refused'],
    ['s3:GetObject', 'refused'],
    ['s3:DeleteObject', 'ok'],
  ])(
    'with the printed policy without %s: a sync with something to bring, take and tidy says %s',
    async (action, said) => {
      const bucket = await newBucket();
      const allow = (denied?: string) =>
        admin.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: policyOf(bucket, 'person', denied) }));
      await allow();
      const store = () => storeIn(bucket, 'PERSON', person);
      const { laptop, phone, kit } = await wholeWay(store, `without ${action}`);
      await phone.passport.put('new', 'by the phone');
      await phone.passport.sync();
      await laptop.passport.put('other', 'by the laptop');
      await allow(action);
      const change = laptop.passport.rename('phone', 'pocket', { passphrase: PASSPHRASE, kits: [kit], timeoutMs: 0 });
      await change.catch(() => undefined);
      expect((await stateOf(laptop)).map(([state]) => state)).toEqual([said]);
      if (said === 'ok') {
        expect(await votesIn(store())).toBeGreaterThan(0);
        expect(await stateOf(phone)).toEqual([['ok', 0]]);
        expect(await text(phone, 'other')).toBe('by the laptop');
      }
      await allow();
      expect(await stateOf(laptop)).toEqual([['ok', 0]]);
      await laptop.passport.sync();
      expect(await laptop.passport.verify()).toMatchObject({ ok: true });
      if (said === 'ok') expect(await votesIn(store())).toBe(0);
    },
  );

  it('with versioning: what was deleted is put back by a sync, and the operator can bring back the older version', async () => {
    const bucket = await newBucket();
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await admin.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    const store = () => storeIn(bucket);
    const { laptop, phone } = await wholeWay(store, 'versions');
    const [name] = [...(await contents(store())).keys()].filter((each) => each.includes('/hot/c-')) as [string];
    const bytes = await store().get(name);
    await store().delete(name);
    expect(await store().get(name)).toBeUndefined();
    expect(await stateOf(laptop)).toEqual([['ok', 0]]);
    expect(await store().get(name)).toEqual(bytes);

    await store().delete(name);
    const versions = await admin.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: `PERSON/${name}` }));
    const marker = versions.DeleteMarkers?.find(({ IsLatest }) => IsLatest === true);
    await admin.send(new DeleteObjectCommand({ Bucket: bucket, Key: `PERSON/${name}`, VersionId: marker?.VersionId }));
    expect(await store().get(name)).toEqual(bytes);
    for (const member of [laptop, phone]) {
      expect(await stateOf(member)).toEqual([['ok', 0]]);
      expect(await member.passport.verify()).toMatchObject({ ok: true });
    }
  });

  it.each(['GOVERNANCE', 'COMPLIANCE'] as const)(
    'with Object Lock (%s) takes a passport; what is tidied is hidden and kept',
    async (Mode) => {
      const bucket = await newBucket(true);
      const ObjectLockConfiguration = {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode, Days: 1 } },
      } as const;
      await admin.send(new PutObjectLockConfigurationCommand({ Bucket: bucket, ObjectLockConfiguration }));
      const store = () => storeIn(bucket);
      const { laptop, phone } = await wholeWay(store, `lock ${Mode}`);
      for (const member of [laptop, phone]) {
        expect(await stateOf(member)).toEqual([['ok', 0]]);
        expect(await member.passport.verify()).toMatchObject({ ok: true });
      }
      expect(await votesIn(store())).toBe(0);
      const versions = await admin.send(new ListObjectVersionsCommand({ Bucket: bucket }));
      const votes = (versions.Versions ?? []).filter(({ Key }) => Key?.includes('/hot/v-') === true);
      expect(votes.length).toBeGreaterThan(0);
      const { Key, VersionId } = votes[0] as { Key: string; VersionId: string };
      const forGood = admin.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId }));
      await expect(forGood).rejects.toMatchObject({ name: 'AccessDenied' });
    },
  );
});
