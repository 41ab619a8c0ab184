import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { hierarchies } from '../support/cgroups.js';
import { text } from '../support/container.js';
import { descriptors, processEntry } from '../support/processes.js';
import { forEachRuntime } from '../support/suite.js';
import { until } from '../support/until.js';

// The fixture's end is a test too: no zombie, process, cgroup or descriptor may be left.
forEachRuntime('with cgroup v2 alone', (test) => {
  const setsid = ['workload', 'orphan', 'forever', 'quiet', 'then', 'ignore-term', 'then', 'pause'];

  test('containers are created, run commands and end', async ({ ground }) => {
    expect(hierarchies()).toEqual(['/sys/fs/cgroup']);
    await ground.server();
    const healthy = await ground.runHealthy();
    const echoed = await healthy.exec(['sh', '-c', 'echo out; echo err >&2; exit 4']);
    expect([echoed.exitCode, text(echoed.stdout), text(echoed.stderr)]).toEqual([4, 'out\n', 'err\n']);
    const container = await ground.run({ args: ['sh', '-c', 'echo said; exit 42'] });
    expect(await container.exit()).toBe(42);
    expect(container.logRecords()).toEqual([{ stream: 'stdout', tag: 'F', text: 'said' }]);
  });

  test('the OOM score that the server gives itself is its own', async ({ ground }) => {
    // Case 35. Here, since the guest's root may lower a score.
    const score = (pid: number | 'self'): string => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim();
    const server = await ground.server();
    expect(score(server.pid)).toBe('-1000');
    const container = await ground.runHealthy();
    expect(score(container.pid)).toBe(score('self'));
    const exec = await container.exec(['cat', '/proc/self/oom_score_adj']);
    expect(text(exec.stdout).trim()).toBe(score('self'));
  });

  test('a container is killed as a whole, by cgroup.kill', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.run({ args: setsid });
    const cgroup = `/sys/fs/cgroup/${ground.cgroup}/${container.id}`;
    expect(existsSync(join(cgroup, 'cgroup.kill'))).toBe(true);
    const pids = await until('both run', () => {
      const found = readFileSync(join(cgroup, 'cgroup.procs'), 'utf8').trim().split('\n').map(Number);
      return found.length === 2 ? found : undefined;
    });
    await connection.podherd.kill({ id: container.id, signal: 9, target: 'all' });
    expect(await container.exit()).toBe(137);
    expect(pids.map((pid) => processEntry(pid)?.state ?? 'gone')).toEqual(['gone', 'gone']);
  });

  test('an exec that times out ends with what has left its session', async ({ ground }) => {
    const server = await ground.server();
    const healthy = await ground.runHealthy();
    await healthy.exec(['true']);
    const before = server.snapshot();
    expect((await healthy.exec(setsid, { timeoutSec: 2n })).timedOut).toBe(true);
    await ground.expectNothingLeft(before);
    expect((await healthy.exec(['true'])).exitCode).toBe(0);
  });

  test('all containers share one inotify instance, which ends with the last', async ({ ground }) => {
    const server = await ground.server();
    const instances = (): number =>
      descriptors(server.pid).filter((name) => name === 'anon_inode:inotify').length;
    expect(instances()).toBe(0);
    const containers = [await ground.runHealthy(), await ground.runHealthy()];
    expect(instances()).toBe(1);
    for (const container of containers) {
      await container.kill('KILL');
      await container.exit();
    }
    await until('it is closed', () => (instances() === 0 ? true : undefined));
  });

  test('kills for memory are counted without inotify too, and that is said once', async ({ ground }) => {
    const server = await ground.server();
    const limit = '/proc/sys/fs/inotify/max_user_instances';
    const instances = readFileSync(limit, 'utf8');
    ground.onEnd(() => writeFileSync(limit, instances));
    writeFileSync(limit, '0');
    for (let n = 0; n < 2; n++) {
      const args = ['workload', 'allocate', String(256 << 20)];
      const container = await ground.run({ args, memory: 16 << 20 });
      expect(await container.exit()).toBe(137);
      expect((await server.connection.statusAtEnd(container.id)).exit?.oomKilled).toBe(true);
      expect(existsSync(ground.oomPath(container.id))).toBe(true);
    }
    expect(server.log.match(/no events of OOM kills/g)).toHaveLength(1);
  });
});
