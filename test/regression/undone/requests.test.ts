import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { failure } from '../../support/failure.js';
import { processEntry } from '../../support/processes.js';
import { run } from '../../support/run.js';
import { forEachRuntime, oursOnly } from '../../support/suite.js';

forEachRuntime('a create', (test, runtime) => {
  test('with a bundle that is no bundle fails and is undone', async ({ ground }) => {
    await ground.server();
    const folder = ground.path('bad');
    mkdirSync(folder);
    const config = (text: string): string => {
      writeFileSync(join(folder, 'config.json'), text);
      return folder;
    };
    await failure(
      ground.create({ args: ['true'], bundlePath: ground.path('nowhere') }),
      'BUNDLE_INVALID',
      /nowhere/,
    );
    await failure(ground.create({ args: ['true'], bundlePath: folder }), 'BUNDLE_INVALID', /config\.json/);
    for (const bad of ['', 'not JSON', '[]', '{}']) {
      await failure(
        ground.create({ args: ['true'], bundlePath: config(bad) }),
        'BUNDLE_INVALID',
        /config\.json/,
      );
    }
    const good = JSON.parse(
      readFileSync(join(ground.bundle('good', { args: ['true'] }), 'config.json'), 'utf8'),
    ) as object;
    const future = JSON.stringify({ ...good, ociVersion: '9.0.0' });
    await failure(
      ground.create({ args: ['true'], bundlePath: config(future) }),
      'BUNDLE_INVALID',
      /9\.0\.0|ociVersion/,
    );
    await failure(ground.create({ args: ['true'], bundlePath: 'relative' }), [
      'BUNDLE_INVALID',
      'INVALID_ARGUMENT',
    ]);
    await ground.expectNothingLeft();
  });

  test('with an id that the runtimes would refuse fails before anything is made', async ({ ground }) => {
    await ground.server();
    const bundlePath = ground.bundle('good', { args: ['true'] });
    for (const id of ['', '.', '..', '../escape', 'a/b', 'a b', 'a\nb', '-x/', 'ü', 'x'.repeat(2_000)]) {
      await failure(
        ground.create({ id, args: ['true'], bundlePath, logPath: ground.path('bad.log') }),
        'INVALID_ID',
      );
    }
    await ground.expectNothingLeft();
  });

  test('with an id in use here leaves the first container alone', async ({ ground }) => {
    const server = await ground.server();
    const first = await ground.run({ id: 'twice', args: ['workload', 'pause'] });
    const before = server.snapshot();
    for (const terminal of [false, true]) {
      const logPath = ground.path('second.log');
      await failure(ground.create({ id: 'twice', args: ['true'], terminal, logPath }), 'ID_IN_USE', /twice/);
    }
    await ground.expectNothingLeft(before);
    expect((await first.exec(['true'])).exitCode).toBe(0);
  });

  test('with an id of somebody else under the same root leaves that container and its log alone', async ({
    ground,
  }) => {
    const { connection } = await ground.server();
    const other = await ground.anotherServer('other');
    const foreign = await ground.run({
      id: 'foreign',
      args: ['sh', '-c', 'echo mine; exec workload pause'],
      server: other,
    });
    await expect.poll(() => readFileSync(foreign.logPath, 'utf8'), { timeout: 10_000 }).toMatch(/ F mine\n$/);
    const written = readFileSync(foreign.logPath, 'utf8');
    for (const terminal of [false, true]) {
      // The same bundle and log: nothing but the id's history tells whose it is.
      const { bundle: bundlePath, logPath } = foreign;
      await failure(
        ground.create({ id: 'foreign', args: [], bundlePath, logPath, terminal }),
        'ID_IN_USE',
        /foreign/,
      );
    }
    expect(readFileSync(foreign.logPath, 'utf8')).toBe(written);
    expect(processEntry(foreign.pid)?.state).not.toBe('Z');
    const state = JSON.parse((await foreign.runtime('state', 'foreign')).stdout) as { status: string };
    expect(state.status).toBe('running');
    expect((await foreign.exec(['true'])).exitCode).toBe(0);
    if (oursOnly) await failure(connection.status('foreign'), 'CONTAINER_NOT_FOUND');
  });

  test('with an id that the runtime made by itself is refused too', async ({ ground }) => {
    await ground.server();
    const bundlePath = ground.bundle('foreign', { args: ['workload', 'pause'] });
    const made = await run('sh', [
      '-c',
      '"$0" --root "$1" run --detach --bundle "$2" foreign </dev/null >/dev/null 2>&1',
      runtime.path,
      ground.runtimeRoot,
      bundlePath,
    ]);
    expect(made.code).toBe(0);
    await failure(ground.create({ id: 'foreign', args: [], bundlePath }), 'ID_IN_USE', /foreign/);
    const state = await run(runtime.path, ['--root', ground.runtimeRoot, 'state', 'foreign']);
    expect(JSON.parse(state.stdout)).toMatchObject({ status: 'running', bundle: bundlePath });
    await run(runtime.path, ['--root', ground.runtimeRoot, 'delete', '--force', 'foreign']);
  });
});
