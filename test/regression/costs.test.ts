import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

import type { TestServer } from '../support/server.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { inParallel, until } from '../support/until.js';

/** A number of /proc/PID/status, in its own unit (memory: kB). */
function status(server: TestServer, field: string): number {
  const text = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
}

/** Clock ticks of processor time that the server has used. */
function ticks(server: TestServer): number {
  const stat = readFileSync(`/proc/${server.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function threads(server: TestServer): number {
  return readdirSync(`/proc/${server.pid}/task`).length;
}

/** Writer threads end after ten seconds without work. */
const IDLE_THREADS_MS = 15_000;

forEachRuntime('a server', (test) => {
  test('uses no processor time while its containers are quiet', async ({ ground }) => {
    // Case 31, conmon-rs 543; case 32, conmon 632: EAGAIN in a loop.
    const server = await ground.server();
    await ground.run({ args: ['cat'], stdin: true });
    await ground.run({ args: ['sh'], terminal: true });
    await ground.run({ args: ['sh', '-c', 'exec >&- 2>&-; exec workload pause'] });
    const exec = await ground.runHealthy();
    const running = exec.exec(['sleep', '30']);
    // What follows a call: code is unmapped a second later.
    await sleep(2_000);
    const [before, switchesBefore] = [ticks(server), status(server, 'voluntary_ctxt_switches')];
    await sleep(2_000);
    expect(ticks(server) - before).toBeLessThanOrEqual(1);
    expect(status(server, 'voluntary_ctxt_switches') - switchesBefore).toBeLessThan(20);
    await exec.kill();
    await running;
  });

  test('does not grow with what its containers write', { timeout: 120_000 }, async ({ ground }) => {
    // Case 25, conmon-rs 2611 and 2634.
    const server = await ground.server();
    const print = async (bytes: number): Promise<void> => {
      const container = await ground.run({
        args: ['workload', 'print', 'stdout', String(bytes)],
        logPath: '/dev/null',
      });
      expect(await container.exit(60_000)).toBe(0);
    };
    await print(10_000_000);
    await sleep(1_500);
    const before = status(server, 'RssAnon');
    await print(200_000_000);
    await until('its memory is as before', () =>
      status(server, 'RssAnon') - before < 512 ? true : undefined,
    );
  });

  test(
    'keeps no thread, no descriptor and little memory of what has ended',
    { timeout: 180_000 },
    async ({ ground }) => {
      // Case 26, conmon-rs 299 and 300; case 28, conmon-rs 1505; case 77: 36 kB and 7 descriptors a container.
      const server = await ground.server();
      const rounds = (count: number): Promise<void[]> =>
        inParallel(count, 4, async () => {
          const container = await ground.run({ args: ['cat'], stdin: true });
          await container.exec(['workload', 'print', 'stdout', '100000']);
          await container.kill();
          await container.exit();
          await container.delete();
          if (oursOnly) await server.connection.podherd.delete({ id: container.id });
        });
      await rounds(10);
      const quiet = async (): Promise<void> => {
        await until(
          'its threads have ended',
          () => (threads(server) === 1 ? true : undefined),
          IDLE_THREADS_MS,
        );
      };
      if (oursOnly) await quiet();
      const [before, memory] = [server.snapshot(), status(server, 'RssAnon')];
      await rounds(60);
      if (oursOnly) {
        await quiet();
        expect(status(server, 'RssAnon') - memory).toBeLessThan(512);
      }
      await ground.expectNothingLeft(before);
    },
  );
});
