import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

import buildFixtures from './build-fixtures.js';
import { isHybrid } from './cgroups.js';
import { makeRootfs } from './rootfs.js';
import { runtimes } from './runtimes.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The root file system that all bundles share. */
    rootfs: string;
  }
}

/** Before all: the fixtures, the shared root file system, a look at whether the runtimes can work here. */
export default async function setup(project: TestProject): Promise<() => void> {
  buildFixtures();
  if (isHybrid() && runtimes.some(({ name }) => name === 'crun')) {
    throw new Error(
      'crun refuses cgroup v1 with a cgroup2 beside it: run the suite in test/support/in-namespace',
    );
  }
  const folder = mkdtempSync(join(tmpdir(), 'podherd-rootfs-'));
  // Whoever isn't root in a container has to get into its root directory, too.
  chmodSync(folder, 0o755);
  await makeRootfs(folder);
  project.provide('rootfs', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
