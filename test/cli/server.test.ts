import { existsSync } from 'node:fs';
import { expect } from 'vitest';
import type { Ground } from '../support/ground.js';
import { forEachRuntime } from '../support/suite.js';
import { environment, type Finished, finished, inCgroup, printed, rootfs, startPodctl } from './podctl.js';

forEachRuntime('podctl start and shutdown', (test) => {
  test('a server stays until it is shut down, with all that it has', async ({ ground }) => {
    const started = JSON.parse((await on(ground, 'start', '--json', ...server(ground))).stdout) as {
      pid: number;
    };
    ground.onEnd(() => {
      if (existsSync(`/proc/${started.pid}`)) process.kill(started.pid, 'SIGINT');
    });
    expect(existsSync(ground.path('run/conmon.sock'))).toBe(true);
    const again = await on(ground, 'start', ...server(ground));
    expect(again).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^podctl: SERVER_RUNNING: .*\nhint: /),
    });
    const words = [
      'run',
      '--detach',
      '--name',
      'web',
      ...inCgroup(ground),
      rootfs(),
      '--',
      'workload',
      'pause',
    ];
    expect(await on(ground, ...words)).toMatchObject({ code: 0, stdout: 'web\n' });
    expect(await on(ground, 'shutdown')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(existsSync(ground.path('run/conmon.sock'))).toBe(false);
    expect(existsSync(ground.path('run/podctl'))).toBe(false);
    const gone = await on(ground, 'ps');
    expect(gone).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^podctl: CONNECTION_FAILED: .*\nhint: /),
    });
    // Its lock is free as well.
    const next = JSON.parse((await on(ground, 'start', '--json', ...server(ground))).stdout) as {
      pid: number;
    };
    expect(next.pid).not.toBe(started.pid);
    expect((await on(ground, 'shutdown')).code).toBe(0);
  });

  test('with --no-detach it ends with podctl', async ({ ground }) => {
    const child = startPodctl(ground, ['start', '--no-detach', ...server(ground)], { env: env(ground) });
    const end = finished(child);
    await printed(child, /listens on/);
    expect((await on(ground, 'ps')).code).toBe(0);
    child.kill('SIGTERM');
    expect((await end).code).toBe(143);
    expect(existsSync(ground.path('run/conmon.sock'))).toBe(false);
  });
});

function env(ground: Ground): Record<string, string> {
  return { ...environment(ground), PODHERD_RUNTIME_DIR: ground.path('run') };
}

function server(ground: Ground): string[] {
  return ['--runtime', ground.runtime.path, '--runtime-root', ground.runtimeRoot];
}

function on(ground: Ground, ...args: string[]): Promise<Finished> {
  return finished(startPodctl(ground, args, { env: env(ground) }));
}
