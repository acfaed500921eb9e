/** Devices of a test world that keep their passport in a bucket of a real server, with a fault proxy in between. */
import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { createS3Store } from '../../adapters/s3/index.ts';
import type { Store } from '../../src/index.ts';
import { nodeClock } from '../../src/node/clock.ts';
import { openStore } from '../../src/node/stores.ts';
import { createMemoryCredentials } from '../../src/storage/credentials.ts';
import { FaultProxy } from '../servers/fault-proxy.ts';
import { S3_KEYS, type Server } from '../servers/servers.ts';
import { type Home, World } from './mesh.ts';

export interface Bucket {
  readonly name: string;
  readonly proxy: FaultProxy;
  /** The address that devices have: it leads through the proxy. */
  readonly url: string;
  /** The same objects, without proxy and wrappers. */
  readonly direct: Store;
  close(): Promise<void>;
}

export async function newBucket(server: Server): Promise<Bucket> {
  const name = `b-${randomBytes(8).toString('hex')}`;
  const { origin: endpoint } = server;
  const admin = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1', credentials: S3_KEYS });
  await admin.send(new CreateBucketCommand({ Bucket: name }));
  admin.destroy();
  const proxy = await FaultProxy.before(server.port);
  const direct = createS3Store({ endpoint, bucket: name, credentials: S3_KEYS });
  return {
    ...{ name, proxy, direct },
    url: `s3://${name}?endpoint=${proxy.origin}`,
    async close() {
      await direct.close();
      await proxy.close();
    },
  };
}

/** A world whose homes open stores as the command does; only the pauses between attempts are shorter. */
export class S3World extends World {
  override home(options: Parameters<World['home']>[0] = {}): Home {
    const home = super.home(options);
    const { random } = home.environment;
    const env = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
    Object.assign(process.env, env); // read by the SDK itself
    const clock = { ...nodeClock, sleep: (ms: number, signal?: AbortSignal) => nodeClock.sleep(ms / 50, signal) };
    const context = {
      create: false,
      signIn: false,
      credentials: createMemoryCredentials(),
      env,
      clock,
      random,
      tell: () => {},
    };
    home.environment.openStore = (url) => openStore(url, context);
    return home;
  }
}
