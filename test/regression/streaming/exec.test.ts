import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

import { AttachClient } from '../../support/attach-client.js';
import { channels, ChannelSocket } from '../../support/channel-socket.js';
import { failure } from '../../support/failure.js';
import { descendants, processEntry } from '../../support/processes.js';
import { execUrl, streamingServer } from '../../support/streaming.js';
import { forEachRuntime, oursOnly } from '../../support/suite.js';
import { inParallel, until } from '../../support/until.js';

const { stdin, stdout, stderr, resize } = channels;

forEachRuntime('exec over WebSocket', (test) => {
  test('gives output, exit code and both streams by themselves', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const url = await execUrl(connection, healthy, ['sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/exec\/[\w-]+$/);
    const session = await ChannelSocket.open(url);
    const status = await session.end();
    expect(session.data(stdout).toString()).toBe('out\n');
    expect(session.data(stderr).toString()).toBe('err\n');
    expect(status).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode' });
    expect(status.details?.causes).toEqual([{ reason: 'ExitCode', message: '7' }]);
    expect((await session.closed).code).toBe(1000);
  });

  for (const protocol of ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io', '']) {
    test.skipIf(!oursOnly && !protocol.startsWith('v5'))(
      `tells success over ${protocol === '' ? 'no protocol at all' : protocol}`,
      async ({ ground }) => {
        const { connection } = await streamingServer(ground);
        const healthy = await ground.runHealthy();
        const url = await execUrl(connection, healthy, ['sh', '-c', 'read line; echo "got $line"']);
        const session = await ChannelSocket.open(url, protocol);
        expect(session.socket.protocol).toBe(protocol);
        await session.send(stdin, 'this\n');
        expect(await session.end()).toMatchObject({ status: 'Success' });
        expect(session.data(stdout).toString()).toBe('got this\n');
      },
    );
  }

  test('hands the end of stdin on, and the output that follows it arrives', async ({ ground }) => {
    // Case 83: the close of stdin was taken for the end of the session, and `cat` stayed for ever.
    const server = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    await healthy.exec(['true']);
    const before = server.snapshot();
    const session = await ChannelSocket.open(
      await execUrl(server.connection, healthy, ['sh', '-c', 'cat; echo after']),
    );
    await session.send(stdin, 'piped\n\0binary');
    await session.closeChannel(stdin);
    expect(await session.end()).toMatchObject({ status: 'Success' });
    expect(session.data(stdout).toString()).toBe('piped\n\0binaryafter\n');
    await ground.expectNothingLeft(before);
  });

  test('without stdin has the command read an end of file', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const url = await execUrl(connection, healthy, ['cat'], { stdin: false });
    expect(await (await ChannelSocket.open(url)).end()).toMatchObject({ status: 'Success' });
  });

  test('sends no stream that was not asked for', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const url = await execUrl(connection, healthy, ['sh', '-c', 'echo out; echo err >&2'], { stdout: false });
    const session = await ChannelSocket.open(url);
    await session.end();
    expect(session.data(stdout).length).toBe(0);
    expect(session.data(stderr).toString()).toBe('err\n');
  });

  test('has a terminal of the size that the client says', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const url = await execUrl(connection, healthy, ['workload', 'size-on-change'], { tty: true });
    const session = await ChannelSocket.open(url);
    await session.until(stdout, (text) => text.includes('ready'));
    await session.send(resize, JSON.stringify({ Width: 123, Height: 40 }));
    expect(await session.end()).toMatchObject({ status: 'Success' });
    expect(session.data(stdout).toString()).toBe('ready\r\n40 123\r\n');
  });

  test('ignores what makes no sense from a client', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const session = await ChannelSocket.open(await execUrl(connection, healthy, ['cat']));
    session.socket.send('');
    session.socket.send(Buffer.of());
    await session.send(resize, 'no JSON');
    await session.send(resize, JSON.stringify({ Width: 70_000, Height: -1 }));
    await session.send(stdout, 'not mine to send');
    await session.send(77, 'no such channel');
    await session.closeChannel(stdout);
    await session.send(stdin, 'through');
    await session.closeChannel(stdin);
    expect(await session.end()).toMatchObject({ status: 'Success' });
    expect(session.data(stdout).toString()).toBe('through');
  });

  test('tells of a command that does not exist', async ({ ground }) => {
    const server = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    await healthy.exec(['true']);
    const before = server.snapshot();
    const session = await ChannelSocket.open(await execUrl(server.connection, healthy, ['nowhere']));
    const status = await session.end();
    expect(status).toMatchObject({ status: 'Failure', reason: 'InternalError', code: 500 });
    if (oursOnly) expect(status.message).toMatch(/^COMMAND_NOT_FOUND: .*nowhere/s);
    await ground.expectNothingLeft(before);
  });

  test('is refused for what can not have one', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    await failure(execUrl(connection, 'stranger', ['true']), 'CONTAINER_NOT_FOUND', /stranger/);
    const ended = await ground.run({ args: ['workload', 'exit', '0'] });
    await ended.exit();
    await failure(execUrl(connection, ended, ['true']), 'CONTAINER_NOT_RUNNING');
    const healthy = await ground.runHealthy();
    await failure(execUrl(connection, healthy, []), 'INVALID_ARGUMENT', /command/);
    await failure(execUrl(connection, healthy, ['']), 'INVALID_ARGUMENT', /command/);
  });

  test('of a container that has ended since is told so', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const url = await execUrl(connection, healthy, ['true']);
    await healthy.kill();
    await healthy.exit();
    const session = await ChannelSocket.open(url);
    expect((await session.end()).message).toMatch(/CONTAINER_NOT_RUNNING/);
  });

  for (const [how, leave] of [
    ['closes', (session: ChannelSocket) => session.socket.close()],
    ['vanishes', (session: ChannelSocket) => session.socket.terminate()],
  ] as const) {
    test(`ends its command with all that came of it when the client ${how}`, async ({ ground }) => {
      const server = await streamingServer(ground);
      const healthy = await ground.runHealthy();
      await healthy.exec(['true']);
      const before = server.snapshot();
      const command = ['workload', 'orphan', 'forever', 'quiet', 'then', 'ignore-term', 'then', 'pause'];
      const session = await ChannelSocket.open(await execUrl(server.connection, healthy, command));
      await until('the command runs', () => (running(server.pid) >= 2 ? true : undefined));
      leave(session);
      await ground.expectNothingLeft(before);
      expect(processEntry(healthy.pid)?.state).not.toBe('Z');
    });
  }

  test('ends its command when the client vanishes while the command takes no input', async ({ ground }) => {
    const server = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    await healthy.exec(['true']);
    const before = server.snapshot();
    const session = await ChannelSocket.open(
      await execUrl(server.connection, healthy, ['workload', 'pause']),
    );
    // More than all buffers hold: the server has stopped reading.
    for (let n = 0; n < 32; n++) session.socket.send(Buffer.alloc(1 << 20));
    await until('the command runs', () => (running(server.pid) >= 2 ? true : undefined));
    session.socket.terminate();
    await ground.expectNothingLeft(before);
  });

  test('undoes what the runtime has begun when the client vanishes before the command runs', async ({
    ground,
  }) => {
    const odd = ground.odd([{ subcommand: 'exec', steps: ['hang'] }]);
    const server = await ground.server({ runtime: odd.path, flags: ['--streaming-token-timeout=2'] });
    const healthy = await ground.runHealthy();
    const before = server.snapshot();
    const session = await ChannelSocket.open(await execUrl(server.connection, healthy, ['true']));
    await until('the runtime runs', () =>
      descendants(server.pid).some(({ pid }) => pid !== healthy.pid) ? true : undefined,
    );
    session.socket.terminate();
    await ground.expectNothingLeft(before);
  });

  test('answers pings while it waits for the command', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const session = await ChannelSocket.open(await execUrl(connection, healthy, ['cat']));
    const answer = new Promise<string>((resolve) =>
      session.socket.on('pong', (data: Buffer) => resolve(data.toString())),
    );
    session.socket.ping('there?');
    expect(await answer).toBe('there?');
    await session.closeChannel(stdin);
    await session.end();
  });

  test('can be attached to by its token while it runs', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const url = await execUrl(connection, healthy, ['sh', '-c', 'read line; echo "got $line"; read end']);
    const session = await ChannelSocket.open(url);
    const execSessionId = url.slice(url.lastIndexOf('/') + 1);
    const socketPath = ground.path('exec.sock');
    // The command is found once the runtime has started it.
    await until('the attach socket is there', () =>
      healthy.listen(socketPath, { execSessionId }).then(
        () => true,
        () => undefined,
      ),
    );
    const client = await AttachClient.connect(socketPath);
    client.write('from the attach socket\n');
    await session.until(stdout, (text) => text === 'got from the attach socket\n');
    await session.send(stdin, '\n');
    expect(await session.end()).toMatchObject({ status: 'Success' });
    const { code, stdout: attached } = await client.end();
    expect([code, attached.toString()]).toEqual([0, 'got from the attach socket\n']);
  });

  for (const pace of ['quick', 'slow'] as const) {
    test(
      `carries 64 MiB both ways, byte for byte, for a ${pace} reader`,
      { timeout: 300_000 },
      async ({ ground }) => {
        const { connection } = await streamingServer(ground);
        const healthy = await ground.runHealthy();
        const sent = randomBytes(64 << 20);
        const session = await ChannelSocket.open(await execUrl(connection, healthy, ['cat']));
        const pausing =
          pace === 'slow'
            ? setInterval(() => {
                if (session.socket.isPaused) session.socket.resume();
                else session.socket.pause();
              }, 25)
            : undefined;
        try {
          for (let at = 0; at < sent.length; at += 100_000)
            await session.send(stdin, sent.subarray(at, at + 100_000));
          await session.closeChannel(stdin);
          expect(await session.end(240_000)).toMatchObject({ status: 'Success' });
        } finally {
          clearInterval(pausing);
        }
        expect(session.data(stdout).equals(sent)).toBe(true);
      },
    );
  }

  test('holds its command, and no memory, for a client that does not read', async ({ ground }) => {
    const server = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const session = await ChannelSocket.open(
      await execUrl(server.connection, healthy, ['sh', '-c', 'yes | head -c 50000000; echo end >&2']),
    );
    session.socket.pause();
    const rss = (): number => Number(/RssAnon:\s+(\d+)/.exec(statusOf(server.pid))?.[1]);
    const before = rss();
    // Other calls are answered meanwhile.
    for (let n = 0; n < 10; n++) expect((await healthy.exec(['true'])).exitCode).toBe(0);
    expect(rss() - before).toBeLessThan(8 << 10);
    expect(session.data(stderr).length).toBe(0);
    session.socket.resume();
    expect(await session.end()).toMatchObject({ status: 'Success' });
    expect(session.data(stdout).length).toBe(50_000_000);
    expect(session.data(stderr).toString()).toBe('end\n');
  });

  test('many at once have their own streams, and leave nothing', { timeout: 300_000 }, async ({ ground }) => {
    const server = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    await healthy.exec(['true']);
    const url = await execUrl(server.connection, healthy, ['true']);
    await (await ChannelSocket.open(url)).end();
    const before = server.snapshot();
    const wrong = await inParallel(100, 10, async (n) => {
      const command = ['sh', '-c', `cat; exit ${n % 3}`];
      const session = await ChannelSocket.open(await execUrl(server.connection, healthy, command));
      const text = `session ${n}\n`.repeat(1000);
      await session.send(stdin, text);
      await session.closeChannel(stdin);
      const { status } = await session.end();
      const right = status === (n % 3 === 0 ? 'Success' : 'Failure');
      return right && session.data(stdout).toString() === text ? [] : [n];
    });
    expect(wrong.flat()).toEqual([]);
    await ground.expectNothingLeft(before);
  });

  test.skipIf(!oursOnly)('gives back what it took', { timeout: 300_000 }, async ({ ground }) => {
    const server = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const volume = Buffer.alloc(1 << 20, 'x');
    const sessions = (count: number): Promise<void[]> =>
      inParallel(count, 8, async () => {
        const session = await ChannelSocket.open(await execUrl(server.connection, healthy, ['cat']));
        await session.send(stdin, volume);
        await session.closeChannel(stdin);
        expect(await session.end()).toMatchObject({ status: 'Success' });
      });
    const anonymous = (): number => Number(/RssAnon:\s+(\d+)/.exec(statusOf(server.pid))?.[1]);
    // The first ones find out how much the allocator keeps.
    await sessions(30);
    const before = anonymous();
    await sessions(80);
    // The allocator may keep a message's worth, which is one for all of them.
    await until('the memory is given back', () => (anonymous() - before < 2 << 10 ? true : undefined));
  });
});

/** Programs of containers and execs that run under the server. */
function running(server: number): number {
  return descendants(server).filter(({ name }) => name === 'workload').length;
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8');
}
