import { expect, test } from 'vitest';
import { Pod } from '../../src/index.js';
import { rpc, serveRaw } from '../rpc/peer.js';

test('a server that does not know our interface is spoken to in that of conmon-rs', async () => {
  await using peer = await serveRaw((message, connection) => {
    if (message.isCall()) {
      connection.answerException(
        message.getCall().getQuestionId(),
        rpc.Exception_Type.UNIMPLEMENTED,
        'no such interface',
      );
    }
  });
  await using pod = await Pod.connect({ socketPath: peer.path });
  expect(pod.interface).toBe('conmon');
  await expect(pod.serverInfo()).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
  await expect(pod.reaperStatus()).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
  await expect(pod.get('web')).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('runtime'),
  });
  expect(await pod.list()).toEqual([]);
});

test('a server that fails for another reason is not taken for one of conmon-rs', async () => {
  await using peer = await serveRaw((message, connection) => {
    if (message.isCall()) {
      connection.answerException(
        message.getCall().getQuestionId(),
        rpc.Exception_Type.FAILED,
        'SHUTTING_DOWN: ending',
      );
    }
  });
  await expect(Pod.connect({ socketPath: peer.path })).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  await expect.poll(() => peer.sockets.size).toBe(0);
});

test('one has to say where the server is', async () => {
  await expect(Pod.connect({})).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('a server that answers the connection and nothing else is given up in time', async () => {
  await using peer = await serveRaw();
  await expect(Pod.connect({ socketPath: peer.path, timeoutMs: 100 })).rejects.toMatchObject({
    code: 'TIMEOUT',
  });
  await expect.poll(() => peer.sockets.size).toBe(0);
});
