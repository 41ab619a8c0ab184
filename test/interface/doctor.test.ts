import { type ChildProcess, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test as plain } from 'vitest';

import { cgroupsBelow, hierarchies } from '../support/cgroups.js';
import { codes, doctor, only } from '../support/doctor.js';
import type { Ground } from '../support/ground.js';
import { createNamespaces, holderOf, newBase } from '../support/namespaces.js';
import { serverBinary } from '../support/paths.js';
import { processEntry } from '../support/processes.js';
import { output, run } from '../support/run.js';
import { forEachRuntime, withoutRuntime } from '../support/suite.js';
import { until } from '../support/until.js';

/** Only what is of this test. */
function scope(ground: Ground, below: number): string[] {
  return [
    '--only-given',
    `--below=${below}`,
    `--runtime-root=${ground.runtimeRoot}`,
    `--runtime-dir=${ground.path('server')}`,
    `--cgroup=/${ground.cgroup}`,
  ];
}

/** Starts a program that the test ends. */
function start(ground: Ground, program: string, ...args: string[]): ChildProcess & { pid: number } {
  const child = spawn(program, args, { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  ground.onEnd(() => {
    child.kill('SIGKILL');
    return ended;
  });
  if (child.pid === undefined) throw new Error(`${program} could not be started`);
  return child as ChildProcess & { pid: number };
}

/** A process that has ended and was collected. */
async function deadPid(): Promise<number> {
  return Number(await output('/bin/sh', ['-c', 'echo $$']));
}

/** A unix socket whose maker was killed. */
async function staleSocket(ground: Ground, path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)})`;
  const child = start(ground, process.execPath, '-e', script);
  const ended = new Promise((resolve) => child.on('exit', resolve));
  await until('it listens', () => (existsSync(path) ? true : undefined));
  child.kill('SIGKILL');
  await ended;
}

const id = (digit: string): string => digit.repeat(64);

forEachRuntime('the doctor and a server', (test, runtime) => {
  test('finds nothing wrong with one that lives, nor with its containers', async ({ ground }) => {
    const server = await ground.server();
    const [one, two] = [await ground.runHealthy(), await ground.run({ args: ['workload', 'exit', '3'] })];
    await two.exit();
    const report = await doctor(...scope(ground, server.nursery.pid));
    expect(report.findings).toEqual([]);
    expect(report.missing).toEqual([]);
    expect(report.servers).toMatchObject([
      { pid: server.pid, kind: 'podherd', answers: true, containers: [one.id, two.id] },
    ]);
    expect(report.runtimes.map(({ name }) => name)).toContain(runtime.name);
  });

  test('finds what one that was killed has left, and cleans what is dead', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.runHealthy();
    const flags = scope(ground, server.nursery.pid);
    // The call that created it is over.
    await server.connection.status(container.id);
    await server.kill();
    const report = await doctor(...flags);
    expect(new Set(codes(report))).toEqual(
      new Set(['CONTAINER_WITHOUT_MONITOR', 'STALE_SOCKET', 'STALE_JOURNAL']),
    );
    const unwatched = only(report, 'CONTAINER_WITHOUT_MONITOR');
    expect(unwatched).toMatchObject({
      severity: 'problem',
      fixable: false,
      details: { pid: container.pid, containerId: container.id, parentPid: server.nursery.pid },
    });
    expect(report.findings.every(({ fixed }) => fixed === null)).toBe(true);

    const fixed = await doctor('--fix', ...flags);
    expect(only(fixed, 'CONTAINER_WITHOUT_MONITOR').fixed).toBe(null);
    const sockets = fixed.findings.filter(({ code }) => code === 'STALE_SOCKET');
    expect(sockets.length).toBeGreaterThan(0);
    expect(sockets.every((finding) => finding.fixed === true)).toBe(true);
    expect(existsSync(join(ground.path('server'), 'conmon.sock'))).toBe(false);
    expect(processEntry(container.pid)?.state).toBe('S');

    await container.kill();
    await until('init is gone', () => (existsSync(`/proc/${container.pid}`) ? undefined : true));
    const dead = await doctor(...flags);
    expect(only(dead, 'LEFTOVER_STATE')).toMatchObject({ severity: 'problem', fixable: true });
    const cleaned = await doctor('--fix', ...flags);
    expect(only(cleaned, 'LEFTOVER_STATE')).toMatchObject({ fixed: true });
    expect(cleaned.healthy).toBe(true);
    expect(existsSync(join(ground.runtimeRoot, container.id))).toBe(false);
    expect(cgroupsBelow(ground.cgroup)).toEqual([]);
    expect(codes(await doctor(...flags))).toEqual(['STALE_JOURNAL']);
  });

  test('says which container a zombie is in', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.run({ args: ['sh', '-c', 'true & exec sleep 300'] });
    const report = await doctor(...scope(ground, server.nursery.pid));
    expect(codes(report)).toEqual(['ZOMBIE']);
    expect(only(report, 'ZOMBIE')).toMatchObject({
      details: { containerId: container.id, parentPid: container.pid },
      advice: expect.stringContaining('does not wait for its children') as string,
    });
    await container.kill();
    await container.exit();
    expect((await doctor(...scope(ground, server.nursery.pid))).findings).toEqual([]);
  });

  test('takes a container of another monitor for one that is watched only when told', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.runHealthy();
    const flags = scope(ground, server.nursery.pid);
    // The call that created it is over.
    await server.connection.status(container.id);
    await server.kill();
    expect(codes(await doctor(...flags))).toContain('CONTAINER_WITHOUT_MONITOR');
    expect(codes(await doctor('--monitor=nursery', ...flags))).not.toContain('CONTAINER_WITHOUT_MONITOR');
  });
});

withoutRuntime('the doctor', (test) => {
  test('finds a zombie, and says whose it is', async ({ ground }) => {
    const parent = start(ground, '/bin/sh', '-c', 'true & exec sleep 300');
    const report = await doctor('--only-given', `--below=${parent.pid}`);
    expect(codes(report)).toEqual(['ZOMBIE']);
    const zombie = only(report, 'ZOMBIE');
    expect(zombie).toMatchObject({
      severity: 'problem',
      fixable: false,
      details: { parentPid: parent.pid, parentName: 'sleep' },
    });
    expect(processEntry(zombie.details.pid ?? 0)?.state).toBe('Z');
    expect(zombie.advice).toContain(String(parent.pid));
    // It can be collected by its parent alone.
    const fixed = await doctor('--fix', '--only-given', `--below=${parent.pid}`);
    expect(fixed.findings).toMatchObject([{ code: 'ZOMBIE', fixed: null }]);
  });

  test('takes a fresh zombie for what it is', async ({ ground }) => {
    const script = 'while :; do (exit 0) & sleep 0.1; wait; done';
    const parent = start(ground, '/bin/sh', '-c', script);
    for (let round = 0; round < 5; round++) {
      const report = await doctor('--only-given', `--below=${parent.pid}`, '--settle=1');
      expect(report.findings).toEqual([]);
    }
  });

  test('finds a server that does not answer, until it does', async ({ ground }) => {
    const server = await ground.server();
    const flags = [...scope(ground, server.nursery.pid), '--timeout=0.3'];
    process.kill(server.pid, 'SIGSTOP');
    try {
      expect(only(await doctor(...flags), 'SERVER_NOT_ANSWERING').details.pid).toBe(server.pid);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    expect((await doctor(...flags)).findings).toEqual([]);
  });

  test('finds a server that nobody can reach', async ({ ground }) => {
    const server = await ground.server();
    const flags = scope(ground, server.nursery.pid);
    renameSync(server.socketPath, `${server.socketPath}.away`);
    const report = await doctor(...flags);
    renameSync(`${server.socketPath}.away`, server.socketPath);
    expect(report.findings).toMatchObject([{ code: 'SERVER_UNREACHABLE', details: { pid: server.pid } }]);
    expect((await doctor('--fix', ...flags)).findings).toEqual([]);
    expect(existsSync(server.socketPath)).toBe(true);
  });

  test('finds stale sockets and pid files, and removes those and nothing else', async ({ ground }) => {
    const [directory, live] = [ground.path('stale'), ground.path('live')];
    mkdirSync(join(directory, 'c1'), { recursive: true });
    mkdirSync(live);
    await staleSocket(ground, join(directory, 'conmon.sock'));
    await staleSocket(ground, join(directory, 'c1', 'attach'));
    writeFileSync(join(directory, 'pidfile'), String(await deadPid()));
    writeFileSync(join(directory, 'other'), 'x');
    mkdirSync(join(directory, 'call-1'));
    writeFileSync(join(directory, 'call-1', 'pid'), '1');
    const listens = join(live, 'conmon.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(listens)})`;
    start(ground, process.execPath, '-e', script);
    await until('it listens', () => (existsSync(listens) ? true : undefined));
    const flags = [
      '--only-given',
      `--runtime-dir=${directory}`,
      `--runtime-dir=${live}`,
      `--below=${process.pid}`,
    ];
    const found = await doctor(...flags);
    expect(codes(found)).toEqual(['STALE_SOCKET', 'STALE_SOCKET', 'STALE_PID_FILE', 'STALE_PID_FILE']);
    expect(found.findings.map(({ details }) => details.path)).toEqual([
      join(directory, 'c1', 'attach'),
      join(directory, 'conmon.sock'),
      join(directory, 'call-1', 'pid'),
      join(directory, 'pidfile'),
    ]);
    const fixed = await doctor('--fix', ...flags);
    expect(fixed.healthy).toBe(true);
    expect(fixed.findings.every((finding) => finding.fixed === true)).toBe(true);
    expect(await output('find', [directory, '-type', 's', '-o', '-name', 'pidfile'])).toBe('');
    expect(existsSync(join(directory, 'call-1'))).toBe(false);
    expect(existsSync(join(directory, 'other')) && existsSync(listens)).toBe(true);
    expect((await doctor(...flags)).findings).toEqual([]);
  });

  test('finds cgroups of containers that nobody knows, and removes the empty ones', async ({ ground }) => {
    const [empty, full] = [`crio-${id('a')}.scope`, `libpod-${id('b')}`];
    const make = (name: string): string[] => {
      const paths = hierarchies().map((mount) => join(mount, ground.cgroup, name, 'below'));
      for (const path of paths) mkdirSync(path, { recursive: true });
      return paths.map((path) => join(path, '..'));
    };
    const left = make(empty);
    // A cpuset takes processes only once it has CPUs.
    const lives = make(full).filter((path) => !path.includes('cpuset'));
    const mine = make('my-own');
    const sleeper = start(ground, '/bin/sleep', '300');
    for (const path of lives) writeFileSync(join(path, 'below', 'cgroup.procs'), String(sleeper.pid));
    const flags = ['--only-given', `--cgroup=/${ground.cgroup}`, `--below=${sleeper.pid}`];
    const found = await doctor(...flags);
    expect(codes(found)).toEqual(['PROCESS_WITHOUT_STATE', 'LEFTOVER_CGROUP']);
    expect(only(found, 'PROCESS_WITHOUT_STATE').details).toMatchObject({
      containerId: id('b'),
      pids: [sleeper.pid],
    });
    expect(only(found, 'LEFTOVER_CGROUP').details.containerId).toBe(id('a'));
    const fixed = await doctor('--fix', ...flags);
    expect(only(fixed, 'LEFTOVER_CGROUP').fixed).toBe(true);
    expect(left.some((path) => existsSync(path))).toBe(false);
    expect([...lives, ...mine].every((path) => existsSync(path))).toBe(true);
    expect(processEntry(sleeper.pid)?.state).toBe('S');
    sleeper.kill('SIGKILL');
    await until('it is gone', () => (existsSync(`/proc/${sleeper.pid}`) ? undefined : true));
    expect((await doctor('--fix', ...flags)).healthy).toBe(true);
  });

  test('finds namespaces whose holder is dead, and unmounts them', async ({ ground }) => {
    const base = newBase(ground);
    const server = await ground.server();
    await createNamespaces(server.connection, { basePath: base });
    const flags = [...scope(ground, server.nursery.pid), `--namespaces=${base}`];
    expect((await doctor('--fix', ...flags)).findings).toEqual([]);
    const holder = holderOf(base);
    await server.kill();
    await until('the holder is gone', () => (existsSync(`/proc/${holder}`) ? undefined : true));
    expect(only(await doctor(...flags), 'LEFTOVER_NAMESPACE')).toMatchObject({
      severity: 'problem',
      details: { podId: 'pod', pid: holder },
    });
    expect(only(await doctor('--fix', ...flags), 'LEFTOVER_NAMESPACE').fixed).toBe(true);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(base);
    // The next server on the directory would strike it out.
    rmSync(ground.path('server/namespaces'));
    expect(await output('find', [base, '-type', 'f'])).toBe('');
    expect((await doctor(...flags)).healthy).toBe(true);
  });

  test('finds state that can not be read, and mounts in what was a bundle', async ({ ground }) => {
    mkdirSync(join(ground.runtimeRoot, 'half'));
    const long = new Date(Date.now() - 3_600_000);
    utimesSync(join(ground.runtimeRoot, 'half'), long, long);
    const bundle = ground.path('bundle');
    await ground.tmpfs('bundle/rootfs', '64k');
    mkdirSync(join(ground.runtimeRoot, 'dead'));
    const state = {
      id: 'dead',
      init_process_pid: await deadPid(),
      init_process_start: 1,
      config: { labels: [`bundle=${bundle}`] },
    };
    writeFileSync(join(ground.runtimeRoot, 'dead', 'state.json'), JSON.stringify(state));
    const flags = ['--only-given', `--below=${process.pid}`, `--runtime-root=${ground.runtimeRoot}`];
    const report = await doctor(...flags);
    expect(codes(report)).toEqual(['LEFTOVER_STATE', 'UNREADABLE_STATE', 'LEFTOVER_MOUNT']);
    expect(only(report, 'UNREADABLE_STATE')).toMatchObject({
      severity: 'note',
      details: { containerId: 'half' },
    });
    expect(only(report, 'LEFTOVER_MOUNT')).toMatchObject({
      fixable: false,
      details: { path: join(bundle, 'rootfs') },
    });
    // One that is a bundle still may be used again.
    writeFileSync(join(bundle, 'config.json'), '{}');
    expect(codes(await doctor(...flags))).not.toContain('LEFTOVER_MOUNT');
    rmSync(join(ground.runtimeRoot, 'dead'), { recursive: true });
    rmSync(join(ground.runtimeRoot, 'half'), { recursive: true });
  });

  test('leaves the state of a container that an engine may come back to', async ({ ground }) => {
    const bundle = ground.path('overlay-containers/x/userdata');
    mkdirSync(bundle, { recursive: true });
    mkdirSync(join(ground.runtimeRoot, 'kept'));
    const state = { pid: await deadPid(), 'process-start-time': 1, bundle };
    writeFileSync(join(ground.runtimeRoot, 'kept', 'status'), JSON.stringify(state));
    const report = await doctor(
      '--fix',
      '--only-given',
      `--below=${process.pid}`,
      `--runtime-root=${ground.runtimeRoot}`,
    );
    expect(report.findings).toMatchObject([{ code: 'LEFTOVER_STATE', severity: 'note', fixed: null }]);
    expect(report.healthy).toBe(true);
    expect(existsSync(join(ground.runtimeRoot, 'kept', 'status'))).toBe(true);
    rmSync(join(ground.runtimeRoot, 'kept'), { recursive: true });
  });

  test('finds monitors that have nothing left to monitor', async ({ ground }) => {
    for (const name of ['conmon', 'containerd-shim-runc-v2']) copyFileSync('/bin/sleep', ground.path(name));
    const one = start(ground, ground.path('conmon'), '300');
    start(ground, ground.path('containerd-shim-runc-v2'), '300');
    expect((await doctor('--only-given', `--below=${process.pid}`)).findings).toEqual([]);
    // Younger ones may be about to start their container.
    await until(
      'they are old enough',
      async () => {
        const report = await doctor('--only-given', `--below=${process.pid}`);
        return report.findings.length === 2 ? report : undefined;
      },
      30_000,
    );
    const report = await doctor('--only-given', `--below=${one.pid}`);
    expect(only(report, 'MONITOR_WITHOUT_CONTAINER')).toMatchObject({
      severity: 'problem',
      fixable: false,
      details: { pid: one.pid },
    });
  });

  test('tells of mixed versions and of a binary that was replaced', async ({ ground }) => {
    const runtime = ground.path('runc');
    writeFileSync(runtime, '#!/bin/sh\necho runc version 0.0.1\n', { mode: 0o755 });
    const binary = ground.path('podherd');
    copyFileSync(serverBinary, binary);
    const flags = [`--runtime=${runtime}`, `--runtime-dir=${ground.path('server')}`, '--log-driver=none'];
    const server = start(ground, binary, '--skip-fork', ...flags);
    const ended = new Promise((resolve) => server.on('exit', resolve));
    await until('it listens', () => (existsSync(ground.path('server/conmon.sock')) ? true : undefined));
    rmSync(binary);
    const report = await doctor('--only-given', `--below=${server.pid}`);
    expect(codes(report)).toEqual(['MIXED_VERSIONS', 'BINARY_REPLACED']);
    expect(only(report, 'MIXED_VERSIONS').details.versions).toContain('0.0.1');
    expect(report.healthy).toBe(true);
    server.kill('SIGINT');
    await ended;
  });

  test('watches, hears of changes at once, and ends when it is told', async ({ ground }) => {
    const directory = ground.path('watched');
    mkdirSync(directory);
    const path = join(directory, 'pidfile');
    const dead = String(await deadPid());
    writeFileSync(path, dead);
    const watch = [
      'doctor',
      '--json',
      '--watch',
      '--settle=0.2',
      '--interval=3600',
      '--only-given',
      `--below=${process.pid}`,
    ];
    const child = spawn(serverBinary, [...watch, `--runtime-dir=${directory}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    ground.onEnd(() => void child.kill('SIGKILL'));
    const ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
    expect(await next()).toMatchObject({
      change: 'found',
      finding: { code: 'STALE_PID_FILE', details: { path } },
    });
    rmSync(path);
    expect(await next()).toMatchObject({ change: 'gone', finding: { code: 'STALE_PID_FILE' } });
    writeFileSync(path, dead);
    expect(await next()).toMatchObject({ change: 'found', finding: { code: 'STALE_PID_FILE' } });
    rmSync(path);
    expect(await next()).toMatchObject({ change: 'gone' });
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  });

  test('ends when nobody reads what it finds', async ({ ground }) => {
    const directory = ground.path('stale');
    mkdirSync(directory);
    writeFileSync(join(directory, 'pidfile'), String(await deadPid()));
    const command = `"$0" doctor --json --watch --interval=3600 --settle=0.2 --only-given --below=${process.pid} --runtime-dir=${directory}`;
    const { code, stdout } = await run('/bin/bash', [
      '-c',
      `set -o pipefail; ${command} | head -n 1`,
      serverBinary,
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ change: 'found' });
  });
});

describe('the doctor, whoever calls it', () => {
  plain('finds nothing on a clean machine', async () => {
    const script = 'mount -t tmpfs none /run && exec "$0" doctor --json';
    const clean = [
      '--mount',
      '--pid',
      '--fork',
      '--mount-proc',
      '--propagation=private',
      '/bin/sh',
      '-c',
      script,
    ];
    const { code, stdout } = await run('unshare', [...clean, serverBinary]);
    expect(JSON.parse(stdout)).toMatchObject({ healthy: true, findings: [], missing: [] });
    expect(code).toBe(0);
  });

  plain('says when it can not look, and when it is asked wrongly', async () => {
    const { code, stderr } = await run('setpriv', [
      '--reuid=65534',
      '--clear-groups',
      serverBinary,
      'doctor',
    ]);
    expect([code, stderr]).toEqual([3, expect.stringContaining('root')]);
    expect((await run(serverBinary, ['doctor', '--no-such-option'])).code).toBe(2);
  });
});
