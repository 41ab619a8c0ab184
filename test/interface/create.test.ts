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
