import { expect, test } from 'vitest';
import { Session } from '../../src/rpc/session.js';
import { echoCaller, echoServer, METHODS } from './echo.js';
import { serve } from './peer.js';
import { tables } from './tables.js';

test('a call is answered, and nothing of it is left', async () => {
  await using peer = await serve(echoServer());
  const session = await Session.connect(peer.path);
  const answer = await echoCaller(session).call(METHODS.echo, {
    text: 'grüß dich',
    bytes: new Uint8Array([1, 2, 3]),
  });
  expect(answer.text).toBe('grüß dich');
  expect([...answer.bytes]).toEqual([1, 2, 3]);
  expect(session.counts).toEqual({ open: 0, queued: 0 });
  await session.close();
  expect(await session.closed()).toBeUndefined();
});

test('calls are answered out of order, each with its own answer', async () => {
  await using peer = await serve(echoServer());
  const session = await Session.connect(peer.path);
  const caller = echoCaller(session);
  const order: string[] = [];
  await Promise.all(
    ['60', '30', '1'].map(async (text) => {
      const answer = await caller.call(METHODS.sleep, { text, millis: Number(text) });
      order.push(answer.text);
    }),
  );
  expect(order).toEqual(['1', '30', '60']);
  await session.close();
});

test('megabytes go both ways', async () => {
  await using peer = await serve(echoServer());
  const session = await Session.connect(peer.path);
  const bytes = new Uint8Array(24 * 1024 * 1024).fill(7);
  const answer = await echoCaller(session).call(METHODS.echo, { bytes });
  expect(Buffer.compare(answer.bytes, bytes)).toBe(0);
  await session.close();
});

test('params that the schema does not allow are refused before a question is made', async () => {
  await using peer = await serve(echoServer());
  const session = await Session.connect(peer.path);
  const caller = echoCaller(session);
  await expect(caller.call(METHODS.echo, { small: 70_000 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('small'),
    outcomeUnknown: false,
  });
  await expect(caller.call(METHODS.echo, { text: null as never })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  await expect(caller.call(METHODS.echo, { colour: 'red' } as never)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  expect(tables(session).questions).toBe(0);
  await session.close();
});

test('arguments larger than a message may be are refused without harm to other calls', async () => {
  await using peer = await serve(echoServer());
  const session = await Session.connect(peer.path);
  const caller = echoCaller(session);
  const other = caller.call(METHODS.sleep, { millis: 50, text: 'still here' });
  const bytes = new Uint8Array(64 * 1024 * 1024);
  await expect(caller.call(METHODS.echo, { bytes })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect((await other).text).toBe('still here');
  expect(tables(session).questions).toBe(0);
  await session.close();
});

test('an object that the server returned is released when it is disposed, and the root on close', async () => {
  const exported: (() => number)[] = [];
  await using peer = await serve(echoServer(), (conn) => {
    exported.push(() => (conn as unknown as { exports: Map<number, unknown> }).exports.size);
  });
  const session = await Session.connect(peer.path);
  const caller = echoCaller(session);
  const first = await caller.call(METHODS.open, {});
  const second = await caller.call(METHODS.open, {});
  expect((await first.object!.caller.call(METHODS.echo, { text: 'from the object' })).text).toBe(
    'from the object',
  );
  expect(exported[0]?.()).toBe(3);

  first.object![Symbol.dispose]();
  await expect(first.object!.caller.call(METHODS.echo, {})).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  second.object![Symbol.dispose]();
  await caller.call(METHODS.echo, {});
  expect(exported[0]?.()).toBe(1);
  expect(tables(session)).toEqual({ questions: 0, imports: 1, exports: 0, answers: 0 });

  await session.close();
  await expect.poll(() => exported[0]?.()).toBe(0);
});
