/** The answers as one script: for a page, where a `node:*` anywhere in the core would stop the build, and for any Node. */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = (file: string) => join(root, 'test/differential', file);

/** JavaScript of page.ts, an ES module with everything in it. */
export async function pageScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [here('page.ts')],
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    format: 'esm',
    write: false,
    logLevel: 'warning',
  });
  return outputFiles[0]?.text ?? '';
}

/** Path of node.ts as a script that every Node can read; packages are taken from node_modules. */
export async function nodeScript(): Promise<string> {
  const outfile = resolve(root, `node_modules/.cache/passport-mesh/differential.${process.pid}.mjs`);
  await build({
    entryPoints: [here('node.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  return outfile;
}

/** Files of published vectors. An error when those about signatures are not there: a test without them would say little. */
export function publishedFiles(): string[] {
  const folder = join(root, 'vectors/published');
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  if (!names.some((name) => name.startsWith('ed25519'))) throw new Error(`no ed25519*.json in ${folder}`);
  return names.sort().map((name) => join(folder, name));
}
