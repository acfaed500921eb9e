/**
 * Large records into a bucket of a real server on loopback, against the AWS SDK putting the same files as they are. Wall time of
 * whole processes, each round on a server of its own: the sync that brings an import there, and both together, with what sealing
 * and the journal on the disk take; and how much memory. Then the requests of small syncs, from the server's own log.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { S3_KEYS, type Server, serverInstalled, startS3 } from '../servers/servers.ts';
import { median, type Program, ratioRow, type Row, timed } from './measure.ts';
import { type Home, PASSPHRASE, type Stage, writeFiles } from './stage.ts';

const ROUNDS = 3;
const FILES = 256;
const SIZE = 1024 * 1024;
const MOST_MB = 200;

const env = {
  AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey,
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};

export async function s3(stage: Stage): Promise<Row[]> {
  if (!serverInstalled('s3')) return [{ what: 'S3', ours: 'no server', peer: '' }];
  const files = stage.fresh('files');
  writeFiles(files, FILES, SIZE);
  const ours: number[] = [];
  const whole: number[] = [];
  const theirs: number[] = [];
  let most = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const us = async (server: Server) => {
      const at = await foundIn(stage, server);
      const memory = join(stage.fresh('memory'), 'most');
      const measured = (...args: string[]) => {
        const program = withMemory(withEnv(stage.passport(at, ...args)), memory);
        const took = timed(program).ms;
        most = Math.max(most, Number(readFileSync(memory, 'utf8')) / 1024);
        return took;
      };
      const imported = measured('import', files);
      const sent = measured('sync');
      ours.push(sent);
      whole.push(imported + sent);
    };
    const them = async (server: Server) => {
      const bucket = await newBucket(server);
      const args = ['test/run.mjs', 'test/bench/s3-peer.ts', server.origin, bucket, files];
      theirs.push(timed(withEnv({ file: process.execPath, args, env: process.env })).ms);
    };
    for (const run of round % 2 === 0 ? [us, them] : [them, us]) {
      const server = await startS3();
      try {
        await run(server);
      } finally {
        server.stop();
      }
    }
  }
  return [
    ratioRow(`S3: import and first sync of ${FILES} files of 1 MiB`, 'aws-sdk', whole, theirs, 2),
    withoutTarget(ratioRow('  the sync alone', 'aws-sdk', ours, theirs, 2)),
    { what: '  throughput of the sync', ours: perSecond(ours), peer: perSecond(theirs) },
    {
      ...{ what: '  memory at most, without the mapped journal', ours: `${most.toFixed(0)} MB`, peer: '' },
      ...{ target: `< ${MOST_MB} MB`, met: most < MOST_MB },
    },
    ...(await requests(stage)),
  ];
}

const perSecond = (times: readonly number[]) => `${((FILES * SIZE) / 1e3 / median(times)).toFixed(0)} MB/s`;

const withoutTarget = ({ what, ours, peer, figure = '' }: Row): Row => ({ what, ours, peer, figure });

const withEnv = (program: Program): Program => ({ ...program, env: { ...program.env, ...env } });

/**
 * The process leaves in `file` the most memory that was its own, in KiB, looked at every 5 ms. Pages of the journal that the
 * system maps from the disk, and takes away when it likes, are not in it.
 */
function withMemory(program: Program, file: string): Program {
  const hook = `${file}.cjs`;
  writeFileSync(
    hook,
    `const fs = require('fs');
    let most = 0;
    const look = () => {
      const own = /RssAnon:\\s+(\\d+)/.exec(fs.readFileSync('/proc/self/status', 'latin1'));
      most = Math.max(most, Number(own[1]));
    };
    setInterval(look, 5).unref();
    process.on('exit', () => { look(); fs.writeFileSync(${JSON.stringify(file)}, String(most)); });`,
  );
  return { ...program, env: { ...program.env, NODE_OPTIONS: `--require ${hook}` } };
}

async function newBucket({ origin: endpoint }: Server): Promise<string> {
  const Bucket = `b-${randomBytes(8).toString('hex')}`;
  const admin = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1', credentials: S3_KEYS });
  await admin.send(new CreateBucketCommand({ Bucket }));
  admin.destroy();
  return Bucket;
}

async function foundIn(stage: Stage, server: Server): Promise<Home> {
  const directory = stage.fresh('passport');
  const store = `s3://${await newBucket(server)}?endpoint=${server.origin}`;
  const at = { home: join(directory, 'home'), state: join(directory, 'state'), store };
  const init = stage.passport(at, 'init', '--name', 'laptop', '--store', store, '--kit-out', join(directory, 'kits'));
  const secrets = { PASSPORT_PASSPHRASE: PASSPHRASE, PASSPORT_DEVICE_PASSPHRASE: 'only on this machine' };
  const { stdout } = timed(withEnv({ ...init, env: { ...init.env, ...secrets } }));
  const session = /PASSPORT_SESSION=(\S+)/.exec(stdout)?.[1];
  if (session === undefined) throw new Error('passport init left no session');
  return { ...at, session };
}

/** What RGW logged of a sync with nothing new and of one own change, with few records and with many. */
async function requests(stage: Stage): Promise<Row[]> {
  const rows: Row[] = [];
  const server = await startS3();
  try {
    for (const count of [10, 10_000]) {
      const at = await foundIn(stage, server);
      const files = stage.fresh('files');
      writeFiles(files, count, 100);
      const run = (...args: string[]) => timed(withEnv(stage.passport(at, ...args)));
      run('import', files);
      run('sync');
      run('sync');
      const idle = await logged(server, () => run('sync'));
      run('put', 'key', join(files, '0000/document-000000'));
      const change = await logged(server, () => run('sync'));
      const expected = { idle: 'GET', change: 'GET PUT' };
      rows.push(
        {
          what: `  requests of an idle sync, ${count} records`,
          ours: idle,
          peer: '',
          target: expected.idle,
          met: idle === expected.idle,
        },
        {
          what: '  and with one own change',
          ours: change,
          peer: '',
          target: expected.change,
          met: change === expected.change,
        },
      );
    }
  } finally {
    server.stop();
  }
  return rows;
}

/** Methods in the log of the server while `run` ran. */
async function logged(server: Server, run: () => unknown): Promise<string> {
  const lines = () =>
    readFileSync(join(server.folder, 'run/client.rgw.log'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('beast: '));
  const before = lines().length;
  run();
  await new Promise((resolve) => setTimeout(resolve, 300));
  return lines()
    .slice(before)
    .map((line) => /"(GET|PUT|HEAD|POST|DELETE) /.exec(line)?.[1] ?? 'unknown')
    .join(' ');
}
