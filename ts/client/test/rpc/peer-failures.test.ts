import { expect, test } from 'vitest';
import { Session } from '../../src/rpc/session.js';
import { echoCaller, echoServer, METHODS } from './echo.js';
import { listen, type Peer, RawConnection, rpc, serve, serveRaw } from './peer.js';

test('calls in flight reject at once when the server is gone, and calls after it are not sent', async () => {
  await using peer = await serve(echoServer());
  const session = await Session.connect(peer.path);
  const caller = echoCaller(session);
  const calls = [1, 2, 3].map(() => caller.call(METHODS.sleep, { millis: 60_000 }));
  const unawaited = caller.call(METHODS.sleep, { millis: 60_000 });
  unawaited.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 20));
  peer.kill();
  for (const call of calls) {
    await expect(call).rejects.toMatchObject({
      code: 'CONNECTION_CLOSED',
      disconnected: true,
      outcomeUnknown: true,
    });
  }
  await expect(caller.call(METHODS.echo, {})).rejects.toMatchObject({
    code: 'CONNECTION_CLOSED',
    outcomeUnknown: false,
  });
  expect(session.counts).toEqual({ open: 0, queued: 0 });
  expect(await session.closed()).toMatchObject({ code: 'CONNECTION_CLOSED' });
});

test('nobody listening is an error that keeps its cause', async () => {
  await expect(Session.connect('/nonexistent/podherd.sock')).rejects.toMatchObject({
    code: 'CONNECTION_FAILED',
    message: expect.stringContaining('/nonexistent/podherd.sock'),
    cause: expect.objectContaining({ code: 'ENOENT' }),
  });
});

test.each([
  [rpc.Exception_Type.FAILED, 'SERVER_ERROR', 'something broke'],
  [rpc.Exception_Type.OVERLOADED, 'OVERLOADED', 'too much'],
  [rpc.Exception_Type.DISCONNECTED, 'CONNECTION_CLOSED', 'lost'],
  [rpc.Exception_Type.UNIMPLEMENTED, 'UNIMPLEMENTED', 'no such method'],
  [rpc.Exception_Type.FAILED, 'CONTAINER_NOT_FOUND', 'CONTAINER_NOT_FOUND: no container web'],
  [rpc.Exception_Type.OVERLOADED, 'OVERLOADED', 'remote exception: OVERLOADED: 8192 calls in flight'],
  [rpc.Exception_Type.FAILED, 'SERVER_ERROR', 'NEVER_HEARD_OF_IT: what'],
])('an exception of kind %i becomes %s', async (kind, code, reason) => {
  await using peer = await serveRaw((message, connection) => {
    if (message.isCall()) connection.answerException(message.getCall().getQuestionId(), kind, reason);
  });
  const session = await Session.connect(peer.path);
  await expect(echoCaller(session).call(METHODS.echo, {})).rejects.toMatchObject({ code });
  expect(session.counts.open).toBe(0);
  await session.close();
});

const ENDINGS: [string, (connection: RawConnection) => void][] = [
  [
    'says that it does not know a message',
    (connection) =>
      connection.send((message) => void message.initUnimplemented().initCall().setQuestionId(1)),
  ],
  ['sends a message of an unknown kind', (connection) => connection.send((message) => setKind(message, 99))],
  [
    'sends a message of level 3',
    (connection) => connection.send((message) => void message.initProvide().setQuestionId(1)),
  ],
  [
    'aborts the connection',
    (connection) => connection.send((message) => message.initAbort().setReason('protocol bug')),
  ],
  ['sends garbage', (connection) => connection.socket.write(Buffer.alloc(64, 0xff))],
  [
    'promises a message past the limit',
    (connection) => connection.socket.write(Buffer.from([0, 0, 0, 0, 0, 0, 0, 0x7f])),
  ],
  [
    'answers with a struct that lies outside of its message',
    (connection) => connection.socket.write(Buffer.from('0000000001000000fcffff7f01000100', 'hex')),
  ],
  [
    'answers with capabilities that cannot be read',
    (connection) =>
      connection.send((message) => {
        const answer = message.initReturn();
        answer.setAnswerId(1);
        const { segment, byteOffset } = answer.initResults().getContent();
        // The pointer behind the content's is the table's: let it lead far out of the message.
        segment.setUint32(byteOffset + 8, (0x7fffff << 2) | 1);
        segment.setUint32(byteOffset + 12, (1_000 << 3) | 7);
      }),
  ],
  [
    'closes in the middle of a message',
    (connection) => connection.socket.end(Buffer.from([0, 0, 0, 0, 9, 0])),
  ],
];

