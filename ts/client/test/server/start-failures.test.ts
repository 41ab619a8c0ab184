import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Pod, type StartOptions } from '../../src/index.js';

// Programs that fail as a server may, before or while it starts.
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'podherd-start-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

function program(script: string): StartOptions {
  const path = join(directory, 'server');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { runtime: '/bin/true', runtimeDir: join(directory, 'run'), serverPath: path };
}

test('a server that is not there', async () => {
  const options = { runtime: '/bin/true', runtimeDir: directory, serverPath: join(directory, 'none') };
  await expect(Pod.start(options)).rejects.toMatchObject({
    code: 'SERVER_START_FAILED',
    message: expect.stringContaining('PODHERD_SERVER'),
  });
});

test.each(['client', 'detached'] as const)(
  'what a server says before it dies is the message (%s)',
  async (lifetime) => {
    const options = program(
      'echo "noise" >&2; echo "podherd: RUNTIME_UNAVAILABLE: no runc here" >&2; exit 1',
    );
    await expect(Pod.start({ ...options, lifetime })).rejects.toMatchObject({
      code: 'SERVER_START_FAILED',
      message: expect.stringContaining('no runc here'),
      cause: expect.objectContaining({ code: 'RUNTIME_UNAVAILABLE' }),
    });
  },
);

test.each(['client', 'detached'] as const)(
  'a directory that has a server is told apart (%s)',
  async (lifetime) => {
    const options = program('echo "podherd: SERVER_RUNNING: another server owns it" >&2; exit 1');
    await expect(Pod.start({ ...options, lifetime })).rejects.toMatchObject({ code: 'SERVER_RUNNING' });
  },
);

test.each([
  ['exit 3', 'exit code 3'],
  ['kill -9 $$', 'SIGKILL'],
  ['echo all is lost >&2; exit 1', 'all is lost'],
])('a server that ends without a word of its own: %s', async (script, message) => {
  await expect(Pod.start(program(script))).rejects.toMatchObject({
    code: 'SERVER_START_FAILED',
    message: expect.stringContaining(message),
  });
});

test.each(['client', 'detached'] as const)(
  'a start that hangs is given up, and its process is gone (%s)',
  async (lifetime) => {
    const options = program(`echo $$ > ${directory}/pid; exec sleep 1000`);
    const started = Pod.start({ ...options, lifetime, timeoutMs: lifetime === 'client' ? 300 : 300 });
    await expect(started).rejects.toMatchObject({ code: 'TIMEOUT' });
    const pid = readFileSync(join(directory, 'pid'), 'utf8').trim();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  },
  30_000,
);

test('a start that is aborted before it began makes nothing', async () => {
  await expect(Pod.start({ ...program('exit 0'), signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  expect(readdirSync(directory)).toEqual(['server']);
});

test('a detached server that leaves no pid file has not started', async () => {
  await expect(Pod.start({ ...program('exit 0'), lifetime: 'detached' })).rejects.toMatchObject({
    code: 'SERVER_START_FAILED',
    message: expect.stringContaining('pidfile'),
  });
});

test('a server that says it listens and does not is ended', async () => {
  const options = program(`echo $$ > ${directory}/pid; echo ready >&4; exec sleep 1000`);
  await expect(Pod.start(options)).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
  expect(existsSync(`/proc/${readFileSync(join(directory, 'pid'), 'utf8').trim()}`)).toBe(false);
});
