import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { limitMemory, memoryDirectory } from '../support/cgroups.js';
import type { TestContainer } from '../support/container.js';
import { fixture, inGuest } from '../support/paths.js';
import type { Ground } from '../support/ground.js';
import { descriptors } from '../support/processes.js';
import { run } from '../support/run.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { until } from '../support/until.js';

const MiB = 1 << 20;
/** The runtimes' own start has to fit in. */
const memory = 16 * MiB;
const tooMuch = ['workload', 'allocate', String(256 * MiB)];

/** What is known of its end: exit code, whether the OOM file is there, and what our server's state says. */
async function endOf(ground: Ground, container: TestContainer): Promise<unknown> {
  const code = await container.exit();
  const file = existsSync(ground.oomPath(container.id));
  if (!oursOnly) return { code, oomKilled: file };
  const { exit } = await (await ground.server()).connection.statusAtEnd(container.id);
  // They must agree.
  return { code, oomKilled: exit?.oomKilled === file ? file : `file: ${file}, state: ${exit?.oomKilled}` };
}

/** Which kills the server has said, as `id count`. */
function said(log: string): string[] {
  return [...log.matchAll(/killed a process of the container for memory container=(\S+) kills=(\d+)/g)].map(
    ([, id, kills]) => `${id} ${kills}`,
  );
}

function untilSaid(server: { log: string }, what: string): Promise<true> {
  return until(`the server has said: ${what}`, () => (said(server.log).includes(what) ? true : undefined));
}

