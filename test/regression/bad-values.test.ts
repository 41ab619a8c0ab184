import { expect, vi } from 'vitest';

import type { EnumType } from '../../ts/client/src/capnp/index.js';
import { CgroupManager, LogDriverType, Namespace } from '../../ts/client/src/generated/conmon.js';
import { ContainerState, KillTarget } from '../../ts/client/src/generated/podherd.js';
import type { Connection } from '../support/connection.js';
import { failure } from '../support/failure.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';

forEachRuntime('a value', (test) => {
  test('that no container has is an error of every call that names one', async ({ ground }) => {
    const { connection } = await ground.server();
    const { conmon, podherd } = connection;
    for (const id of ['unknown', 'x'.repeat(250)]) {
      const request = { id };
      const calls: Promise<unknown>[] = [
        conmon.attachContainer({ request: { ...request, socketPath: ground.path('attach.sock') } }),
        conmon.reopenLogContainer({ request }),
        conmon.setWindowSizeContainer({ request: { ...request, width: 1, height: 1 } }),
        conmon.serveExecContainer({ request: { ...request, command: ['true'], stdout: true } }),
        conmon.serveAttachContainer({ request: { ...request, stdout: true } }),
      ];
      if (oursOnly)
        calls.push(
          podherd.start({ id }),
          podherd.kill({ id, signal: 9 }),
          podherd.delete({ id }),
          podherd.containerStatus({ id }),
          podherd.waitContainer({ id, until: 'exited', timeoutMillis: 1_000 }),
        );
      await Promise.all(calls.map((call) => failure(call, 'CONTAINER_NOT_FOUND', /unknown|x{40}/)));
    }
    await ground.expectNothingLeft();
  });

  test('with a NUL is an error that names the field', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const bundlePath = ground.bundle('nul', { args: ['true'] });
    const base = { id: 'nul', bundlePath, cgroupManager: 'cgroupfs' } as const;
    const bad = 'a\0b';
    const path = '/tmp/a\0b';
    const create = (more: object) => connection.conmon.createContainer({ request: { ...base, ...more } });
    const exec = (more: object) =>
      connection.conmon.execSyncContainer({
        request: { id, command: ['true'], cgroupManager: 'cgroupfs', ...more },
      });
    const calls: [string, Promise<unknown>][] = [
      ['bundlePath', create({ bundlePath: path })],
      ['exitPaths', create({ exitPaths: [path] })],
      ['oomExitPaths', create({ oomExitPaths: [path] })],
      ['logDrivers', create({ logDrivers: [{ type: 'containerRuntimeInterface', path }] })],
      ['cleanupCmd', create({ cleanupCmd: ['/bin/true', bad] })],
      ['globalArgs', create({ globalArgs: [bad] })],
      ['commandArgs', create({ commandArgs: [bad] })],
      ['envVars', create({ envVars: [{ key: bad, value: '' }] })],
      ['envVars', create({ envVars: [{ key: 'A', value: bad }] })],
      ['command', exec({ command: ['true', bad] })],
      ['envVars', exec({ envVars: [{ key: bad, value: '' }] })],
      ['socketPath', connection.conmon.attachContainer({ request: { id, socketPath: path } })],
      ['netNsPath', connection.conmon.servePortForwardContainer({ request: { netNsPath: path } })],
      ['basePath', connection.conmon.createNamespaces({ request: { podId: 'pod', basePath: path } })],
    ];
    for (const [field, call] of calls) await failure(call, 'INVALID_ARGUMENT', new RegExp(field));
    await failure(create({ id: bad }), 'INVALID_ID');
    await failure(exec({ id: bad }), 'INVALID_ID');
    await failure(create({ envVars: [{ key: 'A=B', value: '' }] }), 'INVALID_ARGUMENT', /envVars/);
    await failure(create({ envVars: [{ key: '', value: '' }] }), 'INVALID_ARGUMENT', /envVars/);
    await failure(exec({ command: [] }), 'INVALID_ARGUMENT', /command/);
    await failure(exec({ command: [''] }), 'INVALID_ARGUMENT', /command/);
  });

  test('that is a relative path is an error that names the field', async ({ ground }) => {
    const { connection } = await ground.server();
    const { id } = await ground.runHealthy();
    const { conmon } = connection;
    const bundlePath = ground.bundle('relative', { args: ['true'] });
    const create = (more: object) =>
      conmon.createContainer({ request: { id: 'relative', bundlePath, cgroupManager: 'cgroupfs', ...more } });
    const path = 'some/where';
    for (const bad of [path, '', '.', '../x']) {
      const calls: [string, Promise<unknown>][] = [
        ['bundlePath', create({ bundlePath: bad })],
        ['exitPaths', create({ exitPaths: [bad] })],
        ['oomExitPaths', create({ oomExitPaths: [bad] })],
        ['logDrivers', create({ logDrivers: [{ type: 'containerRuntimeInterface', path: bad }] })],
        ['socketPath', conmon.attachContainer({ request: { id, socketPath: bad } })],
        ['netNsPath', conmon.servePortForwardContainer({ request: { netNsPath: bad } })],
      ];
      for (const [field, call] of calls) await failure(call, 'INVALID_ARGUMENT', new RegExp(field));
    }
  });

  test.skipIf(!oursOnly)(
    'of an enum that a newer client knows is an error that names the field',
    async ({ ground }) => {
      const { connection } = await ground.server();
      const { id } = await ground.runHealthy();
      const bundlePath = ground.bundle('newer', { args: ['true'] });
      const request = { id: 'newer', bundlePath };
      const base = ground.path('base');
      const calls: [string, EnumType<string>, (connection: Connection) => Promise<unknown>][] = [
        [
          'cgroupManager',
          CgroupManager,
          ({ conmon }) => conmon.createContainer({ request: { ...request, cgroupManager: 'cgroupfs' } }),
        ],
        [
          'logDrivers',
          LogDriverType,
          ({ conmon }) =>
            conmon.createContainer({
              request: { ...request, logDrivers: [{ type: 'json', path: '/tmp/x' }] },
            }),
        ],
        [
          'cgroupManager',
          CgroupManager,
          ({ conmon }) =>
            conmon.execSyncContainer({ request: { id, command: ['true'], cgroupManager: 'cgroupfs' } }),
        ],
        [
          'namespaces',
          Namespace,
          ({ conmon }) =>
            conmon.createNamespaces({ request: { podId: 'pod', basePath: base, namespaces: ['ipc'] } }),
        ],
        ['target', KillTarget, ({ podherd }) => podherd.kill({ id, signal: 18, target: 'all' })],
        [
          'until',
          ContainerState,
          ({ podherd }) => podherd.waitContainer({ id, until: 'exited', timeoutMillis: 10 }),
        ],
      ];
      for (const [field, type, call] of calls) {
        // As the client of a newer schema writes it.
        const encoding = vi.spyOn(type, 'encode').mockReturnValue(77);
        try {
          await failure(call(connection), 'INVALID_ARGUMENT', new RegExp(field));
          expect(encoding).toHaveBeenCalled();
        } finally {
          encoding.mockRestore();
        }
      }
      expect((await connection.status(id)).state).toBe('running');
    },
  );
});
