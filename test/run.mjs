/**
 * Runs one TypeScript file with the Node at hand: `node test/run.mjs FILE [ARGUMENT...]`. Node 20 cannot read TypeScript, so
 * esbuild bundles the file into node_modules/.cache first. Start it in the repository; in the bundled code, import.meta.url
 * names the file given here.
 */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const [file, ...rest] = process.argv.slice(2);
if (file === undefined) throw new TypeError('usage: node test/run.mjs FILE [ARGUMENT...]');
const source = resolve(file);
const outfile = resolve('node_modules/.cache/passport-mesh', `${file.replaceAll(/[^\w.-]/g, '_')}.${process.pid}.mjs`);

await build({
  entryPoints: [source],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  define: { 'import.meta.url': JSON.stringify(pathToFileURL(source).href) },
  logLevel: 'warning',
});
process.on('exit', () => rmSync(outfile, { force: true }));
process.setSourceMapsEnabled(true);
process.argv = [process.execPath, source, ...rest];
await import(pathToFileURL(outfile).href);
