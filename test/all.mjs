/**
 * `npm test`: format, lint, types, then all tests, each step streamed as it runs. The last line is `N passed, N failed`:
 * every test counts one, and so does each of the three steps before them. Exit code 1 if anything failed.
 * With the argument `tests` it runs the tests only (.ci/run does that on a second Node).
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const testsOnly = process.argv[2] === 'tests';
const checks = [
  { name: 'format', program: 'prettier/bin/prettier.cjs', args: ['--check', '--log-level=warn', '.'] },
  { name: 'lint', program: 'oxlint/bin/oxlint', args: ['--deny-warnings'] },
  { name: 'types', program: 'typescript/bin/tsc', args: ['-p', 'test/tsconfig.json'] },
];

/** Runs a package's program with this Node; the promise is whether it ended with exit code 0. */
function run(/** @type {string} */ program, /** @type {string[]} */ ...args) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], {
      cwd: root,
      stdio: 'inherit',
    });
    child.on('error', () => done(false));
    child.on('exit', (code) => done(code === 0));
  });
}

/** A file that could not even be loaded has no tests to count: it is one failure. */
function countTests(/** @type {string} */ reportFile, /** @type {boolean} */ ok) {
  let passed = 0;
  let failed = 0;
  try {
    const report = JSON.parse(readFileSync(reportFile, 'utf8'));
    passed = report.numPassedTests;
    for (const file of report.testResults) {
      const tests = file.assertionResults.filter((/** @type {{ status: string }} */ test) => test.status === 'failed');
      failed += file.status === 'failed' ? Math.max(1, tests.length) : 0;
    }
  } catch {
    console.error('npm test: vitest left no report');
  }
  // An error outside of any test makes vitest fail too, without a failed test.
  return { passed, failed: ok ? failed : Math.max(1, failed) };
}

let passed = 0;
let failed = 0;
for (const { name, program, args } of testsOnly ? [] : checks) {
  console.log(`\n== ${name}`);
  const ok = await run(program, ...args);
  console.log(ok ? `${name}: ok` : `${name}: FAILED`);
  if (ok) passed++;
  else failed++;
}

console.log('\n== tests');
const scratch = mkdtempSync(join(tmpdir(), 'passport-test-'));
try {
  const report = join(scratch, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const ok = await run('vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts', ...reporters);
  const tests = countTests(report, ok);
  passed += tests.passed;
  failed += tests.failed;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
