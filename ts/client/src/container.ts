import { attach, type AttachOptions } from './attach/attach.js';
import type { AttachSession } from './attach/session.js';
import { exec, type ExecOptions, type ExecResult } from './exec.js';
import { PodherdError } from './errors.js';
import { EventStream, type EventLink, type EventsOptions } from './events/stream.js';
import type { ExitState } from './exit-state.js';
import type { PodherdClient, ServerInfo } from './generated/podherd.js';
import type { Lifecycle, StoppedStatus } from './lifecycle/lifecycle.js';
import { readLogs, type LogsOptions } from './logs/logs.js';
import type { LogRecord } from './logs/record.js';
import { callerOptions } from './rpc/caller.js';
import type { CallOptions } from './rpc/deadline.js';
import { serveAttach, type ServeAttachOptions, serveExec, type ServeExecOptions } from './serve.js';
import { signalNumber } from './signals.js';
import { type Exec } from './spawn/exec.js';
import { spawn, type SpawnOptions } from './spawn/spawn.js';
import type { ContainerStats } from './stats/container-stats.js';
import type { ContainerState, ContainerStatus } from './status.js';

export interface KillOptions extends CallOptions {
  /** Signal every process in the container's cgroup, not just init. */
  all?: boolean | undefined;
}

export interface DeleteOptions extends CallOptions {
  /** Kill a container that lives first. */
  force?: boolean | undefined;
}

export interface WaitOptions<S extends ContainerState> extends CallOptions {
  /** Default `exited`. A later state will do as well. */
  until?: S | undefined;
}

export interface StopOptions extends CallOptions {
  /** Default: the container's own, which is SIGTERM unless it was created with another. */
  stopSignal?: NodeJS.Signals | number | undefined;
  /** Milliseconds after it until everything is killed. Default: the container's own. */
  graceMs?: number | undefined;
}

/** What has to be known of the way to the server. */
export interface ContainerLink extends EventLink {
  readonly info: ServerInfo | null;
}

/** What a container is reached by. */
export interface ContainerParts {
  readonly client: PodherdClient;
  readonly link: ContainerLink;
  readonly lifecycle: Lifecycle;
  /** The server's runtime directory. */
  readonly directory: string;
}

/**
 * One container of a pod. It is a name for it, not a hold on it: nothing happens to the container when
 * this object goes, and several may stand for the same one.
 */
export class Container {
  readonly id: string;
  readonly #client: PodherdClient;
  readonly #link: ContainerLink;
  readonly #lifecycle: Lifecycle;
  readonly #directory: string;

  /** @internal Use `Pod.createContainer` or `Pod.get`. */
  constructor(id: string, { client, link, lifecycle, directory }: ContainerParts) {
    this.id = id;
    this.#client = client;
    this.#link = link;
    this.#lifecycle = lifecycle;
    this.#directory = directory;
  }

  /** What is known of it now. Given up: nothing happens. */
  status(options: CallOptions = {}): Promise<ContainerStatus> {
    return this.#lifecycle.status(this.id, options);
  }

  /**
   * Run the container's own process. Given up: a Podherd server carries it through; whether the process runs
   * is to be asked with `status`.
   *
   * @throws PodherdError `CONTAINER_NOT_CREATED` for one that was started before
   */
  start(options: CallOptions = {}): Promise<void> {
    return this.#lifecycle.start(this.id, options);
  }

  /**
   * Wait until it has ended, however long that takes, and tell how. Given up: nothing happens to the
   * container. An end before the call is told as well, as long as the container is not deleted.
   */
  wait(options?: WaitOptions<'exited'>): Promise<ExitState>;
  /** Wait until it has reached a state. */
  wait(options: WaitOptions<ContainerState>): Promise<ContainerStatus>;
  async wait(options: WaitOptions<ContainerState> = {}): Promise<ContainerStatus | ExitState> {
    const until = options.until ?? 'exited';
    const status = await this.#lifecycle.wait(this.id, until, options);
    if (until !== 'exited') return status;
    if (status.exit === null)
      throw new PodherdError('PROTOCOL_ERROR', `the server does not say how ${this.id} ended`);
    return status.exit;
  }

  /**
   * Send a signal, by name ("SIGTERM") or number. Given up: it may have been sent.
   *
   * @throws PodherdError `CONTAINER_NOT_RUNNING` when it has ended
   */
  async kill(signal: NodeJS.Signals | number = 'SIGTERM', options: KillOptions = {}): Promise<void> {
    await this.#lifecycle.kill(this.id, signalNumber(signal), options.all === true ? 'all' : 'init', options);
  }

