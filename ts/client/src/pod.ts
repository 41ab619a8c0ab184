import { dirname, resolve } from 'node:path';
import { Container } from './container.js';
import { createRequest, type CreateContainerOptions } from './create-options.js';
import { passing } from './descriptors/passing.js';
import { PodherdError } from './errors.js';
import { EventStream, type EventsOptions } from './events/stream.js';
import type { Finding } from './findings.js';
import type { VersionResponse } from './generated/conmon.js';
import type { ReaperStatus, ServerInfo } from './generated/podherd.js';
import type { ListOptions, Snapshot } from './list-options.js';
import { type ConnectOptions, openConnected, openStarted, type PodParts } from './opening.js';
import { callerOptions } from './rpc/caller.js';
import type { CallOptions } from './rpc/deadline.js';
import { servePortForward } from './serve.js';
import type { StartOptions } from './server/options.js';
import type { PodStats, StatsOptions } from './stats/server-stats.js';
import type { ContainerStatus } from './status.js';

/** Milliseconds between the end of a dying server's connections and its own. */
const ENDING_MS = 1_000;

/**
 * A pod: one server and its containers. `Pod.start` makes a server and owns it, `Pod.connect` borrows one.
 * Dispose it (`await using`, or `close`) in either case.
 */
export class Pod implements AsyncDisposable {
  readonly #parts: PodParts;
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
    return new Pod(await openStarted(options));
  }

  /**
   * Connect to a server that runs. Closing the pod disconnects, and the server goes on.
   *
   * @throws PodherdError `CONNECTION_FAILED` when nobody listens there
   */
  static async connect(options: ConnectOptions): Promise<Pod> {
    return new Pod(await openConnected(options));
  }

  /** @internal Use `Pod.start` or `Pod.connect`. */
  protected constructor(parts: PodParts) {
    this.#parts = parts;
    this.#closed = parts.link.closed().then((error) => this.#explain(error));
  }

  /** Path of the server's socket. */
  get socketPath(): string {
    return this.#parts.socketPath;
  }

  /** Pid of the server, where this pod owns it. */
  get serverPid(): number | undefined {
    return this.#parts.owned?.pid;
  }

  /** Which interface the server speaks: ours, or only that of conmon-rs. */
  get interface(): 'podherd' | 'conmon' {
    return this.#parts.lifecycle.kind;
  }

  /**
   * Create a container; it waits for `start`. Given up, or the connection lost: the server undoes what it
   * did, its processes included, and the id is free again. Descriptors that no create took are closed.
   *
   * @throws PodherdError `ID_IN_USE`, `INVALID_ID`, `BUNDLE_INVALID`, `COMMAND_NOT_FOUND`, `RUNTIME_FAILED` …
   */
  async createContainer(options: CreateContainerOptions): Promise<Container> {
    const { client, lifecycle, logger } = this.#parts;
    const request = createRequest(options);
    const { findings } = await passing(client, options, (slots, rest) =>
      lifecycle.create({ ...request, container: { ...request.container, ...slots } }, rest),
    );
    if (findings.length > 0) {
      logger.warn({ container: options.id, findings }, 'the preflight of a bundle found something');
      options.onFindings?.(findings);
    }
    return this.#container(options.id);
  }

  /** The container of this id. @throws PodherdError `CONTAINER_NOT_FOUND` */
  async get(id: string, options: CallOptions = {}): Promise<Container> {
    await this.#parts.lifecycle.status(id, options);
    return this.#container(id);
  }

  /** The containers that the server keeps, ended ones included, in the order of their creation. */
  list(options: ListOptions = {}): Promise<ContainerStatus[]> {
    return this.#parts.lifecycle.list(options, options);
  }

  /**
   * The same, with the position from which on `events` tells what happens after this answer was made: nothing is
   * missed in between.
   *
   * @throws PodherdError `UNIMPLEMENTED` where the server has no events
   */
  snapshot(options: ListOptions = {}): Promise<Snapshot> {
    return this.#parts.lifecycle.snapshot(options, options);
  }

  /**
   * Watch what happens to all containers, from now on or from a position that was stored. The watch begins at once;
   * `await stream.ready()` to know that it has.
   */
  events(options: EventsOptions = {}): EventStream {
    const { client, link, lifecycle } = this.#parts;
    return new EventStream(lifecycle.kind === 'podherd' ? client : null, link, options);
  }

  /** What the containers that live use, from their cgroups, and what the server does. */
  stats(options: StatsOptions = {}): Promise<PodStats> {
    return this.#parts.lifecycle.stats(options.ids ?? [], options);
  }

  /**
   * What is wrong with a bundle, as far as it can be known without the runtime.
   *
   * @param bundle its directory; a relative path is seen from this process's working directory
   */
  validateBundle(
    bundle: string,
    options: CallOptions & { /** As create would be asked. */ terminal?: boolean | undefined } = {},
  ): Promise<Finding[]> {
    return this.#parts.lifecycle.validateBundle(resolve(bundle), options.terminal ?? false, options);
  }

  /**
   * A URL that forwards ports into a network namespace, as the kubelet gives it to kubectl. It is good for one use,
   * and for a minute, unless the server was started otherwise.
   *
   * @param netNsPath path of the namespace, such as `/proc/PID/ns/net`
   */
  servePortForward(netNsPath: string, options: CallOptions = {}): Promise<string> {
    return servePortForward(this.#parts.client, netNsPath, options);
  }

  /** What the server's reaper has counted. */
  reaperStatus(options: CallOptions = {}): Promise<ReaperStatus> {
    return this.#parts.lifecycle.reaperStatus(options);
  }

  /** What the server is and can do. */
  serverInfo(options: CallOptions = {}): Promise<ServerInfo> {
    return this.#parts.lifecycle.serverInfo(options);
  }

  /** What the server was built from, and its pid. */
  async version(options: CallOptions & { verbose?: boolean | undefined } = {}): Promise<VersionResponse> {
    const { response } = await this.#parts.client.version(
      { request: { verbose: options.verbose } },
      callerOptions("the server's version", options),
    );
    if (response === undefined)
      throw new PodherdError('PROTOCOL_ERROR', 'the server answered without a version');
    return response;
  }

  /**
   * End the server and all of its containers, whoever started it. Resolves when it has begun to; it is done when the
   * connection ends (`closed`).
   */
  shutdown(options: CallOptions = {}): Promise<void> {
    return this.#parts.lifecycle.shutdown(options);
  }

  /**
   * Resolves when there is no connection to the server any more: with an error that says why, or with undefined
   * after `close`. A connection that is made again (`reconnect`) has not ended. Never rejects.
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

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #container(id: string): Container {
    const { client, link, lifecycle, socketPath } = this.#parts;
    return new Container(id, { client, link, lifecycle, directory: dirname(socketPath) });
  }

  async #close(): Promise<void> {
    const { link, owned, lifecycle, logger, socketPath } = this.#parts;
    await link.close();
    try {
      await owned?.stop();
    } finally {
      await lifecycle.dispose();
      logger.debug({ socketPath }, 'closed');
    }
  }

  /** Say more of a lost connection: the end of a server that is this process's child. */
  async #explain(error: PodherdError | undefined): Promise<PodherdError | undefined> {
    const { owned, logger } = this.#parts;
    if (error === undefined || owned === null) return error;
    const how = await owned.endsWithin(ENDING_MS);
    if (how === null) return error;
    const words = owned.lastWords;
    const message = `the server ended: ${how}${words === '' ? '' : `; it said: ${words}`}`;
    logger.warn({ server: owned.pid }, message);
    return new PodherdError('CONNECTION_CLOSED', message, { cause: error });
  }
}
