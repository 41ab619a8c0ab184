import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

import { answered, type Connection } from '../support/connection.js';
import { EventLog } from '../support/events.js';
import { failure } from '../support/failure.js';
import type { Ground } from '../support/ground.js';
import type { TestServer } from '../support/server.js';
import { forEachRuntime, withoutRuntime } from '../support/suite.js';
import { HANG_MS, inParallel, until, within } from '../support/until.js';

const storm = 500;

/** A connection of its own, closed before it is looked what is left. */
async function apart(ground: Ground, server: TestServer): Promise<Connection> {
  const connection = await server.connect();
  ground.endsFirst(() => void connection.close());
  return connection;
}

/** Watches that the server has open. */
async function watches(connection: Connection): Promise<number> {
  const { server } = await connection.podherd
    .stats({ ids: ['none'] })
    .catch(() => connection.podherd.stats({}));
  return answered(server).eventWatches;
}

function untilWatches(server: TestServer, count: number): Promise<true> {
  return until(`${count} watches are open`, async () =>
    (await watches(server.connection)) === count ? true : undefined,
  );
}

forEachRuntime('a watch of events', (test) => {
  test('that is cut in a storm goes on at its number: nothing missed, nothing twice', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.runHealthy();
    const starts = [await EventLog.watch(await apart(ground, server))];
    let over = false;
    const done = inParallel(storm / 2, 8, () => container.exec(['true'])).then(() => (over = true));
    while (!over) {
      const connection = await apart(ground, server);
      const before = answered(starts.at(-1));
      const log = await EventLog.watch(connection, {
        which: 'sequence',
        sequence: before.next,
        instance: before.instance,
      });
      expect(log.resumed).toBe(true);
      starts.push(log);
      const wanted = BigInt(storm) / 5n;
      await Promise.race([
        done,
        log.until('a part of the storm', () => (BigInt(log.events.length) >= wanted ? true : undefined)),
      ]);
      // In the middle, with calls on their way.
      await connection.close();
    }
    await done;
    const last = await EventLog.watch(server.connection, {
      which: 'sequence',
      sequence: answered(starts.at(-1)).next,
    });
    starts.push(last);
    const { nextSequence } = await server.connection.podherd.listContainers({});
    await last.until('the rest', () => (last.next === nextSequence ? true : undefined));

    expect(starts.length).toBeGreaterThan(3);
    const all = starts.slice(1).flatMap(({ events }) => events);
    const first = answered(starts[0]).nextSequence;
    expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_, n) => first + BigInt(n)));
    expect(starts.reduce((sum, { lost }) => sum + lost, 0n)).toBe(0n);
    const words = all.map(({ which }) => which);
    expect(words.filter((word) => word === 'execStarted')).toHaveLength(storm / 2);
    expect(words.filter((word) => word === 'execExited')).toHaveLength(storm / 2);
  });

  test('gets the last ends when the server ends, and none that hangs holds it up', async ({ ground }) => {
    const server = await ground.server();
    const ids = ['a', 'b', 'c'];
    const stuck = await EventLog.watch(
      await apart(ground, server),
      { which: 'now' },
      () => new Promise(() => {}),
    );
    const log = await EventLog.watch(await apart(ground, server));
    for (const id of ids) await ground.runHealthy({ id });
    await stuck.until('a call', () => (stuck.calls.length > 0 ? true : undefined));
    expect(await server.stopAtOnce('SIGTERM')).toEqual([]);
    for (const id of ids) expect(log.words(id).slice(-2)).toEqual(['exited', 'deleted']);
    expect(log.events.map(({ sequence }) => sequence)).toEqual(log.events.map((_, n) => BigInt(n) + 1n));
    expect(stuck.calls).toHaveLength(1);
  });
});

