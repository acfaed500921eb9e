/**
 * Vitest for mutation testing: the tests of one run (MUTATION_TESTS, a list of globs). Stryker brings its own pool, and stops at
 * the first test that notices a mutant.
 */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type Reporter, type TestSpecification } from 'vitest/node';

/** The test of the mutated file comes first, then short files, and last those that take seconds: most mutants are noticed by then. */
const SLOW = /(?:argon2|cbor|commit|pending|sign|vote|write)\.test\.ts$/;

class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const mutated = this.ctx.config.related?.map((file) => basename(file).replace('.ts', '.test.ts')) ?? [];
    const cost = ({ moduleId }: TestSpecification) =>
      mutated.includes(basename(moduleId)) ? 0 : statSync(moduleId).size + (SLOW.test(moduleId) ? 2 ** 30 : 0);
    return [...files].sort((a, b) => cost(a) - cost(b));
  }
}

/**
 * Stryker looks at tests only. A test file that does not even load with a mutant has none, and the mutant would count as not
 * noticed: so such a file gets one test, which failed.
 */
const loading: Reporter = {
  onTestModuleEnd(module) {
    const [error] = module.errors();
    if (error === undefined) return;
    const { task: file } = module as unknown as { task: { tasks: unknown[] } };
    const result = { state: 'fail', duration: 0, errors: [error] };
    file.tasks.push({ type: 'test', name: 'loads', mode: 'run', file, result, meta: {}, artifacts: [] });
  },
};

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: (process.env['MUTATION_TESTS'] ?? '').split(' ').filter((glob) => glob !== ''),
    reporters: [loading],
    sequence: { sequencer: QuickFirst },
    // One worker for all files of a run, which loads the code once: three times as fast. Only tests of crypto change the provider.
    isolate: process.env['MUTATION_ISOLATE'] === 'yes',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
