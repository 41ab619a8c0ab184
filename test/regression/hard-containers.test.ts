import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

import { PidsLimit } from '../support/cgroups.js';
import { text } from '../support/container.js';
import { failure } from '../support/failure.js';
import { fixture } from '../support/paths.js';
import { allProcesses } from '../support/processes.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { within } from '../support/until.js';

/** The processes that run a program, by the words of their command line. */
function running(words: string): number[] {
  return allProcesses()
    .filter(({ pid, state }) => {
      if (state === 'Z') return false;
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(words);
      } catch {
        return false;
      }
    })
    .map(({ pid }) => pid);
}

forEachRuntime('a container at its limit of processes', (test, runtime) => {
  test('answers an exec with the reason, and runs it when there is room', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.runHealthy();
    await container.exec(['true']);
    const before = server.snapshot();
    const limited = new PidsLimit(`${ground.cgroup}/${container.id}`);
    limited.set(limited.current());
    for (const terminal of [false, true]) {
      // The kernel lets processes move in past the limit, and none of them fork. Whether a runtime has to is its own
      // business: then there is a reason.
      const exec = await within('the exec', container.exec(['workload', 'exit', '5'], { terminal }));
      if (exec.exitCode === -2)
        expect(text(exec.stderr)).toMatch(oursOnly ? /^[A-Z_]+: exec in container \S+: ./ : /./);
      else expect(exec.exitCode, runtime.name).toBe(5);
      const forks = await within('the exec', container.exec(['sh', '-c', '(true); exit 6'], { terminal }));
      expect(forks.exitCode).not.toBe(6);
      expect(text(forks.stdout) + text(forks.stderr)).toMatch(/./);
    }
    await ground.expectNothingLeft(before);
    limited.set('max');
    expect((await container.exec(['workload', 'exit', '5'])).exitCode).toBe(5);
  });
});

forEachRuntime('an OCI hook', (test, runtime) => {
  const hook = (stage: string, ...args: string[]): { override: Record<string, unknown> } => ({
    override: { hooks: { [stage]: [{ path: fixture('workload'), args: ['workload', ...args] }] } },
  });
  /** Tells the processes of one test from those of others. */
  const mark = (): string => String(randomInt(1e9, 2e9));

  for (const stage of ['prestart', 'createRuntime']) {
    test.skipIf(!oursOnly)(`that hangs (${stage}) ends with the create`, async ({ ground }) => {
      const server = await ground.server({ flags: ['--runtime-timeout=1'] });
      const healthy = await ground.runHealthy();
      const before = server.snapshot();
      const time = mark();
      const options = { id: 'hooked', args: ['true'], ...hook(stage, 'sleep', time) };
      await failure(within('the create', ground.create(options)), 'RUNTIME_TIMEOUT');
      expect(running(`sleep ${time}`)).toEqual([]);
      await ground.expectNothingLeft(before);
      expect((await healthy.exec(['true'])).exitCode).toBe(0);
    });

    for (const output of ['quiet', 'holding']) {
      // runc waits for whoever holds the hook's output.
      const waits = output === 'holding' && runtime.name === 'runc';
      test.skipIf(!oursOnly)(
        `that fails (${stage}) leaves no orphan with the failed create, ${output} its output`,
        async ({ ground }) => {
          const server = await ground.server({ flags: ['--runtime-timeout=2'] });
          const healthy = await ground.runHealthy();
          const before = server.snapshot();
          const args = ['orphan', 'forever', output, 'then', 'exit', '3'];
          const options = { id: 'hooked', args: ['true'], ...hook(stage, ...args) };
          const code = waits ? 'RUNTIME_TIMEOUT' : 'RUNTIME_FAILED';
          await failure(within('the create', ground.create(options)), code);
          await ground.expectNothingLeft(before);
          expect((await healthy.exec(['true'])).exitCode).toBe(0);
        },
      );
    }
  }

  test('that leaves an orphan: it is collected when it ends, and no zombie', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.run({
      args: ['workload', 'pause'],
      ...hook('createRuntime', 'orphan', '600', 'quiet'),
    });
    expect((await container.exec(['true'])).exitCode).toBe(0);
    await container.kill('KILL');
    expect(await container.exit()).toBe(137);
    await container.delete();
    // The account waits for longer than the orphan lives.
    await ground.expectNothingLeft();
    expect(server.log).not.toContain('panicked');
  });

  test.skipIf(!oursOnly)(
    'that hangs after the start fails the call that ran it, and no other',
    async ({ ground }) => {
      const { connection } = await ground.server({ flags: ['--runtime-timeout=1'] });
      const time = mark();
      const options = { id: 'hooked', args: ['workload', 'pause'], ...hook('poststart', 'sleep', time) };
      if (runtime.name === 'runc') {
        // runc 1.1 runs it at the end of `create`.
        await failure(within('the create', ground.create(options)), 'RUNTIME_TIMEOUT');
      } else {
        const container = await ground.create(options);
        await failure(within('the start', connection.podherd.start({ id: container.id })), 'RUNTIME_TIMEOUT');
        expect((await connection.status(container.id)).pid).toBe(container.pid);
        await within('the delete', connection.podherd.delete({ id: container.id, force: true }));
      }
      expect(running(`sleep ${time}`)).toEqual([]);
      await ground.expectNothingLeft();
    },
  );
});
