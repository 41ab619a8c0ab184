import { rmSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

import type { Event } from '../../ts/client/src/generated/podherd.js';
import { AttachClient } from '../support/attach-client.js';
import { channels, ChannelSocket } from '../support/channel-socket.js';
import { answered } from '../support/connection.js';
import { EventLog } from '../support/events.js';
import { attachUrl, execUrl, streamingServer } from '../support/streaming.js';
import { withoutRuntime } from '../support/suite.js';
import { until } from '../support/until.js';

/** Who came, and why each went. */
function clients(log: EventLog): { came: bigint[]; went: [bigint, string][] } {
  const came = log.events.flatMap((event) => (event.which === 'attached' ? [event.attached.clientId] : []));
  const went = log.events.flatMap((event): [bigint, string][] =>
    event.which === 'detached' ? [[event.detached.clientId, String(event.detached.reason)]] : [],
  );
  return { came, went };
}

function losses(log: EventLog): { droppedBytes: bigint; reason: string }[] {
  return log.events.flatMap((event: Event) => (event.which === 'logDropped' ? [event.logDropped] : []));
}

withoutRuntime('the events of streams', (test) => {
  test('tell of attach clients, and why they go', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const container = await ground.run({ args: ['cat'], stdin: true });
    const log = await EventLog.watch(connection);
    const path = ground.path('attach');
    await container.listen(path);
    const leaves = await AttachClient.connect(path);
    await log.told(container.id, 'attached');
    await leaves.kill();
    await log.told(container.id, 'detached');
    const stays = await AttachClient.connect(path);
    await log.told(container.id, 'attached', 2);
    const far = await ChannelSocket.open(await attachUrl(connection, container.id));
    await log.told(container.id, 'attached', 3);
    await container.kill();
    await Promise.all([stays.end(), far.end()]);
    await log.told(container.id, 'detached', 3);
    const { came, went } = clients(log);
    const [first, second, third] = came;
    expect(new Set(came).size).toBe(3);
    expect(went[0]).toEqual([first, 'left']);
    expect(new Map(went.slice(1))).toEqual(
      new Map([
        [second, 'ended'],
        [third, 'ended'],
      ]),
    );
  });

  test('tell of a client that is too slow', async ({ ground }) => {
    const { connection } = await ground.server({ flags: ['--attach-behind-bytes', '65536'] });
    const container = await ground.run({
      args: ['sh', '-c', 'read x; workload print stdout 1000000'],
      stdin: true,
    });
    const log = await EventLog.watch(connection);
    const path = ground.path('attach');
    await container.listen(path);
    const slow = await AttachClient.connect(path, { slowMicros: 200_000 });
    slow.write('go\n');
    await log.told(container.id, 'detached');
    expect(clients(log).went.map(([, reason]) => reason)).toEqual(['behind']);
    await slow.kill();
  });

  test('tell of clients of an exec by its session, and of the exec', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const container = await ground.runHealthy();
    await connection.status(container.id);
    const log = await EventLog.watch(connection);
    const url = await execUrl(connection, container, ['sh', '-c', 'cat; exit 4']);
    const session = await ChannelSocket.open(url);
    await log.told(container.id, 'execStarted');
    const token = answered(url.split('/').at(-1));
    const path = ground.path('attach');
    await container.listen(path, { execSessionId: token });
    const client = await AttachClient.connect(path);
    const attached = await log.told(container.id, 'attached');
    expect(attached).toMatchObject({ attached: { execSessionId: token } });
    await session.closeChannel(channels.stdin);
    await session.end();
    await client.end();
    await log.told(container.id, 'execExited');
    await log.told(container.id, 'detached');
    const ended = log.events.find(({ which }) => which === 'execExited');
    expect(ended).toMatchObject({ execExited: { failure: '', exit: { exitCode: 4 } } });
  });

  test('tell that a log loses output, at once and in the end all of it', async ({ ground }) => {
    const folder = await ground.tmpfs('logs', '64k');
    const { connection } = await ground.server();
    const log = await EventLog.watch(connection);
    const container = await ground.run({
      args: ['sh', '-c', 'workload print stdout 200000; read x; workload print stdout 100000'],
      logPath: `${folder}/log`,
      stdin: true,
    });
    await log.told(container.id, 'logDropped');
    expect(answered(losses(log)[0]).reason).toMatch(/space/);
    expect(answered(losses(log)[0]).droppedBytes).toBeGreaterThan(0n);
    const { id } = container;
    const path = ground.path('attach');
    await container.listen(path);
    const client = await AttachClient.connect(path);
    client.write('go\n');
    await log.told(id, 'exited');
    await client.end();
    const told = losses(log).map(({ droppedBytes }) => droppedBytes);
    expect(told).toEqual([...told].sort((a, b) => Number(a - b)));
    const { droppedLogBytes } = await connection.status(id);
    expect(told.at(-1)).toBe(droppedLogBytes);
    expect(told.length).toBeLessThan(6);
    expect(log.words(id).indexOf('exited')).toBeGreaterThan(log.words(id).lastIndexOf('logDropped'));
  });

  test('tell how much was lost when a log takes output again', async ({ ground }) => {
    const folder = await ground.tmpfs('logs', '128k');
    const { connection } = await ground.server();
    const ballast = `${folder}/ballast`;
    const log = await EventLog.watch(connection);
    const container = await ground.run({ args: ['cat'], logPath: `${folder}/log`, stdin: true });
    const path = ground.path('attach');
    await container.listen(path);
    const client = await AttachClient.connect(path);
    writeFileSync(ballast, Buffer.alloc(100 << 10));
    // More than is left, twice: in a row, and told of at once and not for each.
    for (let n = 0; n < 40; n++) client.write(`${'x'.repeat(4_000)}\n`);
    await log.told(container.id, 'logDropped');
    const lost = async (): Promise<bigint> => (await connection.status(container.id)).droppedLogBytes;
    rmSync(ballast);
    await until('it writes again', async () => {
      const before = await lost();
      client.write('again\n');
      await new Promise((resolve) => setTimeout(resolve, 20));
      return (await lost()) === before && container.logRecords().at(-1)?.text === 'again' ? true : undefined;
    });
    const all = await lost();
    await log.until('all of it', () => (losses(log).at(-1)?.droppedBytes === all ? true : undefined));
    await client.kill();
  });
});
