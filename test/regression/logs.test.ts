import { readFileSync, statSync } from 'node:fs';
import { expect } from 'vitest';

import { failure } from '../support/failure.js';
import { fixture, full } from '../support/paths.js';
import { output } from '../support/run.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';

forEachRuntime('a log', (test, runtime) => {
  // The runtime has no part in it: once is enough but for the full count.
  const times = full || runtime.name === 'crun' ? 20 : 2;

  test(
    `has each byte of 200 MB when the exit is published, ${times} times`,
    { timeout: 900_000 },
    async ({ ground }) => {
      // Cases 61 and 85: 13 of 17 runs lost up to 50 kB of the tail in conmon-rs 1.0.1, silently.
      const lines = ground.path('lines');
      await output('sh', ['-c', '"$0" print stdout 200000000 > "$1"', fixture('workload'), lines]);
      for (let n = 0; n < times; n++) {
        const container = await ground.run({ args: ['cat', '/data/lines'], data: { lines } });
        expect(await container.exit(60_000)).toBe(0);
        // Looked at before anything else could still be written.
        const size = statSync(container.logPath).size;
        expect(await container.logDifference(lines)).toBeUndefined();
        expect(statSync(container.logPath).size).toBe(size);
        await output('rm', [container.logPath]);
        await container.delete();
      }
    },
  );

  test('has the tail of short output when the exit is published', async ({ ground }) => {
    // Case 85: `seq 1 200000` lost what was in the pipe at the end in 1 to 4 of 5 runs.
    const expected = ground.path('expected');
    await output('sh', ['-c', 'seq 1 200000 > "$0"', expected]);
    for (let n = 0; n < 20; n++) {
      const container = await ground.run({ args: ['seq', '1', '200000'] });
      expect(await container.exit()).toBe(0);
      expect(await container.logDifference(expected)).toBeUndefined();
      await container.delete();
    }
  });

  test('has a last line without an end closed, and streams told apart', async ({ ground }) => {
    const container = await ground.run({ args: ['sh', '-c', 'echo one; echo two >&2; printf three'] });
    expect(await container.exit()).toBe(0);
    const records = container.logRecords();
    expect(records.filter(({ stream }) => stream === 'stdout').map(({ tag, text }) => tag + text)).toEqual([
      'Fone',
      'Fthree',
    ]);
    expect(records.filter(({ stream }) => stream === 'stderr').map(({ tag, text }) => tag + text)).toEqual([
      'Ftwo',
    ]);
  });

  test('of a live container is not touched by a second create with its id', async ({ ground }) => {
    // Case 70: it was truncated, and the runtime's error written into it. Case 60: old lines were dropped.
    await ground.server();
    const container = await ground.run({
      id: 'twice',
      args: ['sh', '-c', 'echo first; exec workload pause'],
    });
    await expect
      .poll(() => readFileSync(container.logPath, 'utf8'), { timeout: 10_000 })
      .toMatch(/ stdout F first\n$/);
    const written = readFileSync(container.logPath, 'utf8');
    await failure(
      ground.create({ id: 'twice', args: ['true'], logPath: container.logPath }),
      'ID_IN_USE',
      /twice/,
    );
    expect(readFileSync(container.logPath, 'utf8')).toBe(written);
    expect((await container.exec(['true'])).exitCode).toBe(0);
  });

  test('of an earlier container at the same path keeps its lines', async ({ ground }) => {
    const logPath = ground.path('shared.log');
    for (const word of ['one', 'two']) {
      const container = await ground.run({ args: ['echo', word], logPath });
      expect(await container.exit()).toBe(0);
      await container.delete();
    }
    expect(readFileSync(logPath, 'utf8')).toMatch(/^\S+ stdout F one\n\S+ stdout F two\n$/);
  });

  test('in a directory that is missing fails the create', async ({ ground }) => {
    const server = await ground.server();
    const call = ground.create({ args: ['true'], logPath: ground.path('no-such-directory/log') });
    await failure(call, 'LOG_UNAVAILABLE', /no-such-directory/);
    await ground.expectNothingLeft(server.atStart);
  });

  test('in a directory without room for a file fails the create', async ({ ground }) => {
    const folder = await ground.tmpfs('logs', '1m,nr_inodes=1');
    await failure(ground.create({ args: ['true'], logPath: `${folder}/log` }), 'LOG_UNAVAILABLE', /space/i);
  });

  test('on a full disk does not stop the container, nor its exit', async ({ ground }) => {
    // Case 45, and 69 in part: what was dropped is counted.
    const folder = await ground.tmpfs('logs', '64k');
    const server = await ground.server();
    const container = await ground.run({
      args: ['workload', 'print', 'stdout', '1000000', 'then', 'exit', '5'],
      logPath: `${folder}/log`,
    });
    expect(await container.exit()).toBe(5);
    if (!oursOnly) return;
    const status = await server.connection.statusAtEnd(container.id);
    expect(status.exit).toMatchObject({ exitCode: 5, logComplete: false });
    expect(status.droppedLogBytes).toBeGreaterThan(800_000n);
    expect(readFileSync(container.logPath, 'utf8')).toMatch(/^\S+ stdout F 000000000000000 /);
  });
});
