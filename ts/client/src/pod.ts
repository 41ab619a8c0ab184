import { dirname, join, resolve } from 'node:path';
import { Container } from './container.js';
import { createRequest, type CreateContainerOptions } from './create-options.js';
import { PodherdError } from './errors.js';
import type { RuntimePlace } from './fallback/runtime-calls.js';
import type { VersionResponse } from './generated/conmon.js';
import { PodherdClient, type ReaperStatus, type ServerInfo } from './generated/podherd.js';
import { detectLifecycle, type InterfaceChoice } from './lifecycle/detect.js';
import type { Lifecycle } from './lifecycle/lifecycle.js';
import { type Logger, type LoggingOptions, makeLogger } from './logger.js';
import { callerOptions, SessionCaller } from './rpc/caller.js';
import { type CallOptions, Deadline } from './rpc/deadline.js';
import { Session } from './rpc/session.js';
import { findServer } from './server/binary.js';
import { startDetached } from './server/detached-server.js';
import type { StartOptions } from './server/options.js';
import { OwnedServer } from './server/owned-server.js';
import type { ContainerStatus } from './status.js';

/** Milliseconds for the start of a server, until it answers. */
const START_TIMEOUT_MS = 30_000;
/** Milliseconds between the end of a dying server's connections and its own. */
const ENDING_MS = 1_000;
/** The server's socket in its runtime directory. */
const SOCKET_NAME = 'conmon.sock';

/** Which server to connect to. */
export interface ConnectOptions extends LoggingOptions, CallOptions {
  /** The server's runtime directory. Either this or `socketPath` is needed. */
  runtimeDir?: string | undefined;
  /** The server's socket, where it isn't `conmon.sock` in `runtimeDir`. */
  socketPath?: string | undefined;
  /** The server's runtime, for a server of conmon-rs, which leaves start, kill and delete to its clients. */
  runtime?: string | undefined;
  /** The runtime's root directory, for the same. */
  runtimeRoot?: string | undefined;
  /** Which interface to speak. Default `auto`: ask the server. */
  interface?: InterfaceChoice | undefined;
}

/**
 * A pod: one server and its containers. `Pod.start` makes a server and owns it, `Pod.connect` borrows one.
 * Dispose it (`await using`, or `close`) in either case.
 */
export class Pod implements AsyncDisposable {
  /** Path of the server's socket. */
  readonly socketPath: string;
  readonly #session: Session;
  readonly #client: PodherdClient;
  readonly #lifecycle: Lifecycle;
  readonly #logger: Logger;
  /** The server, where this pod has to end it. */
  readonly #owned: OwnedServer | null;
  readonly #closed: Promise<PodherdError | undefined>;
  #closing: Promise<void> | null = null;