forEachRuntime('a kill for memory', (test, runtime) => {
  test('of init is told, each time', async ({ ground }) => {
    // Case 30; conmon-rs 2353 and 1054, conmon 87 and 426: missed, or told as an ordinary end.
    const server = await ground.server();
    const rounds = 3;
    for (let round = 0; round < rounds; round++) {
      const container = await ground.run({ id: `greedy-${round}`, args: tooMuch, memory });
      expect(await endOf(ground, container)).toEqual({ code: 137, oomKilled: true });
      expect(readFileSync(ground.oomPath(container.id), 'utf8')).toBe('');
      await container.delete();
      await ground.expectNothingLeft();
    }
    if (oursOnly) expect(said(server.log)).toEqual(['greedy-0 1', 'greedy-1 1', 'greedy-2 1']);
  });

  test('of a child is told when it happens, though init goes on and ends well', async ({ ground }) => {
    const server = await ground.server();
    const script = `${tooMuch.join(' ')}; ${tooMuch.join(' ')}; exec workload exit 0`;
    const container = await ground.run({ args: ['sh', '-c', script], memory });
    expect(await endOf(ground, container)).toEqual({ code: 0, oomKilled: true });
    if (oursOnly) expect(said(server.log).at(-1)).toBe(`${container.id} 2`);
  });

  test('of an exec is told, and the container lives', async ({ ground }) => {
    // In version 1 the sub-cgroup of the exec counts for itself, and is gone when the container ends.
    const server = await ground.server();
    const container = await ground.runHealthy({ memory });
    expect((await container.exec(tooMuch)).exitCode).toBe(137);
    expect((await container.exec(['true'])).exitCode).toBe(0);
    if (oursOnly) await untilSaid(server, `${container.id} 1`);
    expect(existsSync(ground.oomPath(container.id))).toBe(false);
    await container.kill('KILL');
    expect(await endOf(ground, container)).toEqual({ code: 137, oomKilled: true });
  });

  test('marks no neighbour', async ({ ground }) => {
    // Cases 30 and 57: the counter of the cgroup above was looked at; version 1 notifies all below it.
    limitMemory(ground.cgroup, 4 * memory);
    await ground.server();
    const neighbour = await ground.runHealthy();
    const limited = await ground.runHealthy({ memory });
    const greedy = await ground.run({ args: tooMuch });
    expect(await endOf(ground, greedy)).toEqual({ code: 137, oomKilled: true });
    for (const container of [neighbour, limited]) {
      expect((await container.exec(['true'])).exitCode).toBe(0);
      await container.kill('KILL');
      expect(await endOf(ground, container)).toEqual({ code: 137, oomKilled: false });
    }
  });

  test('is not any other kill', async ({ ground }) => {
    // conmon 620: under memory pressure, an ordinary SIGKILL was taken for one.
    await ground.server();
    const files = `dd if=/dev/zero of=/tmp/a bs=64k count=160 2>/dev/null; rm /tmp/a`;
    const busy = await ground.run({
      args: ['sh', '-c', `${files}; ${files}; ${files}; echo pressed; exec workload pause`],
      memory,
    });
    await until('there was pressure', () =>
      readFileSync(busy.logPath, 'utf8').includes('pressed') ? true : undefined,
    );
    await busy.kill('KILL');
    expect(await endOf(ground, busy)).toEqual({ code: 137, oomKilled: false });
  });

  test.skipIf(!oursOnly)('before the container was made is not its own', async ({ ground }) => {
    // Case 30: a baseline.
    const name = `${ground.cgroup}/used`;
    limitMemory(ground.cgroup, 16 * memory);
    limitMemory(name, memory);
    const entry = join(memoryDirectory(name), 'cgroup.procs');
    const [program, ...args] = tooMuch;
    const greedy = [fixture('workload'), ...args].join(' ');
    expect(program).toBe('workload');
    expect((await run('sh', ['-c', `echo $$ > ${entry} && exec ${greedy}`])).code).not.toBe(0);
    expect(countOf(memoryDirectory(name))).toBe(1);
    await ground.server();
    const container = await ground.run({ id: 'used', args: ['workload', 'exit', '0'], memory });
    expect(await endOf(ground, container)).toEqual({ code: 0, oomKilled: false });
  });

  test.skipIf(!oursOnly)('is known after somebody has removed the cgroup', async ({ ground }) => {
    // conmon-rs 2353: the file was read after the cgroup had gone with its count.
    const server = await ground.server();
    const script = `${tooMuch.join(' ')}; exec workload pause`;
    const container = await ground.run({ args: ['sh', '-c', script], memory });
    await untilSaid(server, `${container.id} 1`);
    // The server sees the end only when the cgroup has gone.
    process.kill(server.pid, 'SIGSTOP');
    try {
      process.kill(container.pid, 'SIGKILL');
      const directory = memoryDirectory(`${ground.cgroup}/${container.id}`);
      await until('the cgroup is removed', () => {
        try {
          removeTree(directory);
          return true;
        } catch {
          return undefined;
        }
      });
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    expect(await endOf(ground, container)).toEqual({ code: 137, oomKilled: true });
  });

  test.skipIf(!oursOnly)('is waited for at no cost, and nothing of it is left', async ({ ground }) => {
    // Cases 29 and 30, conmon 650, containerd 12405: the removal of a cgroup woke the watcher for ever.
    const server = await ground.server();
    const healthy = await ground.runHealthy({ memory });
    await healthy.exec(['true']);
    const before = descriptors(server.pid);
    const others: TestContainer[] = [];
    const count = inGuest ? 4 : 20;
    for (let n = 0; n < count; n++) others.push(await ground.runHealthy({ memory }));
    for (const other of others) {
      // The cgroup goes first where it can.
      await other.kill('KILL');
      await other.exit();
      await other.delete();
    }
    await until('all descriptors are closed', () =>
      descriptors(server.pid).length <= before.length ? true : undefined,
    );
    expect(descriptors(server.pid)).toEqual(before);
    const busyBefore = cpuTicks(server.pid);
    await new Promise((resolve) => setTimeout(resolve, 500));
    // A busy loop would take all of the 50 ticks.
    expect(cpuTicks(server.pid) - busyBefore, runtime.name).toBeLessThan(10);
  });
});

/** `oom_kill` of a cgroup. */
function countOf(directory: string): number {
  for (const file of ['memory.oom_control', 'memory.events']) {
    const path = join(directory, file);
    if (existsSync(path)) return Number(/^oom_kill (\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1]);
  }
  return Number.NaN;
}

function removeTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  rmdirSync(directory);
}

/** Processor time that a process has used, in hundredths of a second. */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
