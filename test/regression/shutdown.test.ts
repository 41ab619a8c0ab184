import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';

import { AttachClient } from '../support/attach-client.js';
import type { Ground } from '../support/ground.js';
import type { TestServer } from '../support/server.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { within } from '../support/until.js';

/** The mounts of this namespace below a folder. */
function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(` ${folder}/`));
}

forEachRuntime('a server that is told to end', (test) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`by ${signal} ends containers, calls, streams and namespaces, and says how each ended`, async ({
      ground,
    }) => {
      const server = await ground.server();
      const { conmon } = server.connection;
      const running = await ground.run({ args: ['cat'], stdin: true });
      const stubborn = await ground.run({ args: ['workload', 'ignore-term', 'then', 'pause'] });
      const terminal = await ground.run({ args: ['sh'], terminal: true });
      const created = await ground.create({ args: ['workload', 'pause'] });
      const attachPath = ground.path('attach.sock');
      await running.listen(attachPath);
      const client = await AttachClient.connect(attachPath);
      await conmon.startFdSocket({ request: {} });
      const base = ground.path('base');
      await conmon.createNamespaces({
        request: { namespaces: ['ipc', 'net', 'pid', 'uts'], basePath: base, podId: 'pod' },
      });
      expect(mountsBelow(base)).not.toEqual([]);
      for (const ask of [
        conmon.serveExecContainer({ request: { id: running.id, command: ['cat'], stdin: true } }),
        conmon.serveAttachContainer({ request: { id: running.id, stdout: true } }),
      ])
        expect((await ask).response?.url).toMatch(/^http:/);
      const inFlight = Promise.allSettled([
        running.exec(['sleep', '1000']),
        stubborn.exec(['sleep', '1000'], { terminal: true }),
        ground.create({ args: ['workload', 'pause'] }),
        ground.create({ args: ['missing'] }),
      ]);

      expect(await server.stopAtOnce(signal)).toEqual([]);
      for (const container of [running, stubborn, terminal, created])
        expect(await container.exit()).toBe(137);
      expect((await client.end()).code).toBe(0);
      expect(mountsBelow(base)).toEqual([]);
      expect(existsSync(attachPath)).toBe(false);
      await within('the calls in flight', inFlight);
    });
  }

  /** A server whose runtime never ends its `delete`. */
  async function hanging(ground: Ground, ...flags: string[]): Promise<TestServer> {
    const odd = ground.odd([{ subcommand: 'delete', steps: ['hang'] }]);
    return ground.server({ runtime: odd.path, flags: ['--runtime-timeout=60', ...flags] });
  }

  test.skipIf(!oursOnly)('is in time although the runtime hangs', async ({ ground }) => {
    const server = await hanging(ground, '--shutdown-timeout=1');
    const container = await ground.runHealthy();
    const attachPath = ground.path('attach.sock');
    await container.listen(attachPath);
    expect(await server.stopAtOnce('SIGTERM')).toEqual([]);
    expect(server.log).toMatch(/could be ended in time/);
    expect(await container.exit()).toBe(137);
    expect(existsSync(attachPath)).toBe(false);
  });

  test.skipIf(!oursOnly)('is hastened by a second signal', async ({ ground }) => {
    const server = await hanging(ground, '--shutdown-timeout=60');
    const container = await ground.runHealthy();
    expect(await server.stopAtOnce('SIGTERM', 'SIGINT')).toEqual([]);
    expect(server.log).toMatch(/told again to end/);
    expect(await container.exit()).toBe(137);
  });
});
