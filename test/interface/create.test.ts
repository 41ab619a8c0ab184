import { expect } from 'vitest';

import type { CreateRequestInit } from '../../ts/client/src/generated/podherd.js';
import { failure } from '../support/failure.js';
import { forEachRuntime, withoutRuntime } from '../support/suite.js';

forEachRuntime('create', (test) => {
  test('keeps labels and settings as long as the container is known', async ({ ground }) => {
    const labels = [
      { key: 'app', value: 'web' },
      { key: 'tier', value: '' },
      { key: 'ünïcode', value: 'värde' },
    ];
    const settings = {
      labels,
      stopSignal: 2,
      stopGraceMillis: 1_500n,
      rateLimit: { bytesPerSecond: 1_000_000n, burstBytes: 0n },
    };
    const container = await ground.run({ args: ['true'], settings });
    const { connection } = await ground.server();
    const atEnd = await connection.statusAtEnd(container.id);
    expect(atEnd).toMatchObject({
      labels,
      stopSignal: 2,
      stopGraceMillis: 1_500n,
      rateLimit: { bytesPerSecond: 1_000_000n, burstBytes: 1_000_000n },
      execs: 0,
    });
    expect(atEnd.exit?.exitCode).toBe(0);
  });

  test('gives a container of the compatible interface the defaults', async ({ ground }) => {
    const container = await ground.create({ args: ['true'] });
    const { connection } = await ground.server();
    expect(await connection.status(container.id)).toMatchObject({
      labels: [],
      stopSignal: 15,
      stopGraceMillis: 10_000n,
      rateLimit: undefined,
    });
  });

  test('says like the compatible interface what a runtime refuses', async ({ ground }) => {
    await failure(ground.create({ id: 'one', args: ['missing'], settings: {} }), 'COMMAND_NOT_FOUND');
    await ground.expectNothingLeft();
    const container = await ground.run({ id: 'one', args: ['workload', 'exit', '7'], settings: {} });
    expect(await container.exit()).toBe(7);
  });
});

withoutRuntime('a create with settings that make no sense', (test) => {
  const cases: [string, Omit<CreateRequestInit, 'container'>, RegExp][] = [
    ['an empty key', { labels: [{ key: '', value: 'x' }] }, /labels: a key is empty/],
    [
      'a key that is there twice',
      {
        labels: [
          { key: 'a', value: '1' },
          { key: 'a', value: '2' },
        ],
      },
      /labels: "a" is there twice/,
    ],
    ['labels without end', { labels: [{ key: 'a', value: 'x'.repeat(70_000) }] }, /labels: 70001 bytes/],
    ['a NUL in a label', { labels: [{ key: 'a', value: 'x\0' }] }, /labels: has a NUL/],
    ['a signal that is none', { stopSignal: 65 }, /signal 65 is not one of 1 to 64/],
    ['a signal beyond all numbers', { stopSignal: 4_000_000_000 }, /stopSignal/],
  ];
  for (const [name, settings, message] of cases) {
    test(`is refused: ${name}`, async ({ ground }) => {
      await failure(ground.create({ args: ['true'], settings }), 'INVALID_ARGUMENT', message);
    });
  }
});

forEachRuntime('create with a preflight', (test) => {
  test('that is to be enforced refuses before the runtime is started', async ({ ground }) => {
    const { connection } = await ground.server();
    const before = (await connection.reaperStatus()).spawned;
    const bundlePath = ground.bundle('bad', { args: ['missing'] });
    const create = ground.create({ id: 'bad', bundlePath, args: [], settings: { preflight: 'enforce' } });
    await failure(create, 'PREFLIGHT_FAILED', /COMMAND_NOT_FOUND \/process\/args\/0: /);
    // The checks themselves, and the question which runtime this is.
    expect((await connection.reaperStatus()).spawned - before).toBeLessThanOrEqual(2n);
    await ground.expectNothingLeft();
    await ground.create({ id: 'bad', args: ['true'], settings: { preflight: 'enforce' } });
  });

  test('that only warns leaves it to the runtime', async ({ ground }) => {
    const create = ground.create({ args: ['missing'], settings: { preflight: 'warn' } });
    await failure(create, 'COMMAND_NOT_FOUND', /missing/);
    const container = await ground.run({ args: ['workload', 'exit', '5'], settings: { preflight: 'warn' } });
    expect(await container.exit()).toBe(5);
  });

  test('is undone when its caller vanishes', async ({ ground }) => {
    const server = await ground.server();
    const caller = await server.connect();
    const settings = { preflight: 'enforce' } as const;
    const create = ground.create({ id: 'gone', args: ['true'], settings, connection: caller });
    const failed = failure(create, 'CONNECTION_CLOSED');
    await caller.close();
    await failed;
    await ground.expectNothingLeft();
    await ground.create({ id: 'gone', args: ['true'], settings });
  });
});
