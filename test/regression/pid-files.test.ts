import { spawn } from 'node:child_process';
import { expect } from 'vitest';

import { failure } from '../support/failure.js';
import type { OddStep } from '../support/odd-runtime.js';
import { processEntry } from '../support/processes.js';
import { forEachRuntime } from '../support/suite.js';

type Spoiled = Extract<OddStep, { pidFile: unknown }>['pidFile'];

const spoiled: readonly [string, Spoiled][] = [
  ['missing', 'missing'],
  ['empty', { text: '' }],
  ['garbage', { text: 'pid\n' }],
  ['zero', { text: '0' }],
  ['negative', { text: '-1' }],
  ['far too large', { text: '99999999999999999999' }],
  ['that of process 1', 'stranger'],
];

forEachRuntime('a pid file', (test) => {
  for (const [what, pidFile] of spoiled) {
    for (const terminal of [false, true]) {
      test(`${what} fails the create, and undoes it${terminal ? ', with a terminal' : ''}`, async ({
        ground,
      }) => {
        // Cases 5, 21, 22 and 53: a running container that nobody watches; a stranger signalled; kill(-1).
        const odd = ground.odd([
          { subcommand: 'create', ids: ['odd'], steps: ['call', { also: 'start' }, { pidFile }] },
        ]);
        const server = await ground.server({ runtime: odd.path });
        const healthy = await ground.runHealthy();
        const before = server.snapshot();
        await failure(
          ground.create({ id: 'odd', args: ['workload', 'pause'], terminal }),
          'PID_FILE_INVALID',
          /pid/i,
        );
        await ground.expectNothingLeft(before);

        odd.setRules([]);
        const again = await ground.run({ id: 'odd', args: ['workload', 'exit', '4'], terminal });
        expect(await again.exit()).toBe(4);
        expect((await healthy.exec(['true'])).exitCode).toBe(0);
        expect(ground.exitFiles.appearances).toEqual([{ name: 'odd', text: '4' }]);
      });
    }

    test(`${what} fails the exec, and undoes it`, async ({ ground }) => {
      const odd = ground.odd([{ subcommand: 'exec', steps: ['call', { pidFile }] }]);
      const server = await ground.server({ runtime: odd.path });
      const healthy = await ground.runHealthy();
      const before = server.snapshot();
      const exec = await healthy.exec(['workload', 'pause']);
      expect(exec.exitCode).toBe(-2);
      expect(Buffer.from(exec.stderr).toString()).toMatch(/pid/i);
      await ground.expectNothingLeft(before);
    });
  }

  test('that names a living stranger brings the stranger no signal', async ({ ground }) => {
    // Case 21, podman 10320 and 25104: the pid had wrapped, and somebody else was signalled.
    const stranger = spawn('sleep', ['1000'], { stdio: 'ignore' });
    ground.onEnd(() => void stranger.kill('SIGKILL'));
    const odd = ground.odd([
      { subcommand: 'create', steps: ['call', { pidFile: { text: String(stranger.pid) } }] },
      { subcommand: 'exec', steps: ['call', { pidFile: { text: String(stranger.pid) } }] },
    ]);
    await ground.server({ runtime: odd.path });
    await failure(ground.create({ id: 'odd', args: ['true'] }), 'PID_FILE_INVALID');
    await ground.expectNothingLeft();
    expect(processEntry(stranger.pid ?? 0)).toMatchObject({ name: 'sleep', state: 'S' });
  });
});