  /**
   * Start a server. With lifetime `client`, the default, closing the pod ends the server and its containers,
   * and the server ends by itself should this process vanish. Given up: the server is ended.
   *
   * @throws PodherdError `SERVER_START_FAILED` with what the server said; `SERVER_RUNNING` when one works in
   *   that runtime directory: use `Pod.connect`
   */
  static async start(options: StartOptions): Promise<Pod> {
    const logger = await makeLogger(options);
    const binary = await findServer(options.serverPath);
    const deadline = new Deadline('start of the server', {
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? START_TIMEOUT_MS,
    });
    let owned: OwnedServer | null = null;
    try {
      if (options.lifetime === 'detached') await startDetached(binary, options, deadline);
      else owned = await OwnedServer.start(binary, options, logger, deadline);
      const socketPath = join(resolve(options.runtimeDir), SOCKET_NAME);
      const runtime = { path: options.runtime, root: options.runtimeRoot };
      const { signal } = options;
      return await Pod.#open({
        socketPath,
        runtime,
        logger,
        owned,
        choice: options.interface,
        call: { signal },
      });
    } catch (error) {
      await owned?.stop().catch(() => {});
      throw error;
    } finally {
      deadline.stop();
    }
  }

  /**
   * Connect to a server that runs. Closing the pod disconnects, and the server goes on.
   *
   * @throws PodherdError `CONNECTION_FAILED` when nobody listens there
   */
  static async connect(options: ConnectOptions): Promise<Pod> {
    const logger = await makeLogger(options);
    const { runtimeDir, runtime, runtimeRoot, signal, timeoutMs } = options;
    const socketPath =
      options.socketPath ?? (runtimeDir === undefined ? undefined : join(runtimeDir, SOCKET_NAME));
    if (socketPath === undefined) {
      throw new PodherdError('INVALID_ARGUMENT', 'where is the server? Give runtimeDir or socketPath');
    }
    return Pod.#open({
      socketPath: resolve(socketPath),
      runtime: runtime === undefined ? null : { path: runtime, root: runtimeRoot },
      logger,
      owned: null,
      choice: options.interface,
      call: { signal, timeoutMs },
    });
  }

  static async #open(parts: {
    socketPath: string;
    runtime: RuntimePlace | null;
    logger: Logger;
    owned: OwnedServer | null;
    choice: InterfaceChoice | undefined;
    call: CallOptions;
  }): Promise<Pod> {
    const { socketPath, runtime, logger, owned, choice, call } = parts;
    const session = await Session.connect(socketPath, call);
    try {
      const client = new PodherdClient(new SessionCaller(session, session.root));
      const place = { session, directory: dirname(socketPath), runtime };
      const lifecycle = await detectLifecycle(client, place, choice ?? 'auto', call);
      logger.debug({ socketPath, interface: lifecycle.kind, server: owned?.pid }, 'connected');
      return new Pod(socketPath, session, client, lifecycle, logger, owned);
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  private constructor(
    socketPath: string,
    session: Session,
    client: PodherdClient,
    lifecycle: Lifecycle,
    logger: Logger,
    owned: OwnedServer | null,
  ) {
    this.socketPath = socketPath;
    this.#session = session;
    this.#client = client;
    this.#lifecycle = lifecycle;
    this.#logger = logger;
    this.#owned = owned;
    this.#closed = session.closed().then((error) => this.#explain(error));
  }

  /** Pid of the server, where this pod owns it. */
  get serverPid(): number | undefined {
    return this.#owned?.pid;
  }

  /** Which interface the server speaks: ours, or only that of conmon-rs. */
  get interface(): 'podherd' | 'conmon' {
    return this.#lifecycle.kind;
  }

  /**
   * Create a container; it waits for `start`. Given up, or the connection lost: the server undoes what it
   * did, its processes included, and the id is free again.
   *
   * @throws PodherdError `ID_IN_USE`, `INVALID_ID`, `BUNDLE_INVALID`, `COMMAND_NOT_FOUND`, `RUNTIME_FAILED` …
   */
  async createContainer(options: CreateContainerOptions): Promise<Container> {
    await this.#lifecycle.create({ ...createRequest(options), id: options.id }, options);
    return new Container(options.id, this.#client, this.#lifecycle);
  }

  /** The container of this id. @throws PodherdError `CONTAINER_NOT_FOUND` */
  async get(id: string, options: CallOptions = {}): Promise<Container> {
    await this.#lifecycle.status(id, options);
    return new Container(id, this.#client, this.#lifecycle);
  }

  /** All containers that the server keeps, ended ones included, in the order of their creation. */
  list(options: CallOptions = {}): Promise<ContainerStatus[]> {
    return this.#lifecycle.list(options);
  }

  /** What the server's reaper has counted. */
  reaperStatus(options: CallOptions = {}): Promise<ReaperStatus> {
    return this.#lifecycle.reaperStatus(options);
  }

  /** What the server is and can do. */
  serverInfo(options: CallOptions = {}): Promise<ServerInfo> {
    return this.#lifecycle.serverInfo(options);
  }

  /** What the server was built from, and its pid. */
  async version(options: CallOptions & { verbose?: boolean | undefined } = {}): Promise<VersionResponse> {
    const { response } = await this.#client.version(
      { request: { verbose: options.verbose } },
      callerOptions("the server's version", options),
    );
    if (response === undefined)
      throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a version');
    return response;
  }

  /**
   * Resolves when the connection to the server has ended: with an error that says why, or with undefined
   * after `close`. Never rejects.
   */
  closed(): Promise<PodherdError | undefined> {
    return this.#closed;
  }

  /**
   * Disconnect; and end the server with its containers, where this pod owns it. Calls in flight reject.
   * Calling it again gives the same promise.
   *
   * @throws PodherdError `SERVER_STOP_FAILED` when the server had to be killed: containers may have been left
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#session.close();
    try {
      await this.#owned?.stop();
    } finally {
      await this.#lifecycle.dispose();
      this.#logger.debug({ socketPath: this.socketPath }, 'closed');
    }
  }

  /** Say more of a lost connection: the end of a server that is this process's child. */
  async #explain(error: PodherdError | undefined): Promise<PodherdError | undefined> {
    if (error === undefined || this.#owned === null) return error;
    const how = await this.#owned.endsWithin(ENDING_MS);
    if (how === null) return error;
    const words = this.#owned.lastWords;
    const message = `the server ended: ${how}${words === '' ? '' : `; it said: ${words}`}`;
    this.#logger.warn({ server: this.#owned.pid }, message);
    return new PodherdError('CONNECTION_CLOSED', message, { cause: error });
  }
}
