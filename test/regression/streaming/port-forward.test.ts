import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';

import { ChannelSocket, refusedHandshake } from '../../support/channel-socket.js';
import type { TestContainer } from '../../support/container.js';
import { failure } from '../../support/failure.js';
import type { Ground } from '../../support/ground.js';
import { portForwardUrl, streamingServer } from '../../support/streaming.js';
import { forEachRuntime, oursOnly } from '../../support/suite.js';
import { Tunnel } from '../../support/tunnel.js';
import { inParallel, until, within } from '../../support/until.js';

const v4 = 'v4.channel.k8s.io';
const base64 = 'v4.base64.channel.k8s.io';

/** A container of which the network namespace has servers at ports of both families. */
async function withServers(ground: Ground): Promise<{ container: TestContainer; netNs: string }> {
  const args = ['tcp-server', 'echo=127.0.0.1:7001', 'echo=[::1]:7002', 'count=127.0.0.1:7003'];
  args.push('early=127.0.0.1:7004', 'close=127.0.0.1:7005', 'reset=127.0.0.1:7006', 'deaf=127.0.0.1:7007');
  args.push('flood=127.0.0.1:7008');
  const container = await ground.run({ args });
  await until('the servers listen', () => container.logRecords().find(({ text }) => text === 'ready'));
  return { container, netNs: `/proc/${container.pid}/ns/net` };
}

const open = Buffer.from([0x59, 0x1b]); // 7001, the low byte first.

forEachRuntime('port-forward over WebSocket', (test) => {
  for (const protocol of [v4, base64, '']) {
    test.skipIf(!oursOnly)(
      `carries several ports of both families over ${protocol === '' ? 'no protocol at all' : protocol}`,
      async ({ ground }) => {
        // Case 59: it panicked the whole server.
        const { connection } = await streamingServer(ground);
        const { netNs } = await withServers(ground);
        const url = await portForwardUrl(connection, netNs);
        const session = await ChannelSocket.open(`${url}?port=7001&port=7002,7005`, protocol);
        await session.send(0, 'over IPv4');
        await session.send(2, 'over IPv6\0');
        await session.until(0, (text) => text === `${open.toString('latin1')}over IPv4`);
        await session.until(2, (text) => text === '\x5a\x1bover IPv6\0');
        await session.until(4, (text) => text === '\x5d\x1bbye');
        for (const channel of [1, 3, 5]) expect(session.data(channel).length, `${channel}`).toBe(2);
        session.socket.close();
        await within('the close', session.closed);
      },
    );
  }

  test.skipIf(!oursOnly)('tells which port nobody answers at, and serves the others', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const { netNs } = await withServers(ground);
    const url = await portForwardUrl(connection, netNs);
    const session = await ChannelSocket.open(`${url}?port=9&port=7001`, v4);
    const text = await session.until(1, (error) => error.length > 2);
    expect(text.slice(2)).toMatch(/^port 9 of the pod .*127\.0\.0\.1: .*refused.*\[::1\]: .*refused/);
    await session.send(2, 'still here');
    await session.until(2, (data) => data.endsWith('still here'));
    session.socket.close();
    await within('the close', session.closed);
  });

  test.skipIf(!oursOnly)('ends when all connections of a session have ended', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const { netNs } = await withServers(ground);
    const url = await portForwardUrl(connection, netNs);
    const session = await ChannelSocket.open(`${url}?port=7005&port=9`, v4);
    expect((await within('the close', session.closed)).code).toBe(1000);
    expect(session.data(0).toString('latin1')).toBe('\x5d\x1bbye');
  });

  test.skipIf(!oursOnly)('delivers what a client had sent before it closed', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const { container, netNs } = await withServers(ground);
    const url = await portForwardUrl(connection, netNs);
    const session = await ChannelSocket.open(`${url}?port=7003`, v4);
    const sent = Buffer.alloc(500_000, 1);
    await session.send(0, sent);
    session.socket.close();
    await until('the bytes are counted', () =>
      container.logRecords().find(({ text }) => text === 'count: 500000 500000'),
    );
  });

  test.skipIf(!oursOnly)('is refused without ports, and for what is no namespace', async ({ ground }) => {
    const server = await streamingServer(ground);
    const { netNs } = await withServers(ground);
    const { connection } = server;
    const url = await portForwardUrl(connection, netNs);
    for (const query of ['', '?port=', '?port=0', '?port=http', '?port=70000', `?port=${'1,'.repeat(40)}1`])
      expect((await refusedHandshake(url + query, { protocols: [v4] })).code, query).toBe(400);
    expect((await refusedHandshake(`${url}?port=1`, { protocols: ['v5.channel.k8s.io'] })).code).toBe(400);
    await failure(portForwardUrl(connection, ''), 'INVALID_ARGUMENT', /netNsPath/);
    await failure(portForwardUrl(connection, 'relative/path'), 'INVALID_ARGUMENT', /netNsPath/);
    await failure(portForwardUrl(connection, '/nowhere'), 'INVALID_ARGUMENT', /nowhere.*No such file/);
    await failure(
      portForwardUrl(connection, '/proc/self/ns/uts'),
      'INVALID_ARGUMENT',
      /not a network namespace/,
    );
    await failure(portForwardUrl(connection, '/etc/hostname'), 'INVALID_ARGUMENT', /not a network namespace/);
  });

  test.skipIf(!oursOnly)('is told when the namespace has gone since', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const { container, netNs } = await withServers(ground);
    const url = await portForwardUrl(connection, netNs);
    await container.kill();
    await container.exit();
    const refused = await refusedHandshake(`${url}?port=7001`, { protocols: [v4] });
    expect(refused.code).toBe(500);
    expect(refused.body.message).toContain(netNs);
  });
});

