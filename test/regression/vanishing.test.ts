import { mkdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';

import type { Connection } from '../support/connection.js';
import type { Ground } from '../support/ground.js';
import { expectAllGone, kinds, mappings, newBase } from '../support/namespaces.js';
import type { TestServer } from '../support/server.js';
import { forEachRuntime, oursOnly, withoutRuntime } from '../support/suite.js';
import { within } from '../support/until.js';

/** Makes a call, and is gone before its answer: the request is with the kernel, the connection closed behind it. */
async function vanish(server: TestServer, call: (connection: Connection) => Promise<unknown>): Promise<void> {
  const connection = await server.connect();
  const answer = call(connection).catch(() => undefined);
  await nextTurn();
  await connection.close();
  await within('the call of a closed connection', answer);
}

/** Every method that makes or changes nothing which outlives its call, and a call of it. */
function passing(ground: Ground, id: string): Record<string, (connection: Connection) => Promise<unknown>> {
  const request = { id };
  const compatible = {
    version: ({ conmon }: Connection) => conmon.version({ request: { verbose: true } }),
    execSyncContainer: ({ conmon }: Connection) =>
      conmon.execSyncContainer({
        request: { ...request, command: ['workload', 'pause'], cgroupManager: 'cgroupfs' },
      }),
    'execSyncContainer with a terminal': ({ conmon }: Connection) =>
      conmon.execSyncContainer({
        request: { ...request, command: ['workload', 'pause'], terminal: true, cgroupManager: 'cgroupfs' },
      }),
    reopenLogContainer: ({ conmon }: Connection) => conmon.reopenLogContainer({ request }),
    setWindowSizeContainer: ({ conmon }: Connection) =>
      conmon.setWindowSizeContainer({ request: { ...request, width: 80, height: 25 } }),
    startFdSocket: ({ conmon }: Connection) => conmon.startFdSocket({ request: {} }),
    createContainer: (connection: Connection) =>
      ground.create({ id: 'vanished', args: ['workload', 'pause'], connection }),
    'createContainer with a terminal': (connection: Connection) =>
      ground.create({ id: 'vanished', args: ['workload', 'pause'], terminal: true, connection }),
    'createContainer of a missing command': (connection: Connection) =>
      ground.create({ id: 'vanished', args: ['missing'], connection }),
  };
  if (!oursOnly) return compatible;
  return {
    ...compatible,
    serverInfo: ({ podherd }) => podherd.serverInfo(),
    containerStatus: ({ podherd }) => podherd.containerStatus({ id }),
    listContainers: ({ podherd }) => podherd.listContainers({}),
    waitContainer: ({ podherd }) => podherd.waitContainer({ id, until: 'exited', timeoutMillis: 60_000 }),
    reaperStatus: ({ podherd }) => podherd.reaperStatus({}),
    kill: ({ podherd }) => podherd.kill({ id, signal: 18, target: 'all' }),
  };
}

forEachRuntime('a client that vanishes in the middle of', (test) => {
  test('any call takes only its own call with it', async ({ ground }) => {
    const server = await ground.server();
    await server.adds(() => server.connection.conmon.startFdSocket({ request: {} }));
    const healthy = await ground.runHealthy();
    const { id } = healthy;
    await healthy.exec(['true']);
    const before = server.snapshot();
    const waiting = oursOnly ? server.connection.statusAtEnd(id) : undefined;
    for (const [name, call] of Object.entries(passing(ground, id))) {
      for (let n = 0; n < 3; n++) await vanish(server, call);
      await within(`${name}: an exec beside it`, healthy.exec(['workload', 'exit', '3']));
      await ground.expectNothingLeft(before);
    }
    expect((await healthy.exec(['workload', 'exit', '7'])).exitCode).toBe(7);
    await healthy.kill();
    expect(await healthy.exit()).toBe(137);
    if (waiting !== undefined) expect((await waiting).exit?.signal).toBe(9);
  });

  test('attach and streaming calls leaves nothing beyond its container', async ({ ground }) => {
    const server = await ground.server();
    const sockets = ground.path('attach');
    mkdirSync(sockets);
    // The first such call starts the streaming server, which stays.
    const serve = {
      exec:
        (id: string) =>
        ({ conmon }: Connection) =>
          conmon.serveExecContainer({
            request: { id, command: ['true'], stdout: true, cgroupManager: 'cgroupfs' },
          }),
      attach:
        (id: string) =>
        ({ conmon }: Connection) =>
          conmon.serveAttachContainer({ request: { id, stdout: true } }),
      portForward:
        () =>
        ({ conmon }: Connection) =>
          conmon.servePortForwardContainer({ request: { netNsPath: '/proc/self/ns/net' } }),
    };
    const healthy = await ground.runHealthy();
    await server.adds(() => serve.exec(healthy.id)(server.connection));
    const before = server.snapshot();
    const container = await ground.runHealthy();
    const { id } = container;
    for (let n = 0; n < 3; n++) {
      await vanish(server, ({ conmon }) =>
        conmon.attachContainer({ request: { id, socketPath: `${sockets}/${n}.sock` } }),
      );
      await vanish(server, serve.exec(id));
      await vanish(server, serve.attach(id));
      await vanish(server, serve.portForward());
    }
    expect((await container.exec(['workload', 'exit', '3'])).exitCode).toBe(3);
    await container.kill();
    await container.exit();
    await container.delete();
    await ground.expectNothingLeft(before);
  });

  test.skipIf(!oursOnly)('start or delete leaves the container as one or the other', async ({ ground }) => {
    const server = await ground.server();
    const { podherd } = server.connection;
    const before = server.snapshot();
    for (let n = 0; n < 5; n++) {
      const { id } = await ground.create({ args: ['workload', 'pause'] });
      await vanish(server, ({ podherd: other }) => other.start({ id }));
      const { state } = await server.connection.status(id);
      expect(['created', 'running']).toContain(state);
      await vanish(server, ({ podherd: other }) => other.delete({ id, force: true }));
      // Whether it was begun or not, asking for it again ends it.
      await podherd.delete({ id, force: true }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
      });
      await ground.expectNothingLeft(before);
    }
  });
});

withoutRuntime('a client that vanishes in the middle of', (test) => {
  test('createNamespaces leaves nothing beyond its server', async ({ ground }) => {
    const server = await ground.server();
    const basePath = newBase(ground);
    const make = (podId: string) => {
      const request = { podId, basePath, namespaces: kinds, ...mappings };
      return ({ conmon }: Connection) => conmon.createNamespaces({ request });
    };
    for (let n = 0; n < 5; n++) await vanish(server, make(`pod${n}`));
    await make('pod')(server.connection);
    await expectAllGone(server, basePath);
  });
});
