import { expect } from 'vitest';
import {
  type ContainerEvent,
  formatPosition,
  parsePosition,
  type PodEvent,
} from '../../ts/client/src/index.js';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import { forEachRuntime } from '../support/suite.js';
import { within } from '../support/until.js';
import { startPod } from './pod.js';

forEachRuntime('events through the client', (test, runtime) => {
  test('a life is told in its order, each event once', async ({ ground }) => {
    const pod = await startPod(ground);
    const stream = pod.events();
    await stream.ready();
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['sh', '-c', 'sleep 1; exit 7'] }),
      labels: { app: 'web' },
    });
    await container.start();
    await container.exec(['true']);
    const exit = await container.wait();
    await container.delete();
    const events = await take(stream, ({ type }) => type === 'deleted');
    expect(events.map(({ type }) => type)).toEqual([
      'created',
      'started',
      'execStarted',
      'execExited',
      'exited',
      'deleted',
    ]);
    expect(events.map((event) => (event as ContainerEvent).sequence)).toEqual([1n, 2n, 3n, 4n, 5n, 6n]);
    expect(events[0]).toMatchObject({ containerId: 'web', labels: { app: 'web' } });
    expect(events[2]).toMatchObject({ command: ['true'] });
    expect(events[3]).toMatchObject({ exit: { known: true, exitCode: 0 }, failure: null });
    expect(events[4]).toMatchObject({ exit });
    await stream.return();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect((await pod.stats()).server.eventWatches).toBe(0);
  });

  test('a snapshot and the events from its position on miss nothing and tell nothing twice', async ({
    ground,
  }) => {
    const pod = await startPod(ground);
    const create = (id: string) =>
      pod.createContainer({ id, bundle: ground.bundle(id, { args: ['workload', 'pause'] }) });
    await create('before');
    const { containers, position } = await pod.snapshot();
    expect(containers.map(({ id }) => id)).toEqual(['before']);
    await create('after');
    const stream = pod.events({ from: parsePosition(formatPosition(position)) });
    const [event] = await take(stream, () => true);
    expect(event).toMatchObject({ type: 'created', containerId: 'after' });
    // From the position behind it, and from the oldest.
    expect(formatPosition(stream.position)).toBe(`${position.instance}:${position.sequence + 1n}`);
    await stream.return();
    const all = await take(pod.events({ from: 'oldest' }), (each) => isOf(each, 'after'));
    expect(all.map((each) => (each as ContainerEvent).containerId)).toEqual(['before', 'after']);
  });

  test('a container is watched alone', async ({ ground }) => {
    const pod = await startPod(ground);
    const a = await created(ground, pod, 'a');
    const stream = a.events({ from: 'oldest' });
    const b = await created(ground, pod, 'b');
    await b.start();
    await a.start();
    const events = await take(stream, ({ type }) => type === 'started');
    expect(events).toMatchObject([
      { type: 'created', containerId: 'a' },
      { type: 'started', containerId: 'a' },
    ]);
    await stream.return();
  });

  test('the position of another life of the server is a gap, and what that one has', async ({ ground }) => {
    const pod = await startPod(ground);
    await created(ground, pod, 'a');
    const { instance } = await pod.serverInfo();
    const stream = pod.events({ from: { instance: 'another', sequence: 77n } });
    const events = await take(stream, ({ type }) => type === 'created');
    expect(events).toMatchObject([
      { type: 'gap', reason: 'otherInstance', instance, lost: 0n },
      { type: 'created', sequence: 1n, instance },
    ]);
    await stream.return();
  });

  test.skipIf(runtime.name !== 'runc')(
    'one that is too slow is told how much it has missed',
    async ({ ground }) => {
      const pod = await startPod(ground, { serverArgs: ['--events-kept=16'] });
      const container = await created(ground, pod, 'a');
      await container.start();
      const stream = pod.events({ from: { instance: (await pod.serverInfo()).instance, sequence: 1n } });
      await take(stream, ({ type }) => type === 'created');
      await stream.return();
      for (let i = 0; i < 20; i++) await container.exec(['true']);
      const again = pod.events({ from: stream.position });
      const [gap, next] = [await again.next(), await again.next()];
      const { position } = await pod.snapshot();
      // Sixteen are kept; of 42 in all, one was taken.
      expect(position.sequence).toBe(43n);
      expect(gap.value).toMatchObject({ type: 'gap', reason: 'behind', lost: 25n });
      expect(next.value).toMatchObject({ sequence: 27n });
      await again.return();
    },
  );

  test('it ends with the pod, by a signal with ABORTED, and by leaving the loop', async ({ ground }) => {
    const pod = await startPod(ground);
    const controller = new AbortController();
    const aborted = pod.events({ signal: controller.signal });
    const next = failure(aborted.next(), 'ABORTED');
    await aborted.ready();
    controller.abort();
    await next;
    await failure(pod.events({ signal: controller.signal }).ready(), 'ABORTED');

    const left = pod.events({ from: 'oldest' });
    await created(ground, pod, 'a');
    for await (const event of left) {
      expect(event.type).toBe('created');
      break;
    }
    const ending = pod.events();
    await ending.ready();
    await expect.poll(async () => (await pod.stats()).server.eventWatches).toBe(1);
    const rest = (async () => {
      const types: string[] = [];
      for await (const { type } of ending) types.push(type);
      return types;
    })();
    await pod.close();
    await within('the end of the events', rest);
  });
});

function created(ground: Ground, pod: Awaited<ReturnType<typeof startPod>>, id: string) {
  return pod.createContainer({ id, bundle: ground.bundle(id, { args: ['workload', 'pause'] }) });
}

/** The events up to one that is wanted. */
async function take(
  stream: AsyncIterator<PodEvent>,
  isLast: (event: PodEvent) => boolean,
): Promise<PodEvent[]> {
  const events: PodEvent[] = [];
  for (;;) {
    const { done, value } = await within('an event', stream.next());
    if (done === true) throw new Error('the events have ended', { cause: events });
    events.push(value);
    if (isLast(value)) return events;
  }
}

function isOf(event: PodEvent, id: string): boolean {
  return event.type !== 'gap' && event.containerId === id;
}
