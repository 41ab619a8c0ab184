import { text as streamText } from 'node:stream/consumers';
import { expect } from 'vitest';
import {
  type ContainerEvent,
  formatPosition,
  parsePosition,
  type PodEvent,
  PodherdError,
} from '../../../ts/client/src/index.js';
import { failure } from '../../support/failure.js';
import type { Behaviour, World, WorldOptions } from './world.js';

/** Declares one test in a world. */
export type Declare = (name: string, body: (world: World) => Promise<void>) => void;

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What the client promises, whatever is behind it. Each test has a world of its own. */
export function declareContract(test: Declare): void {
  declareLives(test);
  declareEnds(test);
  declareWaits(test);
  declareEvents(test);
  declareExecs(test);
  declareClosing(test);
}

async function run(world: World, id: string, behaviour: Behaviour, options?: WorldOptions) {
  const container = await world.create(id, behaviour, options);
  await container.start();
  return container;
}

function declareLives(test: Declare): void {
  test('a container goes from created to running to exited', async (world) => {
    const container = await world.create('web', 'pause', {
      labels: { app: 'web' },
      stopGraceMs: 1_500,
      stopSignal: 'SIGINT',
    });
    expect(await container.status()).toMatchObject({
      id: 'web',
      state: 'created',
      pid: expect.any(Number),
      startedAt: null,
      exit: null,
      labels: { app: 'web' },
      stopSignal: 'SIGINT',
      stopGraceMs: 1_500,
      rateLimit: null,
      terminal: false,
    });
    await container.start();
    const running = await container.status();
    expect(running).toMatchObject({ state: 'running', execs: 0 });
    expect(running.startedAt!.unixNanoseconds).toBeGreaterThanOrEqual(running.createdAt!.unixNanoseconds);
    await container.kill('SIGKILL');
    const exit = await container.wait();
    expect(exit).toMatchObject({
      known: true,
      reason: null,
      exitCode: null,
      signal: 'SIGKILL',
      oomKilled: false,
      logComplete: true,
    });
    expect(await container.status()).toMatchObject({ state: 'exited', pid: null, exit });
    await container.delete();
    await failure(container.status(), 'CONTAINER_NOT_FOUND');
  });

  test('an id is used once, and again after its delete', async (world) => {
    const first = await world.create('web', 'pause');
    await failure(world.create('web', 'pause'), 'ID_IN_USE');
    await first.delete({ force: true });
    await (await world.create('web', 'pause')).delete({ force: true });
  });

  test('bad values are refused', async (world) => {
    await failure(world.create('-web', 'pause'), 'INVALID_ID');
    await failure(world.create('we/b', 'pause'), 'INVALID_ID');
    await failure(world.create('web', 'pause', { labels: { '': 'x' } }), 'INVALID_ARGUMENT');
    await failure(world.pod.get('nobody'), 'CONTAINER_NOT_FOUND');
    const container = await world.create('web', 'pause');
    await failure(container.kill('SIGNOTHING' as 'SIGKILL'), 'INVALID_ARGUMENT');
    await failure(container.kill(65), 'INVALID_ARGUMENT');
    await failure(container.status({ timeoutMs: -1 }), 'INVALID_ARGUMENT');
    await container.delete({ force: true });
  });

  test('a command that does not exist fails the create, and leaves nothing', async (world) => {
    const { position } = await world.pod.snapshot();
    await failure(world.create('web', 'missing'), 'COMMAND_NOT_FOUND');
    expect(await world.pod.list()).toEqual([]);
    expect((await world.pod.snapshot()).position).toEqual(position);
  });

  test('start is for created containers', async (world) => {
    const container = await run(world, 'web', 'pause');
    await failure(container.start(), 'CONTAINER_NOT_CREATED');
    await container.kill('SIGKILL');
    await container.wait();
    await failure(container.start(), 'CONTAINER_NOT_CREATED');
    await failure(container.kill(), 'CONTAINER_NOT_RUNNING');
    await container.delete();
  });

  test('list filters by state and label, in the order of creation', async (world) => {
    const ids = async (options: Parameters<typeof world.pod.list>[0]) =>
      (await world.pod.list(options)).map(({ id }) => id);
    const b = await run(world, 'b', 'pause', { labels: { app: 'web', tier: 'front' } });
    const a = await world.create('a', 'pause', { labels: { app: 'web' } });
    const c = await run(world, 'c', 'exit-7', { labels: { app: 'job' } });
    await c.wait();
    expect(await ids({})).toEqual(['b', 'a', 'c']);
    expect(await ids({ states: ['running'] })).toEqual(['b']);
    expect(await ids({ states: ['created', 'exited'] })).toEqual(['a', 'c']);
    expect(await ids({ labels: { app: 'web' } })).toEqual(['b', 'a']);
    expect(await ids({ labels: { tier: true } })).toEqual(['b']);
    expect(await ids({ labels: { app: 'web', tier: 'back' } })).toEqual([]);
    expect(await ids({ labels: { app: true }, states: ['exited'] })).toEqual(['c']);
    for (const container of [a, b, c]) await container.delete({ force: true });
  });
}

