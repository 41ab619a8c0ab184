import { expect } from 'vitest';

import { serveEventSink, type Event } from '../../ts/client/src/generated/podherd.js';
import { answered, type Connection } from '../support/connection.js';
import { failure } from '../support/failure.js';
import { startAttach, startExec, TestSink } from '../support/sessions.js';
import { forEachRuntime } from '../support/suite.js';
import { until } from '../support/until.js';

/** Watches what happens from now on. */
async function watch(connection: Connection) {
  const events: Event[] = [];
  const sink = serveEventSink({ push: ({ events: more }) => void events.push(...more) });
  const { watch } = await connection.podherd.watchEvents({ sink, start: { which: 'now' } });
  return { events, end: () => answered(watch)[Symbol.dispose]() };
}

const ECHO = ['sh', '-c', 'echo hello; cat; echo bye >&2'];

forEachRuntime('attach with streams', (test) => {
  test('gives the output from now on, takes the input, and tells the end', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.create({ args: ECHO, stdin: true });
    const first = await startAttach(connection, container.id, { stdin: true });
    await container.start();
    await first.stdout.has('hello\n');
    const second = await startAttach(connection, container.id);
    expect(second.stdin).toBeUndefined();
    await first.write('one ');
    await second.stdout.has('one ');
    await first.input.end();
    for (const client of [first, second]) expect(await client.exitCode()).toBe(0);
    expect([first.stdout.text, first.stderr.text]).toEqual(['hello\none ', 'bye\n']);
    expect([second.stdout.text, second.stderr.text]).toEqual(['one ', 'bye\n']);
    expect([second.stdout.ends, second.stderr.ends]).toEqual([1, 1]);
    // The same that its status has.
    expect((await first.end(0)).exit).toEqual((await connection.status(container.id)).exit);
    await failure(first.session.signal({ signal: 15 }), 'CONTAINER_NOT_RUNNING');
    await failure(first.session.resize({ columns: 1, rows: 1 }), 'NO_TERMINAL');
    for (const client of [first, second]) client.release();
  });

  test('leaves the container and its input to others when it is released', async ({ ground }) => {
    const server = await ground.server();
    const { connection } = server;
    const { id } = await ground.run({ args: ['workload', 'echo'], stdin: true });
    const stays = await startAttach(connection, id, { stdin: true });
    const before = server.snapshot();
    const goes = await startAttach(connection, id, { stdin: true });
    await goes.write('from one who goes; ');
    goes.release();
    const client = await server.connect();
    const vanishes = await startAttach(client, id, { stdin: true });
    await vanishes.write('from one who vanishes; ');
    await client.close();
    await ground.expectNothingLeft(before);
    await stays.write('from one who stays');
    await stays.input.end();
    expect(await stays.exitCode()).toBe(0);
    expect(stays.stdout.text).toBe('from one who goes; from one who vanishes; from one who stays');
    stays.release();
  });

  test('cuts off one who is behind, and nobody else; the container goes on', async ({ ground }) => {
    const { connection } = await ground.server();
    const events = await watch(connection);
    const total = 8_000_000;
    const container = await ground.create({
      args: [
        'workload',
        'echo',
        'then',
        'print',
        'stdout',
        String(total),
        'then',
        'echo',
        'then',
        'exit',
        '3',
      ],
      stdin: true,
    });
    const quick = await startAttach(connection, container.id, { stdin: true });
    const slow = await startAttach(connection, container.id, { stdout: new TestSink().hold() });
    await container.start();
    const behind = slow.end();
    await quick.input.end();
    expect(await behind).toMatchObject({ end: 'behind', exit: undefined });
    expect(await quick.exitCode()).toBe(3);
    expect(quick.stdout.length).toBe(total);
    expect(slow.stdout.length).toBeLessThan(total);
    slow.stdout.release();
    await until('both have gone', () =>
      events.events.filter(({ which }) => which === 'detached').length === 2 ? true : undefined,
    );
    const attached = events.events.flatMap((event) =>
      event.which === 'attached' ? [event.attached.clientId] : [],
    );
    const detached = events.events.flatMap((event) => (event.which === 'detached' ? [event.detached] : []));
    expect(detached).toEqual([
      { clientId: attached[1], reason: 'behind' },
      { clientId: attached[0], reason: 'ended' },
    ]);
    for (const client of [quick, slow]) client.release();
    events.end();
  });

  test('discards a stream without a sink, and tells the end all the same', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.create({ args: ['workload', 'print', 'stdout', '3000000'] });
    const { session } = await connection.podherd.attach({ request: { id: container.id } });
    await container.start();
    const end = await answered(session).wait({ timeoutMillis: 20_000 });
    expect(end).toMatchObject({ end: 'exited', exit: { exitCode: 0, logComplete: true } });
    answered(session)[Symbol.dispose]();
  });

  test('resizes the terminal, signals init, and types the end of the input', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.run({ args: ['workload', 'size-on-change', 'then', 'echo'], terminal: true });
    const client = await startAttach(connection, id, { stdin: true });
    await until('it is resized', async () => {
      await client.session.resize({ columns: 100 + (Date.now() % 100), rows: 40 });
      return client.stdout.text.includes('40 1') ? true : undefined;
    });
    await client.write('typed\n');
    await client.stdout.has('typed\r\ntyped\r\n');
    await client.input.end();
    expect(await client.exitCode()).toBe(0);
    client.release();
    const other = await ground.runHealthy();
    const hold = await startAttach(connection, other.id);
    await hold.session.signal({ signal: 9 });
    expect(await hold.exitCode()).toBe(-9);
    hold.release();
  });

  test('reaches an exec by its session id', async ({ ground }) => {
    const { connection } = await ground.server();
    const events = await watch(connection);
    const { id } = await ground.runHealthy();
    const exec = await startExec(connection, id, ['sh', '-c', 'cat; echo bye >&2; exit 6'], {
      stdin: true,
      sessionId: 'shell',
    });
    await failure(startExec(connection, id, ['true'], { sessionId: 'shell' }), 'ID_IN_USE');
    const other = await startAttach(connection, id, { execSessionId: 'shell', stdin: true });
    await failure(startAttach(connection, id, { execSessionId: 'other' }), 'EXEC_SESSION_NOT_FOUND');
    await other.write('from the other; ');
    await exec.stdout.has('from the other; ');
    await exec.write('from the first; ');
    await exec.input.end();
    for (const session of [exec, other]) {
      expect(await session.exitCode()).toBe(6);
      expect([session.stdout.text, session.stderr.text]).toEqual([
        'from the other; from the first; ',
        'bye\n',
      ]);
    }
    await failure(other.session.signal({ signal: 15 }), 'EXEC_ENDED');
    await failure(startAttach(connection, id, { execSessionId: 'shell' }), 'EXEC_SESSION_NOT_FOUND');
    await until('it has gone', () =>
      events.events.some(({ which }) => which === 'detached') ? true : undefined,
    );
    const attached = events.events.find(({ which }) => which === 'attached');
    expect(attached).toMatchObject({ containerId: id, attached: { execSessionId: 'shell' } });
    // The name is free again.
    const again = await startExec(connection, id, ['true'], { sessionId: 'shell' });
    expect(await again.exitCode()).toBe(0);
    for (const session of [exec, other, again]) session.release();
    events.end();
  });

  test('is refused where there is nothing to take part in', async ({ ground }) => {
    const { connection } = await ground.server();
    await failure(startAttach(connection, 'stranger'), 'CONTAINER_NOT_FOUND');
    const container = await ground.run({ args: ['workload', 'exit', '0'] });
    await container.exit();
    await failure(startAttach(connection, container.id), 'CONTAINER_NOT_RUNNING');
    const { id } = await ground.runHealthy();
    const none = await startAttach(connection, id, { stdin: true });
    expect(none.stdin).toBeUndefined();
    none.release();
  });

  test('ends with a sink that throws, and with the server', async ({ ground }) => {
    const server = await ground.server({ flags: ['--drain-timeout=0.3'] });
    const client = await server.connect();
    const { id } = await ground.run({ args: ECHO, stdin: true });
    const throws = await startAttach(client, id, { stdin: true, stdout: new TestSink().fail('no more') });
    // It has thrown at the first words, or does at these.
    await throws.write('x').catch(() => undefined);
    await failure(throws.end(), 'SINK_FAILED', /stdout.*no more/);
    await failure(throws.write('x'), 'STDIN_CLOSED');
    const stuck = await startAttach(client, id, { stdin: true, stdout: new TestSink().hold() });
    await stuck.write('y');
    await stuck.stdout.has('y');
    const end = stuck.end().catch(() => undefined);
    expect(await server.stopAtOnce('SIGINT')).toEqual([]);
    await client.close();
    await end;
  });
});
