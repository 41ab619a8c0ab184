import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';

import { failure } from '../support/failure.js';
import { findings, runs, validate, write, writeCase, writeChanged } from '../support/preflight/bundles.js';
import { cases } from '../support/preflight/cases.js';
import { goodConfigs, podmanLike } from '../support/preflight/good.js';
import { makeMergedRootfs, makeOddRootfs } from '../support/preflight/rootfs.js';
import { descendants } from '../support/processes.js';
import { repository } from '../support/paths.js';
import { forEachRuntime, withoutRuntime } from '../support/suite.js';
import { until } from '../support/until.js';

const folder = mkdtempSync(join(tmpdir(), 'podherd-preflight-'));
const rootfs = join(folder, 'odd');
const merged = join(folder, 'merged');

beforeAll(() => {
  makeOddRootfs(rootfs);
  makeMergedRootfs(merged);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

forEachRuntime('a bundle with', (test, runtime) => {
  for (const one of cases) {
    test(`${one.name}: ${one.code}`, async ({ ground }) => {
      const bundle = writeCase(ground, one, rootfs);
      const found = await findings(bundle, `--for=${runtime.name}`);
      const code = runtime.name === 'runc' ? (one.forRunc ?? one.code) : one.code;
      const errors = found.filter(({ severity }) => severity === 'error');
      const { ran, said } = await runs(ground, bundle);
      if (one.warning === undefined && (one.only ?? runtime.name) === runtime.name) {
        expect(found).toContainEqual(expect.objectContaining({ severity: 'error', code, place: one.place }));
        expect(ran, said).toBe(false);
        return;
      }
      expect(errors).toEqual([]);
      if (one.warning !== 'depends') expect(ran, said).toBe(true);
      if (one.warning !== undefined && runtime.name === 'crun')
        expect(found).toContainEqual(expect.objectContaining({ code: one.code, place: one.place }));
    });
  }
});

forEachRuntime('validateBundle', (test, runtime) => {
  test('finds what the program finds', async ({ ground }) => {
    const { connection } = await ground.server();
    for (const [index, one] of cases.entries()) {
      const bundlePath = writeCase(ground, one, rootfs, `case${index}`);
      const { findings: answered } = await connection.podherd.validateBundle({ bundlePath, terminal: false });
      const printed = await findings(bundlePath, `--for=${runtime.name}`, '--terminal=false');
      expect(answered, one.name).toEqual(printed);
    }
  });

  test('knows whether create will be asked for a terminal, and the create fails', async ({ ground }) => {
    const { connection } = await ground.server();
    for (const terminal of [true, false]) {
      const bundlePath = writeChanged(ground, `terminal-${terminal}`, rootfs, {
        '/process/terminal': !terminal,
      });
      const { findings: answered } = await connection.podherd.validateBundle({ bundlePath, terminal });
      expect(answered).toEqual([
        expect.objectContaining({ severity: 'error', code: 'TERMINAL_MISMATCH', place: '/process/terminal' }),
      ]);
      const create = ground.create({ args: [], bundlePath, terminal });
      await failure(create, ['RUNTIME_FAILED', 'CONSOLE_FAILED']);
      await ground.expectNothingLeft();
    }
  });
});

forEachRuntime('a good bundle', (test, runtime) => {
  test('of the runtime itself has nothing wrong', async ({ ground }) => {
    for (const [name, text] of await goodConfigs(runtime)) {
      const bundle = write(ground, name, text);
      symlinkSync(rootfs, join(bundle, 'rootfs'));
      expect(await findings(bundle, '--terminal', `--for=${runtime.name}`), name).toEqual([]);
    }
  });

  test('as podman and CRI-O write it has nothing wrong, and runs', async ({ ground }) => {
    const config = podmanLike(rootfs, `/${ground.cgroup}/good`);
    const bundle = write(ground, 'good', JSON.stringify(config));
    expect(await findings(bundle, '--terminal=false')).toEqual([]);
    const { ran, said } = await runs(ground, bundle);
    expect(ran, said).toBe(true);
  });

  test('with links of every kind has nothing wrong, and runs', async ({ ground }) => {
    for (const [index, name] of ['sh', '/bin/sh', '/sbin/sh', 'script'].entries()) {
      const changes = {
        '/process/args/0': name,
        '/process/env': ['PATH=/usr/local/bin:/sbin:/bin'],
        '/mounts/-': { destination: '/var/run/x', type: 'tmpfs', source: 'tmpfs' },
      };
      const bundle = writeChanged(ground, `merged${index}`, merged, changes);
      expect(await findings(bundle, `--for=${runtime.name}`), name).toEqual([]);
      const { ran, said } = await runs(ground, bundle);
      expect(ran, said).toBe(true);
    }
  });
});

forEachRuntime('the preflight of a create', (test) => {
  test('refuses before anything is spawned, or warns and goes on', async ({ ground }) => {
    const { connection } = await ground.server();
    const settings = { preflight: 'enforce' as const };
    const bundlePath = writeChanged(ground, 'bad', rootfs, { '/process/args/0': 'missing' });
    await failure(ground.create({ args: [], bundlePath, settings }), 'PREFLIGHT_FAILED', /COMMAND_NOT_FOUND/);
    await ground.expectNothingLeft();
    const warned = writeChanged(ground, 'warned', rootfs, { '/process/cwd': '/made' });
    const container = await ground.run({ args: [], bundlePath: warned, settings });
    expect((await connection.statusAtEnd(container.id)).exit?.exitCode).toBe(0);
  });
});

withoutRuntime('podherd validate', (test) => {
  test('prints a line for each finding and ends as scripts want it', async ({ ground }) => {
    const good = writeChanged(ground, 'good', rootfs);
    expect(await validate(good)).toMatchObject({ code: 0, stdout: '' });
    const warned = writeChanged(ground, 'warned', rootfs, { '/process/user/username': 'x' });
    expect(await validate(warned)).toMatchObject({ code: 0 });
    expect(await validate('--strict', warned)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^warning USERNAME_IGNORED \/process\/user\/username: .+\n$/),
    });
    const bad = writeChanged(ground, 'bad', rootfs, { '/process/args/0': 'missing' });
    expect(await validate(bad)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^error COMMAND_NOT_FOUND \/process\/args\/0: .*"missing".*\n$/),
    });
    expect(await validate(ground.path('none'))).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^error CONFIG_MISSING: .+\n$/),
    });
    expect(await validate('--json', good)).toMatchObject({
      code: 0,
      stdout: `${JSON.stringify({ bundle: good, findings: [] })}\n`,
    });
    expect((await validate()).code).toBe(2);
    expect((await validate('--no-such-flag', good)).code).toBe(2);
  });

  test('names the runtime that refuses what the other takes', async ({ ground }) => {
    const bundle = writeChanged(ground, 'relative', rootfs, { '/process/cwd': 'bin' });
    const [any] = await findings(bundle);
    expect(any).toMatchObject({
      severity: 'error',
      message: expect.stringMatching(/runc refuses it, crun does not/),
    });
    expect(await findings(bundle, '--for=crun')).toMatchObject([{ severity: 'warning' }]);
  });

  test('has each of its codes in the documentation, and no other', async () => {
    const page = readFileSync(join(repository, 'docs/preflight.md'), 'utf8');
    const source = readFileSync(join(repository, 'crates/podherd/src/preflight/code.rs'), 'utf8');
    const named = [...page.matchAll(/^\| `([A-Z_]+)` \|/gmu)].map(([, code]) => code);
    const known = [...source.matchAll(/= "([A-Z_]+)",/gu)].map(([, code]) => code);
    expect(named.toSorted()).toEqual(known.toSorted());
    expect(known.length).toBeGreaterThan(70);
    const met = new Set(cases.map(({ code }) => code));
    expect(known.filter((code) => code !== undefined && !met.has(code)).toSorted()).toEqual(notInTable);
  });
});

