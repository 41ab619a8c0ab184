import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { answered } from '../support/connection.js';
import { failure } from '../support/failure.js';
import { FdClient, request } from '../support/fd-client.js';
import type { Ground } from '../support/ground.js';
import { descriptors } from '../support/processes.js';
import { output } from '../support/run.js';
import type { TestServer } from '../support/server.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { until } from '../support/until.js';

/** A client of the server's fd socket that is served. */
async function fdClient(ground: Ground, server?: TestServer): Promise<FdClient> {
  const client = await newcomer(ground, server);
  await client.send(0);
  return client;
}

/** A client of the server's fd socket, which is made for the first one. */
async function newcomer(ground: Ground, of?: TestServer): Promise<FdClient> {
  const server = of ?? (await ground.server());
  const { path } = await server.adds(async () =>
    answered((await server.connection.conmon.startFdSocket({ request: {} })).response),
  );
  const client = await FdClient.connect(path);
  ground.endsFirst(() => client.end());
  return client;
}

/** Waits until the server holds as many descriptors as it did. */
async function settled(server: TestServer, count: number): Promise<void> {
  await until(`${count} descriptors`, () => descriptors(server.pid).length === count || undefined);
}

forEachRuntime('the fd socket', (test) => {
  test('hands descriptors to the runtime and holds others until the end', async ({ ground }) => {
    const server = await ground.server();
    const client = await fdClient(ground);
    const before = descriptors(server.pid).length;
    const passed = [await client.pipe(), await client.pipe()];
    const [first, second] = await client.send(2);
    const leaked = await client.pipe();
    const [held] = await client.send(1);
    if (first === undefined || second === undefined || held === undefined) throw new Error('no slots');
    // In the order of the request, not of the slots.
    const container = await ground.run({
      args: ['sh', '-c', 'echo three >&3; echo four >&4; exec 3>&- 4>&-; exec workload pause'],
      commandArgs: ['--preserve-fds=2'],
      additionalFds: [second, first],
      leakFds: [held],
    });
    expect(await client.rest(passed[1] ?? -1)).toBe('three\n');
    expect(await client.rest(passed[0] ?? -1)).toBe('four\n');

    // What a create has taken is no longer the connection's.
    const four = descriptors(server.pid).length;
    await client.closeAll();
    await client.disconnect();
    await settled(server, four - 1);
    expect((await container.exec(['true'])).exitCode).toBe(0);
    const end = client.rest(leaked);
    await container.kill();
    expect(await container.exit()).toBe(137);
    expect(await end).toBe('');
    await container.delete();
    await settled(server, before - 1);
  });

  test('closes what was sent and never used, with its connection and before', async ({ ground }) => {
    const server = await ground.server();
    const client = await fdClient(ground);
    const before = descriptors(server.pid).length;
    const pipes = [];
    for (let n = 0; n < 3; n++) pipes.push(await client.pipe());
    await client.send(3);
    expect(descriptors(server.pid).length).toBe(before + 3);
    await client.closeAll();
    for (const pipe of pipes) expect(await client.rest(pipe)).toBe('');

    const kept = await client.pipe();
    const [slot = 0n] = await client.send(1);
    await client.disconnect();
    expect(await client.rest(kept)).toBe('');
    const gone = ground.create({ args: ['true'], leakFds: [slot] });
    await failure(gone, 'FD_SLOT_UNKNOWN', new RegExp(`slot ${slot}`));
    await settled(server, before - 1);
    await client.reconnect();
  });

  test('takes all slots of a create or none, and each once', async ({ ground }) => {
    const server = await ground.server();
    const client = await fdClient(ground);
    const before = descriptors(server.pid).length;
    await client.file('/dev/null', 3);
    const [one = 0n, two = 0n, three = 0n] = await client.send(3);
    const unknown = ground.create({ args: ['true'], additionalFds: [one], leakFds: [two, 999_999n] });
    await failure(unknown, 'FD_SLOT_UNKNOWN', /slot 999999/);
    for (const lists of [
      { additionalFds: [one, one] },
      { leakFds: [one, one] },
      { additionalFds: [one], leakFds: [one] },
    ])
      await failure(ground.create({ args: ['true'], ...lists }), 'INVALID_ARGUMENT', /twice/);
    // An id that is in use costs no slot either.
    const id = (await ground.runHealthy()).id;
    await failure(ground.create({ id, args: ['true'], leakFds: [one] }), 'ID_IN_USE');
    expect(descriptors(server.pid).length).toBeGreaterThanOrEqual(before + 3);

    // One that fails later closes what it took.
    const missing = ground.create({ args: ['missing'], additionalFds: [one], leakFds: [two] });
    await failure(missing, 'COMMAND_NOT_FOUND');
    await failure(ground.create({ args: ['true'], leakFds: [one] }), 'FD_SLOT_UNKNOWN');
    const container = await ground.run({ args: ['workload', 'exit', '4'], additionalFds: [three] });
    expect(await container.exit()).toBe(4);
    await client.disconnect();
  });

  test('answers what it does not understand with an error, and goes on', async ({ ground }) => {
    const server = await ground.server();
    const client = await fdClient(ground);
    const before = descriptors(server.pid).length;
    const bad: [string, Buffer, number][] = [
      ['no descriptor came', request(7, 1), 0],
      ['too few came', request(7, 3), 2],
      ['too many came', request(7, 2), 3],
      ['none was announced', request(7, 0), 1],
      ['more than can be sent', request(7, 254), 253],
      ['far more', request(7, 0x7fff_ffff), 1],
      ['all ones', request(7, 0xffff_ffff), 1],
      ['one byte short', request(7, 1).subarray(0, 7), 1],
      ['one byte', Buffer.from([1]), 1],
      ['one byte long', Buffer.concat([request(7, 1), Buffer.alloc(1)]), 1],
      ['much too long', Buffer.concat([request(7, 1), Buffer.alloc(4_096)]), 1],
    ];
    for (const [what, packet, count] of bad) {
      await client.file('/dev/null', count);
      const answer = await client.ask(packet);
      expect(answer.error, what).toMatch(/^INVALID_ARGUMENT: /);
      expect(answer.requestId, what).toBe(packet.length < 8 ? (packet.length === 7 ? 7 : 0) : 7);
      expect(descriptors(server.pid).length, what).toBe(before);
    }
    // The kernel passes 253 at once, and all of them arrive.
    await client.file('/dev/null', 254);
    await expect(client.ask(request(8, 254))).rejects.toThrow(/fd-client: /);
    await client.file('/dev/null', 253);
    const slots = await client.send(253);
    expect(new Set(slots).size).toBe(253);
    // A close that brings descriptors closes them too.
    await client.file('/dev/null', 2);
    await client.closeAll();
    await settled(server, before);
    expect((await client.ask(request(9, 0))).slots).toEqual([]);
  });

  test('leaks nothing when the server has no descriptors left', async ({ ground }) => {
    const server = await ground.server();
    const client = await fdClient(ground);
    const healthy = await ground.runHealthy();
    const before = descriptors(server.pid).length;
    await output('prlimit', ['--pid', String(server.pid), `--nofile=${before + 3}:`]);
    await client.file('/dev/null', 8);
    const { error } = await client.ask(request(1, 8));
    expect(error).toMatch(/^RESOURCES_EXHAUSTED: .* [0-7] of 8/);
    expect(descriptors(server.pid).length).toBe(before);
    await output('prlimit', ['--pid', String(server.pid), '--nofile=1024:']);
    await client.file('/dev/null', 8);
    await client.send(8);
    expect((await healthy.exec(['true'])).exitCode).toBe(0);
    await client.closeAll();
    await settled(server, before);
  });

  test('closes each descriptor once', async ({ ground }) => {
    // Cases 27 and 72: what a create had passed was closed a second time, whoever had the number by then.
    const server = await ground.server();
    const client = await fdClient(ground);
    const trace = ground.path('trace');
    const strace = spawn('strace', ['-p', String(server.pid), '-e', 'trace=close', '-o', trace], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await once(strace.stderr, 'data');
    for (let n = 0; n < 5; n++) {
      await client.file('/dev/null', 6);
      const slots = await client.send(6);
      const fails = n % 2 === 1;
      const created = ground.create({
        args: fails ? ['missing'] : ['true'],
        additionalFds: slots.slice(0, 2),
        leakFds: slots.slice(2, 4),
      });
      if (fails) await failure(created, 'COMMAND_NOT_FOUND');
      else await (await created).delete();
    }
    await client.closeAll();
    await client.disconnect();
    strace.kill('SIGINT');
    await once(strace, 'exit');
    const closes = readFileSync(trace, 'utf8').split('\n');
    expect(closes.length).toBeGreaterThan(30);
    expect(closes.filter((line) => /EBADF/.test(line))).toEqual([]);
  });

  test('gives the runtime just the descriptors that it must have', async ({ ground }) => {
    // Case 36: descriptors that leak keep ports busy, or block the caller.
    await ground.server();
    const client = await fdClient(ground);
    const unused = await client.pipe();
    const [slot] = await client.send(1);
    expect(slot).toBeDefined();
    const container = await ground.runHealthy();
    await container.exec(['true']);
    await client.closeAll();
    // Neither the container nor anything else has inherited it.
    expect(await client.rest(unused)).toBe('');
  });

  test('is made once, for its owner alone, under a path of any length', async ({ ground }) => {
    const long = Array.from({ length: 4 }, () => 'a'.repeat(60)).join('/');
    const server = await ground.anotherServer(long);
    const { conmon } = server.connection;
    const path = (): Promise<string> =>
      server.adds(async () => answered((await conmon.startFdSocket({ request: {} })).response).path);
    const socket = join(server.watched.runtimeDir, 'conmon-fd.sock');
    expect(existsSync(socket)).toBe(false);
    expect(await path()).toBe(socket);
    const made = statSync(socket);
    expect(made.mode & 0o777).toBe(0o600);
    const client = await fdClient(ground, server);
    await client.file('/dev/null', 2);
    await client.send(2);
    expect(await path()).toBe(socket);
    expect(statSync(socket).ino).toBe(made.ino);
    await client.file('/dev/null', 1);
    await client.send(1);
    expect(await server.stop()).toEqual([]);
  });

  test.skipIf(!oursOnly)('has a place for a client that speaks', async ({ ground }) => {
    const server = await ground.anotherServer('server', { flags: ['--fd-connections=2'] });
    const speaking = await fdClient(ground, server);
    const kept = await speaking.pipe();
    await speaking.send(1);
    for (let n = 0; n < 5; n++) await newcomer(ground, server);
    const late = await fdClient(ground, server);
    expect(await late.send(0)).toEqual([]);
    expect(await speaking.send(0)).toEqual([]);
    await speaking.disconnect();
    expect(await speaking.rest(kept)).toBe('');
  });

  test.skipIf(!oursOnly)('has room for so many clients and descriptors', async ({ ground }) => {
    const server = await ground.anotherServer('server', { flags: ['--fd-connections=2', '--fd-slots=4'] });
    const first = await fdClient(ground, server);
    const second = await fdClient(ground, server);
    await first.file('/dev/null', 3);
    const slots = await first.send(3);
    await second.file('/dev/null', 2);
    expect((await second.ask(request(1, 2))).error).toMatch(/^OVERLOADED: /);
    await second.file('/dev/null', 1);
    await second.send(1);

    const third = await newcomer(ground, server);
    await third.file('/dev/null', 1);
    await expect(third.ask(request(1, 1))).rejects.toThrow(/closed|EPIPE|Broken pipe|reset/);
    // What a create takes makes room.
    const container = await ground.run({ args: ['workload', 'pause'], leakFds: slots, server });
    await second.file('/dev/null', 3);
    await second.send(3);
    await second.disconnect();
    await until('there is room for a client', () =>
      third
        .reconnect()
        .then(() => third.ask(request(2, 0)))
        .catch(() => undefined),
    );
    await container.delete();
  });
});
