import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Pod } from '../../ts/client/src/index.js';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import { serverBinary } from '../support/paths.js';
import { forEachRuntime } from '../support/suite.js';
import { until } from '../support/until.js';
import { firstLine, runScript } from './build-client.js';
import { listens, remains, startOptions, startPod } from './pod.js';

forEachRuntime('who ends whom', (test, runtime) => {
  test('closing a pod that was started ends its server and its containers', async ({ ground }) => {
    const pod = await startPod(ground);
    const pids = [pod.serverPid, await runPausing(ground, pod, 'a'), await runPausing(ground, pod, 'b')];
    const wait = failure((await pod.get('a')).wait(), 'CONNECTION_CLOSED', /this client closed/);
    await pod.close();
    await wait;
    expect(remains(ground, pids)).toEqual([]);
    expect(readdirSync(ground.runtimeRoot)).toEqual([]);
    expect(listens(pod)).toBe(false);
    expect(await pod.closed()).toBeUndefined();
    await pod.close();
    await failure(pod.list(), 'CONNECTION_CLOSED');
  });

  test('`await using` does the same, when its block throws as well', async ({ ground }) => {
    let serverPid: number | undefined;
    const block = async (): Promise<void> => {
      await using pod = await Pod.start(startOptions(ground));
      serverPid = pod.serverPid;
      await runPausing(ground, pod, 'a');
      throw new Error('of the block');
    };
    await expect(block()).rejects.toThrow('of the block');
    expect(remains(ground, [serverPid])).toEqual([]);
  });

  test('a client that is killed takes its server and its containers with it', async ({ ground }) => {
    const child = runScript(
      ground.path('script'),
      'client',
      `import { Pod } from '@podherd/client';
       const pod = await Pod.start(JSON.parse(process.env.OPTIONS));
       const container = await pod.createContainer({ id: 'a', bundle: process.env.BUNDLE });
       await container.start();
       console.log(JSON.stringify([pod.serverPid, (await container.status()).pid]));
       await container.wait();`,
      {
        OPTIONS: JSON.stringify(startOptions(ground)),
        BUNDLE: ground.bundle('a', { args: ['workload', 'ignore-term', 'then', 'pause'] }),
      },
    );
    const pids = JSON.parse(await firstLine(child)) as number[];
    expect(remains(ground, pids)).not.toEqual([]);
    child.kill('SIGKILL');
    await until('server and container are gone', () => remains(ground, pids).length === 0 || undefined);
    expect(readdirSync(ground.runtimeRoot)).toEqual([]);
    expect(existsSync(ground.path('run/conmon.sock'))).toBe(false);
  });

  test('a detached server outlives its starter, is found again, and is not started twice', async ({
    ground,
  }) => {
    const pod = await startPod(ground, { lifetime: 'detached' });
    const { processId } = await pod.version();
    ground.onEnd(() => {
      if (existsSync(`/proc/${processId}`)) process.kill(processId, 'SIGINT');
    });
    expect(pod.serverPid).toBeUndefined();
    expect(existsSync(ground.path('run/pidfile'))).toBe(false);
    const containerPid = await runPausing(ground, pod, 'a');
    await pod.close();
    expect(existsSync(`/proc/${processId}`)).toBe(true);

    for (const lifetime of ['client', 'detached'] as const) {
      await failure(Pod.start(startOptions(ground, { lifetime })), 'SERVER_RUNNING', /connect to it/);
    }
    const again = await Pod.connect({ runtimeDir: ground.path('run') });
    expect((await again.list()).map(({ id, pid }) => [id, pid])).toEqual([['a', containerPid]]);
    await again.close();
    expect(existsSync(`/proc/${containerPid}`)).toBe(true);

    process.kill(processId, 'SIGINT');
    await until(
      'the server is gone',
      () => remains(ground, [processId, containerPid]).length === 0 || undefined,
    );
  });

  test('a detached start that is given up leaves no server', async ({ ground }) => {
    const slow = ground.path('slow-server');
    writeFileSync(slow, `#!/bin/sh\nsleep 1\nexec '${serverBinary}' "$@"\n`, { mode: 0o755 });
    const options = startOptions(ground, { lifetime: 'detached', serverPath: slow, timeoutMs: 200 });
    await failure(Pod.start(options), 'TIMEOUT');
    // It came up after all, and was ended by the pid that it wrote.
    expect(existsSync(ground.path('run'))).toBe(true);
    await until('the socket is gone', () => !existsSync(ground.path('run/conmon.sock')) || undefined);
    const pod = await startPod(ground);
    expect(await pod.list()).toEqual([]);
  });

  test.skipIf(runtime.name !== 'runc')(
    'a server that hangs is killed, and that is said',
    async ({ ground }) => {
      const pod = await startPod(ground);
      const { serverPid } = pod;
      process.kill(serverPid!, 'SIGSTOP');
      const started = performance.now();
      await failure(pod.close(), 'SERVER_STOP_FAILED', /was killed/);
      expect(performance.now() - started).toBeGreaterThan(9_900);
      expect(existsSync(`/proc/${serverPid}`)).toBe(false);
    },
  );

  test('a pod that is borrowed is not ended', async ({ ground }) => {
    const pod = await startPod(ground);
    {
      await using borrowed = await Pod.connect({ socketPath: pod.socketPath });
      expect((await borrowed.serverInfo()).processId).toBe(pod.serverPid);
    }
    expect((await pod.version()).processId).toBe(pod.serverPid);
  });

  test('a connection that is lost undoes a create that was under way', async ({ ground }) => {
    const odd = ground.odd([{ subcommand: 'create', steps: ['call', { touch: 'created' }, 'hang'] }]);
    const pod = await startPod(ground, { runtime: odd.path });
    const borrowed = await Pod.connect({ socketPath: pod.socketPath });
    const bundle = ground.bundle('a', { args: ['workload', 'pause'] });
    const create = failure(borrowed.createContainer({ id: 'a', bundle }), 'CONNECTION_CLOSED');
    await odd.reached('created');
    await borrowed.close();
    expect((await create).outcomeUnknown).toBe(true);
    await expect.poll(() => remains(ground, [])).toEqual([]);
    // The runtime that deletes what was made ends after the last thing of it that can be seen.
    await expect.poll(async () => (await pod.reaperStatus()).zombiesNow).toBe(0);
  });

  test('a server that dies is said, with how', async ({ ground }) => {
    const pod = await startPod(ground);
    const containerPid = await runPausing(ground, pod, 'a');
    ground.onEnd(() => {
      if (containerPid !== null && existsSync(`/proc/${containerPid}`)) process.kill(containerPid, 'SIGKILL');
    });
    const wait = failure((await pod.get('a')).wait(), 'CONNECTION_CLOSED');
    process.kill(pod.serverPid!, 'SIGKILL');
    expect((await wait).outcomeUnknown).toBe(true);
    expect(await pod.closed()).toMatchObject({
      code: 'CONNECTION_CLOSED',
      message: expect.stringContaining('signal SIGKILL'),
    });
    // Reaped by this process, and closing what is gone is no error.
    expect(existsSync(`/proc/${pod.serverPid}`)).toBe(false);
    await pod.close();
    process.kill(containerPid!, 'SIGKILL');
    await until('the container is gone', () => !existsSync(`/proc/${containerPid}`) || undefined);
  });

  test('an interrupt from the terminal is for the client alone', async ({ ground }) => {
    const pod = await startPod(ground);
    const stat = readFileSync(`/proc/${pod.serverPid}/stat`, 'utf8');
    // proc(5): state, ppid, pgrp, session, behind the name in parentheses.
    const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    expect(Number(session)).toBe(pod.serverPid);
  });

  test('a runtime that is not there is the reason of a start that fails', async ({ ground }) => {
    const options = startOptions(ground, { runtime: ground.path('no-runtime'), serverPath: serverBinary });
    const error = await failure(Pod.start(options), 'SERVER_START_FAILED', /no-runtime/);
    expect(error.cause).toMatchObject({ code: 'RUNTIME_UNAVAILABLE' });
  });
});

/** A container that lives until it is ended. @returns pid of its init */
async function runPausing(ground: Ground, pod: Pod, id: string): Promise<number | null> {
  const container = await pod.createContainer({
    id,
    bundle: ground.bundle(id, { args: ['workload', 'pause'] }),
  });
  await container.start();
  return (await container.status()).pid;
}
