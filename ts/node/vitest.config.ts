import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['./test/build-addon.ts', '../../test/support/build-fixtures.ts'],
    pool: 'forks',
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 30_000,
  },
});
