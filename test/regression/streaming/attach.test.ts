import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';

import { channels, ChannelSocket } from '../../support/channel-socket.js';
import { failure } from '../../support/failure.js';
import { attachUrl, streamingServer } from '../../support/streaming.js';
import { forEachRuntime, oursOnly } from '../../support/suite.js';
import { within } from '../../support/until.js';

const { stdin, stdout, stderr, resize } = channels;

forEachRuntime('attach over WebSocket', (test) => {
  test('hands the end of stdin to the container, and its last output arrives', async ({ ground }) => {
    // Case 84: stdin's end did not reach the container.
    const { connection } = await streamingServer(ground);
    const container = await ground.run({ args: ['sh', '-c', 'cat; echo after; echo err >&2'], stdin: true });
    const session = await ChannelSocket.open(await attachUrl(connection, container.id));
    await session.send(stdin, 'to cat\n');
    await session.closeChannel(stdin);
    expect(await session.end()).toMatchObject({ status: 'Success' });
    expect(session.data(stdout).toString()).toBe('to cat\nafter\n');
    expect(session.data(stderr).toString()).toBe('err\n');
    expect(await container.exit()).toBe(0);
  });

  test('leaves the container and its stdin to others when it ends', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const container = await ground.run({ args: ['cat'], stdin: true });
    for (const [n, leave] of [
      [1, (session: ChannelSocket) => session.socket.close()],
      [2, (session: ChannelSocket) => session.socket.terminate()],
      [3, (session: ChannelSocket) => session.socket.close()],
    ] as const) {
      const session = await ChannelSocket.open(await attachUrl(connection, container.id));
      await session.send(stdin, `client ${n}\n`);
      await session.until(stdout, (text) => text === `client ${n}\n`);
      leave(session);
      await within('the close', session.closed);
    }
    const last = await ChannelSocket.open(await attachUrl(connection, container.id));
    await last.closeChannel(stdin);
    await last.end();
    expect(await container.exit()).toBe(0);
  });

  test('has several clients, each with the streams that it asked for', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const container = await ground.run({ args: ['sh', '-c', 'read x; echo out; echo err >&2'], stdin: true });
    const all = await ChannelSocket.open(await attachUrl(connection, container.id));
    const quiet = await ChannelSocket.open(
      await attachUrl(connection, container.id, { stdin: false, stdout: false }),
    );
    await quiet.send(stdin, 'not asked for\n');
    // Its message has been read once it is answered.
    await pinged(quiet);
    expect(all.data(stdout).length).toBe(0);
    await all.send(stdin, 'go\n');
    await Promise.all([all.end(), quiet.end()]);
    expect(all.data(stdout).toString() + all.data(stderr).toString()).toBe('out\nerr\n');
    expect(quiet.data(stdout).toString() + quiet.data(stderr).toString()).toBe('err\n');
  });

  test('resizes the terminal', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const container = await ground.create({ args: ['workload', 'size-on-change'], terminal: true });
    const session = await ChannelSocket.open(await attachUrl(connection, container.id));
    await container.start();
    await session.until(stdout, (text) => text.includes('ready'));
    await session.send(resize, JSON.stringify({ Width: 91, Height: 17 }));
    await session.end();
    expect(session.data(stdout).toString()).toMatch(/17 91\r\n$/);
  });

  test('carries 64 MiB both ways, byte for byte', { timeout: 300_000 }, async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const container = await ground.run({ args: ['cat'], stdin: true });
    const sent = randomBytes(64 << 20);
    const session = await ChannelSocket.open(await attachUrl(connection, container.id));
    for (let at = 0; at < sent.length; at += 100_000)
      await session.send(stdin, sent.subarray(at, at + 100_000));
    await session.closeChannel(stdin);
    expect(await session.end(240_000)).toMatchObject({ status: 'Success' });
    expect(session.data(stdout).equals(sent)).toBe(true);
  });

  test.skipIf(!oursOnly)('is disconnected, with a reason, when it does not keep up', async ({ ground }) => {
    // Case 47: a slow client neither stalls the container, nor do others lose anything for it.
    const server = await streamingServer(ground);
    // A round for each line of input, and more in all than the buffers of a connection hold.
    const round = 300_000;
    const container = await ground.run({
      args: ['sh', '-c', `while read line; do yes | head -c ${round}; done`],
      stdin: true,
    });
    const slow = await ChannelSocket.open(await attachUrl(server.connection, container.id));
    slow.socket.pause();
    const quick = await ChannelSocket.open(await attachUrl(server.connection, container.id));
    let rounds = 0;
    while (!server.log.includes('ATTACH_CLIENT_BEHIND')) {
      rounds += 1;
      expect(rounds).toBeLessThan(200);
      await quick.send(stdin, '\n');
      await quick.until(stdout, ({ length }) => length === rounds * round);
    }
    slow.socket.resume();
    await within('the end of the slow one', slow.closed);
    expect(slow.data(stdout).length).toBeLessThan(rounds * round);
    await quick.closeChannel(stdin);
    expect(await quick.end()).toMatchObject({ status: 'Success' });
    expect(await container.exit()).toBe(0);
  });

  test('is refused for what has no streams any more', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    await failure(attachUrl(connection, 'stranger'), 'CONTAINER_NOT_FOUND', /stranger/);
    const container = await ground.run({ args: ['workload', 'exit', '0'] });
    await container.exit();
    await failure(attachUrl(connection, container.id), 'CONTAINER_NOT_RUNNING');
  });

  test('gets the last output of a container that ends with the server', async ({ ground }) => {
    const server = await streamingServer(ground);
    const container = await ground.runHealthy();
    const session = await ChannelSocket.open(await attachUrl(server.connection, container.id));
    const left = await server.stop();
    expect(left).toEqual([]);
    await within('the end of the session', session.closed);
  });
});

async function pinged(session: ChannelSocket): Promise<void> {
  const answer = new Promise<void>((resolve) => session.socket.once('pong', () => resolve()));
  session.socket.ping();
  await within('the answer to a ping', answer);
}
