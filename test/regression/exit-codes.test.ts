import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { failure } from '../support/failure.js';
import { full } from '../support/paths.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { inParallel } from '../support/until.js';

forEachRuntime('an exit code', (test, runtime) => {
  /** runc needs two to three times as long. */
  const volume = full || runtime.name === 'crun' ? 1_000 : 300;

  test(`is right ${volume} times while creates fail beside it`, { timeout: 600_000 }, async ({ ground }) => {
    // Cases 2 and 63: conmon-rs 2415; 31 of 200 execs and 1 of 40 containers had a wrong code in conmon-rs 1.0.1.
    const healthy = await ground.runHealthy();
    let done = false;
    const failing = (async () => {
      let failures = 0;
      for (; !done; failures++) {
        const terminal = failures % 2 === 1;
        await failure(
          ground.create({ id: 'broken', args: ['no-such-command'], terminal }),
          'COMMAND_NOT_FOUND',
        );
      }
      return failures;
    })();
    failing.catch(() => undefined); // Looked at when the others are done.
    const codes = await inParallel(volume, 2, async (n) => {
      if (n % 10 === 0) expect((await healthy.exec(['workload', 'exit', '42'])).exitCode).toBe(42);
      const container = await ground.run({ args: ['workload', 'exit', '42'] });
      const code = await container.exit();
      await container.delete();
      return code;
    }).finally(() => (done = true));
    expect(await failing).toBeGreaterThan(volume / 20);
    expect(codes.filter((code) => code !== 42)).toEqual([]);
  });

  const fast = full ? 1_000 : runtime.name === 'crun' ? 200 : 60;

  test(
    `is right ${fast} times when the container ends within the create`,
    { timeout: 600_000 },
    async ({ ground }) => {
      // Case 14, containerd 8617: the exit came before the pid was registered.
      const waits = [0, 1, 5, 20];
      const odd = ground.odd(
        waits.map((sleepMs, lane) => ({
          subcommand: 'create' as const,
          ids: Array.from({ length: fast }, (_, n) => n)
            .filter((n) => n % waits.length === lane)
            .map((n) => `fast-${n}`),
          steps: ['call' as const, { also: 'start' as const }, { sleepMs }],
        })),
      );
      await ground.server({ runtime: odd.path });
      const codes = await inParallel(fast, 4, async (n) => {
        const container = await ground.create({
          id: `fast-${n}`,
          args: ['workload', 'exit', String(n % 256)],
        });
        const code = await container.exit();
        await container.delete();
        return code;
      });
      expect(codes).toEqual(codes.map((_, n) => n % 256));
    },
  );

  test('is in every file whole, before the watched one shows', async ({ ground }) => {
    // Case 20, cri-o 9846, 8937 and 6973: a fast container reported 255, from an empty or a temporary file.
    const inBundle = (id: string): string => join(ground.path('bundles'), id, 'exit');
    const others: string[] = [];
    ground.exitFiles.onShown = (id) => {
      others.push(existsSync(inBundle(id)) ? readFileSync(inBundle(id), 'utf8') : 'missing');
    };
    const ids = Array.from({ length: 50 }, () => ground.newId());
    await inParallel(ids.length, 4, async (n) => {
      const id = ids[n] ?? '';
      const exitPaths = [ground.exitFiles.path(id), inBundle(id)];
      const container = await ground.run({ id, args: ['true'], exitPaths });
      expect(await container.exit()).toBe(0);
      await container.delete();
    });
    const shown = ground.exitFiles.appearances;
    expect(shown.map(({ name }) => name).sort()).toEqual([...ids].sort());
    expect(new Set([...others, ...shown.map(({ text }) => text)])).toEqual(new Set(['0']));
  });

  test('of a signal is 128 and the number, and the state tells both apart', async ({ ground }) => {
    // Case 5, conmon 545 and 571: a status that nobody had was invented. Here it is one that the kernel gave.
    const server = await ground.server();
    const faulted = await ground.run({ args: ['workload', 'die', '11'] });
    expect(await faulted.exit()).toBe(139);
    const killed = await ground.runHealthy();
    process.kill(killed.pid, 'SIGKILL');
    expect(await killed.exit()).toBe(137);
    const exited = await ground.run({ args: ['workload', 'exit', '137'] });
    expect(await exited.exit()).toBe(137);
    if (!oursOnly) return;
    const state = async (id: string): Promise<unknown> => (await server.connection.statusAtEnd(id)).exit;
    expect(await state(faulted.id)).toMatchObject({ knowledge: 'known', exitCode: -1, signal: 11 });
    expect(await state(killed.id)).toMatchObject({ knowledge: 'known', exitCode: -1, signal: 9 });
    expect(await state(exited.id)).toMatchObject({ knowledge: 'known', exitCode: 137, signal: 0 });
  });

  test('that can not be written is said, and kept', async ({ ground }) => {
    // Case 75: a missing exit directory was skipped without a word.
    const server = await ground.server();
    const path = join(ground.path('no-such-directory'), 'exit');
    const container = await ground
      .create({ args: ['workload', 'exit', '5'], exitPaths: [path] })
      .catch((error: unknown) => {
        expect(String(error)).toContain(path);
        return undefined;
      });
    if (container === undefined) return;
    await container.start();
    if (oursOnly) {
      expect((await server.connection.statusAtEnd(container.id)).exit).toMatchObject({
        knowledge: 'known',
        exitCode: 5,
      });
    }
    expect(existsSync(path) || server.log.includes(path)).toBe(true);
  });
});