test.each(ENDINGS)(
  'a server that %s rejects what is in flight and ends the connection',
  async (_, misbehave) => {
    const complaints: unknown[] = [];
    const original = console.error;
    console.error = (...args: unknown[]) => complaints.push(args);
    try {
      await using peer = await serveRaw((message, connection) => {
        if (message.isCall()) misbehave(connection);
      });
      const session = await Session.connect(peer.path);
      await expect(
        echoCaller(session).call(METHODS.echo, {}, { timeoutMillis: 5_000 }),
      ).rejects.toMatchObject({
        code: 'PROTOCOL_ERROR',
        outcomeUnknown: true,
      });
      expect(await session.closed()).toMatchObject({ code: 'PROTOCOL_ERROR' });
      expect(session.counts).toEqual({ open: 0, queued: 0 });
      await expectNoConnection(peer);
    } finally {
      console.error = original;
    }
    expect(complaints).toEqual([]);
  },
);

test('half a message and then silence ends the connection', async () => {
  await using peer = await serveRaw((message, connection) => {
    if (message.isCall()) connection.socket.write(Buffer.from([0, 0, 0, 0, 9, 0, 0, 0, 1]));
  });
  const session = await Session.connect(peer.path, { halfMessageSilenceMs: 50 });
  await expect(echoCaller(session).call(METHODS.echo, {})).rejects.toMatchObject({
    code: 'PROTOCOL_ERROR',
    message: expect.stringContaining('half a message'),
  });
});

test('a message that arrives byte by byte is read', async () => {
  await using peer = await listen((socket) => {
    const write = socket.write.bind(socket);
    socket.write = (bytes: Uint8Array) => {
      for (const byte of bytes) write(Uint8Array.of(byte));
      return true;
    };
    new RawConnection(socket, (message, connection) => {
      if (message.isCall()) connection.answerEmpty(message.getCall().getQuestionId());
    });
  });
  const session = await Session.connect(peer.path);
  await expect(echoCaller(session).call(METHODS.echo, {})).resolves.toMatchObject({ text: '' });
  await session.close();
});

async function expectNoConnection(peer: Peer): Promise<void> {
  await expect.poll(() => peer.sockets.size).toBe(0);
}

function setKind(message: rpc.Message, kind: number): void {
  message.initAbort();
  const { segment, byteOffset } = message;
  // The root pointer leads to the struct right behind it, whose first field is the kind.
  segment.setUint16(byteOffset + 8, kind);
}

test('an answer whose results cannot be read fails its own call only', async () => {
  let calls = 0;
  await using peer = await serveRaw((message, connection) => {
    if (!message.isCall()) return;
    const id = message.getCall().getQuestionId();
    if (calls++ > 0) return connection.answerEmpty(id);
    connection.send((answer) => {
      answer.initReturn().setAnswerId(id);
      const { segment, byteOffset } = answer.getReturn().initResults().getContent();
      segment.setUint32(byteOffset, 0x7fffff << 2);
      segment.setUint32(byteOffset + 4, 0x0003_0000);
    });
  });
  const session = await Session.connect(peer.path);
  const caller = echoCaller(session);
  await expect(caller.call(METHODS.echo, {})).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' });
  await expect(caller.call(METHODS.echo, {})).resolves.toMatchObject({ text: '' });
  expect(session.counts.open).toBe(0);
  await session.close();
});
