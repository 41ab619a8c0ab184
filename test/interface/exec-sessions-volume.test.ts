import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'vitest';

import { serveByteSink } from '../../ts/client/src/generated/podherd.js';
import { answered, Connection } from '../support/connection.js';
import { failure } from '../support/failure.js';
import { full } from '../support/paths.js';
import { ownMemory } from '../support/processes.js';
import { Proxy } from '../support/proxy.js';
import { startExec, TestSink } from '../support/sessions.js';
import { forEachRuntime } from '../support/suite.js';
import { until, within } from '../support/until.js';

const VOLUME = (full ? 256 : 64) << 20;
/** What the server may need for one session in full flow, with what the allocator keeps of it. */
const MEMORY = 8 << 20;

/** A sink that only adds up, at its own pace. */
class Sum {
  readonly hash = createHash('sha256');
  length = 0;
  /** Milliseconds for each mebibyte. */
  readonly #slow: number;
  #turn: Promise<void> = Promise.resolve();
  readonly capability = serveByteSink({
    write: ({ data }) => (this.#turn = this.#turn.then(() => this.#take(data))),
    end: () => this.#turn,
  });

  constructor(slow = 0) {
    this.#slow = slow;
  }

  async #take(data: Uint8Array): Promise<void> {
    this.hash.update(data);
    const before = this.length >> 20;
    this.length += data.length;
    if (this.#slow > 0 && this.length >> 20 > before) await sleep(this.#slow);
  }
}

/** The most memory that a process has of its own while `work` is done. */
async function mostMemory(pid: number, work: Promise<unknown>): Promise<number> {
  let most = 0;
  let done = false;
  const working = work.finally(() => (done = true));
  working.catch(() => undefined);
  while (!done) {
    most = Math.max(most, ownMemory(pid));
    await sleep(20);
  }
  await working;
  return most;
}

forEachRuntime('an exec with streams', (test) => {
  test.for([
    ['a quick reader', 0],
    ['a slow reader', 200],
  ] as const)(
    `carries ${VOLUME} random bytes in and out at once, with %s, in bounded memory`,
    { timeout: 300_000 },
    async ([, slow], { ground }) => {
      const server = await ground.server();
      const { connection } = server;
      const { id } = await ground.runHealthy();
      await startExec(connection, id, ['true']).then((exec) => exec.exitCode());
      const before = ownMemory(server.pid);
      const sum = new Sum(slow);
      const started = await connection.podherd.exec({
        request: { id, command: ['cat'], stdin: true, cgroupManager: 'cgroupfs' },
        stdout: sum.capability,
      });
      const [session, stdin] = [answered(started.session), answered(started.stdin)];
      const sent = createHash('sha256');
      const send = async (): Promise<void> => {
        const open: Promise<void>[] = [];
        for (let left = VOLUME; left > 0;) {
          const piece = randomBytes(Math.min(left, 50_000));
          left -= piece.length;
          sent.update(piece);
          open.push(stdin.write({ data: piece }));
          if (open.length >= 4) await open.shift();
        }
        await Promise.all(open);
        await stdin.end();
      };
      const end = session.wait({ timeoutMillis: 300_000 });
      const most = await mostMemory(server.pid, Promise.all([send(), end]));
      expect((await end).exit?.exitCode).toBe(0);
      expect(sum.length).toBe(VOLUME);
      expect(sum.hash.digest('hex')).toBe(sent.digest('hex'));
      expect(most - before, `from ${before} to ${most} bytes`).toBeLessThan(MEMORY);
      stdin[Symbol.dispose]();
      session[Symbol.dispose]();
    },
  );

  test('writes single bytes to one who is slow, in bounded memory and in order', async ({ ground }) => {
    const server = await ground.server();
    const { connection } = server;
    const { id } = await ground.runHealthy();
    const before = ownMemory(server.pid);
    const stdout = new TestSink().hold();
    // The shell's `echo -n` is one write each.
    const exec = await startExec(
      connection,
      id,
      ['sh', '-c', 'n=0; while [ $n -lt 20000 ]; do echo -n $((n % 10)); n=$((n + 1)); done; echo done >&2'],
      { stdout },
    );
    await exec.stderr.has('done');
    expect(ownMemory(server.pid) - before).toBeLessThan(MEMORY);
    stdout.release();
    expect(await exec.exitCode()).toBe(0);
    expect(stdout.text).toBe('0123456789'.repeat(2_000));
    exec.release();
  });

  test('takes as much at once as one message holds, and no more in memory afterwards', async ({ ground }) => {
    const server = await ground.server();
    const { connection } = server;
    const { id } = await ground.runHealthy();
    const exec = await startExec(connection, id, ['wc', '-c'], { stdin: true });
    const large = Buffer.alloc(48 << 20, 'x');
    await exec.write(large);
    await exec.input.end();
    expect(await exec.exitCode()).toBe(0);
    expect(exec.stdout.text.trim()).toBe(String(large.length));
    exec.release();
    await until('the memory is given back', () => (ownMemory(server.pid) < 16 << 20 ? true : undefined));
  });
});

forEachRuntime('a client with sessions', (test) => {
  test('that does not read its connection is closed in the end, and its execs with it', async ({
    ground,
  }) => {
    const server = await ground.server({ flags: ['--unread-timeout=1', '--unread-bytes=65536'] });
    const { id } = await ground.runHealthy();
    await startExec(server.connection, id, ['true']).then((exec) => exec.exitCode());
    const before = server.snapshot();
    const proxy = await Proxy.listen(ground.path('proxy.sock'), server.socketPath);
    ground.endsFirst(() => proxy.end());
    const client = await Connection.open(proxy.path);
    const execs = await Promise.all([1, 2, 3].map(() => startExec(client, id, ['yes'])));
    await Promise.all(execs.map((exec) => exec.stdout.has('y\n')));
    const ends = execs.map((exec) =>
      exec.end().then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    proxy.hold();
    await until('the server gives it up', () => (/OVERLOADED/.test(server.log) ? true : undefined));
    await ground.expectNothingLeft(before);
    proxy.release();
    await within('the waits', Promise.all(ends));
    await client.close();
  });

  test('that reads, and answers slowly, is not closed, and others get their answers', async ({ ground }) => {
    const server = await ground.server({ flags: ['--unread-timeout=0.5', '--unread-bytes=65536'] });
    const { connection } = server;
    const { id } = await ground.runHealthy();
    const slow = await Promise.all(
      Array.from({ length: 8 }, () => startExec(connection, id, ['yes'], { stdout: new TestSink().hold() })),
    );
    await Promise.all(slow.map((exec) => exec.stdout.has('y\n')));
    await sleep(2_000);
    expect((await connection.status(id)).state).toBe('running');
    for (const exec of slow) expect((await exec.end(0)).end).toBe('running');
    for (const exec of slow) exec.release();
  });

  test('with no more than the allowed calls in flight, whatever they go to', async ({ ground }) => {
    const server = await ground.server({ flags: ['--calls-per-connection=20'] });
    const { connection } = server;
    const { id } = await ground.runHealthy();
    const exec = await startExec(connection, id, ['workload', 'pause'], { stdin: true });
    const waits = Array.from({ length: 19 }, () => exec.session.wait({ timeoutMillis: 600_000 }));
    const all = waits.map((wait) => wait.catch(() => undefined));
    // The pipe is full after 64 KiB: these stay in flight.
    const filling = exec.write(Buffer.alloc(256 << 10)).catch(() => undefined);
    await failure(connection.podherd.reaperStatus({}), 'OVERLOADED', /--calls-per-connection/);
    await failure(exec.write('refused'), 'OVERLOADED');
    exec.release();
    await within('what was in flight', Promise.all([...all, filling]));
    await until('there is room', () => connection.reaperStatus().catch(() => undefined));
  });
});

forEachRuntime('a client that is gone at once, with much in flight,', (test) => {
  test('leaves nothing of what it had begun', async ({ ground }) => {
    const server = await ground.server();
    const { id } = await ground.runHealthy();
    await startExec(server.connection, id, ['true']).then((exec) => exec.exitCode());
    const before = server.snapshot();
    const proxy = await Proxy.listen(ground.path('proxy.sock'), server.socketPath);
    const client = await Connection.open(proxy.path);
    const execs = await Promise.all(
      Array.from({ length: 5 }, () => startExec(client, id, ['yes'], { stdin: true })),
    );
    await Promise.all(execs.map((exec) => exec.stdout.has('y\n')));
    const calls = execs.flatMap((exec) => [exec.end(), exec.write(Buffer.alloc(200_000))]);
    const starting = Array.from({ length: 5 }, () => startExec(client, id, ['yes']));
    const settled = Promise.allSettled([...calls, ...starting]);
    proxy.end();
    await settled;
    await ground.expectNothingLeft(before);
    await client.close();
  });
});
