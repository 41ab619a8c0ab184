import { expect, test } from 'vitest';
import { Pod } from '../../src/index.js';
import { servePodherdPeer } from '../podherd-peer.js';

/** A server of the schema's first version. */
const older = () => ({ info: { schemaVersion: 1, version: '0.0.9' } });

test('what an older server does not have is said with what would have it', async () => {
  await using peer = await servePodherdPeer({ serverInfo: older, listContainers: () => ({}) });
  await using pod = await Pod.connect({ socketPath: peer.path });
  const needed = {
    code: 'UNIMPLEMENTED',
    message: expect.stringMatching(/schema version 2 or newer; this server \(0\.0\.9\) has schema version 1/),
  };
  await expect(pod.snapshot()).rejects.toMatchObject(needed);
  await expect(pod.stats()).rejects.toMatchObject(needed);
  await expect(pod.validateBundle('/b')).rejects.toMatchObject(needed);
  await expect(pod.shutdown()).rejects.toMatchObject(needed);
  await expect(pod.events().ready()).rejects.toMatchObject(needed);
  await expect(pod.events().next()).rejects.toMatchObject(needed);
  const create = (more: object) => pod.createContainer({ id: 'web', bundle: '/b', ...more });
  await expect(create({ labels: { a: 'b' } })).rejects.toMatchObject(needed);
  await expect(create({ preflight: 'warn' })).rejects.toMatchObject(needed);
  await expect(create({ rateLimit: { bytesPerSecond: 1 } })).rejects.toMatchObject(needed);
});

test('an older server creates and stops by what it has', async () => {
  const calls: unknown[] = [];
  let state: 'created' | 'exited' = 'created';
  await using peer = await servePodherdPeer({
    serverInfo: older,
    createContainer: ({ request }) => {
      calls.push(['create', request?.id]);
      return { response: { containerPid: 7 } };
    },
    containerStatus: () => ({ status: { id: 'web', state, stopGraceMillis: 20 } }),
    kill: ({ signal, target }) => {
      calls.push(['kill', signal, target]);
      if (signal === 9) state = 'exited';
    },
    waitContainer: async ({ timeoutMillis }) => {
      if (state !== 'exited') await new Promise((resolve) => setTimeout(resolve, Number(timeoutMillis)));
      return { reached: state === 'exited', status: { id: 'web', state } };
    },
  });
  await using pod = await Pod.connect({ socketPath: peer.path });
  const container = await pod.createContainer({ id: 'web', bundle: '/b' });
  expect(await container.stop({ stopSignal: 'SIGINT' })).toMatchObject({ killed: true, state: 'exited' });
  expect(await container.stop()).toMatchObject({ killed: false, state: 'exited' });
  expect(calls).toEqual([
    ['create', 'web'],
    ['kill', 2, 'init'],
    ['kill', 9, 'all'],
  ]);
});
