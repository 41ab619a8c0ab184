import { expect } from 'vitest';

import { answered } from '../support/connection.js';
import { failure } from '../support/failure.js';
import { forEachRuntime } from '../support/suite.js';
import { within } from '../support/until.js';

/** Longer than any test waits: a stop that is answered did not wait for it. */
const FOR_EVER = 3_600_000n;

/** A shell that ends with 7 on this signal. */
const ends = (signal: string) => [
  'sh',
  '-c',
  `trap 'exit 7' ${signal}; echo ready; while :; do sleep 0.05; done`,
];

forEachRuntime('stop', (test) => {
  for (const [name, settings, request] of [
    ['TERM', {}, {}],
    ['INT', { stopSignal: 2 }, {}],
    ['USR1', { stopSignal: 2 }, { signal: 10 }],
  ] as const) {
    test(`sends ${name} and gives the container the time to end by itself`, async ({ ground }) => {
      const container = await ground.run({
        args: ends(name),
        settings: { ...settings, stopGraceMillis: FOR_EVER },
      });
      await expect.poll(() => container.logRecords().length).toBe(1);
      const { podherd } = (await ground.server()).connection;
      const { status, killed } = await within('the stop', podherd.stop({ id: container.id, ...request }));
      expect(killed).toBe(false);
      expect(answered(answered(status).exit)).toMatchObject({ exitCode: 7, signal: 0 });
    });
  }

  test('kills everything when the time is over', async ({ ground }) => {
    const { podherd } = (await ground.server()).connection;
    const container = await ground.run({
      args: ['workload', 'ignore-term', 'then', 'pause'],
      settings: { stopGraceMillis: FOR_EVER },
    });
    const { status, killed } = await podherd.stop({ id: container.id, graceMillis: 50n });
    expect(killed).toBe(true);
    expect(answered(answered(status).exit)).toMatchObject({ signal: 9 });
    expect(await container.exit()).toBe(137);
  });

  test('kills at once without a time of grace', async ({ ground }) => {
    const { podherd } = (await ground.server()).connection;
    const container = await ground.run({ args: ['workload', 'ignore-term', 'then', 'pause'] });
    const { killed } = await podherd.stop({ id: container.id, graceMillis: 0n });
    expect(killed).toBe(true);
  });

  test('is carried through when its caller vanishes', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.run({ args: ['workload', 'ignore-term', 'then', 'pause'] });
    const caller = await server.connect();
    const stop = failure(caller.podherd.stop({ id: container.id, graceMillis: 300n }), 'CONNECTION_CLOSED');
    await caller.podherd.containerStatus({ id: container.id });
    await caller.close();
    await stop;
    expect(await container.exit()).toBe(137);
  });

  test('holds up nobody, and several may ask for it', async ({ ground }) => {
    const { podherd } = (await ground.server()).connection;
    const container = await ground.run({ args: ['workload', 'ignore-term', 'then', 'pause'] });
    const slow = Array.from({ length: 5 }, () => podherd.stop({ id: container.id, graceMillis: FOR_EVER }));
    const other = await ground.run({ args: ['workload', 'exit', '3'] });
    expect(await other.exit()).toBe(3);
    const quick = await podherd.stop({ id: container.id, graceMillis: 0n });
    expect(quick.killed).toBe(true);
    for (const stop of await within('the other stops', Promise.all(slow))) {
      expect(stop.killed).toBe(false);
      expect(answered(answered(stop.status).exit).signal).toBe(9);
    }
  });

  test('ends a container that was never started, and has nothing to do with one that has ended', async ({
    ground,
  }) => {
    const { podherd } = (await ground.server()).connection;
    const created = await ground.create({ args: ['workload', 'pause'] });
    const stopped = await within('the stop', podherd.stop({ id: created.id, graceMillis: FOR_EVER }));
    expect(stopped.killed).toBe(false);
    expect(answered(answered(stopped.status).exit).signal).toBe(9);
    const again = await podherd.stop({ id: created.id });
    expect(again).toEqual(stopped);
  });

  test('ends a container whose time is over while the server is told to end', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.run({ args: ['workload', 'ignore-term', 'then', 'pause'] });
    const stop = server.connection.podherd
      .stop({ id: container.id, graceMillis: FOR_EVER })
      .then(({ status }) => answered(status).state, String);
    await server.connection.podherd.containerStatus({ id: container.id });
    expect(await server.stopAtOnce('SIGTERM')).toEqual([]);
    expect(await within('the answer', stop)).toBe('exited');
    expect(await container.exit()).toBe(137);
  });

  test('says what it can not do', async ({ ground }) => {
    const { podherd } = (await ground.server()).connection;
    const container = await ground.runHealthy();
    const cases = [
      [{ id: 'nobody' }, 'CONTAINER_NOT_FOUND'],
      [{ id: container.id, signal: 65 }, 'INVALID_ARGUMENT'],
      [{ id: container.id, graceMillis: -2n }, 'INVALID_ARGUMENT'],
    ] as const;
    for (const [request, code] of cases) await failure(podherd.stop(request), code);
    const { reached } = await podherd.waitContainer({ id: container.id, until: 'exited', timeoutMillis: 0n });
    expect(reached).toBe(false);
  });
});
