import { describe, test as base } from 'vitest';

import { Ground } from './ground.js';
import { serverKind } from './paths.js';
import { type Runtime, runtimes } from './runtimes.js';

/** What every test of the suite gets. */
export interface GroundFixture {
  /** Made for the test, and checked for leftovers after it, whether it passed or not. */
  ground: Ground;
}

function groundTest(runtime: Runtime) {
  return base.extend<GroundFixture>({
    // The pattern tells vitest that it depends on no other fixture.
    ground: async ({}, use) => {
      const ground = new Ground(runtime);
      await use(ground);
      await ground.end();
    },
  });
}

/** A test function with the fixture. */
export type GroundTest = ReturnType<typeof groundTest>;

/** Declares a group of tests once for every runtime. */
export function forEachRuntime(name: string, declare: (test: GroundTest, runtime: Runtime) => void): void {
  for (const runtime of runtimes)
    describe(`${name}, ${runtime.name}`, () => declare(groundTest(runtime), runtime));
}

/** Declares a group of tests in which the runtime plays no part. */
export function withoutRuntime(name: string, declare: (test: GroundTest) => void): void {
  const [any] = runtimes;
  if (any === undefined) throw new Error('there is no runtime to start a server with');
  describe(name, () => declare(groundTest(any)));
}

/** Whether flags and methods beyond the compatible protocol can be used. */
export const oursOnly = serverKind === 'podherd';
