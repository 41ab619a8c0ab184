import { expect } from 'vitest';
import { type CallOptions, Container, Pod } from '../../ts/client/src/index.js';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import { Proxy } from '../support/proxy.js';
import { forEachRuntime } from '../support/suite.js';
import { startPod } from './pod.js';

/** What the calls are made on: a container that runs, and a bundle for another. */
interface Place {
  readonly pod: Pod;
  readonly container: Container;
  readonly bundle: string;
}

/** Every call that is answered by the server, by its name. */
const calls: Readonly<Record<string, (place: Place, options: CallOptions) => Promise<unknown>>> = {
  'pod.createContainer': ({ pod, bundle }, options) =>
    pod.createContainer({ id: 'other', bundle, ...options }),
  'pod.get': ({ pod }, options) => pod.get('web', options),
  'pod.list': ({ pod }, options) => pod.list(options),
  'pod.snapshot': ({ pod }, options) => pod.snapshot(options),
  'pod.stats': ({ pod }, options) => pod.stats(options),
  'pod.validateBundle': ({ pod, bundle }, options) => pod.validateBundle(bundle, options),
  'pod.servePortForward': ({ pod }, options) => pod.servePortForward('/proc/self/ns/net', options),
  'pod.reaperStatus': ({ pod }, options) => pod.reaperStatus(options),
  'pod.serverInfo': ({ pod }, options) => pod.serverInfo(options),
  'pod.version': ({ pod }, options) => pod.version(options),
  'pod.shutdown': ({ pod }, options) => pod.shutdown(options),
  'container.status': ({ container }, options) => container.status(options),
  'container.start': ({ container }, options) => container.start(options),
  'container.wait': ({ container }, options) => container.wait(options),
  'container.kill': ({ container }, options) => container.kill('SIGCONT', options),
  'container.stop': ({ container }, options) => container.stop(options),
  'container.delete': ({ container }, options) => container.delete(options),
  'container.exec': ({ container }, options) => container.exec(['true'], options),
  'container.spawn': ({ container }, options) => container.spawn(['true'], options),
  'container.attach': ({ container }, options) => container.attach(options),
  'container.stats': ({ container }, options) => container.stats(options),
  'container.resize': ({ container }, options) => container.resize(80, 24, options),
  'container.reopenLog': ({ container }, options) => container.reopenLog(options),
  'container.serveExec': ({ container }, options) => container.serveExec(['true'], options),
  'container.serveAttach': ({ container }, options) => container.serveAttach(options),
};

/** What is no call that waits for one answer of the server's, and has tests of its own. */
const others = [
  'constructor',
  'closed',
  'close',
  'events',
  'logs',
  'id',
  'interface',
  'socketPath',
  'serverPid',
];

forEachRuntime('every call of the client', (test) => {
  test('is among those that are tried here', () => {
    const names = (kind: string, prototype: object): string[] =>
      Object.getOwnPropertyNames(prototype)
        .filter((name) => !others.includes(name))
        .map((name) => `${kind}.${name}`);
    const all = [...names('pod', Pod.prototype), ...names('container', Container.prototype)];
    expect(Object.keys(calls).toSorted()).toEqual(all.toSorted());
  });

  test('ends by its signal, by its time and with its connection, when no answer comes', async ({
    ground,
  }) => {
    const { place, proxy } = await held(ground);
    for (const [name, call] of Object.entries(calls)) {
      await failure(call(place, { signal: AbortSignal.abort() }), 'ABORTED');
      const controller = new AbortController();
      const aborted = failure(call(place, { signal: controller.signal }), 'ABORTED');
      controller.abort();
      await aborted;
      const late = await failure(call(place, { timeoutMs: 20 }), 'TIMEOUT');
      expect(late.timedOut, name).toBe(true);
    }
    const cut = Object.values(calls).map((call) => failure(call(place, {}), 'CONNECTION_CLOSED'));
    proxy.cut();
    await Promise.all(cut);
    expect(await place.pod.closed()).toMatchObject({ disconnected: true });
    for (const call of Object.values(calls)) {
      const refused = await failure(call(place, {}), 'CONNECTION_CLOSED');
      expect(refused.outcomeUnknown).toBe(false);
    }
  });
});

/** A connection on which nothing passes any more, to a server with a container. */
async function held(ground: Ground): Promise<{ place: Place; proxy: Proxy }> {
  const owner = await startPod(ground);
  const proxy = await Proxy.listen(ground.path('proxy.sock'), owner.socketPath);
  ground.onEnd(() => proxy.end());
  const pod = await Pod.connect({ socketPath: proxy.path, reconnect: false });
  ground.onEnd(() => pod.close());
  const bundle = ground.bundle('web', { args: ['workload', 'pause'] });
  const container = await pod.createContainer({ id: 'web', bundle });
  await container.start();
  proxy.silence();
  return { place: { pod, container, bundle }, proxy };
}
