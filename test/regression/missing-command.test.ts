import { expect } from 'vitest';

import { text } from '../support/container.js';
import { failure } from '../support/failure.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { inParallel, within } from '../support/until.js';

// Cases 1, 7, 8, 73 and 80: conmon-rs 2242, cri-o 8272, crun 1482 and 1524, podman 10003, conmon 680.
const missing = ['no-such-command'];

forEachRuntime('a missing command', (test, runtime) => {
  for (const terminal of [false, true]) {
    const how = terminal ? 'with a terminal' : 'without a terminal';

    test(`fails the create with the runtime's words, ${how}`, async ({ ground }) => {
      await failure(ground.create({ args: missing, terminal }), 'COMMAND_NOT_FOUND', runtime.notFound);
      await ground.expectNothingLeft();
    });

    test(`leaves nothing after 50 creates in a row, ${how}`, async ({ ground }) => {
      const server = await ground.server();
      const healthy = await ground.runHealthy();
      const before = server.snapshot();
      for (let n = 0; n < 50; n++) {
        await failure(
          ground.create({ id: 'broken', args: missing, terminal }),
          'COMMAND_NOT_FOUND',
          runtime.notFound,
        );
      }
      await ground.expectNothingLeft(before);

      const good = await ground.run({ id: 'broken', args: ['workload', 'exit', '7'], terminal });
      expect(await good.exit()).toBe(7);
      expect((await healthy.exec(['true'])).exitCode).toBe(0);
    });

    test(`leaves nothing after 20 creates at once, ${how}`, async ({ ground }) => {
      const server = await ground.server();
      const healthy = await ground.runHealthy();
      const before = server.snapshot();
      const ids = Array.from({ length: 20 }, () => ground.newId());
      await inParallel(ids.length, ids.length, (n) =>
        failure(
          ground.create({ id: ids[n] ?? '', args: missing, terminal }),
          'COMMAND_NOT_FOUND',
          runtime.notFound,
        ),
      );
      await ground.expectNothingLeft(before);

      const codes = await inParallel(ids.length, 4, async (n) => {
        const good = await ground.run({ id: ids[n] ?? '', args: ['workload', 'exit', String(n)], terminal });
        return good.exit();
      });
      expect(codes).toEqual(ids.map((_, n) => n));
      expect((await healthy.exec(['true'])).exitCode).toBe(0);
    });

    test(`fails an exec with -2 and the runtime's words, ${how}`, async ({ ground }) => {
      const server = await ground.server();
      const healthy = await ground.runHealthy();
      await healthy.exec(['true'], { terminal });
      const before = server.snapshot();
      for (let n = 0; n < 20; n++) {
        const { exitCode, stderr, timedOut } = await healthy.exec(missing, { terminal });
        expect(exitCode).toBe(-2);
        expect(timedOut).toBe(false);
        if (oursOnly) expect(text(stderr)).toMatch(/^COMMAND_NOT_FOUND: /);
        expect(text(stderr)).toMatch(runtime.notFound);
      }
      await ground.expectNothingLeft(before);
    });

    test(`does not keep the container from ending when it was an exec's, ${how}`, async ({ ground }) => {
      // The zombie of a failed exec was a member of the pid namespace, whose init then could not finish dying.
      const healthy = await ground.runHealthy();
      await Promise.all([1, 2, 3].map(() => healthy.exec(missing, { terminal })));
      await healthy.kill('KILL');
      expect(await healthy.exit()).toBe(137);
      // Not forced: the runtime itself finds that init is gone.
      const deleted = await within('delete', healthy.runtime('delete', healthy.id));
      expect(deleted.stderr).toBe('');
      expect(deleted.code).toBe(0);
    });
  }

  test('is told apart from a file that can not be executed', async ({ ground }) => {
    await failure(
      ground.create({ args: ['/bin/not-executable'] }),
      'COMMAND_NOT_EXECUTABLE',
      /permission denied/i,
    );
  });

  test('writes no exit file and no log', async ({ ground }) => {
    // Case 9, containerd 6429: a container that never ran was reported to have ended.
    const id = ground.newId();
    await failure(ground.create({ id, args: missing }), 'COMMAND_NOT_FOUND');
    await ground.expectNothingLeft();
    expect(ground.exitFiles.appearances).toEqual([]);
  });
});
