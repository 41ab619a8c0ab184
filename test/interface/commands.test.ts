import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { writeFileSync } from 'node:fs';
import { expect } from 'vitest';

import type { Ground } from '../support/ground.js';
import { serverBinary } from '../support/paths.js';
import { type Run, run } from '../support/run.js';
import { forEachRuntime, withoutRuntime } from '../support/suite.js';
import { until } from '../support/until.js';

/** Runs a command against the test's server. */
function podherd(ground: Ground, command: string, ...args: string[]): Promise<Run> {
  return run(serverBinary, [command, `--runtime-dir=${ground.path('server')}`, ...args]);
}

const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/) as string;

/** What `workload print stdout BYTES` writes, whole lines. */
function numbered(lines: number): string {
  return Array.from({ length: lines }, (_, n) => `${String(n).padStart(15, '0')} ${'.'.repeat(63)}\n`).join(
    '',
  );
}

forEachRuntime('ps and status', (test) => {
  test('tell of containers that live and of those that have ended', async ({ ground }) => {
    const long = `${'long-id.'.repeat(20)}x`;
    const lives = await ground.runHealthy({ id: long });
    const created = await ground.create({ args: ['workload', 'pause'] });
    const coded = await ground.run({ args: ['workload', 'exit', '42'] });
    const killed = await ground.runHealthy();
    await killed.kill();
    for (const { id } of [coded, killed]) await (await ground.server()).connection.statusAtEnd(id);

    const table = await podherd(ground, 'ps');
    expect(table.code).toBe(0);
    const rows = table.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows[0]).toEqual(['ID', 'STATE', 'PID', 'AGE', 'EXIT']);
    const cells = rows.slice(1).map(([id, state, ...rest]) => [id, state, rest.at(-1)]);
    expect(cells).toEqual([
      [long, 'running', expect.stringMatching(/^\d+ /)],
      [created.id, 'created', expect.stringMatching(/^\d+ /)],
      [coded.id, 'exited', '42'],
      [killed.id, 'exited', 'SIGKILL'],
    ]);
    const json = JSON.parse((await podherd(ground, 'ps', '--json', '--state=exited')).stdout) as unknown;
    expect(json).toMatchObject([
      {
        id: coded.id,
        state: 'exited',
        pid: null,
        exit: { known: true, exitCode: 42, signal: null, exitedAt: iso },
      },
      { id: killed.id, exit: { exitCode: null, signal: 'SIGKILL', oomKilled: false } },
    ]);
    expect((await podherd(ground, 'ps', '-q', '--state=created')).stdout).toBe(`${created.id}\n`);

    const alive = await podherd(ground, 'status', long, '--json');
    expect(alive.code).toBe(0);
    expect(JSON.parse(alive.stdout)).toMatchObject({
      id: long,
      state: 'running',
      pid: lives.pid,
      bundle: lives.bundle,
      createdAt: iso,
      exit: null,
      logPaths: [lives.logPath],
      labels: {},
      rateLimit: null,
    });
    const ended = await podherd(ground, 'status', coded.id);
    expect([ended.code, ended.stdout]).toEqual([3, expect.stringMatching(/^exit +42$/m)]);
    const unknown = await podherd(ground, 'status', 'nobody');
    expect([unknown.code, unknown.stderr]).toEqual([4, expect.stringContaining('CONTAINER_NOT_FOUND')]);
  });

  test('tell of a kill for memory', async ({ ground }) => {
    const container = await ground.run({
      args: ['workload', 'allocate', String(64 << 20)],
      memory: 16 << 20,
    });
    await (await ground.server()).connection.statusAtEnd(container.id);
    expect((await podherd(ground, 'ps')).stdout).toContain('SIGKILL (killed for memory)');
    const { stdout } = await podherd(ground, 'status', container.id, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ exit: { signal: 'SIGKILL', oomKilled: true } });
  });
});

