import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

import { failure } from '../support/failure.js';
import type { OddStep } from '../support/odd-runtime.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { until, within } from '../support/until.js';

forEachRuntime('a runtime', (test, runtime) => {
  test('that is slow in one create holds up no other call', async ({ ground }) => {
    // Case 17, containerd 9103, 9104 and 13483: a lock was held across the runtime's create.
    const odd = ground.odd([
      { subcommand: 'create', ids: ['slow'], steps: [{ touch: 'in-create' }, { waitFor: 'gate' }] },
    ]);
    await odd.gate('gate');
    const { connection } = await ground.server({ runtime: odd.path });
    const healthy = await ground.runHealthy();
    let answered = false;
    const slow = ground
      .create({ id: 'slow', args: ['workload', 'exit', '8'] })
      .finally(() => (answered = true));
    await odd.reached('in-create');

    await connection.conmon.version({ request: {} });
    expect((await healthy.exec(['workload', 'exit', '6'])).exitCode).toBe(6);
    const other = await ground.run({ args: ['workload', 'exit', '5'] });
    expect(await other.exit()).toBe(5);
    await failure(
      ground.create({ id: 'broken', args: ['no-such-command'] }),
      'COMMAND_NOT_FOUND',
      runtime.notFound,
    );
    const again = ground.bundle('again', { args: ['true'] });
    await failure(ground.create({ id: 'slow', args: [], bundlePath: again }), 'ID_IN_USE');
    if (oursOnly) {
      expect((await connection.status(healthy.id)).pid).toBe(healthy.pid);
      const { containers } = await connection.podherd.listContainers({});
      expect(containers.map(({ id, state }) => `${id} ${String(state)}`)).toContain('slow creating');
    }
    expect(answered).toBe(false);

    await odd.open('gate');
    const container = await within('the slow create', slow);
    await container.start();
    expect(await container.exit()).toBe(8);
  });

  for (const terminal of [false, true]) {
    const how = terminal ? 'with a terminal' : 'without a terminal';

    test.skipIf(!oursOnly)(
      `that never returns from create is killed with its tree, ${how}`,
      async ({ ground }) => {
        // Case 23, containerd 6166 and 6189.
        const survivor: OddStep = { orphan: { liveMs: null, holdOutput: true } };
        const odd = ground.odd([
          { subcommand: 'create', ids: ['hangs'], steps: [survivor, { stderr: 'slept in\n' }, 'hang'] },
        ]);
        const server = await ground.server({ runtime: odd.path, flags: ['--runtime-timeout=0.5'] });
        const healthy = await ground.runHealthy();
        const before = server.snapshot();
        await failure(ground.create({ id: 'hangs', args: ['true'], terminal }), 'RUNTIME_TIMEOUT', /0\.5 s/);
        await ground.expectNothingLeft(before);
        expect((await healthy.exec(['true'])).exitCode).toBe(0);
      },
    );

    test(`that dies before it connects to the console is an answer, ${how}`, async ({ ground }) => {
      // Cases 54 and 64: the call hung for ever, with a zombie and five descriptors.
      const endings: [string, OddStep, Parameters<typeof failure>[1], RegExp][] = [
        ['exits', { exit: 1 }, 'RUNTIME_FAILED', /odd words/],
        ['is-killed', { signal: 9 }, 'RUNTIME_KILLED', /signal 9/],
        [
          'does-nothing',
          { exit: 0 },
          terminal ? ['CONSOLE_FAILED', 'PID_FILE_INVALID'] : 'PID_FILE_INVALID',
          /./,
        ],
      ];
      const odd = ground.odd(
        endings.map(([id, end]) => ({
          subcommand: 'create',
          ids: [id],
          steps: [{ stderr: 'odd words\n' }, end],
        })),
      );
      const server = await ground.server({ runtime: odd.path });
      const healthy = await ground.runHealthy();
      const before = server.snapshot();
      for (const [id, , code, message] of endings) {
        await failure(ground.create({ id, args: ['true'], terminal }), code, oursOnly ? message : /./);
      }
      await ground.expectNothingLeft(before);
      expect((await healthy.exec(['true'])).exitCode).toBe(0);
    });
  }

  test.skipIf(!oursOnly)(
    'that never returns from exec, state or delete has its end too',
    async ({ ground }) => {
      const odd = ground.odd([
        { subcommand: 'exec', steps: ['hang'] },
        { subcommand: 'delete', ids: ['broken'], steps: ['hang'] },
        { subcommand: 'state', ids: ['broken'], steps: ['hang'] },
      ]);
      const server = await ground.server({ runtime: odd.path, flags: ['--runtime-timeout=0.5'] });
      const healthy = await ground.runHealthy();
      const before = server.snapshot();
      const exec = await within('the exec', healthy.exec(['true']));
      expect(exec.exitCode).toBe(-2);
      expect(Buffer.from(exec.stderr).toString()).toMatch(/^RUNTIME_TIMEOUT: /);
      await failure(ground.create({ id: 'broken', args: ['no-such-command'] }), [
        'COMMAND_NOT_FOUND',
        'RUNTIME_TIMEOUT',
      ]);
      await ground.expectNothingLeft(before);
    },
  );

  test('that warns on stderr does not write into the log', async ({ ground }) => {
    // Case 70.
    const odd = ground.odd([{ subcommand: 'create', steps: [{ stderr: 'level=warning odd words\n' }] }]);
    await ground.server({ runtime: odd.path });
    const container = await ground.run({ args: ['sh', '-c', 'echo own words >&2'] });
    expect(await container.exit()).toBe(0);
    expect(container.logRecords()).toEqual([{ stream: 'stderr', tag: 'F', text: 'own words' }]);
  });

  for (const stage of ['before', 'after'] as const) {
    test(`whose caller goes ${stage} it has made the container is undone`, async ({ ground }) => {
      // Cases 24 and 66: 3 of 3 containers existed, watched by nobody. Case 79: whole, not half.
      const wait: OddStep[] = [{ touch: `${stage}-create` }, { waitFor: 'gate' }];
      const odd = ground.odd([
        { subcommand: 'create', ids: ['left'], steps: stage === 'before' ? wait : ['call', ...wait] },
      ]);
      await odd.gate('gate');
      const server = await ground.server({ runtime: odd.path });
      const healthy = await ground.runHealthy();
      const before = server.snapshot();
      for (const terminal of [false, true]) {
        odd.forget(`${stage}-create`);
        const caller = await server.connect();
        const left = ground.create({ id: 'left', args: ['workload', 'pause'], terminal, connection: caller });
        const gone = failure(left, 'CONNECTION_CLOSED');
        await odd.reached(`${stage}-create`);
        await caller.close();
        await gone;
        await ground.expectNothingLeft(before);
      }
      odd.setRules([]);
      const again = await ground.run({ id: 'left', args: ['workload', 'exit', '4'] });
      expect(await again.exit()).toBe(4);
      expect((await healthy.exec(['true'])).exitCode).toBe(0);
    });
  }

  test('at work on an exec whose caller goes is undone', async ({ ground }) => {
    const server = await ground.server();
    const healthy = await ground.runHealthy();
    await healthy.exec(['true']);
    const before = server.snapshot();
    const caller = await server.connect();
    const marker = 'sleep 86399';
    const gone = failure(healthy.exec(['sh', '-c', marker], { connection: caller }), 'CONNECTION_CLOSED');
    await until('the exec runs', async () => {
      const { stdout } = await healthy.exec(['ps']);
      return Buffer.from(stdout).toString().includes(marker) || undefined;
    });
    await caller.close();
    await gone;
    await ground.expectNothingLeft(before);
    expect(readFileSync(healthy.logPath, 'utf8')).toBe('');
  });
});
