import { expect } from 'vitest';

import { Conmon, type ConmonClient } from '../../ts/client/src/generated/conmon.js';
import { Podherd } from '../../ts/client/src/generated/podherd.js';
import { PodherdError } from '../../ts/client/src/errors.js';
import { SessionCaller } from '../../ts/client/src/rpc/caller.js';
import { Session } from '../../ts/client/src/rpc/session.js';
import { answered } from '../support/connection.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';

/** Calls each method of the protocol with nothing in the request. */
const empty: { [M in keyof typeof Conmon.methods]: (conmon: ConmonClient) => Promise<unknown> } = {
  version: (conmon) => conmon.version({ request: {} }),
  createContainer: (conmon) => conmon.createContainer({ request: {} }),
  execSyncContainer: (conmon) => conmon.execSyncContainer({ request: {} }),
  attachContainer: (conmon) => conmon.attachContainer({ request: {} }),
  reopenLogContainer: (conmon) => conmon.reopenLogContainer({ request: {} }),
  setWindowSizeContainer: (conmon) => conmon.setWindowSizeContainer({ request: {} }),
  createNamespaces: (conmon) => conmon.createNamespaces({ request: {} }),
  startFdSocket: (conmon) => conmon.startFdSocket({ request: {} }),
  serveExecContainer: (conmon) => conmon.serveExecContainer({ request: {} }),
  serveAttachContainer: (conmon) => conmon.serveAttachContainer({ request: {} }),
  servePortForwardContainer: (conmon) => conmon.servePortForwardContainer({ request: {} }),
};

forEachRuntime('a method', (test) => {
  test('has the ids of the protocol', () => {
    expect(Conmon.typeId).toBe(0xb737e899dd6633f1n);
    expect(Object.entries(Conmon.methods).map(([name, method]) => [method.methodId, name])).toEqual([
      [0, 'version'],
      [1, 'createContainer'],
      [2, 'execSyncContainer'],
      [3, 'attachContainer'],
      [4, 'reopenLogContainer'],
      [5, 'setWindowSizeContainer'],
      [6, 'createNamespaces'],
      [7, 'startFdSocket'],
      [8, 'serveExecContainer'],
      [9, 'serveAttachContainer'],
      [10, 'servePortForwardContainer'],
    ]);
  });

  test('with an empty request is answered, and the connection goes on', async ({ ground }) => {
    const server = await ground.server();
    const connection = await server.connect();
    for (const [name, call] of Object.entries(empty)) {
      const error = await call(connection.conmon).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error === undefined) {
        expect(['version', 'startFdSocket'], name).toContain(name);
        continue;
      }
      expect(error, name).toBeInstanceOf(PodherdError);
      expect((error as PodherdError).code, name).not.toBe('UNIMPLEMENTED');
    }
    // The fd socket listens from now on, to the server's end: it is no leftover.
    const { response } = await connection.conmon.version({ request: {} });
    expect(answered(response).processId).toBe(server.pid);
    await connection.close();
    await server.stop();
  });

  test('that only a later protocol has is refused, and the connection goes on', async ({ ground }) => {
    const server = await ground.server();
    const session = await Session.connect(server.socketPath);
    const caller = new SessionCaller(session, session.root);
    const { version } = Conmon.methods;
    const unknown = [
      { ...version, methodId: 11 },
      { ...version, methodId: 65_535 },
      { ...version, interfaceId: 0xffff_ffff_ffff_ffffn },
    ];
    for (const method of unknown) {
      const failed = caller.call(method, { request: {} });
      await expect(failed).rejects.toMatchObject(oursOnly ? { code: 'UNIMPLEMENTED' } : {});
    }
    const { response } = await caller.call(version, { request: {} });
    expect(answered(response).processId).toBe(server.pid);
    await session.close();
  });

  test.skipIf(!oursOnly)('of either interface is answered by one object', async ({ ground }) => {
    const server = await ground.server();
    const session = await Session.connect(server.socketPath);
    const caller = new SessionCaller(session, session.root);
    expect(Podherd.typeId).not.toBe(Conmon.typeId);
    const [{ response }, { info }] = await Promise.all([
      caller.call(Conmon.methods.version, { request: {} }),
      caller.call(Podherd.methods.serverInfo, {}),
    ]);
    expect(answered(info).processId).toBe(answered(response).processId);
    await session.close();
  });
});
