import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // On a busy machine a poll's default of one second says nothing.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 30_000,
    typecheck: { enabled: true, include: ['test/types/*.test-d.ts'] },
  },
});
