import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** What depends on the version of cgroups, run with version 2 in a guest: see `test/support/in-guest`. */
export default defineConfig({
  // The guest sees the repository read-only.
  cacheDir: '/tmp/vite',
  test: {
    include: ['*.test.ts', '../regression/{oom,frozen-containers}.test.ts', '../interface/stats.test.ts'],
    globalSetup: [join(import.meta.dirname, '../support/global-setup.ts')],
    pool: 'forks',
    fileParallelism: false,
    // One slow processor.
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
