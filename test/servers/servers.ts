/**
 * Real servers for tests, on loopback, each thrown away with its folder: Ceph RGW for S3, Apache mod_dav for WebDAV. Debian has
 * both; .ci/run installs them and sets PASSPORT_CI, and then a missing one fails. Elsewhere its tests are skipped, loudly.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Tests and benchmarks run in the repository's root. */
const here = (file: string) => resolve('test/servers', file);

export interface Server {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly port: number;
  /** Its version, as it says it. */
  readonly version: string;
  /** Where it keeps what it keeps, and its logs. */
  readonly folder: string;
  stop(): void;
}

interface Kind {
  readonly programs: readonly string[];
  readonly install: string;
  readonly version: readonly string[];
}

const KINDS = {
  s3: {
    programs: ['radosgw', 'ceph-mon', 'ceph-osd', 'monmaptool'],
    install: 'apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-common',
    version: ['radosgw', '--version'],
  },
  webdav: {
    programs: ['apache2', 'openssl'],
    install: 'apt-get install -y --no-install-recommends apache2 openssl',
    version: ['apache2', '-v'],
  },
} as const satisfies Record<string, Kind>;

/** True when this machine has the server. Where it must (PASSPORT_CI), its absence is an error. */
export function serverInstalled(kind: keyof typeof KINDS): boolean {
  const { programs, install } = KINDS[kind];
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0);
  if (missing.length === 0) return true;
  const what = `There is no ${missing.join(', ')}: the tests against a real ${kind} server cannot run.`;
  if (process.env['PASSPORT_CI'] !== undefined) throw new Error(`${what} ${install}`);
  console.warn(`\n!!! SKIPPED: ${what}\n!!! To run them: ${install}\n`);
  return false;
}

export const S3_KEYS = { accessKeyId: 'testaccess', secretAccessKey: 'testsecret12345678' };

/** Ceph RGW on a memory store, in about a second. No bucket is there yet. */
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

export async function startS3(): Promise<Server> {
  return started('s3', async (folder, port) => {
    const { accessKeyId, secretAccessKey } = S3_KEYS;
    const env = { ...process.env, MONP: String(await freePort()) };
    const args = [here('s3-up.sh'), folder, String(port), accessKeyId, secretAccessKey];
    execFileSync('bash', args, { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: 60_000 });
    return [here('s3-down.sh'), folder];
  });
}

/** Another user of the server, who may do nothing yet. */
export function addUser(server: Server, name: string): { accessKeyId: string; secretAccessKey: string } {
  const keys = { accessKeyId: `${name}access`, secretAccessKey: `${name}secret12345678` };
  const env = { ...process.env, CEPH_CONF: join(server.folder, 'ceph.conf') };
  const of = [`--uid=${name}`, `--display-name=${name}`];
  const keyed = [`--access-key=${keys.accessKeyId}`, `--secret-key=${keys.secretAccessKey}`];
  execFileSync('radosgw-admin', ['user', 'create', ...of, ...keyed], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  return keys;
}

/** The server's own quota: from now on the bucket takes no more than so many objects; undefined: as many as one likes. */
export function limitBucket(server: Server, bucket: string, objects: number | undefined): void {
  const env = { ...process.env, CEPH_CONF: join(server.folder, 'ceph.conf') };
  const quota = (...args: readonly string[]) =>
    execFileSync('radosgw-admin', ['quota', ...args, '--uid=t', `--bucket=${bucket}`, '--quota-scope=bucket'], { env });
  if (objects === undefined) quota('disable');
  else {
    quota('set', `--max-objects=${objects}`);
    quota('enable');
  }
}

export const DAV_USER = { username: 'u', password: 'pw' };

/** Apache mod_dav_fs; everything is under the root, for `DAV_USER`. */
export async function startWebdav(): Promise<Server> {
  return started('webdav', async (folder, port) => {
    execFileSync('bash', [here('webdav-up.sh'), folder, String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
    return [here('webdav-down.sh'), folder];
  });
}

async function started(
  kind: keyof typeof KINDS,
  start: (folder: string, port: number) => Promise<readonly string[]>,
): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const folder = mkdtempSync(join(tmpdir(), `passport-${kind}-`));
    try {
      const port = await freePort();
      const down = await start(folder, port);
      const watch = stopWithThisProcess(down);
      return {
        ...{ origin: `http://127.0.0.1:${port}`, port, folder, version: versionOf(kind) },
        stop() {
          watch.kill();
          execFileSync('bash', down);
        },
      };
    } catch (error) {
      // Another process took the port between the look and the start.
      spawnSync('bash', [here(kind === 's3' ? 's3-down.sh' : 'webdav-down.sh'), folder]);
      rmSync(folder, { recursive: true, force: true });
      if (attempt === 3) throw error;
    }
  }
}

/** The servers are daemons: they would outlive a test process that is killed. */
function stopWithThisProcess(down: readonly string[]) {
  const script = `while kill -0 ${process.pid} 2>/dev/null; do sleep 2; done; exec bash "$@"`;
  const watch = spawn('bash', ['-c', script, 'watch', ...down], { detached: true, stdio: 'ignore' });
  watch.unref();
  return watch;
}

function versionOf(kind: keyof typeof KINDS): string {
  const [program, ...args] = KINDS[kind].version;
  const said = execFileSync(program, args, { encoding: 'utf8' });
  return /(?:ceph version|Server version:) (\S+)/.exec(said)?.[1] ?? said.trim();
}

/** Free now, and the one after it too. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
