import { createHash, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PodherdError } from '../errors.js';
import type { PodherdClient, ServerInfo } from '../generated/podherd.js';
import { hasMethod, needsNewer } from '../link/versions.js';
import type { PacketConnection } from '../packets/addon.js';
import { connectPackets } from '../packets/connect.js';
import { callerOptions } from '../rpc/caller.js';
import { type CallOptions, Deadline } from '../rpc/deadline.js';
import { attachOverRpc } from './over-rpc.js';
import { PacketAttachSession } from './packet-session.js';
import type { AttachSession } from './session.js';

/** Milliseconds until attaching fails, if nothing else is asked for. */
const ATTACH_TIMEOUT_MS = 30_000;

/** How to attach to a container. The signal ends the session too, `timeoutMs` only the way to it. */
export interface AttachOptions extends CallOptions {
  /** The end of this session's input is the end of the container's input, and then of the session. Default false. */
  stopAfterStdinEof?: boolean | undefined;
  /**
   * `rpc`: over the connection to the server. `socket`: over an attach socket, for which the package `@podherd/node` is
   * needed. Default: `rpc` where the server can, unless there is a `socketPath`.
   */
  transport?: 'rpc' | 'socket' | undefined;
  /** Attach to the streams of the exec that was spawned with this `sessionId`. */
  execSessionId?: string | undefined;
  /** Where the server shall listen for attach clients. Default: in its runtime directory. */
  socketPath?: string | undefined;
}

/** Which server a session is asked of. */
export interface AttachPlace {
  readonly client: PodherdClient;
  /** Null for a server of conmon-rs. */
  readonly info: ServerInfo | null;
  /** Directory that server and client both see. */
  readonly directory: string;
}

/** Attach to a container. See `Container.attach`. */
export async function attach(place: AttachPlace, id: string, options: AttachOptions): Promise<AttachSession> {
  const can = hasMethod(place.info, 'attach');
  const { transport } = options;
  if (transport === 'rpc' && !can) throw needsNewer(place.info, "attach with the transport 'rpc'");
  if (transport === 'socket' || !can || options.socketPath !== undefined)
    return attachOverSocket(place, id, options);
  return attachOverRpc(place.client, id, options);
}

async function attachOverSocket(
  { client, info, directory }: AttachPlace,
  id: string,
  options: AttachOptions,
): Promise<AttachSession> {
  const { signal, timeoutMs = ATTACH_TIMEOUT_MS, stopAfterStdinEof = false } = options;
  const { execSessionId } = options;
  const shared = sharedName([id, ...(execSessionId === undefined ? [] : [execSessionId])], stopAfterStdinEof);
  const name = info !== null ? shared : `attach-${randomUUID()}.sock`;
  const socketPath = resolve(options.socketPath ?? join(directory, name));
  const what = `attach to ${id}`;
  const deadline = new Deadline(what, { signal, timeoutMs, trace: options.trace });
  try {
    const listen = async (): Promise<void> => {
      const request = { id, execSessionId, socketPath, stopAfterStdinEof };
      await client.attachContainer({ request }, callerOptions(what, deadline.rest()));
    };
    const connection = await connected(listen, socketPath, deadline);
    if (deadline.error !== null) {
      await connection.close();
      throw deadline.error;
    }
    return new PacketAttachSession(connection, id, signal, async (columns, rows) => {
      const request = { id, width: columns, height: rows };
      await client.setWindowSizeContainer({ request }, callerOptions(`resize of ${id}`, {}));
    });
  } finally {
    deadline.stop();
    // A server of conmon-rs never removes the socket's file, and takes any that is there for its own.
    if (info === null && options.socketPath === undefined) await rm(socketPath, { force: true });
  }
}

/**
 * The same name for all sessions of a container: our server keeps a socket as long as the container's output lasts.
 * A hash, since an id may be longer than a file name.
 */
function sharedName(of: readonly string[], stopAfterStdinEof: boolean): string {
  const hash = createHash('sha256').update(of.join('\0')).digest('hex').slice(0, 32);
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
