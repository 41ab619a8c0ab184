import { expect } from 'vitest';

import { failure } from '../support/failure.js';
import type { OddStep } from '../support/odd-runtime.js';
import { processEntry } from '../support/processes.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { inParallel, until } from '../support/until.js';

const lifetimes = [0, 1, 50, 500];

/** Orphans of all lifetimes, with and without the runtime's output held, in and out of its session. */
const orphans: OddStep[] = lifetimes.flatMap((liveMs) =>
  [false, true].map((flag) => ({ orphan: { liveMs, holdOutput: flag, newSession: flag, pidTo: 'orphans' } })),
);

forEachRuntime('an orphan of the runtime', (test) => {
  // Cases 4 and 65: conmon 181, 290 and 291; measured in conmon-rs 1.0.1 after failure and success alike.
  test('is reaped after a create that failed, whenever it dies', async ({ ground }) => {
    const odd = ground.odd([
      { subcommand: 'create', steps: [...orphans, { stderr: 'odd failure\n' }, { exit: 1 }] },
    ]);
    await ground.server({ runtime: odd.path });
    for (let n = 0; n < 5; n++) {
      await failure(ground.create({ id: 'broken', args: ['true'] }), 'RUNTIME_FAILED', /odd failure/);
    }
    await ground.expectNothingLeft();
    expect(odd.orphans('orphans')).toHaveLength(5 * orphans.length);
  });

  test('is reaped after a create that succeeded, whenever it dies', async ({ ground }) => {
    const odd = ground.odd([{ subcommand: 'create', steps: [...orphans, 'call'] }]);
    const server = await ground.server({ runtime: odd.path });
    for (let n = 0; n < 3; n++) {
      const container = await ground.run({ args: ['workload', 'exit', '3'] });
      expect(await container.exit()).toBe(3);
      await container.delete();
    }
    await ground.expectNothingLeft();
    expect(odd.orphans('orphans')).toHaveLength(3 * orphans.length);
    if (!oursOnly) return;
    const status = await server.connection.reaperStatus();
    expect(status).toMatchObject({ zombiesNow: 0, openClaims: 0, unclaimedExits: 0 });
    expect(status.orphans).toBeGreaterThanOrEqual(BigInt(odd.orphans('orphans').length));
  });

  test('is reaped after execs, and takes no status from them', async ({ ground }) => {
    // Case 3, djinn 2700: a second waiter beside the process driver makes waits fail with ECHILD.
    const odd = ground.odd([
      {
        subcommand: 'exec',
        steps: [{ orphan: { liveMs: 0 } }, { orphan: { liveMs: 1 } }, { orphan: { liveMs: 50 } }],
      },
    ]);
    const server = await ground.server({ runtime: odd.path });
    const healthy = await ground.runHealthy();
    const before = server.snapshot();
    const codes = await inParallel(
      100,
      8,
      async (n) => (await healthy.exec(['workload', 'exit', String(n)])).exitCode,
    );
    expect(codes).toEqual(codes.map((_, n) => n));
    await ground.expectNothingLeft(before);
  });

  test('that outlives a failed create and holds its output does not hold the answer up', async ({
    ground,
  }) => {
    // Case 55: stderr was read to an end that never came. The survivor is the call's, so it goes too.
    const survivor = { orphan: { liveMs: null, holdOutput: true, newSession: true, pidTo: 'survivors' } };
    const odd = ground.odd([
      { subcommand: 'create', steps: [survivor, { stderr: 'odd failure\n' }, { exit: 1 }] },
    ]);
    await ground.server({ runtime: odd.path });
    for (const terminal of [false, true]) {
      await failure(
        ground.create({ id: 'broken', args: ['true'], terminal }),
        'RUNTIME_FAILED',
        /odd failure/,
      );
    }
    const pids = odd.orphans('survivors');
    expect(pids).toHaveLength(2);
    await until(
      'the survivors are gone',
      () => pids.every((pid) => processEntry(pid) === undefined) || undefined,
    );
  });

  test('that outlives a create which succeeded ends with the server', async ({ ground }) => {
    const odd = ground.odd([
      {
        subcommand: 'create',
        steps: [{ orphan: { liveMs: null, newSession: true, pidTo: 'survivors' } }, 'call'],
      },
    ]);
    const server = await ground.server({ runtime: odd.path });
    const container = await ground.run({ args: ['workload', 'exit', '0'] });
    expect(await container.exit()).toBe(0);
    await container.delete();
    const pids = odd.orphans('survivors');
    expect(pids).toHaveLength(1);
    expect(await server.stop()).toEqual([]);
    expect(pids.filter((pid) => processEntry(pid) !== undefined)).toEqual([]);
  });
});
