import { expect } from 'vitest';

import { Connection } from '../support/connection.js';
import { failure } from '../support/failure.js';
import { descriptors, ownMemory } from '../support/processes.js';
import { Proxy } from '../support/proxy.js';
import { RawClient } from '../support/raw-client.js';
import { output } from '../support/run.js';
import type { TestServer } from '../support/server.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { inParallel, until, within } from '../support/until.js';

/** Connections to the server that are open now, as the kernel sees them from the server's side. */
function open(server: TestServer): number {
  return server.snapshot().filter(({ kind, what }) => kind === 'descriptor' && what === 'socket').length;
}

forEachRuntime('connections', (test) => {
  test.skipIf(!oursOnly)('that say nothing take no place of one that speaks', async ({ ground }) => {
    // Case 68: conmon-rs 1.0.1 does not bound them.
    const server = await ground.server();
    const healthy = await ground.runHealthy();
    const before = open(server);
    const memory = ownMemory(server.pid);
    const silent: RawClient[] = [];
    ground.endsFirst(() => silent.forEach((client) => client.end()));
    for (let n = 0; n < 10; n++) {
      silent.push(...(await inParallel(100, 20, () => RawClient.connect(server.socketPath))));
      expect((await healthy.exec(['workload', 'exit', '3'])).exitCode).toBe(3);
      const newcomer = await server.connect();
      await newcomer.conmon.version({ request: {} });
      await newcomer.close();
    }
    await until('the longest silent are closed', () => {
      return silent.filter(({ isClosed }) => isClosed).length >= 744 || undefined;
    });
    expect(silent.slice(-200).filter(({ isClosed }) => isClosed)).toEqual([]);
    expect(open(server) - before).toBeLessThanOrEqual(256);
    expect(ownMemory(server.pid) - memory).toBeLessThan(8 << 20);
    expect(server.log).toMatch(/OVERLOADED.*makes way|makes way.*OVERLOADED/);
    silent.forEach((client) => client.end());
    await until('all are gone', () => open(server) === before || undefined);
  });

  test.skipIf(!oursOnly)(
    'that have spoken stay, and past their number newcomers are refused',
    async ({ ground }) => {
      const server = await ground.anotherServer('server', {
        flags: ['--connections=4', '--connections-kept=2'],
      });
      // The test's own connection is the first.
      const spoken = [server.connection];
      for (let n = 1; n < 6; n++) spoken.push(await server.connect());
      ground.endsFirst(() => spoken.slice(1).forEach((connection) => void connection.close()));
      const refused = await RawClient.connect(server.socketPath);
      await refused.closed();
      await expect(server.connect()).rejects.toThrow();
      expect(server.log).toMatch(/a connection is refused code=OVERLOADED open=6/);
      for (const { conmon } of spoken) await conmon.version({ request: {} });

      await spoken.pop()?.close();
      const next = await until('there is room again', () => server.connect().catch(() => undefined));
      spoken.push(next);
      await next.conmon.version({ request: {} });
    },
  );

  test.skipIf(!oursOnly)('have so many calls in flight, and no call more', async ({ ground }) => {
    const server = await ground.anotherServer('server', { flags: ['--calls-per-connection=8'] });
    const container = await ground.runHealthy({ server });
    const busy = await server.connect();
    ground.endsFirst(() => void busy.close());
    const { id } = container;
    const abort = new AbortController();
    const wait = () =>
      busy.podherd.waitContainer({ id, until: 'exited', timeoutMillis: 60_000 }, { signal: abort.signal });
    const waiting = Array.from({ length: 8 }, wait);
    const ends = waiting.map((call) =>
      call.then(
        () => 'answered',
        () => 'given up',
      ),
    );
    await failure(busy.conmon.version({ request: {} }), 'OVERLOADED', /8 calls/);
    await failure(wait(), 'OVERLOADED', /8 calls/);
    await server.connection.conmon.version({ request: {} });

    abort.abort();
    expect(new Set(await Promise.all(ends))).toEqual(new Set(['given up']));
    await until('there is room again', () => busy.conmon.version({ request: {} }).catch(() => undefined));
    const last = Array.from({ length: 7 }, () =>
      busy.podherd.waitContainer({ id, until: 'exited', timeoutMillis: 60_000 }),
    );
    await busy.conmon.version({ request: {} });
    await container.kill();
    for (const { reached } of await Promise.all(last)) expect(reached).toBe(true);
  });

  test('go on when the server can accept no more, and others come in later', async ({ ground }) => {
    // Case 86: the server ended when accept failed.
    const server = await ground.server();
    const healthy = await ground.runHealthy();
    const before = server.snapshot();
    await output('prlimit', ['--pid', String(server.pid), `--nofile=${descriptors(server.pid).length}:`]);
    const waiting = await Promise.all(Array.from({ length: 3 }, () => RawClient.connect(server.socketPath)));
    ground.endsFirst(() => waiting.forEach((client) => client.end()));
    const newcomer = server.connect();
    if (oursOnly) await until('accept fails', () => /could not be accepted/.test(server.log) || undefined);
    for (let n = 0; n < 20; n++) await server.connection.conmon.version({ request: {} });
    await output('prlimit', ['--pid', String(server.pid), '--nofile=1024:']);
    const { conmon } = await within('the newcomer', newcomer);
    await conmon.version({ request: {} });
    await (await newcomer).close();
    expect((await healthy.exec(['workload', 'exit', '3'])).exitCode).toBe(3);
    waiting.forEach((client) => client.end());
    await ground.expectNothingLeft(before);
  });

  test.skipIf(!oursOnly)(
    'are closed when their client never says that it has its answers',
    async ({ ground }) => {
      const server = await ground.anotherServer('server', { flags: ['--calls-per-connection=4'] });
      // Message { bootstrap = { questionId = n } }, never followed by its Finish (rpc.capnp).
      const bootstrap = (question: number): Buffer => {
        const bytes = Buffer.alloc(48);
        [0, 5, 0, 0x0001_0001, 8, 0, 0, 0x0001_0001, question].forEach((number, index) =>
          bytes.writeUInt32LE(number, index * 4),
        );
        return bytes;
      };
      const patient = await RawClient.connect(server.socketPath);
      const endless = await RawClient.connect(server.socketPath);
      ground.endsFirst(() => [patient, endless].forEach((client) => client.end()));
      for (let n = 0; n < 8; n++) patient.send(bootstrap(n));
      for (let n = 0; n < 9; n++) endless.send(bootstrap(n));
      await endless.closed();
      expect(server.log).toMatch(/the client has 9 calls open, 8 are allowed/);
      await server.connection.conmon.version({ request: {} });
      expect(patient.isClosed).toBe(false);
    },
  );
});

