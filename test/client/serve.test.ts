import { expect } from 'vitest';
import WebSocket from 'ws';
import { failure } from '../support/failure.js';
import { forEachRuntime } from '../support/suite.js';
import { within } from '../support/until.js';
import { startPod } from './pod.js';

/** What comes over a URL, in the kubelet's protocol: the bytes of each channel, until the server closes. */
async function session(url: string): Promise<Record<number, string>> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), 'v5.channel.k8s.io');
  const channels: Record<number, string> = {};
  socket.on('message', (message: Buffer) => {
    const channel = message[0]!;
    channels[channel] = (channels[channel] ?? '') + message.toString('utf8', 1);
  });
  await within(
    'the end of the session',
    new Promise((resolve, reject) => socket.once('close', resolve).once('error', reject)),
  );
  return channels;
}

forEachRuntime('URLs from the client', (test) => {
  test('run a command, carry the streams of a container, and lead into a network namespace', async ({
    ground,
  }) => {
    const pod = await startPod(ground);
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['sh', '-c', 'read line; echo "got $line"'] }),
      stdin: true,
    });
    const attach = await container.serveAttach();
    expect(attach).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/attach\/\S{20,}$/);
    await container.start();

    const exec = await container.serveExec(['sh', '-c', 'echo out; echo err >&2; exit 3']);
    expect(exec).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/exec\/\S{20,}$/);
    const { 1: stdout, 2: stderr, 3: status } = await session(exec);
    expect([stdout, stderr]).toEqual(['out\n', 'err\n']);
    expect(JSON.parse(status!)).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode' });
    // Good for one use.
    await expect(session(exec)).rejects.toThrow(/404/);

    const portForward = await pod.servePortForward('/proc/self/ns/net');
    expect(portForward).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/port-forward\/\S{20,}$/);

    const carried = session(attach);
    const typist = await container.attach();
    typist.stdin.end('a line\n');
    expect((await carried)[1]).toBe('got a line\n');
    expect((await container.wait()).exitCode).toBe(0);
    await failure(container.serveExec(['true']), 'CONTAINER_NOT_RUNNING');
    await typist.close();
  });
});