withoutRuntime('a bundle that takes long to check', (test) => {
  // Each mount is compared with each.
  const slow = {
    '/mounts': Array.from({ length: 4_096 }, (_, index) => ({
      destination: `/${'a/'.repeat(200)}${index}`,
      type: 'tmpfs',
      source: 'tmpfs',
    })),
  };

  test('costs no more than the time of a runtime call', async ({ ground }) => {
    const { connection } = await ground.server({ flags: ['--runtime-timeout', '0.3'] });
    const bundlePath = writeChanged(ground, 'slow', rootfs, slow);
    const call = connection.podherd.validateBundle({ bundlePath, terminal: false });
    await failure(call, 'PREFLIGHT_INCOMPLETE', /did not end within 0\.3 s/);
    await ground.expectNothingLeft();
  });

  test('is given up when its caller vanishes', async ({ ground }) => {
    const server = await ground.server();
    const bundlePath = writeChanged(ground, 'slow', rootfs, slow);
    const other = await server.connect();
    const call = other.podherd.validateBundle({ bundlePath, terminal: false }).catch(() => undefined);
    await until('the check runs', () => descendants(server.pid)[0]);
    await other.close();
    await call;
    await until('the check has ended', () => (descendants(server.pid).length === 0 ? true : undefined));
    await ground.expectNothingLeft();
  });
});

/** What depends on the host, or on something that no config.json shows. */
const notInTable = [
  'APPARMOR_UNAVAILABLE',
  'CAPABILITY_UNAVAILABLE',
  'CONFIG_MISSING',
  'CONFIG_TOO_LARGE',
  'CONFIG_UNREADABLE',
  'MOUNTS_TOO_MANY',
  'OOM_SCORE_UNAVAILABLE',
  'RLIMIT_UNAVAILABLE',
  'SELINUX_UNAVAILABLE',
  'TERMINAL_MISMATCH',
];
