import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'vitest';
import { SeqpacketSocket } from '../src/index.js';
import { sockets, test } from './peer.js';

test('chunks that are written together are packets by themselves', async ({ peer }) => {
  const socket = await SeqpacketSocket.connect(await peer.does('echo'));
  const chunks = Array.from({ length: 100 }, (_, n) => Buffer.from(`chunk ${n}`));
  for (const chunk of chunks) socket.write(chunk);
  socket.write('');
  socket.end('text');
  const received: Buffer[] = [];
  for await (const packet of socket) received.push(packet as Buffer);
  expect(received).toEqual([...chunks, Buffer.from('text'), Buffer.from('end')]);
});

test('16 MiB go out and come back byte for byte, to a slow reader as well', async ({ peer }) => {
  const path = await peer.does('echo');
  const before = sockets().length;
  const socket = await SeqpacketSocket.connect(path);
  const sent = randomBytes(16 << 20);
  const chunks = Array.from({ length: sent.length / 8192 }, (_, n) =>
    sent.subarray(n * 8192, (n + 1) * 8192),
  );
  const received: Buffer[] = [];
  await Promise.all([
    pipeline(Readable.from(chunks), socket),
    (async () => {
      for await (const packet of socket) {
        received.push(packet as Buffer);
        if (received.length % 16 === 0) await turn();
      }
    })(),
  ]);
  expect(String(received.pop())).toBe('end');
  expect(Buffer.concat(received).equals(sent)).toBe(true);
  expect(socket.destroyed).toBe(true);
  await expect.poll(() => sockets().length).toBe(before);
});

test('a reader that does not read keeps no more than a few packets', async ({ peer }) => {
  const socket = await SeqpacketSocket.connect(await peer.does('source', '5000', '8192'));
  socket.once('readable', () => {});
  await expect.poll(() => socket.readableLength).toBeGreaterThan(0);
  for (let n = 0; n < 100; n++) await turn();
  expect(socket.readableLength).toBeLessThanOrEqual(32);
  let next = 0;
  for await (const packet of socket) expect((packet as Buffer).readUInt32LE()).toBe(next++);
  expect(next).toBe(5_000);
});

test('a peer that does not read is noticed, and goes on when it does', async ({ peer }) => {
  const socket = await SeqpacketSocket.connect(await peer.does('hold'));
  let written = 0;
  while (socket.write(Buffer.alloc(8192))) written++;
  expect(written).toBeLessThan(1_000);
  socket.end();
  peer.release();
  const packets: string[] = [];
  for await (const packet of socket) packets.push(String(packet));
  expect(packets).toEqual([String((written + 1) * 8192)]);
});

test('descriptors keep their turn among the packets', async ({ peer }) => {
  const socket = await SeqpacketSocket.connect(await peer.does('echo'));
  const file = join(peer.folder, 'file');
  const descriptor = openSync(file, 'w');
  socket.write('first');
  await socket.sendDescriptors(Buffer.from('second'), [descriptor, { fd: descriptor }]);
  closeSync(descriptor);
  socket.end('third');
  const packets: string[] = [];
  for await (const packet of socket) packets.push(String(packet));
  expect(packets).toEqual(['first', 'second', 'third', 'end']);
  expect(readFileSync(file, 'utf8')).toBe('secondsecond');
});

test('destroying it closes the descriptor and ends what waits', async ({ peer }) => {
  const path = await peer.does('echo');
  const before = sockets().length;
  const socket = await SeqpacketSocket.connect(path);
  socket.resume();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await closed;
  expect(sockets().length).toBe(before);
  await expect(socket.sendDescriptors(Buffer.from('x'), [0])).rejects.toMatchObject({
    code: 'ERR_STREAM_DESTROYED',
  });
});

test('a peer that has gone is an error of the stream', async ({ peer }) => {
  const socket = await SeqpacketSocket.connect(await peer.does('echo'));
  await peer.end();
  const error = await new Promise((resolve) => {
    socket.once('error', resolve);
    socket.write('x');
  });
  expect(error).toMatchObject({ code: expect.stringMatching(/EPIPE|ECONNRESET/), syscall: 'sendmsg' });
});
