import { expect, test } from 'vitest';
import { Session } from '../../src/rpc/session.js';
import { echoCaller, echoServer, METHODS } from './echo.js';
import { listen, type RawConnection, rpc, serve, serveRaw } from './peer.js';
import { tables } from './tables.js';

test('an aborted call rejects, the server gets a finish, and nothing is left', async () => {
  await using peer = await serveRaw();
  const session = await Session.connect(peer.path);
  const controller = new AbortController();
  const call = echoCaller(session).call(METHODS.echo, { text: 'x' }, { signal: controller.signal });
  await expect.poll(() => kinds(peer.connections[0]!)).toContain(rpc.Message_Which.CALL);

  const reason = new Error('changed my mind');
  controller.abort(reason);
  await expect(call).rejects.toMatchObject({
    code: 'ABORTED',
    aborted: true,
    outcomeUnknown: true,
    cause: reason,
  });
  const id = only(peer.connections[0]!, rpc.Message_Which.CALL)[0]!.getCall().getQuestionId();
  const finishes = () =>
    only(peer.connections[0]!, rpc.Message_Which.FINISH)
      .map((message) => message.getFinish())
      .filter((finish) => finish.getQuestionId() === id);
  await expect.poll(() => finishes().length).toBe(1);
  const finish = finishes()[0]!;
  // Nobody will ever hold what the server may be answering with right now.
  expect(finish.getReleaseResultCaps()).toBe(true);
  expect(session.counts).toEqual({ open: 0, queued: 0 });
  expect(tables(session).questions).toBe(0);
  await session.close();
});

test('an answer that comes after the abort is taken without harm', async () => {
  await using peer = await serveRaw();
  const session = await Session.connect(peer.path);
  const controller = new AbortController();
  const call = echoCaller(session).call(METHODS.echo, {}, { signal: controller.signal });
  await expect.poll(() => only(peer.connections[0]!, rpc.Message_Which.CALL).length).toBe(1);
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: 'ABORTED' });

  const id = only(peer.connections[0]!, rpc.Message_Which.CALL)[0]!.getCall().getQuestionId();
  peer.connections[0]!.answerEmpty(id);
  const next = echoCaller(session).call(METHODS.echo, {});
  await expect.poll(() => only(peer.connections[0]!, rpc.Message_Which.CALL).length).toBe(2);
  peer.connections[0]!.answerEmpty(
    only(peer.connections[0]!, rpc.Message_Which.CALL)[1]!.getCall().getQuestionId(),
  );
  await expect(next).resolves.toMatchObject({ text: '' });
  await session.close();
});

test('a timeout says how long it waited', async () => {
  await using peer = await serveRaw();
  const session = await Session.connect(peer.path);
  await expect(
    echoCaller(session).call(METHODS.echo, {}, { timeoutMillis: 20, what: 'echo to web' }),
  ).rejects.toMatchObject({
    code: 'TIMEOUT',
    timedOut: true,
    outcomeUnknown: true,
    message: 'echo to web did not end within 20 ms',
  });
  expect(tables(session).questions).toBe(0);
  await session.close();
});

test('a call whose signal is aborted already is never sent', async () => {
  await using peer = await serveRaw();
  const session = await Session.connect(peer.path);
  await expect(
    echoCaller(session).call(METHODS.echo, {}, { signal: AbortSignal.abort() }),
  ).rejects.toMatchObject({
    code: 'ABORTED',
    outcomeUnknown: false,
  });
  expect(kinds(peer.connections[0]!)).not.toContain(rpc.Message_Which.CALL);
  await session.close();
});

test('a timeout that is no time is refused', async () => {
  await using peer = await serveRaw();
  const session = await Session.connect(peer.path);
  for (const timeoutMillis of [-1, Number.NaN]) {
    await expect(echoCaller(session).call(METHODS.echo, {}, { timeoutMillis })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  }
  await session.close();
});

test('20,000 calls with aborts in a race with their answers leave nothing behind', async () => {
  await using peer = await serve(echoServer());
  const session = await Session.connect(peer.path, { callsInFlight: 500 });
  const caller = echoCaller(session);
  const listeners = new Set<AbortSignal>();
  let answered = 0;
  let aborted = 0;
  await Promise.all(
    Array.from({ length: 20_000 }, async (_, i) => {
      const controller = new AbortController();
      listeners.add(controller.signal);
      if (i % 3 !== 0) setTimeout(() => controller.abort(), i % 97);
      try {
        const answer = await caller.call(
          METHODS.sleep,
          { text: String(i), millis: i % 5 },
          { signal: controller.signal },
        );
        expect(answer.text).toBe(String(i));
        answered++;
      } catch (error) {
        expect(error).toMatchObject({ code: 'ABORTED' });
        aborted++;
      }
    }),
  );
  expect(answered + aborted).toBe(20_000);
  expect(answered).toBeGreaterThanOrEqual(6_667);
  expect(aborted).toBeGreaterThan(0);
  expect(session.counts).toEqual({ open: 0, queued: 0 });
  expect(tables(session)).toEqual({ questions: 0, imports: 1, exports: 0, answers: 0 });
  expect((await caller.call(METHODS.echo, { text: 'still fine' })).text).toBe('still fine');
  await session.close();
}, 60_000);

test('connecting can be aborted and has an end', async () => {
  // A server that accepts and never says a word.
  await using silent = await listen((socket) => socket.resume());
  await expect(Session.connect(silent.path, { timeoutMs: 30 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  await expect(Session.connect(silent.path, { signal: AbortSignal.timeout(30) })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  await expect.poll(() => silent.sockets.size).toBe(0);
});

function kinds(connection: RawConnection): rpc.Message_Which[] {
  return connection.received.map((message) => message.which());
}

function only(connection: RawConnection, kind: rpc.Message_Which): rpc.Message[] {
  return connection.received.filter((message) => message.which() === kind);
}
