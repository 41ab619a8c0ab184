import { dirname, join, resolve } from 'node:path';
import type { ContainerLink } from './container.js';
import { PodherdError } from './errors.js';
import { CompatibleLifecycle } from './fallback/compatible.js';
import type { RuntimePlace } from './fallback/runtime-calls.js';
import { PodherdClient } from './generated/podherd.js';
import { dial } from './link/dial.js';
import { Link } from './link/link.js';
import { reconnectPolicy } from './link/reconnect.js';
import { RootCaller } from './link/root-caller.js';
import type { Lifecycle } from './lifecycle/lifecycle.js';
import { NativeLifecycle } from './lifecycle/native.js';
import { type Logger, type LoggingOptions, makeLogger } from './logger.js';
import { type CallOptions, Deadline } from './rpc/deadline.js';
import { findServer } from './server/binary.js';
import { startDetached } from './server/detached-server.js';
import type { PodOptions } from './pod-options.js';
import type { StartOptions } from './server/options.js';
import { OwnedServer } from './server/owned-server.js';

/** Milliseconds for connecting to a server, until it answers. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Milliseconds for the start of a server, until it answers. */
const START_TIMEOUT_MS = 30_000;
/** The server's socket in its runtime directory. */
const SOCKET_NAME = 'conmon.sock';

/** Which server to connect to. */
export interface ConnectOptions extends PodOptions, LoggingOptions, CallOptions {
  /** The server's runtime directory. Either this or `socketPath` is needed. */
  runtimeDir?: string | undefined;
  /** The server's socket, where it isn't `conmon.sock` in `runtimeDir`. */
  socketPath?: string | undefined;
  /** The server's runtime, for a server of conmon-rs, which leaves start, kill and delete to its clients. */
  runtime?: string | undefined;
  /** The runtime's root directory, for the same. */
  runtimeRoot?: string | undefined;
}

/** A pod's way to its server. */
export interface PodLink extends ContainerLink {
  /** Disconnect. Calls in flight reject with `CONNECTION_CLOSED`. May be called again. */
  close(): Promise<void>;
}

/** What a pod is made of. Whoever gets these owns them. */
export interface PodParts {
  readonly socketPath: string;
  readonly link: PodLink;
  readonly client: PodherdClient;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
  /** The server, where it has to be ended with the pod. */
  readonly owned: OwnedServer | null;
}

/** Start a server and connect to it. On failure the server is gone. See `Pod.start`. */
export async function openStarted(options: StartOptions): Promise<PodParts> {
  const logger = await makeLogger(options);
  const binary = await findServer(options.serverPath);
  const { signal, timeoutMs = START_TIMEOUT_MS } = options;
  const deadline = new Deadline('start of the server', { signal, timeoutMs });
  let owned: OwnedServer | null = null;
  try {
    deadline.check();
    if (options.lifetime === 'detached') await startDetached(binary, options, deadline);
    else owned = await OwnedServer.start(binary, options, logger, deadline);
    return await open({
      socketPath: join(resolve(options.runtimeDir), SOCKET_NAME),
      runtime: { path: options.runtime, root: options.runtimeRoot },
      options,
      reconnects: options.lifetime === 'detached',
      logger,
      owned,
      deadline,
    });
  } catch (error) {
    await owned?.stop().catch(() => {});
    throw error;
  } finally {
    deadline.stop();
  }
}

/** Connect to a server that runs. See `Pod.connect`. */
export async function openConnected(options: ConnectOptions): Promise<PodParts> {
  const { runtimeDir, runtime, runtimeRoot, signal, timeoutMs = CONNECT_TIMEOUT_MS } = options;
  const socketPath =
    options.socketPath ?? (runtimeDir === undefined ? undefined : join(runtimeDir, SOCKET_NAME));
  if (socketPath === undefined) {
    throw new PodherdError('INVALID_ARGUMENT', 'where is the server? Give runtimeDir or socketPath');
  }
  const logger = await makeLogger(options);
  const deadline = new Deadline(`connecting to ${socketPath}`, { signal, timeoutMs });
  try {
    return await open({
      socketPath: resolve(socketPath),
      runtime: runtime === undefined ? null : { path: runtime, root: runtimeRoot },
      options,
      reconnects: true,
      logger,
      owned: null,
      deadline,
    });
  } finally {
    deadline.stop();
  }
}

interface Opening {
  socketPath: string;
  runtime: RuntimePlace | null;
  options: PodOptions & CallOptions;
  /** Whether a lost connection is made again where the options don't say. */
  reconnects: boolean;
  logger: Logger;
  owned: OwnedServer | null;
  deadline: Deadline;
}

async function open(opening: Opening): Promise<PodParts> {
  const { socketPath, runtime, options, logger, owned, deadline } = opening;
  const choice = options.interface ?? 'auto';
  const link = await Link.open(
    {
      socketPath,
      dial: (call) => dial(socketPath, choice, call),
      reconnect: reconnectPolicy(options.reconnect, opening.reconnects),
      logger,
    },
    deadline.rest(),
  );
  const client = new PodherdClient(new RootCaller(link, options.trace));
  const lifecycle =
    link.info === null
      ? new CompatibleLifecycle(client, link.closed(), dirname(socketPath), runtime)
      : new NativeLifecycle(client, link);
  logger.debug({ socketPath, interface: lifecycle.kind, server: owned?.pid }, 'connected');
  return { socketPath, link, client, lifecycle, logger, owned };
}
