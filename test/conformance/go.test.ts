import { inject } from 'vitest';

import { forEachRuntime } from '../support/suite.js';
import { runGoTest } from './go-tests.js';

// Each test of the Go module, by its name in words: the module says what it asks of the server.
forEachRuntime('the Go client', (test) => {
  for (const name of inject('goTestNames')) {
    // Each waits more than it works, and has a ground of its own.
    test.concurrent(inWords(name), async ({ ground, skip }) => {
      const { skipped } = await runGoTest(ground, name);
      if (skipped !== undefined) skip(skipped);
    });
  }
});

/** `TestExecManyAtOnce` as `exec many at once`. */
function inWords(name: string): string {
  return name
    .replace(/^Test/, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase();
}
