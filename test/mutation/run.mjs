/**
 * `npm run mutation [-- PART... [--fresh] [--mutate GLOBS] [--concurrency N]]`: mutation testing with Stryker (docs/mutation.md), one
 * run per part of `src`, each with the tests that should notice. Results stay below node_modules/.cache and are used again for what
 * did not change; `--fresh` begins anew, `--mutate` looks at some files only. Exit code 1 when a score is below the limit.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const results = join(root, 'node_modules/.cache/passport-mesh/mutation');
const LEAST_SCORE = 85;

/** Of src/records: causal application, cuts, conflict order, and the view that follows from them. */
const MERGE = 'apply buckets causality chains clocks conflicts heads indexing log merkle order quarantine view'.split(
  ' ',
);

/** What is mutated, and the tests that should notice. Left out are tests of imports, and searches that take minutes. */
/** @type {Record<string, { mutate: string[], tests: string[] }>} */
const PARTS = {
  crypto: {
    mutate: ['src/crypto/*.ts', 'src/cbor.ts', 'src/bytes.ts'],
    tests: ['test/crypto/!(loading).test.ts', 'test/cbor.test.ts', 'test/bytes.test.ts'],
  },
  format: { mutate: ['src/format/*.ts'], tests: ['test/format/*.test.ts'] },
  registry: { mutate: ['src/registry/*.ts'], tests: ['test/registry/!(vote-search).test.ts'] },
  merge: {
    mutate: MERGE.map((name) => `src/records/${name}.ts`),
    tests: ['test/records/!(convergence|pending|write).test.ts'],
  },
  // The rest of src/records: writing, receiving, sending.
  records: {
    mutate: ['src/records/*.ts', ...MERGE.map((name) => `!src/records/${name}.ts`)],
    tests: ['test/records/!(convergence).test.ts'],
  },
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    fresh: { type: 'boolean', default: false },
    mutate: { type: 'string' },
    concurrency: { type: 'string', default: '2' },
  },
});

let good = true;
for (const part of positionals.length > 0 ? positionals : Object.keys(PARTS)) {
  const { mutate, tests } = PARTS[part] ?? unknown(part);
  const own = join(results, part);
  if (values.fresh) rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  const config = {
    mutate: values.mutate?.split(',') ?? mutate,
    testRunner: 'vitest',
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: true },
    plugins: ['@stryker-mutator/vitest-runner', './test/mutation/messages.mjs'],
    ignorers: ['messages'],
    coverageAnalysis: 'perTest',
    concurrency: Number(values.concurrency),
    timeoutMS: 30_000,
    incremental: true,
    incrementalFile: join(own, 'incremental.json'),
    reporters: ['clear-text', 'json', 'progress-append-only'],
    jsonReporter: { fileName: join(own, 'report.json') },
    clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false },
    thresholds: { high: 95, low: LEAST_SCORE, break: LEAST_SCORE },
    // The sandbox is a copy of what the tests read. Stryker's own type handling does not know TypeScript 7, and nothing needs it.
    ignorePatterns: ['**', '!src/**/*', '!test/**/*', '!package.json', '!tsconfig.json'],
    tsconfigFile: 'none',
    disableTypeChecks: false,
    cleanTempDir: 'always',
  };
  const file = join(own, 'stryker.config.json');
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`);
  console.log(`\n=== mutation: ${part}`);
  const { status } = spawnSync(process.execPath, ['node_modules/@stryker-mutator/core/bin/stryker.js', 'run', file], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, MUTATION_TESTS: tests.join(' '), MUTATION_ISOLATE: part === 'crypto' ? 'yes' : 'no' },
  });
  good &&= status === 0;
}
process.exitCode = good ? 0 : 1;

/** @returns {never} */
function unknown(/** @type {string} */ part) {
  throw new TypeError(`no part ${part}: ${Object.keys(PARTS).join(', ')}`);
}