withoutRuntime('a watch of events', (test) => {
  test('begins where it is told to', async ({ ground }) => {
    const { connection } = await ground.server({ flags: ['--events-kept', '4'] });
    for (const id of ['a', 'b']) {
      await ground.create({ id, args: ['true'] });
      await connection.podherd.delete({ id, force: true });
    }
    const from = async (start: Parameters<typeof EventLog.watch>[1]): Promise<unknown> => {
      const log = await EventLog.watch(connection, start);
      expect(log).toMatchObject({ nextSequence: 7n, resumed: true });
      if (start?.which !== 'now')
        await log.until('the events', () => (log.events.length > 0 ? true : undefined));
      log.release();
      return { sequences: log.events.map(({ sequence }) => sequence), lost: log.lost };
    };
    expect(await from({ which: 'now' })).toEqual({ sequences: [], lost: 0n });
    expect(await from({ which: 'oldest' })).toEqual({ sequences: [3n, 4n, 5n, 6n], lost: 0n });
    expect(await from({ which: 'sequence', sequence: 5n })).toEqual({ sequences: [5n, 6n], lost: 0n });
    expect(await from({ which: 'sequence', sequence: 2n })).toEqual({
      sequences: [3n, 4n, 5n, 6n],
      lost: 1n,
    });
    await failure(
      EventLog.watch(connection, { which: 'sequence', sequence: 8n }),
      'INVALID_ARGUMENT',
      /8.*7/,
    );
  });

  test('of a server that came after begins with its first event', async ({ ground }) => {
    const server = await ground.server();
    const before = await EventLog.watch(server.connection);
    await ground.create({ id: 'a', args: ['true'] });
    await before.told('a', 'created');
    await server.connection.podherd.delete({ id: 'a', force: true });
    await server.stop();

    const { connection } = await ground.anotherServer('server');
    await ground.create({ id: 'b', args: ['true'], connection });
    const after = await EventLog.watch(connection, {
      which: 'sequence',
      sequence: 1_000n,
      instance: before.instance,
    });
    expect(after.resumed).toBe(false);
    expect(after.instance).toMatch(/^[0-9a-f]{32}$/);
    expect(after.instance).not.toBe(before.instance);
    const { info } = await connection.podherd.serverInfo({});
    expect(answered(info).instance).toBe(after.instance);
    await after.told('b', 'created');
    expect(after.events[0]).toMatchObject({ sequence: 1n, containerId: 'b' });
    expect(after.lost).toBe(0n);
  });

  test('that is slow is told how many it has missed, and holds up nobody', async ({ ground }) => {
    const server = await ground.server({ flags: ['--events-kept', '8'] });
    const container = await ground.runHealthy();
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const slow = await EventLog.watch(server.connection, { which: 'now' }, () => released);
    const quick = await EventLog.watch(await apart(ground, server));
    for (let n = 0; n < 10; n++) await container.exec(['true']);
    await quick.told(container.id, 'execExited', 10);
    expect(slow.calls).toHaveLength(1);
    const held = slow.events.length;
    release();
    await slow.until('what is kept', () => (slow.next === quick.next ? true : undefined));
    expect(slow.lost).toBe(20n - BigInt(held) - 8n);
    expect(slow.calls.map(({ lost }) => lost > 0n)).toEqual([
      false,
      true,
      ...slow.calls.slice(2).map(() => false),
    ]);
    expect(quick.lost).toBe(0n);
    expect(quick.events).toHaveLength(20);
  });

  test('ends with its release, its sink, its connection', async ({ ground }) => {
    const server = await ground.server();
    const released = await EventLog.watch(server.connection);
    const other = await apart(ground, server);
    await EventLog.watch(other);
    await EventLog.watch(other, { which: 'now' }, () => new Promise(() => {}));
    const broken = await EventLog.watch(server.connection, { which: 'now' }, () =>
      Promise.reject(new Error('it has had enough')),
    );
    const kept = await EventLog.watch(server.connection);
    expect(await watches(server.connection)).toBe(5);
    released.release();
    await untilWatches(server, 4);
    const { id } = await ground.create({ args: ['true'] });
    await kept.told(id, 'created');
    await broken.told(id, 'created');
    await untilWatches(server, 3);
    await other.close();
    await untilWatches(server, 1);
    await server.connection.podherd.delete({ id, force: true });
    await kept.told(id, 'deleted');
    expect(released.events).toEqual([]);
    expect(broken.words()).toEqual(['created']);
  });

  test('is one of a bounded number', async ({ ground }) => {
    const server = await ground.server({ flags: ['--event-watches', '2'] });
    const [first] = [await EventLog.watch(server.connection), await EventLog.watch(server.connection)];
    await failure(EventLog.watch(server.connection), 'OVERLOADED', /--event-watches/);
    first.release();
    await untilWatches(server, 1);
    await EventLog.watch(server.connection);
  });
});