  /**
   * Send the stop signal to init, wait, and kill every process of it when the time of grace is over. Resolves when it
   * has ended, at once when it had. Given up: a Podherd server carries it through.
   */
  stop(options: StopOptions = {}): Promise<StoppedStatus> {
    const { stopSignal, graceMs } = options;
    const signal = stopSignal === undefined ? undefined : signalNumber(stopSignal);
    return this.#lifecycle.stop(this.id, { signal, graceMs }, options);
  }

  /**
   * Forget it and delete the runtime's state of it; the id is free then. Given up: it goes on.
   *
   * @throws PodherdError `CONTAINER_ALIVE` when it has not ended, unless `force` is set
   */
  delete(options: DeleteOptions = {}): Promise<void> {
    return this.#lifecycle.delete(this.id, options.force ?? false, options);
  }

  /**
   * Run a command in it and wait for its end. Given up: the command is killed with all that came of it.
   *
   * @throws PodherdError `COMMAND_NOT_FOUND`, `COMMAND_NOT_EXECUTABLE`; a command that fails is no error
   */
  exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return exec(this.#client, this.id, command, options);
  }

  /**
   * Run a command in it and get at its streams while it runs. Read its outputs, or `resume()` them: what is not read
   * holds the command up. Given up, or the connection lost: the command is killed with all that came of it.
   *
   * @throws PodherdError `COMMAND_NOT_FOUND`, `COMMAND_NOT_EXECUTABLE`, `CONTAINER_NOT_RUNNING`
   */
  spawn(command: readonly string[], options: SpawnOptions = {}): Promise<Exec> {
    return spawn(this.#client, this.id, command, options);
  }

  /**
   * Get at its streams: what it writes from now on, also to other sessions, and its input. Attach before `start` to
   * miss nothing. Given up: there is no session, or it ends; nothing happens to the container.
   *
   * Over a socket (`transport: 'socket'`, and for servers without our interface) it needs the package `@podherd/node`.
   *
   * @throws PodherdError `CONTAINER_NOT_RUNNING` when it has ended, `ADDON_UNAVAILABLE`
   */
  attach(options: AttachOptions = {}): Promise<AttachSession> {
    const place = { client: this.#client, info: this.#link.info, directory: this.#directory };
    return attach(place, this.id, options);
  }

  /**
   * A URL that runs a command in it, with its streams over WebSocket, as the kubelet gives it to kubectl. It is good
   * for one use, and for a minute, unless the server was started otherwise.
   */
  serveExec(command: readonly string[], options: ServeExecOptions = {}): Promise<string> {
    return serveExec(this.#client, this.id, command, options);
  }

  /** A URL with its streams over WebSocket, as with `serveExec`. */
  serveAttach(options: ServeAttachOptions = {}): Promise<string> {
    return serveAttach(this.#client, this.id, options);
  }

  /** What it uses, from its cgroup. @throws PodherdError `CONTAINER_NOT_RUNNING` when it has ended */
  async stats(options: CallOptions = {}): Promise<ContainerStats> {
    const { containers } = await this.#lifecycle.stats([this.id], options);
    const stats = containers.find(({ id }) => id === this.id);
    if (stats === undefined)
      throw new PodherdError('PROTOCOL_ERROR', `the server answered without the stats of ${this.id}`);
    return stats;
  }

  /** Watch what happens to it; see `Pod.events`. Gaps are told too: they may have been about it. */
  events(options: EventsOptions = {}): EventStream {
    const client = this.#lifecycle.kind === 'podherd' ? this.#client : null;
    return new EventStream(client, this.#link, options, this.id);
  }

  /**
   * Read its log: the files of its first sink that has any, rotated ones too, oldest first. They are read on this
   * machine. With `follow` it goes on until the container has ended and all is read.
   *
   * @throws PodherdError `LOG_UNAVAILABLE` (at the first record) when it has no log file
   */
  logs(options: LogsOptions = {}): AsyncGenerator<LogRecord, void, undefined> {
    return readLogs(this.#lifecycle, this.id, options);
  }

  /** Resize its terminal. @throws PodherdError `NO_TERMINAL` for one without */
  async resize(columns: number, rows: number, options: CallOptions = {}): Promise<void> {
    const request = { id: this.id, width: columns, height: rows };
    await this.#client.setWindowSizeContainer({ request }, callerOptions(`resize of ${this.id}`, options));
  }

  /** Open its log files anew, after they were renamed. Given up: it may have been done. */
  async reopenLog(options: CallOptions = {}): Promise<void> {
    await this.#client.reopenLogContainer(
      { request: { id: this.id } },
      callerOptions(`log of ${this.id}`, options),
    );
  }
}