function declareEnds(test: Declare): void {
  test('exit codes, signals and kills for memory are told apart', async (world) => {
    const exited = await run(world, 'exited', 'exit-7');
    expect(await exited.wait()).toMatchObject({ exitCode: 7, signal: null, oomKilled: false, known: true });
    const oom = await run(world, 'oom', 'oom');
    expect(await oom.wait()).toMatchObject({ exitCode: null, signal: 'SIGKILL', oomKilled: true });
    for (const container of [exited, oom]) await container.delete();
  });

  test('stop sends the stop signal, and kills after the time of grace', async (world) => {
    const polite = await run(world, 'polite', 'ends-on-term');
    // It may not have said yet what it does at a SIGTERM.
    await ready(world);
    expect(await polite.stop({ graceMs: 60_000 })).toMatchObject({
      state: 'exited',
      killed: false,
      exit: { exitCode: 9 },
    });
    expect(await polite.stop()).toMatchObject({ state: 'exited', killed: false });
    const stubborn = await run(world, 'stubborn', 'pause', { stopGraceMs: 50 });
    expect(await stubborn.stop()).toMatchObject({ killed: true, exit: { signal: 'SIGKILL' } });
    const created = await world.create('created', 'pause');
    expect(await created.stop({ graceMs: 60_000 })).toMatchObject({ state: 'exited', killed: false });
    for (const container of [polite, stubborn, created]) await container.delete();
  });

  test('delete refuses what lives, unless by force; who waits learns of the end', async (world) => {
    const container = await run(world, 'web', 'pause');
    await failure(container.delete(), 'CONTAINER_ALIVE');
    const wait = container.wait();
    await container.delete({ force: true });
    expect((await wait).signal).toBe('SIGKILL');
    await failure(container.delete(), 'CONTAINER_NOT_FOUND');
  });

  test('a log has what was written, and the client reads it', async (world) => {
    for (const driver of ['cri', 'json'] as const) {
      const container = await run(world, driver, 'says', {
        log: { path: world.path(`${driver}.log`), driver },
      });
      expect((await container.wait()).exitCode).toBe(3);
      const records = [];
      for await (const { stream, text, partial } of container.logs()) records.push({ stream, text, partial });
      expect(records.sort((a, b) => (a.stream < b.stream ? -1 : 1))).toEqual([
        { stream: 'stderr', text: 'err\n', partial: false },
        { stream: 'stdout', text: 'out\n', partial: false },
      ]);
      await container.delete();
    }
  });
}

function declareWaits(test: Declare): void {
  test('waits end with the state, however many wait', async (world) => {
    const container = await world.create('web', 'pause');
    const running = container.wait({ until: 'running' });
    const ends = Array.from({ length: 100 }, () => container.wait());
    expect(await container.wait({ until: 'created' })).toMatchObject({ state: 'created' });
    await container.start();
    expect(await running).toMatchObject({ state: 'running' });
    await container.kill('SIGKILL');
    expect(new Set((await Promise.all(ends)).map(({ signal }) => signal))).toEqual(new Set(['SIGKILL']));
    expect(await container.wait({ until: 'running' })).toMatchObject({ state: 'exited' });
    await container.delete();
  });

  test('a wait is given up by time or by signal, and nothing happens to the container', async (world) => {
    const container = await run(world, 'web', 'pause');
    expect(await failure(container.wait({ timeoutMs: 30 }), 'TIMEOUT')).toMatchObject({ timedOut: true });
    const controller = new AbortController();
    const wait = failure(container.wait({ signal: controller.signal }), 'ABORTED');
    controller.abort(new Error('enough'));
    expect((await wait).cause).toMatchObject({ message: 'enough' });
    const early = await failure(container.status({ signal: AbortSignal.abort() }), 'ABORTED');
    expect(early.outcomeUnknown).toBe(false);
    expect(await container.status()).toMatchObject({ state: 'running' });
    await container.delete({ force: true });
  });
}

