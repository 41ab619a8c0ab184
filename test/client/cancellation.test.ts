import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { cgroupsBelow } from '../support/cgroups.js';
import { allProcesses } from '../support/processes.js';
import { failure } from '../support/failure.js';
import { forEachRuntime } from '../support/suite.js';
import { within } from '../support/until.js';
import { remains, startPod } from './pod.js';

forEachRuntime('calls given up through the client', (test) => {
  test('a wait ends without harm to the container', async ({ ground }) => {
    const pod = await startPod(ground);
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['workload', 'pause'] }),
    });
    await container.start();
    const controller = new AbortController();
    const aborted = container.wait({ signal: controller.signal });
    const unaffected = container.wait();
    controller.abort();
    await failure(aborted, 'ABORTED');
    const started = performance.now();
    await failure(
      container.wait({ timeoutMs: 100 }),
      'TIMEOUT',
      /wait for web to be exited did not end within 100 ms/,
    );
    expect(performance.now() - started).toBeGreaterThanOrEqual(99);
    await failure(container.wait({ signal: AbortSignal.abort() }), 'ABORTED');
    expect((await container.status()).state).toBe('running');
    await container.kill('SIGKILL', { all: true });
    expect((await unaffected).signal).toBe('SIGKILL');
  });

  test('a create is undone, and its id is free', async ({ ground }) => {
    const odd = ground.odd([{ subcommand: 'create', steps: ['call', { touch: 'created' }, 'hang'] }]);
    const pod = await startPod(ground, { runtime: odd.path });
    const bundle = ground.bundle('web', { args: ['workload', 'pause'] });
    const controller = new AbortController();
    const create = pod.createContainer({ id: 'web', bundle, signal: controller.signal });
    await odd.reached('created');
    controller.abort();
    await failure(create, 'ABORTED');
    await expect.poll(() => cgroupsBelow(ground.cgroup)).toEqual([]);

    odd.setRules([]);
    await within(
      'the second create',
      retryWhileInUse(() => pod.createContainer({ id: 'web', bundle })),
    );
    await (await pod.get('web')).delete({ force: true });
    expect((await pod.reaperStatus()).zombiesNow).toBe(0);
  });

  test('an exec is killed with what came of it', async ({ ground }) => {
    const pod = await startPod(ground);
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['workload', 'pause'] }),
    });
    await container.start();
    const controller = new AbortController();
    const seconds = ['1', '2'].map((last) => `9${process.pid}${last}`);
    const command = ['sh', '-c', `setsid sleep ${seconds[0]} & sleep ${seconds[1]}`];
    const exec = failure(container.exec(command, { signal: controller.signal }), 'ABORTED');
    await expect.poll(() => sleepers(seconds)).toBe(2);
    controller.abort();
    await exec;
    await expect.poll(() => sleepers(seconds)).toBe(0);

    const timedOut = await container.exec(command, { execTimeoutSeconds: 1 });
    expect(timedOut.timedOut).toBe(true);
    await expect.poll(() => sleepers(seconds)).toBe(0);
    await failure(container.exec(command, { timeoutMs: 200 }), 'TIMEOUT');
    await expect.poll(() => sleepers(seconds)).toBe(0);
    expect((await container.status()).state).toBe('running');
    await container.delete({ force: true });
  });

  test('a server that does not answer ends no client', async ({ ground }) => {
    const pod = await startPod(ground);
    const pid = pod.serverPid!;
    process.kill(pid, 'SIGSTOP');
    try {
      await failure(pod.list({ timeoutMs: 100 }), 'TIMEOUT');
      await failure(pod.version({ signal: AbortSignal.timeout(50) }), 'ABORTED');
      await failure(pod.createContainer({ id: 'web', bundle: '/nowhere', timeoutMs: 100 }), 'TIMEOUT');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect((await pod.version()).processId).toBe(pid);
    await pod.close();
    expect(remains(ground, [pid])).toEqual([]);
  });
});

/** Processes of a command that only this test runs. */
function sleepers(seconds: readonly string[]): number {
  return allProcesses().filter(({ pid, name, state }) => {
    if (name !== 'sleep' || state === 'Z') return false;
    const [, argument = ''] = commandLine(pid);
    return seconds.includes(argument);
  }).length;
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // Ended in between.
  }
}

/** The undo of a call that was given up goes on after the call has rejected. */
async function retryWhileInUse<T>(create: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await create();
    } catch (error) {
      if ((error as { code?: string }).code !== 'ID_IN_USE') throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
