/** The built command with its passport in a bucket and on a WebDAV server, both real. No library is loaded that is not needed. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildCommand, Machine } from '../helpers/machine.ts';
import { DAV_USER, S3_KEYS, type Server, serverInstalled, startS3, startWebdav } from '../servers/servers.ts';

const { file: command, directory, remove } = buildCommand();
afterAll(remove);

const init = ['init', '--name', 'laptop', '--kit-out', 'kits', '--keystore', 'plain'];

/** Creates, writes, and reads on a second machine that is recovered from the store with both kits. */
async function throughTheStore(url: string, env: Record<string, string>, later = env): Promise<void> {
  const laptop = new Machine(command, directory(), env);
  laptop.enter(await laptop.json(...init, '--store', url));
  for (const name of Object.keys(env)) delete laptop.env[name];
  Object.assign(laptop.env, later);
  expect(await laptop.start(['put', 'key', '-'], 'a secret').done).toMatchObject({ code: 0 });
  const synced = await laptop.run('sync', '--json');
  expect(synced.json.stores).toMatchObject([{ url, state: 'ok', behind: 0 }]);
  expect(synced.err).not.toMatch(/warning/i); // nor from a library

  const phone = new Machine(command, directory(), { ...env, PASSPORT_DEVICE_PASSPHRASE: 'of the phone' });
  const kits = ['kit-1', 'kit-2'].flatMap((kit) => ['--kit', laptop.path('kits', `${kit}.txt`)]);
  const recovered = [
    'recover',
    '--name',
    'phone',
    '--keystore',
    'plain',
    '--yes',
    '--kit-out',
    'kits',
    '--replace',
    'kit-1',
  ];
  phone.enter(await phone.json(...recovered, '--store', url, ...kits));
  expect((await phone.run('get', 'key')).out.toString()).toBe('a secret');
}

describe.skipIf(!serverInstalled('s3'))('a passport in a bucket', () => {
  let server: Server;
  let url: string;
  const env = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
  beforeAll(async () => {
    server = await startS3();
    const Bucket = `b-${randomBytes(8).toString('hex')}`;
    url = `s3://${Bucket}/passports/mine?endpoint=${server.origin}`;
    const admin = new S3Client({
      endpoint: server.origin,
      forcePathStyle: true,
      region: 'us-east-1',
      credentials: S3_KEYS,
    });
    await admin.send(new CreateBucketCommand({ Bucket }));
    admin.destroy();
  });
  afterAll(() => server.stop());

  test('is created, written and recovered there, and says nothing on the side', async () => {
    await throughTheStore(url, env);
  });

  test('without credentials init begins nothing, and says what is missing', async () => {
    const machine = new Machine(command, directory(), { AWS_EC2_METADATA_DISABLED: 'true' });
    const done = await machine.run(...init, '--store', url, '--json');
    expect(done).toMatchObject({
      code: 10,
      error: 'store-refused',
      json: { error: { hint: expect.stringContaining('AWS_ACCESS_KEY_ID') } },
    });
    expect(readdirSync(machine.directory)).not.toContain('.passport-mesh');
  });

  test('status loads no library of a store', async () => {
    const laptop = new Machine(command, directory(), env);
    laptop.enter(await laptop.json(...init, '--store', url));
    laptop.env['NODE_DEBUG'] = 'module';
    const { err } = await laptop.run('status');
    expect(err).toContain('lmdb');
    expect(err).not.toMatch(/node_modules\/(?:@aws-sdk|@smithy|@azure|@googleapis|google-auth-library|webdav)\//);
    const synced = await laptop.run('sync');
    expect(synced.err).toMatch(/node_modules\/@aws-sdk\//);
    expect(synced.err).not.toMatch(/node_modules\/(?:@azure|@googleapis|google-auth-library|webdav)\//);
  });
});

describe.skipIf(!serverInstalled('webdav'))('a passport on a WebDAV server', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startWebdav();
  });
  afterAll(() => server.stop());

  test('is created, written and recovered there; its password is needed once per device', async () => {
    const url = `webdav+${server.origin}/cloud/${randomBytes(4).toString('hex')}`;
    const env = { PASSPORT_WEBDAV_USER: DAV_USER.username, PASSPORT_WEBDAV_PASSWORD: DAV_USER.password };
    await throughTheStore(url, env, {});
    expect(existsSync(join(server.folder, 'data/cloud'))).toBe(true);
  });
});

test('a library that is not installed is named, with the way to install it', async () => {
  // The same command among other libraries: all but the one for WebDAV.
  const place = directory();
  const modules = join(place, 'node_modules');
  mkdirSync(modules);
  const installed = join(dirname(command), '../../../..', 'node_modules');
  for (const name of readdirSync(installed))
    if (name !== 'webdav') symlinkSync(join(installed, name), join(modules, name));
  const moved = join(place, 'dist');
  renameSync(dirname(command), moved);
  try {
    const machine = new Machine(join(moved, 'cli.cjs'), directory());
    const done = await machine.run(...init, '--store', 'webdav+https://host.invalid/folder', '--json');
    expect(done).toMatchObject({
      code: 10,
      error: 'store-unknown',
      json: { error: { hint: 'Install it: npm install webdav' } },
    });
  } finally {
    renameSync(moved, dirname(command));
  }
});
