import { createHash, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PodherdError } from '../errors.js';
import type { ConmonClient } from '../generated/conmon.js';
import type { PacketConnection } from '../packets/addon.js';
import { connectPackets } from '../packets/connect.js';
import { callerOptions } from '../rpc/caller.js';
import { type CallOptions, Deadline } from '../rpc/deadline.js';
import { AttachSession } from './session.js';

/** Milliseconds until attaching fails, if nothing else is asked for. */
const ATTACH_TIMEOUT_MS = 30_000;

/** How to attach to a container. The signal ends the session too, `timeoutMs` only the way to it. */
export interface AttachOptions extends CallOptions {
  /** The end of this session's input is the end of the container's input, and then of the session. Default false. */
  stopAfterStdinEof?: boolean | undefined;
  /** Where the server shall listen for attach clients. Default: in its runtime directory. */
  socketPath?: string | undefined;
}

/** Which server a session is asked of. */
export interface AttachPlace {
  readonly client: ConmonClient;
  readonly kind: 'podherd' | 'conmon';
  /** Directory that server and client both see. */
  readonly directory: string;
}

/** Attach to a container. See `Container.attach`. */
export async function attach(
  { client, kind, directory }: AttachPlace,
  id: string,
  options: AttachOptions,
): Promise<AttachSession> {
  const { signal, timeoutMs = ATTACH_TIMEOUT_MS, stopAfterStdinEof = false } = options;
  const name = kind === 'podherd' ? sharedName(id, stopAfterStdinEof) : `attach-${randomUUID()}.sock`;
  const socketPath = resolve(options.socketPath ?? join(directory, name));
  const what = `attach to ${id}`;
  const deadline = new Deadline(what, { signal, timeoutMs });
  try {
    const listen = async (): Promise<void> => {
      const request = { id, socketPath, stopAfterStdinEof };
      await client.attachContainer({ request }, callerOptions(what, deadline.rest()));
    };
    const connection = await connected(listen, socketPath, deadline);
    if (deadline.error !== null) {
      await connection.close();
      throw deadline.error;
    }
    return new AttachSession(connection, id, signal);
  } finally {
    deadline.stop();
    // A server of conmon-rs never removes the socket's file, and takes any that is there for its own.
    if (kind === 'conmon' && options.socketPath === undefined) await rm(socketPath, { force: true });
  }
}

/**
 * The same name for all sessions of a container: our server keeps a socket as long as the container's output lasts.
 * A hash, since an id may be longer than a file name.
 */
function sharedName(id: string, stopAfterStdinEof: boolean): string {
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 32);
  // How input ends is a property of the socket, and sessions that differ in it may begin at the same time.
  return `attach-${hash}${stopAfterStdinEof ? '-eof' : ''}.sock`;
}

/** Have the server listen, and connect. */
async function connected(
  listen: () => Promise<void>,
  path: string,
  deadline: Deadline,
): Promise<PacketConnection> {
  await listen();
  try {
    return await connectPackets(path, deadline);
  } catch (error) {
    if (!(error instanceof PodherdError) || error.code !== 'CONNECTION_FAILED') throw error;
    // The container's output ended in between, and the socket with it: asked again, the server says so.
    await listen();
    return connectPackets(path, deadline);
  }
}
