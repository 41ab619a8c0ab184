import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { serverBinary } from '../support/paths.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';

forEachRuntime('a runtime directory', (test) => {
  test.skipIf(!oursOnly)(
    'in use is refused to a second server, and the first goes on',
    async ({ ground }) => {
      // Cases 51 and 71: the second unlinked and replaced the live socket.
      const first = await ground.server();
      const healthy = await ground.runHealthy();
      const socket = statSync(first.socketPath);
      await expect(ground.anotherServer('server')).rejects.toThrow(
        /did not start: [^]*(in use|another server|SERVER_RUNNING)/i,
      );
      expect(statSync(first.socketPath)).toMatchObject({ ino: socket.ino, ctimeMs: socket.ctimeMs });
      expect((await healthy.exec(['workload', 'exit', '3'])).exitCode).toBe(3);
      const other = await first.connect();
      await other.conmon.version({ request: {} });
      await other.close();
    },
  );

  test('of a server that was killed serves the next one', async ({ ground }) => {
    // Case 52: a stale socket of a dead server. Its containers are not the next one's, and it is alone in owning them.
    const first = await ground.anotherServer('server');
    const orphaned = await ground.run({ id: 'earlier', args: ['workload', 'pause'], server: first });
    await first.kill();
    await orphaned.delete();
    await first.nursery.clear();

    const second = await ground.anotherServer('server');
    expect(second.pid).not.toBe(first.pid);
    const container = await ground.run({ id: 'later', args: ['workload', 'exit', '6'], server: second });
    expect(await container.exit()).toBe(6);
  });

  test.skipIf(!oursOnly)(
    'of a server that was killed tells the next one what lives and what has ended',
    async ({ ground }) => {
      const first = await ground.anotherServer('server');
      const living = await ground.run({ id: 'living', args: ['workload', 'pause'], server: first });
      const ended = await ground.run({ id: 'ended', args: ['workload', 'pause'], server: first });
      await first.kill();
      await ended.delete();

      const second = await ground.anotherServer('server');
      expect(second.log).toMatch(/lives; it is not watched container=living/);
      expect(second.log).toMatch(/ended while no server watched it container=ended/);
      await living.delete();
      await first.nursery.clear();
    },
  );

  test.skipIf(!oursOnly)('is left by a server that nobody needs', async ({ ground }) => {
    const runtimeDir = join(ground.folder, 'idle');
    const flags = ['--skip-fork', '--log-driver=none', '--idle-exit=0.2'];
    const server = spawn(serverBinary, [
      ...flags,
      `--runtime=${ground.runtime.path}`,
      `--runtime-dir=${runtimeDir}`,
    ]);
    expect(await once(server, 'exit')).toEqual([0, null]);
    expect(readdirSync(runtimeDir)).toEqual([]);
  });

  test('with a name longer than a socket address holds its socket', async ({ ground }) => {
    const long = Array.from({ length: 4 }, () => 'a'.repeat(60)).join('/');
    const server = await ground.anotherServer(long);
    const container = await ground.run({ args: ['workload', 'exit', '2'], server });
    expect(await container.exit()).toBe(2);
  });
});
