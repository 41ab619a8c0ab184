import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { forEachRuntime } from '../support/suite.js';
import { finished, Podctl, printed } from './podctl.js';

/** What the tests look at of a container that `--json` prints. */
interface Shown {
  id: string;
  state: string;
  pid: number | null;
  labels: Record<string, string>;
  exit: { exitCode: number | null; signal: string | null; exitedAt: string } | null;
}

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;

forEachRuntime('podctl on a server', (test, runtime) => {
  test('creates, starts, lists, inspects, stops, waits and removes', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const options = [
      '--name',
      'web',
      '-l',
      'app=web',
      '-l',
      'tier',
      '--stop-signal',
      'INT',
      '--stop-timeout',
      '200ms',
    ];
    expect(
      await podctl.output(...podctl.words('create', ...options), 'workload', 'ignore-term', 'then', 'pause'),
    ).toBe('web\n');
    expect(await podctl.json<Shown[]>('ps')).toMatchObject([
      {
        id: 'web',
        state: 'created',
        labels: { app: 'web', tier: '' },
        exit: null,
        stopSignal: 'SIGINT',
        stopGraceMs: 200,
      },
    ]);
    expect(await podctl.json('start', 'web')).toMatchObject([{ id: 'web', pid: expect.any(Number) }]);
    const table = (await podctl.output('ps')).trimEnd().split('\n');
    expect(table[0]).toMatch(/^ID +STATE +PID +CREATED +ENDED +OUTCOME +LABELS$/);
    expect(table[1]).toMatch(/^web +running +\d+ +\S+ +- +- +app=web,tier$/);
    expect(await podctl.output('ps', '-q', '--label', 'app=web', '--state', 'running')).toBe('web\n');
    expect(await podctl.output('ps', '-q', '--label', 'app=db')).toBe('');
    expect(await podctl.output('ps', '-q', '--state', 'exited', 'created')).toBe('');

    const [seen] = await podctl.json<
      (Shown & { process: { namespaces: object }; stats: object; command: string[] })[]
    >('inspect', 'web');
    expect(seen).toMatchObject({
      id: 'web',
      command: ['workload', 'ignore-term', 'then', 'pause'],
      process: { namespaces: { pid: expect.stringMatching(/^pid:\[\d+\]$/) }, cgroups: expect.any(Object) },
      stats: { pids: { current: 1 } },
      createdAt: expect.stringMatching(MOMENT),
    });
    const told = await podctl.output('inspect', 'web');
    expect(told).toMatch(/^id +web$/m);
    expect(told).toMatch(/^stop +SIGINT, then 200ms$/m);
    expect(told).toMatch(/^namespace pid +pid:\[\d+\]$/m);

    const waiting = podctl.run(['wait', 'web']);
    expect(await podctl.json('stop', '--signal', 'TERM', 'web')).toMatchObject([
      { id: 'web', killed: true, exit: { signal: 'SIGKILL' } },
    ]);
    expect(await waiting).toEqual({ code: 137, stdout: '137\n', stderr: '' });
    expect(await podctl.run(['wait', '--json', 'web'])).toMatchObject({
      code: 137,
      stdout: expect.stringContaining('"signal":"SIGKILL"'),
    });
    expect(await podctl.output('ps')).toMatch(/^web +exited +- +\S+ +\S+ +by SIGKILL +app=web,tier$/m);
    expect(await podctl.output('rm', 'web')).toBe('web\n');
    expect(await podctl.json('ps')).toEqual([]);
  });

  test('execs end with their own code', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    await podctl.healthy('web');
    const input = 'words\n'.repeat(10_000);
    expect(await podctl.run(['exec', 'web', 'sh', '-c', 'echo out; echo err >&2; exit 7'])).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect((await podctl.run(['exec', '-i', 'web', '--', 'cat'], { input })).stdout === input).toBe(true);
    expect(
      await podctl.output(
        'exec',
        '-e',
        'A=b',
        '-w',
        '/tmp',
        '-u',
        '7:8',
        'web',
        '--',
        'sh',
        '-c',
        'echo $A $(pwd) $(id -u):$(id -g)',
      ),
    ).toBe('b /tmp 7:8\n');
    expect((await podctl.run(['exec', 'web', 'no-such-command'])).code).toBe(127);
    expect((await podctl.run(['exec', 'web', '/bin/not-executable'])).code).toBe(126);
    expect((await podctl.run(['exec', 'nobody', 'true'])).stderr).toMatch(
      /^podctl: CONTAINER_NOT_FOUND: .*\nhint: .*podctl ps/,
    );
    expect((await podctl.run(['exec', 'nobody', 'true'])).code).toBe(125);
    expect((await podctl.run(['exec', 'web'])).stderr).toMatch(/^podctl: USAGE: which command\?\nhint: /);
    expect((await podctl.run(['exec', '--time-limit', '200ms', 'web', 'sleep', '1000'])).code).toBe(137);
    const child = podctl.start([
      'exec',
      'web',
      'sh',
      '-c',
      "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done",
    ]);
    const end = finished(child);
    await printed(child, /ready/);
    child.kill('SIGTERM');
    expect((await end).code).toBe(9);
    await podctl.remove('web');
  });

  test('an exec ends with podctl', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    await podctl.healthy('web');
    const child = podctl.start(['exec', 'web', 'sh', '-c', 'echo ready; sleep 1000']);
    await printed(child, /ready/);
    child.kill('SIGKILL');
    await expect.poll(async () => (await podctl.json<{ execs: number }[]>('ps'))[0]?.execs).toBe(0);
    await podctl.remove('web');
  });

  test('attach follows a container to its end', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    await podctl.output(...podctl.words('create', '-i', '--name', 'a'), 'sh', '-c', 'cat; exit 5');
    const attached = podctl.start(['attach', 'a'], { input: '' });
    const end = finished(attached);
    await podctl.output('start', 'a');
    attached.stdin!.end('some words\n');
    expect(await end).toEqual({ code: 5, stdout: 'some words\n', stderr: '' });
    await podctl.remove('a');
  });

  test('logs: all, the last, since, one stream, following, as JSON', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const script =
      'echo one; echo two; echo err >&2; printf three; until [ -e /data/go ]; do sleep 0.05; done; echo; echo four';
    const go = ground.path('go');
    await podctl.output(
      ...podctl.words('run', '--detach', '--name', 'a', '-v', `${ground.folder}:/data:ro`),
      'sh',
      '-c',
      script,
    );
    await expect.poll(() => podctl.output('logs', '--stream', 'stdout', 'a')).toBe('one\ntwo\n');
    expect(await podctl.run(['logs', 'a'])).toMatchObject({ stdout: 'one\ntwo\n', stderr: 'err\n' });
    expect(await podctl.output('logs', '--tail', '1', '--stream', 'stderr', '-t', 'a')).toBe('');
    expect((await podctl.run(['logs', '--tail', '1', '--stream', 'stderr', '-t', 'a'])).stderr).toMatch(
      /^\S+Z err\n$/,
    );
    expect(await podctl.output('logs', '--until', '1h', 'a')).toBe('');
    const following = podctl.run(['logs', '-f', '--stream', 'stdout', 'a']);
    writeFileSync(go, '');
    expect((await following).stdout).toBe('one\ntwo\nthree\nfour\n');
    const records = (await podctl.output('logs', '--json', 'a'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(records[0]).toEqual({
      timestamp: expect.stringMatching(MOMENT),
      stream: 'stdout',
      partial: false,
      text: 'one\n',
    });
    const wrong = await podctl.run(['logs', '--since', 'yesterday', 'a']);
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^podctl: USAGE: "yesterday" is no moment/),
    });
    await podctl.remove('a');
  });

  test('events: as they happen, from a position, filtered', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const live = podctl.run([
      'events',
      '--json',
      '--from',
      'oldest',
      '--filter',
      'type=exited',
      '--count',
      '1',
    ]);
    expect((await podctl.run([...podctl.words('run', '--name', 'a'), 'sh', '-c', 'exit 3'])).code).toBe(3);
    const exited = JSON.parse((await live).stdout) as { next: string };
    expect(exited).toMatchObject({
      type: 'exited',
      containerId: 'a',
      exit: { exitCode: 3 },
      at: expect.stringMatching(MOMENT),
    });
    await podctl.remove('a');
    const rest = (await podctl.output('events', '--json', '--from', exited.next, '--no-follow'))
      .trimEnd()
      .split('\n');
    const types = rest.map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toContain('deleted');
    expect(types).not.toContain('exited');
    const all = await podctl.output('events', '--from', 'oldest', '--no-follow', '--filter', 'container=a');
    expect(all).toMatch(/ {2}created +a {2}pid \d+\n/);
    expect(all).toMatch(/ {2}exited +a {2}exit 3\n/);
    const last = JSON.parse(rest.at(-1)!) as { next: string };
    expect(await podctl.output('events', '--from', last.next, '--no-follow')).toBe('');
    const gap = await podctl.output('events', '--json', '--from', 'another:7', '--no-follow');
    expect(JSON.parse(gap.slice(0, gap.indexOf('\n')))).toMatchObject({
      type: 'gap',
      reason: 'otherInstance',
    });
    expect((await podctl.run(['events', '--from', 'nowhere'])).code).toBe(2);
  });

  test('stats and top', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    await podctl.healthy('web', '-m', '64m');
    const stats = await podctl.json<{ containers: object[]; server: object }>('stats', 'web');
    expect(stats).toMatchObject({
      containers: [{ id: 'web', pids: { current: 1 }, memory: { limitBytes: 64 << 20 } }],
      server: { living: 1 },
    });
    expect(await podctl.output('stats')).toMatch(/^web +\S+ +\S+ [KM]iB +64\.0 MiB +1 /m);
    const streaming = podctl.start(['stats', '--stream', '--interval', '1s']);
    const text = await printed(streaming, /CPU TIME[^]*CPU +MEMORY[^]*%/);
    expect(text).toMatch(/^web +\d+\.\d% /m);
    streaming.kill('SIGINT');
    expect(await podctl.output('top')).toMatch(/^containers: 1 running, 0 created, 0 exited/m);
    expect(await podctl.json('top')).toMatchObject({
      reaper: { zombiesNow: 0 },
      containers: [{ id: 'web' }],
    });
    expect((await podctl.run(['stats', '--stream', '--interval', '10ms'])).stderr).toMatch(/too short/);
    await podctl.remove('web');
  });

  test('kill signals, and what fails for one container is done for the others', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    await podctl.healthy('a');
    await podctl.healthy('b');
    const { code, stdout, stderr } = await podctl.run(['kill', 'a', 'nobody', 'b']);
    expect({ code, ids: stdout.split('\n').sort() }).toEqual({ code: 1, ids: ['', 'a', 'b'] });
    expect(stderr).toMatch(/^podctl: CONTAINER_NOT_FOUND: /);
    expect(await podctl.run(['wait', 'a', 'b'])).toMatchObject({ code: 137, stdout: 'a 137\nb 137\n' });
    expect(await podctl.json('rm', 'a', 'b')).toEqual([
      { id: 'a', removed: true },
      { id: 'b', removed: true },
    ]);
    expect((await podctl.run(['kill', '-s', 'NOPE', 'a'])).code).toBe(2);
  });

  test('wait gives up in time', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    await podctl.healthy('a');
    expect(await podctl.run(['wait', '--timeout', '200ms', 'a'])).toMatchObject({ code: 124, stdout: '' });
    expect((await podctl.run(['rm', 'a'])).stderr).toMatch(/^podctl: CONTAINER_ALIVE: /);
    await podctl.remove('a');
  });

  test('says versions', async ({ ground }) => {
    const podctl = await Podctl.on(ground);
    const { version } = JSON.parse(
      readFileSync(new URL('../../ts/cli/package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    expect(await podctl.json('version')).toMatchObject({
      podctl: version,
      server: { processId: podctl.server.pid, interface: 'podherd', runtimePath: runtime.path },
    });
    expect(await podctl.output('--version')).toMatch(new RegExp(`^podctl +${version}\n`));
  });
});
