import { createConnection } from 'node:net';
import { expect } from 'vitest';

import { channels, ChannelSocket, refusedHandshake } from '../../support/channel-socket.js';
import { failure } from '../../support/failure.js';
import { attachUrl, execUrl, portForwardUrl, streamingServer } from '../../support/streaming.js';
import { forEachRuntime, oursOnly } from '../../support/suite.js';
import { until, within } from '../../support/until.js';

const upgrade = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n';
const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

forEachRuntime('a request to the streaming server', (test) => {
  test('is good for one use of its token', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const url = await execUrl(connection, healthy, ['cat']);
    const other = await execUrl(connection, healthy, ['true']);
    expect(url).not.toBe(other);
    const session = await ChannelSocket.open(url);
    expect((await refusedHandshake(url)).code).toBe(404);
    await session.closeChannel(channels.stdin);
    await session.end();
    expect((await refusedHandshake(url)).code).toBe(404);
  });

  test('does not use the token up when it is refused', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const url = await execUrl(connection, healthy, ['true']);
    const wrongPath = url.replace('/exec/', '/attach/');
    expect((await refusedHandshake(wrongPath)).code).toBe(404);
    const refused = await refusedHandshake(url, { protocols: ['v1.nonsense', 'v2.nonsense'] });
    expect(refused.code).toBe(400);
    expect(refused.body.message).toContain('v5.channel.k8s.io, v4.channel.k8s.io, v4.base64.channel.k8s.io');
    const foreign = await refusedHandshake(url, { headers: { Origin: 'http://evil.example' } });
    expect(foreign.code).toBe(403);
    expect(foreign.headers.connection).toBe('close');
    const lastTry = await ChannelSocket.open(url);
    expect(await lastTry.end()).toMatchObject({ status: 'Success' });
  });

  for (const [what, request, code, header] of [
    ['another method', `PUT PATH HTTP/1.1\r\n${upgrade}${key}\r\n`, 405, /^Allow: GET, POST$/m],
    ['no upgrade', 'GET PATH HTTP/1.1\r\nHost: x\r\n\r\n', 426, /^Upgrade: websocket$/m],
    [
      'SPDY',
      'POST PATH HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n',
      426,
      /^Upgrade: websocket$/m,
    ],
    [
      'an old WebSocket',
      `GET PATH HTTP/1.1\r\n${upgrade.replace('13', '8')}${key}\r\n`,
      426,
      /^Sec-WebSocket-Version: 13$/m,
    ],
    ['no key', `GET PATH HTTP/1.1\r\n${upgrade}\r\n`, 400, /^Connection: close$/m],
    ['no session', `GET / HTTP/1.1\r\n${upgrade}${key}\r\n`, 404, /^Connection: close$/m],
    [
      'an unknown token',
      `GET /exec/${'0'.repeat(64)} HTTP/1.1\r\n${upgrade}${key}\r\n`,
      404,
      /^Connection: close$/m,
    ],
    ['an empty token', `GET /exec/ HTTP/1.1\r\n${upgrade}${key}\r\n`, 404, /^Connection: close$/m],
    ['a head without end', `GET PATH HTTP/1.1\r\nX: ${'x'.repeat(70_000)}`, 431, /^Connection: close$/m],
    ['too many headers', `GET PATH HTTP/1.1\r\n${'X: y\r\n'.repeat(200)}\r\n`, 431, /^Connection: close$/m],
    ['garbage', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 400, /^Connection: close$/m],
    ['HTTP/1.0', `GET PATH HTTP/1.0\r\n${upgrade}${key}\r\n`, 505, /^Connection: close$/m],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, /^Connection: close$/m],
  ] as const) {
    test.skipIf(!oursOnly)(`with ${what} is answered with ${code}`, async ({ ground }) => {
      const { connection } = await streamingServer(ground);
      const healthy = await ground.runHealthy();
      const url = new URL(await execUrl(connection, healthy, ['true']));
      const answer = await exchange(Number(url.port), request.replace('PATH', url.pathname));
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      expect(head).toMatch(new RegExp(`^HTTP/1.1 ${code} `));
      expect(head.replaceAll('\r', '')).toMatch(header);
      expect(JSON.parse(body)).toMatchObject({ kind: 'Status', status: 'Failure', code });
    });
  }

  test('comes by POST as well', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const url = new URL(await execUrl(connection, healthy, ['true']));
    const answer = await exchange(Number(url.port), `POST ${url.pathname} HTTP/1.1\r\n${upgrade}${key}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
  });

  test.skipIf(!oursOnly)('comes too late when its token has expired', async ({ ground }) => {
    const { connection } = await streamingServer(ground, { tokenSeconds: 0.5 });
    const healthy = await ground.runHealthy();
    const url = await execUrl(connection, healthy, ['true']);
    await new Promise((done) => setTimeout(done, 300));
    // Somebody else's, which keeps the server listening.
    await execUrl(connection, healthy, ['true']);
    await new Promise((done) => setTimeout(done, 300));
    expect((await refusedHandshake(url)).code).toBe(404);
  });

  test.skipIf(!oursOnly)('finds no port open once no token is good any more', async ({ ground }) => {
    const server = await streamingServer(ground, { tokenSeconds: 0.2 });
    const healthy = await ground.runHealthy();
    const { port } = new URL(await execUrl(server.connection, healthy, ['true']));
    await until('the port is closed', async () => {
      const error = await exchange(Number(port), 'GET / HTTP/1.1\r\n\r\n').catch((thrown: Error) => thrown);
      return error instanceof Error ? true : undefined;
    });
    const again = await ChannelSocket.open(await execUrl(server.connection, healthy, ['true']));
    expect(await again.end()).toMatchObject({ status: 'Success' });
  });

  test.skipIf(!oursOnly)('is one of a bounded number', async ({ ground }) => {
    const { connection } = await streamingServer(ground, { flags: ['--streaming-tokens=3'] });
    const healthy = await ground.runHealthy();
    const session = await ChannelSocket.open(await execUrl(connection, healthy, ['cat']));
    await attachUrl(connection, healthy.id);
    await portForwardUrl(connection, `/proc/${healthy.pid}/ns/net`);
    await failure(execUrl(connection, healthy, ['true']), 'OVERLOADED', /streaming-tokens/);
    await session.closeChannel(channels.stdin);
    await session.end();
    // The session's place is free once the server has seen its end.
    await until('there is room', () => execUrl(connection, healthy, ['true']).catch(() => undefined));
  });

  test.skipIf(!oursOnly)('does not wait behind a thousand that say nothing', async ({ ground }) => {
    const { connection } = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    const port = Number(new URL(await execUrl(connection, healthy, ['true'])).port);
    const silent = Array.from({ length: 1000 }, () => createConnection({ port, host: '127.0.0.1' }));
    for (const socket of silent) socket.on('error', () => undefined);
    try {
      // While they are at the bound others are turned away; those that were there first have ten seconds.
      const session = await until('a session', async () => {
        const url = await execUrl(connection, healthy, ['true']).catch(() => undefined);
        return url === undefined ? undefined : ChannelSocket.open(url).catch(() => undefined);
      });
      expect(await session.end()).toMatchObject({ status: 'Success' });
    } finally {
      for (const socket of silent) socket.destroy();
    }
  });

  test.skipIf(!oursOnly)('may not break the protocol of WebSocket', async ({ ground }) => {
    const server = await streamingServer(ground);
    const healthy = await ground.runHealthy();
    await healthy.exec(['true']);
    const before = server.snapshot();
    for (const bytes of [
      Buffer.from('\x82\x01x', 'latin1'), // Without a mask.
      Buffer.from('\xff\x81\0\0\0\0x', 'latin1'), // Reserved bits.
      Buffer.from('\x82\xff\0\0\0\0\xff\xff\xff\xff\0\0\0\0', 'latin1'), // Four gigabytes.
    ]) {
      const url = new URL(await execUrl(server.connection, healthy, ['cat']));
      const answer = await exchange(
        Number(url.port),
        `GET ${url.pathname} HTTP/1.1\r\n${upgrade}${key}\r\n`,
        bytes,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    }
    await ground.expectNothingLeft(before);
  });
});

/** Sends bytes, and gives what was answered until the server has closed the connection, or has said enough. */
async function exchange(port: number, request: string, more?: Buffer): Promise<string> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  const answer = new Promise<string>((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      const first = text === '';
      text += chunk.toString('latin1');
      if (!first || !text.startsWith('HTTP/1.1 101')) return;
      if (more === undefined) resolve(text);
      else socket.write(more);
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
    socket.write(request, 'latin1');
  });
  try {
    return await within('the answer', answer);
  } finally {
    socket.destroy();
  }
}
