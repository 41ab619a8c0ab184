import { chmodSync, copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

import { failure } from '../../support/failure.js';
import { forEachRuntime } from '../../support/suite.js';

forEachRuntime('a runtime binary', (test, runtime) => {
  test('that is missing or can not be executed is told at the start', async ({ ground }) => {
    const missing = ground.path('no-such-runtime');
    await expect(ground.anotherServer('a', { runtime: missing })).rejects.toThrow(
      /did not start: [^]*no-such-runtime/,
    );
    const text = ground.path('not-executable');
    writeFileSync(text, 'text', { mode: 0o644 });
    await expect(ground.anotherServer('b', { runtime: text })).rejects.toThrow(
      /did not start: [^]*not-executable/,
    );
  });

  for (const terminal of [false, true]) {
    test(`that goes later is an answer, and works when it is back${terminal ? ', with a terminal' : ''}`, async ({
      ground,
    }) => {
      // Case 64: createContainer hung for ever.
      const path = ground.path('runtime');
      copyFileSync(runtime.path, path);
      chmodSync(path, 0o755);
      const server = await ground.server({ runtime: path });
      const healthy = await ground.runHealthy();
      await healthy.exec(['true']);
      const before = server.snapshot();
      const broken = { id: 'broken', args: ['workload', 'exit', '3'], terminal };

      renameSync(path, `${path}.away`);
      await failure(ground.create(broken), 'RUNTIME_UNAVAILABLE', /runtime/);
      expect((await healthy.exec(['true'])).exitCode).toBe(-2);
      await ground.expectNothingLeft(before);

      for (const [text, mode] of [
        ['not executable', 0o644],
        ['neither a program', 0o755],
        ['#!/no/such/interpreter\n', 0o755],
      ] as const) {
        writeFileSync(path, text, { mode });
        chmodSync(path, mode);
        await failure(ground.create(broken), 'RUNTIME_UNAVAILABLE', /runtime/);
        expect((await healthy.exec(['true'])).exitCode).toBe(-2);
      }
      await ground.expectNothingLeft(before);

      renameSync(`${path}.away`, path);
      const again = await ground.run(broken);
      expect(await again.exit()).toBe(3);
      expect((await healthy.exec(['workload', 'exit', '9'])).exitCode).toBe(9);
    });

    test(`that fails once it has made the container is undone${terminal ? ', with a terminal' : ''}`, async ({
      ground,
    }) => {
      const odd = ground.odd([
        { subcommand: 'create', ids: ['exits'], steps: ['call', { stderr: 'odd failure\n' }, { exit: 1 }] },
        { subcommand: 'create', ids: ['starts'], steps: ['call', { also: 'start' }, { exit: 1 }] },
        { subcommand: 'create', ids: ['is-killed'], steps: ['call', { signal: 9 }] },
        { subcommand: 'create', ids: ['segfaults'], steps: ['call', { also: 'start' }, { signal: 11 }] },
      ]);
      const server = await ground.server({ runtime: odd.path });
      const healthy = await ground.runHealthy();
      const before = server.snapshot();
      for (const [id, code] of [
        ['exits', 'RUNTIME_FAILED'],
        ['starts', 'RUNTIME_FAILED'],
        ['is-killed', 'RUNTIME_KILLED'],
        ['segfaults', 'RUNTIME_KILLED'],
      ] as const) {
        await failure(
          ground.create({ id, args: ['workload', 'ignore-term', 'then', 'pause'], terminal }),
          code,
        );
      }
      await ground.expectNothingLeft(before);
      expect(ground.exitFiles.appearances).toEqual([]);
      odd.setRules([]);
      const again = await ground.run({ id: 'starts', args: ['workload', 'exit', '4'], terminal });
      expect(await again.exit()).toBe(4);
      expect((await healthy.exec(['true'])).exitCode).toBe(0);
    });
  }
});