function declareEvents(test: Declare): void {
  test('events tell a whole life, numbered without holes', async (world) => {
    await using events = world.pod.events();
    await events.ready();
    const container = await run(world, 'web', 'pause', { labels: { app: 'web' } });
    await container.exec(['true']);
    await container.kill('SIGKILL');
    const exit = await container.wait();
    await container.delete();
    const seen = await take(events, 6);
    expect(seen.map(({ type }) => type)).toEqual([
      'created',
      'started',
      'execStarted',
      'execExited',
      'exited',
      'deleted',
    ]);
    expect(seen[0]).toMatchObject({ pid: expect.any(Number), labels: { app: 'web' }, containerId: 'web' });
    expect(seen[2]).toMatchObject({ command: ['true'] });
    expect(seen[3]).toMatchObject({ exit: { exitCode: 0 }, failure: null });
    expect(seen[4]).toMatchObject({ exit });
    const first = seen[0]!.sequence;
    expect(seen.map(({ sequence }) => sequence - first)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
  });

  test('execs end before their container, and a kill for memory is told before the end', async (world) => {
    await using events = world.pod.events();
    await events.ready();
    const container = await run(world, 'web', 'pause');
    const exec = container.exec(['sh', '-c', 'sleep 60']);
    for (let type = ''; type !== 'execStarted';) [{ type }] = (await take(events, 1)) as [ContainerEvent];
    await container.kill('SIGKILL');
    expect((await exec).exitCode).toBe(137);
    expect((await take(events, 2)).map(({ type }) => type)).toEqual(['execExited', 'exited']);
    const oom = await run(world, 'oom', 'oom');
    await oom.wait();
    const types = (await take(events, 4)).map(({ type }) => type);
    expect(types).toEqual(['created', 'started', 'oomKilled', 'exited']);
    for (const each of [container, oom]) await each.delete();
  });

  test('a snapshot and the events from its position miss nothing and repeat nothing', async (world) => {
    const first = await run(world, 'first', 'exit-7');
    await first.wait();
    const { containers, position } = await world.pod.snapshot();
    expect(containers).toMatchObject([{ id: 'first', state: 'exited' }]);
    expect(parsePosition(formatPosition(position))).toEqual(position);
    const second = await run(world, 'second', 'exit-7');
    await second.wait();
    await using events = world.pod.events({ from: position });
    const seen = await take(events, 3);
    expect(seen.map(({ type, containerId }) => `${containerId} ${type}`)).toEqual([
      'second created',
      'second started',
      'second exited',
    ]);
    // Another client goes on where this one was.
    const stored = events.position;
    await second.delete();
    const other = await world.connect();
    await using later = other.events({ from: stored });
    expect((await take(later, 1))[0]).toMatchObject({ type: 'deleted', containerId: 'second' });
    await using all = other.events({ from: 'oldest' });
    expect((await take(all, 1))[0]).toMatchObject({ type: 'created', containerId: 'first', sequence: 1n });
    await first.delete();
  });

  test('a position of another server begins with a gap and the oldest', async (world) => {
    const container = await run(world, 'web', 'exit-7');
    await container.wait();
    await using events = world.pod.events({ from: { instance: 'another', sequence: 50n } });
    expect((await events.next()).value).toMatchObject({ type: 'gap', reason: 'otherInstance' });
    expect((await take(events, 1))[0]).toMatchObject({ type: 'created', sequence: 1n });
    await container.delete();
  });

  test('events of one container are its own', async (world) => {
    const a = await world.create('a', 'pause');
    await using events = a.events();
    await events.ready();
    const b = await run(world, 'b', 'exit-7');
    await b.wait();
    await a.start();
    expect((await take(events, 1))[0]).toMatchObject({ type: 'started', containerId: 'a' });
    for (const each of [a, b]) await each.delete({ force: true });
  });

  test('a stream of events ends by its signal, by return, and with the pod', async (world) => {
    const controller = new AbortController();
    const aborted = world.pod.events({ signal: controller.signal });
    await aborted.ready();
    const next = failure(aborted.next(), 'ABORTED');
    controller.abort();
    await next;
    const other = await world.connect();
    const events = other.events();
    await events.ready();
    const done = events.next();
    await other.close();
    expect(await done).toEqual({ done: true, value: undefined });
  });
}

function declareExecs(test: Declare): void {
  test('exec gives exit code and output', async (world) => {
    const container = await run(world, 'web', 'pause');
    const result = await container.exec(['sh', '-c', 'echo out; echo err >&2; exit 5']);
    expect({ ...result, stdout: decode(result.stdout), stderr: decode(result.stderr) }).toEqual({
      exitCode: 5,
      stdout: 'out\n',
      stderr: 'err\n',
      timedOut: false,
      truncated: false,
    });
    await failure(container.exec(['no-such-command']), 'COMMAND_NOT_FOUND');
    expect(await container.exec(['sh', '-c', 'sleep 60'], { execTimeoutSeconds: 1 })).toMatchObject({
      timedOut: true,
    });
    expect(await container.status()).toMatchObject({ execs: 0 });
    await container.delete({ force: true });
  });

  test('an exec needs a container that lives', async (world) => {
    const container = await run(world, 'web', 'pause');
    await container.kill('SIGKILL');
    await container.wait();
    await failure(container.exec(['true']), 'CONTAINER_NOT_RUNNING');
    await failure(container.spawn(['true']), 'CONTAINER_NOT_RUNNING');
    await container.delete();
  });

  test('a spawned command has streams, and ends', async (world) => {
    const container = await run(world, 'web', 'pause');
    await using cat = await container.spawn(['cat'], { stdin: true });
    cat.stdin!.end('some words\n');
    expect(await streamText(cat.stdout)).toBe('some words\n');
    expect(await cat.wait()).toMatchObject({ exitCode: 0, signal: null });
    await using both = await container.spawn(['sh', '-c', 'echo out; echo err >&2; exit 5']);
    expect(both.stdin).toBeNull();
    expect(await Promise.all([streamText(both.stdout), streamText(both.stderr)])).toEqual(['out\n', 'err\n']);
    expect(await both.wait()).toMatchObject({ exitCode: 5 });
    await failure(both.resize(80, 24), 'EXEC_SESSION_NOT_FOUND');
    await failure(container.spawn(['no-such-command']), 'COMMAND_NOT_FOUND');
    await container.delete({ force: true });
  });

  test('a spawned command gets signals, and is killed when it is closed', async (world) => {
    await using events = world.pod.events();
    await events.ready();
    const container = await run(world, 'web', 'pause');
    const first = await container.spawn(['sh', '-c', 'sleep 60']);
    await first.kill('SIGKILL');
    expect(await first.wait()).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    const second = await container.spawn(['sh', '-c', 'sleep 60']);
    await second.close();
    const seen = await take(events, 6);
    expect(seen.at(-1)).toMatchObject({
      type: 'execExited',
      execId: second.execId,
      exit: { signal: 'SIGKILL' },
    });
    await container.delete({ force: true });
  });

  test('attach carries input and output, and ends with the container', async (world) => {
    const container = await world.create('web', 'echo', { stdin: true });
    await using session = await container.attach({ stopAfterStdinEof: true, transport: 'rpc' });
    session.stderr.resume();
    await container.start();
    session.stdin.end('some words\n');
    expect(await streamText(session.stdout)).toBe('some words\n');
    expect(await session.closed()).toBeUndefined();
    expect((await container.wait()).exitCode).toBe(0);
    await failure(container.attach({ transport: 'rpc' }), 'CONTAINER_NOT_RUNNING');
    await container.delete();
  });
}

function declareClosing(test: Declare): void {
  test('after close, calls fail and what was in flight is of unknown outcome', async (world) => {
    const container = await run(world, 'web', 'pause');
    const other = await world.connect();
    const same = await other.get('web');
    const wait = failure(same.wait(), 'CONNECTION_CLOSED');
    await other.list();
    await other.close();
    await other.close();
    expect(await wait).toBeInstanceOf(PodherdError);
    await failure(other.list(), 'CONNECTION_CLOSED');
    expect(await other.closed()).toBeUndefined();
    expect(await container.status()).toMatchObject({ state: 'running' });
    await container.delete({ force: true });
  });

  test('shutdown ends the server for all', async (world) => {
    await run(world, 'web', 'pause');
    const other = await world.connect();
    const closed = other.closed();
    await world.pod.shutdown();
    expect(await closed).toMatchObject({ disconnected: true });
    expect(await world.pod.closed()).toMatchObject({ code: 'CONNECTION_CLOSED' });
  });
}

/** So many events of containers; a gap would be one too few. */
async function take(events: AsyncIterator<PodEvent>, count: number): Promise<ContainerEvent[]> {
  const seen: ContainerEvent[] = [];
  while (seen.length < count) {
    const { value, done } = (await events.next()) as IteratorResult<PodEvent, undefined>;
    if (done === true || value.type === 'gap')
      throw new Error(`${seen.length} events, then ${JSON.stringify(done)}`);
    seen.push(value);
  }
  return seen;
}

/** The trap is set when the container has said so in its log. */
async function ready(world: World): Promise<void> {
  const container = await world.pod.get('polite');
  await expect.poll(async () => (await container.exec(['sh', '-c', 'test -e /tmp/ready'])).exitCode).toBe(0);
}
