import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';
import type { AttachOptions, AttachSession, Container, Pod } from '../../ts/client/src/index.js';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import { full } from '../support/paths.js';
import { descriptors } from '../support/processes.js';
import { forEachRuntime } from '../support/suite.js';
import { until, within } from '../support/until.js';
import { startPod } from './pod.js';

/** A container with an input, created and not started. */
function create(ground: Ground, pod: Pod, args: readonly string[], id = 'web'): Promise<Container> {
  return pod.createContainer({ id, bundle: ground.bundle(id, { args }), stdin: true });
}

/** A session that is left at the end of the test. */
async function attachAs(
  ground: Ground,
  container: Container,
  options: AttachOptions,
): Promise<AttachSession> {
  const session = await container.attach(options);
  ground.onEnd(() => session.close());
  return session;
}

for (const transport of ['rpc', 'socket'] as const) {
  forEachRuntime(`attach through the client, over ${transport}`, (test, runtime) => {
    const attach = (
      ground: Ground,
      container: Container,
      options: AttachOptions = {},
    ): Promise<AttachSession> => attachAs(ground, container, { transport, ...options });
    /** The end of a session that was cut off for being behind. */
    const behind = transport === 'rpc' ? 'ATTACH_CLIENT_BEHIND' : 'CONNECTION_CLOSED';

    for (const slow of [false, true]) {
      const bytes = full || runtime.name === 'crun' ? 64 << 20 : 8 << 20;
      test(
        `${bytes >> 20} MiB go in and come out byte for byte${slow ? ', to a slow reader' : ''}`,
        { timeout: 300_000 },
        async ({ ground }) => {
          const pod = await startPod(ground);
          const container = await create(ground, pod, ['cat']);
          const session = await attach(ground, container, { stopAfterStdinEof: true });
          await container.start();
          const sent = randomBytes(bytes);
          const received: Buffer[] = [];
          const read = async (): Promise<void> => {
            for await (const chunk of session.stdout) {
              received.push(chunk as Buffer);
              if (slow && received.length % 64 === 0) await turn();
            }
          };
          const pieces = Readable.from(chunks(sent, 50_000), { objectMode: false });
          await Promise.all([pipeline(pieces, session.stdin), read()]);
          expect(difference(Buffer.concat(received), sent)).toBeUndefined();
          expect(await text(session.stderr)).toBe('');
          expect(await within('the end of the session', session.closed())).toBeUndefined();
          expect((await container.wait()).exitCode).toBe(0);
        },
      );
    }

    test('every session gets both streams, whole, and ends with the container', async ({ ground }) => {
      const pod = await startPod(ground);
      const container = await create(ground, pod, ['sh', '-c', 'echo out; echo err >&2; exit 3']);
      const sessions = [await attach(ground, container), await attach(ground, container)];
      const outputs = sessions.map(({ stdout, stderr }) => Promise.all([text(stdout), text(stderr)]));
      await container.start();
      for (const output of outputs) expect(await output).toEqual(['out\n', 'err\n']);
      for (const session of sessions) expect(await session.closed()).toBeUndefined();
      expect((await container.wait()).exitCode).toBe(3);
      await until('the socket is gone', () => attachSockets(ground).length === 0 || undefined);
      await failure(container.attach({ transport }), 'CONTAINER_NOT_RUNNING', /has ended/);
    });

    test("the end of a session's input is not that of the container's, unless it shall be", async ({
      ground,
    }) => {
      const pod = await startPod(ground);
      const container = await create(ground, pod, ['cat']);
      await container.start();
      const first = await attach(ground, container);
      const last = await attach(ground, container, { stopAfterStdinEof: true });
      const outputs = [text(first.stdout), text(last.stdout)];
      // Before the first write: by the time that it is answered its echo may have come.
      const echoed = new Promise((resolve) => first.stdout.once('data', resolve));
      await new Promise<void>((resolve) => first.stdin.end('one\n', resolve));
      await echoed;
      last.stdin.end('two\n');
      expect(await Promise.all(outputs)).toEqual(['one\ntwo\n', 'one\ntwo\n']);
      expect((await container.wait()).exitCode).toBe(0);
    });

    test('input is binary', async ({ ground }) => {
      const pod = await startPod(ground);
      const container = await create(ground, pod, ['cat']);
      const session = await attach(ground, container, { stopAfterStdinEof: true });
      await container.start();
      const bytes = Buffer.from(Array.from({ length: 1024 }, (_, n) => n % 256));
      session.stdin.write(Buffer.alloc(0));
      session.stdin.end(bytes);
      expect((await buffer(session.stdout)).equals(bytes)).toBe(true);
    });

    test('a session that is not read slows nobody else', async ({ ground }) => {
      const pod = await startPod(ground);
      const container = await create(ground, pod, ['cat']);
      const stuck = await attach(ground, container);
      const quick = await attach(ground, container, { stopAfterStdinEof: true });
      await container.start();
      const sent = randomBytes(8_000_000);
      quick.stdin.end(sent);
      expect(difference(await buffer(quick.stdout), sent)).toBeUndefined();
      expect(await quick.closed()).toBeUndefined();
      expect((await container.wait()).exitCode).toBe(0);
      expect(stuck.stdout.readableLength).toBeLessThan(400_000);
      // It was not waited for, and what it reads ends with that.
      await expect(buffer(stuck.stdout)).rejects.toMatchObject({ code: behind });
      expect(await stuck.closed()).toMatchObject({ code: behind });
    });

    test('what a container no longer takes fails, and what it had written is read all the same', async ({
      ground,
    }) => {
      const pod = await startPod(ground);
      const container = await create(ground, pod, ['workload', 'print', 'stdout', '100000']);
      const session = await attach(ground, container);
      await container.start();
      await container.wait();
      const failed = new Promise((resolve) => session.stdin.write(Buffer.alloc(10_000_000), resolve));
      expect((await buffer(session.stdout)).length).toBe(100_000);
      expect(await failed).toMatchObject({ message: expect.stringContaining('input was not sent') });
      expect(await session.closed()).toBeUndefined();
    });

    test('a signal ends the way to a session, and a session', async ({ ground }) => {
      const pod = await startPod(ground);
      const container = await create(ground, pod, ['cat']);
      await container.start();
      await failure(container.attach({ transport, signal: AbortSignal.abort() }), 'ABORTED', /attach to web/);
      const controller = new AbortController();
      const session = await attach(ground, container, { signal: controller.signal, timeoutMs: 20_000 });
      const reading = expect(text(session.stdout)).rejects.toMatchObject({ code: 'ABORTED' });
      controller.abort(new Error('enough'));
      await reading;
      expect(await session.closed()).toMatchObject({ code: 'ABORTED', cause: new Error('enough') });
      expect((await container.status()).state).toBe('running');
      await container.delete({ force: true });
    });

    test(
      'leaving a session leaves nothing on either side, many times over',
      { timeout: 300_000 },
      async ({ ground }) => {
        const pod = await startPod(ground);
        const container = await create(ground, pod, ['cat']);
        await container.start();
        const round = async (): Promise<void> => {
          await using session = await container.attach({ transport });
          session.stdin.write('x');
          await new Promise((resolve) => session.stdout.once('data', resolve));
        };
        for (let n = 0; n < 50; n++) await round();
        const held = (): { server: number; client: number } => ({
          server: descriptors(pod.serverPid!).length,
          client: readdirSync('/proc/self/fd').length,
        });
        const [before, heapBefore] = [held(), usedHeap()];
        for (let n = 0; n < 300; n++) await round();
        await until('no descriptor is held', () => {
          const { server, client } = held();
          return (server <= before.server && client <= before.client) || undefined;
        });
        expect(usedHeap() - heapBefore).toBeLessThan(1_000_000);
        expect(attachSockets(ground)).toHaveLength(transport === 'socket' ? 1 : 0);
        await container.delete({ force: true });
        expect(attachSockets(ground)).toEqual([]);
      },
    );

    test('the end of the server is an error of the session, and of no stream that nobody looks at', async ({
      ground,
    }) => {
      const pod = await startPod(ground);
      const container = await create(ground, pod, ['cat']);
      await container.start();
      const { pid } = await container.status();
      ground.onEnd(() => {
        if (pid !== null && existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
      });
      const session = await attach(ground, container);
      const reading = expect(text(session.stdout)).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
      process.kill(pod.serverPid!, 'SIGKILL');
      expect(await within('the end of the session', session.closed())).toMatchObject({
        code: 'CONNECTION_CLOSED',
      });
      await reading;
      await until('the container is gone', () => !existsSync(`/proc/${pid}`) || undefined);
    });

    test.skipIf(transport === 'rpc')('a socket path may be chosen, and be long', async ({ ground }) => {
      const pod = await startPod(ground);
      const container = await create(ground, pod, ['echo', 'hello']);
      const socketPath = ground.path(`${'s'.repeat(60)}.sock`);
      const session = await attach(ground, container, { socketPath });
      expect(existsSync(socketPath)).toBe(true);
      await container.start();
      expect(await text(session.stdout)).toBe('hello\n');
      await failure(
        (await create(ground, pod, ['cat'], 'other')).attach({
          socketPath: ground.path('bundles/other/config.json'),
        }),
        'ATTACH_SOCKET_UNUSABLE',
      );
    });
  });
}

/** Where two buffers differ first; undefined when they are the same. */
function difference(found: Buffer, expected: Buffer): string | undefined {
  if (found.equals(expected)) return undefined;
  const at = expected.findIndex((byte, n) => found[n] !== byte);
  return `${found.length} bytes in place of ${expected.length}, from ${at} on`;
}

/** Pieces of a buffer. */
function* chunks(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** The sockets for attach in the server's directory. */
function attachSockets(ground: Ground): string[] {
  return readdirSync(ground.path('run')).filter((name) => name.startsWith('attach-'));
}

/** Bytes of the heap in use after a collection. */
function usedHeap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
