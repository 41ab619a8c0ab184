import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

import { processEntry } from '../support/processes.js';
import { forEachRuntime } from '../support/suite.js';
import { until } from '../support/until.js';

/** Namespaces of a container that shares the pids of its host. */
const withoutPidNamespace = {
  linux: { namespaces: [{ type: 'ipc' }, { type: 'uts' }, { type: 'mount' }, { type: 'network' }] },
};

forEachRuntime('stopping', (test) => {
  for (const [name, override] of [
    ['a container', {}],
    ['a container without a pid namespace', withoutPidNamespace],
  ] as const) {
    test(`${name} ends its execs too, before its end is told`, async ({ ground }) => {
      // Case 18, cri-o 9614, 7937 and 8162.
      const id = ground.newId();
      const cgroupsPath = `/${ground.cgroup}/${id}`;
      const container = await ground.runHealthy({
        id,
        ...('linux' in override ? { override: { linux: { ...override.linux, cgroupsPath } } } : {}),
      });
      const exec = container.exec([
        'sh',
        '-c',
        'echo $$ > /tmp/pid; trap "" TERM; while :; do sleep 1; done',
      ]);
      const pids = await until('the exec runs', async () => {
        const ps = await container.runtime('ps', '--format', 'json', container.id);
        const list = JSON.parse(ps.stdout) as number[] | null;
        return list !== null && list.length >= 2 ? list : undefined;
      });
      await container.kill();
      expect(await container.exit()).toBe(137);
      expect((await exec).exitCode).toBe(137);
      expect(pids.map(processEntry).filter((entry) => entry !== undefined && entry.state !== 'Z')).toEqual(
        [],
      );
    });
  }

  test('a container whose server was killed is up to the runtime, and leaves nothing', async ({ ground }) => {
    // Case 33, conmon-rs 717: the pod could not be removed.
    const server = await ground.server();
    const container = await ground.runHealthy();
    await server.kill();
    await container.delete();
    expect(processEntry(container.pid)).toBeUndefined();
    const next = await ground.anotherServer('server');
    const again = await ground.runHealthy({ id: container.id, server: next });
    expect((await again.exec(['true'])).exitCode).toBe(0);
  });

  test('hands the OOM score that the server was started with to what it starts', async ({ ground }) => {
    // Case 35, conmon 267 and 467, podman 20765: the monitor's own score of -1000 leaked.
    await ground.server();
    const own = readFileSync('/proc/self/oom_score_adj', 'utf8').trim();
    const container = await ground.runHealthy();
    expect(readFileSync(`/proc/${container.pid}/oom_score_adj`, 'utf8').trim()).toBe(own);
    const { stdout } = await container.exec(['cat', '/proc/self/oom_score_adj']);
    expect(Buffer.from(stdout).toString().trim()).toBe(own);
  });
});
