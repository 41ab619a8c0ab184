import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { PodherdError } from '../errors.js';
import type { Deadline } from './deadline.js';

/** Longest path that fits `sockaddr_un` with its ending zero byte (unix(7)). */
const MAX_PATH_BYTES = 107;

/** O_PATH and O_DIRECTORY of Linux: a descriptor that only names the directory, so no right to read it is needed. */
const O_PATH_DIRECTORY = 0o10000000 | 0o200000;

/**
 * Connect to a unix socket. Node cuts a longer path without a word and dials whatever the rest names, so
 * a long one goes through a descriptor of its directory.
 *
 * @throws PodherdError `CONNECTION_FAILED` with the system's error as the cause; the deadline's error
 */
export async function connectUnixSocket(path: string, deadline: Deadline): Promise<Socket> {
  deadline.check();
  if (path.includes('\0')) throw new PodherdError('INVALID_ARGUMENT', 'a socket path holds no zero bytes');
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return dial(path, path, deadline);

  const directory = await open(dirname(path), O_PATH_DIRECTORY).catch((cause: unknown) => {
    throw failed(path, cause);
  });
  try {
    const short = `/proc/self/fd/${directory.fd}/${basename(path)}`;
    if (Buffer.byteLength(short) > MAX_PATH_BYTES) {
      throw new PodherdError(
        'INVALID_ARGUMENT',
        `the file name of the socket is too long: ${basename(path)}`,
      );
    }
    return await dial(short, path, deadline);
  } finally {
    await directory.close();
  }
}

function dial(address: string, path: string, deadline: Deadline): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: address });
    const settle = (outcome: () => void): void => {
      deadline.onFire(null);
      socket.removeAllListeners();
      // An error between here and the owner's own listener must not be thrown into the process.
      socket.on('error', () => {});
      outcome();
    };
    socket.once('connect', () => settle(() => resolve(socket)));
    socket.once('error', (cause) =>
      settle(() => {
        socket.destroy();
        reject(failed(path, cause));
      }),
    );
    deadline.onFire((error) =>
      settle(() => {
        socket.destroy();
        reject(error);
      }),
    );
  });
}

function failed(path: string, cause: unknown): PodherdError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PodherdError('CONNECTION_FAILED', `no connection to a server at ${path}: ${reason}`, { cause });
}
