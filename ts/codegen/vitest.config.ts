import { defineConfig } from 'vitest/config';

// The compiler takes some 6 s where two cores are busy: only a hang shall end a test.
export default defineConfig({
  test: { include: ['test/**/*.test.ts'], pool: 'forks', testTimeout: 120_000 },
});
