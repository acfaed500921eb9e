/**
 * `npm run differential [-- --all]`: the same questions on every platform: this Node, the oldest one that package.json allows,
 * 22, 24, 26 (from the npm registry) and Chromium. All must answer alike and as expected. Without Debian's `chromium` the page is
 * left out, which `--all` counts as a failure. The last line is `N passed, N failed`; every case on every platform counts.
 */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Answers } from './answers.ts';
import { nodeScript, publishedFiles } from './bundle.ts';
import { askChromium, hasChromium } from './chromium.ts';
import type { VectorFile } from './vector.ts';
import type { Vault } from './vault.ts';

export interface Said {
  readonly version: string;
  /** What decides its answers. */
  readonly parts: string;
  readonly answers: Answers;
  readonly vault: Vault;
}

const NODES = ['20.19.0', '22', '24', '26'];
const LIMIT_MS = 300_000;
const EXPECTED: Vault = { value: '1234', objects: 6, kits: 2 };

const run = promisify(execFile);
const paths = publishedFiles();
const files = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as VectorFile);
const script = await nodeScript();
let passed = 0;
let failed = 0;
const digests = new Set<string>();

/** Runs one platform and prints its row. */
async function row(name: string, ask: () => Promise<Said>): Promise<void> {
  let said: Said;
  try {
    said = await ask();
  } catch (error) {
    failed += 1;
    console.log(`${name}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  const { version, parts, answers, vault } = said;
  const { cases, wrongCount, wrong, digest, published, ownVerifierDiffers } = answers;
  passed += cases - wrongCount;
  failed += wrongCount;
  digests.add(digest);
  console.log(
    [
      version.padEnd(24),
      String(cases).padStart(5),
      String(answers.answers).padStart(7),
      String(published).padStart(9),
      String(ownVerifierDiffers).padStart(11),
      digest.slice(0, 16),
      parts,
    ].join('  '),
  );
  const providers = Object.entries(answers.providers).map(([name, count]) => `${name} ${count}`);
  console.log(`    answers by ${providers.join(', ')}`);
  for (const line of wrong) console.log(`  WRONG ${line}`);
  if (wrongCount > wrong.length) console.log(`  and ${wrongCount - wrong.length} more`);
  check(`${version} keeps a secret`, JSON.stringify(vault) === JSON.stringify(EXPECTED));
}

function check(what: string, right: boolean): void {
  if (right) passed += 1;
  else {
    failed += 1;
    console.log(`  WRONG: not so: ${what}`);
  }
}

async function askNode(program: string, ...before: string[]): Promise<Said> {
  const { stdout } = await run(program, [...before, script, ...paths], { timeout: LIMIT_MS, maxBuffer: 2 ** 24 });
  return JSON.parse(stdout) as Said;
}

try {
  console.log('own verifier: signatures that the platform’s WebCrypto judges otherwise than docs/protocol.md\n');
  console.log('platform                  cases  answers  published  own verifier  digest');
  await row('this Node', () => askNode(process.execPath));
  for (const version of NODES) {
    await row(`Node ${version}`, () => askNode('npx', '--yes', '--package', `node@${version}`, 'node'));
  }
  if (hasChromium()) await row('Chromium', () => askChromium(files));
  else {
    console.log('\n!!! CHROMIUM IS LEFT OUT: there is no /usr/bin/chromium (Debian package `chromium`) !!!');
    if (process.argv.includes('--all')) failed += 1;
  }
  check('all platforms give the same answers', digests.size === 1);
} finally {
  rmSync(script, { force: true });
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
