import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { remains } from '../client/pod.js';
import type { Ground } from '../support/ground.js';
import { forEachRuntime } from '../support/suite.js';
import { until } from '../support/until.js';
import {
  environment,
  finished,
  inCgroup,
  Podctl,
  printed,
  type RunOptions,
  rootfs,
  serversOf,
  startPodctl,
} from './podctl.js';

forEachRuntime('podctl run with a server of its own', (test) => {
  test('streams, ends with the code, and leaves nothing', async ({ ground }) => {
    const { code, stdout, stderr } = await alone(ground, [], ['sh', '-c', 'echo out; echo err >&2; exit 42']);
    expect({ code, stdout, stderr }).toEqual({ code: 42, stdout: 'out\n', stderr: 'err\n' });
    expectNothing(ground);
  });

  test('passes input on, to its end', async ({ ground }) => {
    const input = 'some words\n'.repeat(20_000);
    const { code, stdout } = await alone(ground, ['-i'], ['cat'], { input });
    expect(code).toBe(0);
    expect(stdout === input).toBe(true);
    expectNothing(ground);
  });

  test('tells a missing command and one that is not executable by their codes', async ({ ground }) => {
    const missing = await alone(ground, [], ['no-such-command']);
    expect(missing.code).toBe(127);
    expect(missing.stderr).toMatch(/^podctl: COMMAND_NOT_FOUND: .*no-such-command.*\nhint: .*\n$/);
    const inert = await alone(ground, [], ['/bin/not-executable']);
    expect(inert.code).toBe(126);
    expect(inert.stderr).toMatch(/^podctl: COMMAND_NOT_EXECUTABLE: /);
    expectNothing(ground);
  });

  test('gives the container what the options say', async ({ ground }) => {
    const options = ['-e', 'A=b', '-e', 'OWN', '-w', '/tmp', '-u', '7:8', '--hostname', 'box', '-m', '32m'];
    options.push('-v', `${ground.folder}:/data:ro`, '--mount', 'type=tmpfs,target=/tmp,size=1m');
    const script =
      'echo $A $OWN $(pwd) $(id -u):$(id -g) $(hostname); touch /data/x 2>/dev/null || echo read-only';
    const { code, stdout } = await alone(ground, options, ['sh', '-c', script], {
      env: { ...environment(ground), OWN: 'mine' },
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'b mine /tmp 7:8 box\nread-only\n' });
    expectNothing(ground);
  });

  test('a signal goes to the container', async ({ ground }) => {
    const script = "trap 'echo heard; exit 9' TERM; echo ready; while :; do sleep 0.1; done";
    const child = startPodctl(ground, words(ground, [], ['sh', '-c', script]));
    const end = finished(child);
    await printed(child, /ready/);
    child.kill('SIGTERM');
    expect(await end).toMatchObject({ code: 9, stdout: 'ready\nheard\n' });
    expectNothing(ground);
  });

  test('the third signal ends podctl, though the container does not heed it', async ({ ground }) => {
    const script = "trap 'echo heard' INT; echo ready; while :; do sleep 0.1; done";
    const child = startPodctl(ground, words(ground, [], ['sh', '-c', script]));
    const end = finished(child);
    await printed(child, /ready/);
    // Two of one kind that wait to be heard are one to the kernel: each is sent when the one before was heard.
    child.kill('SIGINT');
    await printed(child, /heard/);
    child.kill('SIGINT');
    await printed(child, /heard/);
    child.kill('SIGINT');
    const { code, stderr } = await end;
    expect(stderr).toMatch(/one more signal ends podctl/);
    expect(code).toBe(130);
    expectNothing(ground);
  });

  test('when podctl is killed, all ends with it', async ({ ground }) => {
    const child = startPodctl(ground, words(ground, [], ['sh', '-c', 'echo ready; sleep 1000']));
    await printed(child, /ready/);
    expect(serversOf(ground)).not.toEqual([]);
    child.kill('SIGKILL');
    await until(
      'all is gone',
      () => (serversOf(ground).length === 0 && remains(ground, []).length === 0) || undefined,
    );
  });

  test('a reader that went away ends it quietly', async ({ ground }) => {
    const child = startPodctl(ground, words(ground, [], ['sh', '-c', 'while :; do echo line; done']));
    let stderr = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdout!.once('data', () => child.stdout!.destroy());
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
    expect({ code, stderr }).toEqual({ code: 141, stderr: '' });
    expectNothing(ground);
  });

  test('what makes no sense is said before anything is made', async ({ ground }) => {
    const env = environment(ground);
    for (const [args, message] of [
      [['run'], /which root file system/],
      [['run', rootfs()], /which command/],
      [['run', rootfs(), '--rm', '--', 'true'], /--rm stands behind/],
      [['run', '--detach', rootfs(), 'true'], /who shall watch it/],
      [['run', '-it', rootfs(), 'sh'], /no terminal/],
      [['run', '-m', 'lots', rootfs(), 'true'], /is no size/],
      [['run', '/nowhere', 'true'], /ROOTFS_NOT_FOUND/],
      [['run', '--runtime', 'no-runtime', rootfs(), 'true'], /RUNTIME_UNAVAILABLE/],
    ] as const) {
      const { code, stdout, stderr } = await finished(startPodctl(ground, args, { env }));
      expect({ code, stdout }).toEqual({ code: 125, stdout: '' });
      expect(stderr).toMatch(message);
    }
    expectNothing(ground);
  });
});