withoutRuntime('the answer to a list', (test) => {
  test('has those in a state and with labels, and where their events go on', async ({ ground }) => {
    const { connection } = await ground.server();
    const { podherd } = connection;
    const label = (key: string, value: string) => ({ key, value });
    await ground.create({
      id: 'web',
      args: ['true'],
      settings: { labels: [label('app', 'web'), label('tier', '1')] },
    });
    await ground.create({ id: 'db', args: ['true'], settings: { labels: [label('app', 'db')] } });
    await ground.create({ id: 'none', args: ['true'] });
    await podherd.kill({ id: 'db', signal: 9 });
    await connection.statusAtEnd('db');
    const ids = async (request: Parameters<typeof podherd.listContainers>[0]): Promise<string[]> =>
      (await podherd.listContainers(request)).containers.map(({ id }) => id);
    expect(await ids({})).toEqual(['web', 'db', 'none']);
    expect(await ids({ states: ['created'] })).toEqual(['web', 'none']);
    expect(await ids({ states: ['exited', 'running'] })).toEqual(['db']);
    expect(await ids({ labels: [{ key: 'app', which: 'exists' }] })).toEqual(['web', 'db']);
    expect(await ids({ labels: [{ key: 'app', which: 'value', value: 'db' }] })).toEqual(['db']);
    expect(await ids({ labels: [{ key: 'app', which: 'value', value: '' }] })).toEqual([]);
    expect(
      await ids({
        labels: [
          { key: 'app', which: 'exists' },
          { key: 'tier', which: 'value', value: '1' },
        ],
      }),
    ).toEqual(['web']);
    expect(await ids({ states: ['exited'], labels: [{ key: 'tier', which: 'exists' }] })).toEqual([]);
    const { instance, nextSequence } = await podherd.listContainers({});
    expect(nextSequence).toBe(5n);
    const log = await EventLog.watch(connection, { which: 'sequence', sequence: nextSequence, instance });
    await podherd.delete({ id: 'db' });
    await log.told('db', 'deleted');
    expect(log.words()).toEqual(['deleted']);
  });

  test('and the events after it agree, whenever it is asked', async ({ ground }) => {
    const server = await ground.server();
    const { podherd } = server.connection;
    const log = await EventLog.watch(await apart(ground, server));
    let over = false;
    const lives = inParallel(20, 4, async (n) => {
      const container = await ground.run({ id: `c${n}`, args: ['true'] });
      await server.connection.statusAtEnd(container.id);
      await podherd.delete({ id: container.id });
    }).finally(() => (over = true));
    const lists = [];
    while (!over) lists.push(await podherd.listContainers({}));
    await lives;
    await log.until('the last of them', () =>
      log.words().filter((word) => word === 'deleted').length === 20 ? true : undefined,
    );
    expect(lists.length).toBeGreaterThan(20);
    for (const { containers, nextSequence } of lists) {
      // What the events before it make of the pod.
      const states = new Map<string, string>();
      for (const { containerId, which, sequence } of log.events) {
        if (sequence >= nextSequence) break;
        if (which === 'deleted') states.delete(containerId);
        else states.set(containerId, which === 'started' ? 'running' : String(which));
      }
      const listed = containers.filter(({ state }) => state !== 'creating');
      expect(Object.fromEntries(listed.map(({ id, state }) => [id, state]))).toEqual(
        Object.fromEntries(states),
      );
    }
  });
});

/** Bytes that are the server's own. */
function anonymous(text: string): number {
  return Number(/RssAnon:\s+(\d+)/.exec(text)?.[1]) << 10;
}

withoutRuntime('a thousand', (test) => {
  const many = 1_000;

  test('watchers get every event and cost little', async ({ ground }) => {
    const server = await ground.server();
    const connections = await Promise.all(Array.from({ length: 4 }, () => apart(ground, server)));
    const status = (): number => anonymous(readFileSync(`/proc/${server.pid}/status`, 'utf8'));
    const before = status();
    const logs = await inParallel(many, 50, (n) =>
      EventLog.watch(answered(connections[n % connections.length])),
    );
    const each = (status() - before) / many;
    console.log(`a watcher costs ${Math.round(each)} bytes`);
    expect(each).toBeLessThan(8 << 10);
    const container = await ground.run({ args: ['true'] });
    await Promise.all(logs.map((log) => log.told(container.id, 'exited')));
    for (const log of logs) expect(log.words()).toEqual(['created', 'started', 'exited']);
    for (const connection of connections) await connection.close();
    await untilWatches(server, 0);
  });

  test('waiters are all answered and cost little', async ({ ground }) => {
    const server = await ground.server();
    const container = await ground.runHealthy();
    const connection = await apart(ground, server);
    const status = (): number => anonymous(readFileSync(`/proc/${server.pid}/status`, 'utf8'));
    const before = status();
    const waits = Array.from({ length: many }, () =>
      connection.podherd.waitContainer({ id: container.id, until: 'exited', timeoutMillis: HANG_MS }),
    );
    // Answered after all of them were read.
    await connection.status(container.id);
    const each = (status() - before) / many;
    console.log(`a waiter costs ${Math.round(each)} bytes`);
    expect(each).toBeLessThan(8 << 10);
    await container.kill();
    const answers = await within('the waits', Promise.all(waits));
    expect(answers.every(({ reached, status: at }) => reached && at?.state === 'exited')).toBe(true);
    await connection.close();
  });
});
