import { expect } from 'vitest';

import { Pod } from '../../ts/client/src/index.js';
import { PodherdClient } from '../../ts/client/src/generated/podherd.js';
import { SCHEMA_VERSION } from '../../ts/client/src/link/versions.js';
import { SessionCaller } from '../../ts/client/src/rpc/caller.js';
import { Session } from '../../ts/client/src/rpc/session.js';
import { type Peer, serve } from '../../ts/client/test/rpc/peer.js';
import { answered } from '../support/connection.js';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import { forEachRuntime } from '../support/suite.js';
import * as first from './generated/podherd-1.js';

/** A client that was made from the first version of the schema. */
async function oldClient(ground: Ground): Promise<first.PodherdClient> {
  const session = await Session.connect((await ground.server()).socketPath);
  ground.endsFirst(() => void session.close());
  return new first.PodherdClient(new SessionCaller(session, session.root));
}

/** A server that knows the first version alone: what it is asked for, it has the real server do. */
async function oldServer(ground: Ground): Promise<Peer> {
  const real = await oldClient(ground);
  const known = new Set([
    ...Object.keys(first.Podherd.methods),
    ...first.Podherd.superclasses.flatMap(({ methods }) => Object.keys(methods)),
  ]);
  const handlers = Object.fromEntries(
    [...known].map((name) => [
      name,
      (params: object) =>
        name === 'serverInfo'
          ? { info: { schemaVersion: 1, version: '0.1.0' } }
          : (real as unknown as Record<string, (params: object) => Promise<object>>)[name]?.(params),
    ]),
  ) as unknown as first.PodherdHandlers;
  const peer = await serve(first.servePodherd(handlers) as never);
  ground.endsFirst(() => peer.kill());
  ground.onEnd(async () => peer[Symbol.asyncDispose]());
  return peer;
}

/** The methods of this version, as any server answers them. */
async function newConnection(path: string): Promise<{ podherd: PodherdClient; close: () => Promise<void> }> {
  const session = await Session.connect(path);
  return {
    podherd: new PodherdClient(new SessionCaller(session, session.root)),
    close: () => session.close(),
  };
}

forEachRuntime('versions of the schema', (test) => {
  test('an old client works with this server', async ({ ground }) => {
    const client = await oldClient(ground);
    const info = answered((await client.serverInfo({})).info);
    expect(info.schemaVersion).toBe(SCHEMA_VERSION);
    const bundlePath = ground.bundle('old', { args: ['workload', 'exit', '9'] });
    const request = { id: 'old', bundlePath, cgroupManager: 'cgroupfs' } as const;
    const created = answered((await client.createContainer({ request })).response);
    expect(created.containerPid).toBeGreaterThan(1);
    expect((await client.listContainers({})).containers.map(({ id, state }) => [id, state])).toEqual([
      ['old', 'created'],
    ]);
    await client.start({ id: 'old' });
    const { status, reached } = await client.waitContainer({
      id: 'old',
      until: 'exited',
      timeoutMillis: 20_000,
    });
    expect(reached).toBe(true);
    expect(answered(answered(status).exit)).toMatchObject({ knowledge: 'known', exitCode: 9 });
    await client.delete({ id: 'old', force: false });
    expect((await client.listContainers({})).containers).toEqual([]);
    expect(answered((await client.reaperStatus({})).status).zombiesNow).toBe(0);
  });

  test('this client works with an old server, and says what that one lacks', async ({ ground }) => {
    const { path } = await oldServer(ground);
    const pod = await Pod.connect({ socketPath: path });
    ground.endsFirst(() => void pod.close());
    expect((await pod.serverInfo()).schemaVersion).toBe(1);
    const container = await pod.createContainer({
      id: 'new',
      bundle: ground.bundle('new', { args: ['workload', 'exit', '4'] }),
    });
    expect((await container.status()).state).toBe('created');
    await container.start();
    expect(await container.wait()).toMatchObject({ known: true, exitCode: 4 });
    expect((await pod.list()).map(({ id }) => id)).toEqual(['new']);
    const { podherd, close } = await newConnection(path);
    // The library that plays the old server has no kind of its own for these; ours says UNIMPLEMENTED.
    for (const call of [podherd.stop({ id: 'new' }), podherd.stats({})])
      await failure(call, ['UNIMPLEMENTED', 'SERVER_ERROR'], /no such method/);
    await close();
    await container.delete();
  });
});
