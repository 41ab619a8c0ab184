import { expect, test } from 'vitest';
import { Session } from '../../src/rpc/session.js';
import { echoCaller, echoServer, METHODS } from './echo.js';
import { serve } from './peer.js';

test('a call is answered, and nothing of it is left', async () => {
  await using peer = await serve(echoServer());
  const session = await Session.connect(peer.path);
  const answer = await echoCaller(session).call(METHODS.echo, { text: 'grüß dich', bytes: new Uint8Array([1, 2, 3]) });
  expect(answer.text).toBe('grüß dich');
  expect([...answer.bytes]).toEqual([1, 2, 3]);
  expect(session.counts).toEqual({ open: 0, queued: 0 });
  await session.close();
  expect(await session.closed()).toBeUndefined();
});