forEachRuntime('port-forward in a SPDY tunnel', (test) => {
  async function tunnelTo(ground: Ground): Promise<{ tunnel: Tunnel; container: TestContainer }> {
    const { connection } = await streamingServer(ground);
    const { container, netNs } = await withServers(ground);
    return { tunnel: await Tunnel.open(await portForwardUrl(connection, netNs)), container };
  }

  test.skipIf(!oursOnly)('carries connections of both families, with half-closes', async ({ ground }) => {
    const { tunnel } = await tunnelTo(ground);
    for (const port of [7001, 7002]) {
      const { data, error } = await tunnel.connect(port);
      await data.write(Buffer.from('first '));
      await data.until('the echo', (stream) => stream.data.toString() === 'first ');
      await data.write(Buffer.from('last'));
      await data.finish();
      expect((await data.all()).toString()).toBe('first last');
      expect((await error.all()).length).toBe(0);
    }
    await tunnel.close();
  });

  test.skipIf(!oursOnly)('hands on the end of either way while the other goes on', async ({ ground }) => {
    const { tunnel, container } = await tunnelTo(ground);
    const bytes = Buffer.alloc(3_000_000, 2);
    const count = await tunnel.connect(7003);
    for (let at = 0; at < bytes.length; at += 100_000)
      await count.data.write(bytes.subarray(at, at + 100_000));
    expect(count.data.ended).toBe(false);
    await count.data.finish();
    expect((await count.data.all()).toString()).toBe('3000000 6000000');
    expect((await count.error.all()).length).toBe(0);

    const early = await tunnel.connect(7004);
    expect((await early.data.all()).toString()).toBe('bye');
    expect(early.error.ended).toBe(false);
    for (let at = 0; at < bytes.length; at += 100_000)
      await early.data.write(bytes.subarray(at, at + 100_000));
    await early.data.finish();
    expect((await early.error.all()).length).toBe(0);
    await until('the bytes are counted', () =>
      container.logRecords().find(({ text }) => text === 'early: 3000000 6000000'),
    );
    await tunnel.close();
  });

  test.skipIf(!oursOnly)(
    'carries 8 connections of 16 MiB each way at once, byte for byte',
    { timeout: 300_000 },
    async ({ ground }) => {
      const { tunnel } = await tunnelTo(ground);
      const wrong = await inParallel(8, 8, async (n) => {
        const sent = randomBytes(16 << 20);
        const { data, error } = await tunnel.connect(n % 2 === 0 ? 7001 : 7002);
        for (let at = 0; at < sent.length; at += 32_768) await data.write(sent.subarray(at, at + 32_768));
        await data.finish();
        const received = await data.all();
        expect((await error.all()).length).toBe(0);
        return received.equals(sent) ? [] : [`${n}: ${received.length} bytes`];
      });
      expect(wrong.flat()).toEqual([]);
      await tunnel.close();
    },
  );

  test.skipIf(!oursOnly)('tells that nobody answers, and serves the others', async ({ ground }) => {
    const { tunnel } = await tunnelTo(ground);
    const here = await tunnel.connect(7001);
    const refused = await tunnel.connect(9);
    expect((await refused.error.all()).toString()).toMatch(/^port 9 of the pod can't be reached/);
    expect((await refused.data.all()).length).toBe(0);
    await here.data.write(Buffer.from('still here'), true);
    expect((await here.data.all()).toString()).toBe('still here');
    await tunnel.close();
  });

  test.skipIf(!oursOnly)(
    'passes a reset on in both directions, to one connection alone',
    async ({ ground }) => {
      const { tunnel, container } = await tunnelTo(ground);
      const here = await tunnel.connect(7001);
      const reset = await tunnel.connect(7006);
      await reset.data.write(Buffer.from('x'));
      await reset.data.all();
      expect(reset.data.reset).toBe(5);
      // Clients end the whole session for any text here.
      expect((await reset.error.all()).length).toBe(0);

      const flood = await tunnel.connect(7008);
      await flood.data.until('the first bytes', ({ data }) => data.length > 0);
      await flood.data.cancel();
      expect((await flood.error.all()).length).toBe(0);
      await until('the connection has ended', () =>
        container.logRecords().find(({ text }) => text === 'flood: ended'),
      );
      await here.data.write(Buffer.from('still here'), true);
      expect((await here.data.all()).toString()).toBe('still here');
      await tunnel.close();
    },
  );

  test.skipIf(!oursOnly)('refuses streams that make no sense, and answers pings', async ({ ground }) => {
    const { tunnel } = await tunnelTo(ground);
    for (const headers of [
      {},
      { streamtype: 'data' },
      { streamtype: 'stdin', port: '7001' },
      { streamtype: 'data', port: '0' },
    ]) {
      expect((await tunnel.stream(headers as Record<string, string>)).reset).toBe(3);
    }
    const first = { streamtype: 'error', port: '7001', requestid: 'twice' };
    expect((await tunnel.stream(first)).reset).toBe(undefined);
    expect((await tunnel.stream(first)).reset).toBe(3);
    await tunnel.ping(1);
    await tunnel.ping(3);
    const { data } = await tunnel.connect(7005);
    expect((await data.all()).toString()).toBe('bye');
    await tunnel.close();
  });

  test.skipIf(!oursOnly)('pairs the streams of clients that send no request id', async ({ ground }) => {
    const { tunnel } = await tunnelTo(ground);
    const error = await tunnel.stream({ streamtype: 'error', port: '7005' });
    const data = await tunnel.stream({ streamtype: 'data', port: '7005' });
    expect((await data.all()).toString()).toBe('bye');
    await data.finish();
    expect((await error.all()).length).toBe(0);
    await tunnel.close();
  });

  test.skipIf(!oursOnly)(
    'ends when the client said that it leaves, and all streams have ended',
    async ({ ground }) => {
      const { tunnel } = await tunnelTo(ground);
      const { data, error } = await tunnel.connect(7001);
      await tunnel.leave();
      await data.write(Buffer.from('last words'), true);
      expect((await data.all()).toString()).toBe('last words');
      expect((await error.all()).length).toBe(0);
      expect(await within('the close', tunnel.closed)).toBe(1000);
    },
  );

  test.skipIf(!oursOnly)('ends with a reason when the client speaks something else', async ({ ground }) => {
    const { tunnel } = await tunnelTo(ground);
    await tunnel.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    // The letters are a data frame of a stream that nobody opened, of any length: no fault yet.
    await tunnel.send(Buffer.alloc(8 << 20));
    await within('the close', tunnel.closed);
  });

  test.skipIf(!oursOnly)(
    'ends everything when the client vanishes, or the server ends',
    async ({ ground }) => {
      const server = await streamingServer(ground);
      const { netNs } = await withServers(ground);
      const before = server.snapshot();
      for (const leave of ['vanish', 'vanish while stuck'] as const) {
        const tunnel = await Tunnel.open(await portForwardUrl(server.connection, netNs));
        await tunnel.connect(7001);
        const deaf = await tunnel.connect(7007);
        if (leave === 'vanish while stuck')
          for (let n = 0; n < 400; n++) deaf.data.write(Buffer.alloc(100_000)).catch(() => undefined);
        tunnel.socket.terminate();
        await ground.expectNothingLeft(before);
      }
      const tunnel = await Tunnel.open(await portForwardUrl(server.connection, netNs));
      await tunnel.connect(7001);
      const closed = within('the close', tunnel.closed);
      expect(await server.stop()).toEqual([]);
      expect(await closed).toBe(1001);
    },
  );

  test.skipIf(!oursOnly)(
    'opens and ends many connections, one after the other and at once',
    async ({ ground }) => {
      const server = await streamingServer(ground);
      const { netNs } = await withServers(ground);
      const before = server.snapshot();
      const tunnel = await Tunnel.open(await portForwardUrl(server.connection, netNs));
      const wrong = await inParallel(300, 20, async (n) => {
        const { data, error } = await tunnel.connect(7001);
        await data.write(Buffer.from(`connection ${n}`), true);
        const received = (await data.all()).toString();
        await error.all();
        return received === `connection ${n}` ? [] : [`${n}: ${received}`];
      });
      expect(wrong.flat()).toEqual([]);
      await tunnel.close();
      await ground.expectNothingLeft(before);
    },
  );
});
