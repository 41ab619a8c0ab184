import { existsSync, mkdirSync, statSync } from 'node:fs';
import { expect } from 'vitest';

import type { Ground } from '../support/ground.js';
import { output, run } from '../support/run.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { until } from '../support/until.js';

/** Mounts a small ext4 from a file, which can be frozen. */
async function ext4(ground: Ground): Promise<string> {
  const [image, folder] = [ground.path('ext4.img'), ground.path('ext4')];
  mkdirSync(folder);
  await output('truncate', ['--size=32M', image]);
  await output('mkfs.ext4', ['-q', image]);
  await output('mount', ['-o', 'loop', image, folder]);
  ground.onEnd(async () => {
    await run('fsfreeze', ['--unfreeze', folder]);
    await run('umount', [folder]);
  });
  return folder;
}

forEachRuntime('a log on a disk that hangs', (test) => {
  test.skipIf(!oursOnly)(
    'delays no call and no exit of other containers, and is complete once the disk is back',
    { timeout: 120_000 },
    async ({ ground }) => {
      // Case 48.
      const folder = await ext4(ground);
      const noisy = await ground.run({
        args: ['sh', '-c', 'i=0; while [ $i -lt 100000 ]; do echo line $i; i=$((i + 1)); done'],
        logPath: `${folder}/noisy.log`,
      });
      await until('it has written', () =>
        existsSync(noisy.logPath) && statSync(noisy.logPath).size > 1_000 ? true : undefined,
      );
      await output('fsfreeze', ['--freeze', folder]);

      for (let n = 0; n < 5; n++) {
        const other = await ground.run({
          args: ['workload', 'print', 'stdout', '4000', 'then', 'exit', '7'],
        });
        expect(await other.exit()).toBe(7);
        expect(other.logRecords()).toHaveLength(50);
      }
      expect((await (await ground.runHealthy()).exec(['echo', 'x'])).exitCode).toBe(0);

      await output('fsfreeze', ['--unfreeze', folder]);
      expect(await noisy.exit(60_000)).toBe(0);
      expect(noisy.logRecords().map(({ text }) => text)).toEqual(
        Array.from({ length: 100_000 }, (_, n) => `line ${n}`),
      );
    },
  );
});
