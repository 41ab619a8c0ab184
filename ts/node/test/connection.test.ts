import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { expect } from 'vitest';
import { MAX_PACKET_BYTES, SeqpacketConnection } from '../src/index.js';
import { sockets, test } from './peer.js';

/** All packets until the end. */
async function receiveAll(connection: SeqpacketConnection): Promise<Buffer[]> {
  const packets: Buffer[] = [];
  for (let more; (more = await connection.receive()) !== null;) packets.push(...more);
  return packets;
}

test('packets come back whole, each by itself, up to the largest', async ({ peer }) => {
  await using connection = await SeqpacketConnection.connect(await peer.does('echo'));
  const sent = ['a', 'bc', 'd'.repeat(8192), 'e'.repeat(MAX_PACKET_BYTES)].map((text) => Buffer.from(text));
  for (const packet of sent) await connection.send(packet);
  connection.shutdown();
  expect(await receiveAll(connection)).toEqual([...sent, Buffer.from('end')]);
});

test('a packet larger than the largest is an error, after what came before it', async ({ peer }) => {
  const path = await peer.does('echo');
  await using connection = await SeqpacketConnection.connect(path);
  await connection.send(Buffer.from('before'));
  await connection.send(Buffer.alloc(MAX_PACKET_BYTES + 1));
  await connection.send(Buffer.from('after'));
  connection.shutdown();
  expect(await connection.receive()).toEqual([Buffer.from('before')]);
  await expect(connection.receive()).rejects.toMatchObject({ code: 'EMSGSIZE', syscall: 'recv' });
  expect(await receiveAll(connection)).toEqual([Buffer.from('after'), Buffer.from('end')]);
});

test('a path may be longer than an address', async ({ peer }) => {
  const path = await peer.does('echo');
  const folder = join(peer.folder, 'd'.repeat(200));
  mkdirSync(folder);
  symlinkSync(path, join(folder, 'socket'));
  await using connection = await SeqpacketConnection.connect(join(folder, 'socket'));
  await connection.send(Buffer.from('x'));
  expect(await connection.receive()).toEqual([Buffer.from('x')]);
});