withoutRuntime('the commands', (test) => {
  test('say plainly when there is no server', async ({ ground }) => {
    const absent = await podherd(ground, 'ps');
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('does not exist')]);
    const server = await ground.server();
    expect((await podherd(ground, 'ps')).stdout).toBe('ID  STATE  PID  AGE  EXIT\n');
    await server.kill();
    const dead = await podherd(ground, 'ps');
    expect([dead.code, dead.stderr]).toEqual([1, expect.stringContaining('no server listens')]);
    expect((await run(serverBinary, ['ps'])).code).toBe(2);
    expect((await run(serverBinary, ['status', '--runtime-dir=/x'])).code).toBe(2);
  });

  test('take the server from the environment, or by its socket', async ({ ground }) => {
    const server = await ground.server();
    const env = await run('env', [
      `PODHERD_RUNTIME_DIR=${ground.path('server')}`,
      serverBinary,
      'ps',
      '--json',
    ]);
    expect([env.code, JSON.parse(env.stdout)]).toEqual([0, []]);
    expect((await run(serverBinary, ['ps', '-q', `--socket=${server.socketPath}`])).code).toBe(0);
  });

  test('end in good order when nobody reads them', async ({ ground }) => {
    await ground.server();
    await ground.run({ args: ['workload', 'print', 'stdout', '4000000'] });
    const logs = `"$0" logs --runtime-dir=${ground.path('server')} -f c1 | head -n 1`;
    const { code, stdout } = await run('/bin/bash', ['-c', `set -o pipefail; ${logs}`, serverBinary]);
    expect([code, stdout]).toEqual([0, numbered(1)]);
  });
});

forEachRuntime('logs', (test) => {
  for (const type of ['containerRuntimeInterface', 'json'] as const) {
    test(`of the format ${type} are whole, through rotations too`, async ({ ground }) => {
      const lines = 20_000;
      const path = ground.path('rotated.log');
      const container = await ground.create({
        args: ['workload', 'print', 'stdout', String(lines * 80), 'then', 'print', 'stderr', '160'],
        logDrivers: [{ type, path, maxSize: 262_144n }],
      });
      const followed = podherd(ground, 'logs', '--follow', container.id);
      await container.start();
      const { code, stdout, stderr } = await followed;
      expect(code).toBe(0);
      expect(stdout === numbered(lines)).toBe(true);
      expect(stderr).toBe(numbered(2));
      expect(
        readdirSync(ground.folder).filter((name) => name.startsWith('rotated.log.')).length,
      ).toBeGreaterThan(2);

      await (await ground.server()).connection.statusAtEnd(container.id);
      const whole = await podherd(ground, 'logs', container.id);
      expect(whole.stdout === numbered(lines)).toBe(true);
      const tail = await podherd(ground, 'logs', '--tail=9000', '--stream=stdout', container.id);
      expect(tail.stdout === numbered(lines).slice(-9000 * 80)).toBe(true);
      expect(tail.stderr).toBe('');
      const one = await podherd(ground, 'logs', '-n', '1', '--json', container.id);
      expect(JSON.parse(one.stdout)).toEqual({
        timestamp: iso,
        stream: 'stderr',
        partial: false,
        message: numbered(2).slice(80, -1),
      });
      expect((await podherd(ground, 'logs', '--since=2999-01-01T00:00:00Z', container.id)).stdout).toBe('');
      expect(
        (await podherd(ground, 'logs', '--since=1h', '-n1', '--stream=stdout', container.id)).stdout,
      ).toBe(numbered(lines).slice(-80));
    });
  }

  test('are followed over a rename and a reopening, compressed files are read', async ({ ground }) => {
    const script = 'echo one; while [ ! -e /data/in/go ]; do sleep 0.05; done; echo two';
    const data = ground.path('data');
    mkdirSync(data);
    const container = await ground.run({ args: ['sh', '-c', script], data: { in: data } });
    const { connection } = await ground.server();
    const child = spawn(
      serverBinary,
      ['logs', '-f', `--runtime-dir=${ground.path('server')}`, container.id],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise((resolve) => child.on('close', (code) => resolve(code)));
    await until('the first line', () => (said === 'one\n' ? true : undefined));
    renameSync(container.logPath, `${container.logPath}.20240501-120000`);
    await connection.conmon.reopenLogContainer({ request: { id: container.id } });
    writeFileSync(`${data}/go`, '');
    expect(await ended).toBe(0);
    expect(said).toBe('one\ntwo\n');
    const rotated = `${container.logPath}.20240501-120000`;
    writeFileSync(`${container.logPath}.20240401-120000.gz`, gzipSync(readFileSync(rotated)));
    expect((await podherd(ground, 'logs', container.id)).stdout).toBe('one\none\ntwo\n');
    expect(existsSync(rotated)).toBe(true);
  });

  test('of a container that is unknown, or has no file, are an error', async ({ ground }) => {
    await ground.server();
    expect((await podherd(ground, 'logs', 'nobody')).code).toBe(4);
    const container = await ground.create({ args: ['true'], logDrivers: [] });
    const { code, stderr } = await podherd(ground, 'logs', container.id);
    expect([code, stderr]).toEqual([1, expect.stringContaining('no log file')]);
  });
});
