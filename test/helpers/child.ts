/** TypeScript files of test/helpers/children, each run as a process of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Child {
  /** Lines of stdout as they come. */
  readonly lines: AsyncIterable<string>;
  kill(): void;
  /** Resolves when it is gone and its output has been read. */
  readonly ended: Promise<{ code: number | null; signal: string | null; stderr: string }>;
}

/** Lives as long as the test at most. `prefix` is a command that runs the rest of its arguments, such as `unshare -m`. */
export function startChild(file: string, args: readonly string[], prefix: readonly string[] = []): Child {
  const [command, ...rest] = [...prefix, process.execPath, 'test/run.mjs', `test/helpers/children/${file}`, ...args];
  const child = spawn(command as string, rest, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL')); // also after a test that failed or took too long
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<{ code: number | null; signal: string | null; stderr: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      // run.mjs cannot remove its bundle when it is killed.
      const bundle = `test/helpers/children/${file}`.replaceAll('/', '_');
      rmSync(`${ROOT}/node_modules/.cache/passport-mesh/${bundle}.${child.pid}.mjs`, { force: true });
      resolve({ code, signal, stderr });
    });
  });
  return { lines: createInterface({ input: child.stdout }), kill: () => child.kill('SIGKILL'), ended };
}

/** All its lines, after it ended by itself without an error. */
export async function runChild(file: string, args: readonly string[], prefix?: readonly string[]): Promise<string[]> {
  const child = startChild(file, args, prefix);
  const lines: string[] = [];
  for await (const line of child.lines) lines.push(line);
  const { code, signal, stderr } = await child.ended;
  if (code !== 0) throw new Error(`${file} ended with ${code ?? signal}: ${stderr}`);
  return lines;
}

/**
 * The command that runs its arguments in a mount namespace of its own, or undefined where mounting is not permitted (a
 * container without the right, another system). What is mounted in it is gone when the last of its processes is.
 */
export const mountNamespace: readonly string[] | undefined = [
  ['unshare', '-m'],
  ['unshare', '-rm'],
].find(
  ([command, flags]) =>
    spawnSync(command as string, [flags as string, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0,
);

/** Runs the rest in a namespace where `directory` is an empty disk of `size` (as in `2m`), after `prepare` (shell) if given. */
export function onSmallDisk(directory: string, size: string, prepare = 'true'): readonly string[] {
  const script = `mount -t tmpfs -o size=${size},mode=755 tmpfs "$0" && cd "$0" && ${prepare} && cd - >/dev/null && exec "$@"`;
  return [...(mountNamespace ?? []), 'sh', '-c', script, directory];
}
