import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { PodherdError } from '../../../ts/client/src/errors.js';
import { PidsLimit } from '../../support/cgroups.js';
import type { TestContainer } from '../../support/container.js';
import { failure } from '../../support/failure.js';
import type { Ground } from '../../support/ground.js';
import { descriptors } from '../../support/processes.js';
import { output, run } from '../../support/run.js';
import { forEachRuntime, oursOnly } from '../../support/suite.js';
import { within } from '../../support/until.js';

/** A create that may fail with an error, and must not hang. A container that came of it works. */
async function attempt(ground: Ground, terminal: boolean): Promise<PodherdError | undefined> {
  const created = await within(
    'the create',
    ground.create({ args: ['workload', 'exit', '3'], terminal }).catch((error: unknown) => error),
  );
  if (created instanceof PodherdError) return created;
  const container = created as TestContainer;
  await container.start();
  expect(await container.exit()).toBe(3);
  await container.delete();
  return undefined;
}

forEachRuntime('without', (test) => {
  for (const terminal of [false, true]) {
    const how = terminal ? ', with a terminal' : '';

    test(`descriptors a create fails at any step and leaves nothing${how}`, async ({ ground }) => {
      // Cases 86 and 87: the server ended, or never answered.
      const server = await ground.server();
      const healthy = await ground.runHealthy();
      await healthy.exec(['true'], { terminal });
      const before = server.snapshot();
      const open = descriptors(server.pid).length;
      const limit = (soft: number | string): Promise<string> =>
        output('prlimit', ['--pid', String(server.pid), `--nofile=${soft}:`]);
      const errors: (string | undefined)[] = [];
      for (let room = 0; room < 24; room++) {
        await limit(open + room);
        const error = await attempt(ground, terminal);
        errors.push(error?.code);
        const exec = await within(
          'the exec',
          healthy.exec(['true'], { terminal }).catch((thrown: unknown) => thrown),
        );
        if (!(exec instanceof PodherdError))
          expect([0, -2]).toContain((exec as { exitCode: number }).exitCode);
      }
      await limit(1_024);
      await ground.expectNothingLeft(before);
      expect(await attempt(ground, terminal)).toBeUndefined();
      expect((await healthy.exec(['true'], { terminal })).exitCode).toBe(0);
      // Whatever step it was that found none left, the caller learns just that.
      if (oursOnly) expect(new Set(errors)).toEqual(new Set(['RESOURCES_EXHAUSTED', undefined]));
      expect(errors.at(-1)).toBeUndefined();
    });

    test(`processes a create fails at any step and leaves nothing${how}`, async ({ ground }) => {
      const server = await ground.server();
      const healthy = await ground.runHealthy();
      await healthy.exec(['true'], { terminal });
      const before = server.snapshot();
      const limited = new PidsLimit(`${ground.cgroup}-server`);
      limited.add(server.pid);
      ground.onEnd(() => limited.remove());
      const codes: (string | undefined)[] = [];
      for (let room = 0; room < 20; room++) {
        limited.set(limited.current() + room);
        codes.push((await attempt(ground, terminal))?.code);
        await within(
          'the exec',
          healthy.exec(['true'], { terminal }).catch((thrown: unknown) => thrown),
        );
      }
      limited.set('max');
      await ground.expectNothingLeft(before);
      expect(await attempt(ground, terminal)).toBeUndefined();
      if (oursOnly) expect(codes[0]).toBe('RESOURCES_EXHAUSTED');
    });

    test(`room in the runtime directory a create fails, and works again with room${how}`, async ({
      ground,
    }) => {
      const folder = await ground.tmpfs('server', '256k');
      const server = await ground.server();
      const healthy = await ground.runHealthy();
      const before = server.snapshot();
      await run('sh', ['-c', 'cat /dev/zero > "$0" 2>/dev/null', join(folder, 'ballast')]);
      const error = await attempt(ground, terminal);
      if (error !== undefined && oursOnly) {
        expect(['RUNTIME_DIR_UNUSABLE', 'RUNTIME_FAILED', 'PID_FILE_INVALID'], error.message).toContain(
          error.code,
        );
        expect(error.message).toMatch(/space|pid file/i);
      }
      rmSync(join(folder, 'ballast'));
      await ground.expectNothingLeft(before);
      expect(await attempt(ground, terminal)).toBeUndefined();
      expect((await healthy.exec(['true'])).exitCode).toBe(0);
    });
  }

  test('the right to write to its runtime directory a create fails, and works again with it', async ({
    ground,
  }) => {
    const folder = await ground.tmpfs('server', '1m');
    const server = await ground.server();
    const healthy = await ground.runHealthy();
    const before = server.snapshot();
    // The directory alone: a file system with files open for writing can't be remounted read-only.
    const setImmutable = (flag: '+i' | '-i'): Promise<string> => output('chattr', [flag, folder]);
    await setImmutable('+i');
    try {
      for (const terminal of [false, true]) {
        const call = ground.create({ id: 'broken', args: ['true'], terminal });
        await failure(call, 'RUNTIME_DIR_UNUSABLE', /operation not permitted/i);
      }
    } finally {
      await setImmutable('-i');
    }
    await ground.expectNothingLeft(before);
    expect(await attempt(ground, false)).toBeUndefined();
    expect((await healthy.exec(['true'])).exitCode).toBe(0);
    expect(existsSync(server.socketPath)).toBe(true);
  });
});
