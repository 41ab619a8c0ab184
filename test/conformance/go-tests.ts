import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

import { bundleConfig } from '../support/bundle.js';
import type { Ground } from '../support/ground.js';
import { findLeftovers, tell } from '../support/leftovers.js';
import { Nursery } from '../support/nursery.js';
import { full, repository, serverBinary, serverKind } from '../support/paths.js';
import { within } from '../support/until.js';

/** The Go module with the tests. */
export const goTestsSource = join(import.meta.dirname, 'go');

/** The program that is made of it. */
export const goTests = join(repository, '.cache/conformance.test');

/** Time in which a test of the Go module ends unless it hangs; its own waits are shorter. */
const GO_TEST_MS = 100_000;

/**
 * Runs one test of the Go module under a nursery, so that the server which it starts is adopted there, and looks at
 * what is left when all have ended. `skipped` has the reason where the test was skipped.
 */
export async function runGoTest(ground: Ground, name: string): Promise<{ skipped: string | undefined }> {
  const { runtimeDir } = ground.place('server');
  const groundFile = ground.path('ground.json');
  writeFileSync(groundFile, JSON.stringify(describe(ground, runtimeDir)));
  const log = ground.path('go-test.log');
  const nursery = launch(ground, groundFile, name, log);
  const output = (): string => readFileSync(log, 'utf8').slice(-12_000);
  try {
    const end = await within(
      name,
      nursery.end(({ adopted }) => !adopted),
      GO_TEST_MS,
    );
    if (end.exitCode !== 0) throw new Error(`${name} failed:\n${output()}`);
    const temporary = ground.path('tmp');
    const watched = { ...ground.place('server'), server: -1, nursery: nursery.pid, temporary };
    const left = await findLeftovers(watched, []);
    if (left.length > 0) throw new Error(`left behind:\n${tell(left)}\n${output()}`);
    if (!(await within('the end of all processes', nursery.empty))) throw new Error('processes were left');
  } finally {
    await nursery.clear();
  }
  return { skipped: /^ *--- SKIP: [^]*/m.exec(readFileSync(log, 'utf8'))?.[0] };
}

function describe(ground: Ground, runtimeDir: string): object {
  return {
    server: serverBinary,
    kind: serverKind,
    runtime: ground.runtime.path,
    runtimeName: ground.runtime.name,
    runtimeRoot: ground.runtimeRoot,
    runtimeDir,
    folder: ground.folder,
    cgroup: ground.cgroup,
    full,
    repository,
    config: bundleConfig({ args: [], rootfs: inject('rootfs'), cgroupsPath: '' }),
  };
}

function launch(ground: Ground, groundFile: string, name: string, logPath: string): Nursery {
  const temporary = ground.path('tmp');
  mkdirSync(temporary);
  const log = openSync(logPath, 'a', 0o600);
  try {
    return new Nursery([goTests, '-test.v', `-test.run=^${name}$`, '-test.timeout=90s'], log, {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      TMPDIR: temporary,
      PODHERD_CONFORMANCE_GROUND: groundFile,
    });
  } finally {
    closeSync(log);
  }
}
