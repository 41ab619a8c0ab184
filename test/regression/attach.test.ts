import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';

import { AttachClient, type AttachClientOptions } from '../support/attach-client.js';
import type { AttachOptions, TestContainer } from '../support/container.js';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import { full } from '../support/paths.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { inParallel, until } from '../support/until.js';

/** Has the server listen, and connects a client. */
async function attach(
  ground: Ground,
  container: TestContainer,
  options: AttachOptions & AttachClientOptions = {},
): Promise<AttachClient> {
  const socketPath = ground.path(`${container.id}.attach`);
  await container.listen(socketPath, options);
  return AttachClient.connect(socketPath, options);
}

forEachRuntime('attach', (test, runtime) => {
  test('gives every client both streams, and the done packet last', async ({ ground }) => {
    const container = await ground.create({ args: ['workload', 'alternate', '2000'] });
    const clients = [
      await attach(ground, container),
      await attach(ground, container),
      await attach(ground, container),
    ];
    await container.start();
    expect(await container.exit()).toBe(0);
    for (const client of clients) {
      const { code, stdout, stderr } = await client.end();
      expect(code).toBe(0);
      const lines = [stdout, stderr].map((bytes) =>
        bytes.toString().trimEnd().split('\n').map(Number.parseFloat),
      );
      expect(lines).toEqual([
        Array.from({ length: 1000 }, (_, n) => 2 * n),
        Array.from({ length: 1000 }, (_, n) => 2 * n + 1),
      ]);
    }
  });

  test('removes its socket when the container ends, and is refused then', async ({ ground }) => {
    // Case 44: the socket's path stayed behind.
    const server = await ground.server();
    const container = await ground.runHealthy();
    const socketPath = ground.path('attach.sock');
    await container.listen(socketPath);
    if (oursOnly) {
      // Cases 58 and 78: the mode was computed and never applied.
      expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    }
    await container.kill();
    await container.exit();
    expect(existsSync(socketPath)).toBe(false);
    await failure(container.listen(socketPath), 'CONTAINER_NOT_RUNNING', /has ended/);
    const before = server.snapshot();
    await failure(container.listen(ground.path('other.sock')), 'CONTAINER_NOT_RUNNING');
    await ground.expectNothingLeft(before);
  });

  test('listens at a path of any length, again and again', async ({ ground }) => {
    const folder = ground.path(join('d'.repeat(100), 'e'.repeat(100)));
    mkdirSync(folder, { recursive: true });
    const socketPath = join(folder, 'attach.sock');
    const container = await ground.create({ args: ['workload', 'print', 'stdout', '100'] });
    await container.listen(socketPath);
    await container.listen(socketPath);
    const client = await AttachClient.connect(socketPath);
    await container.start();
    const { code, stdout } = await client.end();
    expect([code, stdout.length]).toEqual([0, 100]);
  });

  test('makes the directory that CRI-O counts on, and removes it again', async ({ ground }) => {
    const container = await ground.runHealthy();
    const socketPath = ground.path('attach/of/it/attach');
    await container.listen(socketPath);
    const client = await AttachClient.connect(socketPath);
    await container.kill();
    expect((await client.end()).code).toBe(0);
    await container.exit();
    if (oursOnly) expect(existsSync(ground.path('attach'))).toBe(false);
  });

  test('listens anew after a client has removed the socket, and holds nothing of the old one', async ({
    ground,
  }) => {
    // The Go client removes it after its last connection.
    const server = await ground.server();
    const container = await ground.run({ args: ['cat'], stdin: true });
    const socketPath = ground.path('attach.sock');
    await container.listen(socketPath);
    const before = server.snapshot();
    for (let n = 0; n < 20; n++) {
      const client = await AttachClient.connect(socketPath);
      client.write(`${n}\n`);
      await until('it is echoed', () => (client.stdout.toString() === `${n}\n` ? true : undefined));
      await client.kill();
      rmSync(socketPath);
      await container.listen(socketPath);
    }
    await ground.expectNothingLeft(before);
  });

  test.skipIf(!oursOnly)(
    'says why a socket can not be made, and touches nothing else',
    async ({ ground }) => {
      const container = await ground.runHealthy();
      const other = await ground.runHealthy();
      await failure(container.listen('attach.sock'), 'INVALID_ARGUMENT', /not an absolute path/);
      const file = ground.path('file');
      writeFileSync(file, 'precious');
      await failure(container.listen(file), 'ATTACH_SOCKET_UNUSABLE', /not a socket/);
      expect(readFileSync(file, 'utf8')).toBe('precious');
      const taken = ground.path('taken.sock');
      await other.listen(taken);
      await failure(container.listen(taken), 'ATTACH_SOCKET_UNUSABLE', /another container/);
      await failure(
        container.listen(ground.path('exec.sock'), { execSessionId: 'nobody' }),
        'EXEC_SESSION_NOT_FOUND',
      );
      // Somebody else's live socket is left alone; a dead one's is replaced.
      const foreign = ground.path('foreign.sock');
      const listener = createServer().listen(foreign);
      await until('it listens', () => (existsSync(foreign) ? true : undefined));
      await failure(container.listen(foreign), 'ATTACH_SOCKET_UNUSABLE');
      expect(existsSync(foreign)).toBe(true);
      listener.close();
    },
  );

  test('replaces the socket that a dead server has left', async ({ ground }) => {
    const socketPath = ground.path('attach.sock');
    const first = await ground.server();
    await (await ground.runHealthy()).listen(socketPath);
    await first.kill();
    const second = await ground.anotherServer('second');
    const container = await ground.create({
      args: ['workload', 'print', 'stdout', '100'],
      server: second,
    });
    await container.listen(socketPath);
    const client = await AttachClient.connect(socketPath);
    await container.start();
    expect((await client.end()).code).toBe(0);
  });

  for (const slowMicros of [0, 300]) {
    const bytes = full || runtime.name === 'crun' ? 64 << 20 : 8 << 20;
    test(
      `carries ${bytes} random bytes in and out${slowMicros > 0 ? ', with a slow reader' : ''}`,
      { timeout: 300_000 },
      async ({ ground }) => {
        // Case 46: NUL bytes ended a packet. Case 34: both directions full at once.
        const data = randomBytes(bytes);
        const [inputFile, outputFile] = [ground.path('in'), ground.path('out')];
        writeFileSync(inputFile, data);
        const container = await ground.create({ args: ['cat'], stdin: true });
        const client = await attach(ground, container, {
          inputFile,
          outputFile,
          stopAfterStdinEof: true,
          ...(slowMicros > 0 ? { slowMicros } : {}),
        });
        await container.start();
        expect((await client.end(240_000)).code).toBe(0);
        const received = readFileSync(outputFile);
        expect(received.length).toBe(bytes);
        expect(received.equals(data)).toBe(true);
        expect(await container.exit()).toBe(0);
      },
    );
  }

  test("keeps the container's input open when a client's ends, unless it is asked to close it", async ({
    ground,
  }) => {
    const container = await ground.run({ args: ['cat'], stdin: true });
    const first = await attach(ground, container);
    first.write('one\n');
    await until('it is echoed', () => (first.stdout.toString() === 'one\n' ? true : undefined));
    first.endInput();
    const second = await attach(ground, container, { stopAfterStdinEof: true });
    second.write('two\n');
    second.endInput();
    expect(await container.exit()).toBe(0);
    const [firstEnd, secondEnd] = [await first.end(), await second.end()];
    expect([firstEnd.code, firstEnd.stdout.toString()]).toEqual([0, 'one\ntwo\n']);
    expect([secondEnd.code, secondEnd.stdout.toString()]).toEqual([0, 'two\n']);
  });

  test('delivers what a client wrote before it left at once', async ({ ground }) => {
    // Case 44: the last bytes of short sessions were lost.
    const container = await ground.run({ args: ['sh', '-c', 'sleep 0.2; exec cat'], stdin: true });
    const rounds = 50;
    await inParallel(rounds, 8, async (n) => {
      const client = await attach(ground, container, { leave: true });
      client.write(`line ${n}\n`);
      client.endInput();
      expect((await client.end()).code).toBe(0);
    });
    const closer = await attach(ground, container, { stopAfterStdinEof: true });
    const logged = () => container.logRecords().map(({ text }) => text);
    await until('all lines came out', () => (logged().length === rounds ? true : undefined));
    closer.endInput();
    expect(await container.exit()).toBe(0);
    expect(logged().sort()).toEqual(Array.from({ length: rounds }, (_, n) => `line ${n}`).sort());
  });

  test('a client that takes nothing slows nobody, and is cut off', async ({ ground }) => {
    // Case 47: it stalled the container.
    const server = await ground.server();
    const bytes = 4_000_000;
    const outputFile = ground.path('quick');
    const container = await ground.create({ args: ['workload', 'print', 'stdout', String(bytes)] });
    const stuck = await attach(ground, container);
    const quick = await attach(ground, container, { outputFile });
    process.kill(stuck.pid, 'SIGSTOP');
    await container.start();
    expect(await container.exit()).toBe(0);
    expect([(await quick.end()).code, statSync(outputFile).size]).toEqual([0, bytes]);
    if (oursOnly) expect(server.log).toMatch(/ATTACH_CLIENT_BEHIND/);
    process.kill(stuck.pid, 'SIGCONT');
    expect((await stuck.end()).code).toBe(oursOnly ? 3 : 0);
  });

  test('a client that is a little slow gets everything, and the done packet', async ({ ground }) => {
    const container = await ground.create({ args: ['workload', 'print', 'stdout', '800000'] });
    const client = await attach(ground, container, { slowMicros: 2_000 });
    await container.start();
    expect(await container.exit()).toBe(0);
    const { code, stdout } = await client.end();
    expect([code, stdout.length]).toEqual([0, 800_000]);
  });

  test("reaches the container's streams while execs run in it", async ({ ground }) => {
    // Cases 81 and 82: a lookup by the container's id found the exec.
    const container = await ground.run({ args: ['cat'], stdin: true });
    const exec = container.exec(['sh', '-c', 'echo of the exec; sleep 1']);
    const client = await attach(ground, container, { stopAfterStdinEof: true });
    client.write('of the container\n');
    client.endInput();
    expect((await client.end()).stdout.toString()).toBe('of the container\n');
    await container.exit();
    await exec.catch(() => undefined);
  });

  test('speaks with a terminal', async ({ ground }) => {
    const container = await ground.create({
      args: ['sh', '-c', 'read line; echo "got $line"'],
      terminal: true,
    });
    const client = await attach(ground, container);
    await container.start();
    client.write('hello\n');
    expect(await container.exit()).toBe(0);
    const { code, stdout } = await client.end();
    expect([code, stdout.toString()]).toEqual([0, 'hello\r\ngot hello\r\n']);
  });

  test('clients that are killed or do not read hold up no end', async ({ ground }) => {
    const server = await ground.server();
    const before = server.snapshot();
    const container = await ground.run({ args: ['cat'], stdin: true });
    const killed = await attach(ground, container);
    const stuck = await attach(ground, container);
    process.kill(stuck.pid, 'SIGSTOP');
    await killed.kill();
    await container.kill();
    expect(await container.exit()).toBe(137);
    process.kill(stuck.pid, 'SIGCONT');
    await stuck.end();
    await container.delete();
    if (oursOnly) await server.connection.podherd.delete({ id: container.id });
    await ground.expectNothingLeft(before);
  });

  test('a server that ends ends its clients', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.run({ args: ['cat'], stdin: true });
    const socketPath = ground.path(`${container.id}.attach`);
    const client = await attach(ground, container);
    const stuck = await attach(ground, container);
    process.kill(stuck.pid, 'SIGSTOP');
    expect(await server.stop()).toEqual([]);
    expect((await client.end()).code).toBe(0);
    expect(existsSync(socketPath)).toBe(false);
    process.kill(stuck.pid, 'SIGCONT');
    await stuck.end();
  });
});
