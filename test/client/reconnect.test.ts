import { once } from 'node:events';
import { expect } from 'vitest';
import { type Container, Pod, type PodEvent } from '../../ts/client/src/index.js';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import { Proxy } from '../support/proxy.js';
import { forEachRuntime } from '../support/suite.js';
import { within } from '../support/until.js';
import { startPod } from './pod.js';

const QUICKLY = { delayMs: 10, maxDelayMs: 50, attempts: 200 };

forEachRuntime('connections that are lost', (test) => {
  test('calls that may be repeated go on, others say that their outcome is unknown', async ({ ground }) => {
    const odd = ground.odd([{ subcommand: 'create', steps: ['call', { touch: 'created' }, 'hang'] }]);
    const { pod, proxy } = await behindProxy(ground, { runtime: odd.path });
    const create = failure(
      pod.createContainer({ id: 'a', bundle: ground.bundle('a', { args: ['workload', 'pause'] }) }),
      'CONNECTION_CLOSED',
    );
    await odd.reached('created');
    // What the server answers from here on does not arrive.
    proxy.hold();
    const asks = [pod.version(), pod.list(), pod.serverInfo(), pod.reaperStatus(), pod.stats()];
    proxy.cut();
    expect((await create).outcomeUnknown).toBe(true);
    await within('the calls that ask', Promise.all(asks));
    // The server undoes the create as soon as it sees that its connection has ended.
    await expect.poll(() => pod.list()).toEqual([]);
    odd.setRules([]);
    await pod.close();
    expect(await pod.closed()).toBeUndefined();
  });

  test('waits and events go on over the next connection, and nothing is told twice', async ({ ground }) => {
    const { pod, proxy } = await behindProxy(ground);
    const stream = pod.events();
    await stream.ready();
    const container = await pausing(ground, pod, 'a');
    const wait = container.wait();
    const events: PodEvent[] = [];
    const reading = (async () => {
      for await (const event of stream) events.push(event);
    })();
    for (let i = 0; i < 5; i++) {
      proxy.cut();
      await container.status();
      expect((await container.exec(['true'])).exitCode).toBe(0);
    }
    proxy.cut();
    await container.status();
    await container.kill('SIGKILL');
    expect(await within('the wait', wait)).toMatchObject({ signal: 'SIGKILL' });
    await expect.poll(() => events.at(-1)?.type).toBe('exited');
    const sequences = events.map((event) => (event.type === 'gap' ? -1n : event.sequence));
    expect(sequences).toEqual(Array.from({ length: 13 }, (_, i) => BigInt(i + 1)));
    await pod.close();
    await within('the end of the events', reading);
  });

  test('a command is killed with its connection, and its streams say so', async ({ ground }) => {
    const { pod, proxy } = await behindProxy(ground);
    const container = await pausing(ground, pod, 'a');
    const exec = await container.spawn(['sleep', '1000']);
    const session = await container.attach();
    proxy.cut();
    await failure(exec.wait(), 'CONNECTION_CLOSED');
    expect(await session.closed()).toMatchObject({ code: 'CONNECTION_CLOSED' });
    await expect.poll(async () => (await container.status()).execs).toBe(0);
    expect((await container.status()).state).toBe('running');
    await pod.close();
  });

  test('a server that is killed and started again is found again', async ({ ground }) => {
    const server = await startPod(ground);
    const pod = await Pod.connect({ runtimeDir: ground.path('run'), reconnect: QUICKLY });
    const { instance } = await pod.serverInfo();
    const stream = pod.events({ from: 'oldest' });
    const container = await pausing(ground, pod, 'a');
    const { pid } = await container.status();
    expect((await stream.next()).value).toMatchObject({ type: 'created' });
    const lost = failure(container.wait(), 'CONTAINER_NOT_FOUND');
    process.kill(server.serverPid!, 'SIGKILL');
    await server.closed();
    // It is this test's to end: the server that did own it is no more.
    process.kill(pid!, 'SIGKILL');
    const waiting = pod.list();
    const next = await startPod(ground);
    expect(await within('a list from the next server', waiting)).toEqual([]);
    await lost;
    const after = await pod.serverInfo();
    expect(after.instance).not.toBe(instance);
    let event = (await within('the gap', stream.next())).value as PodEvent;
    // What the first server had told before it was killed.
    while (event.type !== 'gap') event = (await within('the gap', stream.next())).value as PodEvent;
    expect(event).toMatchObject({ type: 'gap', reason: 'otherInstance', instance: after.instance });
    await pod.close();
    await next.close();
    const deleted = await runtimeDelete(ground, 'a');
    expect(deleted).toBe(0);
  });

  test('it is given up after so many attempts, and then said to everybody', async ({ ground }) => {
    const server = await startPod(ground);
    const pod = await Pod.connect({ runtimeDir: ground.path('run'), reconnect: { attempts: 3, delayMs: 5 } });
    const stream = pod.events();
    await stream.ready();
    const next = failure(stream.next(), 'CONNECTION_CLOSED');
    await server.close();
    expect(await within('the end', pod.closed())).toMatchObject({
      code: 'CONNECTION_CLOSED',
      message: expect.stringMatching(/3 attempts/),
    });
    await next;
    const error = await failure(pod.list(), 'CONNECTION_CLOSED', /3 attempts/);
    expect(error.outcomeUnknown).toBe(false);
    await pod.close();
  });

  test('without reconnect the first loss is the end', async ({ ground }) => {
    const { pod, proxy } = await behindProxy(ground, {}, false);
    const list = pod.list();
    proxy.cut();
    await list.catch(() => {});
    expect(await pod.closed()).toMatchObject({ code: 'CONNECTION_CLOSED' });
    await failure(pod.list(), 'CONNECTION_CLOSED');
    await pod.close();
  });
});

/** A pod whose connection goes over a proxy that can cut it; what listens is there again at once. */
async function behindProxy(
  ground: Ground,
  options: Parameters<typeof startPod>[1] = {},
  reconnect: boolean | object = QUICKLY,
) {
  const owner = await startPod(ground, options);
  const path = ground.path('proxy.sock');
  const proxy = await Proxy.listen(path, owner.socketPath);
  ground.onEnd(() => proxy.end());
  const pod = await Pod.connect({ socketPath: path, reconnect });
  ground.onEnd(() => pod.close());
  return { pod, proxy };
}

async function pausing(ground: Ground, pod: Pod, id: string): Promise<Container> {
  const bundle = ground.bundle(id, { args: ['workload', 'pause'] });
  const container = await pod.createContainer({ id, bundle });
  await container.start();
  return container;
}

async function runtimeDelete(ground: Ground, id: string): Promise<number | null> {
  const { spawn } = await import('node:child_process');
  const child = spawn(ground.runtime.path, ['--root', ground.runtimeRoot, 'delete', '--force', id]);
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}
