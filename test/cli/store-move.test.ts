/** A passport that moves from a bucket (Ceph RGW, real) to Google Drive (double), device by device, through the built command. */
import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { driveCloud, type DriveCloud, leaks } from '../helpers/cloud.ts';
import { buildCommand, type Done, Machine } from '../helpers/machine.ts';
import { S3_KEYS, type Server, serverInstalled, startS3 } from '../servers/servers.ts';

const { file: command, directory, remove } = buildCommand();
afterAll(remove);

describe.skipIf(!serverInstalled('s3'))('from a bucket to Google Drive', () => {
  let server: Server;
  let cloud: DriveCloud;
  let bucket: string;
  beforeAll(async () => {
    server = await startS3();
    cloud = await driveCloud();
    const Bucket = `b-${randomBytes(8).toString('hex')}`;
    bucket = `s3://${Bucket}?endpoint=${server.origin}`;
    const [endpoint, credentials] = [server.origin, S3_KEYS];
    const admin = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1', credentials });
    await admin.send(new CreateBucketCommand({ Bucket }));
    admin.destroy();
  });
  afterAll(async () => {
    await cloud.stop();
    server.stop();
  });

  function machine(name: string): Machine {
    const aws = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
    const env = { ...cloud.net, ...cloud.client, ...aws, PASSPORT_SIGN_IN: 'device' };
    return new Machine(command, directory(), { ...env, PASSPORT_DEVICE_PASSPHRASE: `of the ${name}` });
  }

  const put = async (on: Machine, key: string, value: string) =>
    expect(await on.start(['put', key, '-'], value).done).toMatchObject({ code: 0 });
  const get = async (on: Machine, key: string) => (await on.run('get', key)).out.toString();

  test('everything is read back, the old store is let go, and the other device follows', async () => {
    const printed: Done[] = [];
    const laptop = machine('laptop');
    laptop.enter(
      await laptop.json(...['init', '--name', 'laptop', '--kit-out', 'kits', '--keystore', 'plain', '--store', bucket]),
    );
    for (let i = 0; i < 20; i++) await put(laptop, `record/${i}`, `value ${i}`);
    await laptop.json('sync');

    const phone = machine('phone');
    const invite = laptop.start(['invite', '--json']);
    const { link, id } = await invite.event('link');
    const joining = phone.start(['join', '-', '--name', 'phone', '--keystore', 'plain', '--yes', '--json'], link);
    const { words } = await joining.event('words');
    await invite.event('answered');
    laptop.enter(await laptop.json('approve', id, '--words', words.join(' '), '--kit', laptop.path('kits/kit-1.txt')));
    expect([(await joining.done).code, (await invite.done).code]).toEqual([0, 0]);

    const move = ['store', 'move', bucket, cloud.url];
    const from = cloud.drive.log.length;
    const moving = laptop.start(move);
    await moving.line(cloud.shown.code);
    printed.push(await moving.done);
    expect(printed[0]).toMatchObject({ code: 0, err: expect.stringContaining('was read back and is whole') });
    const reads = cloud.drive.log.slice(from).filter(({ query }) => query.includes('alt=media'));
    expect(reads).toHaveLength(cloud.objects().length); // each object
    expect((await laptop.json('store', 'list')).map(({ url }: { url: string }) => url)).toEqual([cloud.url]);

    // The other device still has the bucket only: what it writes arrives when it has followed.
    await put(laptop, 'after/laptop', 'on Drive');
    await laptop.json('sync');
    phone.enter(await phone.json('unlock', '--kit', laptop.path('kits/kit-1.txt')));
    await put(phone, 'after/phone', 'in the bucket');
    await phone.json('sync');
    const following = phone.start(move);
    printed.push(await following.done);
    expect(printed[1]).toMatchObject({ code: 0, err: expect.stringMatching(cloud.shown.code) });
    expect(await get(phone, 'after/laptop')).toBe('on Drive');
    printed.push(await laptop.run('sync', '--json'));
    expect(await get(laptop, 'after/phone')).toBe('in the bucket');
    for (const each of [laptop, phone]) {
      printed.push(await each.run('verify', '--json'));
      expect(printed.at(-1)).toMatchObject({ code: 0, json: { ok: true } });
      expect(await get(each, 'record/19')).toBe('value 19');
      expect(leaks([...cloud.auth.issued, S3_KEYS.secretAccessKey], each.directory, printed)).toEqual([]);
    }
  });
});
