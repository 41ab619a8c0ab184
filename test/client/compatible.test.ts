import { existsSync, readdirSync } from 'node:fs';
import { text as streamText } from 'node:stream/consumers';
import { expect } from 'vitest';
import { Pod } from '../../ts/client/src/index.js';
import { text } from '../support/container.js';
import { failure } from '../support/failure.js';
import { forEachRuntime } from '../support/suite.js';
import { remains, startPod } from './pod.js';

// The same client over the interface of conmon-rs alone: it does itself what such a server leaves to it.
forEachRuntime('containers over the compatible interface', (test) => {
  test('a life from create to delete', async ({ ground }) => {
    const pod = await startPod(ground, { interface: 'conmon' });
    expect(pod.interface).toBe('conmon');
    const files = readdirSync(ground.path('run')).sort();
    const bundle = ground.bundle('web', { args: ['workload', 'pause'] });
    const container = await pod.createContainer({ id: 'web', bundle, log: { path: ground.path('web.log') } });
    const { pid, state } = await container.status();
    expect(state).toBe('created');
    await failure(container.wait({ until: 'running' }), 'EXIT_UNKNOWN');
    await container.start();
    expect(await container.wait({ until: 'running' })).toMatchObject({ state: 'running', pid });
    expect(text((await container.exec(['echo', 'hi'])).stdout)).toBe('hi\n');
    expect((await pod.list()).map(({ id }) => id)).toEqual(['web']);
    await failure(container.wait({ timeoutMs: 50 }), 'TIMEOUT');
    await failure(container.delete(), ['CONTAINER_ALIVE', 'RUNTIME_FAILED']);

    const wait = container.wait();
    await container.kill('SIGKILL');
    // The protocol's exit file has 128 + n, and so no way to tell a signal from a code.
    expect(await wait).toMatchObject({ known: true, exitCode: 137, signal: null });
    expect(await container.wait()).toMatchObject({ exitCode: 137 });
    await container.delete();
    expect(await pod.list()).toEqual([]);
    await failure(pod.get('web'), 'CONTAINER_NOT_FOUND');
    expect(readdirSync(ground.path('run')).sort()).toEqual(files);
    expect(remains(ground, [pid])).toEqual([]);
  });

  test('its streams, without a socket that is left', async ({ ground }) => {
    const pod = await startPod(ground, { interface: 'conmon' });
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['cat'] }),
      stdin: true,
    });
    await container.start();
    const first = await container.attach();
    const second = await container.attach({ stopAfterStdinEof: true });
    expect(readdirSync(ground.path('run')).filter((name) => name.startsWith('attach-'))).toEqual([]);
    second.stdin.end('words\n');
    expect(await Promise.all([streamText(first.stdout), streamText(second.stdout)])).toEqual([
      'words\n',
      'words\n',
    ]);
    expect((await container.wait()).exitCode).toBe(0);
    await container.delete();
  });

  test('delete by force of one that is waited for', async ({ ground }) => {
    const pod = await startPod(ground, { interface: 'conmon' });
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['workload', 'pause'] }),
    });
    await container.start();
    const wait = container.wait();
    await container.delete({ force: true });
    expect(await wait).toMatchObject({ known: true, exitCode: 137 });
  });

  test('an end is not known of a container that another client created', async ({ ground }) => {
    const pod = await startPod(ground);
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['workload', 'pause'] }),
    });
    await container.start();
    await using other = await Pod.connect({
      runtimeDir: ground.path('run'),
      runtime: ground.runtime.path,
      runtimeRoot: ground.runtimeRoot,
      interface: 'conmon',
    });
    const same = await other.get('web');
    expect(await same.status()).toMatchObject({ state: 'running', exit: null });
    await failure(same.wait(), 'EXIT_UNKNOWN');
    await same.kill('SIGKILL');
    await container.wait();
    expect(await same.wait()).toMatchObject({ known: false, reason: 'created-elsewhere', exitCode: null });
    await container.delete();
  });

  test('a wait ends with the server', async ({ ground }) => {
    const pod = await startPod(ground, { interface: 'conmon' });
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['workload', 'pause'] }),
    });
    await container.start();
    const wait = container.wait();
    const failed = failure(wait, 'CONNECTION_CLOSED');
    await pod.close();
    await failed;
    expect(
      existsSync(ground.path('run'))
        ? readdirSync(ground.path('run')).filter((name) => name.startsWith('client-'))
        : [],
    ).toEqual([]);
  });
});
