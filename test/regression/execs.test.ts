import { expect } from 'vitest';

import { text } from '../support/container.js';
import { failure } from '../support/failure.js';
import { full } from '../support/paths.js';
import { descendants, processEntry } from '../support/processes.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { inParallel, until, within } from '../support/until.js';

/** What `workload print` writes. */
function pattern(bytes: number): Buffer {
  const lines = Array.from(
    { length: Math.ceil(bytes / 80) },
    (_, n) => `${String(n).padStart(15, '0')} ${'.'.repeat(63)}\n`,
  );
  return Buffer.from(lines.join('')).subarray(0, bytes);
}

forEachRuntime('execs', (test, runtime) => {
  const volume = 2_000;

  test(
    `give the right codes and leave nothing, ${volume} times, 16 at once`,
    { timeout: 600_000 },
    async ({ ground }) => {
      // Case 13, containerd 7717; case 67: a pid file was left by each.
      const server = await ground.server();
      const healthy = await ground.runHealthy();
      await healthy.exec(['true']);
      const before = server.snapshot();
      const codes = await inParallel(volume, 16, async (n) => {
        return (await healthy.exec(['workload', 'exit', String(n % 256)])).exitCode;
      });
      expect(codes.filter((code, n) => code !== n % 256)).toEqual([]);
      await ground.expectNothingLeft(before);
    },
  );

  for (const [count, bytes] of [
    [50, 1_000_000],
    [20, 2_000_000],
  ] as const) {
    test(`${count} at once give ${bytes} bytes each, complete`, async ({ ground }) => {
      // Cases 56 and 62: the head was overwritten in a bounded channel; 2 of 60 were complete in conmon-rs 1.0.1.
      const healthy = await ground.runHealthy();
      const expected = pattern(bytes);
      const wrong = await inParallel(count, count, async (n) => {
        const stream = n % 2 === 0 ? 'stdout' : 'stderr';
        const result = await healthy.exec(['workload', 'print', stream, String(bytes)]);
        expect(result.exitCode).toBe(0);
        return Buffer.from(result[stream]).equals(expected)
          ? []
          : [`${n}: ${result[stream].length} bytes of ${stream}`];
      });
      expect(wrong.flat()).toEqual([]);
    });
  }

  test.skipIf(!oursOnly)('past the limit of their output are cut, and it is said', async ({ ground }) => {
    // Case 62; CVE-2022-1708.
    const limit = 16 << 20;
    const healthy = await ground.runHealthy();
    const { exitCode, stdout, stderr } = await healthy.exec([
      'workload',
      'print',
      'stdout',
      String(limit + 1_000_000),
    ]);
    expect(exitCode).toBe(0);
    expect(stdout.length).toBe(limit);
    expect(Buffer.from(stdout).equals(pattern(limit))).toBe(true);
    expect(text(stderr)).toMatch(/OUTPUT_TRUNCATED: 1000000 bytes of stdout/);
  });

  test('are refused once the container has ended', async ({ ground }) => {
    // Case 16, containerd 10603, 10634 and 10651.
    const server = await ground.server();
    const container = await ground.run({ args: ['workload', 'exit', '0'] });
    await container.exit();
    const before = server.snapshot();
    for (let n = 0; n < 5; n++) await failure(container.exec(['true']), 'CONTAINER_NOT_RUNNING');
    await ground.expectNothingLeft(before);
    await failure(
      server.connection.conmon.execSyncContainer({ request: { id: 'stranger', command: ['true'] } }),
      'CONTAINER_NOT_FOUND',
      /stranger/,
    );
  });

  test('that are at work when the container ends are answered and gone', async ({ ground }) => {
    const rounds = full ? 20 : 5;
    for (let round = 0; round < rounds; round++) {
      const container = await ground.runHealthy();
      const execs = Array.from({ length: 8 }, () =>
        container.exec(['workload', 'sleep', '30000']).catch(() => undefined),
      );
      // Some are in the runtime still, some run: which is chance, and no matter.
      await container.exec(['true']).catch(() => undefined);
      await container.kill('KILL');
      expect(await container.exit()).toBe(137);
      const results = await within('the execs', Promise.all(execs));
      expect(results.filter((result) => result?.exitCode === 0)).toEqual([]);
      await container.delete();
      await ground.expectNothingLeft();
    }
  });

  test.skipIf(!oursOnly)('have their end told before that of their container', async ({ ground }) => {
    // Case 15, containerd 9719 and 9828. Both answers come over one connection, so their order is the server's.
    const server = await ground.server();
    for (let round = 0; round < 10; round++) {
      const container = await ground.runHealthy();
      const told: string[] = [];
      const running = container.exec(['workload', 'pause']).finally(() => told.push('exec'));
      await until('the exec runs, and its runtime has ended', () => {
        const names = descendants(server.pid).map(({ name }) => name);
        return names.every((name) => name === 'workload') && names.length === 2 ? true : undefined;
      });
      const ended = server.connection.statusAtEnd(container.id).finally(() => told.push('container'));
      process.kill(container.pid, 'SIGKILL');
      const [exec] = await Promise.all([running, ended]);
      expect(exec.exitCode).toBe(137);
      expect(told).toEqual(['exec', 'container']);
      await container.delete();
    }
  });

  test('that time out end with all that came of them', async ({ ground }) => {
    // Case 74: a setsid grandchild outlived it. The group of processes is not enough.
    const server = await ground.server();
    const healthy = await ground.runHealthy();
    await healthy.exec(['true']);
    const before = server.snapshot();
    const { timedOut } = await healthy.exec(
      ['workload', 'orphan', 'forever', 'quiet', 'then', 'ignore-term', 'then', 'pause'],
      { timeoutSec: 1n },
    );
    expect(timedOut).toBe(true);
    await ground.expectNothingLeft(before);
    expect(processEntry(healthy.pid)?.state).not.toBe('Z');
    expect((await healthy.exec(['true'])).exitCode).toBe(0);
  });

  test('that time out before the runtime has written the pid file are timed out', async ({ ground }) => {
    // Case 19, cri-o 5067 and 4999.
    const odd = ground.odd([{ subcommand: 'exec', steps: ['hang'] }]);
    const server = await ground.server({ runtime: odd.path });
    const healthy = await ground.runHealthy();
    const before = server.snapshot();
    const { timedOut } = await healthy.exec(['true'], { timeoutSec: 1n });
    expect(timedOut).toBe(true);
    await ground.expectNothingLeft(before);
  });

  test('that end while a grandchild holds their output have ended, and have not timed out', async ({
    ground,
  }) => {
    // Case 74; case 41, containerd 10094 and moby 28207.
    await ground.server({ flags: ['--drain-timeout=0.3'] });
    const healthy = await ground.runHealthy();
    const { exitCode, stdout, timedOut } = await healthy.exec(
      ['workload', 'orphan', 'forever', 'holding', 'then', 'print', 'stdout', '160', 'then', 'exit', '9'],
      { timeoutSec: 15n },
    );
    expect({ exitCode, timedOut }).toEqual({ exitCode: 9, timedOut: false });
    expect(text(stdout)).toMatch(/^orphan \d+\n/);
    expect(Buffer.from(stdout).subarray(-160).equals(pattern(160))).toBe(true);
  });

  test('have their output in one stream with a terminal', async ({ ground }) => {
    const healthy = await ground.runHealthy();
    const result = await healthy.exec(['sh', '-c', 'echo out; echo err >&2; exit 4'], { terminal: true });
    expect(result.exitCode).toBe(4);
    expect(text(result.stdout)).toBe('out\r\nerr\r\n');
    expect(result.stderr.length, runtime.name).toBe(0);
  });
});