test('a failure to connect has the code and the members of a system error', async ({ peer }) => {
  await expect(SeqpacketConnection.connect(peer.path)).rejects.toMatchObject({
    code: 'ENOENT',
    errno: -2,
    syscall: 'connect',
    path: peer.path,
    message: `connect ENOENT: no such file or directory: ${peer.path}`,
  });
  const path = await peer.does('echo');
  await peer.end();
  await expect(SeqpacketConnection.connect(path)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(SeqpacketConnection.connect('a\0b')).rejects.toMatchObject({ code: 'EINVAL' });
  await expect(SeqpacketConnection.connect('n'.repeat(120))).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
});

test('a listener whose queue is full is tried until the time is over', async ({ peer }) => {
  const path = await peer.does('never');
  await using first = await SeqpacketConnection.connect(path);
  const before = sockets().length;
  await expect(SeqpacketConnection.connect(path, { timeoutMs: 50 })).rejects.toMatchObject({
    code: 'EAGAIN',
  });
  const aborting = SeqpacketConnection.connect(path, { signal: AbortSignal.timeout(50) });
  await expect(aborting).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(sockets().length).toBe(before);
  expect(first).toBeDefined();
});

test('a receive that waits ends when the connection is closed, and the descriptor with it', async ({
  peer,
}) => {
  const path = await peer.does('echo');
  const before = sockets().length;
  const connection = await SeqpacketConnection.connect(path);
  expect(sockets().length).toBe(before + 1);
  const waiting = connection.receive();
  await connection.close();
  expect(await waiting).toBeNull();
  expect(sockets().length).toBe(before);
  expect(await connection.receive()).toBeNull();
  await expect(connection.send(Buffer.from('x'))).rejects.toMatchObject({ code: 'EBADF' });
  await connection.close();
});

test('a send that waits for a slow peer ends when the connection is closed', async ({ peer }) => {
  const connection = await SeqpacketConnection.connect(await peer.does('hold'));
  let sent = 0;
  const sending = (async () => {
    for (; ; sent++) await connection.send(Buffer.alloc(8192));
  })();
  sending.catch(() => {});
  // It has stopped when a while brings no more.
  for (let seen = -1; seen !== sent;) {
    seen = sent;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThan(1_000);
  await connection.close();
  await expect(sending).rejects.toMatchObject({ code: 'EBADF' });
});

test('what a peer sent before it closed is received, and then that it read not everything', async ({
  peer,
}) => {
  await using connection = await SeqpacketConnection.connect(await peer.does('reset'));
  await connection.send(Buffer.from('unread'));
  const packets: string[] = [];
  const receiving = (async () => {
    for (let more; (more = await connection.receive()) !== null;) packets.push(...more.map(String));
  })();
  await expect(receiving).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(packets).toEqual(['one', 'two']);
  await expect(connection.send(Buffer.from('x'))).rejects.toMatchObject({ code: 'EPIPE' });
});

test('descriptors arrive, as copies', async ({ peer }) => {
  await using connection = await SeqpacketConnection.connect(await peer.does('echo'));
  const files = ['a', 'b', 'c'].map((name) => join(peer.folder, name));
  const descriptors = files.map((file) => openSync(file, 'w'));
  await connection.send(Buffer.from('through'), descriptors);
  for (const descriptor of descriptors) closeSync(descriptor);
  expect(await connection.receive()).toEqual([Buffer.from('through')]);
  expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(['through', 'through', 'through']);
  await expect(connection.send(Buffer.from('x'), [-1])).rejects.toMatchObject({ code: 'EBADF' });
  await expect(connection.send(Buffer.from('x'), [100_000])).rejects.toMatchObject({ code: 'EBADF' });
  await expect(connection.send(Buffer.from('x'), Array(254).fill(0))).rejects.toMatchObject({
    code: 'EINVAL',
  });
  await expect(connection.send(Buffer.alloc(0))).rejects.toMatchObject({ code: 'EINVAL' });
});

test('a connection that nobody holds is closed when it is collected', async ({ peer }) => {
  const path = await peer.does('echo');
  const before = sockets().length;
  const abandon = async (): Promise<void> => {
    for (let n = 0; n < 10; n++) await (await SeqpacketConnection.connect(path)).send(Buffer.from('x'));
  };
  await abandon();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await expect
    .poll(() => {
      collect();
      return sockets().length;
    })
    .toBe(before);
});

test('a hundred connections that wait take no thread of their own', async ({ peer }) => {
  const path = await peer.does('echo');
  const threads = (): number => readdirSync('/proc/self/task').length;
  const first = await SeqpacketConnection.connect(path);
  const before = threads();
  const connections = await Promise.all(Array.from({ length: 100 }, () => SeqpacketConnection.connect(path)));
  const received = connections.map((connection) => connection.receive());
  for (const [n, connection] of connections.entries()) await connection.send(Buffer.from(`${n}`));
  expect(await Promise.all(received)).toEqual(connections.map((_, n) => [Buffer.from(`${n}`)]));
  expect(threads()).toBe(before);
  await Promise.all([first, ...connections].map((connection) => connection.close()));
});

test('a worker that is ended while it waits disturbs nobody', async ({ peer }) => {
  const path = await peer.does('echo');
  await using own = await SeqpacketConnection.connect(path);
  const held = sockets().length;
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { PacketHandle } = require(workerData.addon);
    const handle = new PacketHandle();
    if (handle.connect(workerData.path) !== 0) throw new Error('not connected');
    handle.readable().then(() => parentPort.postMessage('readable'));
    parentPort.postMessage('waits');
  `;
  const workerData = { path, addon: join(import.meta.dirname, '../podherd.node') };
  for (let n = 0; n < 10; n++) {
    const worker = new Worker(code, { eval: true, workerData });
    expect(await once(worker, 'message')).toEqual(['waits']);
    await worker.terminate();
    await own.send(Buffer.from(`${n}`));
    expect(await own.receive()).toEqual([Buffer.from(`${n}`)]);
  }
  await expect.poll(() => sockets().length).toBe(held);
});