forEachRuntime('podctl run on a server', (test) => {
  test('keeps the container until it is removed, or removes it with --rm', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    expect(
      await podctl.run([...podctl.words('run', '--name', 'a'), 'sh', '-c', 'echo kept; exit 3']),
    ).toEqual({
      code: 3,
      stdout: 'kept\n',
      stderr: '',
    });
    expect(await podctl.output('logs', 'a')).toBe('kept\n');
    const again = await podctl.run([...podctl.words('run', '--name', 'a'), 'true']);
    expect(again.code).toBe(125);
    expect(again.stderr).toMatch(/^podctl: ID_IN_USE: /);
    expect(await podctl.output('logs', 'a')).toBe('kept\n');
    expect(
      (await podctl.run([...podctl.words('run', '--rm', '--name', 'b'), 'sh', '-c', 'exit 4'])).code,
    ).toBe(4);
    expect(await podctl.output('ps', '-q')).toBe('a\n');
    expect(await podctl.output('rm', 'a')).toBe('a\n');
    expect(existsSync(`${podctl.server.watched.runtimeDir}/podctl`)).toBe(false);
  });

  test('writes the log where it is wanted, in the wanted format', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const log = ground.path('own.log');
    const options = ['--rm', '--log', log, '--log-driver', 'json'];
    await podctl.output(...podctl.words('run', ...options), 'echo', 'hello');
    expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({ message: 'hello', pipe: 'stdout' });
  });

  test('ends with 128 + n when signal n ended the container', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const child = podctl.start([
      ...podctl.words('run', '--rm', '--name', 'a'),
      'sh',
      '-c',
      'echo ready; sleep 1000',
    ]);
    const end = finished(child);
    await printed(child, /ready/);
    expect(await podctl.output('kill', 'a')).toBe('a\n');
    expect(await end).toMatchObject({ code: 137, stdout: 'ready\n' });
    expect(await podctl.json('ps')).toEqual([]);
  });

  test('takes a bundle', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const bundle = ground.bundle('own', { args: ['sh', '-c', 'echo from a bundle; exit 6'] });
    const { code, stdout } = await podctl.run(['run', '--rm', '--bundle', bundle]);
    expect({ code, stdout }).toEqual({ code: 6, stdout: 'from a bundle\n' });
    expect(existsSync(bundle)).toBe(true);
  });

  test('a preflight refuses a bundle before it is tried', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const { code, stderr } = await podctl.run([
      ...podctl.words('run', '--preflight', 'enforce'),
      'no-such-command',
    ]);
    expect(code).toBe(125);
    expect(stderr).toMatch(/^podctl: PREFLIGHT_FAILED: .*no-such-command/);
  });
});

/** The words of a command line with a server of its own. */
function words(ground: Ground, options: readonly string[], command: readonly string[]): string[] {
  return [
    'run',
    '--runtime',
    ground.runtime.path,
    ...inCgroup(ground),
    ...options,
    rootfs(),
    '--',
    ...command,
  ];
}

function alone(ground: Ground, options: readonly string[], command: readonly string[], run: RunOptions = {}) {
  return finished(startPodctl(ground, words(ground, options, command), run), run.input);
}

/** Neither a server, nor a container's cgroup, nor a file. */
function expectNothing(ground: Ground): void {
  expect(serversOf(ground)).toEqual([]);
  expect(remains(ground, [])).toEqual([]);
  expect(readdirSync(ground.path('podctl-tmp'))).toEqual([]);
}
