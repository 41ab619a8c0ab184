import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import type { ContainerStats } from '../../ts/client/src/generated/podherd.js';
import { hierarchies } from '../support/cgroups.js';
import { answered, type Connection } from '../support/connection.js';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import { inGuest } from '../support/paths.js';
import { descriptors } from '../support/processes.js';
import { forEachRuntime, withoutRuntime } from '../support/suite.js';
import { until } from '../support/until.js';

const MIB = 1 << 20;

const statsOf = async ({ podherd }: Connection, id: string): Promise<ContainerStats> => {
  const { containers } = await podherd.stats({ ids: [id] });
  expect(containers.map((stats) => stats.id)).toEqual([id]);
  return answered(containers[0]);
};

const isV2 = (): boolean => existsSync('/sys/fs/cgroup/cgroup.controllers');

/** Where a controller counts, and its files. */
class Cgroup {
  readonly #name: string;

  constructor(ground: Ground, id: string) {
    this.#name = join(ground.cgroup, id);
  }

  text(controller: string, file: string): string {
    const mount = hierarchies().find((path) => path.endsWith(`/${controller}`)) ?? '/sys/fs/cgroup';
    return readFileSync(join(mount, this.#name, file), 'utf8');
  }

  number(controller: string, file: string): bigint {
    return BigInt(this.text(controller, file).trim());
  }

  keyed(controller: string, file: string, key: string): bigint {
    const [, value] = new RegExp(`^${key} (\\d+)$`, 'm').exec(this.text(controller, file)) ?? [];
    if (value === undefined) throw new Error(`${file} has no ${key}`);
    return BigInt(value);
  }
}

/** A figure lies between two readings of the same file, one before and one after it. */
const between = (value: bigint, before: bigint, after: bigint): void => {
  expect(value >= before && value <= after, `${before} <= ${value} <= ${after}`).toBe(true);
};

forEachRuntime('stats', (test) => {
  test('tell the processor time of a container as its cgroup counts it', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.run({ args: ['workload', 'burn', '300', 'then', 'pause'] });
    const cgroup = new Cgroup(ground, container.id);
    const usage = (): bigint =>
      isV2()
        ? cgroup.keyed('cpu', 'cpu.stat', 'usage_usec') * 1_000n
        : cgroup.number('cpuacct', 'cpuacct.usage');
    await until('it has burnt 300 ms', () => (usage() >= 300_000_000n ? true : undefined));
    const before = usage();
    const { cpu, cgroupVersion } = await statsOf(connection, container.id);
    between(cpu.usageNanos, before, usage());
    expect(cgroupVersion).toBe(isV2() ? 2 : 1);
    // The split is exact to a clock tick, or less where ticks are all that the kernel counts.
    const split = Number(cpu.userNanos + cpu.systemNanos);
    expect(Math.abs(split - Number(cpu.usageNanos))).toBeLessThan(50e6);
    expect(cpu.userNanos).toBeGreaterThan(100_000_000n);
    expect([cpu.periods, cpu.throttledPeriods, cpu.throttledNanos]).toEqual([0n, 0n, 0n]);
  });

  test('tell for how long a quota has stopped it', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.run({
      args: ['workload', 'burn', '60000'],
      resources: { cpu: { quota: 5_000, period: 50_000 } },
    });
    const cgroup = new Cgroup(ground, container.id);
    const throttled = (): bigint =>
      isV2()
        ? cgroup.keyed('cpu', 'cpu.stat', 'throttled_usec') * 1_000n
        : cgroup.keyed('cpu', 'cpu.stat', 'throttled_time');
    await until('it was stopped', () => (throttled() > 100_000_000n ? true : undefined));
    const before = throttled();
    const { cpu } = await statsOf(connection, container.id);
    between(cpu.throttledNanos, before, throttled());
    expect(cpu.throttledPeriods).toBeGreaterThan(0n);
    expect(cpu.periods).toBeGreaterThanOrEqual(cpu.throttledPeriods);
  });

  test('tell its memory', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.run({
      args: ['workload', 'allocate', String(32 * MIB), 'then', 'pause'],
      memory: 128 * MIB,
    });
    const cgroup = new Cgroup(ground, container.id);
    const anonymous = (): bigint =>
      isV2()
        ? cgroup.keyed('memory', 'memory.stat', 'anon')
        : cgroup.keyed('memory', 'memory.stat', 'total_rss');
    await until('it has 32 MiB', () => (anonymous() >= 32 * MIB ? true : undefined));
    const { memory } = await statsOf(connection, container.id);
    const file = isV2() ? 'memory.current' : 'memory.usage_in_bytes';
    // It sleeps: nothing changes any more but for what the kernel hands back.
    expect(Number(memory.usageBytes)).toBeGreaterThanOrEqual(32 * MIB);
    expect(Math.abs(Number(memory.usageBytes - cgroup.number('memory', file)))).toBeLessThan(MIB);
    expect(Number(memory.anonymousBytes)).toBeGreaterThanOrEqual(32 * MIB);
    expect(Number(memory.anonymousBytes)).toBeLessThan(40 * MIB);
    expect(memory.workingSetBytes).toBeLessThanOrEqual(memory.usageBytes);
    expect(Number(memory.workingSetBytes)).toBeGreaterThanOrEqual(32 * MIB);
    expect(memory.limitBytes).toBe(BigInt(128 * MIB));
    if (!isV2() || existsSync(join('/sys/fs/cgroup', ground.cgroup, container.id, 'memory.peak')))
      expect(memory.peakBytes).toBeGreaterThanOrEqual(memory.anonymousBytes);
    expect([memory.swapBytes, memory.oomKills]).toEqual([0n, 0n]);
    const rss = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${container.pid}/status`, 'utf8'))?.[1];
    expect(Number(memory.anonymousBytes) / 1024).toBeGreaterThanOrEqual(Number(rss) * 0.98 - 512);
  });

  test('tell page cache, and what of it is not in the working set', async ({ ground }) => {
    const { connection } = await ground.server();
    // A tmpfs of its own, 16 MiB: its pages are page cache that can't be dropped.
    const args = ['sh', '-c', 'dd if=/dev/zero of=/tmp/file bs=1M count=8 2>/dev/null; exec workload pause'];
    const container = await ground.run({ args });
    const { memory } = await until('it has written', async () => {
      const stats = await statsOf(connection, container.id);
      return stats.memory.fileBytes >= 8 * MIB ? stats : undefined;
    });
    expect(Number(memory.fileBytes)).toBeLessThan(16 * MIB);
    expect(memory.usageBytes).toBeGreaterThanOrEqual(memory.fileBytes);
    expect(memory.limitBytes).toBe(0n);
  });

  test('count its processes', async ({ ground }) => {
    const { connection } = await ground.server();
    const sleepers = Array.from({ length: 5 }, () => 'sleep 1000 &').join(' ');
    const container = await ground.run({
      args: ['sh', '-c', `${sleepers} wait`],
      resources: { pids: { limit: 77 } },
    });
    const cgroup = new Cgroup(ground, container.id);
    await until('they run', () => (cgroup.number('pids', 'pids.current') === 6n ? true : undefined));
    const { pids } = await statsOf(connection, container.id);
    expect(pids).toMatchObject({ current: 6n, limit: 77n });
  });

  test('count kills for memory of a container that lives on', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.runHealthy({ memory: 24 * MIB });
    const killed = await container.exec(['workload', 'allocate', String(200 * MIB)]);
    expect(killed.exitCode).toBe(137);
    const { memory } = await statsOf(connection, container.id);
    expect(memory.oomKills).toBe(1n);
    expect((await statsOf(connection, container.id)).memory.oomKills).toBe(1n);
  });

  test('count what it writes to its output, kept or dropped', async ({ ground }) => {
    // A mount of the test's own is there before the server.
    const full = await ground.tmpfs('full', '64k');
    const { connection } = await ground.server();
    const said = 3 * MIB + 17;
    const args = [
      'workload',
      'print',
      'stdout',
      String(said),
      'then',
      'print',
      'stderr',
      '160',
      'then',
      'pause',
    ];
    const [kept, dropped] = [
      await ground.run({ args }),
      await ground.run({ args, logPath: join(full, 'log') }),
    ];
    for (const container of [kept, dropped]) {
      await until('all is read', async () => {
        const { log } = await statsOf(connection, container.id);
        expect(Number(log.bytes)).toBeLessThanOrEqual(said + 160);
        return log.bytes === BigInt(said + 160) ? true : undefined;
      });
    }
    expect((await statsOf(connection, kept.id)).log).toMatchObject({ droppedBytes: 0n, heldBackNanos: 0n });
    await until('it is counted', async () => {
      const { log } = await statsOf(connection, dropped.id);
      return log.droppedBytes > 3_000_000n ? true : undefined;
    });
  });

  test('are those of all that live, in the order of their creation', async ({ ground }) => {
    const { connection } = await ground.server();
    const ids = ['z', 'a', 'm'];
    for (const id of ids) await ground.runHealthy({ id });
    const ended = await ground.run({ id: 'ended', args: ['true'] });
    await ended.exit();
    await connection.statusAtEnd('ended');
    const { containers, server } = await connection.podherd.stats({});
    expect(containers.map(({ id }) => id)).toEqual(ids);
    expect(server).toMatchObject({ containers: 4, living: 3, execs: 0, eventWatches: 0, connections: 1 });
    const some = await connection.podherd.stats({ ids: ['m', 'z'] });
    expect(some.containers.map(({ id }) => id)).toEqual(['m', 'z']);
  });

  test('of one that does not live are an error, and only when it is asked for', async ({ ground }) => {
    const { connection } = await ground.server();
    const healthy = await ground.runHealthy();
    const ended = await ground.run({ args: ['true'] });
    await connection.statusAtEnd(ended.id);
    const { podherd } = connection;
    await failure(podherd.stats({ ids: [healthy.id, ended.id] }), 'CONTAINER_NOT_RUNNING', /has ended/);
    await failure(podherd.stats({ ids: ['nobody'] }), 'CONTAINER_NOT_FOUND', /nobody/);
    await failure(podherd.stats({ ids: [healthy.id, healthy.id] }), 'INVALID_ARGUMENT', /twice/);
    await failure(podherd.stats({ ids: ['..'] }), 'INVALID_ID', /file name/);
    expect((await podherd.stats({})).containers).toHaveLength(1);
  });

  test('while containers come and go never fail, and hold up no other call', async ({ ground }) => {
    const { connection } = await ground.server();
    let going = true;
    const asking = (async (): Promise<number> => {
      let asked = 0;
      for (; going; asked++) await connection.podherd.stats({});
      return asked;
    })();
    for (let n = 0; n < (inGuest ? 3 : 15); n++) {
      const container = await ground.run({ args: ['true'] });
      await container.exit();
      await container.delete();
    }
    going = false;
    expect(await asking).toBeGreaterThan(0);
  });

  // A guest's kernel may have no loop devices.
  test.skipIf(!existsSync('/dev/loop-control'))('tell I/O on a block device', async ({ ground }) => {
    const disk = await ground.blockDevice('disk', 32 * MIB);
    const { connection } = await ground.server();
    const [major, minor] = disk.number;
    const container = await ground.run({
      args: [
        'sh',
        '-c',
        'dd if=/dev/zero of=/disk/file bs=64k count=64 oflag=direct 2>&1; exec workload pause',
      ],
      mounts: [{ destination: '/disk', type: 'bind', source: disk.path, options: ['bind'] }],
      // Since Linux 6.10 version 1 counts for devices with a limit alone.
      resources: { blockIO: { throttleWriteBpsDevice: [{ major, minor, rate: 1 << 30 }] } },
    });
    const { io } = await until('it is counted', async () => {
      const stats = await statsOf(connection, container.id);
      return stats.io.writeBytes >= 4 * MIB ? stats : undefined;
    });
    expect(Number(io.writeBytes)).toBeLessThan(8 * MIB);
    expect(Number(io.writeOperations)).toBeGreaterThanOrEqual(64);
    expect(Number(io.writeOperations)).toBeLessThan(1_000);
  });

  test('tell pressure where version 2 does', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.run({ args: ['workload', 'burn', '60000'] });
    const { cpu, memory, io } = await statsOf(connection, container.id);
    const told = hierarchies()
      .map((mount) => join(mount, ground.cgroup, container.id, 'cpu.pressure'))
      .filter((path) => existsSync(path));
    const available = told.length > 0;
    for (const { pressure } of [cpu, memory, io]) expect(pressure?.available).toBe(available);
    if (!available) expect(cpu.pressure).toMatchObject({ someTotalMicros: 0n, someAvg10: 0, fullAvg300: 0 });
    for (const path of told) {
      const total = (): bigint =>
        BigInt(/^some .* total=(\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? -1);
      const before = total();
      const after = await statsOf(connection, container.id);
      between(answered(after.cpu.pressure).someTotalMicros, before, total());
    }
  });
});

withoutRuntime('the stats of a server', (test) => {
  test('are those of its process', async ({ ground }) => {
    const { connection, pid } = await ground.server();
    const other = await (await ground.server()).connect();
    await other.conmon.version({ request: { verbose: false } });
    await connection.podherd.stats({});
    const { server } = await connection.podherd.stats({});
    const { at, userNanos, systemNanos, residentBytes, anonymousBytes, ...counts } = answered(server);
    expect(counts).toEqual({
      descriptors: descriptors(pid).length,
      threads: Number(/^Threads:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
      connections: 2,
      containers: 0,
      living: 0,
      execs: 0,
      eventWatches: 0,
      nextSequence: 1n,
    });
    expect(Math.abs(Number(at?.seconds) - Date.now() / 1000)).toBeLessThan(60);
    expect(residentBytes).toBeGreaterThan(anonymousBytes);
    expect(anonymousBytes).toBeGreaterThan(50_000n);
    const { utime, stime } = processTimes(pid);
    expect(Math.abs(Number(userNanos) / 1e9 - utime)).toBeLessThan(0.1);
    expect(Math.abs(Number(systemNanos) / 1e9 - stime)).toBeLessThan(0.1);
    await other.close();
    await until('it is seen', async () => {
      const now = answered((await connection.podherd.stats({})).server);
      return now.connections === 1 ? true : undefined;
    });
  });

  test('count execs that run', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.runHealthy();
    const exec = container.exec(['sleep', '1000'], { timeoutSec: 3n });
    await until('it runs', async () => {
      const { server } = await connection.podherd.stats({});
      return server?.execs === 1 ? true : undefined;
    });
    expect((await exec).timedOut).toBe(true);
    expect((await connection.podherd.stats({})).server?.execs).toBe(0);
  });
});

/** Seconds of processor time, of /proc/PID/stat. */
function processTimes(pid: number): { utime: number; stime: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { utime: Number(fields[11]) / 100, stime: Number(fields[12]) / 100 };
}
