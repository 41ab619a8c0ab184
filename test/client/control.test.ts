import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Container, type Finding, Pod } from '../../ts/client/src/index.js';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import { forEachRuntime } from '../support/suite.js';
import { within } from '../support/until.js';
import { startPod } from './pod.js';

forEachRuntime('what our interface adds, through the client', (test) => {
  test('labels and settings are kept, and lists are filtered by them', async ({ ground }) => {
    const pod = await startPod(ground);
    const web = await create(ground, pod, 'web', {
      labels: { app: 'web', tier: '' },
      stopSignal: 'SIGINT',
      stopGraceMs: 1_500,
      rateLimit: { bytesPerSecond: 1_000_000, burstBytes: 2_000_000 },
    });
    await create(ground, pod, 'db', { labels: { app: 'db' } });
    expect(await web.status()).toMatchObject({
      labels: { app: 'web', tier: '' },
      stopSignal: 'SIGINT',
      stopGraceMs: 1_500,
      rateLimit: { bytesPerSecond: 1_000_000, burstBytes: 2_000_000 },
      heldBackMs: 0,
      execs: 0,
    });
    await web.start();
    const ids = async (filter: Parameters<Pod['list']>[0]) => (await pod.list(filter)).map(({ id }) => id);
    expect(await ids({})).toEqual(['web', 'db']);
    expect(await ids({ labels: { app: 'db' } })).toEqual(['db']);
    expect(await ids({ labels: { tier: true } })).toEqual(['web']);
    expect(await ids({ states: ['created'] })).toEqual(['db']);
    expect(await ids({ states: ['running', 'exited'], labels: { app: true } })).toEqual(['web']);
    const bundle = ground.bundle('x', { args: ['true'] });
    await failure(pod.createContainer({ id: 'x', bundle, labels: { '': 'x' } }), 'INVALID_ARGUMENT');
  });

  for (const kind of ['podherd', 'conmon'] as const) {
    test(`stop over the interface ${kind}: the signal, a time of grace, the end`, async ({ ground }) => {
      const pod = await startPod(ground, { interface: kind });
      const meek = await create(ground, pod, 'meek', {}, [
        'sh',
        '-c',
        'trap "exit 3" INT; while :; do sleep 0.05; done',
      ]);
      const deaf = await create(ground, pod, 'deaf', {}, ['workload', 'ignore-term', 'then', 'pause']);
      await meek.start();
      await deaf.start();
      // The shell has to have come to its trap.
      await expect.poll(async () => (await meek.exec(['pidof', 'sleep'])).exitCode).toBe(0);
      const stopped = await meek.stop({ stopSignal: 'SIGINT', graceMs: 60_000 });
      expect(stopped).toMatchObject({ state: 'exited', killed: false, exit: { exitCode: 3 } });
      expect(await deaf.stop({ graceMs: 50 })).toMatchObject({ state: 'exited', killed: true });
      expect(await deaf.stop()).toMatchObject({ state: 'exited', killed: false });
      await meek.delete();
      await deaf.delete();
    });
  }

  test('a stop that is given up is carried through', async ({ ground }) => {
    const pod = await startPod(ground);
    const deaf = await create(ground, pod, 'deaf', {}, ['workload', 'ignore-term', 'then', 'pause']);
    await deaf.start();
    await failure(deaf.stop({ graceMs: 300, timeoutMs: 20 }), 'TIMEOUT');
    expect(await within('its end', deaf.wait())).toMatchObject({ signal: 'SIGKILL' });
  });

  test('stats of a container, of several, and of the server', async ({ ground }) => {
    const pod = await startPod(ground);
    const a = await create(ground, pod, 'a');
    await create(ground, pod, 'b');
    await a.start();
    const stats = await a.stats();
    expect(stats).toMatchObject({ id: 'a', pids: { current: 1 } });
    expect(stats.memory.usageBytes).toBeGreaterThan(0);
    expect(stats.memory.limitBytes).toBeNull();
    const { containers, server } = await pod.stats();
    expect(containers.map(({ id }) => id).sort()).toEqual(['a', 'b']);
    expect((await pod.stats({ ids: ['b'] })).containers.map(({ id }) => id)).toEqual(['b']);
    expect(server).toMatchObject({ containers: 2, living: 2, connections: 1 });
    expect(server.residentBytes).toBeGreaterThan(500_000);
    await a.stop({ graceMs: 0 });
    await failure(a.stats(), 'CONTAINER_NOT_RUNNING');
    await failure(pod.stats({ ids: ['nobody'] }), 'CONTAINER_NOT_FOUND');
  });

  test('what is wrong with a bundle is found before its create, and refused where that is asked for', async ({
    ground,
  }) => {
    const pod = await startPod(ground);
    const bundle = ground.bundle('a', { args: ['no-such-command'] });
    const findings = await pod.validateBundle(bundle);
    expect(findings).toMatchObject([{ severity: 'error', place: '/process/args/0' }]);
    expect(await pod.validateBundle(ground.bundle('b', { args: ['sh'] }))).toEqual([]);
    await failure(
      pod.createContainer({ id: 'a', bundle, preflight: 'enforce' }),
      'PREFLIGHT_FAILED',
      /no-such-command/,
    );
    const found: Finding[] = [];
    const onFindings = (all: readonly Finding[]): void => void found.push(...all);
    await failure(
      pod.createContainer({ id: 'a', bundle, preflight: 'warn', onFindings }),
      'COMMAND_NOT_FOUND',
    );
    rmSync(join(bundle, 'config.json'));
    expect((await pod.validateBundle(bundle))[0]).toMatchObject({ severity: 'error', place: '' });
  });

  test('a borrowed server is ended with its containers', async ({ ground }) => {
    const owner = await startPod(ground);
    await (await create(ground, owner, 'a')).start();
    const pod = await Pod.connect({
      runtimeDir: ground.path('run'),
      reconnect: { attempts: 2, delayMs: 10 },
    });
    await pod.shutdown();
    expect(await within('the end', owner.closed())).toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(await within('the end', pod.closed())).toMatchObject({ code: 'CONNECTION_CLOSED' });
    await pod.close();
    await owner.close();
  });

  test('a log is read while it grows, over rotations, and to the end of its container', async ({
    ground,
  }) => {
    const pod = await startPod(ground);
    for (const driver of ['cri', 'json'] as const) {
      const path = ground.path(`${driver}.log`);
      const container = await create(ground, pod, driver, { log: { path, driver, maxSize: 20_000 } }, [
        'sh',
        '-c',
        'i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo end >&2',
      ]);
      const lines: string[] = [];
      const reading = (async () => {
        for await (const { text, stream } of container.logs({ follow: true }))
          lines.push(`${stream} ${text}`);
      })();
      await container.start();
      await within('the log', reading);
      const expected = Array.from({ length: 2_000 }, (_, i) => `stdout line ${i}\n`);
      expect(lines.filter((line) => line.startsWith('stdout'))).toEqual(expected);
      expect(lines.filter((line) => line.startsWith('stderr'))).toEqual(['stderr end\n']);
      expect(readFileSync(path).length).toBeLessThan(20_000);
      const tail: string[] = [];
      for await (const { text } of container.logs({ tail: 3, stream: 'stdout' })) tail.push(`stdout ${text}`);
      expect(tail).toEqual(expected.slice(-3));
      await container.delete();
      await failure(container.logs().next(), 'CONTAINER_NOT_FOUND');
    }
  });
});

function create(
  ground: Ground,
  pod: Pod,
  id: string,
  options: Partial<Parameters<Pod['createContainer']>[0]> = {},
  args: string[] = ['workload', 'pause'],
): Promise<Container> {
  return pod.createContainer({ ...options, id, bundle: ground.bundle(id, { args }) });
}
