import { expect } from 'vitest';

import { text } from '../support/container.js';
import { failure } from '../support/failure.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { until } from '../support/until.js';

forEachRuntime('a limit', (test) => {
  test.skipIf(!oursOnly)('of an exec cuts its output where it says', async ({ ground }) => {
    const server = await ground.anotherServer('server', { flags: ['--exec-output-bytes=1000'] });
    const healthy = await ground.runHealthy({ server });
    for (const stream of ['stdout', 'stderr'] as const) {
      const whole = await healthy.exec(['workload', 'print', stream, '1000']);
      expect(whole[stream].length).toBe(1_000);
      expect(text(whole.stderr)).not.toMatch(/TRUNCATED/);
      const cut = await healthy.exec(['workload', 'print', stream, '1001']);
      expect(text(cut.stderr)).toMatch(new RegExp(`OUTPUT_TRUNCATED: 1 bytes of ${stream}`));
      expect(cut.exitCode).toBe(0);
    }
  });

  test.skipIf(!oursOnly)(
    'of all execs together refuses further ones until there is room',
    async ({ ground }) => {
      const server = await ground.anotherServer('server', { flags: ['--exec-output-total-bytes=10000'] });
      const healthy = await ground.runHealthy({ server });
      const other = await server.connect();
      ground.endsFirst(() => void other.close());
      const holding = healthy
        .exec(['workload', 'print', 'stdout', '10000', 'then', 'pause'], { connection: other })
        .catch(() => undefined);
      await until('the room is taken', () =>
        healthy.exec(['true']).then(
          () => undefined,
          () => true,
        ),
      );
      await failure(healthy.exec(['true']), 'OVERLOADED');
      await other.close();
      await holding;
      await until('there is room again', () => healthy.exec(['true']).catch(() => undefined));
      const whole = await healthy.exec(['workload', 'print', 'stdout', '10000']);
      expect([whole.exitCode, whole.stdout.length]).toEqual([0, 10_000]);
    },
  );

  test.skipIf(!oursOnly)('of ended containers forgets the oldest', async ({ ground }) => {
    const server = await ground.anotherServer('server', { flags: ['--ended-containers=2'] });
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      const container = await ground.run({ args: ['workload', 'exit', String(n)], server });
      expect(await container.exit()).toBe(n);
      if (n < 2) expect((await server.connection.statusAtEnd(container.id)).exit?.exitCode).toBe(n);
      ids.push(container.id);
    }
    await server.connection.statusAtEnd(ids[2] ?? '');
    await failure(server.connection.status(ids[0] ?? ''), 'CONTAINER_NOT_FOUND');
    for (const n of [1, 2]) expect((await server.connection.status(ids[n] ?? '')).exit?.exitCode).toBe(n);
  });

  test.skipIf(!oursOnly)(
    'of the wait for a terminal ends a runtime that hands none over',
    async ({ ground }) => {
      const odd = ground.odd([{ subcommand: 'create', ids: ['mute'], steps: ['hang'] }]);
      const server = await ground.server({ runtime: odd.path, flags: ['--console-timeout=0.3'] });
      const healthy = await ground.runHealthy({ terminal: true });
      const before = server.snapshot();
      const mute = ground.create({ id: 'mute', args: ['true'], terminal: true });
      await failure(mute, 'CONSOLE_FAILED', /within 0\.3 s/);
      await ground.expectNothingLeft(before);
      expect((await healthy.exec(['true'])).exitCode).toBe(0);
    },
  );

  test.skipIf(!oursOnly)('that is no number is refused at the start', async ({ ground }) => {
    for (const flag of [
      '--message-timeout=0',
      '--unread-timeout=soon',
      '--connections=-1',
      '--message-bytes=many',
    ])
      await expect(ground.anotherServer('refused', { flags: [flag] })).rejects.toThrow(flag.split('=')[0]);
  });
});
