import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PodherdError } from '../errors.js';
import { type Deadline, within } from '../rpc/deadline.js';
import { commonArguments, runtimeDirArgument, type StartOptions } from './options.js';
import { StderrTail } from './stderr-tail.js';

const PID_FILE = 'pidfile';
/** Milliseconds that a start which was given up may still take. */
const GIVE_UP_PATIENCE_MS = 10_000;

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
    if (deadline.error !== null) await giveUp(child, ended, options.runtimeDir);
    throw error;
  } finally {
    child.stderr.destroy();
  }
  return takePidFile(options.runtimeDir);
}

/**
 * End a server whose start was given up. Its background process does not care whether the foreground one
 * lives, so that one is let finish, and the server is ended by the pid that it has written.
 */
async function giveUp(
  child: ChildProcess,
  ended: Promise<{ ok: boolean }>,
  runtimeDir: string,
): Promise<void> {
  const late = sleep(GIVE_UP_PATIENCE_MS, { ok: false }, { ref: false });
  const { ok } = await Promise.race([ended, late]);
  child.kill('SIGKILL');
  await ended;
  if (!ok) return;
  const pid = await takePidFile(runtimeDir);
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  // Only the process that was started here: the pid could have been given to another since.
  if (commandLine.split('\0').includes(runtimeDirArgument(runtimeDir))) process.kill(pid, 'SIGINT');
}

async function takePidFile(runtimeDir: string): Promise<number> {
  const path = join(resolve(runtimeDir), PID_FILE);
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
