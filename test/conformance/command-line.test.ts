import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { answered, Connection } from '../support/connection.js';
import type { Ground } from '../support/ground.js';
import { type Ended, Nursery } from '../support/nursery.js';
import { serverBinary } from '../support/paths.js';
import { run } from '../support/run.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { within } from '../support/until.js';

/** The server, started with just these arguments and this environment, and the end of the process that was started. */
async function start(
  ground: Ground,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ nursery: Nursery; first: Ended; said: () => string }> {
  const logPath = ground.path('said');
  const log = openSync(logPath, 'a', 0o600);
  const nursery = new Nursery([serverBinary, ...args], log, { PATH: process.env['PATH'], ...env });
  closeSync(log);
  ground.onEnd(() => nursery.clear());
  const first = await within(
    'the start',
    nursery.end(({ adopted }) => !adopted),
  );
  return { nursery, first, said: () => readFileSync(logPath, 'utf8') };
}

/** Asks the server behind a runtime directory who it is, then ends it and waits until nothing is left. */
async function ask(runtimeDir: string, nursery: Nursery): Promise<number> {
  // It listens since the process that was started has ended: nothing is tried twice.
  const connection = await Connection.open(join(runtimeDir, 'conmon.sock'));
  const { processId } = answered((await connection.conmon.version({ request: {} })).response);
  await connection.close();
  process.kill(processId, 'SIGTERM');
  expect(await within('the end', nursery.empty)).toBe(true);
  expect(nursery.ended.find(({ pid }) => pid === processId)?.exitCode).toBe(0);
  return processId;
}

forEachRuntime('the command line', (test, runtime) => {
  test('starts a server in the background, and ends with 0 when it listens', async ({ ground }) => {
    const { runtimeDir, runtimeRoot } = ground.place('server');
    const { nursery, first } = await start(ground, [
      '--runtime',
      runtime.path,
      '--runtime-dir',
      runtimeDir,
      '--runtime-root',
      runtimeRoot,
      '--log-driver',
      'none',
    ]);
    expect(first).toMatchObject({ exitCode: 0 });
    const text = readFileSync(join(runtimeDir, 'pidfile'), 'utf8');
    expect(text).toMatch(/^[1-9]\d*$/);
    expect(readlinkSync(`/proc/${text}/fd/0`)).toBe('/dev/null');
    expect(await ask(runtimeDir, nursery)).toBe(Number(text));
    expect(readdirSync(runtimeDir)).toEqual([]);
  });

  test('takes short flags', async ({ ground }) => {
    const { runtimeDir } = ground.place('server');
    const { nursery, first, said } = await start(ground, [
      '-r',
      runtime.path,
      `--runtime-dir=${runtimeDir}`,
      '-l',
      'debug',
      '-d',
      'stdout',
    ]);
    expect(first.exitCode).toBe(0);
    await ask(runtimeDir, nursery);
    if (oursOnly) expect(said()).toMatch(/ INFO listening /);
  });

  test('takes each flag from the environment', async ({ ground }) => {
    const { runtimeDir, runtimeRoot } = ground.place('server');
    const { nursery, first, said } = await start(ground, [], {
      CONMON_RUNTIME: runtime.path,
      CONMON_RUNTIME_DIR: runtimeDir,
      CONMON_RUNTIME_ROOT: runtimeRoot,
      CONMON_LOG_LEVEL: 'error',
      CONMON_LOG_DRIVER: 'stdout',
      CONMON_TRACING_ENDPOINT: 'http://127.0.0.1:1',
    });
    expect(first.exitCode).toBe(0);
    await ask(runtimeDir, nursery);
    expect(said()).not.toContain(' INFO ');
  });

  test('with --skip-fork stays in the foreground', async ({ ground }) => {
    const { runtimeDir } = ground.place('server');
    const log = openSync(ground.path('said'), 'a', 0o600);
    const nursery = new Nursery(
      [
        serverBinary,
        '--skip-fork',
        `--runtime=${runtime.path}`,
        `--runtime-dir=${runtimeDir}`,
        '--log-driver=stdout',
      ],
      log,
    );
    closeSync(log);
    ground.onEnd(() => nursery.clear());
    await expect.poll(() => existsSync(join(runtimeDir, 'conmon.sock')), { timeout: 20_000 }).toBe(true);
    const pid = await ask(runtimeDir, nursery);
    expect(nursery.ended.find((ended) => ended.pid === pid)?.adopted).toBe(false);
  });

  test('that is wrong starts nothing, and says what is wrong', async ({ ground }) => {
    const { runtimeDir } = ground.place('server');
    const good = [`--runtime=${runtime.path}`, `--runtime-dir=${runtimeDir}`, '--log-driver=none'];
    const cases: [readonly string[], RegExp][] = [
      [[], /runtime/],
      [[`--runtime-dir=${runtimeDir}`], /--runtime/],
      [[`--runtime=${runtime.path}`], /--runtime-dir/],
      [[`--runtime=${ground.path('missing')}`, `--runtime-dir=${runtimeDir}`], /missing/],
      [[...good, '--no-such-flag'], /no-such-flag/],
      [[...good, '--log-level=loud'], /loud/],
      [[...good.slice(0, 2), '--log-driver=paper'], /paper/],
      [[...good, 'no-such-subcommand'], /no-such-subcommand/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr, stdout } = await run(serverBinary, args);
      expect(code, args.join(' ')).toBeGreaterThan(0);
      expect(stderr + stdout).toMatch(message);
      expect(existsSync(join(runtimeDir, 'conmon.sock')), args.join(' ')).toBe(false);
      expect(existsSync(join(runtimeDir, 'pidfile')), args.join(' ')).toBe(false);
    }
  });

  test('tells the version without a server', async ({ ground }) => {
    expect(existsSync(ground.place('server').runtimeDir)).toBe(false);
    const keys = ['version', 'tag', 'commit', 'build_date', 'target', 'rust_version', 'cargo_version'];
    for (const flag of ['--version-json', '-j', '--version-json=default', '--version-json=full', '-j=full']) {
      const { code, stdout, stderr } = await run(serverBinary, [flag]);
      expect({ code, stderr }, flag).toEqual({ code: 0, stderr: '' });
      const version = JSON.parse(stdout) as Record<string, string>;
      expect(Object.keys(version).sort()).toEqual([...keys, 'cargo_tree'].sort());
      for (const key of keys.filter((name) => name !== 'tag')) expect(version[key], key).not.toBe('');
      expect(version['cargo_tree'] !== '', flag).toBe(flag.endsWith('full'));
    }
    const { version } = JSON.parse((await run(serverBinary, ['-j'])).stdout) as { version: string };
    for (const flag of ['--version', '-v', '--version=default', '--version=full', '-v=full']) {
      const { code, stdout } = await run(serverBinary, [flag]);
      expect(code, flag).toBe(0);
      expect(stdout, flag).toContain(version);
    }
  });
});
