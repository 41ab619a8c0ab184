import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

import { AttachClient } from '../support/attach-client.js';
import { channels, ChannelSocket } from '../support/channel-socket.js';
import type { TestContainer } from '../support/container.js';
import type { Ground } from '../support/ground.js';
import { newBase } from '../support/namespaces.js';
import { full, serverBinary } from '../support/paths.js';
import type { TestServer } from '../support/server.js';
import { execUrl, portForwardUrl, streamingServer } from '../support/streaming.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { Tunnel } from '../support/tunnel.js';
import { inParallel, until } from '../support/until.js';

/** Resident memory; of a debug build without the pages of its code, which are many and stay. */
const memoryField = serverBinary.includes('/debug/') ? 'RssAnon' : 'VmRSS';

/** A number of /proc/PID/status. */
function kilobytes(server: TestServer, field: string): number {
  const text = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
}

/** Waits until the server has gone quiet: threads ended, the pages of its code unmapped. */
async function quiet(server: TestServer): Promise<void> {
  await until(
    'its threads have ended',
    () => (kilobytes(server, 'Threads') === 1 ? true : undefined),
    30_000,
  );
  await sleep(1_500);
}

forEachRuntime('a server that has done everything', (test) => {
  const each = full ? 64 << 20 : 8 << 20;

  async function attach(ground: Ground): Promise<void> {
    const container = await ground.create({ args: ['cat'], stdin: true });
    const [inputFile, outputFile] = [ground.path('in'), ground.path('out')];
    writeFileSync(inputFile, randomBytes(each));
    const path = ground.path('attach.sock');
    await container.listen(path, { stopAfterStdinEof: true });
    const client = await AttachClient.connect(path, { inputFile, outputFile });
    await container.start();
    expect((await client.end(240_000)).code).toBe(0);
    expect(readFileSync(outputFile).equals(readFileSync(inputFile))).toBe(true);
    await forget(container);
  }

  async function stream(ground: Ground): Promise<void> {
    const { connection } = await ground.server();
    const container = await ground.runHealthy();
    const sent = randomBytes(each);
    const session = await ChannelSocket.open(await execUrl(connection, container, ['cat']));
    for (let at = 0; at < sent.length; at += 100_000)
      await session.send(channels.stdin, sent.subarray(at, at + 100_000));
    await session.closeChannel(channels.stdin);
    expect(await session.end(240_000)).toMatchObject({ status: 'Success' });
    expect(session.data(channels.stdout).equals(sent)).toBe(true);
    await forget(container);
  }

  async function forward(ground: Ground): Promise<void> {
    const { connection } = await ground.server();
    const container = await ground.run({ args: ['tcp-server', 'echo=127.0.0.1:7001', 'echo=[::1]:7002'] });
    await until('the servers listen', () => container.logRecords().find(({ text }) => text === 'ready'));
    const tunnel = await Tunnel.open(await portForwardUrl(connection, `/proc/${container.pid}/ns/net`));
    await inParallel(8, 8, async (n) => {
      const sent = randomBytes(each / 4);
      const { data } = await tunnel.connect(n % 2 === 0 ? 7001 : 7002);
      for (let at = 0; at < sent.length; at += 32_768) await data.write(sent.subarray(at, at + 32_768));
      await data.finish();
      expect((await data.all()).equals(sent)).toBe(true);
    });
    await tunnel.close();
    await forget(container);
  }

  async function log(ground: Ground): Promise<void> {
    const { connection } = await ground.server();
    const path = ground.path('rotated.log');
    const container = await ground.run({
      args: ['workload', 'print', 'stdout', String(80 * (full ? 200_000 : 50_000))],
      logDrivers: [
        { type: 'containerRuntimeInterface', path, maxSize: 1n << 20n },
        { type: 'json', path: ground.path('rotated.json'), maxSize: 1n << 20n },
      ],
    });
    for (let n = 0, ended = false; !ended; n++) {
      ended = await Promise.race([container.exit(120_000).then(() => true), sleep(10).then(() => false)]);
      if (ended) break;
      try {
        renameSync(path, `${path}.renamed-${n}`);
      } catch {
        continue; // It is being rotated.
      }
      await connection.conmon.reopenLogContainer({ request: { id: container.id } }).catch(() => undefined);
    }
    await forget(container);
  }

  async function calls(ground: Ground): Promise<void> {
    const container = await ground.runHealthy();
    await inParallel(40, 8, async (n) => {
      await container.exec(['workload', 'print', 'stdout', String(n % 4 === 0 ? 16 << 20 : 1_000)]);
      await container.exec(['missing']);
      await ground.create({ args: ['missing'], terminal: n % 2 === 0 }).catch(() => undefined);
    });
    await forget(container);
  }

  async function forget(container: TestContainer): Promise<void> {
    await container.kill();
    await container.exit();
    await container.delete();
    if (oursOnly) await container.forget();
  }

  async function everything(ground: Ground): Promise<void> {
    for (const part of [attach, stream, forward, log, calls]) await part(ground);
  }

  test.skipIf(!oursOnly)(
    'has the memory and the descriptors that it had when it began',
    { timeout: 600_000 },
    async ({ ground }) => {
      const server = await streamingServer(ground);
      await server.connection.conmon.createNamespaces({
        request: { namespaces: ['ipc', 'net', 'pid', 'uts'], basePath: newBase(ground), podId: 'pod' },
      });
      await quiet(server);
      const [memory, before] = [kilobytes(server, memoryField), server.snapshot()];
      await everything(ground);
      await quiet(server);
      const growth = kilobytes(server, memoryField) - memory;
      console.log(`resident memory: ${memory} kB at first, ${growth} kB more afterwards`);
      expect(growth).toBeLessThan(1024);
      await ground.expectNothingLeft(before);
      // The pod's namespaces last as long as the server.
      expect(await server.stop()).toEqual([]);
      for (const name of ['in', 'out']) rmSync(ground.path(name));
    },
  );
});
