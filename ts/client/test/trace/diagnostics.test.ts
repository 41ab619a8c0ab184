import { channel, tracingChannel } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import { Pod } from '../../src/index.js';
import type { CallMessage, ConnectionMessage } from '../../src/index.js';
import { servePodherdPeer } from '../podherd-peer.js';

test('calls and connections are told to who listens', async () => {
  const told: string[] = [];
  const say =
    (what: string) =>
    (message: unknown): void => {
      const { method, container, error } = message as CallMessage & { error?: { code: string } };
      told.push([what, method, container, error?.code].filter((word) => word !== undefined).join(' '));
    };
  const calls = tracingChannel<string, CallMessage>('podherd:call');
  const handlers = {
    start: say('start'),
    end: () => {},
    asyncStart: say('settled'),
    asyncEnd: () => {},
    error: say('error'),
  };
  const events: string[] = [];
  const listener = (message: unknown): void => void events.push((message as ConnectionMessage).event);
  calls.subscribe(handlers);
  channel('podherd:connection').subscribe(listener);
  try {
    await using peer = await servePodherdPeer({
      containerStatus: () => {
        throw new Error('CONTAINER_NOT_FOUND: no web');
      },
    });
    const pod = await Pod.connect({ socketPath: peer.path });
    await expect(pod.get('web')).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
    await pod.close();
  } finally {
    calls.unsubscribe(handlers);
    channel('podherd:connection').unsubscribe(listener);
  }
  expect(told).toEqual([
    'start containerStatus web',
    'error containerStatus web CONTAINER_NOT_FOUND',
    'settled containerStatus web CONTAINER_NOT_FOUND',
  ]);
  expect(events).toEqual(['connected', 'closed']);
});

test('the context of a call, or else of the pod, is in the request', async () => {
  const seen: unknown[] = [];
  await using peer = await servePodherdPeer({
    listContainers: ({ metadata }) => {
      seen.push(metadata);
      return {};
    },
  });
  const of = (letter: string) => ({ traceparent: `00-${letter.repeat(32)}-00f067aa0ba902b7-01` });
  await using pod = await Pod.connect({ socketPath: peer.path, trace: () => of('a') });
  await pod.list();
  await pod.list({ trace: of('b') });
  expect(seen).toEqual(
    [of('a'), of('b')].map(({ traceparent }) => [{ key: 'traceparent', value: traceparent }]),
  );
});