forEachRuntime('a client that does not read its answers', (test) => {
  /** A connection whose answers can be held up. */
  async function through(proxyPath: string, server: TestServer, end: (work: () => void) => void) {
    const proxy = await Proxy.listen(proxyPath, server.socketPath);
    const connection = await Connection.open(proxy.path);
    end(() => {
      proxy.end();
      void connection.close();
    });
    return { proxy, connection };
  }

  test.skipIf(!oursOnly)('is not read either, and then closed', async ({ ground }) => {
    const flags = ['--unread-bytes=65536', '--unread-timeout=0.5'];
    const server = await ground.anotherServer('server', { flags });
    const healthy = await ground.runHealthy({ server });
    const memory = ownMemory(server.pid);
    const { proxy, connection } = await through(ground.path('proxy'), server, (work) =>
      ground.endsFirst(work),
    );
    proxy.hold();
    const calls = Array.from({ length: 2_000 }, () =>
      connection.conmon.version({ request: { verbose: true } }).then(
        () => 'answered',
        () => 'closed',
      ),
    );
    await until(
      'it is closed',
      () => /taken nothing of its answers.*OVERLOADED/.test(server.log) || undefined,
    );
    expect(ownMemory(server.pid) - memory).toBeLessThan(24 << 20);
    expect((await healthy.exec(['true'])).exitCode).toBe(0);
    proxy.end();
    expect(await Promise.all(calls)).toContain('closed');
  });

  test('for a while gets all of them, large ones too', async ({ ground }) => {
    const server = await ground.server();
    const healthy = await ground.runHealthy();
    const { proxy, connection } = await through(ground.path('proxy'), server, (work) =>
      ground.endsFirst(work),
    );
    proxy.hold();
    const bytes = 4 << 20;
    const execs = Array.from({ length: 6 }, () =>
      healthy.exec(['workload', 'print', 'stdout', String(bytes)], { connection }),
    );
    const small = Array.from({ length: 200 }, () =>
      connection.conmon.version({ request: { verbose: true } }),
    );
    // Others are served meanwhile.
    for (let n = 0; n < 5; n++) expect((await healthy.exec(['true'])).exitCode).toBe(0);
    proxy.release();
    for (const { exitCode, stdout } of await within('the answers', Promise.all(execs))) {
      expect([exitCode, stdout.length]).toEqual([0, bytes]);
    }
    expect((await Promise.all(small)).length).toBe(200);
  });

  test.skipIf(!oursOnly)('holds up no shutdown', async ({ ground }) => {
    const server = await ground.server();
    const { proxy, connection } = await through(ground.path('proxy'), server, (work) => ground.onEnd(work));
    proxy.hold();
    const calls = Array.from({ length: 1_000 }, () =>
      connection.conmon.version({ request: { verbose: true } }).catch(() => undefined),
    );
    await server.connection.conmon.version({ request: {} });
    expect(await server.stop()).toEqual([]);
    expect(server.log).not.toMatch(/not everything could be ended in time/);
    proxy.end();
    await Promise.all(calls);
  });
});
