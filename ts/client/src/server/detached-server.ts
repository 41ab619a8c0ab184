import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PodherdError } from '../errors.js';
import { type Deadline, within } from '../rpc/deadline.js';
import { commonArguments, type StartOptions } from './options.js';
import { StderrTail } from './stderr-tail.js';

const PID_FILE = 'pidfile';

/**
 * Start a server that outlives this process, as clients of conmon-rs do: the foreground process ends when
 * its child listens, and the child's pid is in a file that the client removes.
 *
 * @returns the server's pid
 * @throws PodherdError `SERVER_START_FAILED`, `SERVER_RUNNING`; the deadline's error
 */
export async function startDetached(
  binary: string,
  options: StartOptions,
  deadline: Deadline,
): Promise<number> {
  const child = spawn(binary, commonArguments(options), {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    ...(options.serverEnv === undefined ? {} : { env: { ...options.serverEnv } }),
  });
  const stderr = new StderrTail(child.stderr);
  const ended = new Promise<{ ok: boolean; how: string }>((done) => {
    child.once('exit', (code, signal) =>
      done({ ok: code === 0, how: signal === null ? `exit code ${code}` : `signal ${signal}` }),
    );
    child.once('error', (error) => done({ ok: false, how: error.message }));
  });
  try {
    const { ok, how } = await within(ended, deadline);
    if (!ok) throw await stderr.startError(how);
  } catch (error) {
    // Still in the foreground: no server of ours listens yet, and its child ends with it.
    child.kill('SIGKILL');
    await ended;
    throw error;
  } finally {
    child.stderr.destroy();
  }
  return takePidFile(join(resolve(options.runtimeDir), PID_FILE));
}

async function takePidFile(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new PodherdError('SERVER_START_FAILED', `the server left no pid file at ${path}`, { cause });
  });
  const pid = Number(text.trim());
  if (!/^\d+$/.test(text.trim()) || pid < 1) {
    throw new PodherdError(
      'SERVER_START_FAILED',
      `the server's pid file ${path} holds no pid: ${JSON.stringify(text)}`,
    );
  }
  await rm(path, { force: true });
  return pid;
}
