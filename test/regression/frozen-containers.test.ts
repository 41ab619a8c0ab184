import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { hierarchies } from '../support/cgroups.js';
import type { TestContainer } from '../support/container.js';
import type { Ground } from '../support/ground.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { until, within } from '../support/until.js';

/** Freezes a container as its runtime's `pause` does, and waits until it is. */
async function pause(ground: Ground, container: TestContainer): Promise<void> {
  await container.runtime('pause', container.id);
  const mount = hierarchies().find((path) => path.endsWith('/freezer')) ?? '/sys/fs/cgroup';
  const directory = join(mount, ground.cgroup, container.id);
  const file = ['freezer.state', 'cgroup.events'].find((name) => existsSync(join(directory, name))) ?? '';
  await until('it is frozen', () =>
    /^(FROZEN|frozen 1)$/m.test(readFileSync(join(directory, file), 'utf8')) ? true : undefined,
  );
}

forEachRuntime('a frozen container', (test) => {
  for (const target of ['init', 'all'] as const) {
    test.skipIf(!oursOnly)(`ends when it is killed (${target})`, async ({ ground }) => {
      // With the freezer of version 1 a SIGKILL waits until the thaw.
      const { connection } = await ground.server();
      const container = await ground.runHealthy();
      await pause(ground, container);
      await within('the kill', connection.podherd.kill({ id: container.id, signal: 9, target }));
      expect(await container.exit()).toBe(137);
    });
  }

  test.skipIf(!oursOnly)('keeps other signals until it is resumed', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.run({
      args: ['sh', '-c', 'trap "exit 8" TERM; while :; do sleep 1; done'],
    });
    await pause(ground, container);
    await connection.podherd.kill({ id: container.id, signal: 15, target: 'init' });
    expect((await connection.status(container.id)).state).not.toBe('exited');
    await container.runtime('resume', container.id);
    expect(await container.exit()).toBe(8);
  });

  test.skipIf(!oursOnly)('is deleted by force, and its id is free', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.runHealthy({ id: 'cold' });
    await pause(ground, container);
    await within('the delete', server.connection.podherd.delete({ id: 'cold', force: true }));
    await ground.expectNothingLeft();
    await (await ground.runHealthy({ id: 'cold' })).delete();
  });

  test('answers an exec, and nothing of that is left', async ({ ground }) => {
    const server = await ground.server(oursOnly ? { flags: ['--runtime-timeout=2'] } : {});
    const container = await ground.runHealthy();
    await container.exec(['true']);
    const before = server.snapshot();
    await pause(ground, container);
    const exec = await within('the exec', container.exec(['true'], { timeoutSec: 1n }));
    expect(exec.timedOut || exec.exitCode === -2).toBe(true);
    await container.runtime('resume', container.id);
    await ground.expectNothingLeft(before);
    expect((await container.exec(['workload', 'exit', '6'])).exitCode).toBe(6);
  });

  test('does not hold up the end of the server', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.runHealthy();
    await pause(ground, container);
    expect(await server.stop()).toEqual([]);
    expect(await container.exit()).toBe(137);
  });
});
