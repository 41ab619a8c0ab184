import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';

import { ownMemory } from '../support/processes.js';
import { head, RawClient } from '../support/raw-client.js';
import { forEachRuntime, oursOnly } from '../support/suite.js';
import { until } from '../support/until.js';

forEachRuntime('a message', (test) => {
  test('costs no memory before its bytes have come', async ({ ground }) => {
    // Case 68: 40 headers that claim just under 64 MiB took 2.2 GB in conmon-rs 1.0.1.
    const server = await ground.server();
    const healthy = await ground.runHealthy();
    const clients: RawClient[] = [];
    ground.endsFirst(() => clients.forEach((client) => client.end()));
    for (let n = 0; n < 40; n++) clients.push(await RawClient.connect(server.socketPath));
    const before = ownMemory(server.pid);
    const most = (64 << 20) / 8 - 1;
    for (const client of clients) client.send(head(most));
    await server.connection.conmon.version({ request: {} });
    expect(ownMemory(server.pid) - before).toBeLessThan(16 << 20);

    const came = 256 << 10;
    for (const client of clients) client.send(Buffer.alloc(came));
    for (let n = 0; n < 5; n++) expect((await healthy.exec(['true'])).exitCode).toBe(0);
    expect(ownMemory(server.pid) - before).toBeLessThan(40 * 4 * came);
    expect(clients.filter(({ isClosed }) => isClosed)).toEqual([]);
    clients.forEach((client) => client.end());
    await until('the memory is free again', () => ownMemory(server.pid) - before < 8 << 20 || undefined);
  });

  test('larger than is allowed closes its connection, and says why', async ({ ground }) => {
    const server = await ground.server();
    const client = await RawClient.connect(server.socketPath);
    client.send(head((64 << 20) / 8));
    await client.closed();
    if (oursOnly)
      expect(server.log).toMatch(/a connection is closed: a message of 67108872 bytes.*code=BAD_MESSAGE/);
    await server.connection.conmon.version({ request: {} });
  });

  test.skipIf(!oursOnly)('may have as many bytes as --message-bytes says', async ({ ground }) => {
    const server = await ground.anotherServer('server', { flags: ['--message-bytes=4096'] });
    const send = async (bytes: number): Promise<unknown> => {
      const connection = await server.connect();
      const metadata = [{ key: 'traceparent', value: 'x'.repeat(bytes) }];
      try {
        return await connection.conmon.version({ request: { metadata } });
      } finally {
        await connection.close();
      }
    };
    await send(3_500);
    await expect(send(4_096)).rejects.toThrow();
    expect(server.log).toMatch(/too large; 4096 are allowed/);
    await server.connection.conmon.version({ request: {} });
  });

  test('that is never finished closes its connection, and silence between two does not', async ({
    ground,
  }) => {
    const flags = ['--message-timeout=0.3'];
    const server = await ground.anotherServer('server', { flags });
    const idle = await RawClient.connect(server.socketPath);
    ground.endsFirst(() => idle.end());
    const beginnings = [
      Buffer.from([0]),
      head(4).subarray(0, 7),
      head(4),
      Buffer.concat([head(4), Buffer.alloc(31)]),
    ];
    if (!oursOnly) return;
    for (const bytes of beginnings) {
      const client = await RawClient.connect(server.socketPath);
      client.send(bytes);
      await client.closed();
    }
    expect(server.log.match(/the rest of a message has not come for 0.3 s/g)).toHaveLength(beginnings.length);
    expect(idle.isClosed).toBe(false);
    await server.connection.conmon.version({ request: {} });

    // What comes slowly, but comes, is waited for.
    const slow = await RawClient.connect(server.socketPath);
    slow.send(head(20));
    for (let n = 0; n < 10; n++) {
      slow.send(Buffer.alloc(8));
      await sleep(100);
      expect(slow.isClosed).toBe(false);
    }
    slow.end();
  });

  test('that is none closes its connection alone', async ({ ground }) => {
    const server = await ground.server();
    const healthy = await ground.runHealthy();
    const words = (...numbers: number[]): Buffer => {
      const bytes = Buffer.alloc(numbers.length * 4);
      numbers.forEach((number, index) => bytes.writeUInt32LE(number >>> 0, index * 4));
      return bytes;
    };
    const garbage: [string, Buffer][] = [
      ['text', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
      ['all ones', Buffer.alloc(64, 0xff)],
      ['too many segments', words(512, 1)],
      ['a null root', words(0, 1, 0, 0)],
      ['no word at all', words(0, 0)],
      ['a pointer out of the message', words(0, 1, 0xffff_fffc, 0x0001_0001)],
      ['a far pointer into nothing', words(0, 1, 2, 77)],
      ['a far pointer to itself', words(0, 1, 2, 0)],
      ['a message of an unknown kind', words(0, 3, 0, 0x0001_0001, 0x0000_ffff, 0, 0, 0)],
      ['a list where a struct belongs', words(0, 1, 1, 0x7fff_fffe)],
      ...Array.from({ length: 40 }, (_, n): [string, Buffer] => [
        `noise ${n}`,
        // A head that fits, so that the noise is taken for a message.
        Buffer.concat([head(16), randomBytes(128)]),
      ]),
    ];
    const clients: RawClient[] = [];
    ground.endsFirst(() => clients.forEach((client) => client.end()));
    for (const [, bytes] of garbage) {
      const client = await RawClient.connect(server.socketPath);
      clients.push(client);
      client.send(bytes);
      await server.connection.conmon.version({ request: {} });
    }
    expect((await healthy.exec(['workload', 'exit', '5'])).exitCode).toBe(5);
    // Of the first three no message can be made; the rest may be answered as the protocol says.
    for (const client of clients.slice(0, 3)) await client.closed();
    clients.forEach((client) => client.end());
    if (oursOnly) expect(server.log).not.toMatch(/panick/);
  });
});
