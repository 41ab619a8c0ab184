import { mkdirSync, mkdtempSync, openSync, closeSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Deadline } from '../../src/rpc/deadline.js';
import { connectUnixSocket } from '../../src/rpc/unix-socket.js';

test('a path that is too long for a socket address is reached all the same', async () => {
  const base = mkdtempSync(join(tmpdir(), 'podherd-long-'));
  const directory = join(base, 'd'.repeat(120));
  mkdirSync(directory);
  const fd = openSync(directory, 'r');
  const server = createServer((socket) => socket.end('here'));
  const deadline = new Deadline('dialling', { timeoutMs: 5_000 });
  try {
    await new Promise<void>((resolve) => server.listen(`/proc/self/fd/${fd}/s.sock`, resolve));
    const socket = await connectUnixSocket(join(directory, 's.sock'), deadline);
    const answer = await new Promise((resolve) => socket.once('data', (data) => resolve(data.toString())));
    expect(answer).toBe('here');
    socket.destroy();
  } finally {
    deadline.stop();
    server.close();
    closeSync(fd);
    rmSync(base, { recursive: true });
  }
});

test('a long path whose end is missing is an error, and so is a file name that is too long', async () => {
  const deadline = new Deadline('dialling', {});
  const directory = join(tmpdir(), 'd'.repeat(120));
  await expect(connectUnixSocket(join(directory, 's.sock'), deadline)).rejects.toMatchObject({
    code: 'CONNECTION_FAILED',
  });
  await expect(connectUnixSocket(join(tmpdir(), 's'.repeat(120)), deadline)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  await expect(connectUnixSocket('/tmp/a\0b', deadline)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  deadline.stop();
});
