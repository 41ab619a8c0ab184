import { expect } from 'vitest';

import type { Event } from '../../ts/client/src/generated/podherd.js';
import { answered } from '../support/connection.js';
import { EventLog } from '../support/events.js';
import { failure } from '../support/failure.js';
import { forEachRuntime } from '../support/suite.js';

const MiB = 1 << 20;
const tooMuch = ['workload', 'allocate', String(256 * MiB)];

/** The event of this kind among a container's. */
function find<W extends Event['which']>(log: EventLog, id: string, which: W): Extract<Event, { which: W }> {
  const found = log.of(id).find((event) => event.which === which);
  return answered(found) as Extract<Event, { which: W }>;
}

forEachRuntime('the events of a life', (test) => {
  test('that is good', async ({ ground }) => {
    const { connection } = await ground.server();
    const log = await EventLog.watch(connection);
    const labels = [{ key: 'app', value: 'web' }];
    const container = await ground.create({ args: ['workload', 'exit', '7'], settings: { labels } });
    const { id } = container;
    await connection.podherd.start({ id });
    await log.told(id, 'exited');
    const status = await connection.status(id);
    await container.forget();
    await log.told(id, 'deleted');

    expect(log.words(id)).toEqual(['created', 'started', 'exited', 'deleted']);
    expect(find(log, id, 'created').created).toEqual({ pid: container.pid, labels });
    expect(find(log, id, 'exited').exited).toEqual(status.exit);
    expect(log.events.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n, 4n]);
    const times = log.events.map(
      ({ at }) => answered(at).seconds * 1_000_000_000n + BigInt(answered(at).nanoseconds),
    );
    expect([...times].sort()).toEqual(times);
    expect(log.early).toBe(false);
  });

  test('whose start is the runtime’s own', async ({ ground }) => {
    // As CRI-O does it: nobody tells the server of the start.
    const { connection } = await ground.server();
    const log = await EventLog.watch(connection);
    const short = await ground.run({ args: ['workload', 'exit', '0'] });
    await log.told(short.id, 'exited');
    expect(log.words(short.id)).toEqual(['created', 'started', 'exited']);

    const long = await ground.runHealthy();
    await connection.status(long.id);
    await log.told(long.id, 'started');
    await connection.status(long.id);
    await long.kill();
    await log.told(long.id, 'exited');
    expect(log.words(long.id)).toEqual(['created', 'started', 'exited']);
  });

  test('that never began', async ({ ground }) => {
    const { connection } = await ground.server();
    const log = await EventLog.watch(connection);
    const container = await ground.create({ args: ['true'] });
    await connection.podherd.delete({ id: container.id, force: true });
    await log.told(container.id, 'deleted');
    expect(log.words(container.id)).toEqual(['created', 'exited', 'deleted']);
    expect(find(log, container.id, 'exited').exited).toMatchObject({ signal: 9 });
  });

  test('of which nothing came', async ({ ground }) => {
    const { connection } = await ground.server();
    const log = await EventLog.watch(connection);
    await failure(ground.create({ id: 'bad', args: ['no-such-command'] }), 'COMMAND_NOT_FOUND');
    const good = await ground.run({ id: 'good', args: ['true'] });
    await log.told(good.id, 'exited');
    expect(log.words('bad')).toEqual([]);
    expect(log.events.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n]);
  });

  test('that is killed for memory', async ({ ground }) => {
    const { connection } = await ground.server();
    const log = await EventLog.watch(connection);
    const { id } = await ground.run({ args: tooMuch, memory: 16 * MiB });
    await log.told(id, 'exited');
    // A start that is not the server's is noticed later than a kill.
    expect(log.words(id).filter((word) => word !== 'started')).toEqual(['created', 'oomKilled', 'exited']);
    expect(log.words(id)).toContain('started');
    expect(find(log, id, 'exited').exited).toMatchObject({ signal: 9, oomKilled: true });
  });

  test('in which a child is killed for memory, when it happens', async ({ ground }) => {
    const { connection } = await ground.server();
    const log = await EventLog.watch(connection);
    const { id } = await ground.run({
      args: ['sh', '-c', `${tooMuch.join(' ')}; exec workload pause`],
      memory: 16 * MiB,
    });
    await log.told(id, 'oomKilled');
    await connection.podherd.kill({ id, signal: 9 });
    await log.told(id, 'exited');
    expect(log.words(id).filter((word) => word !== 'started')).toEqual(['created', 'oomKilled', 'exited']);
    expect(find(log, id, 'exited').exited).toMatchObject({ oomKilled: true });
  });

  test('with execs', async ({ ground }) => {
    const { connection } = await ground.server();
    const container = await ground.runHealthy();
    await connection.status(container.id);
    const log = await EventLog.watch(connection);
    await container.exec(['sh', '-c', 'exit 3']);
    await container.exec(['no-such-command']);
    expect((await container.exec(['workload', 'pause'], { timeoutSec: 1n })).timedOut).toBe(true);
    const last = container.exec(['workload', 'pause']);
    await log.told(container.id, 'execStarted', 3);
    await container.kill();
    await last.catch(() => undefined);
    await log.told(container.id, 'exited');

    expect(log.words()).toEqual([
      ...[
        'execStarted',
        'execExited',
        'execExited',
        'execStarted',
        'execExited',
        'execStarted',
        'execExited',
      ],
      'exited',
    ]);
    const started = log.events.flatMap((event) => (event.which === 'execStarted' ? [event.execStarted] : []));
    const ended = log.events.flatMap((event) => (event.which === 'execExited' ? [event.execExited] : []));
    const missing = answered(ended[1]);
    expect(started[0]).toMatchObject({ command: ['sh', '-c', 'exit 3'] });
    expect(answered(started[0]).pid).toBeGreaterThan(1);
    expect(missing).toMatchObject({ exit: undefined });
    expect(missing.failure).toMatch(/^COMMAND_NOT_FOUND: /);
    const ran = ended.filter(({ execId }) => execId !== missing.execId);
    expect(ran.map(({ execId }) => execId)).toEqual(started.map(({ execId }) => execId));
    expect(ran.map(({ failure: none, exit }) => ({ none, ...exit }))).toMatchObject([
      { none: '', exitCode: 3, signal: 0, knowledge: 'known' },
      { none: '', exitCode: -1, signal: 9, knowledge: 'known' },
      { none: '', exitCode: -1, signal: 9, knowledge: 'known' },
    ]);
    expect(new Set(ended.map(({ execId }) => execId)).size).toBe(4);
  });

  test('that is forgotten for newer ones', async ({ ground }) => {
    const { connection } = await ground.server({ flags: ['--ended-containers', '1'] });
    const log = await EventLog.watch(connection);
    const ids = ['a', 'b', 'c'];
    for (const id of ids) {
      await ground.run({ id, args: ['true'] });
      await log.told(id, 'exited');
    }
    await log.told('b', 'deleted');
    const told = log.events.map(({ containerId, which }) => `${containerId} ${String(which)}`);
    expect(told.filter((word) => /exited|deleted/.test(word))).toEqual([
      ...['a exited', 'b exited', 'a deleted', 'c exited', 'b deleted'],
    ]);
    const { containers } = await connection.podherd.listContainers({});
    expect(containers.map(({ id }) => id)).toEqual(['c']);
  });
});
