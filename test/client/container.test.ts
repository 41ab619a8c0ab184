import { existsSync, readFileSync, renameSync } from 'node:fs';
import { expect } from 'vitest';
import { text } from '../support/container.js';
import { failure } from '../support/failure.js';
import { forEachRuntime } from '../support/suite.js';
import { remains, startPod } from './pod.js';

forEachRuntime('containers through the client', (test) => {
  test('a life from create to delete', async ({ ground }) => {
    const pod = await startPod(ground);
    const bundle = ground.bundle('web', { args: ['sh', '-c', 'echo out; echo err >&2; sleep 1000'] });
    const log = ground.path('web.log');
    const container = await pod.createContainer({ id: 'web', bundle, log: { path: log } });
    const created = await container.status();
    expect(created).toMatchObject({
      id: 'web',
      state: 'created',
      bundle,
      terminal: false,
      exit: null,
      logPaths: [log],
    });
    expect(created.createdAt?.date.getTime()).toBeGreaterThan(Date.now() - 60_000);

    await container.start();
    const running = await container.wait({ until: 'running' });
    expect(running).toMatchObject({ state: 'running', pid: created.pid });
    await expect
      .poll(() => readFileSync(log, 'utf8'))
      .toMatch(/stdout F out\n[^]*stderr F err\n|stderr F err\n[^]*stdout F out\n/);

    await container.kill('SIGKILL');
    const end = await container.wait();
    expect(end).toMatchObject({
      known: true,
      exitCode: null,
      signal: 'SIGKILL',
      oomKilled: false,
      logComplete: true,
    });
    expect(end.exitedAt!.unixNanoseconds).toBeGreaterThan(running.startedAt!.unixNanoseconds);
    expect(await container.wait()).toEqual(end);
    expect((await pod.list()).map(({ id, state }) => [id, state])).toEqual([['web', 'exited']]);
    expect((await (await pod.get('web')).status()).exit).toEqual(end);

    await container.delete();
    expect(await pod.list()).toEqual([]);
    await failure(container.status(), 'CONTAINER_NOT_FOUND');
    await failure(pod.get('web'), 'CONTAINER_NOT_FOUND');
    expect((await pod.reaperStatus()).zombiesNow).toBe(0);
    expect(remains(ground, [created.pid])).toEqual([]);
  });

  test('a wait from before the start sees the exit code, in the file too', async ({ ground }) => {
    const pod = await startPod(ground);
    const exitPath = ground.path('exit-code');
    const cleaned = ground.path('cleaned');
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['workload', 'exit', '7'] }),
      exitPaths: [exitPath],
      cleanupCommand: ['/bin/busybox', 'touch', cleaned],
    });
    const waits = Array.from({ length: 20 }, () => container.wait());
    await container.start();
    for (const end of await Promise.all(waits)) expect(end).toMatchObject({ exitCode: 7, signal: null });
    expect(readFileSync(exitPath, 'utf8')).toBe('7');
    await expect.poll(() => existsSync(cleaned)).toBe(true);
  });

  test('calls in the wrong state say which', async ({ ground }) => {
    const pod = await startPod(ground);
    const bundle = ground.bundle('web', { args: ['workload', 'pause'] });
    const container = await pod.createContainer({ id: 'web', bundle });
    await failure(pod.createContainer({ id: 'web', bundle }), 'ID_IN_USE', /web/);
    await failure(pod.createContainer({ id: 'a/b', bundle }), 'INVALID_ID');
    await failure(pod.createContainer({ id: 'other', bundle: ground.path('no-bundle') }), 'BUNDLE_INVALID');
    const unknown = ground.bundle('unknown', { args: ['no-such-command'] });
    await failure(
      pod.createContainer({ id: 'unknown', bundle: unknown }),
      'COMMAND_NOT_FOUND',
      ground.runtime.notFound,
    );
    await failure(container.delete(), 'CONTAINER_ALIVE');
    await failure(container.resize(80, 24), 'NO_TERMINAL');
    await container.start();
    await failure(container.start(), 'CONTAINER_NOT_CREATED');
    await failure(container.kill(0), 'INVALID_ARGUMENT');
    await failure(container.resize(70_000, 24), 'INVALID_ARGUMENT', /width/);
    await container.kill('SIGKILL');
    await container.wait();
    await failure(container.kill('SIGKILL'), 'CONTAINER_NOT_RUNNING');
    await failure(container.exec(['true']), 'CONTAINER_NOT_RUNNING');
    await container.delete();
  });

  test('delete by force ends one that lives', async ({ ground }) => {
    const pod = await startPod(ground);
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['workload', 'ignore-term', 'then', 'pause'] }),
    });
    await container.start();
    const { pid } = await container.status();
    const ended = container.wait();
    await container.delete({ force: true });
    expect((await ended).signal).toBe('SIGKILL');
    expect(remains(ground, [pid])).toEqual([]);
  });

  test('exec gives output, exit code and the reason of a failure', async ({ ground }) => {
    const pod = await startPod(ground);
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['workload', 'pause'] }),
    });
    await container.start();
    const both = await container.exec(['sh', '-c', 'echo out; echo err >&2; exit 3']);
    expect({ ...both, stdout: text(both.stdout), stderr: text(both.stderr) }).toEqual({
      exitCode: 3,
      stdout: 'out\n',
      stderr: 'err\n',
      timedOut: false,
      truncated: false,
    });
    const terminal = await container.exec(['sh', '-c', 'tty >/dev/null && echo yes; echo err >&2'], {
      terminal: true,
    });
    expect([text(terminal.stdout), text(terminal.stderr)]).toEqual(['yes\r\nerr\r\n', '']);
    const large = await container.exec(['workload', 'print', 'stdout', String((16 << 20) + 500)]);
    expect([large.stdout.length, large.truncated, large.exitCode]).toEqual([16 << 20, true, 0]);
    await failure(container.exec(['no-such-command']), 'COMMAND_NOT_FOUND', ground.runtime.notFound);
    await failure(container.exec(['/bin/not-executable']), 'COMMAND_NOT_EXECUTABLE');
    await failure(container.exec(['true'], { execTimeoutSeconds: 1.5 }), 'INVALID_ARGUMENT');
    // The connection is shared, and none of this ended it.
    expect((await container.exec(['true'])).exitCode).toBe(0);
    await container.delete({ force: true });
  });

  test('a terminal is resized', async ({ ground }) => {
    const pod = await startPod(ground);
    const log = ground.path('web.log');
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['workload', 'size-on-change'], terminal: true }),
      terminal: true,
      log: { path: log },
    });
    await container.start();
    // Whoever waits for SIGWINCH says nothing of when it is ready.
    await expect
      .poll(async () => {
        await container.resize(132, 50).catch(() => {});
        await container.resize(133, 51).catch(() => {});
        return (await container.status()).state;
      })
      .toBe('exited');
    expect(readFileSync(log, 'utf8')).toMatch(/stdout F 5[01] 13[23]/);
  });

  test('a log is opened anew after its rename', async ({ ground }) => {
    const pod = await startPod(ground);
    const log = ground.path('web.log');
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', {
        args: ['sh', '-c', 'echo before; while ! test -e /tmp/go; do sleep 0.05; done; echo after'],
      }),
      log: { path: log },
    });
    await container.start();
    await expect.poll(() => readFileSync(log, 'utf8')).toContain('before');
    renameSync(log, `${log}.1`);
    await container.reopenLog();
    await container.exec(['touch', '/tmp/go']);
    await container.wait();
    expect(readFileSync(log, 'utf8')).toMatch(/^\S+ stdout F after\n$/);
    expect(readFileSync(`${log}.1`, 'utf8')).toMatch(/^\S+ stdout F before\n$/);
  });
});
