import { expect } from 'vitest';

import type { TestContainer } from '../../support/container.js';
import { failure } from '../../support/failure.js';
import type { CreateOptions, Ground } from '../../support/ground.js';
import {
  createNamespaces,
  expectAllGone,
  holderOf,
  type Kind,
  kinds,
  mountedAt,
  namespaceOf,
  newBase,
} from '../../support/namespaces.js';
import { allProcesses, descendants, processEntry } from '../../support/processes.js';
import { oursOnly, forEachRuntime } from '../../support/suite.js';
import { until } from '../../support/until.js';

const runtimeNames = { ipc: 'ipc', net: 'network', pid: 'pid', user: 'user', uts: 'uts' } as const;

/** What config.json says of a container that joins the pod's namespaces of these kinds. */
function joining(
  paths: Record<Kind, string>,
  joined: readonly Kind[],
  more: object = {},
): Partial<CreateOptions> {
  const namespaces = joined.map((kind) => ({ type: runtimeNames[kind], path: paths[kind] }));
  return {
    override: { hostname: undefined, linux: { namespaces: [...namespaces, { type: 'mount' }], ...more } },
  };
}

/** With a cgroup of the test's own. */
function runIn(ground: Ground, id: string, options: Partial<CreateOptions>): Promise<TestContainer> {
  const { linux, ...rest } = options.override as { linux: object };
  const override = { ...rest, linux: { cgroupsPath: `/${ground.cgroup}/${id}`, ...linux } };
  return ground.run({ args: ['workload', 'pause'], ...options, id, override });
}

const all = kinds.filter((kind) => kind !== 'user');

forEachRuntime('a pod whose containers join its namespaces', (test) => {
  test('shares them, and each container has an end of its own', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    const paths = await createNamespaces(server.connection, { basePath: base, namespaces: all });
    const mounted = mountedAt(paths);
    const holder = holderOf(base);
    const one = await runIn(ground, 'one', joining(paths, all));
    const other = await runIn(ground, 'other', {
      ...joining(paths, all),
      args: ['workload', 'sleep', '200', 'then', 'exit', '7'],
    });
    for (const container of [one, other])
      for (const kind of all) expect(namespaceOf(container.pid, kind), kind).toBe(mounted[kind]);
    expect(processEntry(one.pid)?.parent).toBe(server.pid);
    // By their numbers in the pod: the holder is 1.
    const listed = await one.exec(['busybox', 'ps', '-o', 'pid,comm']);
    expect(Buffer.from(listed.stdout).toString()).toMatch(/^ +1 podherd-pause$/m);
    expect(await other.exit()).toBe(7);
    expect((await one.exec(['workload', 'exit', '3'])).exitCode).toBe(3);
    await one.kill();
    expect(await one.exit()).toBe(137);
    expect(processEntry(holder)?.state).toBe('S');
    await one.delete();
    await other.delete();
    await expectAllGone(server, base);
  });

  test.skipIf(!oursOnly)('has no zombie of what is orphaned inside', async ({ ground }) => {
    // The process that holds a pid namespace adopts there, and a pause process that never waits keeps them all.
    const server = await ground.server();
    const base = newBase(ground);
    const paths = await createNamespaces(server.connection, { basePath: base, namespaces: ['pid'] });
    const holder = holderOf(base);
    const orphans = Array.from({ length: 10 }, (_, n) => [
      'orphan',
      String(100 + 20 * n),
      'quiet',
      'then',
    ]).flat();
    const container = await runIn(ground, 'orphans', {
      ...joining(paths, ['pid']),
      args: ['workload', ...orphans, 'orphan', 'forever', 'quiet', 'then', 'pause'],
    });
    const exec = await container.exec(['workload', 'orphan', '100', 'quiet']);
    expect(exec.exitCode).toBe(0);
    const adopted = () => descendants(holder);
    await until('the orphans are adopted', () => (adopted().length > 0 ? true : undefined));
    await until('those that end are gone', () => (adopted().length === 1 ? true : undefined));
    expect(allProcesses().filter(({ parent, state }) => parent === holder && state === 'Z')).toEqual([]);
    expect(await server.connection.reaperStatus()).toMatchObject({ zombiesNow: 0 });
    const [forever] = adopted();
    await container.kill();
    expect(await container.exit()).toBe(137);
    expect(processEntry(holder)?.state).toBe('S');
    // What is left of it is in its cgroup, and goes with the container.
    await container.delete();
    await until('the last is gone', () => (processEntry(forever?.pid ?? 0) === undefined ? true : undefined));
    expect(adopted()).toEqual([]);
    await expectAllGone(server, base);
  });

  test('is not kept by commands that do not exist', async ({ ground }) => {
    // Case 80: a zombie of a failed exec, or create, keeps the init of its pid namespace from ending.
    const server = await ground.server();
    const base = newBase(ground);
    const paths = await createNamespaces(server.connection, { basePath: base, namespaces: all });
    const before = server.snapshot();
    const container = await runIn(ground, 'healthy', joining(paths, all));
    const running = server.snapshot();
    for (let round = 0; round < 3; round++) {
      expect((await container.exec(['no-such-command'])).exitCode).toBe(-2);
      const missing = runIn(ground, 'missing', { ...joining(paths, all), args: ['no-such-command'] });
      await failure(missing, 'COMMAND_NOT_FOUND', /no-such-command/);
    }
    await ground.expectNothingLeft(running);
    await container.kill();
    expect(await container.exit()).toBe(137);
    await container.delete();
    await ground.expectNothingLeft(before);
    expect(descendants(holderOf(base))).toEqual([]);
    await expectAllGone(server, base);
  });

  test.skipIf(!oursOnly)('joins a user namespace too', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    // The root of the test's files is ours, so that it has to be the pod's as well.
    const maps = { uidMappings: ['0 0 65536'], gidMappings: ['0 0 65536'] };
    const paths = await createNamespaces(server.connection, { basePath: base, namespaces: kinds, ...maps });
    const mounted = mountedAt(paths);
    const id = [{ containerID: 0, hostID: 0, size: 65_536 }];
    const container = await runIn(
      ground,
      'user',
      joining(paths, kinds, { uidMappings: id, gidMappings: id }),
    );
    for (const kind of kinds) expect(namespaceOf(container.pid, kind), kind).toBe(mounted[kind]);
    expect((await container.exec(['workload', 'exit', '4'])).exitCode).toBe(4);
    await container.delete();
    await expectAllGone(server, base);
  });

  test.skipIf(!oursOnly)('ends with its server while containers and orphans live', async ({ ground }) => {
    const server = await ground.server();
    const base = newBase(ground);
    const paths = await createNamespaces(server.connection, { basePath: base, namespaces: all });
    const orphan = ['orphan', 'forever', 'quiet', 'then'];
    const living = await runIn(ground, 'living', {
      ...joining(paths, all),
      args: ['workload', ...orphan, ...orphan, 'ignore-term', 'then', 'pause'],
    });
    await until('the orphans are adopted', () =>
      descendants(holderOf(base)).length === 2 ? true : undefined,
    );
    await expectAllGone(server, base);
    expect(await living.exit()).toBe(137);
  });
});
