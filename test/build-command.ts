/**
 * `npm run build:command [-- --outdir=DIRECTORY]`: the command as it is shipped, by default in dist. `cli.cjs` starts it; `cli/`
 * holds one script with everything in it but native modules, and what V8 compiled of it. For that the command is used once, in a
 * home that is thrown away: V8 compiles a function when it is first called.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { type Command, compiledFile, load } from '../src/cli/bundle/script.ts';
import type { Io } from '../src/cli/io.ts';

const { values } = parseArgs({ options: { outdir: { type: 'string', default: 'dist' } } });
const outdir = resolve(values.outdir);
const command = join(outdir, 'cli.cjs');
/** What people type most. */
const USED = ['help', 'status', 'put key package.json', 'get key', 'ls', 'sync'];
const common = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
} as const;

rmSync(join(outdir, 'cli'), { recursive: true, force: true });
mkdirSync(join(outdir, 'cli'), { recursive: true });
const name = `cli/${await bundle()}`;
await build({
  ...common,
  entryPoints: ['src/cli/bundle/launch.ts'],
  outfile: command,
  format: 'cjs',
  define: { BUNDLE: JSON.stringify(name) },
});
await keepCompiled(join(outdir, name)).catch((error: unknown) => {
  rmSync(compiledFile(join(outdir, name)), { force: true });
  console.warn(`The command is built, but could not be compiled ahead; it starts slower. ${String(error)}`);
});

/** Returns the file name: another script has another one, so that compiled code never meets a script that it is not of. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    ...common,
    entryPoints: ['src/cli/main.ts'],
    format: 'cjs',
    mainFields: ['module', 'main'],
    // Native, or loaded when a store of their kind is first used.
    external: [
      '@napi-rs/keyring',
      '@aws-sdk/client-s3',
      'webdav',
      '@googleapis/drive',
      'google-auth-library',
      '@azure/msal-node',
      'undici',
    ],
    alias: {
      // lmdb's JavaScript is inside, its native module is not.
      'node-gyp-build-optional-packages': './src/cli/bundle/lmdb-native.ts',
      msgpackr: './src/cli/bundle/msgpackr.ts',
    },
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__url' },
    banner: { js: '(function(require,module,__url){' },
    footer: { js: '})' },
    write: false,
  });
  const { contents } = outputFiles[0] as { contents: Uint8Array };
  const file = `command-${createHash('sha256').update(contents).digest('hex').slice(0, 16)}.cjs`;
  writeFileSync(join(outdir, 'cli', file), contents);
  return file;
}

async function keepCompiled(file: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'passport-build-'));
  try {
    const env = { XDG_STATE_HOME: join(scratch, 'state'), PASSPORT_HOME: join(scratch, 'home') };
    const secrets = { PASSPORT_PASSPHRASE: 'of the vault', PASSPORT_DEVICE_PASSPHRASE: 'of the device' };
    const store = `folder:${join(scratch, 'store')}`;
    // In a process of its own: nobody needs to found a passport fast.
    const created = execFileSync(
      process.execPath,
      [command, 'init', '--name', 'laptop', '--store', store, '--kit-out', join(scratch, 'kits')],
      { encoding: 'utf8', env: { ...process.env, ...env, ...secrets }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const session = /PASSPORT_SESSION=(\S+)/.exec(created)?.[1] ?? '';
    Object.assign(process.env, env);
    const {
      script,
      command: { run },
    } = load(file);
    for (const line of USED) await use(run, line.split(' '), { ...env, PASSPORT_SESSION: session });
    writeFileSync(compiledFile(file), script.createCachedData());
    if (load(file).script.cachedDataRejected === true) throw new Error('V8 does not take its own code');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function use(run: Command['run'], line: readonly string[], env: Record<string, string>): Promise<void> {
  const said: string[] = [];
  const stream = {
    write: (text: string | Uint8Array, done?: () => void) => {
      said.push(String(text));
      done?.();
    },
  };
  const io: Io = {
    ...{ env, stdin: Readable.from([]), stdout: stream, stderr: stream, signal: new AbortController().signal },
    now: () => Date.now(),
    terminal: async () => undefined,
  };
  const code = await run(line, io);
  if (code !== 0) throw new Error(`passport ${line.join(' ')} ended with ${code}: ${said.join('')}`);
}
