import { constants, openSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import { descriptors } from '../support/processes.js';
import { run } from '../support/run.js';
import { forEachRuntime } from '../support/suite.js';
import { within } from '../support/until.js';
import { startPod } from './pod.js';

/** A pipe: what can be given away, and all that comes out of it until nobody can write any more. */
interface Pipe {
  writer: FileHandle;
  rest: Promise<string>;
}

async function pipe(ground: Ground, name: string): Promise<Pipe> {
  const path = ground.path(name);
  const made = await run('mkfifo', [path]);
  if (made.code !== 0) throw new Error(made.stderr);
  // Not blocking: a read that waits would hold one of Node's few threads for files.
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = await open(path, 'w');
  const rest = text(new Socket({ fd: reader, readable: true, writable: false }));
  ground.onEnd(() => writer.close());
  return { writer, rest };
}

forEachRuntime('descriptors through the client', (test) => {
  test('become 3, 4 of the container, in order, and others are held until its end', async ({ ground }) => {
    const pod = await startPod(ground);
    const [three, four, held] = [await pipe(ground, 'a'), await pipe(ground, 'b'), await pipe(ground, 'c')];
    const container = await pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', {
        args: ['sh', '-c', 'echo three >&3; echo four >&4; exec 3>&- 4>&-; exec workload pause'],
      }),
      createArgs: ['--preserve-fds=2'],
      additionalFds: [three.writer, four.writer.fd],
      leakFds: [held.writer],
    });
    for (const { writer } of [three, four, held]) await writer.close();
    await container.start();
    expect(await within('the end of the first', three.rest)).toBe('three\n');
    expect(await within('the end of the second', four.rest)).toBe('four\n');
    expect((await container.status()).state).toBe('running');
    await container.kill('SIGKILL');
    expect(await within('the end of the third', held.rest)).toBe('');
    await container.delete();
  });

  test('that no create took are closed with it', async ({ ground }) => {
    const pod = await startPod(ground);
    const bundle = ground.bundle('web', { args: ['workload', 'pause'] });
    const container = await pod.createContainer({ id: 'web', bundle });
    const { writer, rest } = await pipe(ground, 'pipe');
    const options = { additionalFds: [writer], leakFds: [writer] };
    await failure(pod.createContainer({ id: 'web', bundle, ...options }), 'ID_IN_USE');
    const missing = ground.bundle('missing', { args: ['no-such-command'] });
    await failure(pod.createContainer({ id: 'missing', bundle: missing, ...options }), 'COMMAND_NOT_FOUND');
    await writer.close();
    expect(await within('the end of the pipe', rest)).toBe('');
    await container.delete({ force: true });
  });

  test('of a create that is given up are closed', async ({ ground }) => {
    const odd = ground.odd([{ subcommand: 'create', steps: ['call', { touch: 'created' }, 'hang'] }]);
    const pod = await startPod(ground, { runtime: odd.path });
    const { writer, rest } = await pipe(ground, 'pipe');
    const controller = new AbortController();
    const create = pod.createContainer({
      id: 'web',
      bundle: ground.bundle('web', { args: ['workload', 'pause'] }),
      additionalFds: [writer],
      leakFds: [writer],
      signal: controller.signal,
    });
    await odd.reached('created');
    controller.abort();
    await failure(create, 'ABORTED');
    await writer.close();
    expect(await within('the end of the pipe', rest)).toBe('');
  });

  test('leave nothing on the server, more at once than one packet holds as well', async ({ ground }) => {
    const pod = await startPod(ground);
    const { writer, rest } = await pipe(ground, 'pipe');
    const create = async (count: number): Promise<void> => {
      const container = await pod.createContainer({
        id: 'web',
        bundle: ground.bundle('web', { args: ['workload', 'pause'] }),
        leakFds: Array<FileHandle>(count).fill(writer),
      });
      await container.delete({ force: true });
    };
    await create(1);
    const before = descriptors(pod.serverPid!).length;
    await create(300);
    await expect.poll(() => descriptors(pod.serverPid!).length).toBe(before);
    await writer.close();
    expect(await within('the end of the pipe', rest)).toBe('');
  });

  test('that are not open are refused before anything is made', async ({ ground }) => {
    const pod = await startPod(ground);
    const options = { id: 'web', bundle: ground.bundle('web', { args: ['workload', 'pause'] }) };
    const refused = async (fd: number, why: RegExp): Promise<void> => {
      await failure(pod.createContainer({ ...options, additionalFds: [fd] }), 'INVALID_ARGUMENT', why);
    };
    await refused(-1, /additionalFds holds open descriptors, found -1/);
    await refused(1.5, /found 1.5/);
    await refused(999_999, /999999 are open/);
    expect(await pod.list()).toEqual([]);
  });
});
