/** Vitest for this repository: `npx vitest run --config test/vitest.config.ts [test/folder or file]`. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/**/*.test.ts'],
    // One process per test file: lmdb keeps native handles per process, and a crash then names its file.
    pool: 'forks',
    // Without this, vitest leaves one of two cores idle.
    maxWorkers: '100%',
    // The machines that run this have few and busy cores, and Argon2id is slow on purpose.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
