import { expect, test } from 'vitest';
import { POLLS_IN_FLIGHT, Session } from '../../src/rpc/session.js';
import { echoCaller, METHODS } from './echo.js';
import { rpc, serveRaw } from './peer.js';
import { tables } from './tables.js';

test('20,000 calls to a server that answers nothing wait here, not in the socket, and can be given up', async () => {
  await using peer = await serveRaw();
  const session = await Session.connect(peer.path, { callsInFlight: 100 });
  const caller = echoCaller(session);
  const controller = new AbortController();
  const outcomes = Array.from({ length: 20_000 }, () =>
    caller.call(METHODS.echo, {}, { signal: controller.signal }).catch((error: unknown) => error),
  );
  await expect.poll(() => calls(peer.connections[0]!.received)).toBe(100);
  expect(session.counts).toEqual({ open: 100, queued: 19_900 });
  expect(tables(session).questions).toBe(100);

  controller.abort();
  for (const error of await Promise.all(outcomes)) expect(error).toMatchObject({ code: 'ABORTED' });
  expect(session.counts).toEqual({ open: 0, queued: 0 });
  expect(tables(session).questions).toBe(0);
  expect(calls(peer.connections[0]!.received)).toBe(100);
  await session.close();
});

test('calls wait for their turn in order, and one that was given up is passed over', async () => {
  await using peer = await serveRaw();
  const session = await Session.connect(peer.path, { callsInFlight: 1 });
  const caller = echoCaller(session);
  const controller = new AbortController();
  const first = caller.call(METHODS.echo, {});
  const second = caller.call(METHODS.sleep, {}, { signal: controller.signal });
  const third = caller.call(METHODS.open, {});
  await expect.poll(() => calls(peer.connections[0]!.received)).toBe(1);
  controller.abort();
  await expect(second).rejects.toMatchObject({ code: 'ABORTED', outcomeUnknown: false });
  answer(0);
  await first;
  await expect.poll(() => calls(peer.connections[0]!.received)).toBe(2);
  expect(sent()[1]!.getMethodId()).toBe(METHODS.open.methodId);
  answer(1);
  await third;
  await session.close();

  function sent(): rpc.Call[] {
    return peer.connections[0]!.received.filter((message) => message.isCall()).map((message) =>
      message.getCall(),
    );
  }
  function answer(index: number): void {
    peer.connections[0]!.answerEmpty(sent()[index]!.getQuestionId());
  }
});

test('long polls take no place from other calls', async () => {
  await using peer = await serveRaw((message, connection) => {
    if (message.isCall() && message.getCall().getMethodId() === METHODS.echo.methodId) {
      connection.answerEmpty(message.getCall().getQuestionId());
    }
  });
  const session = await Session.connect(peer.path, { callsInFlight: 1 });
  const caller = echoCaller(session);
  const controller = new AbortController();
  const polls = Array.from({ length: 50 }, () =>
    caller.call(METHODS.sleep, {}, { longPoll: true, signal: controller.signal }).catch(() => 'ended'),
  );
  await caller.call(METHODS.echo, {});
  expect(session.counts).toEqual({ open: 50, queued: 0 });
  expect(POLLS_IN_FLIGHT).toBeGreaterThan(50);
  controller.abort();
  expect(new Set(await Promise.all(polls))).toEqual(new Set(['ended']));
  await session.close();
});

test('while the server reads nothing, no further call is written', async () => {
  await using peer = await serveRaw();
  const session = await Session.connect(peer.path);
  const caller = echoCaller(session);
  const socket = peer.connections[0]!.socket;
  socket.pause();
  const bytes = new Uint8Array(4 * 1024 * 1024);
  const outcomes = Array.from({ length: 8 }, () =>
    caller.call(METHODS.echo, { bytes }).catch((error: unknown) => error),
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  // One fills the socket, and what was allowed in the same tick: nothing, since drain is checked for each.
  expect(tables(session).questions).toBe(1);

  socket.resume();
  await expect.poll(() => calls(peer.connections[0]!.received)).toBe(8);
  await session.close();
  for (const error of await Promise.all(outcomes))
    expect(error).toMatchObject({ code: 'CONNECTION_CLOSED', outcomeUnknown: true });
});

test('what waits for its turn fails when the connection ends, and was never sent', async () => {
  await using peer = await serveRaw();
  const session = await Session.connect(peer.path, { callsInFlight: 1 });
  const caller = echoCaller(session);
  const first = caller.call(METHODS.echo, {}).catch((error: unknown) => error);
  const second = caller.call(METHODS.echo, {}).catch((error: unknown) => error);
  await expect.poll(() => calls(peer.connections[0]!.received)).toBe(1);
  peer.kill();
  expect(await first).toMatchObject({ code: 'CONNECTION_CLOSED', outcomeUnknown: true });
  expect(await second).toMatchObject({ code: 'CONNECTION_CLOSED', outcomeUnknown: false });
});

test('the messages of one tick leave in one write', async () => {
  await using peer = await serveRaw();
  const session = await Session.connect(peer.path);
  const caller = echoCaller(session);
  let chunks = 0;
  peer.connections[0]!.socket.on('data', () => chunks++);
  const outcomes = Array.from({ length: 100 }, () => caller.call(METHODS.echo, {}).catch(() => undefined));
  await expect.poll(() => calls(peer.connections[0]!.received)).toBe(100);
  expect(chunks).toBeLessThanOrEqual(3);
  await session.close();
  await Promise.all(outcomes);
});

function calls(received: rpc.Message[]): number {
  return received.filter((message) => message.isCall()).length;
}
